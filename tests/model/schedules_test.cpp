// Every recorded schedule of the real queue manager, reproduced by each brain.
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

std::vector<std::string> traces() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(vectors() / "schedules")) {
    if (entry.path().extension() == ".jsonl") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

ReplayResult replay(const std::string& name) {
  return replay_schedule(
      vectors() / "schedules" / (name + ".jsonl"), [](const Config& c) { return make_brain(c); },
      [](const Brain& brain) { return dynamic_cast<const InspectableBrain&>(brain).broken_invariants(); });
}

// The two recordings that show a defect of the real program which Weir does not copy (spec/divergences.md).
const std::string kStaleReason = "18-agent-vanishes";        // DV-01
const std::string kRetryLeak = "24-retry-destination-leak";  // DV-03

std::vector<std::string> conforming_traces() {
  std::vector<std::string> names = traces();
  std::erase(names, kStaleReason);
  std::erase(names, kRetryLeak);
  return names;
}

class Schedules : public ::testing::TestWithParam<std::string> {};

TEST_P(Schedules, AreReproduced) {
  const ReplayResult result = replay(GetParam());
  EXPECT_GT(result.inputs, 1);
  EXPECT_EQ(result.first_difference(), "");
  EXPECT_EQ(result.broken, std::vector<std::string>{});
}

std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, Schedules, ::testing::ValuesIn(conforming_traces()), test_name);

// The recording departs where a crash is blamed with the reason of another agent's report, and not before.
TEST(ScheduleDivergences, ReasonOfAnotherDeliveryIsNotUsedAfterACrash) {
  const ReplayResult result = replay(kStaleReason);
  EXPECT_EQ(result.broken, std::vector<std::string>{});
  const std::string difference = result.first_difference();
  EXPECT_NE(difference.find("\"in\":\"crash\""), std::string::npos) << difference;
  EXPECT_NE(difference.find("suspended: delivery temporarily suspended: connect to b"), std::string::npos)
      << difference;
}

// The recording keeps a destination of the retry transport for each reason and counts it; Weir remembers one more
// dead destination for it.
TEST(ScheduleDivergences, ReasonsAreNotLeftBehindAsDestinations) {
  const ReplayResult result = replay(kRetryLeak);
  EXPECT_EQ(result.broken, std::vector<std::string>{});
  const std::string difference = result.first_difference();
  EXPECT_NE(difference.find("  - {\"out\":\"log\",\"t\":0,\"text\":\"qmgr_queue_unthrottle: queue d3:"),
            std::string::npos)
      << difference;
  const std::string fourth = "qmgr_queue_unthrottle: queue d4:";
  const auto has_fourth = [&](const std::string& line) { return line.find(fourth) != std::string::npos; };
  EXPECT_TRUE(std::any_of(result.replayed.begin(), result.replayed.end(), has_fourth));
}

TEST(ScheduleVectors, AreAllThere) { EXPECT_GE(traces().size(), 39U); }

}  // namespace
}  // namespace weir::testing
