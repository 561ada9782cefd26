// The reading rules, one by one, on files made for the purpose.
#include <gtest/gtest.h>

#include "codec/queue/reading.hpp"
#include "codec/record.hpp"

namespace weir::codec {
namespace {

using namespace std::string_literals;
using testing::Reading;
using Lines = std::vector<std::string>;

// A file, record by record. The size record stands in front with room for its final text; content() fills it.
class File {
 public:
  File() { append_record(bytes_, 'C', std::string(95, ' ')); }

  File& add(int type, std::string_view payload = "") {
    append_record(bytes_, type, payload);
    return *this;
  }
  File& basics() { return add('T', "1000 5").add('S', "s@x"); }
  File& recipients(int count) {
    for (int i = 0; i < count; ++i) add('R', "r" + std::to_string(++recipients_) + "@x");
    return *this;
  }
  // M, some lines, X.
  File& content(std::int64_t flags = 0) {
    add('M');
    const auto start = size();
    add('N', "hello").add('N', "world");
    const auto length = size() - start;
    add('X');
    std::string text;
    for (const auto value : {length, start, std::int64_t{recipients_}, flags, length, std::int64_t{0}}) {
      text += (text.empty() ? "" : " ") + wide_number(value);
    }
    return size_record(text);
  }
  File& end() { return add('E'); }
  File& size_record(std::string_view text) {
    std::string record;
    append_record(record, 'C', std::string{text} + std::string(95 - text.size(), ' '));
    bytes_.replace(0, record.size(), record);
    return *this;
  }

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(bytes_.size()); }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] std::string& bytes() { return bytes_; }

 private:
  std::string bytes_;
  int recipients_ = 0;
};

// A good file whose envelope has these records after the sender.
File with(std::initializer_list<std::pair<int, std::string>> records) {
  File file;
  file.basics();
  for (const auto& record : records) file.add(record.first, record.second);
  return file.recipients(1).content().end();
}

// What was said besides the line about the sender.
Lines warnings(const Reading& reading) {
  Lines lines;
  for (const std::string& line : reading.log) {
    if (line.rfind("warning: ", 0) == 0) lines.push_back(line.substr(9));
  }
  return lines;
}

struct Result {
  ReadOutcome outcome;
  Envelope envelope;
  Lines warnings;
};

Result read(const File& file) {
  Reading reading{file.bytes()};
  auto outcome = reading.read();
  return {std::move(outcome), reading.envelope(), warnings(reading)};
}
Result read(std::initializer_list<std::pair<int, std::string>> records) { return read(with(records)); }

std::vector<std::string> addresses(const ReadOutcome& outcome) {
  std::vector<std::string> list;
  for (const Recipient& recipient : outcome.batch.recipients) list.push_back(recipient.address);
  return list;
}

TEST(QueueFile, ASmallMessageCostsOneRead) {
  Reading reading{with({}).bytes()};
  EXPECT_TRUE(reading.read().ok());
  EXPECT_EQ(reading.source_reads(), 1);
}

TEST(QueueFile, TheContentIsNotRead) {
  File file;
  file.basics().recipients(1).add('M');
  const auto start = file.size();
  for (int i = 0; i < 5000; ++i) file.add('N', std::string(1000, 'x'));
  const auto length = file.size() - start;
  file.add('X').end();
  file.size_record(std::to_string(length) + " " + std::to_string(start) + " 1 0 1 0");
  Reading reading{file.bytes()};
  EXPECT_TRUE(reading.read().ok());
  EXPECT_EQ(reading.source_reads(), 2);
}

TEST(QueueFile, RecipientsHaveOffsetsAndWhatStandsBeforeThem) {
  File file;
  file.basics()
      .add('A', "notify_flags=3")
      .add('A', "notify_flags=6")
      .add('A', "dsn_orig_rcpt=rfc822;o@x")
      .add('O', "o@x");
  const auto offset = file.size();
  const auto outcome = read(file.recipients(2).content().end()).outcome;
  ASSERT_EQ(outcome.batch.recipients.size(), 2U);
  EXPECT_EQ(outcome.batch.recipients[0], (Recipient{offset, "r1@x", "o@x", "rfc822;o@x", 6}));
  EXPECT_EQ(outcome.batch.recipients[1], (Recipient{offset + 6, "r2@x", "", "", 0}));
  EXPECT_EQ(file.bytes()[static_cast<std::size_t>(offset)], 'R');
}

