// Time without a clock: values only. Whoever needs "now" is told.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace weir {

using Seconds = std::chrono::seconds;  // a duration, or whole seconds since the epoch
using Micros = std::chrono::microseconds;

// A wall-clock reading: microseconds since the epoch (may be negative in damaged files).
struct Time {
  Micros since_epoch{};

  // Whole seconds, rounded down: the resolution in which a queue manager decides.
  [[nodiscard]] constexpr Seconds seconds() const { return std::chrono::floor<Seconds>(since_epoch); }

  template <class V>
  void fields(V&& v) const {
    v("us", since_epoch.count());
  }
  friend auto operator<=>(const Time&, const Time&) = default;
};

[[nodiscard]] constexpr Time at_second(Seconds s) { return Time{std::chrono::duration_cast<Micros>(s)}; }

}  // namespace weir
