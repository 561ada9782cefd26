// The laws of a queue manager, judged from outside on any brain: on the model, on the engine, and on a brain with a
// seeded fault, which the law must notice. What the judge looks at in every script stands in sim/world.cpp and
// sim/judge.cpp; laws that need a life of their own stand in laws.cpp and laws_round_robin.cpp.
#include "props/laws.hpp"

#include <gtest/gtest.h>

#include <string>

#include "model/model.hpp"
#include "props/faults.hpp"
#include "props/generators.hpp"
#include "props/run.hpp"

// A law, on both brains. `law` draws its case, and fails by itself.
#define WEIR_LAW(name, law)                                         \
  static_assert(is_law(#name), "not in kLawNames");                 \
  RC_GTEST_PROP(ModelLaws, name, ()) { law(brain_named("model")); } \
  RC_GTEST_PROP(EngineLaws, name, ()) { law(brain_named("engine")); }

namespace weir::props {
namespace {

using sim::Aim;

void expect_lawful(const std::string& broken) {
  if (!broken.empty()) RC_FAIL(broken);
}

template <Aim aim, bool drain>
void judged(const Factory& make) {
  const Script script = drawn_script(aim);
  const std::string broken = run_alone(script, make, drain);
  if (!broken.empty()) RC_FAIL(broken + "\n" + show(script));
}

template <std::string (*broken)(const Factory&, std::uint64_t)>
void seeded(const Factory& make) {
  expect_lawful(broken(make, *rc::gen::arbitrary<std::uint64_t>()));
}

// --- laws of every script ----------------------------------------------------------------------------

// Active messages, recipients in memory, slots of a transport and of a stack, deliveries at a time to a destination,
// recipients of a delivery, connections under way.
//= R-QUE-03 test
//= R-PAR-010 test
//= R-PAR-011 test
//= R-PAR-014 test
//= R-PAR-026 test
//= R-PAR-038 test
//= R-STR-02 test
WEIR_LAW(LimitsAreNeverExceeded, (judged<Aim::uniform, false>))
WEIR_LAW(RecipientSlotsAreNeitherMadeNorLost, (judged<Aim::refill, false>))
//= R-PAR-016 test
WEIR_LAW(ExtraSlotsAreLentOnlyOnce, (judged<Aim::preemption, false>))
//= R-PAR-069 test
//= R-PAR-071 test
WEIR_LAW(RateDelaysAreKept, (judged<Aim::rate_delays, false>))
WEIR_LAW(EveryRecipientIsAccountedForOnce, (judged<Aim::after_work, false>))
//= R-GEN-05 test
WEIR_LAW(NoFreeDestinationIsLeftWaiting, (judged<Aim::feedback, false>))
// With everybody served, all mail leaves within World::rounds_to_drain() seconds.
//= R-STR-05 test
//= R-STR-07 test
WEIR_LAW(NobodyStarves, (judged<Aim::swarm, true>))
WEIR_LAW(NobodyStarvesBehindTheDead, (judged<Aim::dead, true>))

void same_trace(const Factory& make) { RC_ASSERT(runs_alike(make, drawn_script(drawn_aim()))); }
WEIR_LAW(TheSameScriptGivesTheSameTrace, same_trace)
//= R-QUE-05 test
//= R-STR-11 test
//= R-PAR-056 test
//= R-PAR-060 test
void backoff(const Factory& make) {
  expect_lawful(backoff_of_a_failing_message(make, *rc::gen::arbitrary<std::uint32_t>(), 6));
}
WEIR_LAW(BackoffIsBoundedAndDoubles, backoff)

//= R-TRG-13 test
//= R-TRG-14 test
//= R-TRG-15 test
void modifiers(const Factory& make) {
  expect_lawful(order_matters(make, *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ADFIW\0z", 7)))));
}
WEIR_LAW(ModifiersComeBeforeScans, modifiers)

//= R-STR-04 test
void fairness(const Factory& make) {
  const int incoming = *rc::gen::inRange(1, 12);
  const int deferred = *rc::gen::inRange(1, 12);
  const int room = *rc::gen::inRange(0, 4);
  expect_lawful(turns_of_queues(make, incoming, deferred, room));
}
WEIR_LAW(NewAndDeferredMailTakeTurns, fairness)

// --- who is served -----------------------------------------------------------------------------------

WEIR_LAW(TransportsTakeTurns, seeded<turns_of_transports>)
//= R-STR-09 test
WEIR_LAW(DestinationsOfAMessageTakeTurns, seeded<turns_of_destinations>)
//= R-STR-14 test
//= R-PAR-055 test
//= R-PAR-043, R-PAR-044 test
WEIR_LAW(PreemptionIsPaidFor, seeded<preemption_is_paid_for>)

// --- dead destinations -------------------------------------------------------------------------------

//= R-PAR-059 test
void dead_destination(const Factory& make) { expect_lawful(dead_for(make, *rc::gen::inRange(2, 40))); }
WEIR_LAW(ADeadDestinationIsAskedAgainAfterItsTime, dead_destination)

// --- round robin -------------------------------------------------------------------------------------

WEIR_LAW(InTurnNobodyStarves, (judged<Aim::round_robin, true>))
//= R-STR-16 test
WEIR_LAW(InTurnDestinationsTakeTurns, seeded<turns_of_a_transports_destinations>)
WEIR_LAW(InTurnMessagesStandInLine, seeded<messages_stand_in_line>)
WEIR_LAW(InTurnASmallMessageWaits, seeded<small_message_waits>)
//= R-PAR-011 test
WEIR_LAW(InTurnNoFileIsTakenWithoutRoom, seeded<room_for_recipients>)
//= R-PAR-023 test
WEIR_LAW(InTurnRecipientsAreReadInBatches, seeded<batches_of_recipients>)

void reading(const Factory& make) {
  const int limit = *rc::gen::inRange(5, 260);
  const int percent = *rc::gen::inRange(10, 101);
  const int recipients = *rc::gen::inRange(1, 400);
  RC_ASSERT(reads_of(make, limit, percent, recipients) == reads_by_rule(limit, percent, recipients));
}
WEIR_LAW(InTurnOneListIsReadByTheRule, reading)

void slots(const Factory& make) {
  const std::string broken = slots_are_no_matter(make, drawn_script(Aim::round_robin));
  if (!broken.empty()) RC_FAIL(broken);
}
WEIR_LAW(InTurnSlotsAreNoMatter, slots)

// --- by name -----------------------------------------------------------------------------------------

// As the judge of planted faults asks for them.
class NamedLaws : public testing::TestWithParam<Law> {};
TEST_P(NamedLaws, AreKeptByBothBrains) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_EQ(GetParam().broken(brain_named("model"), seed), "") << "model, seed " << seed;
    EXPECT_EQ(GetParam().broken(brain_named("engine"), seed), "") << "engine, seed " << seed;
  }
}
TEST(LawNames, AreThoseOfTheLaws) {
  ASSERT_EQ(laws().size(), kLawNames.size());
  for (std::size_t i = 0; i < kLawNames.size(); ++i) EXPECT_EQ(laws()[i].name, kLawNames[i]);
}
INSTANTIATE_TEST_SUITE_P(Laws, NamedLaws, testing::ValuesIn(laws()),
                         [](const testing::TestParamInfo<Law>& each) { return std::string(each.param.name); });

// --- seeded faults: each law must catch its own ------------------------------------------------------

bool caught(const Factory& fault, Aim aim, bool drain, const std::string& by) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    if (run_alone(sim::random_script(seed, 60, aim), fault, drain).rfind(by, 0) == 0) return true;
  }
  return false;
}

TEST(SeededFaults, ActiveLimitIgnored) { EXPECT_TRUE(caught(ignores_active_limit, Aim::uniform, false, "QUE-03")); }
TEST(SeededFaults, ConcurrencyLimitIgnored) {
  EXPECT_TRUE(caught(ignores_concurrency_limit, Aim::uniform, false, "PAR-026"));
}
TEST(SeededFaults, RecipientLimitIgnored) {
  EXPECT_TRUE(caught(ignores_recipient_limit, Aim::uniform, false, "PAR-038"));
}
TEST(SeededFaults, RecipientsInMemoryIgnored) {
  EXPECT_TRUE(caught(ignores_recipients_in_memory, Aim::refill, false, "PAR-011"));
}
TEST(SeededFaults, RecipientSlotsIgnored) {
  EXPECT_TRUE(caught(ignores_recipient_slots, Aim::refill, false, "PAR-014"));
}
TEST(SeededFaults, ExtraSlotsIgnored) { EXPECT_TRUE(caught(ignores_extra_slots, Aim::preemption, false, "PAR-016")); }
TEST(SeededFaults, TransportDelayIgnored) {
  EXPECT_TRUE(caught(ignores_transport_delay, Aim::rate_delays, false, "PAR-071"));
}
TEST(SeededFaults, DestinationDelayIgnored) {
  EXPECT_TRUE(caught(ignores_destination_delay, Aim::rate_delays, false, "PAR-069"));
}
TEST(SeededFaults, RecipientLost) {
  EXPECT_TRUE(caught(loses_a_recipient, Aim::uniform, true, "a recipient was lost"));
}
TEST(SeededFaults, RecipientTwice) { EXPECT_TRUE(caught(delivers_twice, Aim::uniform, false, "a recipient is del")); }
TEST(SeededFaults, TurnsSkipped) { EXPECT_TRUE(caught(skips_turns, Aim::feedback, false, "GEN-05")); }
TEST(SeededFaults, DestinationForgotten) { EXPECT_TRUE(caught(forgets_a_destination, Aim::swarm, true, "starved")); }

TEST(SeededFaults, OneRunShowsInTheNext) {
  EXPECT_FALSE(runs_alike(decides_by_a_global, sim::random_script(1, 60, Aim::preemption)));
}

TEST(SeededFaults, BackoffIsConstant) {
  bool found = false;
  for (std::uint32_t setup = 0; setup < 200; ++setup) {
    found |= backoff_of_a_failing_message(backs_off_by_a_constant, setup, 6).rfind("STR-11", 0) == 0;
  }
  EXPECT_TRUE(found);
}

TEST(SeededFaults, BackoffIsUnbounded) {
  bool found = false;
  for (std::uint32_t setup = 0; setup < 20; ++setup) {
    found |= backoff_of_a_failing_message(backs_off_without_bound, setup, 6) == "QUE-05: a wait above the maximum";
  }
  EXPECT_TRUE(found);
}

TEST(SeededFaults, BytesHandledOneByOne) {
  EXPECT_NE(order_matters(handles_bytes_one_by_one, "DA"), "");
  EXPECT_EQ(order_matters(model::make_model, "DA"), "");
}

TEST(SeededFaults, DeferredMailForgottenForNewMail) {
  EXPECT_EQ(turns_of_queues(looks_at_incoming_only, 5, 5, 0), "STR-04: one queue twice while the other has mail");
}

template <class Law>
bool caught_by(const Law& law, const Factory& fault, const std::string& by) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    if (law(fault, seed).rfind(by, 0) == 0) return true;
  }
  return false;
}

