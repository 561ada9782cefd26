// record: any bytes as records, one after the other.
//
//   read_record at p = ok        =>  the record lies within x, the position is behind it, its payload is x's bytes there,
//                                    and append_record makes one that reads the same
//   read_record at p = not ok    =>  the same at p again; describe() has a line, but for `end`
//   parse_offset(x) = n          =>  parse_offset(decimal(n)) = n
//   any window, any place        =   the bytes of x
#include <string>
#include <tuple>

#include "codec/queue_text.hpp"
#include "codec/record.hpp"
#include "contract/check.hpp"
#include "fuzz/bytes.hpp"
#include "fuzz/target.hpp"

namespace weir::fuzz {
namespace {

using codec::Record;
using codec::RecordStatus;

bool all(int) { return true; }
bool none(int) { return false; }

void check_made_again(const Record& record) {
  std::string bytes;
  codec::append_record(bytes, record.type, record.payload);
  codec::MemoryBytes source(bytes);
  codec::ByteWindow window(source);
  Record again;
  WEIR_CHECK(codec::read_record(window, all, again) == RecordStatus::ok);
  WEIR_CHECK(again.type == record.type && again.payload == record.payload);
  WEIR_CHECK(again.header_size <= record.header_size);
  WEIR_CHECK(window.position() == static_cast<std::int64_t>(bytes.size()));
}

void check_texts(std::string_view text) {
  std::int64_t offset = 0;
  if (codec::parse_offset(text, offset)) {
    std::int64_t again = -1;
    WEIR_CHECK(offset >= 0 && codec::parse_offset(std::to_string(offset), again) && again == offset);
  }
  const auto attribute = codec::parse_named_attribute(text);
  WEIR_CHECK(!attribute.error.empty() || !attribute.name.empty());
  if (const auto flags = codec::parse_return_flags(attribute.value)) WEIR_CHECK(*flags == 1 || *flags == 2);
  const auto size = codec::parse_size_fields(text);
  WEIR_CHECK(size.count >= 0 && size.count <= 6);
  if (const auto notify = codec::parse_notify(text)) WEIR_CHECK(codec::parse_notify(std::to_string(*notify)) == notify);
  if (const auto flags = codec::parse_return_flags(text)) WEIR_CHECK(*flags == 1 || *flags == 2);
}

void read_all(std::string_view input) {
  codec::MemoryBytes source(input), skipping_source(input);
  codec::ByteWindow window(source), skipping(skipping_source);
  while (true) {
    const auto start = window.position();
    Record record, skipped;
    const RecordStatus status = codec::read_record(window, all, record);
    const RecordStatus other = codec::read_record(skipping, none, skipped);
    // Only what is to be kept can be too long.
    WEIR_CHECK(status == other || status == RecordStatus::payload_too_long);
    WEIR_CHECK(codec::describe(status, record).empty() == (status == RecordStatus::ok || status == RecordStatus::end));
    if (status != RecordStatus::ok) return;
    WEIR_CHECK(record.offset == start && record.header_size >= 2);
    WEIR_CHECK(record.header_size <= 1 + codec::kLengthBytesMax);
    const auto payload_at = static_cast<std::size_t>(start + record.header_size);
    const auto length = static_cast<std::size_t>(record.length);
    WEIR_CHECK(payload_at <= input.size() && length <= input.size() - payload_at);
    WEIR_CHECK(record.payload == input.substr(payload_at, length));
    WEIR_CHECK(window.position() == static_cast<std::int64_t>(payload_at + length));
    WEIR_CHECK(skipping.position() == window.position() && skipped.payload.empty());
    WEIR_CHECK(skipped.type == record.type && skipped.length == record.length);
    check_made_again(record);
    check_texts(record.text());
  }
}

void look_around(std::string_view input) {
  codec::MemoryBytes source(input);
  codec::ByteWindow window(source);
  Bytes choices(input.substr(0, 64));
  const auto size = static_cast<std::int64_t>(input.size());
  while (!choices.empty()) {
    const auto place = static_cast<std::int64_t>(choices.number(2));
    const auto distance = static_cast<std::int64_t>(choices.byte());
    WEIR_CHECK(window.seek(place));
    WEIR_CHECK(window.has(distance) == (distance == 0 || place + distance <= size));
    const int next = window.next();
    if (place < size) {
      WEIR_CHECK(next == static_cast<unsigned char>(input[static_cast<std::size_t>(place)]));
      WEIR_CHECK(window.position() == place + 1);
    } else {
      WEIR_CHECK(next == -1 && window.position() == place);
    }
  }
}

}  // namespace

void run(std::string_view input) {
  read_all(input);
  look_around(input);
}

}  // namespace weir::fuzz
