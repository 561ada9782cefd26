#include "postfix/flow.hpp"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace weir::postfix {

namespace {

constexpr std::size_t kChunk = 1024;

}  // namespace

void Flow::balance(BalanceFlow::Grant grant) {
  int waiting = 0;
  if (ioctl(read_fd_, FIONREAD, &waiting) != 0) {
    voice_.say(codec::line::flow_count_failed(reason_of(errno)));
    return;
  }
  if (waiting > tokens_) {
    take(waiting - tokens_);
  } else if (waiting < tokens_) {
    switch (grant) {
      case BalanceFlow::Grant::hold: break;
      case BalanceFlow::Grant::one: add(1); break;
      case BalanceFlow::Grant::fill: add(tokens_ - waiting); break;
    }
  }
}

void Flow::add(int count) {
  static constexpr std::array<char, kChunk> kTokens{};
  for (auto left = static_cast<std::size_t>(count); left > 0;) {
    const ssize_t put = write(write_fd_, kTokens.data(), std::min(left, kChunk));
    if (put <= 0) return;
    left -= static_cast<std::size_t>(put);
  }
}

void Flow::take(int count) {
  // Reading from a pipe without a writer would look like its end: that the other end is ours is checked first.
  struct stat status {};
  if (fstat(write_fd_, &status) != 0) voice_.die(codec::line::flow_descriptor_bad(reason_of(errno)));
  std::array<char, kChunk> tokens;
  for (auto left = static_cast<std::size_t>(count); left > 0;) {
    const ssize_t got = read(read_fd_, tokens.data(), std::min(left, kChunk));
    if (got <= 0) return;
    left -= static_cast<std::size_t>(got);
  }
}

}  // namespace weir::postfix
