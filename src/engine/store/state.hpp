// What the engine holds, in the words of spec/scheduling.md. Plain objects, linked by 32-bit places.
//
// Everything that a decision needs to find is kept in an order in which it is found at once; who changes a fact
// tells the index (Engine::did_...). invariants.cpp recounts all of it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "contract/command.hpp"
#include "contract/config.hpp"
#include "contract/event.hpp"
#include "engine/store/id_map.hpp"
#include "engine/store/list.hpp"
#include "engine/store/name_table.hpp"
#include "engine/store/packed_recipients.hpp"
#include "engine/store/pool.hpp"
#include "engine/store/prefix_tree.hpp"
#include "engine/store/text_pool.hpp"
#include "engine/store/tree.hpp"
#include "engine/store/wheel.hpp"

namespace weir::engine {

struct Message;
struct Transport;
struct Destination;
struct Job;
struct Peer;
struct Entry;
struct Agent;
struct Timer;

// Seconds of steady time since the engine's first event; steady time never runs backward.
using Age = std::uint32_t;

// --- timers ------------------------------------------------------------------------------------------

struct Timer {
  enum class Kind : std::uint8_t { heartbeat, transport_retry, destination_revive, destination_resume, agent_delay };
  Seconds due{0};
  std::uint64_t serial = 0;
  std::uint32_t heap_place = 0;
  Kind kind{};
  Transport* transport = nullptr;
  Ref<Destination> destination;
  Ref<Agent> agent;
  void reset() { *this = {}; }
};

// --- entries and peers -------------------------------------------------------------------------------

// One delivery request in the making. Round robin knows no peers: an entry belongs to a message and a destination.
struct Entry {
  struct Owners {
    Ref<Message> message;
    Ref<Destination> destination;
  };
  ListLinks<Entry> in_todo;  // of its destination, in order of creation
  union {
    ListLinks<Entry> in_waiting;  // of its peer
    Owners in_turn;               // round robin
  };
  Ref<Peer> peer;
  PackedRecipients recipients;
  Entry() : in_waiting{} {}
  void reset() { *this = Entry(); }
};
using TodoList = List<Entry, &Entry::in_todo>;
using WaitingList = List<Entry, &Entry::in_waiting>;

// The entries of one job for one destination.
struct Peer {
  TreeLinks<Peer> in_ring;         // the job's cursor list
  TreeLinks<Peer> in_job;          // by destination
  TreeLinks<Peer> in_destination;  // those that wait for the destination, in the order of the schedule
  Ref<Job> job;
  Ref<Destination> destination;
  WaitingList waiting;
  std::uint32_t entries = 0;  // waiting and running
  std::uint64_t filled = 0;   // when entries began to wait (Engine's serial)
  bool indexed = false;       // is in in_destination
  bool open = false;          // first of a destination that can take an entry
  bool any_open = false;      // in this part of the ring
  bool unmarked = false;      // filled while its job was blocked: it has not marked its destination
  void reset() { *this = {}; }
};
struct RingSummary {
  static bool sum(Peer& peer, const Peer* left, const Peer* right) {
    const bool any = peer.open || (left != nullptr && left->any_open) || (right != nullptr && right->any_open);
    const bool changed = any != peer.any_open;
    peer.any_open = any;
    return changed;
  }
};
using PeerRing = Tree<Peer, &Peer::in_ring, RingSummary>;
using PeersByDestination = Tree<Peer, &Peer::in_job>;
using WaitingPeers = Tree<Peer, &Peer::in_destination>;

// --- jobs --------------------------------------------------------------------------------------------

// What the choice must find out about a stretch of the schedule list without walking it.
struct JobSummary {
  static constexpr std::uint8_t kFresh = 1;    // somebody is unblocked although the sweep has passed
  static constexpr std::uint8_t kOpen = 2;     // somebody has an entry for a destination that can take one
  static constexpr std::uint8_t kSpecial = 4;  // somebody reads, would read, or has nothing left
  static constexpr std::uint32_t kNever = 0xffffffff;

