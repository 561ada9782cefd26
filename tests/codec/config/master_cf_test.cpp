// Lines of master.cf, judged as the real master of 3.7.11 was seen to judge them: every text here was logged by it, and
// the command lines are those that its processes were started with.
#include "codec/master_cf.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir::codec {
namespace {

using namespace std::string_literals;
using Words = std::vector<std::string>;

constexpr std::string_view kPath = "/etc/x/master.cf";

MasterCf parse(const std::string& text) { return parse_master_cf(kPath, text); }

// The one service of the text.
MasterService service(const std::string& text) {
  const MasterCf parsed = parse(text);
  EXPECT_EQ(parsed.errors, Words{}) << text;
  EXPECT_EQ(parsed.services.size(), 1U) << text;
  return parsed.services.empty() ? MasterService{} : parsed.services.front();
}

Words arguments(const std::string& text) {
  Words words;
  for (const MasterService::Argument& argument : service("foo unix n - n 1 1 x " + text).arguments) {
    words.push_back(argument.text);
  }
  return words;
}

TEST(MasterCf, TheStockLine) {
  const MasterService qmgr = service("qmgr unix n - n 300 1 qmgr\n");
  MasterService expected;
  expected.line = 1;
  expected.name = expected.command = "qmgr";
  expected.type = "unix";
  expected.is_private = false;
  expected.chroot = false;
  expected.wakeup = 300;
  expected.process_limit = 1;
  EXPECT_EQ(qmgr, expected);
}

TEST(MasterCf, DefaultsOfTheFields) {
  const MasterService x = service("x unix - - - - - y");
  EXPECT_TRUE(x.is_private);
  EXPECT_TRUE(x.unprivileged);
  EXPECT_EQ(x.chroot, std::nullopt);
  EXPECT_EQ(x.wakeup, 0);
  EXPECT_FALSE(x.wakeup_when_used);
  EXPECT_EQ(x.process_limit, std::nullopt);
}

TEST(MasterCf, Fields) {
  const MasterService x = service("a!b fifo y n y 1000? 0 ../x/y");
  EXPECT_EQ(x.name, "a!b");
  EXPECT_EQ(x.type, "fifo");
  EXPECT_TRUE(x.is_private);
  EXPECT_FALSE(x.unprivileged);
  EXPECT_EQ(x.chroot, true);
  EXPECT_EQ(x.wakeup, 1000);
  EXPECT_TRUE(x.wakeup_when_used);
  EXPECT_EQ(x.process_limit, 0);
  EXPECT_EQ(x.command, "../x/y");
}

// Numbers are digits with anything behind them, in 32 bits.
TEST(MasterCf, Numbers) {
  EXPECT_EQ(service("foo unix n - n 1x 1 e").wakeup, 1);
  EXPECT_EQ(service("foo unix n - n 1?? 1 e").wakeup, 1);
  EXPECT_EQ(service("foo unix n - n 0 1x e").process_limit, 1);
  EXPECT_EQ(service("foo unix n - n 0 99999999999 e").process_limit, 1215752191);
  EXPECT_EQ(service("foo unix n - n 0 4294967297 e").process_limit, 1);
}

struct Bad {
  std::string text;
  std::string error;
};

TEST(MasterCf, BadLinesInMastersWords) {
  const std::vector<Bad> rows = {
      {"foo", "line 1: missing \"transport type\" field"},
      {"foo unix", "line 1: missing \"private\" field"},
      {"foo unix n", "line 1: missing \"unprivileged\" field"},
      {"foo unix - n", "line 1: missing \"chroot\" field"},
      {"foo unix n - n 0 1", "line 1: missing \"command\" field"},
      {"# c\n\nfoo unix - -\n   n 0\n# d\n 1\n", "line 3: missing \"command\" field"},
      {"foo,unix,n,-,n,0,1,error", "line 1: missing \"transport type\" field"},
      {"foo bar n - n 0 1 error", "line 1: bad transport type: bar"},
      {"{ foo bar } unix n - n 0 1 e", "line 1: bad transport type: foo"},
      {"foo unix q - n 0 1 error", "line 1: field \"private\": bad value: \"q\""},
      {"foo unix Y - n 0 1 error", "line 1: field \"private\": bad value: \"Y\""},
      {"foo unix x x x x x", "line 1: field \"private\": bad value: \"x\""},
      {"foo unix n x n 0 1 error", "line 1: field \"unprivileged\": bad value: \"x\""},
      {"foo unix n x", "line 1: field \"unprivileged\": bad value: \"x\""},
      {"foo unix n - x 0 1 error", "line 1: field \"chroot\": bad value: \"x\""},
      {"foo unix n - n x 1 error", "line 1: field \"wakeup_time\": bad value: \"x\""},
      {"foo unix n - n +5 1 error", "line 1: field \"wakeup_time\": bad value: \"+5\""},
      {"foo unix n - n -1? 1 error", "line 1: field \"wakeup_time\": bad value: \"-1?\""},
      {"foo unix n - n ? 1 error", "line 1: field \"wakeup_time\": bad value: \"?\""},
      {"foo unix n - n 2147483648 1 error", "line 1: field \"wakeup_time\": bad value: \"2147483648\""},
      {"foo unix n - n 999999999999 1 error", "line 1: field \"wakeup_time\": bad value: \"999999999999\""},
      {"foo unix n - n { 0 } 1 e", "line 1: field \"wakeup_time\": bad value: \"{\""},
      {"foo unix n - n 0 -1 error", "line 1: field \"max_proc\": bad value: \"-1\""},
      {"foo unix n - n 0 4294967295 error", "line 1: field \"max_proc\": bad value: \"4294967295\""},
      {"foo inet - - n - - smtpd", "line 1: inet service cannot be private"},
      {"foo inet - x n - - smtpd", "line 1: inet service cannot be private"},
      {"foo inet x - n - - smtpd", "line 1: field \"private\": bad value: \"x\""},
      {"foo unix - - n 0 1 error { a b", "line 1: missing '}' in \"{ a b\""},
      {"foo unix - - n 0 1 error { a { b } c", "line 1: missing '}' in \"{ a { b } c\""},
      {"foo unix - - n 0 1 error { a b }x", "line 1: syntax error after '}' in \"{ a b }x\""},
      {"foo unix - - n 0 1 error {a}{b} c", "line 1: syntax error after '}' in \"{a}{b}\""},
      {"x unix n - n 0 1 e\n  \n{ \n", "line 3: missing \"transport type\" field"},
      {"foo unix\0x\n"s, "line 1: missing \"private\" field"},
      {"foo unix - - n 0 1 \0\n"s, "line 1: missing \"command\" field"},
  };
  for (const Bad& row : rows) {
    EXPECT_EQ(parse(row.text).errors, Words{std::string(kPath) + ": " + row.error}) << row.text;
  }
}

TEST(MasterCf, AfterABadLineTheOthersAreRead) {
  const MasterCf parsed = parse("a unix n - n 0 1 e\nb unix\nc unix n - n 0 1 e\nd\n");
  EXPECT_EQ(parsed.services.size(), 2U);
  EXPECT_EQ(parsed.errors.size(), 2U);
}

TEST(MasterCf, LogicalLines) {
  const MasterService x = service(
      "# c\n"
      "foo unix - - n 0 1 error\n"
      "  -o x=y\n"
      "# c\n"
      "  -v {b\n"
      "\n"
      "  c} -z\n");
  EXPECT_EQ(x.line, 2U);
  const std::vector<MasterService::Argument> expected = {{"-o", 3}, {"x=y", 3}, {"-v", 5}, {"b  c", 5}, {"-z", 7}};
  EXPECT_EQ(x.arguments, expected);

  const MasterCf stray = parse("  foo unix - - n 0 1 error\nbar unix - - n 0 1 error\n");
  EXPECT_EQ(stray.services.size(), 1U);
  EXPECT_EQ(stray.warnings,
            Words{std::string(kPath) + ": logical line must not start with whitespace: \"  foo unix - - n "
                                       "0 1 error\""});
  EXPECT_EQ(parse(" \0\nx unix n - n 0 1 e\n"s).warnings,
            Words{std::string(kPath) + ": logical line must not start with whitespace: \" \""});
  EXPECT_EQ(parse("\0foo unix n\n"s).errors, Words{});
  EXPECT_TRUE(parse("").services.empty());
  EXPECT_EQ(service("x unix - - - - - y\r\n").command, "y");
}

TEST(MasterCf, ArgumentsInBraces) {
  EXPECT_EQ(arguments("-o a=b"), (Words{"-o", "a=b"}));
  EXPECT_EQ(arguments("-o { a = b }"), (Words{"-o", "a = b"}));
  EXPECT_EQ(arguments("-o {a=b} -v"), (Words{"-o", "a=b", "-v"}));
  EXPECT_EQ(arguments("{}"), Words{""});
  EXPECT_EQ(arguments("{ }"), Words{""});
  EXPECT_EQ(arguments("x{a b}y"), Words{"x{a b}y"});
  EXPECT_EQ(arguments("{a} }"), (Words{"a", "}"}));
  EXPECT_EQ(arguments("{ a { b } c }"), Words{"a { b } c"});
  EXPECT_EQ(arguments("{ {x} }"), Words{"{x}"});
  EXPECT_EQ(arguments("{ a\t\tb }"), Words{"a\t\tb"});
  EXPECT_EQ(arguments("a,b"), Words{"a,b"});
  EXPECT_EQ(arguments("x { a } foo{ bar"), (Words{"x", "a", "foo{ bar"}));
}

TEST(MasterCf, TheLastOfServicesWithOneSocketStays) {
  const MasterCf parsed = parse("foo unix - - n 0 1 a\nbar unix - - n 0 1 b\nfoo unix y - n 0 1 c\n");
  ASSERT_EQ(parsed.services.size(), 2U);
  EXPECT_EQ(parsed.services.front().command, "c");
  EXPECT_EQ(parsed.warnings,
            Words{"duplicate master.cf entry for service \"foo\" (private/foo) -- using the last entry"});
  EXPECT_EQ(parse("qmgr unix n - n 0 1 q\nqmgr fifo n - n 0 1 q\n").warnings, Words{});
  EXPECT_EQ(parse("foo unix n - n 0 1 q\nfoo unix y - n 0 1 q\n").warnings, Words{});
  EXPECT_EQ(parse("a:25 inet n - n 0 1 q\na:25 inet n - n 0 1 q\n").services.size(), 2U);
}

TEST(MasterCf, WhatTheProcessIsStartedWith) {
  const MasterDefaults defaults;
  EXPECT_EQ(daemon_arguments(service("qmgr unix n - n 300 1 qmgr"), defaults),
            (Words{"qmgr", "-l", "-t", "unix", "-u"}));
  EXPECT_EQ(daemon_arguments(service("foo unix n - n 1 1 ../x/show.py -o { a = b }"), defaults),
            (Words{"../x/show.py", "-l", "-n", "foo", "-t", "unix", "-u", "-o", "a = b"}));
  EXPECT_EQ(daemon_arguments(service("bar unix n n n 1 0 show"), defaults),
            (Words{"show", "-z", "-n", "bar", "-t", "unix"}));
  EXPECT_EQ(daemon_arguments(service("qmgr unix n y y 1? - ../y/qmgr"), defaults),
            (Words{"../y/qmgr", "-t", "unix", "-u", "-c"}));
  EXPECT_EQ(daemon_arguments(service("qmgr unix n - - 1 - qmgr"), {1, true}),
            (Words{"qmgr", "-l", "-t", "unix", "-u", "-c"}));
}

// Work grows with the length of the text: this ends at once, or not within anybody's patience.
TEST(MasterCf, LongLines) {
  std::string text = "foo unix n - n 1 1 x";
  for (int i = 0; i < 200'000; ++i) text += "\n a";
  EXPECT_EQ(service(text).arguments.size(), 200'000U);
  EXPECT_EQ(service(text).arguments.back().line, 200'001U);
  EXPECT_EQ(parse("foo unix n - n 1 1 x " + std::string(1'000'000, '{')).errors.size(), 1U);
  std::string services;
  for (int i = 0; i < 50'000; ++i) services += "foo unix n - n 1 1 x\n";
  EXPECT_EQ(parse(services).services.size(), 1U);
}

}  // namespace
}  // namespace weir::codec
