#include "postfix/trigger_listener.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <memory>

#include "app/life/temp_dir.hpp"

namespace weir::postfix {
namespace {

class QuietLog final : public LogSink {
 public:
  void write(Severity, std::string_view text) override { lines.emplace_back(text); }
  std::vector<std::string> lines;
};

class TriggerListenerTest : public ::testing::Test {
 protected:
  TriggerListenerTest() {
    std::signal(SIGPIPE, SIG_IGN);
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, status_.data()), 0);
    master_ = std::make_unique<Master>(status_[0], 1, [this] { happened_.emplace_back("gone"); });
    std::memcpy(address_.sun_path, path_.data(), path_.size());
  }
  ~TriggerListenerTest() override {
    listener_.reset();
    for (const int fd : clients_) close(fd);
    for (const int fd : status_) close(fd);
    if (fd_ >= 0) close(fd_);
  }

  void start(TriggerListener::Kind kind = TriggerListener::Kind::socket) {
    if (kind == TriggerListener::Kind::pipe) {
      ASSERT_EQ(mkfifo(path_.c_str(), 0622), 0);
      fd_ = open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    } else {
      fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      ASSERT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address_), sizeof address_), 0);
      ASSERT_EQ(listen(fd_, 200), 0);
    }
    listen_on(fd_, kind);
  }

  void listen_on(int fd, TriggerListener::Kind kind) {
    listener_ = std::make_unique<TriggerListener>(loop_, log_, *master_, kind, fd, 1, [this](std::string bytes) {
      note_status();
      happened_.push_back(std::move(bytes));
    });
  }

  int connect() {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address_), sizeof address_), 0);
    clients_.push_back(fd);
    return fd;
  }

  static void say(int fd, const std::string& bytes) {
    EXPECT_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }

  // Rounds of the loop without waiting.
  void rounds(int count) {
    for (int i = 0; i < count; ++i) loop_.run_round(true);
    note_status();
  }

  // The daemon has closed the connection, without a byte.
  static bool closed(int fd) {
    char byte = 0;
    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
  }

  void note_status() {
    std::array<std::int32_t, 3> record{};
    while (recv(status_[1], record.data(), sizeof record, MSG_DONTWAIT) == static_cast<ssize_t>(sizeof record)) {
      happened_.emplace_back(record[2] == 0 ? "taken" : "available");
    }
  }

  using Story = std::vector<std::string>;

  testing::TempDir dir_;
  std::string path_ = dir_ / "qmgr";
  sockaddr_un address_{AF_UNIX, {}};
  std::array<int, 2> status_{-1, -1};
  int fd_ = -1;
  std::vector<int> clients_;
  Story happened_;
  QuietLog log_;
  Loop loop_;
  std::unique_ptr<Master> master_;
  std::unique_ptr<TriggerListener> listener_;
};

//= R-TRG-02 test
TEST_F(TriggerListenerTest, OneBufferBetweenTwoRecords) {
  start();
  const int client = connect();
  say(client, "W");
  rounds(1);
  EXPECT_EQ(happened_, (Story{"taken", "W", "available"}));
  EXPECT_TRUE(closed(client));
}

TEST_F(TriggerListenerTest, SlowClientIsServedWhenItSpeaks) {
  start();
  const int slow = connect();
  rounds(3);
  EXPECT_EQ(happened_, Story{});  // master hears nothing of a client that is silent
  EXPECT_FALSE(closed(slow));
  say(slow, "I");
  rounds(1);
  EXPECT_EQ(happened_, (Story{"taken", "I", "available"}));
  EXPECT_TRUE(closed(slow));
  EXPECT_EQ(listener_->silent_clients(), 0U);
}

//= R-SEC-03 test
TEST_F(TriggerListenerTest, SilentClientHoldsUpNobody) {
  start();
  connect();
  rounds(1);
  const int other = connect();
  say(other, "D");
  rounds(1);
  EXPECT_EQ(happened_, (Story{"taken", "D", "available"}));
  EXPECT_EQ(listener_->silent_clients(), 1U);
}

TEST_F(TriggerListenerTest, SilentClientIsDroppedAfterTenSeconds) {
  start();
  const int silent = connect();
  rounds(1);
  const auto begun = std::chrono::steady_clock::now();
  while (listener_->silent_clients() > 0 && std::chrono::steady_clock::now() - begun < std::chrono::seconds(13)) {
    loop_.run_round(false);
  }
  const auto taken = std::chrono::steady_clock::now() - begun;
  EXPECT_GE(taken, std::chrono::seconds(9));
  EXPECT_LE(taken, std::chrono::seconds(12));
  EXPECT_TRUE(closed(silent));
  rounds(1);
  EXPECT_EQ(happened_, Story{});  // and nothing else happens: no record, no line, no end
  EXPECT_TRUE(log_.lines.empty());
}

