// lockstep: the product's sentence, with scripts that coverage leads to.
//
//   s = script_from_bytes(x), at most kStepsMax steps:
//     commands(engine, s) = commands(model, s), event by event; snapshots equal; invariants of both hold
//     no law of the world is broken: nothing lost, nothing twice
//     then everything works and everybody is served  =>  all mail leaves within rounds_to_drain()
#include <cstdio>
#include <memory>
#include <string>

#include "contract/check.hpp"
#include "engine/engine.hpp"
#include "fuzz/target.hpp"
#include "model/model.hpp"
#include "sim/judge.hpp"
#include "sim/lockstep.hpp"
#include "sim/script.hpp"
#include "sim/world.hpp"

namespace weir::fuzz {
namespace {

constexpr std::size_t kStepsMax = 40;
constexpr int kStepsBetweenSnapshots = 8;

void require(bool holds, const std::string& what) {
  if (!holds) std::fprintf(stderr, "%s\n", what.c_str());
  WEIR_CHECK(holds);
}

void run_script(const sim::Script& script, bool drain) {
  const Config config = sim::setup_config(script.setup);
  sim::Comparison comparison;
  sim::LockStep* both = nullptr;
  sim::World world(config, [&](const Config& c) {
    auto made = std::make_unique<sim::LockStep>(model::make_model(c), engine::make_engine(c), comparison);
    both = made.get();
    return made;
  });
  int steps = 0;
  for (const sim::Step& step : script.steps) {
    world.step(step);
    require(comparison.agrees(), comparison.difference);
    if (!world.is_lawful()) require(false, world.violations().front());
    if (++steps % kStepsBetweenSnapshots != 0) continue;
    both->compare_snapshots();
    require(comparison.agrees(), comparison.difference);
    if (!world.is_at_rest()) continue;
    const std::string law = sim::broken_law(both->right().snapshot(), config, true);
    require(law.empty(), law);
  }
  both->compare_snapshots();
  require(comparison.agrees(), comparison.difference);
  if (!drain) return;
  const bool drained = world.drains(world.rounds_to_drain());
  require(comparison.agrees(), comparison.difference);
  if (!world.is_lawful()) require(false, world.violations().front());
  require(drained, "starved: mail is left though everybody is served");
}

}  // namespace

void run(std::string_view input) {
  sim::Script script = sim::script_from_bytes(input);
  if (script.steps.size() > kStepsMax) script.steps.resize(kStepsMax);
  // Draining takes longer than living: not every script is drained.
  const bool drain = script.steps.size() % 8 == 0;
  run_script(script, drain);
}

}  // namespace weir::fuzz
