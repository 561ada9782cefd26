// The judge: was a recorded run decided as the model decides?
//
// It gives the recorded events to a model and compares, event by event, what was commanded with what the model
// commands; the model is deterministic, so what is allowed is exactly that. It stops at the first departure and names
// it: where, what was decided, what was allowed, and the requirement that the difference falls under. It says how many
// events and decisions it has consumed; a run of which it consumed none is not judged.
// Reads no file: app/weir/judge.hpp does. Tested in tests/model/judge_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "contract/trace.hpp"
#include "model/model.hpp"

namespace weir::model {

// The row of spec/requirements.tsv that a decision falls under.
struct Duty {
  std::string_view requirement;
  std::string_view about;  // the field that differs, or a word for the whole command
};

// By the command that was decided and the one that was allowed; one of them may be missing.
[[nodiscard]] Duty duty_of(const std::optional<Command>& decided, const std::optional<Command>& allowed);

struct Departure {
  std::size_t place = 0;                    // of the command among those of its event, from 0
  std::optional<Command> decided, allowed;  // one may be missing: too few or too many; both: see `about`
  Duty duty;
  TraceStep allowed_step;  // the whole of it
};

class Judge {
 public:
  // Why a run with this header cannot be judged; nothing: it can.
  [[nodiscard]] static std::optional<std::string> objection(const TraceHeader& header);

  // A run begins. What it says of itself before Started is passed over.
  void begin(const TraceHeader& header);

  // The next step of the run; after a departure no more.
  [[nodiscard]] std::optional<Departure> look_at(const TraceStep& step);

  [[nodiscard]] std::uint64_t events() const { return events_; }
  [[nodiscard]] std::uint64_t decisions() const { return decisions_; }  // commands
  [[nodiscard]] std::uint64_t passed_over() const { return passed_over_; }

 private:
  std::optional<Model> model_;
  bool started_ = false;
  std::uint64_t events_ = 0, decisions_ = 0, passed_over_ = 0;
};

}  // namespace weir::model
