// Ledger: what an outsider knows of a queue manager by bookkeeping, from inputs and observations alone: connections
// that wait, deliveries that run, where files are, how far each recipient is. Generators draw the next input from it,
// promises are judged by it; it knows nothing of how a queue manager decides.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "blackbox/input.hpp"
#include "blackbox/observation.hpp"

namespace weir::blackbox {

class Ledger {
 public:
  enum class Standing : std::uint8_t {
    waiting,    // nobody has had it, or it was put off
    running,    // part of a delivery
    delivered,  // marked as done by an agent
    claimed,    // the agent says that it is done, but has not marked it
    bounced,    // recorded as failed for good
  };
  struct Person {
    Standing standing = Standing::waiting;
    int running = 0;     // deliveries that it is part of; more than one is wrong
    int deferred = 0;    // defer records
    bool tried = false;  // was part of a delivery that ended
  };
  struct Message {
    NewMessage input;
    std::map<std::string, Person> people;  // by the address as it was resolved
    std::string where;                     // queue, or gone
    std::int64_t arrived = 0;              // virtual
    std::optional<std::int64_t> wakeup;    // of the last move to a queue where it waits
    bool reported_gone = false;            // a report to the sender was asked for
  };
  struct Delivery {
    Requested request;
    std::int64_t began = 0;
  };

  void note(const Input& input);
  void note(const Observation& observation);

  [[nodiscard]] const Setup& setup() const { return setup_; }
  [[nodiscard]] std::int64_t now() const { return now_; }
  // By how much the clock has been set back: that much more time has passed than it says.
  [[nodiscard]] std::int64_t set_back() const { return set_back_; }
  [[nodiscard]] std::int64_t latest() const { return latest_; }  // that it has ever said
  [[nodiscard]] bool ended() const { return ended_; }

  [[nodiscard]] int waiting(const std::string& transport) const;      // connections not greeted yet
  [[nodiscard]] std::vector<std::string> waiting_transports() const;  // with at least one, in order of names
  [[nodiscard]] const std::map<int, Delivery>& running() const { return running_; }
  [[nodiscard]] const std::map<std::string, Message>& messages() const { return messages_; }
  [[nodiscard]] bool all_gone() const;
  [[nodiscard]] std::size_t settled() const;  // recipients that are delivered or bounced
  [[nodiscard]] bool listens(const std::string& transport) const;
  [[nodiscard]] const std::set<std::string>& failing() const { return failing_; }  // services

  [[nodiscard]] bool resolver_stalls() const { return stalls_since_.has_value(); }
  [[nodiscard]] bool resolver_was_late() const { return resolver_was_late_; }  // the clock has moved meanwhile

  // Where an address goes by what the resolver says.
  [[nodiscard]] Answer resolve(const std::string& address) const;

  // A transport or a next hop by name.
  using Names = std::set<std::string>;
  // Transports whose agents have broken off.
  [[nodiscard]] const Names& broken_off() const { return broken_off_; }
  // Transports and next hops of deliveries that broke off when some report had blamed a destination before.
  [[nodiscard]] const Names& broken_off_after_blame() const { return broken_off_after_blame_; }
  // Texts with which agents have blamed destinations.
  [[nodiscard]] const Names& reasons() const { return reasons_; }
  // How many destinations there may have been: each mailbox at a next hop may be one.
  [[nodiscard]] std::size_t destinations() const;
  // When an agent of this transport last could not be had; virtual.
  [[nodiscard]] std::optional<std::int64_t> failed_at(const std::string& transport) const;
  // Messages in active for which defer records were asked for when retry could not be had.
  [[nodiscard]] const Names& partly_recorded() const { return partly_recorded_; }

  // How many decisions of the queue manager have been seen: everything but log lines.
  [[nodiscard]] std::uint64_t decisions() const { return decisions_; }

 private:
  void end_delivery(int request, Standing standing);

  void note_break(int request);
  void move_clock(std::int64_t to);

  Setup setup_;
  std::set<std::string> failing_;
  Names broken_off_, broken_off_after_blame_, reasons_, partly_recorded_;
  std::map<std::string, std::int64_t> failed_at_;
  std::int64_t now_ = 0;
  std::int64_t set_back_ = 0, latest_ = 0;
  std::optional<std::int64_t> stalls_since_;
  bool resolver_was_late_ = false;
  bool ended_ = false;
  std::uint64_t decisions_ = 0;
  std::map<std::string, int> waiting_;
  std::map<std::string, bool> listening_;
  std::map<std::string, Answer> resolved_;
  std::map<int, Delivery> running_;
  std::map<std::string, Message> messages_;
};

}  // namespace weir::blackbox