TEST(SeededFaults, OneTransportFirst) {
  EXPECT_TRUE(caught_by(turns_of_transports, asks_one_transport_first, "STR-07"));
}
TEST(SeededFaults, OneDestinationWaits) {
  EXPECT_TRUE(caught_by(turns_of_destinations, keeps_a_destination_waiting, "STR-09"));
}
TEST(SeededFaults, PreemptionTooCheap) { EXPECT_TRUE(caught_by(preemption_is_paid_for, preempts_too_much, "STR-14")); }
TEST(SeededFaults, InTurnDestinationForgotten) {
  EXPECT_TRUE(caught(forgets_a_destination, Aim::round_robin, true, "starved"));
}
TEST(SeededFaults, InTurnOneDestinationWaits) {
  EXPECT_TRUE(caught_by(turns_of_a_transports_destinations, keeps_a_destination_waiting, "STR-16"));
}
TEST(SeededFaults, InTurnYoungMailFirst) {
  EXPECT_TRUE(caught_by(messages_stand_in_line, sends_young_mail_first, "STR-16"));
}
TEST(SeededFaults, InTurnSmallMailFirst) { EXPECT_TRUE(caught_by(small_message_waits, schedules_by_jobs, "STR-16")); }
TEST(SeededFaults, InTurnRoomIgnored) {
  EXPECT_TRUE(caught_by(room_for_recipients, takes_a_file_too_many, "PAR-011: a file was taken with"));
}
TEST(SeededFaults, InTurnRoomNotUsed) {
  EXPECT_TRUE(caught_by(room_for_recipients, takes_a_file_too_few, "PAR-011: no file was taken with"));
}
TEST(SeededFaults, InTurnBatchTooLarge) { EXPECT_TRUE(caught_by(batches_of_recipients, reads_one_more, "PAR-023")); }
TEST(SeededFaults, InTurnReadTooEarly) {
  EXPECT_TRUE(caught_by(batches_of_recipients, reads_too_early, "PAR-023: a read with"));
}
TEST(SeededFaults, InTurnReadTooLate) {
  EXPECT_TRUE(caught_by(batches_of_recipients, reads_too_late, "PAR-023: no read with"));
}
TEST(SeededFaults, InTurnFudgeFactorIgnored) {
  EXPECT_NE(reads_of(knows_no_fudge_factor, 50, 50, 100), reads_by_rule(50, 50, 100));
  EXPECT_NE(reads_of(schedules_by_jobs, 150, 100, 400), reads_by_rule(150, 100, 400));
}
// The rule as counted by hand is the one that was observed (tests/vectors/queue-cycle/oqmgr-recipient-refill.json).
TEST(SeededFaults, InTurnTheRuleCountsAsObserved) {
  EXPECT_EQ(reads_by_rule(150, 100, 400).after, (std::vector<int>{0, 101, 251}));
  EXPECT_EQ(reads_by_rule(400, 50, 400).after, (std::vector<int>{0, 101, 301}));
  EXPECT_EQ(reads_by_rule(300, 50, 400).after, (std::vector<int>{0, 101, 251}));
  EXPECT_EQ(reads_by_rule(50, 100, 400).after, (std::vector<int>{0, 50, 100, 150, 200, 250, 300, 350, 400}));
}
TEST(SeededFaults, InTurnSlotsMatter) {
  bool found = false;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    found |= !slots_are_no_matter(limits_reads_by_slots, sim::random_script(seed, 60, Aim::round_robin)).empty();
  }
  EXPECT_TRUE(found);
}
TEST(SeededFaults, DeadDestinationEarly) { EXPECT_NE(dead_for(revives_early, 10), ""); }
TEST(SeededFaults, DeadDestinationLate) {
  EXPECT_EQ(dead_for(revives_late, 10), "PAR-059: a dead destination was not asked again after its time");
}

}  // namespace
}  // namespace weir::props
