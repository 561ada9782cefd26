// The explorer: every situation that a small world can come into, as a graph, and what is wrong with it.
//
// From the start, breadth first: each possible action of each situation is an edge. In every situation the model's
// invariants are recounted, and on every edge the laws of the environment are judged; the first thing that does not
// hold ends the walk. Over the finished graph three questions are asked (checks.cpp):
//   rest        can the loop go round for ever without waiting for anything?
//   deadlock    is there mail that nobody owes anything for, and that no passing of time moves?
//   starvation  can a fair run go round for ever while one recipient waits and is never served?
// A run is fair when time passes without end and every debt is paid: a connection greets or fails, a delivery ends, a
// question is answered (environment.hpp, Debts). spec/exploration.md has the definitions in full.
//
// Each finding comes with the shortest script that leads to it. Tested in tests/model/explorer_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/explorer/canon.hpp"
#include "model/explorer/fault.hpp"

namespace weir::explorer {

using Place = std::uint32_t;  // of a situation, in the order of finding

struct Edge {
  Place to = 0;
  Action action;
  std::uint8_t paid = kNoDebt;
  RecipientSet served = 0;
};

struct Situation {
  Place parent = 0;
  Action action;  // that led here from the parent
  std::uint16_t depth = 0;
  RecipientSet waiting = 0;
  bool mail = false;
  Debts debts = 0;
};

enum class Check : std::uint8_t { invariant, law, rest, deadlock, starvation, divergence };
[[nodiscard]] std::string_view to_string(Check check);

struct Finding {
  Check check{};
  std::string what;
  Script script;       // to it
  Script cycle;        // and round and round, when that is the trouble
  bool known = false;  // World::may_starve
};

struct Options {
  std::size_t states_max = 20'000'000;
  const Fault* fault = nullptr;
  std::function<void(std::size_t states, std::size_t expanded)> progress;
};

// The situations of one world.
class Exploration {
 public:
  explicit Exploration(const World& world, Options options = {});

  void run();

  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }
  [[nodiscard]] std::size_t states() const { return situations_.size(); }
  [[nodiscard]] std::size_t expanded() const { return first_edges_.empty() ? 0 : first_edges_.size() - 1; }
  [[nodiscard]] std::size_t edges() const { return edges_.size(); }
  [[nodiscard]] std::size_t depth() const { return situations_.empty() ? 0 : situations_.back().depth; }
  [[nodiscard]] std::uint64_t judged() const { return judged_; }  // laws on edges
  [[nodiscard]] std::size_t bytes() const { return bytes_; }      // of all situations

  [[nodiscard]] const World& world() const { return world_; }
  [[nodiscard]] const Situation& situation(Place place) const { return situations_[place]; }
  [[nodiscard]] const Edge& edge(std::size_t index) const { return edges_[index]; }
  [[nodiscard]] std::size_t first_edge(Place place) const { return first_edges_[place]; }
  [[nodiscard]] Script path_to(Place place) const;

  // Where a real run stands; nothing: not a situation of this graph.
  [[nodiscard]] std::optional<Place> find(const model::State& state, const Environment& environment);

 private:
  void expand(Place place);
  std::optional<Place> meet(const model::Model& model, const Environment& environment, Place parent, Action action);
  void found(Check check, std::string what, Script script);

  const World& world_;
  Options options_;
  Codec codec_;
  std::deque<std::string> texts_;
  std::unordered_map<std::string_view, Place> places_;
  std::vector<Situation> situations_;
  std::vector<Edge> edges_;
  std::vector<std::size_t> first_edges_;  // by place, and one beyond
  std::vector<Finding> findings_;
  std::uint64_t judged_ = 0;
  std::size_t bytes_ = 0;
  bool complete_ = false;
};

struct Components {
  std::size_t examined = 0, largest = 0;  // strongly connected, with at least one edge inside
};

// The three questions; `findings` gets what they find.
Components check_cycles(const Exploration& exploration, std::vector<Finding>& findings);

// Repeats a script from the start, without the graph: what does not hold, and where the script ended.
struct Replay {
  std::vector<std::string> lines;  // each action, and the commands that it led to
  std::vector<std::string> broken;
};
[[nodiscard]] Replay replay(const World& world, const Script& script, const Fault* fault);

}  // namespace weir::explorer