TEST(QueueFile, DoneAndCanceledRecipientsAreCountedOnly) {
  File file;
  file.basics().recipients(1).add('O', "gone@x").add('D', "gone@x").add('/', "gone2@x");
  const auto r2 = file.recipients(3).content().end();  // the size record says 4: two of them are the others
  Reading reading{r2.bytes()};
  const auto outcome = reading.read();
  EXPECT_EQ(addresses(outcome), (Lines{"r1@x", "r2@x", "r3@x", "r4@x"}));
  EXPECT_EQ(outcome.batch.recipients[1].original, "");
  EXPECT_EQ(warnings(reading), Lines{"QID: rcpt count mismatch (-2)"});
}

TEST(QueueFile, OqmgrHasNoWordForAWrongCount) {
  File file;
  Reading reading{file.basics().add('D', "gone@x").recipients(1).content().end().bytes()};
  reading.settings.counts_unread = false;
  EXPECT_TRUE(reading.read().ok());
  EXPECT_EQ(warnings(reading), Lines{});
  EXPECT_EQ(reading.reader().unread(), 0);
}

TEST(QueueFile, TheSenderIsToldWhenItIsMetWithWhatIsKnownThen) {
  Reading reading{with({}).bytes()};
  (void)reading.read();
  EXPECT_EQ(reading.log, Lines{"QID: from=<s@x>, size=14, nrcpt=1 (queue active)"});
}

// --- limits and refills -------------------------------------------------------------------------------

TEST(QueueFileBatch, AFullBatchHasMoreWhateverFollows) {
  Reading reading{File{}.basics().recipients(3).content().end().bytes()};
  const auto first = reading.read(3);
  EXPECT_EQ(addresses(first), (Lines{"r1@x", "r2@x", "r3@x"}));
  EXPECT_TRUE(first.batch.more);
  EXPECT_EQ(first.batch.unread, 0);
  const auto second = reading.read(3);
  EXPECT_TRUE(second.ok());
  EXPECT_TRUE(second.batch.recipients.empty());
  EXPECT_FALSE(second.batch.more);
  EXPECT_EQ(reading.log.size(), 1U);
}

TEST(QueueFileBatch, WithoutMoreThereIsNothing) {
  Reading reading{with({}).bytes()};
  EXPECT_EQ(addresses(reading.read()), Lines{"r1@x"});
  const auto again = reading.read();
  EXPECT_TRUE(again.ok());
  EXPECT_TRUE(again.batch.recipients.empty());
}

TEST(QueueFileBatch, UnreadIsWhatTheSizeRecordPromisedLessWhatWasRead) {
  Reading reading{File{}.basics().recipients(10).content().end().bytes()};
  EXPECT_EQ(reading.read(4).batch.unread, 6);
  EXPECT_EQ(reading.read(4).batch.unread, 2);
  EXPECT_EQ(reading.read(4).batch.unread, 0);
  EXPECT_FALSE(reading.reader().more());
  EXPECT_EQ(warnings(reading), Lines{});
}

TEST(QueueFileBatch, LessThanOneCountsAsOne) {
  Reading reading{File{}.basics().recipients(2).content().end().bytes()};
  EXPECT_EQ(addresses(reading.read(0)), Lines{"r1@x"});
  EXPECT_EQ(addresses(reading.read(-7)), Lines{"r2@x"});
}

TEST(QueueFileBatch, DroppedRecipientsAreNeverRead) {
  Reading reading{File{}.basics().recipients(3).content().end().bytes()};
  EXPECT_TRUE(reading.read(1).batch.more);
  reading.reader().drop_unread();
  EXPECT_FALSE(reading.reader().more());
  EXPECT_EQ(reading.reader().unread(), 0);
  EXPECT_TRUE(reading.read(1).batch.recipients.empty());
}

// A file that does not mix recipients with other records: what follows the content still counts at once.
TEST(QueueFileBatch, ExtractedRecordsCountWithTheFirstBatch) {
  File file;
  file.basics().recipients(3).content().add('L', "filter:").add('O', "o@x").recipients(1).add('>', "late@x").end();
  Reading reading{file.bytes()};
  EXPECT_EQ(addresses(reading.read(1)), Lines{"r1@x"});
  EXPECT_EQ(reading.envelope().filter, "filter:");
  EXPECT_EQ(reading.envelope().redirect, "late@x");
  const auto rest = reading.read(100);
  EXPECT_EQ(addresses(rest), (Lines{"r2@x", "r3@x", "r4@x"}));
  EXPECT_EQ(rest.batch.recipients[2].original, "o@x");
}

TEST(QueueFileBatch, ALimitInTheExtractedSegmentEndsTheSearchUnlessMixed) {
  for (const bool mixed : {false, true}) {
    File file;
    file.basics().content(mixed ? 1 : 0).recipients(2).add('L', "filter:").end();
    Reading reading{file.bytes()};
    EXPECT_TRUE(reading.read(1).batch.more);
    EXPECT_EQ(reading.envelope().filter.has_value(), mixed);
    EXPECT_EQ(addresses(reading.read(5)), Lines{"r2@x"});
    EXPECT_EQ(reading.envelope().filter.has_value(), mixed);
  }
}

