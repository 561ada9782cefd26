#include "codec/queue_text.hpp"

#include <algorithm>
#include <limits>

#include "codec/record.hpp"
#include "contract/recipient.hpp"

namespace weir::codec {

namespace {

constexpr bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes a number from the front of `text`: blanks, a sign, digits. False = there are no digits.
bool take_number(std::string_view& text, std::int64_t& value) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  auto rest = without_leading_blanks(text);
  const bool negative = !rest.empty() && rest.front() == '-';
  if (!rest.empty() && (rest.front() == '-' || rest.front() == '+')) rest.remove_prefix(1);
  if (rest.empty() || !is_digit(rest.front())) return false;
  bool too_large = false;
  value = 0;
  for (; !rest.empty() && is_digit(rest.front()); rest.remove_prefix(1)) {
    const int digit = rest.front() - '0';
    too_large = too_large || value > (kMax - digit) / 10;
    if (!too_large) value = value * 10 + digit;
  }
  if (too_large) value = kMax;
  if (negative) value = too_large ? std::numeric_limits<std::int64_t>::min() : -value;
  text = rest;
  return true;
}

// As C cuts a long to an int.
std::int32_t low_half(std::int64_t value) { return static_cast<std::int32_t>(static_cast<std::uint64_t>(value)); }

// Digits only; the number is cut to an int: 4294967298 is 2.
std::optional<std::int32_t> digits_only(std::string_view text) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  return low_half(lenient_number(text));
}

}  // namespace

std::string_view without_leading_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return text;
}

std::int64_t lenient_number(std::string_view text) {
  std::int64_t value = 0;
  return take_number(text, value) ? value : 0;
}

NamedAttribute parse_named_attribute(std::string_view text) {
  text = without_leading_blanks(text);
  const auto end_of_name = static_cast<std::size_t>(
      std::find_if(text.begin(), text.end(), [](char c) { return c == '=' || is_blank(c); }) - text.begin());
  if (end_of_name == 0) return {{}, {}, "missing attribute name"};
  const auto name = text.substr(0, end_of_name);
  text = without_leading_blanks(text.substr(end_of_name));
  if (text.empty() || text.front() != '=') return {{}, {}, "missing '=' after attribute name"};
  auto value = without_leading_blanks(text.substr(1));
  while (!value.empty() && is_blank(value.back())) value.remove_suffix(1);
  return {name, value, {}};
}

int record_type_of_attribute(std::string_view name) {
  if (name == "create_time") return record::kCreateTime;
  if (name == "dsn_orig_rcpt") return record::kDsnOriginal;
  if (name == "notify_flags") return record::kDsnNotify;
  if (name == "envelope_id") return record::kDsnEnvelopeId;
  if (name == "ret_flags") return record::kDsnReturn;
  return 0;
}

std::optional<unsigned> parse_notify(std::string_view text) {
  constexpr unsigned kAny = kNotifySuccess | kNotifyFailure | kNotifyDelay;
  const auto number = digits_only(text);
  if (!number) return std::nullopt;
  const auto flags = static_cast<unsigned>(*number);
  const bool good = flags == kNotifyNever || (flags != 0 && (flags & ~kAny) == 0);
  return good ? std::optional<unsigned>{flags} : std::nullopt;
}

std::optional<int> parse_return_flags(std::string_view text) {
  const auto number = digits_only(text);
  return number == 1 || number == 2 ? number : std::nullopt;
}

SizeFields parse_size_fields(std::string_view text) {
  constexpr int kFields = 6;
  std::int64_t values[kFields] = {};
  SizeFields fields;
  while (fields.count < kFields && take_number(text, values[fields.count])) ++fields.count;
  fields.segment_size = values[0];
  fields.content_offset = values[1];
  fields.recipient_count = low_half(values[2]);
  fields.qmgr_flags = low_half(values[3]);
  fields.content_length = values[4];
  fields.smtputf8_flags = low_half(values[5]);
  return fields;
}

}  // namespace weir::codec
