// Traffic: the mail of one shape of load, and how its destinations take it. Deterministic; O(1) a message.
//
//   many_small        1-3 recipients, one destination for ten messages held; one delivery in fifty is deferred
//   huge_list         one endless list of recipients, in front of messages of one recipient
//   dead_destinations as many dead destinations as messages held; one message in ten goes to one whose time is
//                     over and kills it anew, one in twenty to a dead one, the rest to 100 live ones
//   slow_destination  all that is held waits for one slow destination; what arrives besides flows past it
//   held_messages     one recipient each, for the bytes a message
//   held_recipients   1,000 recipients each, for the bytes a recipient
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "contract/config.hpp"
#include "contract/message.hpp"
#include "contract/time.hpp"

namespace weir::bench {

enum class Shape : std::uint8_t {
  many_small,
  huge_list,
  dead_destinations,
  slow_destination,
  held_messages,
  held_recipients
};

[[nodiscard]] std::string_view to_string(Shape shape);
[[nodiscard]] std::optional<Shape> shape_named(std::string_view name);

// How a delivery ends.
enum class Ending : std::uint8_t {
  sent,
  deferred,  // some recipient, no word about the destination
  refused,   // the destination is in trouble
  slow       // sent, but in its own time
};

class Traffic {
 public:
  // One after the other: what is dead at the start dies, what is held arrives, then mail comes as mail goes.
  enum class Phase : std::uint8_t { dying, filling, flowing };

  Traffic(Shape shape, std::int64_t held, Scheduler scheduler = Scheduler::preemptive);

  [[nodiscard]] Config config() const;

  // Messages that arrive while `phase` lasts; there is no end to those of `flowing`.
  [[nodiscard]] std::int64_t messages_of(Phase phase) const;
  // How far the clock goes in one round of the world.
  [[nodiscard]] Micros step_of(Phase phase) const;

  // The next message to arrive; answers whether it has recipients that `batch` does not hold.
  void next_message(Phase phase, std::int64_t at_most, Batch& batch);
  // More of the endless list.
  void more_recipients(std::int64_t at_most, Batch& batch);

  // A delivery to `nexthop` has begun.
  [[nodiscard]] Ending ending_of(std::string_view nexthop);
  // One that was slow is over: the next message is for the slow destination.
  void slow_one_ended() { slow_owed_ += 1; }

 private:
  [[nodiscard]] std::uint64_t draw(std::uint64_t below);
  void fill(Batch& batch, std::size_t index, char kind, std::uint64_t destination);
  void fill_list(Batch& batch, std::int64_t count);
  void fill_one_for_dead(Phase phase, Batch& batch);

  Shape shape_;
  Scheduler scheduler_;
  std::uint64_t held_;
  std::uint64_t destinations_ = 100;  // that take mail
  std::uint64_t seed_ = 1, people_ = 0, arrived_ = 0, deliveries_ = 0, next_dead_ = 0;
  std::int64_t slow_owed_ = 0;
};

}  // namespace weir::bench
