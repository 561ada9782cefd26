#include "blackbox/process.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "blackbox/scenario.hpp"
#include "blackbox/subjects.hpp"

namespace weir::testing {
namespace {

using namespace blackbox;
using Lines = std::vector<std::string>;
using std::chrono::steady_clock;

// Each program that is a queue manager and is here.
class QueueManagers : public ::testing::TestWithParam<std::filesystem::path> {
 protected:
  void SetUp() override {
    options_ = subject(GetParam());
    if (const std::string reason = why_not(options_); !reason.empty()) GTEST_SKIP() << reason;
    process_ = std::make_unique<Process>(options_);
  }

  Lines apply(const Input& input) {
    const auto seen = process_->apply(input);
    return expected_lines(seen, seen.empty() ? 0 : seen.front().at);
  }
  Lines start(std::map<std::string, std::string> parameters = {}) {
    blackbox::Setup setup;
    setup.transports = {"t1"};
    setup.parameters = std::move(parameters);
    return apply(setup);
  }

  SubjectOptions options_;
  std::unique_ptr<Process> process_;
};

TEST_P(QueueManagers, StartAndEndWithoutTrace) {
  const Lines seen = start();
  EXPECT_EQ(seen, Lines{});
  EXPECT_TRUE(std::filesystem::exists(options_.scratch));
  process_.reset();
  EXPECT_FALSE(std::filesystem::exists(options_.scratch));
}

TEST_P(QueueManagers, DeliverAMessage) {
  start();
  NewMessage message;
  message.name = "A";
  message.recipients = {"a@d1.t1", "b@d1.t1"};
  EXPECT_EQ(apply(message), (Lines{"connect t1 waiting 1", "queue A active"}));
  EXPECT_EQ(apply(Slot{"t1"}), (Lines{"request 1 A via t1 nexthop=d1 to a@d1.t1 b@d1.t1"}));
  EXPECT_EQ(apply(Reply{.request = 1}), (Lines{"queue A gone"}));
  EXPECT_EQ(apply(Reply{.request = 1}), (Lines{"nothing-there request 1"}));
}

INSTANTIATE_TEST_SUITE_P(All, QueueManagers,
                         ::testing::Values(own("qmgr"), own("oqmgr"), debian("qmgr"), debian("oqmgr")));

}  // namespace
}  // namespace weir::testing
