// What must hold after every event, recounted from scratch: the specification's invariants and the engine's indexes.
#include <algorithm>
#include <map>
#include <utility>

#include "engine/engine.hpp"

namespace weir::engine {

class Engine::Auditor {
 public:
  explicit Auditor(const Engine& engine) : e_(engine) {}

  [[nodiscard]] std::vector<std::string> audit() {
    expect(e_.message_ids_.size() <= static_cast<std::size_t>(e_.config_.active_limit),
           "more messages than the active limit");  //= R-QUE-03
    for (const Transport* t : e_.transport_order_) entries(*t);
    e_.message_ids_.for_each([this](Ref<Message> m) { message(m); });
    for (const Transport* t : e_.transport_order_) transport(*t);
    expect(recipients_ == e_.recipients_, "recipients in memory are miscounted");
    expect(reading_ == e_.reading_, "messages being read are miscounted");
    expect(asked_ == e_.asked_, "recipients at the resolver are miscounted");
    expect(probes_ == e_.probes_, "probes are miscounted");
    expect(jobs_seen_ == e_.jobs_.size(), "a job is lost");
    expect(destinations_seen_ == e_.destinations_.size(), "a destination is lost");
    std::size_t peers = 0;
    for (const auto& [job, count] : peers_of_) peers += count;
    expect(peers == e_.peers_.size(), "a peer is lost");
    std::size_t suspended = 0;
    for (const Transport* t : e_.transport_order_) suspended += t->suspended ? 1U : 0U;
    expect(suspended == e_.suspended_, "suspended choices are miscounted");
    return std::move(broken_);
  }

 private:
  void expect(bool holds, const std::string& what) {
    if (!holds) broken_.push_back(what);
  }

  void message(Ref<Message> m) {
    const Message& in = e_.messages_[m];
    std::int64_t in_core = 0;
    std::int64_t room = e_.config_.message_recipient_minimum;
    std::size_t entries = 0;
    for (Ref<Job> j = in.first_job; j; j = e_.jobs_[j].next_of_message) {
      const Job& job = e_.jobs_[j];
      jobs_seen_ += 1;
      slots_[job.transport] += job.room;
      in_core += job.in_core;
      room += job.room;
      entries += this->job(j);
      expect(job.message == m, in.queue_id + ": a job of another message");
    }
    recipients_ += in.in_core;
    reading_ += in.reading ? 1U : 0U;
    asked_ += static_cast<std::int64_t>(in.batch.size());
    const bool probe = in.stage != Stage::admitting && (in.trace_flags & kTraceVerifyMta) != 0;
    probes_ += probe ? 1U : 0U;
    expect(in.room == room, in.queue_id + ": room is not the minimum plus that of its jobs");
    if (e_.round_robin_) {  // running entries are found at their agents
      expect(!in.first_job, in.queue_id + ": a job");
      in_core = held_[m.place].recipients;
      entries = held_[m.place].entries;
    }
    expect(in.in_core == in_core, in.queue_id + ": its recipients in memory are miscounted");
    expect(in.refs == entries, in.queue_id + ": entries are miscounted");
  }

  // Round robin: what waits on the wheel of a transport, and what runs.
  void entries(const Transport& t) {
    if (!e_.round_robin_) return;
    std::map<std::uint32_t, std::size_t> running;
    const auto hold = [this](Ref<Entry> x) {
      const Entry& entry = e_.entries_[x];
      Held& held = held_[entry.in_turn.message.place];
      held.entries += 1;
      held.recipients += entry.recipients.count();
    };
    e_.agent_ids_.for_each([&](Ref<Agent> a) {
      const Agent& agent = e_.agents_[a];
      if (agent.transport != &t || !agent.entry) return;
      hold(agent.entry);
      running[e_.entries_[agent.entry].in_turn.destination.place] += 1;
    });
    for (Ref<Destination> d = t.destinations.front(); d; d = DestinationList::next(e_.destinations_, d)) {
      const Destination& in = e_.destinations_[d];
      expect(running[d.place] == in.busy, in.name + ": running deliveries are miscounted");
      expect(t.wheel.destination(in.spoke()) == d, in.name + ": not on its place of the wheel");
      for (Ref<Entry> x = in.todo.front(); x; x = TodoList::next(e_.entries_, x)) {
        hold(x);
        expect(e_.entries_[x].in_turn.destination == d, in.name + ": an entry of another destination");
        const int limit = t.config.recipient_limit;  //= R-PAR-038
        expect(limit == 0 || &t == e_.retry_ || e_.entries_[x].recipients.count() <= static_cast<std::uint32_t>(limit),
               "an entry above the recipient limit");
      }
    }
  }

