// Names of messages and queues, and where their files are.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "codec/queue_id.hpp"
#include "support/vectors.hpp"

namespace weir::codec {
namespace {

TEST(QueueId, ValidNames) {
  for (const char* good : {"A", "CF51DA74083", "4jXPF86npxz1bcHh", "under_score", "lower"}) {
    EXPECT_TRUE(is_queue_id(good)) << good;
  }
  EXPECT_TRUE(is_queue_id(std::string(255, 'x')));
  EXPECT_FALSE(is_queue_id(std::string(256, 'x')));
  for (const char* bad : {"", "ABC.DEF", ".hidden", "ABC-1", "ABC#FIX", "12345.678", "a/b", "\xc3\xa4"}) {
    EXPECT_FALSE(is_queue_id(bad)) << bad;
  }
}

TEST(QueueId, ValidQueueNames) {
  EXPECT_TRUE(is_queue_name("incoming"));
  EXPECT_TRUE(is_queue_name(std::string(100, 'q')));
  EXPECT_FALSE(is_queue_name(std::string(101, 'q')));
  for (const char* bad : {"", "a_b", "a/b", "."}) EXPECT_FALSE(is_queue_name(bad)) << bad;
}

TEST(QueueId, LongFormHasItsLastZAtIndexTenOrLater) {
  EXPECT_TRUE(is_long_queue_id("4jXPF86npxz1bcHh"));
  EXPECT_TRUE(is_long_queue_id("0123456789z1"));
  EXPECT_FALSE(is_long_queue_id("012345678z1"));
  EXPECT_FALSE(is_long_queue_id("CF51DA74083"));
  EXPECT_FALSE(is_long_queue_id(""));
}

TEST(QueueId, Made) {
  EXPECT_EQ(short_queue_id(849181, 0xA74083), "CF51DA74083");
  EXPECT_EQ(short_queue_id(0, 0), "000000");
  EXPECT_EQ(long_queue_id(1795340412, 956745, 10961415), "4jXPF86npxz1bcHh");
}

//= R-FIL-01 test
//= R-FIL-02 test
//= R-FIL-03 test
TEST(QueueId, PathsAsObserved) {
  std::ifstream file{testing::vectors() / "queue-files/paths.json"};
  const auto rows = nlohmann::json::parse(file);
  ASSERT_EQ(rows.size(), 80U);
  for (const auto& row : rows) {
    const QueueHash hash{row["hash_queue_names"].get<std::string>(), row["hash_queue_depth"].get<int>()};
    for (const auto& [queue, path] : row["paths"].items()) {
      EXPECT_EQ(hash.path(queue, row["queue_id"].get<std::string>()), path);
    }
  }
}

TEST(QueueId, HashDirectories) {
  const QueueHash one;
  EXPECT_EQ(one.path("deferred", "zzzzzzzzzzz12"), "deferred/6/zzzzzzzzzzz12");
  EXPECT_EQ(one.path("deferred", "0123456AAAz1"), "deferred/0/0123456AAAz1");  // 'A' is no base 52 digit
  EXPECT_EQ(one.path("incoming", "AB"), "incoming/AB");
  const QueueHash three{"\tDEFERRED,,defer\n", 3};
  EXPECT_EQ(three.path("deferred", "AB"), "deferred/A/B/_/AB");
  EXPECT_EQ(three.path("deferred", "012345678z1"), "deferred/0/1/2/012345678z1");
  EXPECT_FALSE(three.hashes("active"));
  EXPECT_FALSE((QueueHash{"", 1}.hashes("deferred")));
  EXPECT_EQ((QueueHash{"deferred", 0}.path("deferred", "AB")), "deferred/A/AB");
}

}  // namespace
}  // namespace weir::codec
