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

// Recordings of what Weir does not copy (spec/divergences.md); the last one is of oqmgr only.
const std::string kStaleReason = "18-agent-vanishes";        // DV-01
const std::string kRetryLeak = "24-retry-destination-leak";  // DV-03
const std::string kReadInAWalk = "45-dies-with-unread";      // DV-25

std::vector<std::string> conforming_traces(const std::string& program) {
  std::vector<std::string> names = traces(program);
  std::erase(names, kStaleReason);
  std::erase(names, kRetryLeak);
  std::erase(names, kReadInAWalk);
  return names;
}

class Schedules : public ::testing::TestWithParam<std::string> {};
class RoundRobinSchedules : public ::testing::TestWithParam<std::string> {};

void expect_reproduced(const ReplayResult& result) {
  EXPECT_GT(result.inputs, 1);
  EXPECT_EQ(result.first_difference(), "");
  EXPECT_EQ(result.broken, std::vector<std::string>{});
}

//= R-STR-06, R-STR-08, R-STR-15, R-STD-01, R-PAR-012, R-PAR-018, R-PAR-020, R-PAR-029, R-PAR-030 test
//= R-PAR-040, R-PAR-046, R-PAR-048, R-PAR-049, R-PAR-052, R-PAR-054 test
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
  EXPECT_NE(difference.find("> crash "), std::string::npos) << difference;
  EXPECT_NE(difference.find("suspended: delivery temporarily suspended: connect to b"), std::string::npos)
      << difference;
}

// The recording keeps a destination of the retry transport for each reason and counts it; Weir remembers one more
// dead destination for it.
TEST_P(ScheduleDivergences, ReasonsAreNotLeftBehindAsDestinations) {
  const ReplayResult result = replay(kRetryLeak, GetParam());
  EXPECT_EQ(result.broken, std::vector<std::string>{});
  const std::string difference = result.first_difference();
  EXPECT_NE(difference.find("  - log qmgr_queue_unthrottle: queue d3:"), std::string::npos) << difference;
  const std::string fourth = "qmgr_queue_unthrottle: queue d4:";
  const auto has_fourth = [&](const std::string& line) { return line.find(fourth) != std::string::npos; };
  EXPECT_TRUE(std::any_of(result.replayed.begin(), result.replayed.end(), has_fourth));
}

INSTANTIATE_TEST_SUITE_P(Both, ScheduleDivergences, ::testing::Values("qmgr", "oqmgr"), test_name);

// The recording reads the next batch after the first entry that is moved away; Weir after the last. Nothing else
// differs: the same requests, the new one behind the moved ones.
TEST(RoundRobinDivergences, TheNextBatchIsReadAfterTheWalk) {
  const ReplayResult result = replay(kReadInAWalk, "oqmgr");
  EXPECT_EQ(result.broken, std::vector<std::string>{});
  const auto recipients = [](const std::vector<std::string>& lines) {
    std::vector<std::string> found;  // of each request to the retry transport
    for (const std::string& line : lines) {
      const auto at = line.find(" to ");
      if (line.find("nexthop=\"4.4.1 ") != std::string::npos) found.push_back(line.substr(at + 4, 4));
    }
    return found;
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(recipients(result.recorded), (Texts{"b004", "c000", "b002", "b000"}));
  EXPECT_EQ(recipients(result.replayed), (Texts{"b004", "b002", "b000", "c000"}));
  Texts recorded = result.recorded;
  Texts replayed = result.replayed;
  const auto is_moved = [](const std::string& line) { return line.find("nexthop=\"4.4.1 ") != std::string::npos; };
  std::erase_if(recorded, is_moved);
  std::erase_if(replayed, is_moved);
  EXPECT_EQ(recorded, replayed);
}

TEST(ScheduleVectors, AreAllThere) {
  EXPECT_GE(traces("qmgr").size(), 39U);
  EXPECT_GE(traces("oqmgr").size(), 44U);
}

}  // namespace
}  // namespace weir::testing
