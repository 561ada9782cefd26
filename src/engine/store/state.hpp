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

// Seconds of steady time since the engine read it first; steady time never runs backward.
using Age = std::uint32_t;

// With many thousands of messages held, an event costs the time in which memory brings what it touches. So the objects
// that most events touch begin on a line of memory, and what is used together stands together in them.

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
struct alignas(kCacheLine) Peer {
  TreeLinks<Peer> in_ring;         // the job's cursor list
  TreeLinks<Peer> in_job;          // by destination
  TreeLinks<Peer> in_destination;  // those that wait for the destination, in the order of the schedule
  Ref<Job> job;
  Ref<Destination> destination;
  WaitingList waiting;
  std::uint32_t entries : 28 = 0;  // waiting and running
  bool indexed : 1 = false;        // is in in_destination
  bool open : 1 = false;           // first of a destination that can take an entry
  bool any_open : 1 = false;       // in this part of the ring
  bool unmarked : 1 = false;       // filled while its job was blocked: it has not marked its destination
  std::uint64_t filled = 0;        // when entries began to wait (Engine's serial)
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
using PeersByDestination = Tree<Peer, &Peer::in_job, NoSummary, TreeEnds::unknown>;
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

// What one job adds to it: a total and a need if it is a possible candidate.
struct JobFacts {
  std::uint32_t total = JobSummary::kNever, need = JobSummary::kNever;
  std::uint8_t bits = 0;
  bool may_end_search = false, alone = false;
  friend bool operator==(const JobFacts&, const JobFacts&) = default;
};

// One message on one transport. Its recipients on the way are counted in 32 bits: a queue file that goes beyond would
// have more than 30 GB.
struct alignas(kCacheLine) Job {
  // What the schedule's summary touches on its way up.
  TreeLinks<Job> in_schedule;
  JobFacts own;
  JobSummary sum;
  Age queued = 0;  // of its message
  std::int32_t level = -1;
  std::uint64_t label = 0;  // grows along the schedule list

  Ref<Message> message;
  std::uint32_t in_core = 0;
  Ref<Job> parent, first_child, last_child;
  Ref<Job> next_of_message;
  Transport* transport = nullptr;
  std::uint32_t read = 0, selected = 0;
  std::int64_t avail = 0, used = 0, room = 0;

  std::uint64_t unblocked_epoch = 0, unblocked_at = 0;  // when new entries last unblocked it
  std::uint64_t linked = 0;                             // when it was linked last: order among equal ages
  PeerRing ring;
  Ref<Peer> ring_front;
  PeersByDestination peers;
  TreeLinks<Job> in_unread;  // of the transport: jobs with unread recipients, by age
  ListLinks<Job> in_siblings;
  [[nodiscard]] bool is_linked() const { return level >= 0; }
  [[nodiscard]] bool has_entries() const { return selected < read; }
  // Of a stretch that is this job.
  [[nodiscard]] JobSummary alone_summary() const;
  void reset() { *this = {}; }
};
struct ScheduleSummary {
  static bool sum(Job& job, const Job* left, const Job* right);
};
using Schedule = Tree<Job, &Job::in_schedule, ScheduleSummary>;
static_assert(sizeof(Job) == 3 * kCacheLine && sizeof(Peer) == kCacheLine);
using UnreadJobs = Tree<Job, &Job::in_unread>;

// --- destinations ------------------------------------------------------------------------------------

struct alignas(kCacheLine) Destination {
  // What every recipient and every delivery for it touches: two lines.
  std::string name;
  TodoList todo;
  WaitingPeers peers;
  std::int32_t window = 0;  // > 0 ready with this concurrency, 0 throttled, -1 suspended by a rate delay
  std::uint32_t busy = 0, todo_count = 0;

  Transport* transport = nullptr;
  std::uint64_t epoch = 0;           // equals the transport's: marked as blocking
  std::uint32_t capacity_place = 0;  // in the transport's index of free capacity; a spoke with round robin
  Ref<Peer> open_peer;
  unsigned cache_flags = 0;
  bool named_by_nexthop = false;
  double success = 0, failure = 0, cohorts = 0;
  Seconds last_done{0};

  ListLinks<Destination> in_waiting;    // those for which something waits
  ListLinks<Destination> in_dead;       // the throttled ones
  ListLinks<Destination> in_transport;  // in creation order
  std::uint64_t serial = 0;             // creation order
  std::uint32_t name_hash = 0;
  Ref<Timer> revive, resume;
  Seconds warn_at{0};
  std::unique_ptr<Dsn> reason;  // while throttled
  std::string other_nexthop;    // unless the name is the next hop
  [[nodiscard]] Ref<Spoke> spoke() const { return {capacity_place}; }
  [[nodiscard]] const std::string& nexthop() const { return named_by_nexthop ? name : other_nexthop; }
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

struct alignas(kCacheLine) Message {
  struct Rare {  // what few messages have
    std::optional<std::string> filter, redirect;
  };
  // What every choice and every delivery asks.
  MessageId id;
  std::uint32_t refs = 0, in_core = 0;
  std::int64_t unread = 0, room = 0;
  Ref<Job> first_job, last_job;
  Age queued = 0, refilled = 0;
  std::uint32_t disposals = 0;
  unsigned trace_flags = 0;
  Stage stage = Stage::admitting;
  bool flush_each : 1, lift : 1, expire : 1, reading : 1, more : 1, single : 1, deferred : 1;
  bool inspect : 1, success_notify : 1, has_trace_record : 1;

  std::string queue_id, sender;

  Time arrival, active_arrival;
  Seconds create_time{0}, warn_time{0};
  std::vector<Recipient> batch;  // while the resolver is asked
  std::unique_ptr<Rare> rare;
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
