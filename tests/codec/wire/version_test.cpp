#include "codec/version.hpp"

#include <gtest/gtest.h>

namespace weir::codec {
namespace {

Dialect dialect(std::string_view text) {
  const auto version = parse_mail_version(text);
  EXPECT_TRUE(version) << text;
  return dialect_for(version.value_or(MailVersion{}));
}

TEST(Version, Parses) {
  EXPECT_EQ(parse_mail_version("3.7.11"), (MailVersion{3, 7, 11, 0}));
  EXPECT_EQ(parse_mail_version("3.12-20260821"), (MailVersion{3, 12, 0, 20260821}));
  EXPECT_EQ(parse_mail_version("3.12-20260821-nonprod"), (MailVersion{3, 12, 0, 20260821}));
  EXPECT_EQ(parse_mail_version("3.9.0-RC2"), (MailVersion{3, 9, 0, 0}));
  EXPECT_EQ(parse_mail_version("3.9-RC1"), (MailVersion{3, 9, 0, 0}));
  EXPECT_EQ(parse_mail_version("3.10"), (MailVersion{3, 10, 0, 0}));
}

TEST(Version, RefusesNonsense) {
  for (const char* bad :
       {"", "3", "3.", ".7", "x.y", "3.7.", "3.7.11x", "3.7 ", "-3.7", "3.-7", "3.7.-1", "99999999999.1", "3.7.11.2"}) {
    EXPECT_FALSE(parse_mail_version(bad)) << bad;
  }
}

TEST(Version, DefaultIsTheInstalledOne) { EXPECT_EQ(dialect("3.7.11"), Dialect{}); }

TEST(Version, Greetings) {
  EXPECT_EQ(dialect("3.5.25").agent_greeting, GreetingStyle::status);
  EXPECT_EQ(dialect("3.5.25").service_greeting, GreetingStyle::none);
  for (const char* text : {"3.6.0", "3.7.11", "3.8.6", "3.9.1", "3.10.0", "3.11.2", "3.12-20260821"}) {
    EXPECT_EQ(dialect(text).agent_greeting, GreetingStyle::protocol) << text;
    EXPECT_EQ(dialect(text).service_greeting, GreetingStyle::protocol) << text;
  }
}

TEST(Version, OptionName) {
  for (const char* text : {"3.5.0", "3.6.0", "3.9.9"}) EXPECT_EQ(dialect(text).option_name, "smtputf8") << text;
  for (const char* text : {"3.10.0", "3.11.0", "3.12.0"}) EXPECT_EQ(dialect(text).option_name, "sendopts") << text;
}

TEST(Version, OptionMask) {
  for (const char* text : {"3.5.30", "3.6.16", "3.7.12", "3.8.7", "3.9.1"}) {
    EXPECT_EQ(dialect(text).option_mask, ~0U) << text;
  }
  for (const char* text : {"3.6.17", "3.7.13", "3.8.8", "3.9.2"}) EXPECT_EQ(dialect(text).option_mask, 15U) << text;
  for (const char* text : {"3.10.0", "3.12-20260821"}) EXPECT_EQ(dialect(text).option_mask, 63U) << text;
}

TEST(Version, CrashPolicy) {
  for (const char* text : {"3.5.24", "3.6.14", "3.7.10", "3.8.5"}) {
    EXPECT_EQ(dialect(text).crash_policy, CrashPolicy::transport) << text;
  }
  for (const char* text : {"3.5.25", "3.6.15", "3.7.11", "3.8.6", "3.9.0", "3.10.0"}) {
    EXPECT_EQ(dialect(text).crash_policy, CrashPolicy::destination) << text;
  }
}

TEST(Version, VerpWord) {
  EXPECT_EQ(dialect("3.10.4").verp_failure_word, "verp");
  EXPECT_EQ(dialect("3.11.0").verp_failure_word, "verp-bounce");
}

TEST(Version, UnknownReleasesAreLikeTheNearest) {
  for (const char* text : {"2.11.0", "3.4.20"}) {
    EXPECT_FALSE(dialect(text).known);
    EXPECT_EQ(dialect(text).agent_greeting, GreetingStyle::status);
  }
  for (const char* text : {"3.13.0", "4.0.1"}) {
    EXPECT_FALSE(dialect(text).known);
    EXPECT_EQ(dialect(text).option_name, "sendopts");
    EXPECT_EQ(dialect(text).verp_failure_word, "verp-bounce");
  }
  EXPECT_TRUE(dialect("3.12.1").known);
}

}  // namespace
}  // namespace weir::codec
