// The brains that can be measured, by name.
#pragma once

#include <string>
#include <vector>

#include "bench/world.hpp"

namespace weir::bench {

extern const char* const kDefaultBrain;

[[nodiscard]] std::vector<std::string> brain_names();
[[nodiscard]] BrainFactory brain_named(const std::string& name);

}  // namespace weir::bench
