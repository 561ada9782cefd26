// One script, run: on two brains in lock-step, or on one brain before the judge. And making a failing one short.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "contract/brain.hpp"
#include "contract/config.hpp"
#include "sim/lockstep.hpp"
#include "sim/script.hpp"
#include "sim/world.hpp"

namespace weir::props {

using sim::Script;
using sim::Step;
using sim::StepKind;
using sim::World;

using Factory = std::function<std::unique_ptr<InspectableBrain>(const Config&)>;

// "model", "engine", or a seeded fault by its name (props/faults.hpp); nothing for any other name.
[[nodiscard]] Factory brain_named(std::string_view name);
[[nodiscard]] std::vector<std::string_view> brain_names();

struct Pair {
  Factory left, right;
  int snapshot_every = 1;  // so many steps; always at the end
  std::function<void(const InspectableBrain& right)> at_end{};
};

struct Outcome {
  std::string broken;  // empty = they agree, and no law is broken
  std::uint64_t events = 0;
  sim::Counts counts;
};

[[nodiscard]] Outcome run_lockstep(const Script& script, const Pair& pair);

// One brain; the judge looks at its commands, and at what it holds. The first broken law, or nothing.
// `drain`: in the end everything works, and all mail must leave in time. `of_itself`: the brain's own invariants count.
[[nodiscard]] std::string run_alone(const Script& script, const Factory& make, bool drain, bool of_itself = true);

// The shortest script found for which `fails` still holds: steps taken away, numbers made small.
[[nodiscard]] Script shrink(Script script, const std::function<bool(const Script&)>& fails);

}  // namespace weir::props