TEST(QueueFileBatch, MixedFilesAreReadToTheirEndForOtherRecords) {
  File file;
  file.basics().recipients(2).add('A', "encoding=8bit").content(1).end();
  Reading reading{file.bytes()};
  EXPECT_EQ(addresses(reading.read(1)), Lines{"r1@x"});
  EXPECT_EQ(reading.envelope().encoding, "8bit");
}

TEST(QueueFileBatch, AFailedReadLeavesThePlaceAsItWas) {
  File file;
  file.basics().recipients(3).content().end();
  std::string bytes = file.bytes();
  MemoryBytes good{bytes};
  QueueFileReader reader;
  EXPECT_EQ(addresses(reader.read(good, {"QID", "active/QID"}, 1, {}, {})), Lines{"r1@x"});
  MemoryBytes damaged{std::string_view{bytes}.substr(0, bytes.size() - 2)};
  EXPECT_EQ(reader.read(damaged, {"QID", "active/QID"}, 5, {}, {}).damage, Damage::incomplete);
  EXPECT_TRUE(reader.more());
  EXPECT_EQ(reader.unread(), 2);
  EXPECT_EQ(addresses(reader.read(good, {"QID", "active/QID"}, 5, {}, {})), (Lines{"r2@x", "r3@x"}));
}

TEST(QueueFileBatch, DoneMarksSetMeanwhileAreSeen) {
  File file;
  file.basics().recipients(3).content().end();
  QueueFileReader reader;
  MemoryBytes before{file.bytes()};
  (void)reader.read(before, {"QID", "active/QID"}, 1, {}, {});
  const auto second = file.bytes().find("R\x04r2@x");
  const Patch mark = done_mark(static_cast<std::int64_t>(second));
  file.bytes().replace(second, mark.bytes.size(), mark.bytes);
  MemoryBytes after{file.bytes()};
  const auto outcome = reader.read(after, {"QID", "active/QID"}, 5, {}, {});
  EXPECT_EQ(addresses(outcome), Lines{"r3@x"});
  EXPECT_EQ(outcome.batch.unread, 0);
}

// Memory is bounded by bytes as well as by number.
TEST(QueueFileBatch, TooMuchTextEndsABatchEarly) {
  File file;
  file.basics();
  const int count = 80;
  for (int i = 0; i < count; ++i) file.add('R', std::string(1 << 20, 'x'));
  file.content().end();
  Reading reading{file.bytes()};
  const auto first = reading.read(5000);
  EXPECT_TRUE(first.ok());
  EXPECT_EQ(first.batch.recipients.size(), kBatchTextMax >> 20);
  EXPECT_TRUE(first.batch.more);
  EXPECT_EQ(reading.read(5000).batch.recipients.size(), count - (kBatchTextMax >> 20));
}

// --- pending values -----------------------------------------------------------------------------------

TEST(QueueFilePending, ALaterValueReplacesAnEarlierOneWithAWarning) {
  const auto result = read({{'O', "a@x"},
                            {'O', ""},
                            {'O', "b@x"},
                            {'o', "rfc822;a"},
                            {'A', "dsn_orig_rcpt=rfc822;b"},
                            {'n', "2"},
                            {'n', "4"}});
  EXPECT_EQ(result.warnings, (Lines{"QID: ignoring out-of-order original recipient <a@x>",
                                    "QID: ignoring out-of-order original recipient <>",
                                    "QID: ignoring out-of-order DSN original recipient address <rfc822;a>",
                                    "QID: ignoring out-of-order DSN notify flags <2>"}));
  ASSERT_EQ(result.outcome.batch.recipients.size(), 1U);
  EXPECT_EQ(result.outcome.batch.recipients[0].original, "b@x");
  EXPECT_EQ(result.outcome.batch.recipients[0].dsn_orcpt, "rfc822;b");
  EXPECT_EQ(result.outcome.batch.recipients[0].notify, 4U);
}

TEST(QueueFilePending, OldValuesAreCutInWarnings) {
  const auto result = read({{'O', std::string(300, 'x')}, {'O', "b@x"}});
  EXPECT_EQ(result.warnings, Lines{"QID: ignoring out-of-order original recipient <" + std::string(200, 'x') + ">"});
}

