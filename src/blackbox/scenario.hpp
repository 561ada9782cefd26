// Scenario: inputs with what is expected after each, in a text that a person reads and writes (spec/oracle.md).
//
//   # Two destinations take turns.
//   setup t1 default_destination_recipient_limit=1
//
//   message A a@d1.t1 b@d2.t1
//   ----
//   connect t1 waiting 1
//   queue A active
//
// Between "----" and the next empty line stands what is expected, an Observation a line, in canonical() order; "+5 "
// before a line: seen that many seconds after the input began. No "----": nothing is expected. "#" begins a comment
// line; those at the top say what the scenario is about, "# rows: STR-09 PAR-043" which requirements it exercises and
// "# for: oqmgr" which personalities it holds for. A file can hold several, each after a line "=== TITLE".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "blackbox/input.hpp"
#include "blackbox/observation.hpp"
#include "contract/result.hpp"

namespace weir::blackbox {

inline constexpr std::size_t kScenarioBytesMax = std::size_t{16} << 20;

struct ScenarioStep {
  Input input;
  std::vector<std::string> expected;  // lines
  std::vector<std::string> comments;  // before the input
  friend bool operator==(const ScenarioStep&, const ScenarioStep&) = default;
};

struct Scenario {
  std::string title;                       // of "=== "; may be empty
  std::vector<std::string> about;          // comment lines at the top, without "# "
  std::vector<std::string> requirements;   // of "# rows:"
  std::vector<std::string> personalities;  // of "# for:"; none = qmgr and nqmgr
  std::vector<std::string> divergences;    // of "# departs:"; known ones of Postfix that it shows
  std::vector<ScenarioStep> steps;         // the first is Setup, and no other
  friend bool operator==(const Scenario&, const Scenario&) = default;
};

[[nodiscard]] Result<Scenario> parse_scenario(std::string_view text);  // names the line
[[nodiscard]] std::string show(const Scenario& scenario);              // parse_scenario() reads it back as it was

// A file of one or more.
[[nodiscard]] Result<std::vector<Scenario>> parse_scenarios(std::string_view text);
[[nodiscard]] std::string show(const std::vector<Scenario>& scenarios);

// Inputs alone, for a generated script.
[[nodiscard]] Result<Input> parse_input(std::string_view line);

// Expected lines of what was seen after an input that began at this virtual second.
[[nodiscard]] std::vector<std::string> expected_lines(const std::vector<Observation>& seen, std::int64_t began);

}  // namespace weir::blackbox
