// Streams: connecting, reading what is there, writing more than fits, time limits.
#include "postfix/stream.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <optional>
#include <string>

#include "postfix/world/support.hpp"

namespace weir::postfix {
namespace {

using testing::Listener;
using testing::Peer;
using testing::run_until;
using testing::ScratchQueue;

TEST(ConnectLocal, TellsWhyNot) {
  ScratchQueue queue;
  EXPECT_EQ(connect_local("private/nobody").error, ENOENT);
  testing::write_file("private/file", "");
  EXPECT_EQ(connect_local("private/file").error, ECONNREFUSED);
  EXPECT_EQ(connect_local("private/" + std::string(100, 'x')).error, ENAMETOOLONG);
  {
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{AF_UNIX, "private/dead"};
    ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    close(fd);
  }
  EXPECT_EQ(connect_local("private/dead").error, ECONNREFUSED);
}

TEST(ConnectLocal, FullBacklogIsAFailureNotAWait) {
  ScratchQueue queue;
  Listener listener("private/full", 0);
  std::vector<int> open;
  int error = 0;
  while (error == 0 && open.size() < 10) {
    const Connection connection = connect_local("private/full");
    error = connection.error;
    if (error == 0) open.push_back(connection.fd);
  }
  EXPECT_EQ(error, EAGAIN);
  for (const int fd : open) close(fd);
}

class StreamTest : public ::testing::Test {
 protected:
  StreamTest() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    EXPECT_EQ(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    stream_.emplace(loop_, ends[0]);
    peer_.emplace(ends[1]);
  }
  Loop loop_;
  std::optional<Stream> stream_;
  std::optional<Peer> peer_;
};

TEST_F(StreamTest, ReadsWhatIsThereThenNothingThenTheEnd) {
  std::string bytes;
  EXPECT_EQ(stream_->read(bytes), Stream::Read::nothing_yet);
  peer_->say("hello");
  peer_->say(" world");
  EXPECT_EQ(stream_->read(bytes), Stream::Read::some);
  EXPECT_EQ(bytes, "hello world");
  peer_->hang_up();
  EXPECT_EQ(stream_->read(bytes), Stream::Read::end);
  EXPECT_EQ(stream_->last_error(), 0);
}

TEST_F(StreamTest, SmallWriteIsDoneAtOnce) {
  EXPECT_EQ(stream_->send("request", nullptr), Stream::Send::done);
  EXPECT_EQ(peer_->hear(), "request");
}

TEST_F(StreamTest, LargeWriteGoesOnFromTheLoopAndReadingRests) {
  const std::string large(3'000'000, 'x');
  int error = -1, reads = 0;
  stream_->on_readable([&] { ++reads; });
  ASSERT_EQ(stream_->send(large, [&](int e) { error = e; }), Stream::Send::pending);
  peer_->say("early");
  testing::run_dry(loop_);
  EXPECT_EQ(reads, 0);
  std::string heard;
  EXPECT_TRUE(run_until(loop_, [&] {
    heard += peer_->hear();
    return error >= 0;
  }));
  heard += peer_->hear();
  EXPECT_EQ(error, 0);
  EXPECT_EQ(heard, large);
  testing::run_dry(loop_);
  EXPECT_GT(reads, 0);
}

TEST_F(StreamTest, WriteToAClosedPeerFailsAtOnceWithoutASignal) {
  peer_->hang_up();
  EXPECT_EQ(stream_->send("request", nullptr), Stream::Send::failed);
  EXPECT_EQ(stream_->last_error(), EPIPE);
}

TEST_F(StreamTest, PeerThatClosesInTheMiddleOfAWriteIsReported) {
  int error = -1;
  ASSERT_EQ(stream_->send(std::string(3'000'000, 'x'), [&](int e) { error = e; }), Stream::Send::pending);
  peer_->hang_up();
  EXPECT_TRUE(run_until(loop_, [&] { return error >= 0; }));
  EXPECT_TRUE(error == EPIPE || error == ECONNRESET) << error;
}

TEST_F(StreamTest, LimitRunsOnceAndTheLastOneCounts) {
  int first = 0, second = 0;
  stream_->set_limit(Seconds{0}, [&] { ++first; });
  stream_->set_limit(Seconds{0}, [&] { ++second; });
  testing::run_dry(loop_);
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 1);
  stream_->set_limit(Seconds{0}, [&] { ++second; });
  stream_->clear_limit();
  testing::run_dry(loop_);
  EXPECT_EQ(second, 1);
}

TEST_F(StreamTest, CallbackMayDestroyTheStream) {
  bool called = false;
  stream_->on_readable([&] {
    called = true;
    stream_.reset();
  });
  peer_->say("x");
  testing::run_dry(loop_);
  EXPECT_TRUE(called);
}

}  // namespace
}  // namespace weir::postfix
