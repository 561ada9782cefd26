// Departures of Postfix's own queue managers that are known: each with an observation that shows it
// (spec/divergences.md, spec/findings.md). A trial that ends with one is counted as excused.
#pragma once

#include <vector>

#include "blackbox/trial.hpp"

namespace weir::blackbox {

[[nodiscard]] std::vector<Excuse> known_excuses();

}  // namespace weir::blackbox
