#include "postfix/process_log.hpp"

#include <fnmatch.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <syslog.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <ctime>

#include "app/life/child.hpp"
#include "app/life/log_receiver.hpp"
#include "app/life/temp_dir.hpp"

namespace weir::postfix {
namespace {

using testing::end_signal;
using testing::exit_status;
using testing::in_child;
using testing::LogReceiver;
using testing::TempDir;

std::string with_pid(const std::string& before, const std::string& after) {
  return before + "[" + std::to_string(getpid()) + "]: " + after;
}

class PostlogTest : public ::testing::Test {
 protected:
  [[nodiscard]] LogDestination destination() const {
    LogDestination to;
    to.tag = "postfix/qmgr";
    to.postlog_path = dir_ / "postlog";
    to.host_name = "test.example.com";
    to.utf8 = utf8_;
    return to;
  }

  TempDir dir_;
  LogReceiver receiver_{dir_ / "postlog"};
  bool utf8_ = true;
};

TEST_F(PostlogTest, OneDatagramALine) {
  ProcessLog log;
  log.open(destination());
  log.info("3A1: removed");
  log.warning("something");
  log.error("else");
  EXPECT_EQ(receiver_.next_undated(), with_pid("test postfix/qmgr", "3A1: removed"));
  EXPECT_EQ(receiver_.next_undated(), with_pid("test postfix/qmgr", "warning: something"));
  EXPECT_EQ(receiver_.next_undated(), with_pid("test postfix/qmgr", "error: else"));
  EXPECT_EQ(receiver_.next(), std::nullopt);
}

TEST_F(PostlogTest, LocalTimeInFront) {
  setenv("TZ", "XYZ-5", 1);
  ProcessLog log;
  log.open(destination());
  const std::time_t before = time(nullptr) + 5 * 3600;
  log.info("x");
  const std::string line = receiver_.next().value_or("");
  char expected[32];
  char expected_next[32];
  const std::time_t after = before + 1;
  std::strftime(expected, sizeof expected, "%b %d %H:%M:%S ", std::gmtime(&before));
  std::strftime(expected_next, sizeof expected_next, "%b %d %H:%M:%S ", std::gmtime(&after));
  const std::string date = line.substr(0, 16);
  EXPECT_TRUE(date == expected || date == expected_next) << date << " is not " << expected;
  unsetenv("TZ");
  tzset();
}

TEST_F(PostlogTest, NoControlCharacterPasses) {
  ProcessLog log;
  log.open(destination());
  log.info("a\nb\tc\x7f\xc3\xa9z\x80");
  EXPECT_EQ(receiver_.next_undated(), with_pid("test postfix/qmgr", "a?b?c?\xc3\xa9z?"));
  utf8_ = false;
  log.open(destination());
  log.info("\xc3\xa9");
  EXPECT_EQ(receiver_.next_undated(), with_pid("test postfix/qmgr", "??"));
}

TEST_F(PostlogTest, CutAt2000Bytes) {
  ProcessLog log;
  log.open(destination());
  log.warning(std::string(5000, 'x'));
  EXPECT_EQ(receiver_.next_undated(), with_pid("test postfix/qmgr", "warning: " + std::string(2000, 'x')));
}

TEST_F(PostlogTest, UnknownHostIsAmnesiac) {
  LogDestination to = destination();
  to.host_name.clear();
  ProcessLog log;
  log.open(to);
  log.info("x");
  EXPECT_EQ(receiver_.next_undated(), with_pid("amnesiac postfix/qmgr", "x"));
}

TEST_F(PostlogTest, ComesBackWhenTheServiceDoes) {
  LogDestination to = destination();
  to.postlog_path = dir_ / "later";
  ProcessLog log;
  log.open(to);
  log.info("lost");
  LogReceiver later(dir_ / "later");
  log.info("found");
  EXPECT_EQ(later.next_undated(), with_pid("test postfix/qmgr", "found"));
}

TEST_F(PostlogTest, StalledServiceIsWaitedForOnceAndItsLossesAreTold) {
  ProcessLog log;
  log.open(destination());
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 2000; ++i) log.info("line");  // far more than any socket buffer queues
  const auto taken = std::chrono::steady_clock::now() - begun;
  EXPECT_LT(taken, std::chrono::seconds(15));
  int received = 0;
  while (receiver_.next()) ++received;
  EXPECT_LT(received, 2000);
  log.info("again");
  EXPECT_EQ(receiver_.next_undated(), with_pid("test postfix/qmgr", "again"));
  EXPECT_EQ(receiver_.next_undated(),
            with_pid("test postfix/qmgr", "warning: " + std::to_string(2000 - received) +
                                              " log lines lost: " + (dir_ / "postlog") + " did not take them"));
}

TEST_F(PostlogTest, FatalEndsWithStatusOneAfterASecond) {
  const auto begun = std::chrono::steady_clock::now();
  const int status = in_child([&] {
    ProcessLog log;
    log.open(destination());
    log.fatal("the end");
  });
  EXPECT_EQ(exit_status(status), 1);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(990));
  EXPECT_NE(receiver_.next().value_or("").find("]: fatal: the end"), std::string::npos);
}

