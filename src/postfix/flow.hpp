// Flow: the pipe of tokens that slows down the front ends when they outrun us (spec/master.md).
//
// Promises: one look a turn; trouble with the pipe ends the step in silence, since nothing depends on it but pace.
// Tested in tests/postfix/world/flow_test.cpp.
#pragma once

#include "contract/command.hpp"
#include "postfix/voice.hpp"

namespace weir::postfix {

// Where master puts the two ends.
inline constexpr int kFlowReadFd = 3;
inline constexpr int kFlowWriteFd = 4;

class Flow {
 public:
  // `tokens`: how many the pipe should hold (default_process_limit).
  Flow(Voice& voice, int read_fd, int write_fd, int tokens)
      : voice_(voice), read_fd_(read_fd), write_fd_(write_fd), tokens_(tokens) {}

  void balance(BalanceFlow::Grant grant);

 private:
  void add(int count);
  void take(int count);

  Voice& voice_;
  int read_fd_, write_fd_;
  int tokens_;
};

}  // namespace weir::postfix