TEST_F(TriggerListenerTest, TooManySilentClientsCostTheOldest) {
  start();
  const int oldest = connect();
  rounds(1);
  for (std::size_t i = 1; i < TriggerListener::kMaxSilent; ++i) {
    connect();
    rounds(1);
  }
  EXPECT_FALSE(closed(oldest));
  const int newest = connect();
  rounds(1);
  EXPECT_TRUE(closed(oldest));
  EXPECT_EQ(listener_->silent_clients(), TriggerListener::kMaxSilent);
  say(newest, "W");
  rounds(1);
  EXPECT_EQ(happened_, (Story{"taken", "W", "available"}));
}

//= R-TRG-12 test
TEST_F(TriggerListenerTest, OneReadOf1024Bytes) {
  start();
  const int client = connect();
  say(client, std::string(1023, 'Z') + "I" + std::string(4000, 'D'));
  rounds(3);
  EXPECT_EQ(happened_, (Story{"taken", std::string(1023, 'Z') + "I", "available"}));
}

TEST_F(TriggerListenerTest, ConnectionWithoutAByteIsAnEmptyBuffer) {
  start();
  const int client = connect();
  shutdown(client, SHUT_WR);
  rounds(1);
  EXPECT_EQ(happened_, (Story{"taken", "", "available"}));
}

TEST_F(TriggerListenerTest, InTheOrderOfArrival) {
  start();
  const int first = connect();
  const int second = connect();
  const int third = connect();
  say(third, "3");
  say(second, "2");
  say(first, "1");
  rounds(4);
  EXPECT_EQ(happened_, (Story{"taken", "1", "available", "taken", "2", "available", "taken", "3", "available"}));
}

TEST_F(TriggerListenerTest, OneConnectionARound) {
  start();
  say(connect(), "1");
  say(connect(), "2");
  rounds(1);
  EXPECT_EQ(happened_, (Story{"taken", "1", "available"}));
}

TEST_F(TriggerListenerTest, NamedPipe) {
  start(TriggerListener::Kind::pipe);
  const int client = open(path_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  clients_.push_back(client);
  say(client, "FADI");
  rounds(2);
  EXPECT_EQ(happened_, (Story{"taken", "FADI", "available"}));
}

// A connection that carries the descriptor of a client.
TEST_F(TriggerListenerTest, PassedOnClient) {
  start(TriggerListener::Kind::passed_on);
  std::array<int, 2> pair{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
  clients_.push_back(pair[0]);
  const int carrier = connect();
  rounds(1);
  char zero = 0;
  iovec data{&zero, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &pair[1], sizeof(int));
  ASSERT_EQ(sendmsg(carrier, &message, 0), 1);
  close(pair[1]);
  rounds(2);
  EXPECT_TRUE(closed(carrier));
  say(pair[0], "W");
  rounds(1);
  EXPECT_EQ(happened_, (Story{"taken", "W", "available"}));
  EXPECT_TRUE(closed(pair[0]));
}

// A carrier that brings more than one descriptor: the surplus is not kept.
TEST_F(TriggerListenerTest, SurplusDescriptorIsNotKept) {
  start(TriggerListener::Kind::passed_on);
  std::array<int, 2> first{}, second{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, first.data()), 0);
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, second.data()), 0);
  clients_.push_back(first[0]);
  clients_.push_back(second[0]);
  const int carrier = connect();
  char zero = 0;
  iovec data{&zero, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(2 * sizeof(int));
  const std::array<int, 2> both{first[1], second[1]};
  std::memcpy(CMSG_DATA(header), both.data(), sizeof both);
  ASSERT_EQ(sendmsg(carrier, &message, 0), 1);
  close(first[1]);
  close(second[1]);
  rounds(2);
  EXPECT_TRUE(closed(second[0]));
  say(first[0], "W");
  rounds(1);
  EXPECT_EQ(happened_, (Story{"taken", "W", "available"}));
}

TEST_F(TriggerListenerTest, CarrierWithoutDescriptorIsDropped) {
  start(TriggerListener::Kind::passed_on);
  const int carrier = connect();
  say(carrier, "x");
  rounds(2);
  EXPECT_EQ(happened_, Story{});
  EXPECT_EQ(listener_->silent_clients(), 0U);
}

TEST_F(TriggerListenerTest, NothingToAcceptIsNoError) {
  start();
  const int client = connect();
  const int stolen = accept(fd_, nullptr, nullptr);  // another process was faster
  say(client, "W");
  rounds(1);
  EXPECT_TRUE(log_.lines.empty());
  close(stolen);
}

// A descriptor that is no listening socket: each attempt is an error line, which the log counts.
TEST_F(TriggerListenerTest, RealAcceptErrorsAreErrors) {
  std::array<int, 2> pair{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
  listen_on(pair[0], TriggerListener::Kind::socket);
  say(pair[1], "x");
  rounds(2);
  EXPECT_EQ(log_.lines, (Story{"accept connection: Invalid argument", "accept connection: Invalid argument"}));
  listener_.reset();
  close(pair[0]);
  close(pair[1]);
}

TEST_F(TriggerListenerTest, MasterThatIsGoneIsNoticedAfterwards) {
  start();
  close(status_[1]);
  say(connect(), "W");
  loop_.run_round(true);
  EXPECT_EQ(happened_, (Story{"W", "gone"}));
  status_[1] = status_[0];
  status_[0] = dup(status_[1]);
}

}  // namespace
}  // namespace weir::postfix