TEST(QueueFilePending, LeftOversAreNamedAtAGoodEndOnly) {
  File file;
  file.basics().recipients(1).content().add('O', "o@x").add('o', "rfc822;d");
  EXPECT_EQ(read(file).warnings, Lines{"QID: message rejected: missing end record"});
  EXPECT_EQ(read(file.end()).warnings, (Lines{"QID: ignoring out-of-order DSN original recipient <rfc822;d>",
                                              "QID: ignoring out-of-order original recipient <o@x>"}));
}

TEST(QueueFilePending, AMalformedValueDropsAGoodOneBeforeIt) {
  const auto result = read({{'n', "2"}, {'n', "abc"}});
  EXPECT_EQ(result.warnings, (Lines{"QID: ignoring out-of-order DSN notify flags <2>",
                                    "QID: ignoring malformed DSN notify flags <abc>"}));
  EXPECT_EQ(result.outcome.batch.recipients.at(0).notify, 0U);
}

// Seen on the real queue manager: what stands behind the limit is told once, by the read that uses it.
TEST(QueueFilePending, BehindTheLimitNothingIsSaid) {
  File file;
  file.basics().recipients(1).add('n', "abc").add('O', "x").add('O', "y").recipients(1).content(1).end();
  Reading reading{file.bytes()};
  (void)reading.read(1);
  EXPECT_EQ(warnings(reading), Lines{});
  EXPECT_EQ(reading.read(1).batch.recipients.at(0).original, "y");
  EXPECT_EQ(warnings(reading), (Lines{"QID: ignoring malformed DSN notify flags <abc>",
                                      "QID: ignoring out-of-order original recipient <x>"}));
}

TEST(QueueFilePending, MalformedNotifyFlagsAreAbsent) {
  const auto result = read({{'A', "notify_flags=16"}});
  EXPECT_EQ(result.warnings, Lines{"QID: ignoring malformed DSN notify flags <16>"});
  EXPECT_EQ(result.outcome.batch.recipients.at(0).notify, 0U);
}

// --- the message --------------------------------------------------------------------------------------

TEST(QueueFileEnvelope, FirstOrLastCountsAsTheRuleSays) {
  const auto result = read({{'S', "second@x"},
                            {'T', "2000 1"},
                            {'c', "0"},
                            {'c', "900"},
                            {'A', "create_time=901"},
                            {'L', "a:"},
                            {'L', "b:"},
                            {'>', "first@x"},
                            {'>', ""},
                            {'i', "one"},
                            {'A', "envelope_id=two"},
                            {'A', "encoding=7bit"},
                            {'A', "encoding=8bit"},
                            {'V', "+="},
                            {'V', "-="},
                            {'I', ""}});
  EXPECT_TRUE(result.outcome.ok());
  EXPECT_EQ(result.warnings, Lines{});
  EXPECT_EQ(result.envelope.sender, "s@x");
  EXPECT_EQ(result.envelope.arrival, Time{Micros{1000000005}});
  EXPECT_EQ(result.envelope.create_time, Seconds{900});
  EXPECT_EQ(result.envelope.filter, "b:");
  EXPECT_EQ(result.envelope.redirect, "");
  EXPECT_EQ(result.envelope.envelope_id, "two");
  EXPECT_EQ(result.envelope.encoding, "8bit");
  EXPECT_EQ(result.envelope.verp_delimiters, "+=");
  EXPECT_TRUE(result.envelope.inspect);
}

TEST(QueueFileEnvelope, DefaultsWhenNothingIsSaid) {
  const auto result = read({});
  EXPECT_EQ(result.envelope.create_time, Seconds{1000});
  EXPECT_EQ(result.envelope.rewrite_context, "local");
  EXPECT_FALSE(result.envelope.filter);
  EXPECT_FALSE(result.envelope.redirect);
  EXPECT_FALSE(result.envelope.inspect);
  EXPECT_EQ(result.envelope.return_flags, 0);
  EXPECT_EQ(result.envelope.warn_offset, 0);
}

TEST(QueueFileEnvelope, ReturnFlagsKeepTheLastGoodValue) {
  const auto result = read({{'A', "ret_flags=2"}, {'<', "full"}, {'A', "ret_flags=3"}});
  EXPECT_EQ(result.envelope.return_flags, 2);
  EXPECT_EQ(result.warnings, (Lines{"QID: ignoring malformed DSN RET flags in queue file record:full",
                                    "QID: ignoring malformed DSN RET flags in queue file record:3"}));
}

// Each of these lines was seen on the real queue manager.
TEST(QueueFileEnvelope, LongValuesInWarnings) {
  const std::string text(500, 'x');
  EXPECT_EQ(read({{'<', text}}).warnings,
            Lines{"QID: ignoring malformed DSN RET flags in queue file record:" + text.substr(0, 100)});
  EXPECT_EQ(read({{'n', text}}).warnings,
            Lines{"QID: ignoring malformed DSN notify flags <" + text.substr(0, 200) + ">"});
  EXPECT_EQ(read({{'A', "log_ident=1"}, {'A', "log_ident=" + text}}).warnings,
            Lines{"QID: ignoring multiple log_ident attribute: " + text});
  EXPECT_EQ(read({{'p', text}}).warnings.at(0), "active/QID: malformed pointer record value: " + text);
}

