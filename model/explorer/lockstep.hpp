// A second brain beside the model, over every edge of an explored world.
//
// The second brain cannot be copied, so runs start anew: along the tree to the nearest situation with an edge that has
// not been followed, and on from there along such edges as long as there are any near by. Both brains get the same
// events; commands, deadlines and wishes for a turn are compared after each event, snapshots and the second brain's
// invariants after each action (or now and then). Nothing of canon.hpp is in between: the model here lives through its
// whole history, so the walk also shows that situations which were taken for one are one. Where the run is not where
// the graph says, that is counted as a departure; in an exact world (World::exact()) there must be none.
// Tested in tests/model/explorer_test.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "contract/brain.hpp"
#include "model/explorer/explorer.hpp"

namespace weir::explorer {

using BrainFactory = std::function<std::unique_ptr<InspectableBrain>(const Config&)>;

struct WalkOptions {
  std::uint64_t actions_max = ~std::uint64_t{0};
  unsigned snapshot_every = 1;  // actions
  std::function<void(std::uint64_t edges, std::uint64_t actions)> progress;
};

struct Comparison {
  std::uint64_t edges = 0;  // followed, of those of the graph
  std::uint64_t runs = 0, actions = 0, events = 0, commands = 0, snapshots = 0;
  std::uint64_t departures = 0;
  std::optional<Finding> divergence;
};

// The exploration must be complete or at least free of findings.
[[nodiscard]] Comparison walk_beside(Exploration& exploration, const BrainFactory& make, const WalkOptions& options);

// The first difference on one script, or nothing.
[[nodiscard]] std::string compare_on(const World& world, const Script& script, const BrainFactory& make);

}  // namespace weir::explorer
