// The named scenarios hold for every brain. With WEIR_REWRITE=1 the model's answers are written into the files instead:
// read the difference before you keep it.
#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "blackbox/excuses.hpp"
#include "blackbox/twin.hpp"
#include "support/brain.hpp"
#include "support/scenario_files.hpp"

namespace weir::testing {
namespace {

using blackbox::Scenario;
using blackbox::Twin;

struct Case {
  std::filesystem::path file;
  Scenario scenario;
  std::string personality;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto& file : scenario_files()) {
    for (const Scenario& scenario : read_scenarios(file)) {
      for (const std::string& personality : personalities_of(scenario)) all.push_back({file, scenario, personality});
    }
  }
  return all;
}

std::vector<std::string> broken(const Brain& brain) {
  return dynamic_cast<const InspectableBrain&>(brain).broken_invariants();
}

class NamedScenarios : public ::testing::TestWithParam<Case> {};

TEST_P(NamedScenarios, Hold) {
  if (rewriting()) GTEST_SKIP() << "rewriting";
  const Case& c = GetParam();
  Twin twin(
      c.personality, [](const Config& config) { return make_brain(config); }, broken);
  const Scenario seen = play(c.scenario, twin);
  for (std::size_t i = 0; i < seen.steps.size(); ++i) {
    EXPECT_EQ(c.scenario.steps[i].expected, seen.steps[i].expected)
        << c.file << ", " << c.scenario.title << ", after: " << show(seen.steps[i].input);
  }
  EXPECT_EQ(twin.take_broken(), std::vector<std::string>{});
}

std::string test_name(const ::testing::TestParamInfo<Case>& info) {
  std::string name = info.param.file.stem().string() + '_' + info.param.scenario.title + '_' + info.param.personality;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, NamedScenarios, ::testing::ValuesIn(cases()), test_name);

#ifndef WEIR_TEST_ENGINE
TEST(ScenarioFiles, AreAsTheyWouldBeWritten) {
  for (const auto& file : scenario_files()) {
    std::vector<Scenario> scenarios = read_scenarios(file);
    if (rewriting()) {
      for (Scenario& each : scenarios) {
        Twin twin(personalities_of(each).front(), [](const Config& config) { return make_brain(config); });
        each = play(std::move(each), twin);
      }
      std::ofstream(file) << show(scenarios);
    }
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    EXPECT_EQ(show(scenarios), text.str()) << file;
  }
}
#endif

// The ids of all rows of spec/requirements.tsv, with how they stand.
std::map<std::string, std::string> rows() {
  std::map<std::string, std::string> all;
  std::ifstream file(WEIR_SOURCE_DIR "/spec/requirements.tsv");
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::vector<std::string> row;
    for (std::string field; std::getline(fields, field, '\t');) row.push_back(field);
    all[row.at(0)] = row.at(5);
  }
  return all;
}

std::string section_about_excuses() {
  std::ostringstream chapter;
  chapter << std::ifstream(WEIR_SOURCE_DIR "/spec/oracle.md").rdbuf();
  const std::string text = chapter.str();
  const auto begin = text.find("### Rows that no scenario shows");
  return begin == std::string::npos ? "" : text.substr(begin, text.find("\n#", begin) - begin);
}

// Every row is exercised by a scenario or has a line in the chapter that says why it cannot be.
TEST(ScenarioFiles, CoverEveryRowThatCanBeSeen) {
  std::set<std::string> covered;
  const auto known = rows();
  for (const Case& c : cases()) {
    for (const std::string& id : c.scenario.requirements) {
      EXPECT_TRUE(known.contains(id)) << c.file << ": " << id;
      covered.insert(id);
    }
    EXPECT_FALSE(c.scenario.requirements.empty()) << c.file << ": " << c.scenario.title;
  }
  const std::string excuses = section_about_excuses();
  for (const auto& [id, status] : known) {
    if (status != "met") continue;
    const bool excused = excuses.find(id) != std::string::npos;
    EXPECT_NE(covered.contains(id), excused) << id << (excused ? " is covered and excused" : " is neither");
  }
}

// Or the oracle would not let Debian's programs off.
TEST(ScenarioFiles, NameDeparturesThatAreExcused) {
  std::set<std::string> excused;
  for (const blackbox::Excuse& each : blackbox::known_excuses()) excused.insert(each.id);
  for (const Case& c : cases()) {
    for (const std::string& id : c.scenario.divergences) {
      EXPECT_TRUE(excused.contains(id)) << c.file << ", " << c.scenario.title << ": " << id;
    }
  }
}

TEST(ScenarioFiles, AreMany) { EXPECT_GE(cases().size(), 120U); }

}  // namespace
}  // namespace weir::testing
