#include "postfix/main_cf_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>

#include "app/life/temp_dir.hpp"

namespace weir::postfix {
namespace {

class MainCfFileTest : public ::testing::Test {
 protected:
  // Modified `age` seconds ago.
  void write(const std::string& text, std::time_t age) {
    std::ofstream(dir_ / "main.cf") << text;
    const timespec then{std::time(nullptr) - age, 0};
    const timespec times[] = {then, then};
    ASSERT_EQ(utimensat(AT_FDCWD, (dir_ / "main.cf").c_str(), times, 0), 0);
  }

  std::chrono::milliseconds read_it() {
    const auto begun = std::chrono::steady_clock::now();
    notes_ = read_main_cf_file(dir_.path(), dictionary_);
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
  }

  testing::TempDir dir_;
  codec::Dictionary dictionary_;
  codec::Notes notes_;
};

TEST_F(MainCfFileTest, OldFileIsReadOnce) {
  write("a = x\na = y\n", 100);
  EXPECT_LT(read_it().count(), 250);
  ASSERT_NE(dictionary_.find("a"), nullptr);
  EXPECT_EQ(*dictionary_.find("a"), "y");
  EXPECT_EQ(notes_.warnings.size(), 1U);
  EXPECT_TRUE(notes_.ok());
}

TEST_F(MainCfFileTest, FileJustChangedIsReadUntilItHasSettled) {
  write("a = x\n", 0);
  const auto taken = read_it().count();
  EXPECT_GE(taken, 900);
  EXPECT_LT(taken, 3500);
  EXPECT_EQ(*dictionary_.find("a"), "x");
}

TEST_F(MainCfFileTest, FileFromTheFutureIsNotWaitedFor) {
  write("a = x\n", -100);
  EXPECT_LT(read_it().count(), 250);
  EXPECT_EQ(*dictionary_.find("a"), "x");
}

TEST_F(MainCfFileTest, NoFile) {
  read_it();
  EXPECT_EQ(notes_.fatal, "open " + (dir_ / "main.cf") + ": No such file or directory");
}

TEST_F(MainCfFileTest, FolderInItsPlace) {
  ASSERT_EQ(mkdir((dir_ / "main.cf").c_str(), 0700), 0);
  read_it();
  EXPECT_FALSE(notes_.ok());
}

TEST_F(MainCfFileTest, BadLineIsFatal) {
  write("foo bar\n", 100);
  read_it();
  EXPECT_EQ(notes_.fatal, (dir_ / "main.cf") + ", line 1: missing '=' after attribute name: \"foo bar\"");
}

TEST_F(MainCfFileTest, LargeFileIsRefused) {
  std::ofstream(dir_ / "big") << std::string(kLoadMax + 1, 'x');
  EXPECT_EQ(load_file(dir_ / "big"), std::nullopt);
  EXPECT_EQ(load_file(dir_ / "none"), std::nullopt);
}

//= R-PAR-076 test
TEST(ConfigDirectoryTest, FromTheEnvironment) {
  unsetenv("MAIL_CONFIG");
  EXPECT_EQ(config_directory(), "/etc/postfix");
  setenv("MAIL_CONFIG", "/somewhere", 1);
  EXPECT_EQ(config_directory(), "/somewhere");
  unsetenv("MAIL_CONFIG");
}

}  // namespace
}  // namespace weir::postfix
