// Driver: the seam between a brain and the real world. Commands become calls, completions become events.
//
// Promises: commands are carried out in the order given; the immediate answer of one goes back to the brain
// before anything else happens, and what it leads to is done before the rest. The answers of the resolver and to
// records about recipients count as immediate when they come within a second, unless an earlier one is still
// missing; everything waits for them so long. All other peers are asked without waiting, and answer through the loop.
// Working directory: the queue directory. Tested in tests/postfix/world/driver_test.cpp.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "codec/parameters.hpp"
#include "codec/version.hpp"
#include "contract/brain.hpp"
#include "postfix/log_sink.hpp"
#include "postfix/loop.hpp"

namespace weir::postfix {

class Driver {
 public:
  // How long everything waits for an answer that Postfix would wait for.
  static constexpr std::chrono::milliseconds kServicePatience{1000};

  // The first four must outlive the driver. `dialect`: of the Postfix whose programs answer.
  Driver(Loop& loop, LogSink& log, const codec::ProcessSettings& settings, Brain& brain,
         const codec::Dialect& dialect = {}, std::chrono::milliseconds service_patience = kServicePatience);
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  // Sends Started. Once, before anything else.
  void start();

  // One buffer from the trigger socket.
  void trigger(std::string bytes);

  // Sends Turn: after start(), then after each round of the loop.
  void turn();

  // True: the next round of the loop must not wait.
  [[nodiscard]] bool wants_turn() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::postfix
