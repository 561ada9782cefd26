// Snapshot: a comparable picture of what a brain holds, in the words of spec/scheduling.md.
//
// Both brains fill it, each from its own state; after the same events the two are equal. Things are named as an
// outsider would name them (queue ids, transports, destinations), never by internal ids. Order is part of the picture
// wherever it decides something. For tests, properties and the explorer; the daemon never makes one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "contract/dsn.hpp"
#include "contract/id.hpp"
#include "contract/time.hpp"

namespace weir {

struct Snapshot {
  // One delivery request in the making or under way; recipients are their offsets in the queue file.
  struct Entry {
    MessageId message;
    std::vector<std::int64_t> recipients;
    template <class V>
    void fields(V&& v) const {
      v("message", message);
      v("recipients", recipients);
    }
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  struct Peer {  // in cursor order
    std::string destination;
    std::int64_t waiting = 0, entries = 0;
    template <class V>
    void fields(V&& v) const {
      v("destination", destination);
      v("waiting", waiting);
      v("entries", entries);
    }
    friend bool operator==(const Peer&, const Peer&) = default;
  };

  struct Job {
    MessageId message;
    std::int64_t level = -1;
    std::optional<MessageId> parent;
    std::vector<MessageId> children;
    bool blocked = false;
    std::int64_t read = 0, selected = 0, avail = 0, used = 0, in_core = 0, room = 0;
    std::vector<Peer> peers;
    template <class V>
    void fields(V&& v) const {
      v("message", message);
      v("level", level);
      v("parent", parent);
      v("children", children);
      v("blocked", blocked);
      v("read", read);
      v("selected", selected);
      v("avail", avail);
      v("used", used);
      v("in_core", in_core);
      v("room", room);
      v("peers", peers);
    }
    friend bool operator==(const Job&, const Job&) = default;
  };

  struct Destination {
    std::string name, nexthop;
    std::int64_t window = 0;
    double success = 0, failure = 0, cohorts = 0;
    std::vector<Entry> todo;
    std::int64_t busy = 0;
    bool blocks = false;  // some job found itself blocked by it
    Dsn reason;
    unsigned cache_flags = 0;
    Seconds last_done{0}, warn_at{0};
    template <class V>
    void fields(V&& v) const {
      v("name", name);
      v("nexthop", nexthop);
      v("window", window);
      v("success", success);
      v("failure", failure);
      v("cohorts", cohorts);
      v("todo", todo);
      v("busy", busy);
      v("blocks", blocks);
      v("reason", reason);
      v("cache_flags", cache_flags);
      v("last_done", last_done);
      v("warn_at", warn_at);
    }
    friend bool operator==(const Destination&, const Destination&) = default;
  };

  struct Transport {
    std::string name;
    std::int64_t pending = 0;
    std::optional<Dsn> dead;
    bool rate_locked = false;
    std::int64_t pool = 0;
    std::vector<Destination> destinations;  // in creation order
    std::vector<Job> jobs;                  // the schedule list
    std::optional<MessageId> current, next_unread, candidate, candidate_for;
    Seconds candidate_at{0};
    std::vector<AgentId> ready;
    std::optional<MessageId> suspended;  // the choice that waits for a read
    template <class V>
    void fields(V&& v) const {
      v("name", name);
      v("pending", pending);
      v("dead", dead);
      v("rate_locked", rate_locked);
      v("pool", pool);
      v("destinations", destinations);
      v("jobs", jobs);
      v("current", current);
      v("next_unread", next_unread);
      v("candidate", candidate);
      v("candidate_for", candidate_for);
      v("candidate_at", candidate_at);
      v("ready", ready);
      v("suspended", suspended);
    }
    friend bool operator==(const Transport&, const Transport&) = default;
  };

  struct RetiredJob {  // off the lists, still known
    std::string transport;
    std::int64_t read = 0, selected = 0, avail = 0, used = 0, in_core = 0, room = 0;
    template <class V>
    void fields(V&& v) const {
      v("transport", transport);
      v("read", read);
      v("selected", selected);
      v("avail", avail);
      v("used", used);
      v("in_core", in_core);
      v("room", room);
    }
    friend bool operator==(const RetiredJob&, const RetiredJob&) = default;
  };

  struct Message {
    MessageId id;
    std::string queue_id;
    std::int64_t stage = 0;
    Seconds queued{0}, refilled{0};
    bool reading = false, more = false, deferred = false;
    std::int64_t unread = 0, in_core = 0, room = 0, entries = 0, disposals = 0;
    std::vector<RetiredJob> retired;  // in creation order
    template <class V>
    void fields(V&& v) const {
      v("id", id);
      v("queue_id", queue_id);
      v("stage", stage);
      v("queued", queued);
      v("refilled", refilled);
      v("reading", reading);
      v("more", more);
      v("deferred", deferred);
      v("unread", unread);
      v("in_core", in_core);
      v("room", room);
      v("entries", entries);
      v("disposals", disposals);
      v("retired", retired);
    }
    friend bool operator==(const Message&, const Message&) = default;
  };

  struct Timer {  // in the order in which they run
    Seconds due{0};
    std::string kind, what;
    template <class V>
    void fields(V&& v) const {
      v("due", due);
      v("kind", kind);
      v("what", what);
    }
    friend bool operator==(const Timer&, const Timer&) = default;
  };

  struct Scan {
    bool open = false, all = false, lift = false;
    bool next_start = false, next_all = false, next_lift = false, next_revive = false;
    template <class V>
    void fields(V&& v) const {
      v("open", open);
      v("all", all);
      v("lift", lift);
      v("next_start", next_start);
      v("next_all", next_all);
      v("next_lift", next_lift);
      v("next_revive", next_revive);
    }
    friend bool operator==(const Scan&, const Scan&) = default;
  };

  Seconds steady{0};
  Scan incoming, deferred;
  Queue first{};
  std::int64_t recipients = 0;        // in entries of all messages
  std::vector<Message> messages;      // by id
  std::vector<Transport> transports;  // in cursor order
  std::vector<AgentId> agents;        // by id
  std::vector<TicketId> tickets;      // by id
  std::vector<Timer> timers;
  template <class V>
  void fields(V&& v) const {
    v("steady", steady);
    v("incoming", incoming);
    v("deferred", deferred);
    v("first", first);
    v("recipients", recipients);
    v("messages", messages);
    v("transports", transports);
    v("agents", agents);
    v("tickets", tickets);
    v("timers", timers);
  }
  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

}  // namespace weir