// As the real queue manager does: -1 has all bits.
TEST(QueueFileEnvelope, TraceFlagsBeyondAnInt) {
  constexpr unsigned kAll = kTraceVerifyMta | kTraceVerifyUser | kTraceRecord | kTraceDelayCleared;
  EXPECT_EQ(read({{'A', "trace_flags=-1"}}).envelope.trace_flags, kAll);
  EXPECT_EQ(read({{'A', "trace_flags=99999999999999999999"}}).envelope.trace_flags, kAll);
  EXPECT_EQ(read({{'A', "trace_flags=4294968320"}}).envelope.trace_flags, kTraceRecord);
}

TEST(QueueFileEnvelope, ClientDataOfTwoFamilies) {
  const auto old_only =
      read({{'A', "client_name=a"}, {'A', "client_name=b"}, {'A', "helo_name="}, {'A', "helo_name=h"}});
  EXPECT_EQ(old_only.envelope.client.name, "a");
  EXPECT_EQ(old_only.envelope.client.helo, "");
  const auto new_last = read({{'A', "log_client_name=a"}, {'A', "log_client_name=b"}, {'A', "client_address=1"}});
  EXPECT_EQ(new_last.envelope.client.name, "b");
  EXPECT_EQ(new_last.envelope.client.address, "");
  const auto mixed = read({{'A', "client_port=25"}, {'A', "log_protocol_name="}, {'A', "protocol_name=ESMTP"}});
  EXPECT_EQ(mixed.envelope.client.port, "25");
  EXPECT_EQ(mixed.envelope.client.protocol, "");
}

TEST(QueueFileEnvelope, SomeAttributesCountOnceAndSaySo) {
  const auto result = read({{'A', "sasl_method="}, {'A', "sasl_method=X"}, {'A', "rewrite_context=remote"}});
  EXPECT_EQ(result.envelope.sasl_method, "");
  EXPECT_EQ(result.envelope.rewrite_context, "remote");
  EXPECT_EQ(result.warnings, Lines{"QID: ignoring multiple sasl_method attribute: X"});
}

TEST(QueueFileEnvelope, TraceFlagsAreMaskedAndExactlyOneOfThemIsKilledLater) {
  File file;
  file.basics().add('A', "trace_flags=7").add('A', "trace_flags=junk");
  const auto offset = file.size();
  const auto traced = read(file.add('A', "trace_flags=1025").add('A', "trace_flags=256").recipients(1).content().end());
  EXPECT_EQ(traced.envelope.trace_flags, kTraceRecord);
  EXPECT_EQ(traced.envelope.trace_offset, offset);
  const auto both = read({{'A', "trace_flags=1280"}});
  EXPECT_EQ(both.envelope.trace_flags, kTraceRecord | kTraceVerifyMta);
  EXPECT_EQ(both.envelope.trace_offset, 0);
}

TEST(QueueFileEnvelope, VerpNeedsASenderAndTwoGoodCharacters) {
  EXPECT_EQ(read({{'V', "ab"}, {'V', "+"}, {'V', "-+"}}).warnings,
            (Lines{"QID: ignoring bad VERP request: \"ab\"", "QID: ignoring bad VERP request: \"+\""}));
  const auto cut = read({{'V', std::string(150, 'x')}});
  EXPECT_EQ(cut.warnings, Lines{"QID: ignoring bad VERP request: \"" + std::string(100, 'x') + "\""});
  File file;
  file.add('V', "+=").basics().recipients(1).content().end();
  EXPECT_EQ(read(file).warnings, Lines{"QID: ignoring VERP request for null sender"});
  Reading other{with({{'V', "#/"}}).bytes()};
  other.settings.verp_delimiter_filter = "#/";
  (void)other.read();
  EXPECT_EQ(other.envelope().verp_delimiters, "#/");
}

TEST(QueueFileEnvelope, ArrivalIsTwoNumbers) {
  const auto arrival = [](const std::string& text) {
    File file;
    file.add('T', text).add('S', "").recipients(1).content().end();
    return read(file).envelope.arrival.since_epoch.count();
  };
  EXPECT_EQ(arrival("7 9"), 7000009);
  EXPECT_EQ(arrival("7"), 7000000);
  EXPECT_EQ(arrival(" 7 9"), 7000007);
  EXPECT_EQ(arrival("-1 5"), -1000001);
  EXPECT_EQ(arrival("7x9"), 7000000);
  EXPECT_EQ(arrival("99999999999999999999 99999999999"), kTimeMax.count() * 1000000 + 2147483647);
}

