#include "model/explorer/explorer.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "contract/show.hpp"

namespace weir::explorer {

std::string_view to_string(Check check) {
  switch (check) {
    case Check::invariant: return "invariant";
    case Check::law: return "law";
    case Check::rest: return "rest";
    case Check::deadlock: return "deadlock";
    case Check::starvation: return "starvation";
    case Check::divergence: return "divergence";
  }
  return "?";
}

Exploration::Exploration(const World& world, Options options)
    : world_(world), options_(std::move(options)), codec_(world, brain_config(world, options_.fault)) {}

void Exploration::run() {
  Subject subject(model::Model(brain_config(world_, options_.fault)), options_.fault);
  Environment environment;
  const Effect effect = Play(world_, environment, subject).start();
  judged_ += effect.judged;
  for (const std::string& what : effect.broken) found(Check::law, what, {});
  (void)meet(subject.model(), environment, 0, {});

  Place place = 0;
  for (; place < situations_.size() && findings_.empty() && situations_.size() < options_.states_max; ++place) {
    if (options_.progress && place % 100'000 == 0) options_.progress(situations_.size(), place);
    expand(place);
  }
  first_edges_.push_back(edges_.size());
  complete_ = findings_.empty() && place == situations_.size();
}

void Exploration::expand(Place place) {
  first_edges_.push_back(edges_.size());
  model::State state;
  Environment environment;
  codec_.decode(texts_[place], state, environment);
  const Subject here(model::Model(std::move(state)), options_.fault);
  Subject asked = here;
  for (const Action& action : Play(world_, environment, asked).possible()) {
    Subject subject = here;
    Environment after = environment;
    try {
      const Effect effect = Play(world_, after, subject).act(action);
      judged_ += effect.judged;
      if (!effect.broken.empty()) {
        Script script = path_to(place);
        script.push_back(action);
        for (const std::string& what : effect.broken) found(Check::law, what, script);
        return;
      }
      const auto to = meet(subject.model(), after, place, action);
      if (!to) return;
      edges_.push_back({.to = *to, .action = action, .paid = effect.paid, .served = effect.served});
    } catch (const std::exception& e) {
      Script script = path_to(place);
      script.push_back(action);
      found(Check::invariant, std::string("the model lost its way: ") + e.what(), std::move(script));
      return;
    }
  }
}

// A situation that is new is judged and remembered; nothing when its invariants do not hold.
std::optional<Place> Exploration::meet(const model::Model& model, const Environment& environment, Place parent,
                                       Action action) {
  std::string bytes = codec_.encode(model.state(), environment);
  const auto known = places_.find(bytes);
  if (known != places_.end()) return known->second;
  const auto place = static_cast<Place>(situations_.size());
  bytes.shrink_to_fit();
  bytes_ += bytes.size();
  texts_.push_back(std::move(bytes));
  places_.emplace(texts_.back(), place);
  const auto depth = static_cast<std::uint16_t>(place == 0 ? 0 : situations_[parent].depth + 1);
  situations_.push_back({.parent = parent,
                         .action = action,
                         .depth = depth,
                         .waiting = environment.waiting(),
                         .mail = environment.has_mail(),
                         .debts = environment.debts()});
  const std::vector<std::string> broken = model.broken_invariants();
  for (const std::string& what : broken) found(Check::invariant, what, path_to(place));
  if (!broken.empty()) return std::nullopt;
  return place;
}

void Exploration::found(Check check, std::string what, Script script) {
  findings_.push_back({check, std::move(what), std::move(script), {}, false});
}

Script Exploration::path_to(Place place) const {
  Script script;
  for (; place != 0; place = situations_[place].parent) script.push_back(situations_[place].action);
  std::reverse(script.begin(), script.end());
  return script;
}

std::optional<Place> Exploration::find(const model::State& state, const Environment& environment) {
  const auto known = places_.find(codec_.encode(state, environment));
  if (known == places_.end()) return std::nullopt;
  return known->second;
}

namespace {

// Tells what a brain says.
class Told final : public Brain {
 public:
  Told(Brain& brain, std::vector<std::string>& lines) : brain_(brain), lines_(lines) {}
  void handle(Time now, const Event& event, std::vector<Command>& out) override {
    const std::size_t before = out.size();
    brain_.handle(now, event, out);
    lines_.push_back("  < " + show(event));
    for (std::size_t i = before; i < out.size(); ++i) lines_.push_back("  > " + show(out[i]));
  }
  [[nodiscard]] std::optional<Seconds> next_deadline() const override { return brain_.next_deadline(); }
  [[nodiscard]] bool wants_tick() const override { return brain_.wants_tick(); }
  [[nodiscard]] bool wants_turn() const override { return brain_.wants_turn(); }

 private:
  Brain& brain_;
  std::vector<std::string>& lines_;
};

}  // namespace

Replay replay(const World& world, const Script& script, const Fault* fault) {
  Replay out;
  Subject subject(model::Model(brain_config(world, fault)), fault);
  Told told(subject, out.lines);
  Environment environment;
  Play play(world, environment, told);
  const auto judge = [&](Effect effect) {
    for (std::string& what : effect.broken) out.broken.push_back("law: " + what);
    for (std::string& what : subject.broken_invariants()) out.broken.push_back("invariant: " + what);
    return effect.possible;
  };
  out.lines.emplace_back("start");
  (void)judge(play.start());
  for (const Action& action : script) {
    out.lines.push_back("+" + std::to_string((environment.now - kStart).count()) + "s " + show(world, action));
    if (!judge(play.act(action))) out.lines.emplace_back("  (not possible here)");
  }
  return out;
}

}  // namespace weir::explorer
