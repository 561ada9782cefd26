// Lines of main.cf, judged as the real daemon was seen to judge them.
#include "codec/main_cf.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir::codec {
namespace {

using namespace std::string_literals;

const std::string kPath = "/etc/x/main.cf";

struct Read {
  Dictionary dictionary;
  Notes notes;
};

Read read(const std::string& text) {
  Read result;
  result.dictionary.set("config_directory", "/etc/x");
  result.dictionary.set("process_name", "qmgr");
  result.notes = read_main_cf(result.dictionary, kPath, text);
  return result;
}

std::string value(const Read& result, const std::string& name = "v") {
  const std::string* found = result.dictionary.find(name);
  return found == nullptr ? "(none)" : *found;
}

struct Row {
  std::string text;
  std::string value;
};

TEST(MainCf, Values) {
  const std::vector<Row> rows = {
      {"v = 1\n", "1"},
      {"v = 1", "1"},
      {"v=\n", ""},
      {"v = 1\n  2\n", "1  2"},
      {"v = 1\n\n  2\n", "1  2"},
      {"v = 1\n# c\n   # d\n  2\n", "1  2"},
      {"v = 1\n \n\t\n 2\n", "1 2"},
      {"v = 1  \n   2  \n", "1     2"},
      {"v =   \n   2  \n\n\n  \n", "2"},
      {"v =\n 2\n", "2"},
      {"v\n = 2\n", "2"},
      {"v = a\n b = c\n", "a b = c"},
      {"v = x # y\n", "x # y"},
      {"v==2\n", "=2"},
      {"v =  = 2\n", "= 2"},
      {"v = 1\r\n", "1"},
      {"v=\r\n", ""},
      {"v\x0b=\x0b"
       "1\n",
       "1"},
      {"v = 1\n\x0b"
       "2\n",
       "1\x0b"
       "2"},
      {"v = \\\n  x\n", "\\  x"},
      {"v = { x }\n", "{ x }"},
      {"v = $w\n", "$w"},
      {"v = \x01\xff\n", "\x01\xff"},
      {"{v = 2\n", "(none)"},
      {"V = 2\n", "(none)"},
      {"v = a\0b\n"s, "a"},
      {"v = \0\n x\n"s, ""},
      {"v=1\n \0\n x\n"s, "1"},
      {"# only a comment\n", "(none)"},
      {"", "(none)"},
  };
  for (const Row& row : rows) {
    const Read result = read(row.text);
    EXPECT_EQ(value(result), row.value) << row.text;
    EXPECT_EQ(result.notes, Notes{}) << row.text;
  }
}

TEST(MainCf, FatalLines) {
  const std::vector<Row> rows = {
      {"foo bar\n", "line 1: missing '=' after attribute name: \"foo bar\""},
      {"foo bar  \n", "line 1: missing '=' after attribute name: \"foo bar  \""},
      {"foo \n  bar\n # x\n baz\n", "line 1: missing '=' after attribute name: \"foo   bar baz\""},
      {"v\n", "line 1: missing '=' after attribute name: \"v\""},
      {"a b = c\n", "line 1: missing '=' after attribute name: \"a b = c\""},
      {"{ v = 2 }\n", "line 1: missing '=' after attribute name: \"{ v = 2 }\""},
      {"v = 1\n  #x\n2\n", "line 3: missing '=' after attribute name: \"2\""},
      {"r = 1\n   # comment\n  x\nx\n", "line 4: missing '=' after attribute name: \"x\""},
      {"v = 1\n   \nfoo\nbar\n", "line 3: missing '=' after attribute name: \"foo\""},
      {"= bar\n", "line 1: missing attribute name: \"= bar\""},
      {"= bar  \n", "line 1: missing attribute name: \"= bar  \""},
      {"  \n=\n", "line 2: missing attribute name: \"=\""},
      {"v\0 = 1\n"s, "line 1: missing '=' after attribute name: \"v\""},
      {"\0v = 1\n"s, "line 1: missing attribute name: \"\""},
      {"v=1\n\0\n x\n"s, "line 2: missing attribute name: \"\""},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(read(row.text).notes.fatal, kPath + ", " + row.value) << row.text;
  }
}

TEST(MainCf, StrayContinuationLines) {
  const std::string head = kPath + ": logical line must not start with whitespace: ";
  const std::vector<Row> rows = {
      {" lead\nv = 1\n", "\" lead\""},
      {"# c\n  more\nv=1\n", "\"  more\""},
      {"\tlonger than thirty characters is this line\n", "\"\tlonger than thirty characters...\""},
      {"  exactly 30 characters in here\n", "\"  exactly 30 characters in her...\""},
      {" exactly 29 characters in here\n", "\" exactly 29 characters in here\""},
      {"\x0cv=1\n", "\"\x0cv=1\""},
  };
  for (const Row& row : rows) {
    const Notes notes = read(row.text).notes;
    EXPECT_TRUE(notes.ok());
    EXPECT_EQ(notes.warnings, std::vector<std::string>{head + row.value}) << row.text;
  }
}

TEST(MainCf, AnotherValueForTheSameNameIsToldOf) {
  using Warnings = std::vector<std::string>;
  const Read result = read("v=1\nv=1\nv=2\nv= 3\n");
  EXPECT_EQ(value(result), "3");
  EXPECT_EQ(result.notes.warnings, (Warnings{kPath + ", line 3: overriding earlier entry: v=1",
                                             kPath + ", line 4: overriding earlier entry: v=2"}));
  EXPECT_EQ(read("v=\nv=1\n").notes.warnings, Warnings{kPath + ", line 2: overriding earlier entry: v="});
}

TEST(MainCf, ProcessFactsCanBeOverridden) {
  const Read result = read("config_directory = /x\n");
  EXPECT_EQ(value(result, "config_directory"), "/x");
  EXPECT_EQ(result.notes.warnings,
            std::vector<std::string>{kPath + ", line 1: overriding earlier entry: config_directory=/etc/x"});
}

TEST(MainCf, ALineHasNoUpperLimit) {
  const std::string big(1 << 20, 'x');
  EXPECT_EQ(value(read("v = " + big + "\n")), big);
}

TEST(MainCf, WhereAValueCameFromIsRemembered) {
  Read result = read("# c\na = 1\n\nb = 2\n  3\nc = 4\na = 5\n");
  const auto origin = [&](const char* name) { return result.dictionary.entry(name)->origin; };
  EXPECT_EQ(origin("a"), (Origin{Origin::From::main_cf, 7}));  // the last one counts
  EXPECT_EQ(origin("b"), (Origin{Origin::From::main_cf, 4}));
  EXPECT_EQ(origin("process_name"), (Origin{Origin::From::program, 0}));
  result.dictionary.set_default("a", "6");
  result.dictionary.set_default("d", "7");
  EXPECT_EQ(origin("a"), (Origin{Origin::From::main_cf, 7}));
  EXPECT_EQ(origin("d"), (Origin{Origin::From::built_in, 0}));
  result.dictionary.set("a", "8", {Origin::From::command_line, 3});
  EXPECT_EQ(origin("a"), (Origin{Origin::From::command_line, 3}));
  EXPECT_EQ(result.dictionary.entry("e"), nullptr);
}

}  // namespace
}  // namespace weir::codec
