// Stopwatch: adds up short spans of time, cheaply enough to be put around single events.
#pragma once

#include <chrono>
#include <cstdint>

namespace weir::bench {

class Stopwatch {
 public:
  static std::uint64_t ticks() {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
  }

  void start() { begin_ = ticks(); }
  void stop() { sum_ += ticks() - begin_; }

  [[nodiscard]] std::uint64_t sum() const { return sum_; }

  // Nanoseconds a tick, found out once.
  static double tick_ns() {
    static const double kTick = [] {
      using Clock = std::chrono::steady_clock;
      const auto begin = Clock::now();
      const std::uint64_t first = ticks();
      while (Clock::now() - begin < std::chrono::milliseconds(100)) {}
      const std::uint64_t last = ticks();
      const std::chrono::duration<double, std::nano> elapsed = Clock::now() - begin;
      return elapsed.count() / static_cast<double>(last - first);
    }();
    return kTick;
  }

  // What start() and stop() themselves take: it is in every span.
  static double own_ns() {
    constexpr int kTimes = 100'000;
    Stopwatch watch;
    for (int i = 0; i < kTimes; ++i) {
      watch.start();
      watch.stop();
    }
    return static_cast<double>(watch.sum()) * tick_ns() / kTimes;
  }

 private:
  std::uint64_t begin_ = 0, sum_ = 0;
};

}  // namespace weir::bench
