#include "model/explorer/lockstep.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "contract/show.hpp"

namespace weir::explorer {
namespace {

constexpr std::size_t kRunMax = 500;  // actions of one run: a difference comes with a script that can be read
constexpr std::size_t kNearby = 200;  // situations that are searched for an edge to go on with

// Gives each event to both, and remembers the first difference.
class Pair final : public Brain {
 public:
  Pair(const Config& config, const BrainFactory& make) : model_(config), second_(make(config)) {}

  void handle(Time now, const Event& event, std::vector<Command>& out) override {
    model_.handle(now, event, out);
    theirs_.clear();
    second_->handle(now, event, theirs_);
    events_ += 1;
    commands_ += out.size();
    if (out != theirs_) differ(event, out);
    if (model_.next_deadline() != second_->next_deadline()) differ("after " + show(event) + ": another deadline");
    if (model_.wants_tick() != second_->wants_tick()) differ("after " + show(event) + ": another wish for a tick");
    if (model_.wants_turn() != second_->wants_turn()) differ("after " + show(event) + ": another wish for a turn");
  }
  [[nodiscard]] std::optional<Seconds> next_deadline() const override { return model_.next_deadline(); }
  [[nodiscard]] bool wants_tick() const override { return model_.wants_tick(); }
  [[nodiscard]] bool wants_turn() const override { return model_.wants_turn(); }

  void compare_insides() {
    const Snapshot ours = model_.snapshot();
    const Snapshot theirs = second_->snapshot();
    if (ours != theirs) differ("the model holds " + show(ours) + "\nthe second brain " + show(theirs));
    for (const std::string& what : second_->broken_invariants()) differ("the second brain's invariant: " + what);
  }

  [[nodiscard]] const model::Model& model() const { return model_; }
  [[nodiscard]] const std::string& difference() const { return difference_; }
  [[nodiscard]] std::uint64_t events() const { return events_; }
  [[nodiscard]] std::uint64_t commands() const { return commands_; }

 private:
  void differ(std::string what) {
    if (difference_.empty()) difference_ = std::move(what);
  }
  void differ(const Event& event, const std::vector<Command>& ours) {
    const auto [mine, other] = std::mismatch(ours.begin(), ours.end(), theirs_.begin(), theirs_.end());
    const std::string said = mine == ours.end() ? "nothing more" : show(*mine);
    const std::string told = other == theirs_.end() ? "nothing more" : show(*other);
    differ("after " + show(event) + " the model says\n" + said + "\nthe second brain\n" + told);
  }

  model::Model model_;
  std::unique_ptr<InspectableBrain> second_;
  std::vector<Command> theirs_;
  std::string difference_;
  std::uint64_t events_ = 0, commands_ = 0;
};

// One run from the start.
struct Run {
  Run(const World& world, const BrainFactory& make) : pair(world.config, make), play(world, environment, pair) {
    (void)play.start();
  }
  bool act(const Action& action) {
    script.push_back(action);
    return play.act(action).possible;
  }
  Pair pair;
  Environment environment;
  Play play;
  Script script;
};

class Walker {
 public:
  Walker(Exploration& exploration, const BrainFactory& make, const WalkOptions& options)
      : x_(exploration), make_(make), options_(options), followed_(exploration.edges(), false) {
    for (Place place = 0; place < expanded(); ++place) next_.push_back(x_.first_edge(place));
  }

  Comparison walk() {
    for (Place target = 0; target < expanded() && go_on(); ++target) {
      while (open_edge(target) && go_on()) {
        if (!run(target)) break;  // it cannot be reached any more: departures tell
      }
    }
    return std::move(result_);
  }

 private:
  // A walk that was cut short has situations at its rim that were never expanded.
  [[nodiscard]] Place expanded() const { return static_cast<Place>(x_.expanded()); }
  [[nodiscard]] bool go_on() const { return !result_.divergence && result_.actions < options_.actions_max; }

  std::optional<std::size_t> open_edge(Place place) {
    if (place >= expanded()) return std::nullopt;
    std::size_t& next = next_[place];
    const std::size_t end = x_.first_edge(place + 1);
    while (next < end && followed_[next]) ++next;
    if (next == end) return std::nullopt;
    return next;
  }

  void follow(std::size_t edge) {
    if (followed_[edge]) return;
    followed_[edge] = true;
    if (++result_.edges % 1'000'000 == 0 && options_.progress) options_.progress(result_.edges, result_.actions);
  }

