#include "blackbox/twin.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "blackbox/scenario.hpp"
#include "model/model.hpp"

namespace weir::blackbox {
namespace {

using Lines = std::vector<std::string>;

// A twin that is spoken to in lines.
class Desk {
 public:
  explicit Desk(const std::string& setup, const std::string& personality = "qmgr") : twin(personality, make_model) {
    start = (*this)(setup);
  }
  Lines operator()(const std::string& line) {
    const Result<Input> input = parse_input(line);
    EXPECT_TRUE(input.has_value()) << line << ": " << (input ? "" : input.error().text);
    const std::int64_t began = now;
    if (const auto* advance = std::get_if<Advance>(&*input)) now += advance->seconds;
    if (const auto* jump = std::get_if<Jump>(&*input)) now = second_after(*jump, now);
    return expected_lines(twin.apply(*input), began);
  }
  static std::unique_ptr<Brain> make_model(const Config& config) { return model::make_model(config); }

  Twin twin;
  std::int64_t now = 0;
  Lines start;
};

TEST(TwinTest, DeliversAMessage) {
  Desk desk("setup t1");
  EXPECT_EQ(desk.start, Lines{});
  EXPECT_EQ(desk("message A a@d1.t1 b@d1.t1"), (Lines{"connect t1 waiting 1", "queue A active"}));
  EXPECT_EQ(desk("agent t1"), (Lines{"request 1 A via t1 nexthop=d1 to a@d1.t1 b@d1.t1"}));
  EXPECT_EQ(desk("reply 1 done"), (Lines{"queue A gone"}));
}

TEST(TwinTest, ItsClockIsSetBackWithinBounds) {
  Desk desk("setup t1");
  EXPECT_EQ(desk("message A a@d1.t1"), (Lines{"connect t1 waiting 1", "queue A active"}));
  EXPECT_EQ(desk("jump -1000000"), Lines{});
  EXPECT_EQ(desk("jump -1000000"), Lines{});
  EXPECT_EQ(desk("agent t1"), (Lines{"request 1 A via t1 nexthop=d1 to a@d1.t1"}));
  EXPECT_EQ(desk("reply 1 retry"), (Lines{"queue A deferred due -999700"}));
  EXPECT_EQ(desk("message B b@d1.t1"), (Lines{"log warning: backward time jump detected -- slewing clock",
                                              "connect t1 waiting 1", "queue B active"}));
}

TEST(TwinTest, WhatIsNotThereIsSaid) {
  Desk desk("setup t1");
  EXPECT_EQ(desk("agent t1"), Lines{"nothing-there connection to t1"});
  EXPECT_EQ(desk("hangup nowhere"), Lines{"nothing-there connection to nowhere"});
  EXPECT_EQ(desk("reply 3 done"), Lines{"nothing-there request 3"});
  EXPECT_EQ(desk("crash 3"), Lines{"nothing-there request 3"});
  EXPECT_EQ(desk("bounce-log A"), Lines{"nothing-there message A"});
  desk("message A a@d1.t1");
  EXPECT_EQ(desk("message A a@d1.t1"), Lines{"nothing-there a free name A"});
}

TEST(TwinTest, NothingHappensBeforeTheSetupOrAfterTheEnd) {
  Twin twin("qmgr", Desk::make_model);
  EXPECT_TRUE(twin.apply(Advance{1}).empty());
  Desk dead("setup t1 queue_run_delay=never");
  ASSERT_EQ(dead.start.size(), 2U);
  EXPECT_TRUE(dead.start[0].starts_with("log fatal: ")) << dead.start[0];
  EXPECT_EQ(dead.start[1], "exit 1");
  EXPECT_EQ(dead("advance 1"), Lines{});
}

TEST(TwinTest, AWordOnTheCommandLineIsFatalAtTheFirstTrigger) {
  Desk desk("setup t1 arguments stray");
  EXPECT_EQ(desk.start, Lines{});
  EXPECT_EQ(desk("trigger I"), (Lines{"log fatal: unexpected command-line argument: stray", "exit 1"}));
}

TEST(TwinTest, OptionsOfTheCommandLineCount) {
  const blackbox::Setup setup{{{"minimal_backoff_time", "10s"}}, {}, {}, false, {"-o", "minimal_backoff_time=20s"}};
  EXPECT_EQ(config_of(setup, "qmgr").minimal_backoff, Seconds{20});
  EXPECT_EQ(config_of(blackbox::Setup{}, "oqmgr").scheduler, Scheduler::round_robin);
  EXPECT_EQ(config_of(blackbox::Setup{}, "nqmgr").scheduler, Scheduler::preemptive);
  EXPECT_FALSE(config_of(blackbox::Setup{}, "nqmgr").habits.defers_itself);
  EXPECT_TRUE(config_of(blackbox::Setup{}, "nqmgr-2003").habits.defers_itself);
}

TEST(TwinTest, FilesAreListedByNameUnlessToldOtherwise) {
  for (const bool reversed : {false, true}) {
    Desk desk("setup t1 default_destination_concurrency_limit=1 initial_destination_concurrency=1");
    if (reversed) desk.twin.list_by([](Lines& names) { std::reverse(names.begin(), names.end()); });
    for (const char* name : {"C", "A", "B"}) desk(std::string("message ") + name + " a@d1.t1 unannounced");
    desk("trigger I");
    EXPECT_EQ(desk("agent t1").front(),
              std::string("request 1 ") + (reversed ? "C" : "A") + " via t1 nexthop=d1 to a@d1.t1");
  }
}

TEST(TwinTest, AnAgentThatMarksNothingIsBelieved) {
  Desk desk("setup t1");
  desk("message A a@d1.t1");
  desk("agent t1");
  EXPECT_EQ(desk("reply 1 done unmarked"), Lines{"queue A gone"});
}

// What an agent has marked as done in the file is not read again.
TEST(TwinTest, MarksAreInTheFile) {
  Desk desk("setup t1 default_destination_recipient_limit=1 minimal_backoff_time=10s");
  desk("message A a@d1.t1 b@d1.t1");
  desk("agent t1");
  desk("agent t1");
  desk("reply 1 done");
  EXPECT_EQ(desk("reply 2 retry"), Lines{"queue A deferred due 10"});
  desk("advance 10");
  EXPECT_EQ(desk("trigger D"), (Lines{"connect t1 waiting 1", "queue A active"}));
  EXPECT_EQ(desk("agent t1"), Lines{"request 3 A via t1 nexthop=d1 to b@d1.t1"});
}

TEST(TwinTest, ABadRecordMakesTheFileCorrupt) {
  Desk desk("setup t1");
  const Lines seen = desk("message A a@d1.t1 record N=content");
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.back(), "queue A corrupt");
  EXPECT_EQ(seen[seen.size() - 2],
            "log warning: saving corrupt file \"<A>\" from queue \"active\" to queue \"corrupt\"");
}

TEST(TwinTest, AFileThatIsNotReadyIsLeftAlone) {
  Desk desk("setup t1");
  EXPECT_EQ(desk("message A a@d1.t1 mode=0600"), Lines{"queue A incoming"});
}

TEST(TwinTest, ChecksAreMadeAfterEveryEvent) {
  Twin twin("qmgr", Desk::make_model, [](const Brain&) { return Lines{"wrong"}; });
  (void)twin.apply(blackbox::Setup{});
  const Lines broken = twin.take_broken();
  EXPECT_FALSE(broken.empty());
  EXPECT_EQ(broken.front(), "wrong");
  EXPECT_TRUE(twin.take_broken().empty());
}

// A brain that never rests.
class Restless : public Brain {
 public:
  void handle(Time, const Event&, std::vector<Command>&) override {}
  [[nodiscard]] std::optional<Seconds> next_deadline() const override { return std::nullopt; }
  [[nodiscard]] bool wants_tick() const override { return false; }
  [[nodiscard]] bool wants_turn() const override { return true; }
};

TEST(TwinTest, WhoNeverRestsMisbehaves) {
  Twin twin("qmgr", [](const Config&) { return std::make_unique<Restless>(); });
  EXPECT_EQ(twin.apply(blackbox::Setup{}), (std::vector<Observation>{{0, Misbehaved{"never rests"}}}));
  EXPECT_TRUE(twin.apply(Advance{1}).empty());
}

}  // namespace
}  // namespace weir::blackbox
