// Hub: which descriptors have something, and who deals with it. No thread, nothing blocks.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <unordered_map>

#include "blackbox/descriptor.hpp"

namespace weir::blackbox::stand_in {

class Hub {
 public:
  using Callback = std::function<void()>;

  Hub();

  void watch(int fd, Callback callback);   // when it can be read, or has ended
  void watch_output(int fd, bool wanted);  // also when it can be written
  void forget(int fd);                     // before it is closed; also from inside a callback

  // Serves what is ready, after waiting for so long at most. How many descriptors that was.
  int run(std::chrono::milliseconds wait);

  // Something was done that may keep the subject from resting: it has been told something, or has room again for what
  // it wants to tell.
  void acted() { acted_ = true; }
  [[nodiscard]] bool has_acted() const { return acted_; }
  void forget_acts() { acted_ = false; }

 private:
  Descriptor epoll_;
  std::unordered_map<int, std::shared_ptr<Callback>> callbacks_;
  bool acted_ = false;
};

}  // namespace weir::blackbox::stand_in