  // False: it ended before it came to the target.
  bool run(Place target) {
    Run run(x_.world(), make_);
    result_.runs += 1;
    at_ = 0;
    const bool arrived = judge(run) && go_again(run, x_.path_to(target)) && stand(run, target);
    if (arrived) {
      while (run.script.size() < kRunMax && go_on()) {
        const auto edge = open_edge(at_);
        if (edge ? !step(run, x_.edge(*edge).action) : !go_to_open_edge(run)) break;
      }
    }
    result_.events += run.pair.events();
    result_.commands += run.pair.commands();
    return arrived;
  }

  bool judge(Run& run) {
    result_.actions += 1;
    if (options_.snapshot_every != 0 && result_.actions % options_.snapshot_every == 0) {
      result_.snapshots += 1;
      run.pair.compare_insides();
    }
    return run.pair.difference().empty() || differ(run);
  }

  bool differ(const Run& run) {
    result_.divergence = Finding{Check::divergence, run.pair.difference(), shortened(run.script), {}, false};
    return false;
  }

  // Along edges that may have been followed before: commands are compared, the place is looked at in the end.
  bool go_again(Run& run, const Script& script) {
    for (const Action& action : script) {
      const auto edge = edge_of(at_, action);
      if (!edge) return depart();
      follow(*edge);
      const bool possible = run.act(action);
      result_.actions += 1;
      if (!run.pair.difference().empty()) return differ(run);
      if (!possible) return depart();
      at_ = x_.edge(*edge).to;
    }
    return true;
  }

  // Along one edge of the graph; false: the run has left it, or the brains differ.
  bool step(Run& run, const Action& action) {
    const auto edge = edge_of(at_, action);
    if (!edge) return depart();
    follow(*edge);
    const bool possible = run.act(action);
    if (!judge(run)) return false;
    if (!possible) return depart();
    return stand(run, x_.edge(*edge).to);
  }

  // Where the run really is; false: nowhere in the graph.
  bool stand(const Run& run, Place expected) {
    const auto here = x_.find(run.pair.model().state(), run.environment);
    if (!here) return depart();
    if (*here != expected) result_.departures += 1;
    at_ = *here;
    return true;
  }

  bool depart() {
    result_.departures += 1;
    return false;
  }

  [[nodiscard]] std::optional<std::size_t> edge_of(Place place, const Action& action) const {
    if (place >= expanded()) return std::nullopt;
    for (std::size_t i = x_.first_edge(place); i < x_.first_edge(place + 1); ++i) {
      if (x_.edge(i).action == action) return i;
    }
    return std::nullopt;
  }

  // The shortest way to a situation with an edge that has not been followed, if there is one near.
  bool go_to_open_edge(Run& run) {
    std::unordered_map<Place, std::pair<Place, Action>> came;
    std::vector<Place> queue{at_};
    came.emplace(at_, std::pair(at_, Action{}));
    for (std::size_t i = 0; i < queue.size() && queue.size() < kNearby; ++i) {
      const Place here = queue[i];
      if (here >= expanded()) continue;
      if (open_edge(here)) {
        Script way;
        for (Place p = here; p != at_; p = came.at(p).first) way.push_back(came.at(p).second);
        return std::all_of(way.rbegin(), way.rend(), [&](const Action& action) { return step(run, action); });
      }
      for (std::size_t e = x_.first_edge(here); e < x_.first_edge(here + 1); ++e) {
        const Edge& edge = x_.edge(e);
        if (came.try_emplace(edge.to, std::pair(here, edge.action)).second) queue.push_back(edge.to);
      }
    }
    return false;
  }

  // Takes out what the difference does not need; what is then not possible is passed over.
  [[nodiscard]] Script shortened(Script script) const {
    for (std::size_t part = script.size() / 2; part > 0; part /= 2) {
      for (std::size_t at = 0; at + part <= script.size();) {
        Script less = script;
        const auto begin = less.begin() + static_cast<std::ptrdiff_t>(at);
        less.erase(begin, begin + static_cast<std::ptrdiff_t>(part));
        if (compare_on(x_.world(), less, make_).empty()) {
          at += part;
        } else {
          script = std::move(less);
        }
      }
    }
    return script;
  }

  Exploration& x_;
  const BrainFactory& make_;
  const WalkOptions& options_;
  std::vector<bool> followed_;
  std::vector<std::size_t> next_;  // by place: the first edge that may not have been followed
  Place at_ = 0;
  Comparison result_;
};

}  // namespace

Comparison walk_beside(Exploration& exploration, const BrainFactory& make, const WalkOptions& options) {
  return Walker(exploration, make, options).walk();
}

std::string compare_on(const World& world, const Script& script, const BrainFactory& make) {
  Run run(world, make);
  run.pair.compare_insides();
  for (const Action& action : script) {
    if (!run.pair.difference().empty()) break;
    (void)run.act(action);
    run.pair.compare_insides();
  }
  return run.pair.difference();
}

}  // namespace weir::explorer
