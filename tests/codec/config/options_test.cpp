// The command line, as the real daemon was seen to take it apart.
#include "codec/options.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir::codec {
namespace {

using Words = std::vector<std::string>;

ParsedOptions parse(Words words) {
  words.insert(words.begin(), "/usr/lib/postfix/sbin/qmgr");
  return parse_options(words);
}

TEST(Options, TheStockLine) {
  const ParsedOptions parsed = parse({"-l", "-t", "unix", "-u"});
  EXPECT_EQ(parsed.fatal, std::nullopt);
  Options expected;
  expected.one_process = true;
  expected.transport_type = "unix";
  expected.drop_privileges = true;
  expected.service_name = "qmgr";
  EXPECT_EQ(parsed.options, expected);
  EXPECT_EQ(start_failure(parsed.options), std::nullopt);
  EXPECT_EQ(left_over_failure(parsed.options), std::nullopt);
}

//= R-GEN-03 test
TEST(Options, AllLetters) {
  const ParsedOptions parsed = parse({"-cdDlSuVz", "-vvv", "-n", "name", "-tfifo", "-s", "3", "-i", "7", "-m8"});
  EXPECT_EQ(parsed.fatal, std::nullopt);
  const Options& options = parsed.options;
  EXPECT_TRUE(options.chroot && options.allow_terminal && options.debugger && options.one_process);
  EXPECT_TRUE(options.standalone && options.drop_privileges && options.log_to_stderr && options.unlimited_processes);
  EXPECT_EQ(options.verbose, 3);
  EXPECT_EQ(options.service_name, "name");
  EXPECT_EQ(options.transport_type, "fifo");
  EXPECT_EQ(options.socket_count, 3);
  EXPECT_EQ(options.settings, (std::vector<Setting>{{"max_idle", "7"}, {"max_use", "8"}}));
}

TEST(Options, OverridesInAllTheirSpellings) {
  for (const Words& words : {Words{"-o", "v=5"}, Words{"-o", " v = 5 "}, Words{"-Vo", "v=5"}, Words{"-Vov=5"}}) {
    const ParsedOptions parsed = parse(words);
    EXPECT_EQ(parsed.fatal, std::nullopt);
    EXPECT_EQ(parsed.options.settings, (std::vector<Setting>{{"v", "5"}}));
  }
  EXPECT_EQ(parse({"-o", "{v=5}"}).options.settings, (std::vector<Setting>{{"{v", "5}"}}));
  EXPECT_EQ(parse({"-o", "v=$w", "-o", "v="}).options.settings, (std::vector<Setting>{{"v", "$w"}, {"v", ""}}));
}

TEST(Options, OverridesReachTheDictionaryInOrder) {
  Dictionary dictionary;
  dictionary.set("v", "main.cf");
  apply(parse({"-o", "v=1", "-i", "9s", "-o", "v=2"}).options, dictionary);
  EXPECT_EQ(*dictionary.find("v"), "2");
  EXPECT_EQ(*dictionary.find("max_idle"), "9s");
  EXPECT_EQ(dictionary.entry("v")->origin, (Origin{Origin::From::command_line, 6}));  // argv[0] is number 0
  EXPECT_EQ(dictionary.entry("max_idle")->origin, (Origin{Origin::From::command_line, 4}));
}

struct Fatal {
  Words words;
  std::string text;
};

TEST(Options, FatalTexts) {
  const std::vector<Fatal> rows = {
      {{"-o", "v"}, "invalid \"-o v\" option value: missing '=' after attribute name"},
      {{"-o", "v "}, "invalid \"-o v \" option value: missing '=' after attribute name"},
      {{"-o", "a b = c"}, "invalid \"-o a b = c\" option value: missing '=' after attribute name"},
      {{"-o", "=5"}, "invalid \"-o =5\" option value: missing attribute name"},
      {{"-o", ""}, "invalid \"-o \" option value: missing attribute name"},
      {{"-o", " "}, "invalid \"-o  \" option value: missing attribute name"},
      {{"-o"}, "invalid option: o"},
      {{"-s"}, "invalid option: s"},
      {{"-w"}, "invalid option: w"},
      {{"-a"}, "invalid option: a"},
      {{"-h"}, "invalid option: h"},
      {{"-?"}, "invalid option: ?"},
      {{"-:"}, "invalid option: :"},
      {{"--help"}, "invalid option: -"},
      {{"-lw"}, "invalid option: w"},
      {{"-s", "0"}, "invalid socket_count: 0"},
      {{"-s", "-1"}, "invalid socket_count: -1"},
      {{"-s", "x"}, "invalid socket_count: x"},
      {{"-s", ""}, "invalid socket_count: "},
  };
  for (const Fatal& row : rows) EXPECT_EQ(parse(row.words).fatal, row.text);
}

TEST(Options, ASocketCountIsRead) {
  EXPECT_EQ(parse({"-s", "2x"}).options.socket_count, 2);
  EXPECT_EQ(parse({"-s", " 3"}).options.socket_count, 3);
  EXPECT_EQ(parse({"-s", "+3"}).options.socket_count, 3);
  EXPECT_EQ(parse({"-s", "99999999999"}).fatal, "invalid socket_count: 99999999999");  // ours: it is bounded
}

TEST(Options, ScanningStopsAtTheFirstOtherWord) {
  const ParsedOptions parsed = parse({"-l", "left", "-o", "v=9"});
  EXPECT_EQ(parsed.options.left_over, (Words{"left", "-o", "v=9"}));
  EXPECT_TRUE(parsed.options.settings.empty());
  EXPECT_EQ(left_over_failure(parsed.options), "unexpected command-line argument: left");
  EXPECT_EQ(parse({"-l", "--", "-o"}).options.left_over, Words{"-o"});
  EXPECT_EQ(parse({"-l", "-", "-z"}).options.left_over, (Words{"-", "-z"}));
}

TEST(Options, ChecksAtTheStart) {
  const std::vector<Fatal> rows = {
      {{"-t", "foo"}, "service qmgr requires a process limit of 1"},
      {{}, "service qmgr requires a process limit of 1"},
      {{"-n", "other"}, "service other requires a process limit of 1"},
      {{"-l"}, "no transport type specified"},
      {{"-l", "-t", "foo"}, "unsupported transport type: foo"},
      {{"-l", "-t", "inet"}, "unsupported transport type: inet"},
      {{"-l", "-t", "unix-dgram"}, "unsupported transport type: unix-dgram"},
      {{"-l", "-t", ""}, "unsupported transport type: "},
  };
  for (const Fatal& row : rows) EXPECT_EQ(start_failure(parse(row.words).options), row.text);
  for (const char* type : {"unix", "fifo", "pass"}) {
    EXPECT_EQ(start_failure(parse({"-l", "-t", type}).options), std::nullopt);
  }
  EXPECT_EQ(start_failure(parse({"-S"}).options), std::nullopt);
}

TEST(Options, ProcessNameIsTheLastPartOfTheCommand) {
  EXPECT_EQ(base_name("qmgr"), "qmgr");
  EXPECT_EQ(base_name("../../../opt/x/qmgr"), "qmgr");
  EXPECT_EQ(base_name("/a/nqmgr/"), "nqmgr");
  EXPECT_EQ(base_name("/"), "/");
  EXPECT_EQ(base_name(""), "");
  EXPECT_EQ(parse_options({}).fatal, std::nullopt);
}

}  // namespace
}  // namespace weir::codec
