// The event loop: order of timers and descriptors, and what happens to descriptors that change hands.
#include "postfix/loop.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "postfix/clock.hpp"
#include "postfix/world/support.hpp"

namespace weir::postfix {
namespace {

struct Pair {
  Pair() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0); }
  ~Pair() {
    for (const int fd : ends) {
      if (fd >= 0) close(fd);
    }
  }
  void poke() const { EXPECT_EQ(write(ends[1], "x", 1), 1); }
  int ends[2] = {-1, -1};
};

TEST(Loop, TimersRunByDueTimeThenInOrderOfSetting) {
  Loop loop;
  std::string order;
  const Seconds now = wall_clock().seconds();
  loop.at(now, [&] { order += "c"; });
  loop.at(now - Seconds{5}, [&] { order += "a"; });
  loop.at(now, [&] { order += "d"; });
  loop.at(now - Seconds{1}, [&] { order += "b"; });
  loop.at(now + Seconds{100}, [&] { order += "!"; });
  loop.run_round(false);
  EXPECT_EQ(order, "abcd");
}

TEST(Loop, TimerSetInARoundWaitsForTheNext) {
  Loop loop;
  std::string order;
  loop.after(Seconds{0}, [&] {
    order += "1";
    loop.after(Seconds{0}, [&] { order += "2"; });
    loop.at(Seconds{1}, [&] { order += "3"; });  // long due
  });
  loop.run_round(false);
  EXPECT_EQ(order, "1");
  loop.run_round(false);
  EXPECT_EQ(order, "132");
}

TEST(Loop, TimersComeBeforeDescriptors) {
  Loop loop;
  Pair pair;
  std::string order;
  loop.watch(pair.ends[0], Loop::Interest::read, [&] {
    order += "d";
    char byte = 0;
    EXPECT_EQ(read(pair.ends[0], &byte, 1), 1);
  });
  pair.poke();
  loop.after(Seconds{0}, [&] { order += "t"; });
  loop.run_round(false);
  EXPECT_EQ(order, "td");
}

