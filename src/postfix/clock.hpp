// The one place where time is read.
#pragma once

#include "contract/time.hpp"

namespace weir::postfix {

// The wall clock (clock_gettime(CLOCK_REALTIME)).
[[nodiscard]] Time wall_clock();

// Time that nobody sets (CLOCK_MONOTONIC), from an unknown start.
[[nodiscard]] Micros steady_time();

}  // namespace weir::postfix
