// A small world: settings with tiny limits, a few messages, and what their surroundings may do. Small enough that
// everything that can happen in it is looked at.
//
// Messages are numbered from 0 and their recipients too, within a message. A recipient's address says where it goes:
// "r1@d2.t1" is routed to next hop d2 of transport t1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "contract/config.hpp"
#include "contract/id.hpp"
#include "contract/message.hpp"

namespace weir::explorer {

inline constexpr std::size_t kMessages = 4, kRecipients = 4, kTransports = 4;  // at most, in any world

// How a delivery may end.
enum class Outcome : std::uint8_t { done, part, defer, bounce, site, crash };

// One bit for each recipient of each message.
using RecipientSet = std::uint16_t;
[[nodiscard]] constexpr RecipientSet recipient_bit(std::size_t message, std::size_t recipient) {
  return static_cast<RecipientSet>(1U << (message * kRecipients + recipient));
}

struct World {
  struct Mail {
    std::vector<std::string> addresses;
    enum class At : std::uint8_t { start_incoming, start_deferred, later } at = At::later;
    bool recycled = false;  // when it has left, another one like it may arrive
    bool verp = false;      // each recipient is delivered to alone
  };

  std::string name, about;
  Config config;
  std::vector<std::string> transports;  // all that can come into being; actions name them by their place here
  std::vector<Mail> mail;
  std::vector<Outcome> outcomes;        // of deliveries by ordinary transports; `retry` always defers
  std::vector<std::string> may_refuse;  // transports whose agents may fail to greet
  std::vector<std::string> may_break;   // transports whose agents may greet and then not take the request
  std::vector<std::string> triggers;    // buffers that may come at any time
  bool waits_second = false, waits_deadline = true;
  bool late_resolver = false, resolver_fails = false;
  bool late_services = false, services_fail = false;
  RecipientSet may_starve = 0;  // by the rules themselves; `why` names them
  std::string why;
  // How long messages stay in memory. `age_stop`: time stands still while one has been there so long (0: it does not).
  // `age_max`: what is older is only told apart by order; see canon.hpp.
  std::int64_t age_stop = 0, age_max = 0;

  // Nothing is merged that the model's decisions could tell apart: no preemption, where ages count, or an end to age.
  [[nodiscard]] bool exact() const;
  [[nodiscard]] Envelope envelope(std::size_t message) const;
  [[nodiscard]] Recipient recipient(std::size_t message, std::size_t index) const;
  [[nodiscard]] std::size_t transport_index(std::string_view transport) const;  // kTransports: not of this world
};

[[nodiscard]] const std::vector<World>& worlds();
[[nodiscard]] const World* find_world(std::string_view name);

// "M0" for message 0, and back.
[[nodiscard]] std::string queue_id(std::size_t message);
[[nodiscard]] std::size_t message_of(std::string_view queue_id);

}  // namespace weir::explorer