TEST(QueueFileEnvelope, TextEndsAtNul) {
  const auto result = read({{'L', "a:\0b"s}, {'A', "encoding=8bit\0x"s}});
  EXPECT_EQ(result.envelope.filter, "a:");
  EXPECT_EQ(result.envelope.encoding, "8bit");
}

TEST(QueueFileEnvelope, SuccessNotifyIsABitOfTheSizeRecord) {
  EXPECT_FALSE(read(File{}.basics().recipients(1).content(0x1b).end()).envelope.success_notify);
  EXPECT_TRUE(read(File{}.basics().recipients(1).content(4).end()).envelope.success_notify);
}

// --- in-place writes ----------------------------------------------------------------------------------

Patch warn_sent(const std::string& payload) {
  Reading reading{with({{'W', payload}}).bytes()};
  EXPECT_TRUE(reading.read().ok());
  const auto patch = reading.reader().warn_sent();
  EXPECT_TRUE(patch);
  return patch.value_or(Patch{});
}

TEST(QueueFilePatch, AWarningOfTheUsualWidthIsRewrittenWhole) {
  const Patch patch = warn_sent(wide_number(12345));
  EXPECT_EQ(patch.bytes, "W\x0f             -1");
  EXPECT_EQ(patch.bytes.size(), 17U);
}

TEST(QueueFilePatch, AWarningOfAnyWidthLeavesItsNeighboursAlone) {
  for (const std::string payload : {"", "5", "55", "555", "1795340210", "00000000000000000001795340210"}) {
    std::string bytes = with({{'W', payload}}).bytes();
    Reading before{bytes};
    const auto first = before.read();
    const auto patch = before.reader().warn_sent();
    ASSERT_TRUE(patch);
    bytes.replace(static_cast<std::size_t>(patch->offset), patch->bytes.size(), patch->bytes);
    Reading after{bytes};
    const auto second = after.read();
    EXPECT_TRUE(second.ok()) << payload;
    EXPECT_EQ(second.batch, first.batch);
    EXPECT_LE(after.envelope().warn_time, Seconds{0}) << payload;
    EXPECT_EQ(after.envelope().warn_time == Seconds{-1}, payload.size() >= 2) << payload;
  }
}

TEST(QueueFilePatch, NothingToRewriteWithoutAWarning) {
  Reading reading{with({}).bytes()};
  (void)reading.read();
  EXPECT_FALSE(reading.reader().warn_sent());
}

TEST(QueueFilePatch, MarksAreOneByte) {
  EXPECT_EQ(done_mark(245), (Patch{245, "D"}));
  EXPECT_EQ(kill_mark(183), (Patch{183, "K"}));
}

// --- damage -------------------------------------------------------------------------------------------

TEST(QueueFileDamage, ContentMustBeFollowedByX) {
  File file;
  file.basics().recipients(1).content().end();
  const auto x = file.bytes().rfind("X\0"s);
  file.bytes()[x] = 'A';
  const auto result = read(file);
  EXPECT_EQ(result.outcome.damage, Damage::corrupt);
  EXPECT_EQ(result.warnings, Lines{"Unexpected record type 'A' at offset " + std::to_string(x)});
  EXPECT_EQ(result.outcome.reason, "Unexpected record type 'A' at offset " + std::to_string(x));
}

TEST(QueueFileDamage, XIsAcceptedNowhereElse) {
  File file;
  file.basics();
  const auto here = file.size();
  const auto result = read(file.add('X').recipients(1).content().end());
  EXPECT_EQ(result.warnings.at(0), "Unexpected record type 'X' at offset " + std::to_string(here));
}

TEST(QueueFileDamage, APointerMayStandWhereXIsDue) {
  File file;
  file.basics().recipients(1).content().end();
  const auto x = file.bytes().rfind("X\0"s);
  file.bytes().replace(x, 1, "p");  // an empty pointer: goes on with the next record
  EXPECT_TRUE(read(file).outcome.ok());
}

TEST(QueueFileDamage, AttributesAreCutInWarnings) {
  const auto result = read({{'A', std::string(300, 'x')}});
  EXPECT_EQ(result.outcome.damage, Damage::corrupt);
  EXPECT_EQ(result.warnings.at(0),
            "QID: bad attribute record: missing '=' after attribute name: " + std::string(200, 'x'));
}

