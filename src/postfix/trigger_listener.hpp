// TriggerListener: the socket (or named pipe) on which anybody may wake the queue manager with a few bytes.
//
// Promises: nothing here waits for a client. A client that has sent nothing for ten seconds is dropped, and so is
// the oldest silent one when there are too many; neither ends the daemon (spec/divergences.md). Of each client one
// read of at most 1024 bytes counts. Around every buffer that is handled master hears "taken" and "available"; then
// the client sees its connection closed, without a byte sent back. Buffers are handled in the order in which they
// became readable; one new connection is accepted a round of the loop. Tested in
// tests/app/life/trigger_listener_test.cpp.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <string>

#include "postfix/log_sink.hpp"
#include "postfix/loop.hpp"
#include "postfix/master.hpp"

namespace weir::postfix {

class TriggerListener {
 public:
  enum class Kind {
    socket,     // type unix: clients connect
    pipe,       // type fifo: the bytes are in the descriptor itself
    passed_on,  // type pass: each connection hands over the descriptor of a client
  };
  using Handler = std::function<void(std::string bytes)>;

  static constexpr Seconds kPatience{10};
  static constexpr std::size_t kMaxSilent = 100;

  // Listens on `count` inherited descriptors from `first` on. All references outlive the listener.
  TriggerListener(Loop& loop, LogSink& log, Master& master, Kind kind, int first, int count, Handler handler);
  ~TriggerListener();
  TriggerListener(const TriggerListener&) = delete;
  TriggerListener& operator=(const TriggerListener&) = delete;

  [[nodiscard]] std::size_t silent_clients() const { return silent_.size(); }

 private:
  struct Client {
    int fd = -1;
    bool sends_descriptor = false;  // the first thing that comes is a descriptor, not bytes
    TimerId timer = 0;              // 0: not waited for
  };

  void accept_one(int listener);
  void look(Client client);
  void read_pipe(int fd);
  void wait_for(Client client);
  void heard(int fd);
  void drop(int fd);
  Client take_out(int fd);
  void serve(std::string bytes);

  Loop& loop_;
  LogSink& log_;
  Master& master_;
  Kind kind_;
  int first_, count_;
  Handler handler_;
  std::deque<Client> silent_;  // oldest first
};

}  // namespace weir::postfix