TEST_F(PostlogTest, PanicAborts) {
  const int status = in_child([&] {
    std::signal(SIGABRT, SIG_DFL);
    ProcessLog log;
    log.open(destination());
    log.panic("no way");
  });
  EXPECT_EQ(end_signal(status), SIGABRT);
  EXPECT_NE(receiver_.next().value_or("").find("]: panic: no way"), std::string::npos);
}

TEST_F(PostlogTest, ThirteenErrorsAreTheEnd) {
  const int status = in_child([&] {
    ProcessLog log;
    log.open(destination());
    for (int i = 0; i < 12; ++i) {
      log.error("again");
      if (!receiver_.next()) _exit(2);
    }
    log.error("again");
    _exit(0);
  });
  EXPECT_EQ(exit_status(status), 1);
  std::string last;
  while (const auto line = receiver_.next()) last = *line;
  EXPECT_NE(last.find("]: fatal: too many errors - program terminated"), std::string::npos);
}

TEST_F(PostlogTest, EmergencyLineLooksLikeAnyOther) {
  setenv("TZ", "XYZ-5", 1);
  ProcessLog log;
  log.open(destination());
  std::string usual, urgent;
  do {  // both in one second
    log.info("x");
    log.write_emergency("watchdog timeout");
    usual = receiver_.next().value_or("");
    urgent = receiver_.next().value_or("");
  } while (usual.substr(0, 16) != urgent.substr(0, 16) && usual.substr(0, 10) == urgent.substr(0, 10));
  const std::string head = usual.substr(0, usual.size() - 1);
  EXPECT_EQ(urgent, head + "fatal: watchdog timeout");
  unsetenv("TZ");
  tzset();
}

TEST_F(PostlogTest, AlsoToStandardError) {
  ProcessLog log;
  log.open(destination());
  log.also_to_stderr("early/qmgr");
  ::testing::internal::CaptureStderr();
  log.warning("one");
  log.open(destination());
  log.info("two");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "early/qmgr: warning: one\npostfix/qmgr: two\n");
}

TEST(EarlyLogTest, MasterTellsBeforeMainCfDoes) {
  setenv("MAIL_LOGTAG", "mta", 1);
  setenv("POSTLOG_SERVICE", "/q/public/postlog", 1);
  setenv("POSTLOG_HOSTNAME", "mx.example", 1);
  LogDestination early = early_log_destination("oqmgr");
  EXPECT_EQ(early.tag, "mta/oqmgr");
  EXPECT_EQ(early.postlog_path, "/q/public/postlog");
  EXPECT_EQ(early.host_name, "mx.example");
  for (const char* name : {"MAIL_LOGTAG", "POSTLOG_SERVICE", "POSTLOG_HOSTNAME"}) unsetenv(name);
  early = early_log_destination("qmgr");
  EXPECT_EQ(early.tag, "postfix/qmgr");
  EXPECT_EQ(early.postlog_path, "");
}

TEST(EarlyLogTest, TellsItsChildren) {
  LogDestination to;
  to.postlog_path = "/p";
  to.host_name = "h";
  export_log_destination(to, "mta");
  EXPECT_STREQ(std::getenv("MAIL_LOGTAG"), "mta");
  EXPECT_STREQ(std::getenv("POSTLOG_SERVICE"), "/p");
  EXPECT_STREQ(std::getenv("POSTLOG_HOSTNAME"), "h");
  export_log_destination(LogDestination{}, "mta");
  EXPECT_EQ(std::getenv("POSTLOG_SERVICE"), nullptr);
}

// syslog(3) knows one place only, so the test needs a /dev of its own.
constexpr int kNoNamespace = 77;

void syslog_in_private_dev() {
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("tmpfs", "/dev", "tmpfs", 0, nullptr) != 0) {
    _exit(kNoNamespace);
  }
  LogReceiver receiver("/dev/log");
  if (!receiver.bound()) _exit(kNoNamespace);
  ProcessLog log;
  LogDestination to;
  to.tag = "mta/qmgr";
  to.facility = LOG_LOCAL3;
  log.open(to);
  log.warning("bad\x01thing %s");
  const std::string line = receiver.next().value_or("");
  const std::string wanted = "<" + std::to_string(LOG_LOCAL3 | LOG_WARNING) +
                             ">??? [ 0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9] mta/qmgr\\[" +
                             std::to_string(getpid()) + "\\]: warning: bad\\?thing %s";
  if (fnmatch(wanted.c_str(), line.c_str(), 0) != 0) {
    std::fprintf(stderr, "%s\n", line.c_str());
    _exit(1);
  }
  log.write_emergency("watchdog timeout");
  if (receiver.next().value_or("").find("]: fatal: watchdog timeout") == std::string::npos) _exit(2);
}

//= R-PAR-083 test
//= R-DIA-02 test
//= R-DIA-01 test
TEST(SyslogTest, LineFacilityAndTag) {
  const int status = exit_status(in_child(syslog_in_private_dev));
  if (status == kNoNamespace) GTEST_SKIP() << "needs a mount namespace";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace weir::postfix
