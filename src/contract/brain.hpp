// Brain: what every queue manager's head offers to every world.
//
// A brain is a deterministic state machine: it gets the time and an event, and appends commands. It opens no
// file, reads no clock, draws no random number and formats nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "contract/command.hpp"
#include "contract/event.hpp"
#include "contract/snapshot.hpp"
#include "contract/time.hpp"

namespace weir {

class Brain {
 public:
  virtual ~Brain() = default;

  // `now` is the wall clock; it may jump.
  virtual void handle(Time now, const Event& event, std::vector<Command>& out) = 0;

  // The second in which a Tick is wanted; nothing = no timer is set.
  [[nodiscard]] virtual std::optional<Seconds> next_deadline() const = 0;

  // True: another timer is due in this round: send a Tick for it when all that the last event led to is done, before
  // anything else. (One that comes later is no harm.)
  [[nodiscard]] virtual bool wants_tick() const = 0;

  // True: send another Turn without waiting (but after looking for events).
  [[nodiscard]] virtual bool wants_turn() const = 0;
};

// A brain that can be looked into, for properties and comparisons.
class InspectableBrain : public Brain {
 public:
  [[nodiscard]] virtual Snapshot snapshot() const = 0;

  // What does not hold, in words, recounted from scratch; empty = all is well.
  [[nodiscard]] virtual std::vector<std::string> broken_invariants() const = 0;
};

}  // namespace weir
