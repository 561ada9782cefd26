#include "layering.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace weir::layering {
namespace {

namespace fs = std::filesystem;

// A scratch tree that goes when the test ends.
class Tree {
 public:
  Tree() {
    std::string name = (fs::temp_directory_path() / "weir-layering-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
  }
  ~Tree() {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  Tree& put(const std::string& path, std::string_view text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
    return *this;
  }
  [[nodiscard]] Verdict judged() const { return judge(root_); }

 private:
  fs::path root_;
};

std::string listed(const Verdict& verdict) {
  std::string text;
  for (const auto& v : verdict.violations) text += v.file + ":" + std::to_string(v.line) + ": " + v.why + "\n";
  return text;
}

TEST(Layering, TheProjectKeepsItsTable) {
  const Verdict verdict = judge(WEIR_SOURCE_DIR);
  EXPECT_EQ(listed(verdict), "");
  EXPECT_GT(verdict.files, 20) << "too few to be the project: the test looks in the wrong place";
  EXPECT_GT(verdict.includes, 100);
}

struct Planted {
  const char* name;
  const char* file;
  const char* text;
  const char* why;  // part of the expected reason
};

class LayeringPlanted : public testing::TestWithParam<Planted> {};

// Every rule must be seen to bite: one violation is planted in an otherwise clean tree.
TEST_P(LayeringPlanted, IsReported) {
  const Planted& planted = GetParam();
  Tree tree;
  tree.put("src/contract/id.hpp", "#include <string>\n")
      .put("src/codec/attr.hpp", "#include \"contract/id.hpp\"\n")
      .put("src/postfix/loop.hpp", "#include <unistd.h>\n#include \"codec/attr.hpp\"\n")
      .put("model/model.hpp", "#include \"contract/id.hpp\"\n")
      .put("src/app/qmgr/main.cpp", "#include \"model/model.hpp\"\n#include \"postfix/loop.hpp\"\n");
  ASSERT_EQ(listed(tree.judged()), "");
  tree.put(planted.file, planted.text);
  const Verdict verdict = tree.judged();
  ASSERT_EQ(verdict.violations.size(), 1U) << listed(verdict);
  EXPECT_EQ(verdict.violations[0].file, planted.file);
  EXPECT_NE(verdict.violations[0].why.find(planted.why), std::string::npos) << listed(verdict);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, LayeringPlanted,
    testing::Values(
        Planted{"contract_includes_codec", "src/contract/x.hpp", "#include \"codec/attr.hpp\"\n", "may not include"},
        Planted{"model_includes_codec", "model/x.cpp", "#include \"codec/attr.hpp\"\n", "may not include"},
        Planted{"model_includes_world", "model/x.cpp", "#include \"../src/postfix/loop.hpp\"\n", "may not include"},
        Planted{"engine_includes_model", "src/engine/x.cpp", "#include \"model/model.hpp\"\n", "may not include"},
        Planted{"codec_includes_world", "src/codec/x.cpp", "#include \"postfix/loop.hpp\"\n", "may not include"},
        Planted{"world_includes_model", "src/postfix/x.cpp", "#include \"model/model.hpp\"\n", "may not include"},
        Planted{"world_includes_app", "src/postfix/x.cpp", "#include \"app/qmgr/main.cpp\"\n", "may not include"},
        Planted{"nothing_of_ours", "src/codec/x.cpp", "#include \"elsewhere.hpp\"\n", "no file of ours"},
        Planted{"system_header_in_codec", "src/codec/x.cpp", "#include <unistd.h>\n", "not a header of values"},
        Planted{"indented_include", "model/x.cpp", "  #  include <sys/stat.h>\n", "not a header of values"},
        Planted{"streams_in_model", "model/x.cpp", "#include <fstream>\n", "not a header of values"},
        Planted{"json_in_contract", "src/contract/x.hpp", "#include <nlohmann/json.hpp>\n", "not a header of values"},
        Planted{"stdio_outside_the_check", "src/contract/x.hpp", "#include <cstdio>\n", "not a header of values"},
        Planted{"clock_in_model", "model/x.cpp", "auto t = std::chrono::system_clock::now();\n", "clock"},
        Planted{"time_in_codec", "src/codec/x.cpp", "auto t = std::time(nullptr);\n", "clock"},
        Planted{"plain_time_in_codec", "src/codec/x.cpp", "auto t = time(nullptr);\n", "clock"},
        Planted{"second_clock_in_world", "src/postfix/x.cpp", "clock_gettime(CLOCK_REALTIME, &t);\n", "clock"},
        Planted{"output_in_codec", "src/codec/x.cpp", "#include <cstdio>\nint n = printf(0);\n", "impure"},
        Planted{"environment_in_codec", "src/codec/x.cpp", "auto v = std::getenv(0);\n", "impure"},
        Planted{"random_in_model", "model/x.cpp", "std::mt19937 g;\n", "impure"},
        Planted{"thread_in_daemon", "src/postfix/x.cpp", "#include <thread>\n", "in the daemon"},
        Planted{"library_in_daemon", "src/app/qmgr/x.cpp", "#include <fmt/core.h>\n", "foreign library"},
        Planted{"homeless_file", "src/x.cpp", "\n", "no room"}),
    [](const auto& planted) { return std::string(planted.param.name); });

// What looks like a violation and is none.
TEST(Layering, CommentsStringsAndMembersAreNoViolations) {
  Tree tree;
  tree.put("src/contract/time.hpp",
           "// std::chrono::system_clock::now() is for worlds\n"
           "/* #include <thread>\n   rand() */\n"
           "inline const char* kText = \"time(0) rand() /* \";\n"
           "inline const char* kRaw = R\"(rand() \" )\";\n"
           "inline int big = 1'000'000;\n"
           "struct T { int time() const; int time_ = 0; };\n"
           "inline int f(const T& t) { return t.time(); }\n"
           "inline void g() { time(kText, 3); }\n")
      .put("src/codec/x.cpp", "#include <cstdio>\nint n = std::snprintf(0, 0, 0);\n")
      .put("src/postfix/clock.cpp", "clock_gettime(CLOCK_REALTIME, &t);\n")
      .put("src/app/weir/main.cpp", "#include <CLI/CLI.hpp>\n#include \"contract/time.hpp\"\n")
      .put("tests/contract/time_test.cpp", "#include <gtest/gtest.h>\n#include \"contract/time.hpp\"\n");
  EXPECT_EQ(listed(tree.judged()), "");
}

TEST(Layering, CodeOnlyKeepsLinesAndIncludes) {
  EXPECT_EQ(code_only("#include \"a.hpp\"  // b\nx = \"y\";\n"), "#include \"a.hpp\"      \nx =    ;\n");
  EXPECT_EQ(code_only("char q = '\"'; rand();"), "char q =    ; rand();");
}

}  // namespace
}  // namespace weir::layering
