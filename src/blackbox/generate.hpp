// Scenarios from numbers: a setup drawn from a word, and the inputs that a step of a script means in the state that
// the queue manager is seen to be in. Every step means something in every state, so scripts can be cut anywhere.
//
// The same script drives any party: with a brain's twin and a process side by side it stays one scenario as long as
// both are seen to do the same.
#pragma once

#include <cstdint>
#include <vector>

#include "blackbox/input.hpp"
#include "blackbox/ledger.hpp"
#include "sim/script.hpp"

namespace weir::blackbox {

inline constexpr int kTransports = 3;    // t1 ... t3
inline constexpr int kDestinations = 4;  // d1 ... d4 of each

// Limits so small that they are met; every parameter that can be seen from outside in play.
[[nodiscard]] Setup draw_setup(std::uint32_t setup);

// What a step means now. Some steps mean nothing to a real process (sim::StepKind: held answers, strays, restarts).
[[nodiscard]] std::vector<Input> inputs_of(const sim::Step& step, const Ledger& ledger);

// What brings all mail to an end: one round of greeting, delivering and waiting. Empty: nothing is left.
[[nodiscard]] std::vector<Input> round_of_service(const Ledger& ledger);

}  // namespace weir::blackbox
