// How much memory a piece of work takes, by the sanitizer's account of what is allocated. Without a sanitizer nothing is
// counted, and the peak is 0.
#pragma once

#include <cstddef>

namespace weir::fuzz {

// From its making on.
class MemoryMeter {
 public:
  MemoryMeter();
  [[nodiscard]] std::size_t peak() const;  // bytes above what was held at the beginning

 private:
  std::size_t before_;
};

}  // namespace weir::fuzz
