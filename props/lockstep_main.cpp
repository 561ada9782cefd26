// weir-lockstep: the campaign. Scripts from seeds, two brains in lock-step, until so many events have been compared
// or two answers differ. A state file makes it resumable: one line of JSON for each batch of seeds that is done.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.hpp"
#include "props/run.hpp"
#include "sim/prng.hpp"

namespace {

using namespace weir;
using namespace weir::props;
using nlohmann::json;

constexpr std::uint64_t kBatch = 64;  // scripts
constexpr int kStepsMin = 40, kStepsMore = 400;

struct Settings {
  std::uint64_t seed = 1, events = 1'000'000;
  unsigned jobs = 2;
  int snapshot_every = 16;
  std::string state, replay, save = ".", left = "model", right = "engine", aim;
  bool require_all = false;
};

struct Totals {
  std::uint64_t scripts = 0, events = 0;
  double seconds = 0;  // of all jobs together
  sim::Counts counts;
  std::map<std::string, std::uint64_t> rules;
  void operator+=(const Totals& other) {
    scripts += other.scripts;
    events += other.events;
    seconds += other.seconds;
    counts += other.counts;
    for (const auto& [name, count] : other.rules) rules[name] += count;
  }
};

void to_json(json& line, const Totals& t) {
  line = json{{"scripts", t.scripts},        {"events", t.events},
              {"seconds", t.seconds},        {"steps", t.counts.steps},
              {"by_event", t.counts.events}, {"commands", t.counts.commands},
              {"records", t.counts.records}, {"rules", t.rules}};
}

void from_json(const json& line, Totals& t) {
  line.at("scripts").get_to(t.scripts);
  line.at("events").get_to(t.events);
  line.at("seconds").get_to(t.seconds);
  line.at("steps").get_to(t.counts.steps);
  line.at("by_event").get_to(t.counts.events);
  line.at("commands").get_to(t.counts.commands);
  line.at("records").get_to(t.counts.records);
  line.at("rules").get_to(t.rules);
}

Script script_of(const Settings& settings, std::uint64_t seed) {
  sim::Prng random(seed);
  const auto steps = static_cast<std::size_t>(kStepsMin + random.roll(kStepsMore));
  for (unsigned aim = 0; aim < sim::kAims; ++aim) {
    if (sim::kAimNames[aim] == settings.aim) return sim::random_script(seed, steps, static_cast<sim::Aim>(aim));
  }
  return sim::random_script(seed, steps);
}

std::uint64_t seed_of(const Settings& settings, std::uint64_t number) {
  return sim::Prng(settings.seed * 0x100000001b3ULL + number).next();
}

Pair pair_of(const Settings& settings, std::map<std::string, std::uint64_t>* rules) {
  Pair pair;
  pair.left = brain_named(settings.left);
  pair.right = brain_named(settings.right);
  pair.snapshot_every = settings.snapshot_every;
  if (rules != nullptr) {
    pair.at_end = [rules](const InspectableBrain& right) {
      const auto* engine = dynamic_cast<const engine::Engine*>(&right);
      if (engine == nullptr) return;
      for (const auto& [name, count] : engine->rule_counts()) (*rules)[std::string(name)] += count;
    };
  }
  return pair;
}

class Campaign {
 public:
  explicit Campaign(Settings settings) : settings_(std::move(settings)) {}

  int run() {
    if (!read_state()) return 2;
    const auto begin = std::chrono::steady_clock::now();
    const std::uint64_t before = totals_.events;
    std::vector<std::thread> workers;
    for (unsigned i = 0; i < settings_.jobs; ++i) workers.emplace_back([this] { work(); });
    for (std::thread& worker : workers) worker.join();
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
    const bool complete = print(static_cast<double>(totals_.events - before) / wall.count());
    if (!difference_.empty()) return report();
    return settings_.require_all && !complete ? 1 : 0;
  }

 private:
  bool read_state() {
    if (settings_.state.empty()) return true;
    std::ifstream in(settings_.state);
    for (std::string text; std::getline(in, text);) {
      const json line = json::parse(text, nullptr, false);
      if (line.is_discarded()) continue;  // the last line of a run that was cut off
      if (line.value("seed", std::uint64_t{0}) != settings_.seed || line.value("left", "") != settings_.left ||
          line.value("right", "") != settings_.right || line.value("aim", "") != settings_.aim) {
        std::cerr << "weir-lockstep: " << settings_.state << " belongs to another campaign\n";
        return false;
      }
      done_.insert(line.at("batch").get<std::uint64_t>());
      totals_ += line.at("totals").get<Totals>();
    }
    return true;
  }

  // One write for one line: what another process appends does not get in between.
  void append_state(std::uint64_t batch, const Totals& totals) {
    if (settings_.state.empty()) return;
    const json line{{"seed", settings_.seed}, {"left", settings_.left}, {"right", settings_.right},
                    {"aim", settings_.aim},   {"batch", batch},         {"totals", totals}};
    const std::string text = line.dump() + '\n';
    std::FILE* file = std::fopen(settings_.state.c_str(), "a");
    const bool written =
        file != nullptr && ::write(::fileno(file), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (file != nullptr) std::fclose(file);
    if (!written) std::cerr << "weir-lockstep: cannot append to " << settings_.state << '\n';
  }

  void work() {
    while (true) {
      std::uint64_t batch = 0;
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (totals_.events >= settings_.events || !difference_.empty()) return;
        while (done_.count(next_) != 0) ++next_;
        batch = next_++;
      }
      Totals totals;
      const bool agreed = run_batch(batch, totals);
      const std::lock_guard<std::mutex> lock(mutex_);
      totals_ += totals;
      if (agreed) append_state(batch, totals);
    }
  }

