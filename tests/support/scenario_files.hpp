// The named scenarios (tests/scenarios) and the findings (tests/findings), for twins and for processes.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "blackbox/party.hpp"
#include "blackbox/scenario.hpp"

namespace weir::testing {

inline std::vector<std::filesystem::path> scenario_files(const std::string& folder = "scenarios") {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(WEIR_SOURCE_DIR "/tests/" + folder)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Files are to be written with what is seen, not compared (WEIR_REWRITE=1).
inline bool rewriting() {
  const char* const given = std::getenv("WEIR_REWRITE");
  return given != nullptr && *given != '\0' && std::string(given) != "0";
}

// Throws with the place of what is wrong.
inline std::vector<blackbox::Scenario> read_scenarios(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  auto scenarios = blackbox::parse_scenarios(text.str());
  if (!scenarios) throw std::runtime_error(file.string() + ": " + scenarios.error().text);
  return std::move(*scenarios);
}

inline std::vector<std::string> personalities_of(const blackbox::Scenario& scenario) {
  if (!scenario.personalities.empty()) return scenario.personalities;
  return {"qmgr", "nqmgr"};
}

// nqmgr warns about its name at the start; the scenarios do not say so.
inline bool is_about_the_old_name(const blackbox::Observation& seen) {
  const auto* log = std::get_if<blackbox::LogText>(&seen.sight);
  if (log == nullptr || !log->text.starts_with("warning: ")) return false;
  return log->text.find("nqmgr") != std::string::npos || log->text.starts_with("warning: please update the ");
}

// Plays the inputs to a party; the scenario comes back with what was seen in the place of what was expected.
inline blackbox::Scenario play(blackbox::Scenario scenario, blackbox::Party& party) {
  std::int64_t now = 0;
  for (blackbox::ScenarioStep& step : scenario.steps) {
    std::vector<blackbox::Observation> seen = party.apply(step.input);
    if (std::holds_alternative<blackbox::Setup>(step.input)) std::erase_if(seen, is_about_the_old_name);
    step.expected = expected_lines(seen, now);
    if (const auto* advance = std::get_if<blackbox::Advance>(&step.input)) now += advance->seconds;
    if (const auto* jump = std::get_if<blackbox::Jump>(&step.input)) now += jump->seconds;
  }
  return scenario;
}

}  // namespace weir::testing