// From within a callback: what is ready besides waits, and what has been served is not served again.
TEST(Loop, ServicesAreServedAlone) {
  Loop loop;
  const Pair first;
  const Pair service;
  std::string order;
  const auto take = [](const Pair& pair) {
    char byte = 0;
    EXPECT_EQ(read(pair.ends[0], &byte, 1), 1);
  };
  loop.watch(
      service.ends[0], Loop::Interest::read,
      [&] {
        order += "s";
        take(service);
      },
      Loop::Peer::service);
  loop.watch(first.ends[0], Loop::Interest::read, [&] {
    order += "(";
    take(first);
    EXPECT_TRUE(loop.serve_services(std::chrono::milliseconds{0}));
    order += ")";
  });
  loop.after(Seconds{0}, [&] {  // so that both are ready when the round looks at them
    first.poke();
    service.poke();
    EXPECT_TRUE(loop.serve_services(std::chrono::milliseconds{0}));
    service.poke();
    order += "t";
  });
  loop.run_round(false);
  loop.run_round(true);
  EXPECT_EQ(order, "st(s)");
  EXPECT_FALSE(loop.serve_services(std::chrono::milliseconds{0}));
  loop.forget(service.ends[0]);
  service.poke();
  EXPECT_FALSE(loop.serve_services(std::chrono::milliseconds{100'000})) << "there is none to wait for";
}

TEST(Loop, TheClockIsLookedAtAfterAService) {
  Loop loop;
  const Pair service;
  loop.watch(
      service.ends[0], Loop::Interest::read, [] {}, Loop::Peer::service);
  const Time before = loop.now();
  EXPECT_FALSE(loop.serve_services(std::chrono::milliseconds{5}));
  EXPECT_GE((loop.now().since_epoch - before.since_epoch), std::chrono::milliseconds{5});
  loop.forget(service.ends[0]);
}

TEST(Loop, CancelledTimersDoNotRun) {
  Loop loop;
  bool ran = false;
  TimerId second = 0;
  loop.after(Seconds{0}, [&] { loop.cancel(second); });
  second = loop.after(Seconds{0}, [&] { ran = true; });
  loop.cancel(0);
  loop.cancel(12345);
  loop.run_round(false);
  EXPECT_FALSE(ran);
}

//= R-TRG-01 test
TEST(Loop, WaitsWholeSecondsForATimer) {
  Loop loop;
  bool ran = false;
  loop.after(Seconds{1}, [&] { ran = true; });
  const auto start = std::chrono::steady_clock::now();
  while (!ran) loop.run_round(false);
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(took, std::chrono::milliseconds{1});
  EXPECT_LE(took, std::chrono::milliseconds{2100});
}

TEST(Loop, PollDoesNotWait) {
  Loop loop;
  loop.after(Seconds{3600}, [] {});
  const auto start = std::chrono::steady_clock::now();
  loop.run_round(true);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{1});
}

TEST(Loop, ForgottenDescriptorIsSilentForTheRestOfTheRound) {
  Loop loop;
  Pair first, second;
  int calls = 0;
  const auto callback = [&](int other) {
    ++calls;
    loop.forget(other);
  };
  loop.watch(first.ends[0], Loop::Interest::read, [&] { callback(second.ends[0]); });
  loop.watch(second.ends[0], Loop::Interest::read, [&] { callback(first.ends[0]); });
  first.poke();
  second.poke();
  loop.run_round(false);
  EXPECT_EQ(calls, 1);
}

TEST(Loop, NumberUsedAgainInTheSameRoundGetsNoStaleEvent) {
  Loop loop;
  Pair first, second, fresh;
  bool stale = false, done = false;
  const auto swap = [&](int other) {
    if (done) return;
    done = true;
    loop.forget(other);
    ASSERT_EQ(dup2(fresh.ends[0], other), other);  // the number of the other one now means something else
    loop.watch(other, Loop::Interest::read, [&] { stale = true; });
  };
  loop.watch(first.ends[0], Loop::Interest::read, [&] { swap(second.ends[0]); });
  loop.watch(second.ends[0], Loop::Interest::read, [&] { swap(first.ends[0]); });
  first.poke();
  second.poke();
  loop.run_round(false);
  EXPECT_TRUE(done);
  EXPECT_FALSE(stale);
  fresh.poke();
  loop.run_round(true);
  EXPECT_TRUE(stale);
}

TEST(Loop, CallbackMayForgetItself) {
  Loop loop;
  Pair pair;
  auto alive = std::make_shared<int>(7);
  int seen = 0;
  loop.watch(pair.ends[0], Loop::Interest::read, [&loop, &pair, &seen, alive] {
    loop.forget(pair.ends[0]);
    seen = *alive;
  });
  pair.poke();
  loop.run_round(false);
  loop.run_round(true);
  loop.run_round(true);
  EXPECT_EQ(seen, 7);
  EXPECT_EQ(alive.use_count(), 1);
}

TEST(Loop, ForgottenButOpenDescriptorCanBeWatchedAgain) {
  Loop loop;
  Pair pair;
  int calls = 0;
  loop.watch(pair.ends[0], Loop::Interest::read, [&] { ++calls; });
  loop.forget(pair.ends[0]);
  pair.poke();
  loop.run_round(true);  // takes it from the kernel's list
  loop.watch(pair.ends[0], Loop::Interest::read, [&] { ++calls; });
  loop.run_round(true);
  EXPECT_EQ(calls, 1);
  loop.forget(pair.ends[0]);
  loop.watch(pair.ends[0], Loop::Interest::write, [&] { calls += 10; });  // still on it
  loop.run_round(true);
  EXPECT_EQ(calls, 11);
}

TEST(Loop, AtMostAHundredDescriptorsARound) {
  Loop loop;
  std::vector<Pair> pairs(130);
  int calls = 0;
  for (const Pair& pair : pairs) {
    loop.watch(pair.ends[0], Loop::Interest::read, [&] { ++calls; });
    pair.poke();
  }
  loop.run_round(true);
  EXPECT_EQ(calls, 100);
}

TEST(Loop, RefusalOfTheKernelIsReported) {
  EXPECT_EXIT(
      {
        Loop loop;
        loop.on_failure([](std::string_view text) {
          std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
          std::exit(3);
        });
        loop.watch(999, Loop::Interest::read, [] {});
      },
      ::testing::ExitedWithCode(3), "event_loop: epoll_ctl: Bad file descriptor");
}

}  // namespace
}  // namespace weir::postfix
