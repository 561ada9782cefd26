// A recorded run of a brain, as values: what it was given, and what it decided. Format: spec/trace.md.
// Written by trace/write.hpp, read by trace/reader/read.hpp, judged by model/judge.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "contract/command.hpp"
#include "contract/config.hpp"
#include "contract/event.hpp"
#include "contract/time.hpp"

namespace weir {

inline constexpr std::int64_t kTraceVersion = 1;

// A run begins: everything that its decisions depend on, but for events.
struct TraceHeader {
  std::int64_t version = kTraceVersion;
  std::string personality;          // the value of weir_personality
  std::string brain;                // the value of weir_brain
  std::string addresses = "plain";  // or "hashed": spec/trace.md says what that changes
  Time start;
  Config config;
  template <class V>
  void fields(V&& v) const {
    v("weir_trace", version);
    v("personality", personality);
    v("brain", brain);
    v("addresses", addresses);
    v("start", start);
    v("config", config);
  }
  friend bool operator==(const TraceHeader&, const TraceHeader&) = default;
};

// One call of Brain::handle(), and what the brain wants after it.
struct TraceStep {
  Time at;
  Event event;
  std::vector<Command> commands;    // in the order in which they were given
  std::optional<Seconds> deadline;  // next_deadline()
  bool turn = false;                // wants_turn()
  template <class V>
  void fields(V&& v) const {
    v("at", at);
    v("event", event);
    v("commands", commands);
    v("deadline", deadline);
    v("turn", turn);
  }
  friend bool operator==(const TraceStep&, const TraceStep&) = default;
};

// The run, or its recording, was ended in good order. A trace without it was cut.
struct TraceEnd {
  std::string reason;  // "exit", "limit", or what made recording impossible
  template <class V>
  void fields(V&& v) const {
    v("end", reason);
  }
  friend bool operator==(const TraceEnd&, const TraceEnd&) = default;
};

// One line of a trace. The name of its first field tells which it is.
using TraceLine = std::variant<TraceHeader, TraceStep, TraceEnd>;

// No line is longer, without its end of line.
inline constexpr std::size_t kTraceLineMax = std::size_t{16} << 20;

}  // namespace weir