  bool run_batch(std::uint64_t batch, Totals& totals) {
    const auto begin = std::chrono::steady_clock::now();
    const Pair pair = pair_of(settings_, &totals.rules);
    for (std::uint64_t i = 0; i < kBatch; ++i) {
      const std::uint64_t seed = seed_of(settings_, batch * kBatch + i);
      const Outcome outcome = run_lockstep(script_of(settings_, seed), pair);
      totals.scripts += 1;
      totals.events += outcome.events;
      totals.counts += outcome.counts;
      if (outcome.broken.empty()) continue;
      const std::lock_guard<std::mutex> lock(mutex_);
      if (difference_.empty()) {
        difference_ = outcome.broken;
        different_seed_ = seed;
      }
      return false;
    }
    totals.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return true;
  }

  template <std::size_t N, class Name>
  bool print_table(const char* title, const std::array<std::uint64_t, N>& counts, Name name) const {
    std::printf("%s\n", title);
    bool complete = true;
    for (std::size_t i = 0; i < N; ++i) {
      std::printf("  %-24s %14llu%s\n", std::string(name(i)).c_str(), static_cast<unsigned long long>(counts[i]),
                  counts[i] == 0 ? "  never" : "");
      complete &= counts[i] != 0;
    }
    return complete;
  }

  bool print(double rate) const {
    bool complete = print_table("steps", totals_.counts.steps, sim::step_name);
    complete &= print_table("events", totals_.counts.events, sim::event_name);
    complete &= print_table("commands", totals_.counts.commands, sim::command_name);
    complete &= print_table("log records", totals_.counts.records, sim::record_name);
    std::printf("rules\n");
    std::size_t never = 0;
    for (const auto& [name, count] : totals_.rules) {
      std::printf("  %-24s %14llu%s\n", name.c_str(), static_cast<unsigned long long>(count),
                  count == 0 ? "  never" : "");
      never += count == 0 ? 1 : 0;
    }
    std::printf(
        "campaign seed %llu: %llu scripts, %llu events (%.0f events/s in this run, %u jobs), %zu rules, %zu of "
        "them never\n",
        static_cast<unsigned long long>(settings_.seed), static_cast<unsigned long long>(totals_.scripts),
        static_cast<unsigned long long>(totals_.events), rate, settings_.jobs, totals_.rules.size(), never);
    return complete && never == 0;
  }

  int report() const {
    std::printf("\nseed %llu: %s against %s\n%s\n", static_cast<unsigned long long>(different_seed_),
                settings_.left.c_str(), settings_.right.c_str(), difference_.c_str());
    Pair pair = pair_of(settings_, nullptr);
    pair.snapshot_every = 1;
    const auto fails = [&](const Script& script) { return !run_lockstep(script, pair).broken.empty(); };
    Script script = script_of(settings_, different_seed_);
    if (fails(script)) script = shrink(std::move(script), fails);
    const std::string file = settings_.save + "/lockstep-" + std::to_string(different_seed_) + ".script";
    std::ofstream(file) << "# " << settings_.left << " against " << settings_.right << ", seed " << different_seed_
                        << '\n'
                        << show(script);
    std::printf("shortest script found (%zu steps):\n%s%s\nagain: weir-lockstep --left %s --right %s --replay %s\n",
                script.steps.size(), show(script).c_str(), run_lockstep(script, pair).broken.c_str(),
                settings_.left.c_str(), settings_.right.c_str(), file.c_str());
    return 1;
  }

  Settings settings_;
  std::mutex mutex_;
  Totals totals_;
  std::set<std::uint64_t> done_;
  std::uint64_t next_ = 0;
  std::string difference_;
  std::uint64_t different_seed_ = 0;
};

int replay(const Settings& settings) {
  std::ifstream in(settings.replay);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto script = sim::parse_script(text);
  if (!in || !script) {
    std::cerr << "weir-lockstep: " << settings.replay << ": " << (script ? "cannot be read" : script.error().text)
              << '\n';
    return 2;
  }
  Pair pair = pair_of(settings, nullptr);
  pair.snapshot_every = 1;
  const Outcome outcome = run_lockstep(*script, pair);
  std::printf("%llu events: %s\n", static_cast<unsigned long long>(outcome.events),
              outcome.broken.empty() ? "no difference" : outcome.broken.c_str());
  return outcome.broken.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("Two brains live through the same, and every answer of theirs is compared.");
  app.add_option("--seed", settings.seed, "of the campaign");
  app.add_option("--events", settings.events, "to be compared, those in the state file included");
  app.add_option("--jobs", settings.jobs, "threads")->check(CLI::Range(1, 256));
  app.add_option("--snapshots", settings.snapshot_every, "compared after so many steps")->check(CLI::Range(1, 1000000));
  app.add_option("--state", settings.state, "file that keeps what is done");
  app.add_option("--save", settings.save, "folder for the script of a difference");
  app.add_option("--replay", settings.replay, "file with one script");
  std::vector<std::string> names;
  for (const std::string_view name : brain_names()) names.emplace_back(name);
  app.add_option("--left", settings.left)->check(CLI::IsMember(names));
  app.add_option("--right", settings.right)->check(CLI::IsMember(names));
  std::vector<std::string> aims;
  for (const std::string_view name : sim::kAimNames) aims.emplace_back(name);
  app.add_option("--aim", settings.aim, "only scripts of this kind")->check(CLI::IsMember(aims));
  app.add_flag("--require-all", settings.require_all, "fail if a rule, step, event, command or record never occurred");
  CLI11_PARSE(app, argc, argv);
  return settings.replay.empty() ? Campaign(settings).run() : replay(settings);
}
