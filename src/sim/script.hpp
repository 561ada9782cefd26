// One Script of steps drives properties, campaigns, mutants and fuzzers. Every step means something in every state
// (numbers are taken modulo what is there), so shrinking never breaks a script.
//
// Text form, one step a line, read back by parse_script(); "#" begins a comment:
//   setup 4711
//   arrive 17 4
// Tested in props/brains_agree_props.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "contract/config.hpp"
#include "contract/result.hpp"

namespace weir::sim {

// clang-format off
#define WEIR_STEPS(X)                                                                          \
  X(arrive)         /* a: how many recipients, a and b: where they go, queue, time stamp */    \
  X(arrive_many)    /* the same, many recipients for few places; more than fit one batch */    \
  X(arrive_odd)     /* a: what is odd about the file or its envelope, b: as for arrive */      \
  X(greets)         /* a: which waiting connection, b: whether the request can be sent */      \
  X(fails)          /* a: which waiting connection, b: how */                                  \
  X(delivered)      /* a: which running delivery */                                            \
  X(deferred)       /* a: which; try again, the destination is fine */                         \
  X(site_failure)   /* a: which, b: status code and text, good or malformed */                 \
  X(crashed)        /* a: which, b: what the broken report had said */                         \
  X(odd_report)     /* a: which; complete, but status and text do not fit together */          \
  X(write_fails)    /* a: which; the request turns out not to have been sent */                \
  X(serve_all)      /* a: how often: all connections greet, all deliveries end well */         \
  X(advance)        /* a: some seconds, or less than one */                                    \
  X(advance_far)    /* a: minutes or hours */                                                  \
  X(jump)           /* a: the clock is set, forward or back; nobody is woken in between */     \
  X(trigger)        /* a: which bytes, b: how many */                                          \
  X(hold_resolver)  /* the resolver falls silent, or speaks again */                           \
  X(resolve_one)    /* one held answer comes */                                                \
  X(services)       /* a: they answer well, badly, now and then, or not at all */              \
  X(answer_one)     /* a: which question, b: how */                                            \
  X(bounce_logs)    /* a: in what state the bounce logs are */                                 \
  X(spoil_file)     /* a: which file, b: how */                                                \
  X(mend_files)     /* all files are as they should be */                                      \
  X(gather)         /* a: events of so many next steps come in one round, b: in which order */ \
  X(stray)          /* a: an event about something that nobody knows (any more) */             \
  X(restart)        /* the process ends, and another one starts */
// clang-format on

enum class StepKind : std::uint8_t {
#define WEIR_STEP(name) name,
  WEIR_STEPS(WEIR_STEP)
#undef WEIR_STEP
};
inline constexpr auto kStepNames = std::to_array<std::string_view>({
#define WEIR_STEP(name) #name,
    WEIR_STEPS(WEIR_STEP)
#undef WEIR_STEP
});
inline constexpr unsigned kStepKinds = kStepNames.size();

struct Step {
  StepKind kind{};
  std::uint32_t a = 0, b = 0;
  friend bool operator==(const Step&, const Step&) = default;
};

struct Script {
  std::uint32_t setup = 0;  // picks the configuration: setup_config()
  std::vector<Step> steps;
  friend bool operator==(const Script&, const Script&) = default;
};

[[nodiscard]] std::string show(const Step& step);
[[nodiscard]] std::string show(const Script& script);
[[nodiscard]] Result<Script> parse_script(std::string_view text);

// Nine bytes a step after four for the setup; what is left over is dropped.
[[nodiscard]] Script script_from_bytes(std::string_view bytes);

// What a generator, and a configuration, is about.
enum class Aim : std::uint8_t {
  uniform,      // every kind alike
  swarm,        // some kinds are off in a run
  preemption,   // big messages, then smaller and smaller ones
  feedback,     // good and bad reports in storms
  refill,       // long lists, few recipient slots
  rate_delays,  // both kinds, and crashes
  dead,         // destinations and transports die, for many reasons
  restarts,     // processes end in the middle
  clock,        // jumps
  after_work,   // services that fail, envelopes that ask for much
  round_robin,  // the scheduler of oqmgr, lists that are read in batches
};
inline constexpr auto kAimNames =
    std::to_array<std::string_view>({"uniform", "swarm", "preemption", "feedback", "refill", "rate_delays", "dead",
                                     "restarts", "clock", "after_work", "round_robin"});
inline constexpr unsigned kAims = kAimNames.size();

[[nodiscard]] Script random_script(std::uint64_t seed, std::size_t steps, Aim aim);
// The aim drawn from the seed, too.
[[nodiscard]] Script random_script(std::uint64_t seed, std::size_t steps);

// Small limits, so that they are met; every parameter varies with the number. Its lowest four bits are the aim.
[[nodiscard]] Config setup_config(std::uint32_t setup);
[[nodiscard]] std::uint32_t setup_for(Aim aim, std::uint32_t word);

}  // namespace weir::sim
