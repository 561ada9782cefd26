#include "postfix/clock.hpp"

#include <ctime>

namespace weir::postfix {

Time wall_clock() {
  timespec ts{};
  clock_gettime(CLOCK_REALTIME, &ts);
  return Time{std::chrono::seconds{ts.tv_sec} +
              std::chrono::duration_cast<Micros>(std::chrono::nanoseconds{ts.tv_nsec})};
}

}  // namespace weir::postfix
