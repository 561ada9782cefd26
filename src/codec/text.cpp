#include "codec/text.hpp"

#include <algorithm>
#include <limits>

namespace weir::codec {

std::string_view trim_left(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return text;
}

std::string_view trim_right(std::string_view text) {
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view trim(std::string_view text) { return trim_left(trim_right(text)); }

std::vector<std::string> split_list(std::string_view text, std::string_view separators) {
  std::vector<std::string> items;
  std::size_t at = text.find_first_not_of(separators);
  while (at != std::string_view::npos) {
    const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
    items.emplace_back(text.substr(at, end - at));
    at = text.find_first_not_of(separators, end);
  }
  return items;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), to_lower);
  return result;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return to_lower(x) == to_lower(y); });
}

LeadingNumber leading_number(std::string_view text) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::size_t at = 0;
  while (at < text.size() && is_blank(text[at])) ++at;
  bool negative = false;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) negative = text[at++] == '-';
  const std::size_t first_digit = at;
  LeadingNumber number;
  // Counted downward, since the least number has no positive twin.
  for (; at < text.size() && is_digit(text[at]); ++at) {
    const std::int64_t digit = text[at] - '0';
    if (number.value < (-kMost - 1 + digit) / 10) {
      number.overflow = true;
    } else {
      number.value = number.value * 10 - digit;
    }
  }
  if (at == first_digit) return {};
  number.length = at;
  if (!negative) {
    if (number.value < -kMost) {
      number.overflow = true;
    } else {
      number.value = -number.value;
    }
  }
  return number;
}

std::optional<std::int64_t> whole_number(std::string_view text, std::int64_t min, std::int64_t max) {
  const LeadingNumber number = leading_number(text);
  if (number.length == 0 || number.length != text.size() || number.overflow) return std::nullopt;
  if (number.value < min || number.value > max) return std::nullopt;
  return number.value;
}

}  // namespace weir::codec
