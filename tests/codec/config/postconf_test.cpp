// The table's defaults and the expansion language beside the installed postconf(1).
#include <gtest/gtest.h>

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "codec/main_cf.hpp"
#include "codec/text.hpp"
#include "contract/parameter.hpp"

namespace weir::codec {
namespace {

const std::string kPostconf = "/usr/sbin/postconf";

std::string output_of(const std::string& command) {
  std::string output;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return output;
  char buffer[4096];
  for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) output.append(buffer, n);
  ::pclose(pipe);
  return output;
}

// "name = value" lines by name.
std::map<std::string, std::string> settings_in(const std::string& text) {
  std::map<std::string, std::string> settings;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const SplitSetting split = split_setting(text.substr(at, end - at));
    if (split.failure.empty()) settings[split.setting.name] = split.setting.value;
    at = end + 1;
  }
  return settings;
}

class Postconf : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::access(kPostconf.c_str(), X_OK) != 0) GTEST_SKIP() << "postconf is not installed";
    std::string pattern = (std::filesystem::temp_directory_path() / "weir-postconf-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }
  // With an old time stamp: Postfix waits and reads again when the file may still be changing.
  void write_main_cf(const std::string& text) const {
    std::ofstream(folder_ / "main.cf") << text;
    std::filesystem::last_write_time(folder_ / "main.cf",
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  }
  [[nodiscard]] std::string command() const { return kPostconf + " -c " + folder_.string() + " "; }

  std::filesystem::path folder_;
};

TEST_F(Postconf, DefaultsOfTheTable) {
  write_main_cf("");
  const auto defaults = settings_in(output_of(command() + "-d 2>/dev/null"));
  ASSERT_GT(defaults.size(), 500U);
  for (const Parameter& row : kParameters) {
    const bool from_host = row.name == "myhostname" || row.name == "mydomain" || row.name == "mynetworks";
    const auto found = defaults.find(std::string(row.name));
    ASSERT_NE(found, defaults.end()) << row.name;
    if (from_host) continue;
    EXPECT_EQ(found->second, row.default_text) << row.name;
  }
}

// Blanks are left out at the ends: postconf squeezes them in what it prints.
const std::vector<std::string> kExpressions = {
    "$a.b",
    "pre${a}post$a.end",
    "$$a",
    "$a_b",
    "${e:no}",
    "${a:no}",
    "${undef:dflt}",
    "${ a ? {yes} : {no} }",
    "${a?${b}x}",
    "${e?{$undef}:{${a}}}",
    "${{$n10} > {$n9} ? {gt} : {le}}",
    "${{x10} > {x9} ? {gt} : {le}}",
    "${{$n10} == {010} ? {eq}:{ne}}",
    "${{3.10} >=level {3.9} ? {yes} : {no}}",
    "${{3.10} >= {3.9} ? {yes} : {no}}",
    "${{1}<{2}}",
    "$(a)",
    "$(a?(x))",
    "${a?x:y}",
    "${empty_ref?x}",
    "${:x}",
    "${{1}!={2}}",
    "${{a} == {a} ? {${b}} : {no}}",
    "$(a?{x})",
    "a$$$$b",
};

TEST_F(Postconf, ExpansionAsItPrintsIt) {
  const std::string text = "a = alpha\nb = ${a}beta\ne =\nn10 = 10\nn9 = 9\nempty_ref = $e\n";
  // Only parameters that postconf knows are printed: smtpd_banner carries the expression.
  for (const std::string& expression : kExpressions) {
    write_main_cf(text + "smtpd_banner = <" + expression + ">\n");
    const auto printed = settings_in(output_of(command() + "-x smtpd_banner 2>/dev/null"));
    Dictionary dictionary;
    ASSERT_TRUE(read_main_cf(dictionary, "main.cf", text).ok());
    Notes notes;
    const auto expanded = expand(dictionary, "<" + expression + ">", notes);
    ASSERT_TRUE(expanded.has_value()) << expression;
    ASSERT_EQ(printed.count("smtpd_banner"), 1U);
    EXPECT_EQ(printed.at("smtpd_banner"), *expanded) << expression;
  }
}

}  // namespace
}  // namespace weir::codec
