#include "codec/delay.hpp"

#include <algorithm>
#include <cstdint>

namespace weir::codec {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr int kDecimalsMax = 6;

// The step, in microseconds, that a delay is rounded to.
[[nodiscard]] std::int64_t resolution(std::int64_t seconds, std::int64_t rest, int decimals) {
  if (decimals == 0 || seconds >= 10) return kSecond;
  if (seconds >= 1) return kSecond / 10;
  std::int64_t step = kSecond;
  for (int i = 0; i < decimals; ++i) step /= 10;
  while (rest >= 100 * step) step *= 10;
  return step;
}

}  // namespace

//= R-PAR-078
std::string format_delay(Micros delay, int decimals) {
  const std::int64_t total = std::max<std::int64_t>(delay.count(), 0);
  std::int64_t seconds = total / kSecond;
  std::int64_t rest = total % kSecond;
  const std::int64_t step = resolution(seconds, rest, std::clamp(decimals, 0, kDecimalsMax));
  if (step > 1) rest += step / 2;
  if (rest >= kSecond) {
    ++seconds;
    rest -= kSecond;
  }
  std::string text = std::to_string(seconds);
  if (rest < step) return text;
  text += '.';
  for (std::int64_t digit = kSecond / 10; digit >= 1 && rest >= step; digit /= 10) {
    text += static_cast<char>('0' + rest / digit);
    rest %= digit;
  }
  return text;
}

}  // namespace weir::codec
