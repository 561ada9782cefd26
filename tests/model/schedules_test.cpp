// Every recorded schedule of the real queue manager, reproduced by the model.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "model/model.hpp"
#include "model/schedule_replay.hpp"
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
      vectors() / "schedules" / (name + ".jsonl"), [](const Config& c) { return model::make_model(c); },
      [](const Brain& brain) { return dynamic_cast<const model::Model&>(brain).broken_invariants(); });
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

INSTANTIATE_TEST_SUITE_P(All, Schedules, ::testing::ValuesIn(traces()), test_name);

TEST(ScheduleVectors, AreAllThere) { EXPECT_GE(traces().size(), 39U); }

}  // namespace
}  // namespace weir::testing
