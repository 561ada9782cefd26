#include "postfix/master.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <memory>
#include <string>
#include <utility>

namespace weir::postfix {
namespace {

class MasterTest : public ::testing::Test {
 protected:
  MasterTest() {
    std::signal(SIGPIPE, SIG_IGN);
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()), 0);
    master_ = std::make_unique<Master>(ends_[0], 58, [this] { ++gone_; });
  }
  ~MasterTest() override {
    close(ends_[0]);
    if (ends_[1] >= 0) close(ends_[1]);
  }

  void close_masters_end() { close(std::exchange(ends_[1], -1)); }

  // What master would read in one go.
  std::string received() {
    char bytes[64];
    const ssize_t got = recv(ends_[1], bytes, sizeof bytes, MSG_DONTWAIT);
    return got < 0 ? "" : std::string(bytes, static_cast<std::size_t>(got));
  }

  static std::string record(std::int32_t state) {
    const std::array<std::int32_t, 3> fields{static_cast<std::int32_t>(getpid()), 58, state};
    return {reinterpret_cast<const char*>(fields.data()), sizeof fields};
  }

  std::array<int, 2> ends_{-1, -1};
  int gone_ = 0;
  std::unique_ptr<Master> master_;
};

TEST_F(MasterTest, RecordsOfTwelveBytes) {
  EXPECT_EQ(received(), "");  // silent at start
  master_->taken();
  EXPECT_EQ(received(), record(0));
  master_->available();
  EXPECT_EQ(received(), record(1));
  EXPECT_EQ(gone_, 0);
}

TEST_F(MasterTest, OnlyTheAvailableRecordMustArrive) {
  close_masters_end();
  master_->taken();
  EXPECT_EQ(gone_, 0);
  master_->available();
  EXPECT_EQ(gone_, 1);
}

TEST_F(MasterTest, EndOfFileMeansGo) {
  Loop loop;
  master_->watch(loop);
  loop.run_round(true);
  EXPECT_EQ(gone_, 0);
  close_masters_end();
  loop.run_round(false);
  EXPECT_EQ(gone_, 1);
}

TEST(GenerationTest, OctalText) {
  EXPECT_EQ(parse_generation(nullptr), 0U);
  EXPECT_EQ(parse_generation("72"), 58U);
  EXPECT_EQ(parse_generation("0"), 0U);
  EXPECT_EQ(parse_generation("37777777777"), 0xffffffffU);
}

// As the real daemon reads it: start_parity_test.py.
TEST(GenerationTest, OddText) {
  EXPECT_EQ(parse_generation("9x"), std::nullopt);
  EXPECT_EQ(parse_generation("x7"), std::nullopt);
  EXPECT_EQ(parse_generation("-1"), std::nullopt);
  EXPECT_EQ(parse_generation(""), std::nullopt);
  EXPECT_EQ(parse_generation("9"), 0U);
  EXPECT_EQ(parse_generation("18"), 1U);
  EXPECT_EQ(parse_generation("7777777777777777777777777777"), 0xffffffffU);
}

}  // namespace
}  // namespace weir::postfix
