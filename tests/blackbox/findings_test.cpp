// What was found out about Postfix (spec/findings.md). A file of tests/findings has two scenarios with the same inputs:
// what Debian's program still does, and what the daemon does. With WEIR_REWRITE=1 both are written anew.
#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "blackbox/process.hpp"
#include "blackbox/subjects.hpp"
#include "support/scenario_files.hpp"

namespace weir::testing {
namespace {

using namespace blackbox;

std::string content_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

Scenario played_on(const std::filesystem::path& program, const Scenario& scenario) {
  Process process(subject(program));
  return play(scenario, process);
}

class Findings : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(Findings, AreWhatPostfixDoesAndWeirDoesNot) {
  const std::vector<Scenario> written = read_scenarios(GetParam());
  ASSERT_FALSE(written.empty());
  const Scenario& finding = written.front();
  const std::string personality = personalities_of(finding).front();
  if (const std::string reason = why_not(subject(debian(personality))); !reason.empty()) GTEST_SKIP() << reason;

  const Scenario theirs = played_on(debian(personality), finding);
  Scenario ours = played_on(own(personality), finding);
  ours.title = "Weir, after the same inputs";
  ours.about.clear();
  const std::string seen = show({theirs, ours});
  if (rewriting()) std::ofstream(GetParam()) << seen;
  EXPECT_EQ(content_of(GetParam()), seen) << GetParam();
  const auto differs = [](const ScenarioStep& a, const ScenarioStep& b) { return a.expected != b.expected; };
  EXPECT_FALSE(
      std::equal(theirs.steps.begin(), theirs.steps.end(), ours.steps.begin(), ours.steps.end(), std::not_fn(differs)))
      << "nothing that Weir does otherwise";
}

std::string test_name(const ::testing::TestParamInfo<std::filesystem::path>& info) {
  std::string name = info.param.stem().string();
  for (char& each : name) {
    if (std::isalnum(static_cast<unsigned char>(each)) == 0) each = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, Findings, ::testing::ValuesIn(scenario_files("findings")), test_name);

}  // namespace
}  // namespace weir::testing
