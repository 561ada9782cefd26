#include "props/run.hpp"

#include <algorithm>
#include <utility>

#include "engine/engine.hpp"
#include "model/model.hpp"
#include "props/faults.hpp"
#include "sim/judge.hpp"

namespace weir::props {
namespace {

constexpr int kShrinkRounds = 12;

std::string judge(const InspectableBrain& brain, const Config& config, bool of_itself) {
  if (of_itself) {
    for (const std::string& broken : brain.broken_invariants()) return broken;
  }
  return sim::broken_law(brain.snapshot(), config, true);
}

bool try_without(Script& script, std::size_t at, std::size_t count, const std::function<bool(const Script&)>& fails) {
  Script shorter = script;
  const auto begin = shorter.steps.begin() + static_cast<std::ptrdiff_t>(at);
  shorter.steps.erase(begin, begin + static_cast<std::ptrdiff_t>(std::min(count, shorter.steps.size() - at)));
  if (!fails(shorter)) return false;
  script = std::move(shorter);
  return true;
}

bool remove_steps(Script& script, const std::function<bool(const Script&)>& fails) {
  bool any = false;
  for (std::size_t size = std::max<std::size_t>(1, script.steps.size() / 2);; size /= 2) {
    for (std::size_t at = 0; at < script.steps.size();) {
      if (try_without(script, at, size, fails)) {
        any = true;
      } else {
        at += size;
      }
    }
    if (size == 1) return any;
  }
}

bool reduce_numbers(Script& script, const std::function<bool(const Script&)>& fails) {
  bool any = false;
  for (std::size_t i = 0; i < script.steps.size(); ++i) {
    for (std::uint32_t Step::*number : {&Step::a, &Step::b}) {
      for (const std::uint32_t smaller : {0U, 1U, 2U, script.steps[i].*number % 64}) {
        if (script.steps[i].*number <= smaller) continue;
        Script simpler = script;
        simpler.steps[i].*number = smaller;
        if (!fails(simpler)) continue;
        script = std::move(simpler);
        any = true;
        break;
      }
    }
  }
  return any;
}

}  // namespace

Factory brain_named(std::string_view name) {
  if (name == "model") return model::make_model;
  if (name == "engine") return engine::make_engine;
  for (const Fault& fault : kFaults) {
    if (fault.name == name) return fault.make;
  }
  return {};
}

std::vector<std::string_view> brain_names() {
  std::vector<std::string_view> names = {"model", "engine"};
  for (const Fault& fault : kFaults) names.push_back(fault.name);
  return names;
}

Outcome run_lockstep(const Script& script, const Pair& pair) {
  Outcome outcome;
  sim::Comparison comparison;
  comparison.at_end = pair.at_end;
  sim::LockStep* both = nullptr;
  const Config config = sim::setup_config(script.setup);
  {
    World world(config, [&](const Config& c) {
      auto made = std::make_unique<sim::LockStep>(pair.left(c), pair.right(c), comparison);
      both = made.get();
      return made;
    });
    int steps = 0;
    for (const Step& step : script.steps) {
      world.step(step);
      if (!comparison.agrees() || !world.is_lawful()) break;
      if (++steps % pair.snapshot_every == 0) both->compare_snapshots();
    }
    if (world.is_lawful()) both->compare_snapshots();
    outcome.counts = world.counts();
    outcome.events = comparison.events;
    outcome.broken = comparison.difference;
    if (outcome.broken.empty() && !world.is_lawful()) outcome.broken = "law broken: " + world.violations().front();
  }
  return outcome;
}

std::string run_alone(const Script& script, const Factory& make, bool drain, bool of_itself) {
  const Config config = sim::setup_config(script.setup);
  const InspectableBrain* brain = nullptr;
  World world(config, [&](const Config& c) {
    auto made = make(c);
    brain = made.get();
    return made;
  });
  bool gathering = false;
  for (const Step& step : script.steps) {
    world.step(step);
    if (!world.is_lawful()) return world.violations().front();
    gathering = !world.is_at_rest();
    std::string broken = gathering ? "" : judge(*brain, config, of_itself);
    if (!broken.empty()) return broken;
  }
  if (!drain) return "";
  const bool drained = world.drains(world.rounds_to_drain());
  if (!world.is_lawful()) return world.violations().front();
  return drained ? judge(*brain, config, of_itself) : "starved: mail is left though everybody is served";
}

Script shrink(Script script, const std::function<bool(const Script&)>& fails) {
  for (int round = 0; round < kShrinkRounds; ++round) {
    const bool shorter = remove_steps(script, fails);
    const bool smaller = reduce_numbers(script, fails);
    if (!shorter && !smaller) break;
  }
  return script;
}

}  // namespace weir::props
