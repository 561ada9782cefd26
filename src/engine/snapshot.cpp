// The engine's state as an outsider would name it (contract/snapshot.hpp).
#include <algorithm>
#include <string_view>
#include <utility>

#include "engine/engine.hpp"

namespace weir::engine {
namespace {

std::string_view name_of(Timer::Kind kind) {
  switch (kind) {
    case Timer::Kind::heartbeat: return "heartbeat";
    case Timer::Kind::transport_retry: return "transport_retry";
    case Timer::Kind::destination_revive: return "destination_revive";
    case Timer::Kind::destination_resume: return "destination_resume";
    case Timer::Kind::agent_delay: return "agent_delay";
  }
  return "?";
}

Snapshot::Scan picture(const Scan& scan) {
  Snapshot::Scan out;
  out.open = scan.open;
  out.all = scan.open && scan.current.all;
  out.lift = scan.open && scan.current.lift;
  out.next_start = scan.next.start;
  out.next_all = scan.next.all;
  out.next_lift = scan.next.lift;
  out.next_revive = scan.next.revive;
  return out;
}

}  // namespace

class Engine::Painter {
 public:
  explicit Painter(const Engine& engine) : e_(engine) {}

  [[nodiscard]] Snapshot paint() const {
    Snapshot out;
    out.steady = e_.steady_;
    out.incoming = picture(e_.incoming_);
    out.deferred = picture(e_.deferred_);
    out.first = e_.first_;
    out.recipients = e_.recipients_;
    e_.message_ids_.for_each([&](Ref<Message> m) { out.messages.push_back(message(m)); });
    std::sort(out.messages.begin(), out.messages.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    for (const Transport* t : e_.transport_order_) out.transports.push_back(transport(*t));
    e_.agent_ids_.for_each([&](Ref<Agent> a) { out.agents.push_back(e_.agents_[a].id); });
    std::sort(out.agents.begin(), out.agents.end());
    for (const auto& ticket : e_.tickets_) out.tickets.push_back(TicketId{ticket.first});
    std::sort(out.tickets.begin(), out.tickets.end());
    out.timers = timers();
    return out;
  }

 private:
  [[nodiscard]] MessageId id_of(Ref<Job> j) const { return e_.messages_[e_.jobs_[j].message].id; }
  [[nodiscard]] std::optional<MessageId> owner(Ref<Job> j) const {
    if (!j) return std::nullopt;
    return id_of(j);
  }
  [[nodiscard]] Seconds when(Age age) const { return e_.steady_at(age); }

  [[nodiscard]] Snapshot::Message message(Ref<Message> m) const {
    const Message& in = e_.messages_[m];
    Snapshot::Message out;
    out.id = in.id;
    out.queue_id = in.queue_id;
    out.stage = static_cast<std::int64_t>(in.stage);
    out.queued = when(in.queued);
    out.refilled = when(in.refilled);
    out.reading = in.reading;
    out.more = in.more;
    out.deferred = in.deferred;
    out.unread = in.unread;
    out.in_core = in.in_core;
    out.room = in.room;
    out.entries = in.refs;
    out.disposals = in.disposals;
    for (Ref<Job> j = in.first_job; j; j = e_.jobs_[j].next_of_message) {
      const Job& job = e_.jobs_[j];
      if (job.is_linked()) continue;
      out.retired.push_back({job.transport->name, job.read, job.selected, job.avail, job.used, job.in_core, job.room});
    }
    return out;
  }

  [[nodiscard]] Snapshot::Job job(Ref<Job> j) const {
    const Job& in = e_.jobs_[j];
    Snapshot::Job out;
    out.message = id_of(j);
    out.level = in.level;
    out.parent = owner(in.parent);
    for (Ref<Job> c = in.first_child; c; c = e_.jobs_[c].in_siblings.next) out.children.push_back(id_of(c));
    out.blocked = e_.is_blocked(in);
    out.read = in.read;
    out.selected = in.selected;
    out.avail = in.avail;
    out.used = in.used;
    out.in_core = in.in_core;
    out.room = in.room;
    if (!in.ring_front) return out;
    Ref<Peer> p = in.ring_front;
    do {
      const Peer& peer = e_.peers_[p];
      std::int64_t waiting = 0;
      for (Ref<Entry> x = peer.waiting.front(); x; x = WaitingList::next(e_.entries_, x)) waiting += 1;
      out.peers.push_back({e_.destinations_[peer.destination].name, waiting, peer.entries});
      p = in.ring.next(e_.peers_, p);
      if (!p) p = in.ring.first();
    } while (p != in.ring_front);
    return out;
  }

  [[nodiscard]] Snapshot::Destination destination(Ref<Destination> d) const {
    const Destination& in = e_.destinations_[d];
    Snapshot::Destination out;
    out.name = in.name;
    out.nexthop = in.nexthop();
    out.window = in.window;
    out.success = in.success;
    out.failure = in.failure;
    out.cohorts = in.cohorts;
    out.busy = in.busy;
    out.blocks = e_.blocks(in);
    if (in.reason) out.reason = *in.reason;
    out.cache_flags = in.cache_flags;
    out.last_done = in.last_done;
    out.warn_at = in.warn_at;
    for (Ref<Entry> x = in.todo.front(); x; x = TodoList::next(e_.entries_, x)) {
      Snapshot::Entry entry;
      entry.message = e_.messages_[e_.message_of(e_.entries_[x])].id;
      for (const Recipient& r : e_.entries_[x].recipients.unpack()) entry.recipients.push_back(r.offset);
      out.todo.push_back(std::move(entry));
    }
    return out;
  }

  [[nodiscard]] Snapshot::Transport transport(const Transport& in) const {
    Snapshot::Transport out;
    out.name = in.name;
    out.pending = in.pending;
    out.dead = in.dead;
    out.rate_locked = in.rate_locked;
    out.pool = in.pool;
    out.current = owner(in.current);
    out.next_unread = owner(in.next_unread);
    if (in.candidate_for) {
      out.candidate = owner(in.candidate);
      out.candidate_for = owner(in.candidate_for);
      out.candidate_at = in.candidate_at;
    }
    for (const Ref<Agent> a : in.ready) out.ready.push_back(e_.agents_[a].id);
    if (in.suspended) out.suspended = owner(in.suspended->job);
    for (Ref<Destination> d = in.destinations.front(); !e_.round_robin_ && d;
         d = DestinationList::next(e_.destinations_, d)) {
      out.destinations.push_back(destination(d));
    }
    for (Ref<Spoke> x = in.wheel.front(); x; x = in.wheel.next(x)) {
      out.destinations.push_back(destination(in.wheel.destination(x)));
    }
    for (Ref<Job> j = in.jobs.first(); j; j = in.jobs.next(e_.jobs_, j)) out.jobs.push_back(job(j));
    return out;
  }

  [[nodiscard]] std::vector<Snapshot::Timer> timers() const {
    std::vector<Ref<Timer>> order = e_.timers_.heap();
    std::sort(order.begin(), order.end(), [&](Ref<Timer> a, Ref<Timer> b) {
      const Timer& x = e_.timers_[a];
      const Timer& y = e_.timers_[b];
      return x.due != y.due ? x.due < y.due : x.serial < y.serial;
    });
    std::vector<Snapshot::Timer> out;
    for (const Ref<Timer> ref : order) {
      const Timer& timer = e_.timers_[ref];
      Snapshot::Timer picture_of_it{timer.due, std::string(name_of(timer.kind)), ""};
      if (timer.kind == Timer::Kind::transport_retry) picture_of_it.what = timer.transport->name;
      if (timer.destination) {
        const Destination& d = e_.destinations_[timer.destination];
        picture_of_it.what = d.transport->name + ' ' + d.name;
      }
      out.push_back(std::move(picture_of_it));
    }
    return out;
  }

  const Engine& e_;
};

Snapshot Engine::snapshot() const { return Painter(*this).paint(); }

}  // namespace weir::engine
