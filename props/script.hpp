// One Script of steps drives properties (and, later, fuzzers and simulators). Every step means something in every
// state (numbers are taken modulo what is there), so shrinking never breaks a script.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "contract/config.hpp"

namespace weir::props {

enum class StepKind : std::uint8_t {
  arrive,        // a: recipients and where they go, b: queue and time stamp
  agent_greets,  // a: which waiting connection
  agent_fails,   // a: which waiting connection
  delivered,     // a: which running delivery
  deferred,      // a: which; try again, destination is fine
  site_failure,  // a: which; try again, destination is not
  crashed,       // a: which; no report
  advance,       // a: seconds, 1 ... 40
  trigger,       // a: which of the bytes
  hold_answers,  // resolver and services fall silent, or speak again
  answer_one,    // one held answer comes
  services,      // bounce, defer and trace fail, or work again
};
inline constexpr unsigned kStepKinds = 12;

struct Step {
  StepKind kind{};
  std::uint32_t a = 0, b = 0;
};

struct Script {
  std::uint32_t setup = 0;  // picks the configuration: setup_config()
  std::vector<Step> steps;
};

// Small limits, so that they are met.
[[nodiscard]] Config setup_config(std::uint32_t setup);

[[nodiscard]] std::string show(const Script& script);

// A script from a seed, by a generator of our own: the same on every compiler and library.
[[nodiscard]] Script random_script(std::uint64_t seed, std::size_t steps);

}  // namespace weir::props