TEST(QueueFileDamage, ALongRecordThatCountsIsDamage) {
  const auto result = read({{'O', std::string(kPayloadMax + 1, 'x')}});
  EXPECT_EQ(result.warnings.at(0), "active/QID: record too long, record type 79 length 1048577");
  EXPECT_FALSE(result.outcome.ok());
  EXPECT_TRUE(read({{'F', std::string(kPayloadMax + 1, 'x')}}).outcome.ok());
}

class Broken : public ByteSource {
 public:
  [[nodiscard]] std::optional<std::size_t> read_at(std::int64_t, std::span<char>) override { return std::nullopt; }
};

TEST(QueueFileDamage, AFailingSourceIsToldFromDamage) {
  Broken source;
  QueueFileReader reader;
  const auto outcome = reader.read(source, {"QID", "active/QID"}, 1, {}, {});
  EXPECT_EQ(outcome.damage, Damage::unreadable);
}

class Small : public MemoryBytes {
 public:
  using MemoryBytes::MemoryBytes;
  [[nodiscard]] std::int64_t max_offset() const override { return 1 << 20; }
};

TEST(QueueFileDamage, SeeksBeyondTheFileSystemAreRefused) {
  const auto lines = [](const File& file) {
    Small source{file.bytes()};
    Lines found;
    QueueFileReader reader;
    const auto outcome = reader.read(source, {"QID", "active/QID"}, 5000, {}, [&found](const Diagnostic& diagnostic) {
      if (const auto* warning = std::get_if<FileWarning>(&diagnostic)) found.push_back(warning->text);
    });
    EXPECT_EQ(outcome.damage, Damage::corrupt);
    return found.empty() ? "" : found.front();
  };
  EXPECT_EQ(lines(with({{'p', "1048577"}})), "active/QID: seek error after pointer record: Invalid argument");
  auto far = with({});
  far.size_record("1048576 " + std::to_string(far.bytes().find('N')) + " 1 0 1 0");
  EXPECT_EQ(lines(far), "seek file active/QID: Invalid argument");
  auto limited = with({});
  limited.size_record("1 1048577 1 0 1 0");
  Small source{limited.bytes()};
  QueueFileReader reader;
  EXPECT_EQ(reader.read(source, {"QID", "active/QID"}, 1, {}, {}).damage, Damage::corrupt);
}

TEST(QueueFileDamage, ManyWarningsAreCounted) {
  File file;
  file.basics().add('A', "log_ident=1");
  for (int i = 0; i < kWarningsMax + 7; ++i) file.add('A', "log_ident=2");
  const auto result = read(file.recipients(1).content().end());
  EXPECT_TRUE(result.outcome.ok());
  ASSERT_EQ(result.warnings.size(), static_cast<std::size_t>(kWarningsMax) + 1);
  EXPECT_EQ(result.warnings.back(), "QID: 7 more warnings about this file");
}

TEST(QueueFileDamage, NothingNeedsASink) {
  MemoryBytes source{"junk"};
  QueueFileReader reader;
  EXPECT_FALSE(reader.read(source, {"QID", "active/QID"}, 1, {}, {}).ok());
}

// --- the layout of before 1.0 -------------------------------------------------------------------------

File old_layout(std::int64_t shift) {
  File file;
  file.bytes().clear();
  file.add('C', "14").basics().recipients(2).add('D', "d@x");
  const auto content = file.size() + 2 + 15;
  file.add('M', wide_number(content + 14 + shift)).add('N', "hello").add('N', "world").add('X');
  return file;
}

TEST(QueueFileOldLayout, IsFoundByItsRecords) {
  Reading reading{old_layout(0).end().bytes()};
  const auto outcome = reading.read();
  EXPECT_TRUE(outcome.ok()) << outcome.reason;
  EXPECT_EQ(addresses(outcome), (Lines{"r1@x", "r2@x"}));
  EXPECT_EQ(reading.envelope().data_size, 14);
  EXPECT_EQ(reading.envelope().content_length, 14);
  EXPECT_EQ(reading.log, Lines{"QID: from=<s@x>, size=14, nrcpt=3 (queue active)"});
}

TEST(QueueFileOldLayout, WithoutItTheFileIsCorrupt) {
  EXPECT_EQ(read(old_layout(0)).warnings.at(0), "QID: envelope records out of order");
  const auto offset = old_layout(-14).end();
  const std::string line = read(offset).warnings.at(0);
  EXPECT_EQ(line.rfind("bad extra offset              ", 0), 0U) << line;
  EXPECT_NE(line.find(" file active/QID"), line.npos);
  EXPECT_EQ(read(offset).outcome.damage, Damage::corrupt);
}

// --- what is read again ------------------------------------------------------------------------------

void put(File& file, std::int64_t at, const std::string& bytes) {
  file.bytes().replace(static_cast<std::size_t>(at), bytes.size(), bytes);
}

