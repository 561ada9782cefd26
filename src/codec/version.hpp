// What differs on the wire between the Postfix releases that Weir works beside (3.5 ... 3.12), as data.
//
// Nothing on the wire tells the release, so the daemon learns it from the installed programs and looks up one
// Dialect at start. Tested in tests/codec/wire/version_test.cpp.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::codec {

// "3.7.11", "3.12-20260821", "3.9.1-RC2", "3.8.0-nonprod".
struct MailVersion {
  int major = 0, minor = 0;
  int patch = 0;     // 0 in a snapshot
  int snapshot = 0;  // its date as YYYYMMDD, 0 for a release
  friend auto operator<=>(const MailVersion&, const MailVersion&) = default;
};

[[nodiscard]] std::optional<MailVersion> parse_mail_version(std::string_view text);

// What a server says first.
enum class GreetingStyle : std::uint8_t {
  none,      // the client speaks first
  status,    // status = 0
  protocol,  // protocol = NAME
};

// Whom an agent that breaks off costs its feedback.
enum class CrashPolicy : std::uint8_t { transport, destination };

// The defaults are those of 3.7.11.
struct Dialect {
  GreetingStyle agent_greeting = GreetingStyle::protocol;
  GreetingStyle service_greeting = GreetingStyle::protocol;  // bounce, defer, trace, rewrite, verify, flush
  std::string_view option_name = "smtputf8";                 // of the option bits in requests; a literal
  unsigned option_mask = ~0U;                                // bits of the size record that are passed on
  CrashPolicy crash_policy = CrashPolicy::destination;
  std::string_view verp_failure_word = "verp";  // in "status=deferred (... failed)"; a literal
  bool known = true;                            // false: a release older or newer than those this table was made for
  friend bool operator==(const Dialect&, const Dialect&) = default;
};

[[nodiscard]] Dialect dialect_for(const MailVersion& version);

}  // namespace weir::codec
