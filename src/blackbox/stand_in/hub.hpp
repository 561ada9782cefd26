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

  // When it can be read, or has ended. `counts`: what is heard there may have changed something.
  void watch(int fd, Callback callback, bool counts = true);
  void watch_output(int fd, bool wanted);  // also when it can be written
  void forget(int fd);                     // before it is closed; also from inside a callback

  // Serves what is ready, after waiting for so long at most.
  struct Served {
    int all = 0, counted = 0;
  };
  Served run(std::chrono::milliseconds wait);

 private:
  struct Watch {
    Callback callback;
    bool counts = true;
  };

  Descriptor epoll_;
  std::unordered_map<int, std::shared_ptr<Watch>> watches_;
};

}  // namespace weir::blackbox::stand_in
