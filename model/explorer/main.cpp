// weir-explore: explores small worlds, asks what is wrong with them, and walks them with the engine beside the model.
#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.hpp"
#include "model/explorer/explorer.hpp"
#include "model/explorer/lockstep.hpp"

namespace {

using namespace weir::explorer;
using Json = nlohmann::ordered_json;

struct Arguments {
  std::vector<std::string> worlds;
  std::string fault, second = "engine", replay;
  std::size_t states_max = 20'000'000;
  std::uint64_t actions_max = ~std::uint64_t{0};
  unsigned snapshot_every = 1;
  bool small = false, json = false, list = false, quiet = false;
};

class Watch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

BrainFactory brain_named(const std::string& name) {
  if (name == "engine") return weir::engine::make_engine;
  if (name == "model") return weir::model::make_model;
  return {};
}

Json json_of(const World& world, const Script& script) {
  Json list = Json::array();
  for (const Action& action : script) list.push_back(show(world, action));
  return list;
}

Json json_of(const World& world, const Finding& finding) {
  Json json{{"check", to_string(finding.check)},
            {"what", finding.what},
            {"known", finding.known},
            {"script", json_of(world, finding.script)}};
  if (!finding.cycle.empty()) json["cycle"] = json_of(world, finding.cycle);
  return json;
}

void tell(const World& world, const Finding& finding) {
  std::cout << (finding.known ? "known " : "FOUND ") << to_string(finding.check) << ": " << finding.what << "\n";
  if (finding.known) {
    std::cout << "  " << world.why << "\n";
    return;
  }
  std::cout << show(world, finding.script);
  if (!finding.cycle.empty()) std::cout << "# and from there round and round\n" << show(world, finding.cycle);
}

// One world; false: something is wrong that is not known.
bool explore(const World& world, const Arguments& arguments, Json& record) {
  Options options{.states_max = arguments.states_max, .fault = find_fault(arguments.fault), .progress = {}};
  if (!arguments.quiet) {
    options.progress = [](std::size_t states, std::size_t expanded) {
      if (expanded > 0) std::cerr << "  " << expanded << " of " << states << " situations expanded\n";
    };
  }
  const Watch watch;
  Exploration exploration(world, std::move(options));
  exploration.run();
  const double walked = watch.seconds();
  std::vector<Finding> findings = exploration.findings();
  const Components components = check_cycles(exploration, findings);
  const double checked = watch.seconds() - walked;

  std::cout << world.name << ": " << exploration.states() << " states" << (exploration.complete() ? "" : " (not all)")
            << ", " << exploration.edges() << " edges, depth " << exploration.depth() << "; " << exploration.states()
            << " times all invariants, " << exploration.judged() << " laws judged; " << components.examined
            << " cyclic components, the largest of " << components.largest << "; " << walked << " s + " << checked
            << " s\n";
  record = {{"world", world.name},
            {"states", exploration.states()},
            {"complete", exploration.complete()},
            {"edges", exploration.edges()},
            {"depth", exploration.depth()},
            {"invariants_recounted", exploration.states()},
            {"laws_judged", exploration.judged()},
            {"components", components.examined},
            {"largest_component", components.largest},
            {"bytes_a_state", exploration.states() == 0 ? 0 : exploration.bytes() / exploration.states()},
            {"explore_seconds", walked},
            {"check_seconds", checked}};

  std::uint64_t departures = 0;
  const BrainFactory make = brain_named(arguments.second);
  if (make && arguments.fault.empty() && exploration.findings().empty() && world.exact()) {
    const Watch beside;
    WalkOptions walk{.actions_max = arguments.actions_max, .snapshot_every = arguments.snapshot_every, .progress = {}};
    if (!arguments.quiet) {
      walk.progress = [](std::uint64_t edges, std::uint64_t actions) {
        std::cerr << "  " << edges << " edges followed in " << actions << " actions\n";
      };
    }
    Comparison c = walk_beside(exploration, make, walk);
    const double seconds = beside.seconds();
    std::cout << "  beside the " << arguments.second << ": " << c.edges << " of " << exploration.edges() << " edges, "
              << c.runs << " runs, " << c.actions << " actions, " << c.events << " events, " << c.commands
              << " commands and " << c.snapshots << " snapshots compared, " << c.departures << " departures; "
              << seconds << " s\n";
    record["beside"] = {{"brain", arguments.second}, {"edges", c.edges},           {"runs", c.runs},
                        {"actions", c.actions},      {"events", c.events},         {"commands", c.commands},
                        {"snapshots", c.snapshots},  {"departures", c.departures}, {"seconds", seconds}};
    departures = c.departures;
    if (c.divergence) findings.push_back(*c.divergence);
  }

  bool good = departures == 0;
  good = good && (exploration.complete() || arguments.states_max < Arguments{}.states_max);
  record["findings"] = Json::array();
  for (const Finding& finding : findings) {
    tell(world, finding);
    record["findings"].push_back(json_of(world, finding));
    good = good && finding.known;
  }
  return good;
}

int replay_file(const World& world, const Arguments& arguments) {
  std::ifstream in(arguments.replay, std::ios::binary);
  if (!in) {
    std::cerr << "weir-explore: cannot read " << arguments.replay << "\n";
    return 2;
  }
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto script = parse_script(world, text);
  if (!script) {
    std::cerr << "weir-explore: " << arguments.replay << ": " << script.error().text << "\n";
    return 2;
  }
  const Replay told = replay(world, *script, find_fault(arguments.fault));
  for (const std::string& line : told.lines) std::cout << line << "\n";
  for (const std::string& what : told.broken) std::cout << "FOUND " << what << "\n";
  std::string difference;
  if (const BrainFactory make = brain_named(arguments.second)) difference = compare_on(world, *script, make);
  if (!difference.empty()) std::cout << "FOUND divergence: " << difference << "\n";
  return told.broken.empty() && difference.empty() ? 0 : 1;
}

void list() {
  for (const World& world : worlds()) std::cout << world.name << ": " << world.about << "\n";
  std::cout << "Seeded faults:\n";
  for (const Fault& fault : faults()) {
    std::cout << fault.name << " (world " << fault.world << ", found by " << fault.check << "): " << fault.about
              << "\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  std::cout << std::unitbuf;
  Arguments arguments;
  CLI::App app{"Explores small worlds exhaustively; see spec/exploration.md"};
  app.add_option("--world", arguments.worlds, "World to explore (may be repeated); all, if none is named");
  app.add_flag("--small", arguments.small, "The worlds of everyday checks: small, full");
  app.add_option("--states", arguments.states_max, "Stop at so many states");
  app.add_option("--second", arguments.second, "Brain to walk with beside the model")
      ->check(CLI::IsMember({"engine", "model", "none"}));
  app.add_option("--actions", arguments.actions_max, "At most so many actions beside the second brain, in each world");
  app.add_option("--snapshot-every", arguments.snapshot_every, "Compare snapshots after every N-th action; 0: never");
  app.add_option("--fault", arguments.fault, "Plant this fault in the model");
  app.add_option("--replay", arguments.replay, "Repeat the script in FILE, in the one world named");
  app.add_flag("--json", arguments.json, "End with a record in JSON");
  app.add_flag("--list", arguments.list, "List worlds and faults");
  app.add_flag("--quiet", arguments.quiet, "No progress on standard error");
  CLI11_PARSE(app, argc, argv);

  if (arguments.list) {
    list();
    return 0;
  }
  if (!arguments.fault.empty() && find_fault(arguments.fault) == nullptr) {
    std::cerr << "weir-explore: no such fault: " << arguments.fault << "\n";
    return 2;
  }
  if (arguments.small) arguments.worlds = {"small", "full"};
  if (arguments.worlds.empty() && arguments.replay.empty()) {
    for (const World& world : worlds()) arguments.worlds.push_back(world.name);
  }
  for (const std::string& name : arguments.worlds) {
    if (find_world(name) != nullptr) continue;
    std::cerr << "weir-explore: no such world: " << name << "\n";
    return 2;
  }
  if (!arguments.replay.empty()) {
    if (arguments.worlds.size() == 1) return replay_file(*find_world(arguments.worlds.front()), arguments);
    std::cerr << "weir-explore: --replay needs one --world\n";
    return 2;
  }

  bool good = true;
  Json records = Json::array();
  std::size_t states = 0;
  for (const std::string& name : arguments.worlds) {
    Json record;
    good = explore(*find_world(name), arguments, record) && good;
    states += record["states"].get<std::size_t>();
    records.push_back(std::move(record));
  }
  std::cout << arguments.worlds.size() << " worlds, " << states << " states: " << (good ? "good" : "NOT GOOD") << "\n";
  if (arguments.json) std::cout << records.dump(2) << "\n";
  std::cout.flush();
  return good && std::cout ? 0 : 1;
}
