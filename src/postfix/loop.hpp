// The event loop: epoll_wait and one ordered set of timers. The only place that waits.
//
// One round: wait; due timers (by due time, equal ones in order of setting; one that is set during the round
// waits for the next round); then ready descriptors, at most 100, in the order the kernel reports them.
// Timers have whole-second resolution: one set at second s for d seconds is due when the clock shows s + d;
// the wait is the difference in whole seconds (spec/master.md). A clock that is set back makes no delay longer:
// timers of after() move with it; those of at() belong to the clock (spec/divergences.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "contract/time.hpp"

namespace weir::postfix {

using TimerId = std::uint64_t;  // 0 = none

class Loop {
 public:
  enum class Interest : std::uint8_t { read, write };
  // Of which kind of peer a descriptor is: `service` ones are also served by serve_services().
  enum class Peer : std::uint8_t { any, service };
  using Callback = std::function<void()>;

  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Calls `callback` whenever `fd` is readable (writable), or at its end, or in error. Setting a watched
  // descriptor again replaces interest and callback. The caller owns the descriptor and must forget() it
  // before it closes it.
  void watch(int fd, Interest interest, Callback callback, Peer peer = Peer::any);
  void forget(int fd);

  // Calls `callback` once, when `delay` whole seconds have passed (0: in the next round).
  TimerId after(Seconds delay, Callback callback);
  // The same for a second of the wall clock; one that has passed: in the next round.
  TimerId at(Seconds second, Callback callback);
  void cancel(TimerId timer);  // an id that is gone, or 0, is harmless

  // Waits for one of the services, at most so long, and serves those that are ready; nothing else runs. False: none
  // was, or none is watched. From within a callback, too.
  [[nodiscard]] bool serve_services(std::chrono::milliseconds limit);

  // The clock as read at the start of this round, after its wait, and after each serve_services(). `now()` does not
  // read it anew.
  [[nodiscard]] Time now() const { return now_; }

  // What to do when the kernel refuses its service; must not return.
  void on_failure(std::function<void(std::string_view)> handler);

  // One round. `poll`: look, but do not wait.
  void run_round(bool poll);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  Time now_;
};

}  // namespace weir::postfix
