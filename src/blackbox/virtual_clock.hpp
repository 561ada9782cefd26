// The watcher's side of clock_page.h: moves the clock of one subject and learns when the subject is at rest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "blackbox/clock_page.h"
#include "blackbox/descriptor.hpp"
#include "contract/result.hpp"

namespace weir::blackbox {

class VirtualClock {
 public:
  // `root`: the only folder with sockets for the subject; less than 128 bytes.
  static Result<VirtualClock> make(const std::string& root, std::int64_t unix_seconds);
  VirtualClock(VirtualClock&&) noexcept;
  VirtualClock& operator=(VirtualClock&&) = delete;
  VirtualClock(const VirtualClock&) = delete;
  VirtualClock& operator=(const VirtualClock&) = delete;
  ~VirtualClock();

  // What the subject inherits.
  [[nodiscard]] int page_fd() const { return memory_.get(); }
  [[nodiscard]] int subject_socket() const { return theirs_.get(); }
  void started();  // it has: our copies are closed

  [[nodiscard]] std::int64_t seconds() const;
  void set_seconds(std::int64_t unix_seconds);
  // Until then nothing happens by itself, if the subject is at rest; nothing: for ever.
  [[nodiscard]] std::optional<std::int64_t> next_second() const;

  [[nodiscard]] bool attached() const;  // the subject has loaded the library

  // After anything was done to the subject: asks it to come to rest once more.
  void challenge();
  [[nodiscard]] bool at_rest() const;                       // since the last challenge
  [[nodiscard]] int socket() const { return ours_.get(); }  // readable when at_rest() may have changed
  void read_socket();

  // The subject waits for answers; and has been given them.
  [[nodiscard]] bool handed_over() const;
  void give_back();
  void hold();  // at rest it stays, until the next challenge

  void hurry();  // sleeping is over
  // What the subject tried that it cannot, or must not do.
  [[nodiscard]] std::optional<std::string> refused() const;

 private:
  VirtualClock() = default;
  void wake();

  Descriptor memory_, ours_, theirs_;
  weir_clock_page* page_ = nullptr;
};

}  // namespace weir::blackbox
