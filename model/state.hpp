// The state of the reference model: plain values, in the words of spec/scheduling.md and spec/intake.md.
//
// Everything is copyable. Counts that the specification speaks of (recipients in memory, entries of a message or a
// peer, slots) are kept beside what they count, and Model::broken_invariants() recounts them; nothing else is
// remembered that could be recomputed but the preemption candidate (Transport::candidate), which shows in decisions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "contract/command.hpp"
#include "contract/config.hpp"
#include "contract/event.hpp"

namespace weir::model {

using EntryId = Id<struct EntryTag>;
using JobId = Id<struct JobTag>;
using DestinationId = Id<struct DestinationTag>;

// One delivery request in the making: recipients of one message for one destination.
struct Entry {
  MessageId message;
  std::optional<JobId> job;  // round robin knows no jobs
  DestinationId destination;
  std::vector<Recipient> recipients;
};

// The waiting entries of one job for one destination, first to go in front.
struct Peer {
  DestinationId destination;
  std::vector<EntryId> waiting;
  int entries = 0;  // waiting and running; at 0 the peer disappears
};

// One message on one transport.
struct Job {
  MessageId message;
  std::string transport;
  int level = -1;  // -1 not on the lists, 0 normal, n > 0 preempting at depth n
  std::optional<JobId> parent;
  std::vector<JobId> children;
  std::int64_t tag = 0;       // equals the transport's while known to be blocked
  std::int64_t read = 0;      // entries ever made for it
  std::int64_t selected = 0;  // entries that left waiting
  std::int64_t avail = 0;     // free delivery slots, times slot cost
  std::int64_t used = 0;      // counts up from minus its price while it preempts
  int in_core = 0;            // recipients in its entries
  std::int64_t room = 0;      // recipient slots it holds
  std::vector<Peer> peers;    // circular cursor list
};

// One next hop of one transport.
struct Destination {
  std::string transport, name, nexthop;
  int window = 0;  // > 0 ready with this concurrency, 0 throttled, -1 suspended by a rate delay
  double success = 0, failure = 0, cohorts = 0;
  std::vector<EntryId> todo;  // waiting, first come first
  std::set<EntryId> busy;     // being delivered
  std::int64_t tag = 0;
  Dsn reason;  // while throttled
  unsigned cache_flags = 0;
  Seconds last_done{0};
  Seconds warn_at{0};
};

// A choice that waits for a recipient read. It goes on where it was, unless other events have meanwhile put an
// unblocked job before that place: then they came first, and the choice is made anew.
struct Suspended {
  JobId job;
  bool first = false;   // its own read before looking at the peers has been made
  bool second = false;  // also the one after no peer was found
};

struct Transport {
  TransportConfig config;
  int pending = 0;  // connections that have not greeted
  std::optional<Dsn> dead;
  bool rate_locked = false;
  std::vector<DestinationId> destinations;  // in creation order; with round robin a circular cursor list
  std::vector<JobId> jobs;                  // the schedule list
  std::vector<JobId> by_age;
  std::optional<JobId> current;
  std::optional<JobId> next_unread;
  std::int64_t pool = 0;  // recipient slots that nobody holds
  std::int64_t tag = 1;   // grows by 2: un-marks all blocked jobs and destinations at once
  std::optional<JobId> candidate, candidate_for;
  Seconds candidate_at{0};
  std::vector<AgentId> ready;  // greeted agents, in order, for which an entry must be chosen
  std::optional<Suspended> suspended;
};

struct Agent {
  std::string transport;
  bool answered = false;         // it has greeted, or failed to: not pending any more
  bool failed = false;           // connect or greeting
  std::optional<EntryId> entry;  // while a delivery runs
};

// Where a message stands. Reading: a batch has been asked for, or waits for the resolver.
enum class Stage : std::uint8_t { admitting, active, bounce_log, bounce, file, trace, defer, warn };

struct Message {
  std::string queue_id;
  Envelope envelope;
  unsigned trace_flags = 0;
  bool flush_each = false;  // revive each transport and destination it meets (group read bit)
  bool lift = false;        // defer_transports does not count
  bool expire = false;      // force-expired
  Stage stage = Stage::admitting;
  Seconds queued{0};  // steady time
  Time active_arrival;
  bool reading = false;
  std::vector<Recipient> batch;  // while the resolver is asked
  bool more = false;             // has unread recipients ("offset is not 0")
  std::int64_t unread = 0;
  Seconds refilled{0};  // steady time
  int in_core = 0;
  std::int64_t room = 0;
  int refs = 0;             // entries
  int disposals = 0;        // recipients on their way to the defer, trace or verify service
  bool single = false;      // VERP: one entry a recipient
  bool deferred = false;    // some recipient must be tried again, or a report failed
  std::vector<JobId> jobs;  // in creation order
};

// One recipient that the queue manager disposes of itself, and the steps still to go.
struct Disposal {
  enum class Kind : std::uint8_t { defer, discard };
  Kind kind{};
  Recipient recipient;
  Dsn dsn;
  std::string status;                    // word for the log line
  std::vector<ServiceRequest> requests;  // in front: the one that is asked
  bool log_next = false;
};

struct Ticket {
  MessageId message;
  std::optional<Disposal> disposal;  // else: a report of the message's stage
};

struct Scan {
  struct Flags {
    bool start = false, all = false, lift = false;
    bool revive = false;  // only with late_scan_modifiers
  };
  bool open = false;
  Flags current, next;
};

// One import step of one turn.
struct Import {
  bool active = false;
  std::vector<Queue> candidates;  // still to be looked at
  std::optional<Queue> last_looked;
  bool began = false;    // the scan was begun in this step
  bool yielded = false;  // some step gave a name: do not wait
  bool imported_incoming = false;
  std::optional<MessageId> message;
  bool order_due = false;  // who comes first next time is still to be decided
};

struct Timer {
  enum class Kind : std::uint8_t { heartbeat, transport_retry, destination_revive, destination_resume, agent_delay };
  std::uint64_t serial = 0;
  Seconds due{0};
  Kind kind{};
  std::string transport;      // transport_retry
  DestinationId destination;  // destination_*
  AgentId agent;              // agent_delay
};

struct State {
  Config config;

  Seconds last_event{0};  // by the wall clock

  // Steady time: never runs backward (spec/scheduling.md, conventions).
  Seconds steady{0};                   // when it was read last
  std::optional<Seconds> steady_read;  // what the wall clock said then
  Seconds slew_rest{0};
  bool slewing = false;

  std::vector<Timer> timers;       // by due time, equal ones in order of setting
  std::uint64_t round_serial = 0;  // those with a higher serial have been set in this round
  Scan incoming, deferred;
  Queue first = Queue::incoming;
  Import import;

  std::map<MessageId, Message> messages;
  std::map<std::string, Transport> transports;
  std::vector<std::string> transport_order;  // circular cursor list
  std::map<DestinationId, Destination> destinations;
  std::map<JobId, Job> jobs;
  std::map<EntryId, Entry> entries;
  std::map<AgentId, Agent> agents;
  std::map<TicketId, Ticket> tickets;
  int recipients = 0;  // in entries of all messages

  // Each kind of id that a world sees counts for itself.
  std::uint64_t last_message = 0, last_agent = 0, last_ticket = 0;
  std::uint64_t last_id = 0;  // all others
};

}  // namespace weir::model
