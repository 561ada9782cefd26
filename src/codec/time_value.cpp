#include "codec/time_value.hpp"

#include <cstdint>
#include <limits>

#include "codec/text.hpp"

namespace weir::codec {

namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();

[[nodiscard]] constexpr std::int64_t seconds_in(char unit) {
  switch (unit) {
    case 's': return 1;
    case 'm': return 60;
    case 'h': return 3600;
    case 'd': return 86400;
    case 'w': return 7 * 86400;
    default: return 0;
  }
}

}  // namespace

std::optional<Seconds> parse_time(std::string_view text, char bare_unit) {
  const LeadingNumber number = leading_number(text);
  if (number.overflow || number.value < 0) return std::nullopt;
  const std::string_view rest = text.substr(number.length);
  if (rest.empty() && number.length == 0) return std::nullopt;
  const std::int64_t unit = seconds_in(rest.empty() ? bare_unit : rest.front());
  if (unit == 0) return std::nullopt;
  const bool fits = unit == 1 ? number.value <= kMost : number.value < kMost / unit;
  if (!fits) return std::nullopt;
  return Seconds{number.value * unit};
}

}  // namespace weir::codec
