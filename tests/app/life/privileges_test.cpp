#include "postfix/privileges.hpp"

#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "app/life/child.hpp"
#include "app/life/temp_dir.hpp"

namespace weir::postfix {
namespace {

using testing::exit_status;
using testing::in_child;

class PrivilegesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (getuid() != 0) GTEST_SKIP() << "needs root";
  }
  testing::TempDir dir_;
};

//= R-SEC-05 test
TEST_F(PrivilegesTest, AllIdsAreTheOwners) {
  const passwd* nobody = getpwnam("nobody");
  ASSERT_NE(nobody, nullptr);
  const uid_t uid = nobody->pw_uid;
  const gid_t gid = nobody->pw_gid;
  const int status = in_child([&] {
    if (limit_privileges("nobody", "")) _exit(1);
    uid_t user[3];
    gid_t group[3];
    if (getresuid(&user[0], &user[1], &user[2]) != 0 || getresgid(&group[0], &group[1], &group[2]) != 0) _exit(2);
    if (std::ranges::count(user, uid) != 3 || std::ranges::count(group, gid) != 3) _exit(3);
    if (setuid(0) == 0) _exit(4);
    gid_t groups[64];
    const int count = getgroups(64, groups);
    if (std::find(groups, groups + count, 0) != groups + count) _exit(5);  // root's own group is gone
  });
  EXPECT_EQ(exit_status(status), 0);
}

//= R-SEC-06 test
TEST_F(PrivilegesTest, NewRootFirstThenOwner) {
  std::ofstream(dir_ / "here") << "x";
  ASSERT_EQ(chmod(dir_.path().c_str(), 0755), 0);
  const int status = in_child([&] {
    if (limit_privileges("nobody", dir_.path())) _exit(1);
    if (access("/here", F_OK) != 0 || access("here", F_OK) != 0) _exit(2);
    if (getuid() == 0) _exit(3);
  });
  EXPECT_EQ(exit_status(status), 0);
}

TEST_F(PrivilegesTest, NewRootAloneKeepsTheUser) {
  const int status = in_child([&] {
    if (limit_privileges("", dir_.path())) _exit(1);
    if (getuid() != 0) _exit(2);
  });
  EXPECT_EQ(exit_status(status), 0);
}

TEST_F(PrivilegesTest, FailuresInWords) {
  EXPECT_EQ(limit_privileges("no-such-user", ""), "unknown user: no-such-user");
  EXPECT_EQ(limit_privileges("", "/nonexistent/place"), "chroot(/nonexistent/place): No such file or directory");
  const gid_t gid = getpwnam("nobody")->pw_gid;
  const int status = in_child([&] {
    if (setuid(65534) != 0) _exit(1);
    const auto failure = limit_privileges("nobody", "");
    if (failure != "setgid(" + std::to_string(gid) + "): Operation not permitted") _exit(2);
  });
  EXPECT_EQ(exit_status(status), 0);
}

}  // namespace
}  // namespace weir::postfix
