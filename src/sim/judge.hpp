// What must hold of any brain's snapshot, recounted by an outsider from the configuration alone. Laws that can be
// judged from commands are in sim/world.cpp.
#pragma once

#include <string>

#include "contract/config.hpp"
#include "contract/snapshot.hpp"

namespace weir::sim {

// `at_rest`: nothing more comes of itself (World::settle() has returned). The first broken law, or nothing.
[[nodiscard]] std::string broken_law(const Snapshot& snapshot, const Config& config, bool at_rest);

}  // namespace weir::sim
