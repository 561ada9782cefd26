// Scans: which names come, which do not, and what a look at a file says (tests/vectors/queue-files/
// environment-cases.json has the same cases as seen on the real program).
#include "postfix/queue_scan.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "postfix/world/support.hpp"

namespace weir::postfix {
namespace {

using testing::ScratchQueue;
using testing::write_file;
namespace fs = std::filesystem;

class QueueScanTest : public ::testing::Test {
 protected:
  std::multiset<std::string> names(Queue queue) {
    QueueScan scan(voice_, queue);
    std::multiset<std::string> all;
    while (auto name = scan.next()) all.insert(*name);
    EXPECT_EQ(scan.next(), std::nullopt);
    return all;
  }
  FileLook look(std::string_view name, Seconds now = Seconds{1'000'000'000}) {
    return look_at_file(voice_, hash_, Queue::incoming, name, now);
  }

  ScratchQueue queue_;
  testing::MemoryLog log_;
  Voice voice_{log_, testing::test_settings()};
  codec::QueueHash hash_;
};

TEST_F(QueueScanTest, FlatAndHashedNamesAtAnyDepth) {
  fs::create_directories("deferred/A/B");
  fs::create_directories("deferred/7");
  write_file("deferred/A1", "");
  write_file("deferred/A/A2", "");
  write_file("deferred/A/B/AB3", "");
  write_file("deferred/A/.hidden", "");
  write_file("deferred/123.456", "");
  EXPECT_EQ(names(Queue::deferred), (std::multiset<std::string>{"A1", "A2", "AB3", ".hidden", "123.456"}));
  EXPECT_TRUE(log_.lines.empty());
}

TEST_F(QueueScanTest, EmptyAndMissing) {
  EXPECT_TRUE(names(Queue::incoming).empty());
  fs::remove("incoming");
  EXPECT_EXIT(QueueScan(voice_, Queue::incoming), ::testing::ExitedWithCode(1),
              "fatal: scan_dir_push: open directory incoming: No such file or directory");
}

TEST_F(QueueScanTest, OneLetterFileIsAWarningAndPassedOver) {
  write_file("incoming/Q", "");
  write_file("incoming/QQ", "");
  EXPECT_EQ(names(Queue::incoming), std::multiset<std::string>{"QQ"});
  EXPECT_EQ(log_.take(),
            std::vector<std::string>{"warning: scan_dir_push: open directory incoming/Q: Not a directory"});
  fs::create_symlink("QQ", "incoming/L");
  EXPECT_EQ(names(Queue::incoming), std::multiset<std::string>{"QQ"});
}

TEST_F(QueueScanTest, DepthIsBounded) {
  std::string directory = "incoming";
  for (std::size_t level = 0; level < QueueScan::kDepthMax + 5; ++level) {
    write_file(directory + "/AA", "");
    directory += "/A";
    fs::create_directory(directory);
  }
  EXPECT_EQ(names(Queue::incoming).size(), QueueScan::kDepthMax);
  EXPECT_EQ(log_.take().size(), 1U);
}

TEST_F(QueueScanTest, DirectoryThatContainsItselfEnds) {
  fs::create_symlink(".", "incoming/A");
  write_file("incoming/AA", "");
  EXPECT_LE(names(Queue::incoming).size(), QueueScan::kDepthMax);
  EXPECT_EQ(log_.take().size(), 1U);
}

TEST_F(QueueScanTest, NoDescriptorIsLeftOpen) {
  fs::create_directories("incoming/A/B");
  const auto open_files = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator{});
  };
  const auto before = open_files();
  (void)names(Queue::incoming);
  {
    QueueScan half(voice_, Queue::incoming);
    (void)half.next();
  }
  EXPECT_EQ(open_files(), before);
}

TEST_F(QueueScanTest, OwnerBitsDecide) {
  for (const mode_t mode : {0600U, 0400U, 0500U, 0300U, 0200U, 0000U, 0077U}) {
    write_file("incoming/AB", "", mode);
    EXPECT_EQ(look("AB").state, FileState::not_ready) << mode;
  }
  for (const mode_t mode : {0700U, 0701U, 01700U, 04700U, 0777U}) {
    write_file("incoming/AB", "", mode);
    EXPECT_EQ(look("AB").state, FileState::ready) << mode;
  }
}

TEST_F(QueueScanTest, GroupBitsAreRequests) {
  write_file("incoming/AB", "", 0700);
  EXPECT_FALSE(look("AB").flush_request);
  EXPECT_FALSE(look("AB").expire_request);
  write_file("incoming/AB", "", 0740);
  EXPECT_TRUE(look("AB").flush_request);
  EXPECT_FALSE(look("AB").expire_request);
  write_file("incoming/AB", "", 0710);
  EXPECT_FALSE(look("AB").flush_request);
  EXPECT_TRUE(look("AB").expire_request);
}

TEST_F(QueueScanTest, NamesThatAreNoQueueIdsAreNotLookedAt) {
  for (const char* name : {".hidden", "ABC.DEF", "ABC-1", "ABC#FIX", "12345.678"}) {
    EXPECT_EQ(look(name).state, FileState::invalid_name) << name;
  }
  EXPECT_EQ(look(std::string(256, 'A')).state, FileState::invalid_name);
  EXPECT_TRUE(log_.lines.empty());
}

TEST_F(QueueScanTest, WhatIsNoFileIsAWarningEachTime) {
  EXPECT_EQ(look("GONE").state, FileState::vanished);
  EXPECT_TRUE(log_.lines.empty());
  fs::create_symlink("elsewhere", "incoming/LINK");
  fs::create_directory("incoming/DIR");
  ASSERT_EQ(mkfifo("incoming/FIFO", 0700), 0);
  const std::string uid = std::to_string(getuid());
  for (const std::string name : {"LINK", "DIR", "FIFO"}) {
    EXPECT_EQ(look(name).state, FileState::not_regular);
    EXPECT_EQ(log_.take(),
              std::vector<std::string>{"warning: incoming/" + name + ": uid " + uid + ": not a regular file"});
  }
}

TEST_F(QueueScanTest, OldSecondLinkIsAWarningOnly) {
  write_file("incoming/AB", "");
  fs::create_hard_link("incoming/AB", "incoming/other");
  struct stat status {};
  ASSERT_EQ(stat("incoming/AB", &status), 0);
  const Seconds changed{status.st_ctim.tv_sec};
  EXPECT_EQ(look("AB", changed + Seconds{60}).state, FileState::ready);
  EXPECT_TRUE(log_.lines.empty());
  EXPECT_EQ(look("AB", changed + Seconds{61}).state, FileState::ready);
  EXPECT_EQ(log_.take(),
            std::vector<std::string>{"warning: incoming/AB: uid " + std::to_string(getuid()) + ": file has 2 links"});
}

TEST_F(QueueScanTest, StateIsThatOfTheComputedPath) {
  fs::create_directory("deferred/B");
  write_file("deferred/B/AB", "");  // in the wrong hash directory
  EXPECT_EQ(look_at_file(voice_, hash_, Queue::deferred, "AB", Seconds{0}).state, FileState::vanished);
  fs::create_directory("deferred/A");
  write_file("deferred/A/AB", "");
  EXPECT_EQ(look_at_file(voice_, hash_, Queue::deferred, "AB", Seconds{0}).state, FileState::ready);
}

TEST_F(QueueScanTest, ComputedPathBelowAFileIsAWarning) {
  write_file("deferred/A", "");
  EXPECT_EQ(look_at_file(voice_, hash_, Queue::deferred, "AB", Seconds{0}).state, FileState::not_regular);
  EXPECT_EQ(log_.take(), std::vector<std::string>{"warning: deferred/A/AB: Not a directory"});
}

}  // namespace
}  // namespace weir::postfix
