#include "props/script.hpp"

#include <array>
#include <string_view>

namespace weir::props {
namespace {

constexpr std::array<std::string_view, kStepKinds> kNames = {"arrive",   "agent_greets", "agent_fails", "delivered",
                                                             "deferred", "site_failure", "crashed",     "advance",
                                                             "trigger",  "hold_answers", "answer_one",  "services"};

// Picks numbers out of one: each call takes its share.
class Dice {
 public:
  explicit Dice(std::uint32_t value) : value_(value) {}
  int roll(std::uint32_t sides) {
    const auto rolled = static_cast<int>(value_ % sides);
    value_ /= sides;
    return rolled;
  }

 private:
  std::uint32_t value_;
};

}  // namespace

Config setup_config(std::uint32_t setup) {
  Dice dice(setup);
  Config c;
  c.active_limit = 1 + dice.roll(4);
  c.message_recipient_limit = c.active_limit + dice.roll(6);
  c.message_recipient_minimum = 1 + dice.roll(3);
  c.minimal_backoff = Seconds{5};
  c.maximal_backoff = Seconds{5 + 30 * dice.roll(3)};
  c.queue_run_delay = Seconds{5};
  c.transport_retry_time = Seconds{7};
  c.flow_control = false;
  TransportConfig& t = c.default_transport;
  t.recipient_limit = dice.roll(4);
  t.concurrency_limit = dice.roll(4);
  t.initial_concurrency = 1 + dice.roll(3);
  t.failed_cohort_limit = dice.roll(3);
  t.slot_cost = dice.roll(4);
  t.minimum_slots = dice.roll(2);
  t.recipient_pool = 1 + dice.roll(8);
  t.extra_recipients = dice.roll(4);
  t.refill_limit = 1 + dice.roll(3);
  t.refill_delay = Seconds{1 + dice.roll(2)};
  t.positive_feedback.value = dice.roll(2) == 0 ? 1.0 : 0.3;
  t.negative_feedback.kind = dice.roll(2) == 0 ? Feedback::Kind::constant : Feedback::Kind::per_concurrency;
  c.transports["t2"] = t;
  c.transports["t2"].destination_rate_delay = Seconds{dice.roll(2) * 2};
  c.transports["t3"] = t;
  c.transports["t3"].transport_rate_delay = Seconds{dice.roll(2) * 2};
  return c;
}

std::string show(const Script& script) {
  std::string text = "setup " + std::to_string(script.setup) + ":";
  for (const Step& step : script.steps) {
    text += ' ';
    text += kNames[static_cast<std::size_t>(step.kind)];
    text += '(' + std::to_string(step.a) + ',' + std::to_string(step.b) + ')';
  }
  return text;
}

Script random_script(std::uint64_t seed, std::size_t steps) {
  // splitmix64
  std::uint64_t state = seed;
  const auto next = [&state] {
    state += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  };
  Script script;
  script.setup = static_cast<std::uint32_t>(next());
  const std::uint64_t enabled = next() | 0x0b;  // some kinds are off in a run; arrivals and deliveries never
  while (script.steps.size() < steps) {
    const auto kind = static_cast<unsigned>(next() % kStepKinds);
    const auto a = static_cast<std::uint32_t>(next());
    const auto b = static_cast<std::uint32_t>(next());
    if ((enabled >> kind & 1) != 0) script.steps.push_back({static_cast<StepKind>(kind), a, b});
  }
  return script;
}

}  // namespace weir::props
