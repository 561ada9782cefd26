#include "postfix/clock.hpp"

#include <ctime>

namespace weir::postfix {

namespace {

Micros read_clock(clockid_t clock) {
  timespec ts{};
  clock_gettime(clock, &ts);
  return std::chrono::seconds{ts.tv_sec} + std::chrono::duration_cast<Micros>(std::chrono::nanoseconds{ts.tv_nsec});
}

}  // namespace

Time wall_clock() { return Time{read_clock(CLOCK_REALTIME)}; }

Micros steady_time() { return read_clock(CLOCK_MONOTONIC); }

}  // namespace weir::postfix
