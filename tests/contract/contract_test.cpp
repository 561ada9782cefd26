// The vocabulary: ids, time, results, and the text form of everything.
#include <gtest/gtest.h>

#include <type_traits>
#include <utility>

#include "contract/brain.hpp"
#include "contract/config.hpp"
#include "contract/parameter.hpp"
#include "contract/result.hpp"
#include "contract/show.hpp"

namespace weir {
namespace {

static_assert(!std::is_convertible_v<MessageId, AgentId>, "ids of different kinds never mix");
static_assert(!std::is_constructible_v<AgentId, MessageId>);

TEST(Time, SecondsAreRoundedDown) {
  EXPECT_EQ(Time{Micros{1'999'999}}.seconds(), Seconds{1});
  EXPECT_EQ(Time{Micros{-1}}.seconds(), Seconds{-1});
  EXPECT_EQ(at_second(Seconds{7}).since_epoch, Micros{7'000'000});
}

TEST(Result, IsAValueOrAFailure) {
  const Result<int> good = 3;
  const Result<int> bad = Failure{"no such thing"};
  ASSERT_TRUE(good);
  EXPECT_EQ(*good, 3);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().text, "no such thing");
  EXPECT_DEATH((void)bad.value(), "broken invariant");
}

TEST(Config, TransportsWithoutSettingsOfTheirOwnHaveTheDefaults) {
  Config config;
  config.default_transport.recipient_limit = 9;
  config.transports["local"].recipient_limit = 1;
  EXPECT_EQ(config.transport("smtp").recipient_limit, 9);
  EXPECT_EQ(config.transport("local").recipient_limit, 1);
}

TEST(Show, EventsAndCommands) {
  EXPECT_EQ(show(Event{Turn{}}), R"({"Turn": {}})");
  EXPECT_EQ(show(Event{Triggered{std::string("I\0\"", 3)}}), R"({"Triggered": {"bytes": "I\u0000\""}})");
  EXPECT_EQ(show(Event{ScanEntry{.queue = Queue::deferred, .queue_id = "A1", .state = FileState::not_ready}}),
            R"({"ScanEntry": {"queue": "deferred", "queue_id": "A1", "state": "not_ready", "mtime": 0, )"
            R"("flush_request": false, "expire_request": false}})");
  EXPECT_EQ(show(Command{Retry{MessageId{5}, Seconds{300}}}), R"({"Retry": {"message": 5, "not_before": 300}})");
  EXPECT_EQ(show(Command{AskService{TicketId{2}, MessageId{1}, FlushAdd{"example.com"}}}),
            R"({"AskService": {"ticket": 2, "message": 1, "request": {"FlushAdd": {"site": "example.com"}}}})");
  EXPECT_EQ(show(Command{Log{LogTimeJump{.again = true, .recovered = false}}}),
            R"({"Log": {"record": {"TimeJump": {"again": true, "recovered": false}}}})");
}

TEST(Show, AnswersCarryTheirParts) {
  const std::string text = show(Event{Resolved{MessageId{1}, {{"smtp", "[10.0.0.1]", "a@b", 4096}}}});
  EXPECT_EQ(text, R"({"Resolved": {"message": 1, "answers": [{"transport": "smtp", "nexthop": "[10.0.0.1]", )"
                  R"("recipient": "a@b", "flags": 4096}]}})");
  Envelope envelope;
  EXPECT_NE(show(envelope).find("\"filter\": null"), std::string::npos);
  envelope.filter = "";
  EXPECT_NE(show(envelope).find("\"filter\": \"\""), std::string::npos);
}

TEST(Show, PartsByThemselves) {
  EXPECT_EQ(show(LogRecord{LogAllocate{"smtp"}}), R"({"Allocate": {"transport": "smtp"}})");
  EXPECT_NE(show(Recipient{.offset = 7, .address = "a@b"}).find(R"("offset": 7)"), std::string::npos);
}

// An unsigned number in a file may be anything; what is not the number of a queue is shown as none.
TEST(Show, AQueueThatIsNone) { EXPECT_EQ(to_string(static_cast<Queue>(9)), "?"); }

TEST(Parameters, ATimeWithoutUnitHasThatOfTheDefault) {
  Parameter row = *find_parameter("queue_run_delay");
  EXPECT_EQ(row.bare_unit(), 's');
  for (const auto& [text, unit] : {std::pair{"5d", 'd'}, {"300", 's'}, {"{2}h", 'h'}, {"", 's'}}) {
    row.default_text = text;
    EXPECT_EQ(row.bare_unit(), unit) << text;
  }
}

// Two values that differ in one field are not the same.
TEST(Values, CompareByAllFields) {
  EXPECT_EQ(Command{Remove{MessageId{1}}}, Command{Remove{MessageId{1}}});
  EXPECT_NE(Command{Remove{MessageId{1}}}, Command{Remove{MessageId{2}}});
  EXPECT_NE(Command{Remove{MessageId{1}}}, Command{MarkCorrupt{MessageId{1}}});
  Recipient a{.offset = 1, .address = "a@b"};
  Recipient b = a;
  b.notify = kNotifyDelay;
  EXPECT_NE(a, b);
}

}  // namespace
}  // namespace weir
