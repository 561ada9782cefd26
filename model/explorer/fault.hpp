// Seeded faults: a model that is wrong in one way, to see that the check that should notice does.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/brain.hpp"
#include "model/explorer/world.hpp"
#include "model/model.hpp"

namespace weir::explorer {

struct Fault {
  std::string name, about;
  std::string world;                    // in which it shows
  std::string check;                    // that must notice: the word of Check
  std::function<void(Config&)> config;  // may be empty
  std::function<void(const Event&, model::State&, std::vector<Command>&)> meddle;  // after each event; may be empty
};

[[nodiscard]] const std::vector<Fault>& faults();
[[nodiscard]] const Fault* find_fault(std::string_view name);

// The model, with a fault or without.
class Subject final : public InspectableBrain {
 public:
  Subject(model::Model model, const Fault* fault) : model_(std::move(model)), fault_(fault) {}

  void handle(Time now, const Event& event, std::vector<Command>& out) override {
    model_.handle(now, event, out);
    if (fault_ == nullptr || !fault_->meddle) return;
    model::State state = model_.state();
    fault_->meddle(event, state, out);
    model_ = model::Model(std::move(state));
  }
  [[nodiscard]] std::optional<Seconds> next_deadline() const override { return model_.next_deadline(); }
  [[nodiscard]] bool wants_tick() const override { return model_.wants_tick(); }
  [[nodiscard]] bool wants_turn() const override { return model_.wants_turn(); }
  [[nodiscard]] Snapshot snapshot() const override { return model_.snapshot(); }
  [[nodiscard]] std::vector<std::string> broken_invariants() const override { return model_.broken_invariants(); }
  [[nodiscard]] const model::Model& model() const { return model_; }

 private:
  model::Model model_;
  const Fault* fault_;
};

[[nodiscard]] Config brain_config(const World& world, const Fault* fault);

}  // namespace weir::explorer
