// queue_file: any bytes as a queue file, read whole.
//
//   read(x)                       =   reference::read_queue_file(x), where that claims something
//   memory of read(x)            <=   kMemoryMin + kMemoryPerByte |x|; with pointers, which can lead anywhere again and
//                                     again: kMemoryMax
//   write(read(x)) = y            =>  read(y) is what the writer says, and write(read(y)) = y
//   without pointers: read(x with the done mark of recipient r)  =  read(x) without r
//                     read(x with warn_sent())                   =  read(x) with no warning due
//   unpack(pack(reader))          =   reader
#include <string>
#include <vector>

#include "codec/queue_file.hpp"
#include "codec/queue_file_writer.hpp"
#include "contract/check.hpp"
#include "fuzz/memory.hpp"
#include "fuzz/reference/queue_file.hpp"
#include "fuzz/target.hpp"

namespace weir::fuzz {
namespace {

using codec::QueueFileReader;

constexpr std::int64_t kAllRecipients = 1'000'000;
constexpr std::int64_t kRecipientsOfLoops = 5000;  // as the queue manager reads at most at once
constexpr std::size_t kMemoryMin = 160 * 1024;
constexpr std::size_t kMemoryPerByte = 256;  // a recipient may take two bytes of the file
constexpr std::size_t kMemoryMax = std::size_t{192} << 20;
constexpr std::size_t kComparedMax = 16384;  // a loop reads its file ten thousand times

struct Reading {
  QueueFileReader reader;
  codec::ReadOutcome outcome;
  [[nodiscard]] const Envelope& envelope() const { return reader.envelope(); }
  [[nodiscard]] const std::vector<Recipient>& recipients() const { return outcome.batch.recipients; }
};

bool may_loop(std::string_view bytes) { return bytes.find('p') != std::string_view::npos; }

Reading read(std::string_view bytes) {
  Reading reading;
  codec::MemoryBytes source(bytes);
  const std::int64_t at_most = may_loop(bytes) ? kRecipientsOfLoops : kAllRecipients;
  reading.outcome = reading.reader.read(source, {"ID", "active/ID"}, at_most, {}, {});
  return reading;
}

Reading read_measured(std::string_view bytes) {
  const MemoryMeter meter;
  Reading reading = read(bytes);
  const std::size_t bound = may_loop(bytes) ? kMemoryMax : kMemoryMin + kMemoryPerByte * bytes.size();
  WEIR_CHECK(meter.peak() <= bound);
  return reading;
}

void check_reference(std::string_view bytes, const Reading& reading) {
  if (bytes.size() > kComparedMax || reading.reader.more()) return;
  const auto expected = reference::read_queue_file(std::string{bytes});
  if (!expected) return;
  WEIR_CHECK(reading.outcome.ok() == expected->good);
  if (!expected->good) return;
  WEIR_CHECK(reading.recipients() == expected->recipients);
  Envelope envelope = reading.envelope();
  if (!expected->arrival_claimed) envelope.arrival = {};
  WEIR_CHECK(envelope == expected->envelope);
}

void check_written(const Reading& reading) {
  codec::QueueFileParts parts;
  parts.envelope = reading.envelope();
  parts.recipients = reading.recipients();
  parts.lines = {"Subject: x", "", "text"};
  const codec::QueueFileText written = codec::write_queue_file(parts);
  const Reading again = read(written.bytes);
  WEIR_CHECK(again.outcome.ok());
  if (again.reader.more()) return;
  WEIR_CHECK(again.envelope() == written.envelope && again.recipients() == written.recipients);
  WEIR_CHECK(again.recipients().size() == reading.recipients().size());
  parts.envelope = again.envelope();
  parts.recipients = again.recipients();
  WEIR_CHECK(codec::write_queue_file(parts).bytes == written.bytes);
}

std::string patched(std::string_view bytes, const codec::Patch& patch) {
  std::string out{bytes};
  WEIR_CHECK(patch.offset >= 0 && static_cast<std::size_t>(patch.offset) + patch.bytes.size() <= out.size());
  return out.replace(static_cast<std::size_t>(patch.offset), patch.bytes.size(), patch.bytes);
}

void check_done_marks(std::string_view bytes, const Reading& reading) {
  const auto& recipients = reading.recipients();
  for (std::size_t i = 0; i < recipients.size(); i += 1 + recipients.size() / 2) {
    const Reading again = read(patched(bytes, codec::done_mark(recipients[i].offset)));
    auto expected = recipients;
    expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(i));
    WEIR_CHECK(again.outcome.ok() && again.recipients() == expected && again.envelope() == reading.envelope());
  }
}

void check_warn_sent(std::string_view bytes, const Reading& reading) {
  const auto patch = reading.reader.warn_sent();
  if (!patch) return;
  const Reading again = read(patched(bytes, *patch));
  WEIR_CHECK(again.outcome.ok() && again.recipients() == reading.recipients());
  const bool killed = patch->bytes == "K";
  if (!killed) WEIR_CHECK(again.envelope().warn_time.count() == -1);
}

void check_packed(const QueueFileReader& reader) {
  std::string packed;
  reader.pack(packed);
  WEIR_CHECK(QueueFileReader::unpack(packed) == reader);
}

}  // namespace

void run(std::string_view input) {
  const Reading reading = read_measured(input);
  WEIR_CHECK(reading.outcome.ok() == reading.outcome.reason.empty());
  check_packed(reading.reader);
  check_reference(input, reading);
  if (!reading.outcome.ok()) return;
  check_written(reading);
  if (may_loop(input)) return;
  check_done_marks(input, reading);
  check_warn_sent(input, reading);
}

}  // namespace weir::fuzz
