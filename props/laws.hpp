// The laws of a queue manager as functions: a brain lives a life that a seed draws, and the answer is what it broke, or
// nothing. Properties (laws_props.cpp), seeded faults and the judge of planted faults (mutants/) share them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "contract/command.hpp"
#include "props/run.hpp"

namespace weir::props {

// --- with what they draw from, for properties that make a failing case small -------------------------

[[nodiscard]] std::vector<Command> trace_of(const Config& config, const Factory& make, const Script& script);
[[nodiscard]] bool runs_alike(const Factory& make, const Script& script);
[[nodiscard]] std::string backoff_of_a_failing_message(const Factory& make, std::uint32_t setup, std::size_t attempts);
[[nodiscard]] std::string order_matters(const Factory& make, const std::string& bytes);
[[nodiscard]] std::string turns_of_queues(const Factory& make, int incoming, int deferred, int room);
[[nodiscard]] std::string turns_of_transports(const Factory& make, std::uint64_t seed);
[[nodiscard]] std::string turns_of_destinations(const Factory& make, std::uint64_t seed);
[[nodiscard]] std::string preemption_is_paid_for(const Factory& make, std::uint64_t seed);
[[nodiscard]] std::string dead_for(const Factory& make, int seconds);
// Round robin: laws_round_robin.cpp.
[[nodiscard]] std::string turns_of_a_transports_destinations(const Factory& make, std::uint64_t seed);
[[nodiscard]] std::string messages_stand_in_line(const Factory& make, std::uint64_t seed);
[[nodiscard]] std::string small_message_waits(const Factory& make, std::uint64_t seed);
[[nodiscard]] std::string room_for_recipients(const Factory& make, std::uint64_t seed);
[[nodiscard]] std::string batches_of_recipients(const Factory& make, std::uint64_t seed);
// One long list, each recipient a delivery: when its file is read again, counted in finished deliveries, and how much
// is asked for each time. The other side is the rule, counted by hand.
struct Reads {
  std::vector<std::int64_t> asked;
  std::vector<int> after;
  friend bool operator==(const Reads&, const Reads&) = default;
};
[[nodiscard]] Reads reads_by_rule(int limit, int percent, int recipients);
[[nodiscard]] Reads reads_of(const Factory& make, int limit, int percent, int recipients);
[[nodiscard]] std::string reads_of_one_list(const Factory& make, std::uint64_t seed);
[[nodiscard]] std::string slots_are_no_matter(const Factory& make, const Script& script);

// --- by name -----------------------------------------------------------------------------------------

struct Law {
  std::string_view name;  // of its two properties, ModelLaws.NAME and EngineLaws.NAME
  // What is broken in the life that this seed draws, by this law or by another one that the world looks at.
  std::string (*broken)(const Factory& make, std::uint64_t seed);
  std::vector<std::string_view> beginnings;  // of what this law says
  std::uint64_t cases = 40;                  // enough to find a fault that breaks it

  [[nodiscard]] bool says(std::string_view broken_law) const;
};
[[nodiscard]] const std::vector<Law>& laws();

// Of all laws, in the order of laws().
inline constexpr auto kLawNames = std::to_array<std::string_view>({"LimitsAreNeverExceeded",
                                                                   "RecipientSlotsAreNeitherMadeNorLost",
                                                                   "ExtraSlotsAreLentOnlyOnce",
                                                                   "RateDelaysAreKept",
                                                                   "EveryRecipientIsAccountedForOnce",
                                                                   "NoFreeDestinationIsLeftWaiting",
                                                                   "NobodyStarves",
                                                                   "NobodyStarvesBehindTheDead",
                                                                   "TheSameScriptGivesTheSameTrace",
                                                                   "BackoffIsBoundedAndDoubles",
                                                                   "ModifiersComeBeforeScans",
                                                                   "NewAndDeferredMailTakeTurns",
                                                                   "TransportsTakeTurns",
                                                                   "DestinationsOfAMessageTakeTurns",
                                                                   "PreemptionIsPaidFor",
                                                                   "ADeadDestinationIsAskedAgainAfterItsTime",
                                                                   "InTurnNobodyStarves",
                                                                   "InTurnDestinationsTakeTurns",
                                                                   "InTurnMessagesStandInLine",
                                                                   "InTurnASmallMessageWaits",
                                                                   "InTurnNoFileIsTakenWithoutRoom",
                                                                   "InTurnRecipientsAreReadInBatches",
                                                                   "InTurnOneListIsReadByTheRule",
                                                                   "InTurnSlotsAreNoMatter"});

constexpr bool is_law(std::string_view name) {
  for (const std::string_view law : kLawNames) {
    if (law == name) return true;
  }
  return false;
}

}  // namespace weir::props
