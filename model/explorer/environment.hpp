// What surrounds a brain in a small world: virtual files, connections, questions and a clock, as values that can be
// copied and compared; what can happen there (actions); and the laws that can be judged from outside.
//
// The environment never looks into a brain, so any brain can be put there. Tested in tests/model/explorer_test.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "contract/brain.hpp"
#include "model/explorer/action.hpp"
#include "model/explorer/world.hpp"

namespace weir::explorer {

// Who owes an answer. One bit for each connection that has not greeted (by transport), each delivery (by message and
// first recipient), each question to a service (by message and recipient or whole message) and to the resolver (by
// message).
using Debts = std::uint64_t;
inline constexpr std::uint8_t kNoDebt = 64;
[[nodiscard]] std::uint8_t connection_debt(std::size_t transport);
[[nodiscard]] std::uint8_t delivery_debt(std::size_t message, std::size_t first);
[[nodiscard]] std::uint8_t question_debt(std::size_t message, std::size_t recipient_or_whole);
[[nodiscard]] std::uint8_t resolver_debt(std::size_t message);

inline constexpr Seconds kStart{1'000'000'000};

struct Environment {
  enum class Place : std::uint8_t { later, incoming, deferred, active, gone };
  struct File {
    Place place = Place::later;
    Seconds created{0}, due{0};
    std::uint8_t done = 0;  // recipients, a bit each
    bool bounced = false;   // the bounce log has something to tell
    // while active
    MessageId message;
    Seconds since{0};
    std::uint8_t position = 0;  // recipients read
    std::uint8_t settled = 0;   // recipients delivered to or deferred since the message became active
  };
  struct Connection {
    AgentId agent;
    std::uint8_t transport = 0;
    bool greeted = false, breaks = false, busy = false;
    std::uint8_t message = 0, recipients = 0;  // while busy
    std::string nexthop;
  };
  struct Question {  // to the resolver
    std::uint8_t message = 0;
    std::vector<std::uint8_t> recipients;
  };
  struct Ticket {
    TicketId ticket;
    std::uint8_t message = 0, recipient = kWhole;
    bool bounces = false, expires = false;  // a good answer ends the bounce log, or the message
  };
  struct Listing {  // of a queue directory that is being scanned
    bool open = false;
    std::vector<std::uint8_t> messages;
  };

  Seconds now = kStart;
  std::array<File, kMessages> files;
  std::array<Listing, 2> listings;  // incoming, deferred
  std::vector<Connection> connections;
  std::deque<Question> questions;
  std::vector<Ticket> tickets;

  [[nodiscard]] RecipientSet waiting() const;  // in the mail system, undone, and nobody is at work on them
  [[nodiscard]] Debts debts() const;
  [[nodiscard]] bool has_mail() const;
};

// What one action brought about.
struct Effect {
  bool possible = true;
  RecipientSet served = 0;          // put into a delivery, deferred, or discarded
  std::uint8_t paid = kNoDebt;      // the debt that the action paid
  std::vector<std::string> broken;  // laws
  std::uint32_t judged = 0;         // how often a law was asked
};

// Plays a brain in its environment.
class Play {
 public:
  Play(const World& world, Environment& environment, Brain& brain)
      : world_(world), environment_(environment), brain_(brain) {}

  [[nodiscard]] Effect start();
  [[nodiscard]] std::vector<Action> possible() const;
  [[nodiscard]] Effect act(const Action& action);

 private:
  using Connection = Environment::Connection;
  using File = Environment::File;
  using Place = Environment::Place;

  [[nodiscard]] bool may_wait() const;
  [[nodiscard]] bool in_a_hurry() const;  // the loop would not wait
  [[nodiscard]] bool happens(const Action& action);
  [[nodiscard]] bool greeting(const Action& action);
  [[nodiscard]] bool end_of_delivery(const Action& action);
  [[nodiscard]] bool end_of_question(const Action& action);
  void answer_question(bool ok);
  void answer_ticket(std::size_t index, bool ok);
  void round();
  void send(const Event& event);
  void answer(const Event& event);
  void expect(bool holds, const char* what);
  [[nodiscard]] std::size_t active(MessageId message);  // kMessages and a finding when there is none
  void leave(std::size_t message, Place place);
  void settle(std::size_t message, std::size_t recipient);
  [[nodiscard]] Batch read(std::size_t message, std::int64_t at_most);
  [[nodiscard]] Environment::Listing& listing(Queue queue);
  [[nodiscard]] std::size_t running_at(const Connection& connection) const;

  void carry_out(const OpenScan&);
  void carry_out(const ScanNext&);
  void carry_out(const Admit&);
  void carry_out(const ReadRecipients&);
  void carry_out(const CheckBounceLog&);
  void carry_out(const RemoveBounceLog&) {}
  void carry_out(const CheckFile&);
  void carry_out(const MarkDone&);
  void carry_out(const Retry&);
  void carry_out(const Remove&);
  void carry_out(const MarkCorrupt&);
  void carry_out(const Resolve&);
  void carry_out(const RequestAgent&);
  void carry_out(const Deliver&);
  void carry_out(const ReleaseAgent&);
  void carry_out(const AskService&);
  // Without effect here, or never asked for in these worlds.
  void carry_out(const RecoverActive&) {}
  void carry_out(const DropUnread&) {}
  void carry_out(const RemoveDeferLog&) {}
  void carry_out(const KillTrace&) {}
  void carry_out(const UpdateWarn&) {}
  void carry_out(const CoolDown&) {}
  void carry_out(const Forget&) {}
  void carry_out(const Log&) {}
  void carry_out(const BalanceFlow&) {}

  const World& world_;
  Environment& environment_;
  Brain& brain_;
  std::vector<Event> coming_;      // of this round
  std::deque<Command> duties_;     // still to be carried out, in order
  std::vector<Command> commands_;  // of the event at hand
  Effect effect_;
};

}  // namespace weir::explorer
