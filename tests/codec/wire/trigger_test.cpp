#include "codec/trigger.hpp"

#include <gtest/gtest.h>

#include "support.hpp"

namespace weir::codec {
namespace {

using testing::bytes;

TEST(Trigger, MessageEndsWithNul) { EXPECT_EQ(trigger_message("FADI"), bytes("FADI\0")); }

TEST(Trigger, Shows) { EXPECT_EQ(show_trigger(bytes("FA\0\n\\\xff")), "FA\\x00\\x0a\\x5c\\xff"); }

TEST(MasterStatus, WorkedExample) {
  const std::string taken = encode(MasterStatus{.pid = 21972, .generation = 2, .available = false});
  EXPECT_EQ(taken, bytes("\xd4\x55\0\0\x02\0\0\0\0\0\0\0"));
  const std::string available = encode(MasterStatus{.pid = 21972, .generation = 2, .available = true});
  EXPECT_EQ(available, bytes("\xd4\x55\0\0\x02\0\0\0\x01\0\0\0"));
}

TEST(MasterStatus, RefusesOtherSizesAndValues) {
  const std::string record = encode(MasterStatus{.pid = 1, .generation = 1, .available = true});
  ASSERT_TRUE(decode_master_status(record));
  EXPECT_FALSE(decode_master_status(record.substr(1)));
  EXPECT_FALSE(decode_master_status(record + '\0'));
  EXPECT_FALSE(decode_master_status(bytes("\x01\0\0\0\x01\0\0\0\x02\0\0\0")));
}

TEST(Postlog, Datagram) {
  std::tm local{};
  local.tm_mon = 10;
  local.tm_mday = 2;
  local.tm_hour = 9;
  local.tm_min = 35;
  local.tm_sec = 8;
  EXPECT_EQ(postlog_datagram(local, "test.example.com", "postfix/qmgr", 25382, Severity::warning, "text"),
            "Nov 02 09:35:08 test postfix/qmgr[25382]: warning: text");
  EXPECT_EQ(postlog_datagram(local, "", "postfix/qmgr", 1, Severity::info, "text"),
            "Nov 02 09:35:08 amnesiac postfix/qmgr[1]: text");
}

TEST(Severity, Prefixes) {
  EXPECT_EQ(severity_prefix(Severity::debug), "");
  EXPECT_EQ(severity_prefix(Severity::info), "");
  EXPECT_EQ(severity_prefix(Severity::warning), "warning: ");
  EXPECT_EQ(severity_prefix(Severity::error), "error: ");
  EXPECT_EQ(severity_prefix(Severity::fatal), "fatal: ");
  EXPECT_EQ(severity_prefix(Severity::panic), "panic: ");
}

}  // namespace
}  // namespace weir::codec
