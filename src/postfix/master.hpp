// Master: what ties this process to master(8): the descriptors it hands down, the status records that go back, and
// the end of file that tells a daemon to go (spec/master.md).
//
// Promises: each record is one write of 12 bytes; nothing is sent at start, since a fresh process counts as
// available. Tested in tests/app/life/master_test.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "postfix/loop.hpp"

namespace weir::postfix {

// Where master puts things. The flow-control pipe is in postfix/flow.hpp.
inline constexpr int kStatusFd = 5;
inline constexpr int kFirstListenFd = 6;

// The generation of this process, from octal text. No text is generation 0; one that has anything but digits in it
// is nothing. Reading ends at an 8 or 9; what is too large is the largest number.
[[nodiscard]] std::optional<std::uint32_t> parse_generation(const char* text);

class Master {
 public:
  // `gone`: what to do when master has closed its end, or cannot be reported to; need not return.
  Master(int status_fd, std::uint32_t generation, std::function<void()> gone);

  // Busy with a request. That master cannot be told is found out at the next available().
  void taken();
  // Ready for the next one. A daemon that never says so counts as one that failed to start, when it dies.
  void available();

  // Watches for the end of file. Whatever comes on this descriptor means the end.
  void watch(Loop& loop);

 private:
  [[nodiscard]] bool report(bool available) const;

  int fd_;
  std::uint32_t generation_;
  std::int32_t pid_;
  std::function<void()> gone_;
};

}  // namespace weir::postfix
