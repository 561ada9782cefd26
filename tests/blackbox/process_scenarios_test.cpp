// The named scenarios on real programs: what holds for each brain in its twin is what Debian's programs and the daemon
// are seen to do.
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "blackbox/process.hpp"
#include "blackbox/subjects.hpp"
#include "support/scenario_files.hpp"

namespace weir::testing {
namespace {

using namespace blackbox;

struct Case {
  std::string origin;       // Debian's, or our own
  std::string personality;  // and the name of the program
  std::filesystem::path file;
  Scenario scenario;
};
void PrintTo(const Case& each, std::ostream* out) { *out << each.file.stem().string() << ": " << each.scenario.title; }

// The personality of 2003 is a profile of the daemon, which has its own tests.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto& file : scenario_files()) {
    for (const Scenario& scenario : read_scenarios(file)) {
      for (const std::string& personality : personalities_of(scenario)) {
        if (personality == "nqmgr-2003") continue;
        all.push_back({"debian", personality, file, scenario});
        all.push_back({"own", personality, file, scenario});
      }
    }
  }
  return all;
}

class ScenariosOnPrograms : public ::testing::TestWithParam<Case> {};

TEST_P(ScenariosOnPrograms, Hold) {
  const Case& c = GetParam();
  const SubjectOptions options = subject(c.origin == "own" ? own(c.personality) : debian(c.personality));
  if (const std::string reason = why_not(options); !reason.empty()) GTEST_SKIP() << reason;
  Process process(options);
  const Scenario seen = play(c.scenario, process);
  if (c.origin == "debian" && !c.scenario.divergences.empty()) {
    EXPECT_NE(show(c.scenario), show(seen)) << c.scenario.divergences.front() << " does not show";
    return;
  }
  for (std::size_t i = 0; i < seen.steps.size(); ++i) {
    EXPECT_EQ(c.scenario.steps[i].expected, seen.steps[i].expected)
        << c.file << ", " << c.scenario.title << ", after: " << show(seen.steps[i].input);
  }
}

std::string test_name(const ::testing::TestParamInfo<Case>& info) {
  const Case& c = info.param;
  std::string name = c.origin + '_' + c.personality + '_' + c.file.stem().string() + '_' + c.scenario.title;
  for (char& each : name) {
    if (std::isalnum(static_cast<unsigned char>(each)) == 0) each = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, ScenariosOnPrograms, ::testing::ValuesIn(cases()), test_name);

}  // namespace
}  // namespace weir::testing
