// brain_bench: what an event costs a brain, by the number of messages it holds, and what a message and a recipient
// held cost in memory. README.md says what the figures mean.
//
//   brain_bench --brain=engine [--held=1000,10000] [--shape=many_small] [--scheduler=round_robin] [--rounds=N]
//               [Google Benchmark's options]
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/brains.hpp"
#include "bench/world.hpp"
#include "contract/names.hpp"

namespace weir::bench {
namespace {

struct Options {
  std::string brain = kDefaultBrain;
  std::vector<std::int64_t> held{1000, 10'000, 100'000, 1'000'000};
  std::vector<std::string> shapes{"many_small", "huge_list", "dead_destinations", "slow_destination"};
  std::int64_t rounds = 200'000;
  std::string scheduler{names::kSchedulers.front()};
  bool memory = true;
};

Scheduler scheduler_named(const std::string& name) {
  const auto* found = std::find(names::kSchedulers.begin(), names::kSchedulers.end(), name);
  return static_cast<Scheduler>(found - names::kSchedulers.begin());
}

double as_double(std::uint64_t number) { return static_cast<double>(number); }

// A filled world takes long to make, so it is used for all repetitions; they may be interleaved.
World& world_of(Shape shape, std::int64_t held, Scheduler scheduler, std::int64_t warm_up, const BrainFactory& make) {
  static std::map<std::pair<Shape, std::int64_t>, std::unique_ptr<World>> worlds;
  std::unique_ptr<World>& world = worlds[{shape, held}];
  if (!world) {
    world = std::make_unique<World>(shape, held, scheduler, make);
    world->prepare();
    for (std::int64_t i = 0; i < warm_up; ++i) world->round();
  }
  return *world;
}

// What has run in between has taken the caches.
constexpr std::int64_t kRoundsToWarm = 5000;

void time_events(benchmark::State& state, Shape shape, std::int64_t held, Scheduler scheduler, std::int64_t rounds,
                 const BrainFactory& make) {
  World& world = world_of(shape, held, scheduler, rounds * state.max_iterations / 5, make);
  for (std::int64_t i = 0; i < kRoundsToWarm; ++i) world.round();
  const World::Counts before = world.counts();
  Stopwatch whole;
  whole.start();
  std::uint64_t ticks = before.brain_ticks;
  for (auto _ : state) {
    for (std::int64_t i = 0; i < rounds; ++i) world.round();
    const std::uint64_t now = world.counts().brain_ticks;
    state.SetIterationTime(as_double(now - ticks) * Stopwatch::tick_ns() / 1e9);
    ticks = now;
  }
  whole.stop();
  const World::Counts after = world.counts();
  const double events = as_double(after.events - before.events);
  const double decisions = as_double(after.decisions - before.decisions);
  const double brain_ns = as_double(after.brain_ticks - before.brain_ticks) * Stopwatch::tick_ns();
  state.counters["held"] = static_cast<double>(world.held());
  state.counters["events"] = events;
  state.counters["ns_per_event"] = brain_ns / events;
  state.counters["events_per_s"] = 1e9 * events / brain_ns;
  state.counters["decisions_per_s"] = 1e9 * decisions / brain_ns;
  state.counters["all_events"] = as_double(after.events);  // those that filled the world too
  state.counters["world_ns_per_event"] = (as_double(whole.sum()) * Stopwatch::tick_ns() - brain_ns) / events;
}

std::uint64_t bytes_in_use() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// All that the heap has grown by, the allocator's own overhead included; `things` of them are held.
void weigh(benchmark::State& state, Shape shape, std::int64_t held, Scheduler scheduler, double things,
           const BrainFactory& make) {
  double bytes = 0;
  for (auto _ : state) {
    const std::uint64_t before = bytes_in_use();
    World world(shape, held, scheduler, make);
    world.prepare();
    bytes = as_double(bytes_in_use() - before);
    if (world.held() != held) state.SkipWithError("not all are held");
    state.SetIterationTime(1e-9 * bytes);
  }
  state.counters["bytes_each"] = bytes / things;
}

void register_all(const Options& options, const BrainFactory& make) {
  constexpr std::int64_t kRoundsAtOnce = 100;
  const Scheduler scheduler = scheduler_named(options.scheduler);
  for (const std::string& name : options.shapes) {
    const Shape shape = shape_named(name).value_or(Shape::many_small);
    for (const std::int64_t held : options.held) {
      benchmark::RegisterBenchmark((options.brain + "/" + name + "/" + std::to_string(held)).c_str(),
                                   [shape, held, scheduler, make](benchmark::State& state) {
                                     time_events(state, shape, held, scheduler, kRoundsAtOnce, make);
                                   })
          ->UseManualTime()
          ->Unit(benchmark::kMicrosecond)
          ->Iterations(std::max<std::int64_t>(1, options.rounds / kRoundsAtOnce));
    }
  }
  if (!options.memory) return;
  struct Load {
    Shape shape;
    std::int64_t held;
    double things;
  };
  for (const Load load : {Load{Shape::held_messages, 10'000, 10'000}, Load{Shape::held_recipients, 100, 100'000}}) {
    benchmark::RegisterBenchmark((options.brain + "/" + std::string{to_string(load.shape)}).c_str(),
                                 [load, scheduler, make](benchmark::State& state) {
                                   weigh(state, load.shape, load.held, scheduler, load.things, make);
                                 })
        ->UseManualTime()
        ->Iterations(1);
  }
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app{"What an event, a message and a recipient cost a brain"};
  app.allow_extras();
  app.add_option("--brain", options.brain, "which brain")->check(CLI::IsMember(brain_names()));
  app.add_option("--held", options.held, "messages held")->delimiter(',');
  app.add_option("--shape", options.shapes, "shapes of load")->delimiter(',')->check(CLI::IsMember(options.shapes));
  app.add_option("--rounds", options.rounds, "rounds of the world (about ten events each) that are timed");
  app.add_option("--scheduler", options.scheduler, "how deliveries are scheduled")
      ->check(CLI::IsMember(std::vector<std::string>(names::kSchedulers.begin(), names::kSchedulers.end())));
  app.add_flag("!--no-memory", options.memory, "leave the weighing out");
  CLI11_PARSE(app, argc, argv);

  std::vector<std::string> rest = app.remaining();
  std::vector<char*> words{argv[0]};
  for (std::string& word : rest) words.push_back(word.data());
  int count = static_cast<int>(words.size());
  benchmark::Initialize(&count, words.data());
  if (benchmark::ReportUnrecognizedArguments(count, words.data())) return 2;
  benchmark::AddCustomContext("brain", options.brain);
  benchmark::AddCustomContext("scheduler", options.scheduler);
  benchmark::AddCustomContext("stopwatch_ns", std::to_string(Stopwatch::own_ns()));
  register_all(options, brain_named(options.brain));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) { return weir::bench::run(argc, argv); }
