#include "codec/version.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace weir::codec {
namespace {

constexpr int kNever = 1 << 30;

// One minor release of Postfix 3. "From": first patch release that has the change.
struct Row {
  int minor;
  GreetingStyle agent_greeting, service_greeting;
  std::string_view option_name;
  unsigned mask;
  int mask_from;
  int mild_crash_from;
  std::string_view verp_word;
};

constexpr auto kStatus = GreetingStyle::status;
constexpr auto kProtocol = GreetingStyle::protocol;
constexpr std::array<Row, 8> kRows{{
    {5, kStatus, GreetingStyle::none, "smtputf8", 15, kNever, 25, "verp"},
    {6, kProtocol, kProtocol, "smtputf8", 15, 17, 15, "verp"},
    {7, kProtocol, kProtocol, "smtputf8", 15, 13, 11, "verp"},
    {8, kProtocol, kProtocol, "smtputf8", 15, 8, 6, "verp"},
    {9, kProtocol, kProtocol, "smtputf8", 15, 2, 0, "verp"},
    {10, kProtocol, kProtocol, "sendopts", 63, 0, 0, "verp"},
    {11, kProtocol, kProtocol, "sendopts", 63, 0, 0, "verp-bounce"},
    {12, kProtocol, kProtocol, "sendopts", 63, 0, 0, "verp-bounce"},
}};

constexpr int kMajor = 3;

// Takes a decimal number off the front.
[[nodiscard]] std::optional<int> take_number(std::string_view& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end == text.data() || text.front() == '-') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

[[nodiscard]] bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

[[nodiscard]] bool starts_with_date(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return text.size() >= 8 && std::all_of(text.begin(), text.begin() + 8, digit) && (text.size() == 8 || text[8] == '-');
}

[[nodiscard]] std::size_t row_index(const MailVersion& version) {
  if (version.major < kMajor) return 0;
  if (version.major > kMajor) return kRows.size() - 1;
  const int last = kRows.back().minor;
  return static_cast<std::size_t>(std::clamp(version.minor, kRows.front().minor, last) - kRows.front().minor);
}

}  // namespace

std::optional<MailVersion> parse_mail_version(std::string_view text) {
  MailVersion version;
  const auto major = take_number(text);
  if (!major || !take(text, '.')) return std::nullopt;
  const auto minor = take_number(text);
  if (!minor) return std::nullopt;
  version.major = *major;
  version.minor = *minor;
  if (take(text, '.')) {
    const auto patch = take_number(text);
    if (!patch) return std::nullopt;
    version.patch = *patch;
  } else if (!text.empty() && text.front() == '-' && starts_with_date(text.substr(1))) {
    text.remove_prefix(1);
    version.snapshot = take_number(text).value_or(0);
  }
  if (!text.empty() && text.front() != '-') return std::nullopt;  // "-RC1", "-nonprod" and the like
  return version;
}

Dialect dialect_for(const MailVersion& version) {
  const Row& row = kRows[row_index(version)];
  const bool known = version.major == kMajor && version.minor == row.minor;
  // An unknown release is taken for the nearest one in its latest shape.
  const int patch = known ? version.patch : kNever - 1;
  return Dialect{
      .agent_greeting = row.agent_greeting,
      .service_greeting = row.service_greeting,
      .option_name = row.option_name,
      .option_mask = patch >= row.mask_from ? row.mask : ~0U,
      .crash_policy = patch >= row.mild_crash_from ? CrashPolicy::destination : CrashPolicy::transport,
      .verp_failure_word = row.verp_word,
      .known = known,
  };
}

}  // namespace weir::codec
