// Flow tokens: the pipe is brought towards its number as the brain grants.
#include "postfix/flow.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "postfix/world/support.hpp"

namespace weir::postfix {
namespace {

using Grant = BalanceFlow::Grant;

class FlowTest : public ::testing::Test {
 protected:
  FlowTest() { EXPECT_EQ(pipe2(ends_, O_NONBLOCK | O_CLOEXEC), 0); }
  ~FlowTest() override {
    close(ends_[0]);
    if (ends_[1] >= 0) close(ends_[1]);
  }
  int tokens() const {
    int n = 0;
    EXPECT_EQ(ioctl(ends_[0], FIONREAD, &n), 0);
    return n;
  }
  testing::MemoryLog log_;
  Voice voice_{log_, testing::test_settings()};
  int ends_[2];
};

TEST_F(FlowTest, FillsOnlyWhenGranted) {
  Flow flow(voice_, ends_[0], ends_[1], 50);
  flow.balance(Grant::hold);
  EXPECT_EQ(tokens(), 0);
  flow.balance(Grant::one);
  EXPECT_EQ(tokens(), 1);
  flow.balance(Grant::fill);
  EXPECT_EQ(tokens(), 50);
  flow.balance(Grant::one);
  flow.balance(Grant::fill);
  EXPECT_EQ(tokens(), 50);
  char byte = 1;
  EXPECT_EQ(read(ends_[0], &byte, 1), 1);
  EXPECT_EQ(byte, 0);
}

TEST_F(FlowTest, SurplusIsTakenAwayWhateverTheGrant) {
  Flow flow(voice_, ends_[0], ends_[1], 3000);
  flow.balance(Grant::fill);
  EXPECT_EQ(tokens(), 3000);
  Flow less(voice_, ends_[0], ends_[1], 10);
  less.balance(Grant::hold);
  EXPECT_EQ(tokens(), 10);
}

TEST_F(FlowTest, FullPipeIsNoTrouble) {
  Flow flow(voice_, ends_[0], ends_[1], 1 << 22);
  flow.balance(Grant::fill);
  EXPECT_GT(tokens(), 0);
  EXPECT_TRUE(log_.lines.empty());
}

TEST_F(FlowTest, WrongDescriptors) {
  Flow flow(voice_, 999, ends_[1], 10);
  flow.balance(Grant::fill);
  EXPECT_EQ(log_.take(), std::vector<std::string>{"warning: mail_flow_count: Bad file descriptor"});
  Flow(voice_, ends_[0], ends_[1], 10).balance(Grant::fill);
  Flow surplus(voice_, ends_[0], 999, 5);
  EXPECT_EXIT(surplus.balance(Grant::hold), ::testing::ExitedWithCode(1),
              "fatal: fstat flow pipe write descriptor: Bad file descriptor");
}

}  // namespace
}  // namespace weir::postfix