  // Its entries, by way of its peers.
  std::size_t job(Ref<Job> j) {
    const Job& job = e_.jobs_[j];
    std::size_t entries = 0;
    std::size_t waiting_entries = 0;
    std::size_t by_destination = 0;
    for (Ref<Peer> p = job.ring.first(); p; p = job.ring.next(e_.peers_, p)) {
      const Peer& peer = e_.peers_[p];
      const Destination& d = e_.destinations_[peer.destination];
      peers_of_[j.place] += 1;
      if (e_.find_peer(job, peer.destination) == p) by_destination += 1;
      entries += peer.entries;
      std::size_t waiting = 0;
      for (Ref<Entry> x = peer.waiting.front(); x; x = WaitingList::next(e_.entries_, x)) {
        waiting += 1;
        expect(e_.entries_[x].peer == p, "an entry waits at another peer");
        const int limit = job.transport->config.recipient_limit;  //= R-PAR-038
        expect(limit == 0 || job.transport == e_.retry_ ||
                   e_.entries_[x].recipients.count() <= static_cast<std::uint32_t>(limit),
               "an entry above the recipient limit");
      }
      waiting_entries += waiting;
      expect(peer.entries >= waiting && peer.entries > 0, "a peer's entries are miscounted");
      expect(peer.job == j, "a peer of another job");
      expect(peer.indexed == (waiting > 0), d.name + ": a waiting peer is not indexed, or an idle one is");
      expect(peer.open == (d.open_peer == p), d.name + ": open peer at odds with its destination");
      expect(e_.find_peer(job, peer.destination) == p, d.name + ": a peer is not found");
    }
    expect(by_destination == peers_of_[j.place], "a peer is in one order only");
    expect(waiting_entries == job.read - job.selected, "waiting entries are miscounted");
    expect(job.selected <= job.read, "more selected than read");
    expect(!job.parent || job.level > 0, "a job with a parent has level 0");
    return entries;
  }

  void transport(const Transport& t) {
    std::size_t count = 0;
    bool before_current = static_cast<bool>(t.current);
    bool current_seen = !t.current;
    bool unread = false;
    std::uint64_t label = 0;
    for (Ref<Job> j = t.jobs.first(); j; j = t.jobs.next(e_.jobs_, j)) {
      const Job& job = e_.jobs_[j];
      const Message& message = e_.messages_[job.message];
      count += 1;
      expect(job.is_linked() && job.transport == &t, t.name + ": a stranger on the schedule list");
      expect(job.label > label, t.name + ": labels do not grow");
      label = job.label;
      if (t.current == j) {
        before_current = false;
        current_seen = true;
      }
      if (before_current) expect(e_.is_blocked(job), t.name + ": an unblocked job before the current one");
      unread |= message.more;
      expect(t.unread.has(e_.jobs_, j) == message.more, t.name + ": the index of unread jobs is wrong");
      const bool open = job.ring.root() && e_.peers_[job.ring.root()].any_open;
      expect(((job.own.bits & JobSummary::kOpen) != 0) == open, t.name + ": open bit is wrong");
      expect(((job.own.bits & JobSummary::kSpecial) != 0) == e_.is_special(job), t.name + ": special bit is wrong");
      expect(!open || !e_.is_blocked(job), t.name + ": a blocked job has an entry that can go");
      expect((job.own.bits & JobSummary::kFresh) == 0 || e_.is_swept(job), t.name + ": fresh before the sweep");
      if (job.parent) {
        expect(e_.jobs_[job.parent].label > job.label, t.name + ": a job stands behind its parent");
      }
      summary(t, j);
      if (!t.current && !t.suspended)
        expect(e_.is_blocked(job) || !open, t.name + ": no current job beside an open one");
    }
    expect(count == t.job_count, t.name + ": jobs are miscounted");
    expect(current_seen, t.name + ": the current job is not on the list");
    expect(t.pool <= 0 || !unread, t.name + ": free slots beside an unread job");
    expect(t.pool + slots_[&t] == t.config.recipient_pool, t.name + ": recipient slots do not add up");
    expect(t.pool >= -static_cast<std::int64_t>(t.config.extra_recipients),
           t.name + ": pool below minus the extra slots");
    expect(t.pending >= 0 && t.pending <= 2, t.name + ": more than two connections pending");
    capacity(t);
  }

