// A clock that is set back: what is waited for by duration does not wait longer.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "postfix/clock.hpp"
#include "postfix/loop.hpp"

namespace {

std::atomic<std::int64_t> set_back{0};  // seconds

}  // namespace

// In place of the one of the C library.
extern "C" int clock_gettime(clockid_t id, timespec* time) noexcept {
  const auto result = static_cast<int>(syscall(SYS_clock_gettime, id, time));
  if (result == 0 && id == CLOCK_REALTIME) time->tv_sec -= set_back;
  return result;
}

namespace weir::postfix {
namespace {

class ClockJump : public ::testing::Test {
 protected:
  ClockJump() { set_back = 0; }
  ~ClockJump() override { set_back = 0; }

  bool runs_within(int rounds) {
    for (int i = 0; i < rounds && !ran_; ++i) {
      loop_.run_round(true);
      usleep(10'000);
    }
    return ran_;
  }

  Loop loop_;
  bool ran_ = false;
};

TEST_F(ClockJump, DelayThatWasRunningIsNotLongerForIt) {
  loop_.after(Seconds{1}, [this] { ran_ = true; });
  loop_.run_round(true);
  set_back = 3600;
  EXPECT_TRUE(runs_within(400));
}

TEST_F(ClockJump, DelayThatIsSetAfterTheJumpIsNotShorterForIt) {
  loop_.run_round(true);
  set_back = 3600;
  loop_.after(Seconds{60}, [this] { ran_ = true; });
  EXPECT_FALSE(runs_within(20));
}

TEST_F(ClockJump, CancelledAfterItIsCancelled) {
  const TimerId timer = loop_.after(Seconds{1}, [this] { ran_ = true; });
  set_back = 3600;
  loop_.run_round(true);
  loop_.cancel(timer);
  EXPECT_FALSE(runs_within(200));
}

// As the real program's timers do.
TEST_F(ClockJump, SecondOfTheClockComesWhenTheClockShowsIt) {
  loop_.at(wall_clock().seconds() + Seconds{1}, [this] { ran_ = true; });
  set_back = 3600;
  EXPECT_FALSE(runs_within(200));
  set_back = 0;
  EXPECT_TRUE(runs_within(10));
}

}  // namespace
}  // namespace weir::postfix
