// Trial: one scenario played on a subject, and the verdict on it.
//
// At level exact a twin plays it beside, and after each input both must have been seen to do the same; at level
// promises only the promises are looked at. The first departure ends the trial, and so does one that is known.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "blackbox/party.hpp"
#include "blackbox/promises.hpp"
#include "blackbox/scenario.hpp"
#include "sim/script.hpp"

namespace weir::blackbox {

enum class Level : std::uint8_t { exact, promises };
enum class Verdict : std::uint8_t { conforms, excused, departs, inconclusive };

struct TrialDeparture {
  std::string requirement;  // row id
  std::string input;        // after which it was seen
  std::string seen, allowed;
};

// A departure of a subject that is known and explained.
struct Excuse {
  std::string id, reason;
  // Whether it is this one: what was seen in place of what was allowed (either may be missing) after the input, and
  // what has been seen so far, after this input too.
  std::function<bool(const Input& input, const std::optional<Observation>& seen,
                     const std::optional<Observation>& allowed, const Ledger& books)>
      covers;
};

struct Outcome {
  Verdict verdict = Verdict::inconclusive;
  std::optional<TrialDeparture> departure;    // also an excused one
  std::string excuse;                         // its id
  std::string why;                            // of an inconclusive one
  std::uint64_t decisions = 0;                // that were consumed
  std::map<std::string, std::uint64_t> rows;  // exercised: how often
  Scenario transcript;                        // what was done, and what was seen after each input
};

struct Court {
  std::function<std::unique_ptr<Party>()> subject;
  std::function<std::unique_ptr<Party>()> twin;                     // level exact
  std::function<std::map<std::string, std::uint64_t>()> twin_rows;  // of the last twin: rules that have decided
  std::function<Config(const Setup&)> config;
  std::vector<Excuse> excuses;
  Level level = Level::exact;
};

// A generated script; afterwards agents are of service until all mail is gone.
[[nodiscard]] Outcome try_script(const Court& court, const sim::Script& script);
// A scenario as it is written; at level exact the subject must also do what is written in it.
[[nodiscard]] Outcome try_scenario(const Court& court, const Scenario& scenario);

// A script with fewer steps for which the same requirement is departed from. `budget`: trials at most.
[[nodiscard]] sim::Script shrink(const Court& court, const sim::Script& script, const Outcome& outcome, int budget);

// Which row says what must be seen (or what must not).
[[nodiscard]] std::string requirement_of(const std::optional<Observation>& seen,
                                         const std::optional<Observation>& allowed);

}  // namespace weir::blackbox
