// queue_refill: any bytes as a queue file, read in batches.
//
//   x = (sizes, file), file beginning with its size record:
//   read(file, all) ok, first batch ok  =>  every batch is ok; none is larger than asked for; a full one has more, another
//                                           one has not; together they are read(file, all), in order
//   a reader that is packed and unpacked between two batches gives the same
//   the unread count is what is left, where the size record told the truth
#include <string>
#include <vector>

#include "codec/queue_file.hpp"
#include "contract/check.hpp"
#include "fuzz/bytes.hpp"
#include "fuzz/target.hpp"

namespace weir::fuzz {
namespace {

using codec::QueueFileReader;

constexpr std::int64_t kAllRecipients = 20000;

codec::ReadOutcome read(QueueFileReader& reader, std::string_view file, std::int64_t at_most) {
  codec::MemoryBytes source(file);
  return reader.read(source, {"ID", "active/ID"}, at_most, {}, {});
}

void repack(QueueFileReader& reader) {
  std::string packed = "in front";
  const std::size_t before = packed.size();
  reader.pack(packed);
  reader = QueueFileReader::unpack(std::string_view{packed}.substr(before));
}

// The size of batch number `i`.
std::int64_t size_of(std::uint8_t first, std::uint8_t second, std::size_t i) {
  return 1 + (i % 2 == 0 ? first : second) % 16;
}

}  // namespace

void run(std::string_view input) {
  Bytes bytes(input);
  const std::uint8_t first_size = bytes.byte();
  const std::uint8_t second_size = bytes.byte();
  const std::string_view file = bytes.rest();
  if (!file.starts_with('C')) return;

  QueueFileReader whole;
  const auto all = read(whole, file, kAllRecipients);
  QueueFileReader reader;
  std::vector<Recipient> recipients;
  for (std::size_t i = 0;; ++i) {
    const std::int64_t at_most = size_of(first_size, second_size, i);
    const auto outcome = read(reader, file, at_most);
    const auto count = static_cast<std::int64_t>(outcome.batch.recipients.size());
    WEIR_CHECK(count <= at_most && (!outcome.ok() || outcome.batch.more == reader.more()));
    if (!all.ok() || whole.more()) {
      if (!outcome.ok() || !reader.more() || i > 64) return;
    } else if (!outcome.ok()) {
      WEIR_CHECK(i == 0);  // what it needs to know stands behind the recipients, in a file that promises otherwise
      return;
    }
    WEIR_CHECK(outcome.batch.more == (count == at_most));
    WEIR_CHECK(outcome.batch.unread >= 0 && outcome.batch.unread == reader.unread());
    recipients.insert(recipients.end(), outcome.batch.recipients.begin(), outcome.batch.recipients.end());
    repack(reader);
    if (!reader.more()) break;
    WEIR_CHECK(recipients.size() <= static_cast<std::size_t>(kAllRecipients));
  }
  if (!all.ok() || whole.more()) return;
  WEIR_CHECK(recipients == all.batch.recipients);
  const auto after = read(reader, file, 1);
  WEIR_CHECK(after.ok() && after.batch.recipients.empty());
}

}  // namespace weir::fuzz
