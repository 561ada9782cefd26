// Every recorded schedule of the two real queue managers, reproduced by each brain.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "model/schedule_replay.hpp"
#include "support/brain.hpp"
#include "support/vectors.hpp"

namespace weir::testing {
namespace {

// Where the recordings of a program are.
std::filesystem::path folder(const std::string& program) {
  return vectors() / (program == "qmgr" ? "schedules" : "schedules-" + program);
}

std::vector<std::string> traces(const std::string& program) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder(program))) {
    if (entry.path().extension() == ".jsonl") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

ReplayResult replay(const std::string& name, const std::string& program) {
  return replay_schedule(
      folder(program) / (name + ".jsonl"), program, [](const Config& c) { return make_brain(c); },
      [](const Brain& brain) { return dynamic_cast<const InspectableBrain&>(brain).broken_invariants(); });
}

// The two recordings of each program that show a defect of the real one which Weir does not copy (spec/divergences.md).
const std::string kStaleReason = "18-agent-vanishes";        // DV-01
const std::string kRetryLeak = "24-retry-destination-leak";  // DV-03

std::vector<std::string> conforming_traces(const std::string& program) {
  std::vector<std::string> names = traces(program);
  std::erase(names, kStaleReason);
  std::erase(names, kRetryLeak);
  return names;
}

class Schedules : public ::testing::TestWithParam<std::string> {};
class RoundRobinSchedules : public ::testing::TestWithParam<std::string> {};

void expect_reproduced(const ReplayResult& result) {
  EXPECT_GT(result.inputs, 1);
  EXPECT_EQ(result.first_difference(), "");
  EXPECT_EQ(result.broken, std::vector<std::string>{});
}

TEST_P(Schedules, AreReproduced) { expect_reproduced(replay(GetParam(), "qmgr")); }
TEST_P(RoundRobinSchedules, AreReproduced) { expect_reproduced(replay(GetParam(), "oqmgr")); }

std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, Schedules, ::testing::ValuesIn(conforming_traces("qmgr")), test_name);
INSTANTIATE_TEST_SUITE_P(All, RoundRobinSchedules, ::testing::ValuesIn(conforming_traces("oqmgr")), test_name);

class ScheduleDivergences : public ::testing::TestWithParam<std::string> {};

// The recording departs where a crash is blamed with the reason of another agent's report, and not before.
TEST_P(ScheduleDivergences, ReasonOfAnotherDeliveryIsNotUsedAfterACrash) {
  const ReplayResult result = replay(kStaleReason, GetParam());
  EXPECT_EQ(result.broken, std::vector<std::string>{});
  const std::string difference = result.first_difference();
  EXPECT_NE(difference.find("\"in\":\"crash\""), std::string::npos) << difference;
  EXPECT_NE(difference.find("suspended: delivery temporarily suspended: connect to b"), std::string::npos)
      << difference;
}

// The recording keeps a destination of the retry transport for each reason and counts it; Weir remembers one more
// dead destination for it.
TEST_P(ScheduleDivergences, ReasonsAreNotLeftBehindAsDestinations) {
  const ReplayResult result = replay(kRetryLeak, GetParam());
  EXPECT_EQ(result.broken, std::vector<std::string>{});
  const std::string difference = result.first_difference();
  EXPECT_NE(difference.find("  - {\"out\":\"log\",\"t\":0,\"text\":\"qmgr_queue_unthrottle: queue d3:"),
            std::string::npos)
      << difference;
  const std::string fourth = "qmgr_queue_unthrottle: queue d4:";
  const auto has_fourth = [&](const std::string& line) { return line.find(fourth) != std::string::npos; };
  EXPECT_TRUE(std::any_of(result.replayed.begin(), result.replayed.end(), has_fourth));
}

INSTANTIATE_TEST_SUITE_P(Both, ScheduleDivergences, ::testing::Values("qmgr", "oqmgr"), test_name);

TEST(ScheduleVectors, AreAllThere) {
  EXPECT_GE(traces("qmgr").size(), 39U);
  EXPECT_GE(traces("oqmgr").size(), 39U);
}

}  // namespace
}  // namespace weir::testing
