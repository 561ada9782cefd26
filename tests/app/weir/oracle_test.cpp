// weir oracle: a brain as its own subject, so that no program has to be started; what it says, writes and refuses.
#include "app/weir/oracle.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "sim/script.hpp"

namespace weir::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kScenario =
    "=== A message goes out\n"
    "# rows: QUE-01\n"
    "setup t1\n\nmessage A a@d1.t1\n----\nconnect t1 waiting 1\nqueue A active\n\n"
    "agent t1\n----\nrequest 1 A via t1 nexthop=d1 to a@d1.t1\n\nreply 1 done\n----\nqueue A gone\n";

class OracleTest : public testing::Test {
 protected:
  OracleTest() : folder_(fs::temp_directory_path() / ("weir-oracle-" + std::to_string(getpid()))) {
    fs::create_directories(folder_);
    options_.subject = "engine";
    options_.scenarios = 2;
    options_.steps = 80;
    options_.seed = 7;
  }
  ~OracleTest() override { fs::remove_all(folder_); }

  fs::path file(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }
  int run() { return oracle_run(options_, out_, errors_); }
  int replay(const fs::path& what) {
    options_.replayed = what;
    return oracle_replay(options_, out_, errors_);
  }
  [[nodiscard]] bool said(const std::string& text) const { return out_.str().find(text) != std::string::npos; }

  fs::path folder_;
  OracleOptions options_;
  std::ostringstream out_, errors_;
};

TEST_F(OracleTest, ABrainConformsToItself) {
  for (const char* brain : {"engine", "model"}) {
    options_.subject = brain;
    EXPECT_EQ(run(), 0) << out_.str() << errors_.str();
  }
  EXPECT_EQ(errors_.str(), "");
}

TEST_F(OracleTest, NamedScenariosOfAFolderAndTheReport) {
  file("one.txt", kScenario);
  file("other.md", "no scenario");
  options_.named = folder_;
  options_.report = folder_ / "report";
  EXPECT_EQ(run(), 0) << out_.str() << errors_.str();
  EXPECT_TRUE(said("1 named, 2 generated")) << out_.str();
  for (const char* name : {"report.txt", "report.json", "report.xml", "report.html"}) {
    EXPECT_GT(fs::file_size(options_.report / name), 0U) << name;
  }
}

TEST_F(OracleTest, AScenarioInWhichNothingIsDecidedIsNotJudged) {
  options_.named = file("one.txt", "=== Nothing happens\nsetup t1\n\nadvance 1\n");
  options_.scenarios = 0;
  EXPECT_EQ(run(), 2);
  EXPECT_TRUE(said("no decision was seen")) << out_.str();
}

// Its steps bring none.
TEST_F(OracleTest, AScriptWithoutMailIsGivenSome) {
  options_.only_number = 2;
  options_.steps = 20;
  EXPECT_EQ(run(), 0) << out_.str();
}

TEST_F(OracleTest, OneScriptOfASeed) {
  options_.only_number = 2;
  options_.excuses = "postfix";
  options_.level = "promises";
  EXPECT_EQ(run(), 0) << out_.str() << errors_.str();
}

// The scenario is of qmgr, where a small message overtakes; oqmgr is judged by its own alone.
TEST_F(OracleTest, ScenariosOfOtherPersonalitiesAreNotPlayed) {
  options_.named = file("one.txt", kScenario);
  options_.personality = "oqmgr";
  EXPECT_EQ(run(), 2);
  EXPECT_EQ(errors_.str(), "weir oracle: no scenario in " + options_.named.string() + "\n");
}

TEST_F(OracleTest, ReplaysAScenario) {
  EXPECT_EQ(replay(file("one.txt", kScenario)), 0) << out_.str() << errors_.str();
  EXPECT_TRUE(said("queue A gone")) << out_.str();
}

TEST_F(OracleTest, ReplaysAScript) {
  EXPECT_EQ(replay(file("script", show(sim::random_script(1, 20)))), 0) << out_.str() << errors_.str();
}

TEST_F(OracleTest, NeitherScriptNorScenario) {
  EXPECT_EQ(replay(file("text", "good day\n")), 2);
  EXPECT_NE(errors_.str().find("neither a script ("), std::string::npos) << errors_.str();
}

TEST_F(OracleTest, AScenarioThatCannotBeRead) {
  options_.named = file("one.txt", "=== Title\nfly\n");
  EXPECT_EQ(run(), 2);
  EXPECT_EQ(errors_.str().rfind("weir oracle: " + options_.named.string() + ": ", 0), 0U) << errors_.str();
}

TEST_F(OracleTest, AProgramThatIsNotThere) {
  options_.subject = folder_ / "qmgr";
  EXPECT_EQ(run(), 2);
  EXPECT_EQ(errors_.str(), "weir oracle: there is no program " + options_.subject.string() + "\n");
  EXPECT_EQ(replay(folder_ / "nothing"), 2);
}

TEST_F(OracleTest, APersonalityThatNobodyKnows) {
  options_.personality = "sendmail";
  EXPECT_EQ(run(), 2);
  EXPECT_EQ(errors_.str(), "weir oracle: no personality is called \"sendmail\": tell with --personality\n");
}

TEST_F(OracleTest, AReportThatCannotBeWritten) {
  options_.report = file("place", "a file, no folder");
  EXPECT_EQ(run(), 2);
  EXPECT_NE(errors_.str().find("report.txt: cannot be written"), std::string::npos) << errors_.str();
}

}  // namespace
}  // namespace weir::app
