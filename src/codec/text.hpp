// Small text helpers for configuration values: ASCII only, no locale.
//
// Promises: "blank" is what isspace says in the C locale; nothing here allocates more than its result.
// Tested in tests/codec/config/text_test.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::codec {

// Separators of lists in main.cf values.
inline constexpr std::string_view kListSeparators = ", \t\r\n";

[[nodiscard]] constexpr bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
[[nodiscard]] constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
[[nodiscard]] constexpr bool is_alnum(char c) { return is_alpha(c) || is_digit(c); }
[[nodiscard]] constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

[[nodiscard]] std::string_view trim_left(std::string_view text);
[[nodiscard]] std::string_view trim_right(std::string_view text);
[[nodiscard]] std::string_view trim(std::string_view text);

[[nodiscard]] std::vector<std::string> split_list(std::string_view text, std::string_view separators = kListSeparators);

[[nodiscard]] std::string lower(std::string_view text);
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);

// A decimal number at the start of a text in the way of C's strtol: blanks, one sign, digits.
struct LeadingNumber {
  std::int64_t value = 0;
  std::size_t length = 0;  // bytes used; 0 = there is no number
  bool overflow = false;
};
[[nodiscard]] LeadingNumber leading_number(std::string_view text);

// The whole text as such a number between min and max; anything else is nothing.
[[nodiscard]] std::optional<std::int64_t> whole_number(std::string_view text, std::int64_t min, std::int64_t max);

}  // namespace weir::codec
