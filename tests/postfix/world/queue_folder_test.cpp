// The way to an entry of a queue: through folders only, and into the folder that was found.
#include "postfix/queue_folder.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "postfix/world/support.hpp"

namespace weir::postfix {
namespace {

using testing::write_file;
namespace fs = std::filesystem;

class QueueFolderTest : public ::testing::Test {
 protected:
  static int error_of(const std::string& path) { return QueueFolder(path).error(); }

  testing::ScratchQueue queue_;
};

TEST_F(QueueFolderTest, WithoutHashFoldersThereIsNothingToOpen) {
  const std::string path = "incoming/AB", top = "deferred";
  const QueueFolder folder(path), at_top(top);
  EXPECT_EQ(folder.error(), 0);
  EXPECT_EQ(folder.fd(), AT_FDCWD);
  EXPECT_STREQ(folder.name(), "incoming/AB");
  EXPECT_EQ(at_top.fd(), AT_FDCWD);
  EXPECT_STREQ(at_top.name(), "deferred");
}

TEST_F(QueueFolderTest, HashFoldersAreEnteredOneByOne) {
  fs::create_directories("deferred/A/B");
  write_file("deferred/A/B/AB12", "text");
  const std::string path = "deferred/A/B/AB12";
  struct stat status {};
  {
    const QueueFolder folder(path);
    ASSERT_EQ(folder.error(), 0);
    EXPECT_STREQ(folder.name(), "AB12");
    EXPECT_NE(fcntl(folder.fd(), F_GETFD) & FD_CLOEXEC, 0);
    // What happens is done in the folder that was found, whatever now stands in its place.
    fs::rename("deferred/A/B", "deferred/A/C");
    fs::create_directory("elsewhere");
    fs::create_symlink("../../elsewhere", "deferred/A/B");
    EXPECT_EQ(fstatat(folder.fd(), folder.name(), &status, 0), 0);
    EXPECT_EQ(status.st_size, 4);
  }
  EXPECT_EQ(error_of(path), ELOOP);
  EXPECT_EQ(look_without_following(path, status), ELOOP);
}

TEST_F(QueueFolderTest, WhatIsNoFolderIsRefused) {
  EXPECT_EQ(error_of("deferred/A/AB12"), ENOENT);
  write_file("deferred/A", "");
  EXPECT_EQ(error_of("deferred/A/AB12"), ENOTDIR);
  fs::create_directory("elsewhere");
  fs::create_symlink("../elsewhere", "deferred/B");
  fs::create_symlink("../nowhere", "deferred/C");
  EXPECT_EQ(error_of("deferred/B/AB12"), ELOOP);
  EXPECT_EQ(error_of("deferred/C/AB12"), ELOOP);
  fs::create_symlink("../elsewhere", "deferred/D");
  EXPECT_EQ(error_of("deferred/D/E/AB12"), ELOOP);
  EXPECT_TRUE(is_link_in_the_way(ELOOP));
  EXPECT_FALSE(is_link_in_the_way(ENOTDIR) || is_link_in_the_way(ENOENT));
}

// The queues themselves belong to root: a disk of their own may be behind a link, as for Postfix.
TEST_F(QueueFolderTest, TheQueueItselfMayBeALink) {
  fs::rename("deferred", "disk");
  fs::create_symlink("disk", "deferred");
  fs::create_directory("disk/A");
  EXPECT_EQ(error_of("deferred/A/AB12"), 0);
}

TEST_F(QueueFolderTest, LooksAtTheEntryNotAtWhatItPointsTo) {
  struct stat status {};
  EXPECT_EQ(look_without_following("incoming/AB12", status), ENOENT);
  fs::create_symlink("/etc/passwd", "incoming/AB12");
  ASSERT_EQ(look_without_following("incoming/AB12", status), 0);
  EXPECT_TRUE(S_ISLNK(status.st_mode));
}

TEST_F(QueueFolderTest, NoDescriptorIsLeftOpen) {
  const auto open_files = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator{});
  };
  fs::create_directories("deferred/A/B");
  fs::create_symlink("../../incoming", "deferred/A/C");
  const auto before = open_files();
  for (const char* path : {"deferred/A/B/AB12", "deferred/A/C/AB12", "deferred/A/D/AB12", "incoming/AB12"}) {
    (void)error_of(path);
  }
  EXPECT_EQ(open_files(), before);
}

}  // namespace
}  // namespace weir::postfix
