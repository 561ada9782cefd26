// The recorded queue files, good and damaged, against what postcat and the real queue manager made of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "codec/queue/reading.hpp"
#include "support/vectors.hpp"

namespace weir::codec {
namespace {

using nlohmann::json;
using testing::Reading;

json manifest(const std::string& path) {
  return json::parse(testing::file_bytes(testing::vectors() / "queue-files" / path));
}

std::string text_or_empty(const json& value) { return value.is_null() ? "" : value.get<std::string>(); }

// Everything in a delivery request that comes from the file.
void expect_requests(const json& requests, const Envelope& envelope, const std::vector<Recipient>& recipients,
                     bool observes_all_recipients) {
  std::map<std::int64_t, const Recipient*> by_offset;
  for (const Recipient& recipient : recipients) by_offset[recipient.offset] = &recipient;
  std::set<std::int64_t> requested;
  for (const json& request : requests) {
    const json& attrs = request["attrs"];
    EXPECT_EQ(attrs["offset"], std::to_string(envelope.data_offset));
    EXPECT_EQ(attrs["size"], std::to_string(envelope.content_length));
    EXPECT_EQ(attrs["encoding"], envelope.encoding);
    if (envelope.verp_delimiters.empty()) {
      EXPECT_EQ(attrs["sender"], envelope.sender);
    }
    EXPECT_EQ(attrs["envelope_id"], envelope.envelope_id);
    EXPECT_EQ(attrs["ret_flags"], std::to_string(envelope.return_flags));
    EXPECT_EQ(attrs["log_client_name"], envelope.client.name);
    EXPECT_EQ(attrs["log_client_address"], envelope.client.address);
    EXPECT_EQ(attrs["log_client_port"], envelope.client.port);
    EXPECT_EQ(attrs["log_protocol_name"], envelope.client.protocol);
    EXPECT_EQ(attrs["log_helo_name"], envelope.client.helo);
    EXPECT_EQ(attrs["sasl_method"], envelope.sasl_method);
    EXPECT_EQ(attrs["sasl_username"], envelope.sasl_username);
    EXPECT_EQ(attrs["sasl_sender"], envelope.sasl_sender);
    EXPECT_EQ(attrs["log_ident"], envelope.log_ident);
    EXPECT_EQ(attrs["rewrite_context"], envelope.rewrite_context);
    const auto smtputf8 = std::stoi(attrs["smtputf8"].get<std::string>());
    constexpr int kRecipientBit = 8;  // of a request, for a recipient that needs it
    EXPECT_EQ(smtputf8 & ~kRecipientBit, envelope.smtputf8 & ~kRecipientBit);
    const auto flags = static_cast<unsigned>(std::stoi(attrs["flags"].get<std::string>()));
    constexpr unsigned kOfScheduler = kDeliverCacheLoad | kDeliverCacheStore;
    EXPECT_EQ(flags & ~kOfScheduler, (envelope.inspect ? 2U : 3U) | envelope.trace_flags);
    if (request.contains("incoming_arrival")) {
      const json& arrival = request["incoming_arrival"];
      const std::int64_t micros = arrival[0].get<std::int64_t>() * 1000000 + arrival[1].get<std::int64_t>();
      EXPECT_EQ(envelope.arrival.since_epoch.count(), micros);
    }
    for (const json& row : request["recipients"]) {
      const auto offset = row[0].get<std::int64_t>();
      requested.insert(offset);
      if (envelope.redirect) continue;  // the redirect address stands in place of the recipient
      ASSERT_TRUE(by_offset.count(offset)) << "recipient at " << offset;
      const Recipient& recipient = *by_offset[offset];
      EXPECT_EQ(row[2], recipient.original);
      EXPECT_EQ(row[3], recipient.dsn_orcpt);
      EXPECT_EQ(row[4], recipient.notify);
    }
  }
  if (!observes_all_recipients) return;
  for (const Recipient& recipient : recipients) EXPECT_TRUE(requested.count(recipient.offset)) << recipient.offset;
}

void expect_recipients(const json& expected, const std::vector<Recipient>& recipients) {
  std::vector<Recipient> waiting;
  for (const json& row : expected) {
    if (row["mark"] != "R") continue;
    waiting.push_back({row["offset"], row["address"], text_or_empty(row["original"]), text_or_empty(row["dsn_orcpt"]),
                       row["dsn_notify"]});
  }
  ASSERT_EQ(recipients.size(), waiting.size());
  EXPECT_EQ(recipients, waiting);
}

void expect_envelope(const json& expected, const Envelope& envelope) {
  const json& size = expected["size"];
  EXPECT_EQ(envelope.data_size, size["segment_size"]);
  EXPECT_EQ(envelope.data_offset, size["content_offset"]);
  EXPECT_EQ(envelope.content_length, size["content_length"]);
  EXPECT_EQ(envelope.smtputf8, size["smtputf8_flags"]);
  EXPECT_EQ(envelope.success_notify, (size["qmgr_flags"].get<int>() & 4) != 0);
  EXPECT_EQ(envelope.sender, expected["sender"]);
  EXPECT_EQ(envelope.arrival.seconds().count(), expected["arrival_time"]);
  EXPECT_EQ(envelope.create_time.count(), expected["create_time"]);
  EXPECT_EQ(envelope.warn_time.count(),
            expected["warn_time"].is_null() ? 0 : expected["warn_time"].get<std::int64_t>());
  EXPECT_EQ(envelope.warn_offset, expected["warn_offset"].is_null() ? 0 : expected["warn_offset"].get<std::int64_t>());
  EXPECT_EQ(envelope.envelope_id, text_or_empty(expected["dsn_envid"]));
  EXPECT_EQ(envelope.return_flags, expected["dsn_ret"].is_null() ? 0 : expected["dsn_ret"].get<int>());
  EXPECT_EQ(envelope.encoding, text_or_empty(expected["encoding"]));
  EXPECT_EQ(envelope.verp_delimiters, text_or_empty(expected["verp"]));
  EXPECT_EQ(envelope.trace_flags, expected["trace_flags"].is_null() ? 0 : expected["trace_flags"].get<unsigned>());
  EXPECT_EQ(envelope.filter.has_value(), !expected["filter"].empty());
  if (envelope.filter) {
    EXPECT_EQ(*envelope.filter, expected["filter"].back()[1]);
  }
  EXPECT_EQ(envelope.redirect.has_value(), !expected["redirect"].empty());
  if (envelope.redirect) {
    EXPECT_EQ(*envelope.redirect, expected["redirect"].back()[1]);
  }
  if (envelope.trace_flags == kTraceRecord) {
    EXPECT_EQ(envelope.trace_offset, expected["trace_flags_offset"]);
  }
}

TEST(QueueFileVectors, GoodFilesAreReadAsPostcatReadsThem) {
  const json files = manifest("manifest.json");
  ASSERT_EQ(files.size(), 93U);
  for (const json& row : files) {
    SCOPED_TRACE(row["file"].get<std::string>());
    const auto bytes = testing::file_bytes(testing::vectors() / "queue-files" / row["file"]);
    Reading reading{bytes};
    const auto outcome = reading.read(100000);
    ASSERT_TRUE(outcome.ok()) << outcome.reason;
    EXPECT_FALSE(outcome.batch.more);
    EXPECT_EQ(outcome.batch.unread, 0);
    expect_envelope(row["expect"], reading.envelope());
    expect_recipients(row["expect"]["recipients"], outcome.batch.recipients);
  }
}

TEST(QueueFileVectors, GoodFilesAreReadAsTheQueueManagerReadsThem) {
  int observed = 0;
  for (const json& row : manifest("manifest.json")) {
    if (!row.contains("qmgr")) continue;
    ++observed;
    SCOPED_TRACE(row["file"].get<std::string>());
    const json& qmgr = row["qmgr"];
    const auto bytes = testing::file_bytes(testing::vectors() / "queue-files" / row["file"]);
    Reading reading{bytes};
    const auto outcome = reading.read(100000);
    const std::string from = "QID: from=<" + text_or_empty(qmgr["log_from"]) + ">, size=" + qmgr["log_size"].dump() +
                             ", nrcpt=" + qmgr["log_nrcpt"].dump() + " (queue active)";
    EXPECT_EQ(reading.log, std::vector<std::string>{from});
    const bool all = !reading.envelope().redirect;
    expect_requests(qmgr["requests"], reading.envelope(), outcome.batch.recipients, all);
  }
  EXPECT_EQ(observed, 92);
}

TEST(QueueFileVectors, GoodFilesReadInBatchesOfAnySizeGiveTheSameRecipients) {
  for (const json& row : manifest("manifest.json")) {
    SCOPED_TRACE(row["file"].get<std::string>());
    const auto bytes = testing::file_bytes(testing::vectors() / "queue-files" / row["file"]);
    for (const std::int64_t at_most : {1, 2, 3, 7, 50, 1000}) {
      Reading reading{bytes};
      std::vector<Recipient> recipients;
      bool more = true;
      while (more) {
        auto outcome = reading.read(at_most);
        ASSERT_TRUE(outcome.ok()) << outcome.reason;
        EXPECT_LE(static_cast<std::int64_t>(outcome.batch.recipients.size()), at_most);
        EXPECT_EQ(outcome.batch.more, static_cast<std::int64_t>(outcome.batch.recipients.size()) == at_most);
        more = outcome.batch.more;
        std::move(outcome.batch.recipients.begin(), outcome.batch.recipients.end(), std::back_inserter(recipients));
      }
      expect_recipients(row["expect"]["recipients"], recipients);
      EXPECT_EQ(reading.log.size(), 1U);
    }
  }
}

// Lines that the reader does not write: those of the move, of the removal, and of agents.
bool is_of_reader(const std::string& line) {
  return line.find("saving corrupt file") == line.npos && line.find("QID: removed") == line.npos &&
         line.find("connect to transport") == line.npos && line.find("postfix/master:") == line.npos;
}

std::vector<std::string> reader_lines(const json& log) {
  constexpr std::string_view kTag = "postfix/qmgr: ";
  std::vector<std::string> lines;
  for (const json& value : log) {
    const auto line = value.get<std::string>();
    if (!is_of_reader(line)) continue;
    lines.push_back(line.substr(line.compare(0, kTag.size(), kTag) == 0 ? kTag.size() : 0));
  }
  return lines;
}

// Loops that deliver until the guard stops them: see the test of their own.
bool is_endless(const json& row) { return row["incoming"].contains("requests_summary"); }

// The three files that the real program dies of, again and again (spec/divergences.md).
const std::map<std::string, std::vector<std::string>> kFatalForTheRealOne = {
    {"size-dsize-longmax.queue", {"warning: seek file active/QID: Invalid argument"}},
    {"size-dsize-overflow.queue", {"warning: seek file active/QID: Invalid argument"}},
    {"size-1field.queue", {"warning: bad extra offset  file active/QID"}},
};

//= R-QUE-06 test
//= R-DIA-03 test
TEST(QueueFileVectors, DamagedFilesAreJudgedAsTheQueueManagerJudgesThem) {
  const json files = manifest("malformed/manifest.json");
  ASSERT_EQ(files.size(), 190U);
  int corrupt = 0, accepted = 0, fatal = 0, endless = 0;
  for (const json& row : files) {
    const auto name = row["file"].get<std::string>();
    SCOPED_TRACE(name);
    if (is_endless(row)) {
      ++endless;
      continue;
    }
    const json& seen = row["incoming"];
    const auto bytes = testing::file_bytes(testing::vectors() / "queue-files/malformed" / name);
    Reading reading{bytes};
    const auto outcome = reading.read();
    auto lines = reader_lines(seen["log"]);
    const auto what = seen["outcome"].get<std::string>();
    if (what.rfind("queue manager dies", 0) == 0) {
      ++fatal;
      ASSERT_TRUE(kFatalForTheRealOne.count(name));
      lines.back() = kFatalForTheRealOne.at(name).front();
      EXPECT_EQ(outcome.damage, Damage::corrupt);
    } else if (what == "moved to corrupt") {
      ++corrupt;
      EXPECT_FALSE(outcome.ok());
      EXPECT_FALSE(outcome.reason.empty());
      const std::string missing_end = "warning: QID: message rejected: missing end record";
      const bool no_end = std::count(lines.begin(), lines.end(), missing_end) > 0;
      EXPECT_EQ(outcome.damage, no_end ? Damage::incomplete : Damage::corrupt);
    } else {
      ++accepted;
      EXPECT_TRUE(outcome.ok()) << outcome.reason;
      if (seen.contains("requests")) {
        expect_requests(seen["requests"], reading.envelope(), outcome.batch.recipients, !reading.envelope().redirect);
      } else {
        EXPECT_TRUE(outcome.batch.recipients.empty());
      }
    }
    EXPECT_EQ(reading.log, lines);
  }
  EXPECT_EQ(corrupt + accepted + fatal + endless, 190);
  EXPECT_EQ(fatal, 3);
  EXPECT_EQ(endless, 3);
}

// As above, but for what the real oqmgr was seen to say otherwise of the same files: nothing of a count that does not
// come out even, and the number of the size record even if recipients came before the sender, or there is none.
TEST(QueueFileVectors, OqmgrSaysTheSameOfDamagedFilesButForTheCount) {
  const std::map<std::string, std::string> kOtherNumber = {{"size-oldstyle-valid.queue", "0"},
                                                           {"sender-after-rcpt.queue", "2"}};
  int fewer = 0;
  for (const json& row : manifest("malformed/manifest.json")) {
    const auto name = row["file"].get<std::string>();
    if (is_endless(row) || kFatalForTheRealOne.count(name) != 0) continue;
    SCOPED_TRACE(name);
    Reading reading{testing::file_bytes(testing::vectors() / "queue-files/malformed" / name)};
    reading.settings.counts_unread = false;
    (void)reading.read();
    auto lines = reader_lines(row["incoming"]["log"]);
    const auto is_count = [](const std::string& line) { return line.find("rcpt count mismatch") != line.npos; };
    fewer += std::erase_if(lines, is_count) != 0 ? 1 : 0;
    const auto number = kOtherNumber.find(name);
    if (number != kOtherNumber.end())
      lines.at(0) = "QID: from=<s@weir.example>, size=267, nrcpt=" + number->second + " (queue active)";
    EXPECT_EQ(reading.log, lines);
  }
  EXPECT_EQ(fewer, 53);
}

// Pointer loops: batches come until the guard has counted enough jumps back, then no read succeeds any more.
// How many recipients each batch has is the scheduler's; how many come in all is not.
struct Loop {
  std::string file;
  std::vector<std::int64_t> batches;  // as observed, with the sizes of equal ones times their number
  std::int64_t more_recipients;       // read by the batch that fails
};

class QueueFileLoops : public ::testing::TestWithParam<Loop> {};

TEST_P(QueueFileLoops, EndAtTheJumpWhereTheRealOneEnds) {
  const Loop& loop = GetParam();
  const auto bytes = testing::file_bytes(testing::vectors() / "queue-files/malformed" / loop.file);
  Reading reading{bytes};
  for (const auto size : loop.batches) {
    const auto outcome = reading.read(size);
    ASSERT_TRUE(outcome.ok()) << outcome.reason;
    ASSERT_EQ(static_cast<std::int64_t>(outcome.batch.recipients.size()), size);
    ASSERT_TRUE(outcome.batch.more);
    EXPECT_EQ(outcome.batch.unread, 0);
  }
  const std::string too_many = "warning: active/QID: too many reverse jump records";
  const std::string mismatch = "warning: QID: rcpt count mismatch (-" + std::to_string(loop.more_recipients) + ")";
  reading.log.clear();
  EXPECT_EQ(reading.read(5000).damage, Damage::corrupt);
  EXPECT_EQ(reading.log, (std::vector<std::string>{too_many, mismatch}));
  reading.log.clear();
  EXPECT_EQ(reading.read(5000).damage, Damage::corrupt);
  EXPECT_EQ(reading.log, std::vector<std::string>{too_many});
}

std::vector<std::int64_t> batches(std::initializer_list<std::pair<int, std::int64_t>> runs) {
  std::vector<std::int64_t> sizes;
  for (const auto& run : runs) sizes.insert(sizes.end(), static_cast<std::size_t>(run.first), run.second);
  return sizes;
}

INSTANTIATE_TEST_SUITE_P(
    Observed, QueueFileLoops,
    ::testing::Values(Loop{"ptr-back-to-start.queue", batches({{4, 5000}}), 4},
                      Loop{"milter-heap-loop.queue", batches({{4, 5000}, {1, 110}, {94, 100}, {3, 150}}), 45},
                      Loop{"milter-heap-loop.queue", batches({{4, 5000}, {1, 110}, {98, 100}}), 95},
                      Loop{"milter-E-removed.queue", batches({{4, 5000}, {1, 110}, {94, 100}, {3, 150}}), 45}));

}  // namespace
}  // namespace weir::codec
