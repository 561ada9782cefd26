// The engine against the model: for every script both give the same commands, hold the same, and keep their own
// invariants, after every step. And the comparison has eyes: it notices every seeded fault.
#include <gtest/gtest.h>

#include <string>

#include "model/model.hpp"
#include "props/faults.hpp"
#include "props/generators.hpp"
#include "props/run.hpp"

namespace weir::props {
namespace {

Outcome agree(const Script& script) { return run_lockstep(script, {brain_named("model"), brain_named("engine")}); }

void expect_agreement(sim::Aim aim) {
  const Script script = drawn_script(aim);
  const Outcome outcome = agree(script);
  if (!outcome.broken.empty()) RC_FAIL(outcome.broken + "\n" + show(script));
}

RC_GTEST_PROP(BrainsAgree, OnAnyScript, ()) { expect_agreement(drawn_aim()); }
RC_GTEST_PROP(BrainsAgree, OnPreemption, ()) { expect_agreement(sim::Aim::preemption); }
RC_GTEST_PROP(BrainsAgree, OnRefills, ()) { expect_agreement(sim::Aim::refill); }
RC_GTEST_PROP(BrainsAgree, OnRoundRobin, ()) { expect_agreement(sim::Aim::round_robin); }
RC_GTEST_PROP(BrainsAgree, OnRateDelays, ()) { expect_agreement(sim::Aim::rate_delays); }

// Directed scripts, longer than RapidCheck makes them.
class DirectedScripts : public testing::TestWithParam<unsigned> {};
TEST_P(DirectedScripts, Agree) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const Script script = sim::random_script(seed, 150, static_cast<sim::Aim>(GetParam()));
    const Outcome outcome = agree(script);
    ASSERT_EQ(outcome.broken, "") << "seed " << seed << '\n' << show(script);
  }
}
INSTANTIATE_TEST_SUITE_P(BrainsAgree, DirectedScripts, testing::Range(0U, sim::kAims),
                         [](const testing::TestParamInfo<unsigned>& each) {
                           return std::string(sim::kAimNames[each.param]);
                         });

// A fault that lies in the settings shows as soon as they matter; one in the commands at once.
class SeededFaults : public testing::TestWithParam<Fault> {};
TEST_P(SeededFaults, ShowInLockStep) {
  const Pair pair{model::make_model, GetParam().make, 4};
  bool noticed = false;
  for (std::uint64_t seed = 1; seed <= 200 && !noticed; ++seed) {
    noticed = !run_lockstep(sim::random_script(seed, 100), pair).broken.empty();
  }
  EXPECT_TRUE(noticed);
}
INSTANTIATE_TEST_SUITE_P(BrainsAgree, SeededFaults, testing::ValuesIn(kFaults),
                         [](const testing::TestParamInfo<Fault>& each) { return std::string(each.param.name); });

TEST(Shrinking, FindsAShortScriptThatStillFails) {
  const Pair pair{model::make_model, loses_a_recipient, 1};
  const auto fails = [&](const Script& script) { return !run_lockstep(script, pair).broken.empty(); };
  std::uint64_t seed = 1;
  while (!fails(sim::random_script(seed, 80))) ++seed;
  const Script script = shrink(sim::random_script(seed, 80), fails);
  EXPECT_TRUE(fails(script));
  EXPECT_LE(script.steps.size(), 4U) << show(script);
}

RC_GTEST_PROP(Scripts, AreReadBackAsWritten, ()) {
  const Script script = drawn_script(drawn_aim());
  const auto read = sim::parse_script(show(script));
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == script);
}

TEST(Scripts, NonsenseIsNamedByItsLine) {
  EXPECT_EQ(sim::parse_script("setup 1\n\narrive 1 2 # mail\nfly 1 2\n").error().text, "line 4: not a step");
  EXPECT_FALSE(sim::parse_script("arrive 1").has_value());
  EXPECT_FALSE(sim::parse_script("arrive 1 2 3").has_value());
  EXPECT_FALSE(sim::parse_script("arrive 1 99999999999").has_value());
  EXPECT_TRUE(sim::parse_script("").has_value());
}

TEST(Scripts, AnyBytesAreAScript) {
  EXPECT_TRUE(sim::script_from_bytes("abc").steps.empty());
  const Script script =
      sim::script_from_bytes(std::string("\0\0\1\2"
                                         "\3"
                                         "\0\0\0\1"
                                         "\0\0\0\2"
                                         "left",
                                         17));
  EXPECT_EQ(script, (Script{258, {{static_cast<StepKind>(3), 1, 2}}}));
}

// Both schedulers are met under every aim, each with every share of the other settings.
TEST(Setups, AShareIsRoundRobin) {
  for (unsigned aim = 0; aim < sim::kAims; ++aim) {
    int in_turn = 0;
    int large = 0;
    for (std::uint32_t word = 0; word < 1000; ++word) {
      const Config config = sim::setup_config(sim::setup_for(static_cast<sim::Aim>(aim), word));
      in_turn += config.scheduler == Scheduler::round_robin ? 1 : 0;
      large += config.message_recipient_limit * config.fudge_factor > 10'000 ? 1 : 0;
    }
    const bool all = static_cast<sim::Aim>(aim) == sim::Aim::round_robin;
    EXPECT_GE(in_turn, all ? 1000 : 150) << sim::kAimNames[aim];
    EXPECT_LE(in_turn, all ? 1000 : 250) << sim::kAimNames[aim];
    EXPECT_GE(large, 15) << sim::kAimNames[aim];
  }
}

// The scripts reach what they are for: every kind of step, event, command and log record occurs.
TEST(Scripts, ReachEverything) {
  sim::Counts counts;
  for (std::uint64_t seed = 1; seed <= 250; ++seed) {
    counts += run_lockstep(sim::random_script(seed, 150), {brain_named("engine"), brain_named("engine"), 1000}).counts;
  }
  for (std::size_t i = 0; i < counts.steps.size(); ++i) EXPECT_GT(counts.steps[i], 0U) << sim::step_name(i);
  for (std::size_t i = 0; i < counts.events.size(); ++i) EXPECT_GT(counts.events[i], 0U) << sim::event_name(i);
  for (std::size_t i = 0; i < counts.commands.size(); ++i) EXPECT_GT(counts.commands[i], 0U) << sim::command_name(i);
  for (std::size_t i = 0; i < counts.records.size(); ++i) EXPECT_GT(counts.records[i], 0U) << sim::record_name(i);
}

}  // namespace
}  // namespace weir::props
