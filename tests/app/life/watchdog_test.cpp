#include "postfix/watchdog.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <ctime>

#include "app/life/child.hpp"
#include "app/life/log_receiver.hpp"
#include "app/life/temp_dir.hpp"
#include "postfix/clock.hpp"

namespace weir::postfix {
namespace {

using testing::end_signal;
using testing::exit_status;
using testing::in_child;

using Clock = std::chrono::steady_clock;

class WatchdogTest : public ::testing::Test {
 protected:
  void open(ProcessLog& log) const {
    LogDestination to;
    to.postlog_path = dir_ / "postlog";
    log.open(to);
  }

  // A loop that works for `busy` after its first turn, under a limit.
  int hang(Seconds limit, Seconds busy) const {
    return in_child([&, limit, busy] {
      ProcessLog log;
      open(log);
      Loop loop;
      Watchdog dog(loop, log, limit);
      dog.turn(wall_clock());
      const auto end = Clock::now() + busy;
      while (Clock::now() < end) {}
      dog.turn(wall_clock());
    });
  }

  testing::TempDir dir_;
  testing::LogReceiver receiver_{dir_ / "postlog"};
};

//= R-PAR-073 test
TEST_F(WatchdogTest, StuckLoopIsEnded) {
  const auto begun = Clock::now();
  EXPECT_EQ(exit_status(hang(Seconds{3}, Seconds{20})), 1);
  const auto taken = Clock::now() - begun;
  EXPECT_GE(taken, std::chrono::milliseconds(3500));  // three parts, and the second of every fatal end
  EXPECT_LE(taken, std::chrono::milliseconds(6000));
  EXPECT_NE(receiver_.next().value_or("").find("]: fatal: watchdog timeout"), std::string::npos);
  EXPECT_EQ(receiver_.next(), std::nullopt);
}

TEST_F(WatchdogTest, TwoPartsAreForgiven) {
  EXPECT_EQ(exit_status(hang(Seconds{9}, Seconds{7})), 0);
  EXPECT_EQ(receiver_.next(), std::nullopt);
}

TEST_F(WatchdogTest, IdleLoopComesRoundAndLives) {
  const int status = in_child([&] {
    ProcessLog log;
    open(log);
    Loop loop;
    Watchdog dog(loop, log, Seconds{3});
    const auto begun = Clock::now();
    int turns = 0;
    while (Clock::now() - begun < std::chrono::milliseconds(4500)) {
      dog.turn(loop.now());
      loop.run_round(false);
      ++turns;
    }
    // Woken once a part, and not more than that.
    if (turns < 3 || turns > 12) _exit(2);
  });
  EXPECT_EQ(exit_status(status), 0);
}

TEST_F(WatchdogTest, BusyLoopLives) {
  const int status = in_child([&] {
    ProcessLog log;
    open(log);
    Loop loop;
    Watchdog dog(loop, log, Seconds{3});
    const auto begun = Clock::now();
    while (Clock::now() - begun < std::chrono::milliseconds(4500)) {
      dog.turn(loop.now());
      loop.run_round(true);
    }
  });
  EXPECT_EQ(exit_status(status), 0);
}

// The clock stands still (a test bench may hold it): turns count all the same.
TEST_F(WatchdogTest, FrozenClockIsNoReason) {
  const int status = in_child([&] {
    ProcessLog log;
    open(log);
    Loop loop;
    Watchdog dog(loop, log, Seconds{3});
    const Time frozen = wall_clock();
    const auto begun = Clock::now();
    while (Clock::now() - begun < std::chrono::milliseconds(4500)) {
      dog.turn(frozen);
      usleep(1000);
    }
  });
  EXPECT_EQ(exit_status(status), 0);
}

TEST_F(WatchdogTest, InterruptedCallsGoOn) {
  ProcessLog log;
  open(log);
  Loop loop;
  struct sigaction action {};
  {
    const Watchdog dog(loop, log, Seconds{3});
    ASSERT_EQ(sigaction(SIGALRM, nullptr, &action), 0);
    EXPECT_NE(action.sa_handler, SIG_DFL);
    EXPECT_NE(action.sa_flags & SA_RESTART, 0);
  }
  ASSERT_EQ(sigaction(SIGALRM, nullptr, &action), 0);
  EXPECT_EQ(action.sa_handler, SIG_DFL);
}

TEST_F(WatchdogTest, SmallLimitIsAPanic) {
  for (const int limit : {1, 2}) {
    const int status = in_child([&] {
      std::signal(SIGABRT, SIG_DFL);
      ProcessLog log;
      open(log);
      Loop loop;
      const Watchdog dog(loop, log, Seconds{limit});
    });
    EXPECT_EQ(end_signal(status), SIGABRT);
    EXPECT_NE(receiver_.next().value_or("").find("panic: watchdog_create: timeout " + std::to_string(limit) +
                                                 " is too small"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace weir::postfix
