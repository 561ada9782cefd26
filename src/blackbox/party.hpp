// Party: something that inputs can be done to and that can be watched: a process, or a brain in made-up surroundings.
#pragma once

#include <vector>

#include "blackbox/input.hpp"
#include "blackbox/observation.hpp"

namespace weir::blackbox {

class Party {
 public:
  Party() = default;
  Party(const Party&) = delete;
  Party& operator=(const Party&) = delete;
  virtual ~Party() = default;

  // Setup first, once. What follows from the input, canonical(), when there is nothing left to do. After Exited or
  // Misbehaved there is nothing more to be seen, and further inputs give nothing.
  [[nodiscard]] virtual std::vector<Observation> apply(const Input& input) = 0;
};

}  // namespace weir::blackbox
