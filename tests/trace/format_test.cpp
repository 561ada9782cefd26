// The trace format: what is written is pinned by a file, what is read is exactly that, what is bad is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>

#include "trace/reader/read.hpp"
#include "trace/write.hpp"

namespace weir::trace {
namespace {

std::string all_bytes() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  return bytes;
}

Recipient recipient() {
  return {
      .offset = 77, .address = "u\"s\\er@example.com", .original = all_bytes(), .dsn_orcpt = "rfc822;x", .notify = 15};
}

TraceHeader header() {
  TraceHeader header{.personality = "qmgr", .brain = "model", .start = Time{Micros{1'700'000'000'123'456}}};
  header.config.defer_transports = {"slow", "slower"};
  header.config.transports["local"].recipient_limit = 1;
  header.config.transports["rate"].positive_feedback = {"x", "1/concurrency", true, Feedback::Kind::per_concurrency,
                                                        0.1};
  return header;
}

Envelope envelope() {
  Envelope e;
  e.sender = "sender@example.com";
  e.arrival = Time{Micros{-1}};
  e.create_time = Seconds{1'700'000'000};
  e.data_size = std::numeric_limits<std::int64_t>::max();
  e.client = {"client.example.com", "192.0.2.1", "25", "ESMTP", "helo"};
  e.filter = "";
  e.trace_flags = 4'000'000'000U;
  return e;
}

std::vector<Event> every_event() {
  return {Started{},
          Turn{},
          Tick{},
          Triggered{all_bytes()},
          ScanEntry{Queue::deferred, "4ABC", FileState::not_regular, Seconds{-5}, true, false},
          ScanEnded{Queue::incoming},
          Admitted{MessageId{1}, envelope(), Batch{{recipient()}, true, 12}, true},
          AdmitFailed{MessageId{std::numeric_limits<std::uint64_t>::max()}, AdmitProblem::locked},
          RecipientsRead{MessageId{3}, Batch{}},
          ReadFailed{MessageId{4}},
          Resolved{MessageId{5}, {Answer{"smtp", "example.com", "u@example.com", 256}}},
          AgentReady{AgentId{6}},
          AgentFailed{AgentId{7}, AgentProblem::write},
          Delivered{AgentId{8}, false, true, Dsn{"4.4.1", "no\nroute"}},
          BounceLogChecked{MessageId{9}, LogFileState::present},
          FileChecked{MessageId{10}, FileState::vanished},
          ServiceAnswered{TicketId{11}, true}};
}

std::vector<LogRecord> every_log_record() {
  return {LogStillBeingDelivered{"4ABC"},
          LogExpired{"4ABC", "s@example.com", true},
          LogReportFailed{"4ABC", ReportWord::delay_warning},
          LogDelivery{"4ABC", recipient(), Time{Micros{1}}, Time{Micros{2}}, Time{Micros{3}}, {"2.0.0", "ok"}, "sent"},
          LogServiceFailure{"4ABC", Service::flush},
          LogIgnoredDsn{"sent", "4.x"},
          LogIgnoredFeedback{"p", "t"},
          LogFeedbackSetting{"smtp", "p", 1, 5, 0.1},
          LogFeedbackStep{true, -0.0},
          LogFeedbackState{false, "d", 1, 2, 1.0 / 3, 1e300, std::numeric_limits<double>::denorm_min()},
          LogClogged{"n", "smtp", 3, 4, true, LogClogged::Advice::separate_transport, 5},
          LogTimeJump{true, false},
          LogAllocate{"smtp"},
          LogTransportFailure{"smtp"}};
}

std::vector<Command> every_command() {
  std::vector<Command> all = {
      RecoverActive{},
      OpenScan{Queue::deferred},
      ScanNext{Queue::incoming},
      Admit{MessageId{1}, Queue::incoming, "4ABC", true, true, -3},
      ReadRecipients{MessageId{1}, 5000},
      DropUnread{MessageId{1}},
      RemoveDeferLog{MessageId{1}},
      CheckBounceLog{MessageId{1}},
      RemoveBounceLog{MessageId{1}},
      CheckFile{MessageId{1}},
      MarkDone{MessageId{1}, 200},
      KillTrace{MessageId{1}},
      UpdateWarn{MessageId{1}},
      Retry{MessageId{1}, Seconds{100}},
      CoolDown{MessageId{1}, Seconds{100}},
      Remove{MessageId{1}},
      MarkCorrupt{MessageId{1}},
      Forget{MessageId{1}},
      Resolve{MessageId{1}, true, false, {"a@example.com", ""}},
      RequestAgent{AgentId{2}, "smtp"},
      Deliver{AgentId{2}, MessageId{1}, "example.com", 2048, {recipient()}},
      ReleaseAgent{AgentId{2}},
      AskService{TicketId{1}, MessageId{1}, AppendRequest{Service::defer, 1, recipient(), {"4.0.0", "t"}, "delayed"}},
      AskService{TicketId{2}, MessageId{1}, ReportRequest{Service::defer, ReportRequest::Kind::warn, true, 2}},
      AskService{TicketId{3}, MessageId{1}, VerifyUpdate{"a@example.com", -1, "why"}},
      AskService{TicketId{4}, MessageId{1}, FlushAdd{"example.com"}},
      BalanceFlow{BalanceFlow::Grant::fill}};
  for (const LogRecord& record : every_log_record()) all.emplace_back(Log{record});
  return all;
}

std::vector<TraceLine> every_line() {
  std::vector<TraceLine> lines = {header()};
  for (const Event& event : every_event())
    lines.emplace_back(TraceStep{Time{Micros{5}}, event, {}, std::nullopt, false});
  lines.emplace_back(TraceStep{Time{Micros{6}}, Turn{}, every_command(), Seconds{9}, true});
  lines.emplace_back(TraceEnd{"exit"});
  return lines;
}

std::string text_of(const std::vector<TraceLine>& lines) {
  std::string text;
  for (const TraceLine& line : lines) text += line_of(line) + '\n';
  return text;
}

// WEIR_REWRITE=1 writes the file anew: read the difference before committing it.
TEST(TraceFormat, IsPinnedByAFile) {
  const std::string path = WEIR_SOURCE_DIR "/tests/trace/every_line.trace";
  const std::string written = text_of(every_line());
  if (std::getenv("WEIR_REWRITE") != nullptr) std::ofstream{path, std::ios::binary} << written;
  std::ifstream file{path, std::ios::binary};
  const std::string pinned{std::istreambuf_iterator<char>{file}, {}};
  EXPECT_EQ(written, pinned);
}

TEST(TraceFormat, EveryLineIsReadAsItWas) {
  std::istringstream in{text_of(every_line())};
  Lines lines{in};
  std::size_t number = 0;
  for (const TraceLine& expected : every_line()) {
    const auto line = lines.next();
    ASSERT_TRUE(line);
    EXPECT_EQ(line->number, ++number);
    EXPECT_TRUE(line->complete);
    ASSERT_TRUE(line->content) << line->content.error().text;
    EXPECT_EQ(*line->content, expected) << line_of(expected);
    EXPECT_EQ(line_of(*line->content), line_of(expected));
  }
  EXPECT_FALSE(lines.next());
}

TEST(TraceFormat, DoublesKeepTheirSignAndWhatIsNoNumber) {
  for (const double value : {-0.0, HUGE_VAL, -HUGE_VAL, std::nan("")}) {
    const std::string text = line_of(TraceStep{Time{}, Turn{}, {Log{LogFeedbackStep{false, value}}}, {}, false});
    const auto line = read_line(text);
    ASSERT_TRUE(line) << text << line.error().text;
    EXPECT_EQ(line_of(*line), text);
  }
}

std::string refusal(const std::string& text) {
  const auto line = read_line(text);
  return line ? "" : line.error().text;
}

const char* const kTurn = R"({"at":{"us":5},"event":{"Turn":{}},"commands":[],"deadline":null,"turn":false})";

std::string with(std::string text, const std::string& old, const std::string& instead) {
  const auto at = text.find(old);
  EXPECT_NE(at, std::string::npos) << old;
  return text.replace(at, old.size(), instead);
}

TEST(TraceFormat, BadLinesAreRefusedInWords) {
  ASSERT_EQ(refusal(kTurn), "");
  EXPECT_EQ(refusal(""), "is not JSON");
  EXPECT_EQ(refusal("{"), "is not JSON");
  EXPECT_EQ(refusal(std::string("\0\xff", 2)), "is not JSON");
  EXPECT_EQ(refusal("{\"x\":\"\xff\"}"), "is not JSON");
  EXPECT_EQ(refusal("[]"), "is not a JSON object");
  EXPECT_EQ(refusal("{}"), "is neither header, step nor end");
  EXPECT_EQ(refusal(std::string(100'000, '[')), "nested too deeply");
  EXPECT_EQ(refusal(R"({"weir_trace":2})"), "has format version 2; this program reads version 1");
  EXPECT_EQ(refusal(with(kTurn, "Turn", "Burn")), "event: unknown word \"Burn\"");
  EXPECT_EQ(refusal(with(kTurn, R"("turn":false)", R"("turn":0)")), "turn: true or false expected");
  EXPECT_EQ(refusal(with(kTurn, R"("turn":false)", R"("turn":false,"x":1)")), "a field that does not belong there");
  EXPECT_EQ(refusal(with(kTurn, R"(,"turn":false)", "")), "\"turn\" is missing");
  EXPECT_EQ(refusal(with(kTurn, R"("turn":false)", R"("turn":false,"turn":true)")), "\"turn\" is there twice");
  EXPECT_EQ(refusal(with(kTurn, R"({"us":5})", "5")), "at: \"us\" expected");
  EXPECT_EQ(refusal(with(kTurn, "5", "5.0")), "at: whole number expected");
  EXPECT_EQ(refusal(with(kTurn, "5", "9223372036854775808")), "at: number out of range");
  const std::string agent = with(kTurn, R"({"Turn":{}})", R"({"AgentReady":{"agent":-1}})");
  EXPECT_EQ(refusal(agent), "event: agent: number out of range");
  const std::string trigger = with(kTurn, R"({"Turn":{}})", R"({"Triggered":{"bytes":"\u0100"}})");
  EXPECT_EQ(refusal(trigger), "event: bytes: a string has a character above U+00FF");
}

TEST(TraceFormat, LinesAreBounded) {
  std::istringstream in{std::string(kTraceLineMax + 100, 'x') + "\n" + kTurn + "\n" + kTurn};
  Lines lines{in};
  const auto first = lines.next();
  ASSERT_TRUE(first);
  ASSERT_FALSE(first->content);
  EXPECT_EQ(first->content.error().text, "is longer than a line may be");
  const auto second = lines.next();
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->content);
  EXPECT_EQ(second->number, 2U);
  EXPECT_TRUE(second->complete);
  const auto third = lines.next();
  ASSERT_TRUE(third);
  EXPECT_FALSE(third->complete);
  EXPECT_FALSE(lines.next());
}

// Every line with one byte changed, dropped or doubled: read or refused, never more.
TEST(TraceFormat, DamagedLinesDoNoHarm) {
  for (const TraceLine& line : every_line()) {
    const std::string text = line_of(line);
    for (std::size_t i = 0; i < text.size(); i += 1 + text.size() / 400) {
      for (const char c : {'"', '}', '9', '\0', '\xff'}) {
        std::string changed = text;
        changed[i] = c;
        const auto read = read_line(changed);
        EXPECT_TRUE(!read || read_line(line_of(*read)));
      }
      EXPECT_FALSE(read_line(text.substr(0, i)));
    }
  }
}

}  // namespace
}  // namespace weir::trace
