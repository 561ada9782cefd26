#include "sim/script.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "sim/prng.hpp"

namespace weir::sim {
namespace {

constexpr std::size_t kStepsMax = 1'000'000;  // of a text

using Weights = std::array<int, kStepKinds>;

Weights even() {
  Weights weights{};
  weights.fill(1);
  return weights;
}

void set(Weights& weights, StepKind kind, int weight) { weights[static_cast<std::size_t>(kind)] = weight; }

// What keeps mail moving, with a pinch of everything else.
Weights base() {
  Weights weights = even();
  for (const StepKind kind : {StepKind::restart, StepKind::jump, StepKind::hold_resolver, StepKind::services,
                              StepKind::spoil_file, StepKind::advance_far, StepKind::stray}) {
    set(weights, kind, 0);
  }
  set(weights, StepKind::arrive, 6);
  set(weights, StepKind::arrive_many, 2);
  set(weights, StepKind::greets, 14);
  set(weights, StepKind::delivered, 12);
  set(weights, StepKind::deferred, 2);
  set(weights, StepKind::advance, 4);
  return weights;
}

struct Emphasis {
  Aim aim;
  StepKind kind;
  int weight;
};
constexpr auto kEmphases = std::to_array<Emphasis>({
    {Aim::preemption, StepKind::arrive_many, 5},
    {Aim::preemption, StepKind::arrive, 8},
    {Aim::preemption, StepKind::greets, 30},
    {Aim::preemption, StepKind::delivered, 30},
    {Aim::feedback, StepKind::site_failure, 10},
    {Aim::feedback, StepKind::deferred, 6},
    {Aim::feedback, StepKind::crashed, 4},
    {Aim::feedback, StepKind::odd_report, 3},
    {Aim::feedback, StepKind::arrive_many, 4},
    {Aim::feedback, StepKind::greets, 24},
    {Aim::refill, StepKind::arrive_many, 8},
    {Aim::refill, StepKind::greets, 24},
    {Aim::refill, StepKind::delivered, 24},
    {Aim::refill, StepKind::hold_resolver, 1},
    {Aim::refill, StepKind::resolve_one, 4},
    {Aim::refill, StepKind::spoil_file, 1},
    {Aim::refill, StepKind::mend_files, 2},
    {Aim::rate_delays, StepKind::advance, 14},
    {Aim::rate_delays, StepKind::crashed, 3},
    {Aim::rate_delays, StepKind::fails, 2},
    {Aim::rate_delays, StepKind::site_failure, 3},
    {Aim::dead, StepKind::site_failure, 14},
    {Aim::dead, StepKind::fails, 5},
    {Aim::dead, StepKind::write_fails, 3},
    {Aim::dead, StepKind::trigger, 5},
    {Aim::dead, StepKind::advance, 6},
    {Aim::dead, StepKind::greets, 24},
    {Aim::restarts, StepKind::restart, 2},
    {Aim::restarts, StepKind::hold_resolver, 1},
    {Aim::restarts, StepKind::services, 1},
    {Aim::clock, StepKind::jump, 4},
    {Aim::clock, StepKind::advance_far, 3},
    {Aim::clock, StepKind::advance, 8},
    {Aim::clock, StepKind::site_failure, 3},
    {Aim::after_work, StepKind::arrive_odd, 8},
    {Aim::after_work, StepKind::services, 3},
    {Aim::after_work, StepKind::answer_one, 8},
    {Aim::after_work, StepKind::bounce_logs, 3},
    {Aim::after_work, StepKind::fails, 4},
    {Aim::after_work, StepKind::spoil_file, 2},
    {Aim::after_work, StepKind::mend_files, 2},
    {Aim::after_work, StepKind::advance_far, 1},
    {Aim::round_robin, StepKind::arrive_many, 6},
    {Aim::round_robin, StepKind::greets, 30},
    {Aim::round_robin, StepKind::delivered, 30},
    {Aim::round_robin, StepKind::site_failure, 2},
    {Aim::round_robin, StepKind::write_fails, 2},
    {Aim::round_robin, StepKind::hold_resolver, 1},
    {Aim::round_robin, StepKind::resolve_one, 4},
    {Aim::round_robin, StepKind::spoil_file, 1},
    {Aim::round_robin, StepKind::mend_files, 2},
});

Weights weights_of(Aim aim, Prng& random) {
  if (aim == Aim::uniform) return even();
  if (aim == Aim::swarm) {
    Weights weights = even();
    const std::uint64_t first = random.next();
    const std::uint64_t on = first | random.next();
    for (unsigned kind = 0; kind < kStepKinds; ++kind) {
      if ((on >> kind & 1) == 0) weights[kind] = 0;
    }
    for (const StepKind kind : {StepKind::arrive, StepKind::greets, StepKind::delivered, StepKind::advance}) {
      set(weights, kind, 3);
    }
    return weights;
  }
  Weights weights = base();
  for (const Emphasis& emphasis : kEmphases) {
    if (emphasis.aim == aim) set(weights, emphasis.kind, emphasis.weight);
  }
  return weights;
}

std::string_view next_line(std::string_view& text) {
  const auto end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line.substr(0, line.find('#'));
}

std::string_view next_word(std::string_view& line) {
  const auto begin = line.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  line.remove_prefix(begin);
  const auto end = std::min(line.find_first_of(" \t\r"), line.size());
  const std::string_view found = line.substr(0, end);
  line.remove_prefix(end);
  return found;
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<StepKind> step_kind(std::string_view name) {
  for (unsigned kind = 0; kind < kStepKinds; ++kind) {
    if (kStepNames[kind] == name) return static_cast<StepKind>(kind);
  }
  return std::nullopt;
}

std::uint32_t word_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

}  // namespace

std::string show(const Step& step) {
  std::string text(kStepNames[static_cast<std::size_t>(step.kind)]);
  text += ' ' + std::to_string(step.a) + ' ' + std::to_string(step.b);
  return text;
}

std::string show(const Script& script) {
  std::string text = "setup " + std::to_string(script.setup) + '\n';
  for (const Step& step : script.steps) text += show(step) + '\n';
  return text;
}

Result<Script> parse_script(std::string_view text) {
  Script script;
  for (int line_number = 1; !text.empty(); ++line_number) {
    std::string_view line = next_line(text);
    const std::string_view name = next_word(line);
    if (name.empty()) continue;
    const Failure failure{"line " + std::to_string(line_number) + ": not a step"};
    const auto a = number(next_word(line));
    if (!a || script.steps.size() >= kStepsMax) return failure;
    if (name == "setup") {
      script.setup = *a;
    } else {
      const auto kind = step_kind(name);
      const auto b = number(next_word(line));
      if (!kind || !b) return failure;
      script.steps.push_back({*kind, *a, *b});
    }
    if (!next_word(line).empty()) return failure;
  }
  return script;
}

Script script_from_bytes(std::string_view bytes) {
  Script script;
  if (bytes.size() < 4) return script;
  script.setup = word_at(bytes, 0);
  for (std::size_t at = 4; at + 9 <= bytes.size(); at += 9) {
    const auto kind = static_cast<unsigned char>(bytes[at]) % kStepKinds;
    script.steps.push_back({static_cast<StepKind>(kind), word_at(bytes, at + 1), word_at(bytes, at + 5)});
  }
  return script;
}

Script random_script(std::uint64_t seed, std::size_t steps, Aim aim) {
  Prng random(seed);
  Script script;
  script.setup = setup_for(aim, random.word());
  const Weights weights = weights_of(aim, random);
  int total = 0;
  for (const int weight : weights) total += weight;
  while (script.steps.size() < steps) {
    int drawn = random.roll(total);
    unsigned kind = 0;
    while (drawn >= weights[kind]) drawn -= weights[kind++];
    const std::uint32_t a = random.word();
    const std::uint32_t b = random.word();
    script.steps.push_back({static_cast<StepKind>(kind), a, b});
  }
  return script;
}

Script random_script(std::uint64_t seed, std::size_t steps) {
  Prng random(seed ^ 0x5eed);
  const int aim = random.roll(static_cast<int>(kAims));
  return random_script(seed, steps, static_cast<Aim>(aim));
}

}  // namespace weir::sim
