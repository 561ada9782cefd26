// Stream: one connected local socket that never blocks, with a time limit on a wait.
//
// Promises: a read takes what is there with one call and no poll before it; a write that the kernel does not
// take whole is continued from the loop; closing is destruction. Callbacks may destroy the stream.
// Tested in tests/postfix/world/stream_test.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "postfix/loop.hpp"

namespace weir::postfix {

// A connected socket, or the error number of the attempt. A local socket connects at once or fails at once; a
// full backlog is EAGAIN, a path that does not fit an address is ENAMETOOLONG.
struct Connection {
  int fd = -1;
  int error = 0;
};
[[nodiscard]] Connection connect_local(const std::string& path);

class Stream {
 public:
  enum class Read : std::uint8_t { some, nothing_yet, end };
  enum class Send : std::uint8_t { done, pending, failed };
  using Sent = std::function<void(int error)>;

  explicit Stream(Loop& loop, int fd, Loop::Peer peer = Loop::Peer::any) : loop_(loop), fd_(fd), peer_(peer) {}
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Appends what has arrived. A connection that broke is at its end.
  [[nodiscard]] Read read(std::string& into);

  // Writes `bytes`. `pending`: the rest follows from the loop, and `sent` is called at the end, with 0 or an
  // error number. `failed`: last_error() says why, `sent` is not called. While a write is pending the readable
  // callback rests.
  [[nodiscard]] Send send(std::string_view bytes, Sent sent);
  [[nodiscard]] int last_error() const { return error_; }
  [[nodiscard]] bool sending() const { return !unsent_.empty(); }

  // Calls `callback` whenever there is something to read, or the end.
  void on_readable(Loop::Callback callback);

  // Calls `callback` when `limit` has passed without another call of this function.
  void set_limit(Seconds limit, Loop::Callback callback);
  void clear_limit();

 private:
  // Writes what it can of unsent_ from `sent_bytes_` on; false: error_ says why not.
  bool push();
  void continue_sending();
  void drop_unsent();
  void resume_reading();

  Loop& loop_;
  int fd_;
  Loop::Peer peer_;
  int error_ = 0;
  TimerId limit_ = 0;
  std::string unsent_;
  std::size_t sent_bytes_ = 0;
  Sent sent_;
  Loop::Callback readable_;
};

}  // namespace weir::postfix