  void summary(const Transport& t, Ref<Job> j) {
    const Job& job = e_.jobs_[j];
    JobSummary all = job.alone_summary();
    for (const Ref<Job> side : {job.in_schedule.left, job.in_schedule.right}) {
      if (!side) continue;
      const JobSummary& s = e_.jobs_[side].sum;
      all.bits = static_cast<std::uint8_t>(all.bits | s.bits);
      all.least_total = std::min(all.least_total, s.least_total);
      all.least_need = std::min(all.least_need, s.least_need);
      all.oldest = std::min(all.oldest, s.oldest);
      all.youngest_stop = std::max(all.youngest_stop, s.youngest_stop);
      all.oldest_alone = std::min(all.oldest_alone, s.oldest_alone);
    }
    expect(all == job.sum, t.name + ": a part of the schedule is summed up wrongly");
    const std::int64_t need = e_.most(job) - job.selected;
    const bool candidate = !job.first_child && need > 0;
    expect((job.own.need != JobSummary::kNever) == candidate, t.name + ": candidates are indexed wrongly");
    if (candidate) {
      expect(job.own.total == static_cast<std::uint64_t>(e_.most(job)), t.name + ": total is stale");
      expect(job.own.need == static_cast<std::uint64_t>(need), t.name + ": need is stale");
    }
    const bool stop = !job.first_child && job.level == 0;
    expect(job.own.may_end_search == stop, t.name + ": who ends a search is stale");
    expect(job.own.alone == !job.parent, t.name + ": parents are stale");
  }

  void capacity(const Transport& t) {
    std::vector<Ref<Destination>> order;  // that of the walk (spec/scheduling.md, "Allocation")
    for (Ref<Destination> d = t.destinations.front(); d; d = DestinationList::next(e_.destinations_, d)) {
      order.push_back(d);
    }
    expect(order.size() == t.destination_count, t.name + ": destinations are miscounted");
    destinations_seen_ += order.size();
    if (e_.round_robin_) {
      order.clear();
      for (Ref<Spoke> x = t.wheel.front(); x; x = t.wheel.next(x)) order.push_back(t.wheel.destination(x));
      expect(order.size() == t.destination_count, t.name + ": a destination is not on the wheel");
    }
    std::int64_t sum = 0;
    std::int64_t greatest = 0;
    for (const Ref<Destination> d : order) {
      destination(t, d);
      const Destination& in = e_.destinations_[d];
      if (in.window > 0) sum += std::min<std::int64_t>(in.window - static_cast<std::int64_t>(in.busy), in.todo_count);
      greatest = std::max(greatest, sum);
    }
    const std::int64_t known = e_.round_robin_ ? t.wheel.greatest() : t.capacity.greatest();
    expect(greatest == known, t.name + ": free capacity is wrong");
  }

  void destination(const Transport& t, Ref<Destination> d) {
    const Destination& in = e_.destinations_[d];
    std::size_t todo = 0;
    for (Ref<Entry> x = in.todo.front(); x; x = TodoList::next(e_.entries_, x)) todo += 1;
    expect(todo == in.todo_count, in.name + ": waiting entries are miscounted");
    expect(e_.find_destination(t, in.name) == d, in.name + ": not found by its name");
    Ref<Peer> open;
    if (e_.is_free(in) && !in.peers.empty()) open = in.peers.first();
    expect(open == in.open_peer, in.name + ": open for the wrong peer");
    expect((in.window == 0) == static_cast<bool>(in.reason), in.name + ": a reason without need, or none");
    expect((in.window == 0) == static_cast<bool>(in.revive), in.name + ": dead without a timer, or a timer too many");
    const std::int64_t limit = t.config.concurrency_limit;
    expect(limit == 0 || in.window <= limit, in.name + ": window above the limit");  //= R-PAR-026
    expect(limit == 0 || in.busy <= limit, in.name + ": more deliveries than the concurrency limit");
    expect(in.window >= -1, in.name + ": window below -1");
    expect(in.window != 0 || in.todo.empty(), in.name + ": waiting entries at a dead destination");
    expect(in.window <= 0 || !e_.is_idle(in), in.name + ": an idle destination was left behind");
  }

  const Engine& e_;
  std::vector<std::string> broken_;
  std::map<const Transport*, std::int64_t> slots_;
  std::map<std::uint32_t, std::size_t> peers_of_;
  struct Held {
    std::size_t entries = 0;
    std::int64_t recipients = 0;
  };
  std::map<std::uint32_t, Held> held_;  // by message
  std::int64_t recipients_ = 0, asked_ = 0;
  std::size_t reading_ = 0, probes_ = 0, jobs_seen_ = 0, destinations_seen_ = 0;
};

std::vector<std::string> Engine::broken_invariants() const { return Auditor(*this).audit(); }

}  // namespace weir::engine