std::string pointer_to(std::int64_t target) {
  std::string record;
  append_record(record, 'p', wide_number(target));
  return record;
}

// Many records that all lie over the same half megabyte, each with a pointer at its end to the next: every jump leads
// forward, so their number alone would not be noticed.
TEST(QueueFileReread, RecordsOneOverTheOtherAreBounded) {
  constexpr std::int64_t kCount = 3000, kStretch = 500'000, kHeader = 4;
  File file;
  file.basics().recipients(1).content();
  const std::int64_t headers = file.size() + 17, pointers = headers + kHeader * kCount + kStretch;
  file.bytes() += pointer_to(headers);
  for (std::int64_t i = 0; i < kCount; ++i) {
    const auto length = static_cast<std::uint32_t>(pointers + 17 * i - (headers + kHeader * (i + 1)));
    file.bytes() += 'L';
    for (const unsigned shift : {0U, 7U, 14U}) {
      file.bytes() += static_cast<char>((length >> shift & 0x7f) | (shift < 14 ? 0x80 : 0));
    }
  }
  file.bytes() += std::string(kStretch, 'x');
  for (std::int64_t i = 0; i < kCount; ++i) {
    const bool last = i + 1 == kCount;
    file.bytes() += pointer_to(last ? pointers + 17 * kCount : headers + kHeader * (i + 1));
  }
  file.end();
  Reading reading{file.bytes()};
  EXPECT_EQ(reading.read().damage, Damage::corrupt);
  EXPECT_EQ(warnings(reading), Lines{"active/QID: too many reverse jump records"});
  const auto most = static_cast<std::size_t>(kRereadMax) + 2 * file.bytes().size();
  EXPECT_LE(static_cast<std::size_t>(reading.source_reads()) * ByteWindow::kLarge, most + most / 8);
}

TEST(QueueFileReread, ALongLoopEndsBeforeItsLastJump) {
  File file;
  file.basics().recipients(1);
  const auto start = file.size();
  for (int i = 0; i < 20'000; ++i) file.add('r', "12345678");
  file.bytes() += pointer_to(start);
  file.content().end();
  Reading reading{file.bytes()};
  EXPECT_EQ(reading.read().damage, Damage::corrupt);
  EXPECT_EQ(warnings(reading).at(0), "active/QID: too many reverse jump records");
  const auto rounds = kRereadMax / (file.size() - start);
  EXPECT_LE(reading.source_reads(), (rounds + 2) * (file.size() / static_cast<std::int64_t>(ByteWindow::kLarge) + 2));
}

// Nothing is met twice in a file of any length whose sender and recipients a milter has changed.
TEST(QueueFileReread, LongGoodFilesWithJumpsAreRead) {
  File file;
  file.add('T', "1000 5").add('p', wide_number(0));
  const auto sender_end = file.size();
  const int long_ones = 80, added = 20'000;
  for (int i = 0; i < long_ones; ++i) file.add('R', std::string(1 << 20, 'x'));
  const auto dummy = file.size();
  file.add('p', wide_number(0));
  const auto after_dummy = file.size();
  file.content(1).end();
  put(file, sender_end - 17, pointer_to(file.size()));
  file.add('S', "other@x");
  file.bytes() += pointer_to(sender_end);
  put(file, dummy, pointer_to(file.size()));
  for (int i = 0; i < added; ++i) {
    file.add('O', "a").add('R', "added" + std::to_string(i));
    const bool last = i + 1 == added;
    file.bytes() += pointer_to(last ? after_dummy : file.size() + 17);
  }
  ASSERT_GT(file.size(), 2 * kRereadMax);
  Reading reading{file.bytes()};
  std::size_t count = 0;
  for (bool more = true; more;) {
    const auto outcome = reading.read(5000);
    ASSERT_TRUE(outcome.ok()) << outcome.reason;
    count += outcome.batch.recipients.size();
    more = outcome.batch.more;
  }
  EXPECT_EQ(count, static_cast<std::size_t>(long_ones + added));
  EXPECT_EQ(reading.envelope().sender, "other@x");
}

// It is read once to count and once more to learn; that is no loop.
TEST(QueueFileReread, AnOldLayoutIsReadTwice) {
  File file = old_layout(0);
  for (int i = 0; i < 40; ++i) file.add('R', std::string(1 << 20, 'x'));
  file.bytes() += pointer_to(file.size() + 17);
  file.end();
  Reading reading{file.bytes()};
  const auto outcome = reading.read();
  EXPECT_TRUE(outcome.ok()) << outcome.reason;
  EXPECT_EQ(outcome.batch.recipients.size(), 42U);
}

}  // namespace
}  // namespace weir::codec
