// Strong identifiers: ids of different kinds never mix.
//
// A brain hands out MessageId, AgentId and TicketId, each kind counting up from 1 and never re-using a value,
// so that a late event about something long gone is recognised and ignored.
// Tested in tests/contract/contract_test.cpp.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

template <class Tag>
struct Id {
  std::uint64_t value{};
  friend auto operator<=>(const Id&, const Id&) = default;
};

using MessageId = Id<struct MessageTag>;  // one message in memory, from Admit to its last command
using AgentId = Id<struct AgentTag>;      // one connection to a delivery agent = at most one delivery
using TicketId = Id<struct TicketTag>;    // one question to bounce, defer, trace, verify or flush

// The queue directories that a queue manager names (R: QUE-01 ... QUE-07).
enum class Queue : std::uint8_t { incoming, active, deferred, corrupt };

[[nodiscard]] constexpr std::string_view to_string(Queue queue) {
  switch (queue) {
    case Queue::incoming: return "incoming";
    case Queue::active: return "active";
    case Queue::deferred: return "deferred";
    case Queue::corrupt: return "corrupt";
  }
  return "?";
}

}  // namespace weir