  std::uint8_t bits = 0;
  std::uint32_t least_total = kNever, least_need = kNever;  // of the possible candidates
  Age oldest = kNever;                                      // of them
  Age youngest_stop = 0;                                    // 1 + the youngest that may end a search; 0 = none
  Age oldest_alone = kNever;                                // among jobs without a parent
  friend bool operator==(const JobSummary&, const JobSummary&) = default;
};

// One message on one transport.
struct Job {
  TreeLinks<Job> in_schedule;
  TreeLinks<Job> in_unread;  // of the transport: jobs with unread recipients, by age
  ListLinks<Job> in_siblings;
  JobSummary own, sum;
  std::uint64_t label = 0;   // grows along the schedule list
  std::uint64_t linked = 0;  // when it was linked last: order among equal ages
  Transport* transport = nullptr;
  Ref<Message> message;
  Ref<Job> next_of_message;
  Ref<Job> parent;
  std::int32_t level = -1;
  std::uint32_t in_core = 0;
  std::int64_t read = 0, selected = 0, avail = 0, used = 0, room = 0;
  std::uint64_t unblocked_epoch = 0, unblocked_at = 0;  // when new entries last unblocked it
  PeerRing ring;
  Ref<Peer> ring_front;
  PeersByDestination peers;
  Ref<Job> first_child, last_child;
  Age queued = 0;  // of its message
  bool in_unread_tree = false;
  [[nodiscard]] bool is_linked() const { return level >= 0; }
  [[nodiscard]] bool has_entries() const { return selected < read; }
  void reset() { *this = {}; }
};
struct ScheduleSummary {
  static bool sum(Job& job, const Job* left, const Job* right);
};
using Schedule = Tree<Job, &Job::in_schedule, ScheduleSummary>;
using UnreadJobs = Tree<Job, &Job::in_unread>;
using Siblings = List<Job, &Job::in_siblings>;

// --- destinations ------------------------------------------------------------------------------------

struct Destination {
  ListLinks<Destination> in_transport;  // in creation order
  ListLinks<Destination> in_dead;       // the throttled ones
  ListLinks<Destination> in_waiting;    // those for which something waits
  std::uint32_t name_hash = 0;
  Transport* transport = nullptr;
  std::uint64_t serial = 0;  // creation order
  std::string name, nexthop;
  std::int32_t window = 0;  // > 0 ready with this concurrency, 0 throttled, -1 suspended by a rate delay
  std::uint32_t busy = 0, todo_count = 0;
  double success = 0, failure = 0, cohorts = 0;
  TodoList todo;
  WaitingPeers peers;
  Ref<Peer> open_peer;
  std::uint64_t epoch = 0;  // equals the transport's: marked as blocking
  std::size_t prefix_place = 0;
  Ref<Spoke> spoke;             // round robin
  std::unique_ptr<Dsn> reason;  // while throttled
  unsigned cache_flags = 0;
  Seconds last_done{0}, warn_at{0};
  Ref<Timer> revive, resume;
  void reset();
};
using DestinationList = List<Destination, &Destination::in_transport>;
using DeadDestinations = List<Destination, &Destination::in_dead>;
using WaitingDestinations = List<Destination, &Destination::in_waiting>;

// --- transports --------------------------------------------------------------------------------------

struct Suspended {
  Ref<Job> job;  // none: it is gone
  bool first = false, second = false;
};

struct Transport {
  std::string name;
  TransportConfig config;
  bool takes_feedback_lines = true;  // not retry, not error
  std::int32_t pending = 0;
  std::optional<Dsn> dead;
  bool rate_locked = false;
  Ref<Timer> retry_timer;

  DestinationList destinations;
  std::size_t destination_count = 0;
  NameTable<Destination> names;
  DeadDestinations dead_destinations;        // in no order
  WaitingDestinations waiting_destinations;  // in no order
  PrefixTree capacity;
  Wheel wheel;  // in its place with round robin

  Schedule jobs;
  std::size_t job_count = 0;
  UnreadJobs unread;
  Ref<Job> current, next_unread;
  std::int64_t pool = 0;

  // Which jobs are blocked: those before `sweep` (none = all) that are not fresh. A new epoch unblocks them all.
  Ref<Job> sweep;
  std::uint64_t epoch = 1;

  Ref<Job> candidate, candidate_for;
  Seconds candidate_at{0};
  std::deque<Ref<Agent>> ready;
  std::optional<Suspended> suspended;
};

struct Agent {
  AgentId id;
  Transport* transport = nullptr;
  bool answered = false, failed = false;
  Ref<Entry> entry;
  void reset() { *this = {}; }
};

// --- messages ----------------------------------------------------------------------------------------

enum class Stage : std::uint8_t { admitting, active, bounce_log, bounce, file, trace, defer, warn };

struct Message {
  struct Rare {  // what few messages have
    std::optional<std::string> filter, redirect;
  };
  MessageId id;
  std::string queue_id, sender;
  std::unique_ptr<Rare> rare;
  std::vector<Recipient> batch;  // while the resolver is asked
  Time arrival, active_arrival;
  Seconds create_time{0}, warn_time{0};
  std::int64_t unread = 0, room = 0;
  std::uint32_t in_core = 0, refs = 0, disposals = 0;
  unsigned trace_flags = 0;
  Age queued = 0, refilled = 0;
  Ref<Job> first_job, last_job;
  Stage stage = Stage::admitting;
  bool flush_each : 1, lift : 1, expire : 1, reading : 1, more : 1, single : 1, deferred : 1;
  bool inspect : 1, success_notify : 1, has_trace_record : 1;
  Message() { reset(); }
  void reset();
};

struct Disposal {
  enum class Kind : std::uint8_t { defer, discard };
  Kind kind{};
  Recipient recipient;
  Dsn dsn;
  std::string status;
  std::vector<ServiceRequest> requests;
  std::size_t asked = 0;  // requests before this one are answered
  bool log_next = false;
};

struct Ticket {
  Ref<Message> message;
  std::optional<Disposal> disposal;
};

// --- scans -------------------------------------------------------------------------------------------

struct ScanFlags {
  bool start = false, all = false, lift = false;
  bool revive = false;  // only with late_scan_modifiers
};
struct Scan {
  bool open = false;
  ScanFlags current, next;
};
struct Import {
  bool active = false;
  std::uint8_t left = 0;  // queues still to be looked at
  Queue queue{};          // the one that is looked at
  std::optional<Queue> last_looked;
  bool began = false, yielded = false, imported_incoming = false;
  MessageId message;  // whose admission it waits for; 0 = none
  bool order_due = false;
};

}  // namespace weir::engine
