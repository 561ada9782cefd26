// Seeded faults: brains that are wrong in one way each. A property is trusted only after it has caught its own.
#pragma once

#include <memory>

#include "contract/brain.hpp"
#include "contract/config.hpp"

namespace weir::props {

// Gives the inner brain its settings and passes everything on; a fault overrides what it spoils.
class FaultyBrain : public Brain {
 public:
  explicit FaultyBrain(std::unique_ptr<Brain> inner) : inner_(std::move(inner)) {}
  void handle(Time now, const Event& event, std::vector<Command>& out) override { inner_->handle(now, event, out); }
  [[nodiscard]] std::optional<Seconds> next_deadline() const override { return inner_->next_deadline(); }
  [[nodiscard]] bool wants_turn() const override { return inner_->wants_turn(); }

 protected:
  Brain& inner() { return *inner_; }

 private:
  std::unique_ptr<Brain> inner_;
};

[[nodiscard]] std::unique_ptr<Brain> ignores_active_limit(const Config& config);
[[nodiscard]] std::unique_ptr<Brain> ignores_concurrency_limit(const Config& config);
[[nodiscard]] std::unique_ptr<Brain> ignores_recipient_limit(const Config& config);
[[nodiscard]] std::unique_ptr<Brain> ignores_recipients_in_memory(const Config& config);
[[nodiscard]] std::unique_ptr<Brain> ignores_recipient_slots(const Config& config);
[[nodiscard]] std::unique_ptr<Brain> backs_off_by_a_constant(const Config& config);  // no doubling
[[nodiscard]] std::unique_ptr<Brain> backs_off_without_bound(const Config& config);
[[nodiscard]] std::unique_ptr<Brain> handles_bytes_one_by_one(const Config& config);  // D before A takes effect
[[nodiscard]] std::unique_ptr<Brain> decides_by_a_global(const Config& config);       // one run shows in the next
[[nodiscard]] std::unique_ptr<Brain> forgets_a_destination(const Config& config);     // its agents are sent away

}  // namespace weir::props
