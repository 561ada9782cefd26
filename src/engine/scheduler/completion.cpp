// Entries: how they come to be, wait, end and are moved away. Spec: spec/scheduling.md ("Completion").
#include <string_view>
#include <utility>

#include "engine/engine.hpp"

namespace weir::engine {
namespace {

//= R-STD-01
bool is_status_code(std::string_view code) {
  if (code.size() < 5 || code[1] != '.' || (code[0] != '2' && code[0] != '4' && code[0] != '5')) return false;
  std::size_t digits = 0;
  std::size_t dots = 0;
  for (const char c : code.substr(2)) {
    if (c == '.') {
      if (digits == 0 || ++dots > 1) return false;
      digits = 0;
    } else if (c < '0' || c > '9' || ++digits > 3) {
      return false;
    }
  }
  return dots == 1 && digits > 0;
}

}  // namespace

void Engine::on(const Delivered& event) {
  const Ref<Agent> a = agent_ids_.find(agents_, event.agent);
  if (!a || !agents_[a].entry) return;
  const Ref<Entry> e = agents_[a].entry;
  Transport& t = *agents_[a].transport;
  release_agent(a);
  const Ref<Destination> d = destination_of(entries_[e]);

  bool reason_given = !event.dsn.text.empty();
  Ref<Destination> retry;
  if (event.try_again || !event.complete) {
    messages_[message_of(entries_[e])].deferred = true;
    if (!event.complete && config_.habits.crash_kills_transport) {
      log(LogTransportFailure{t.name});
      transport_dies(t, {"4.3.0", "unknown mail transport error"});
    } else if (!event.dsn.code.empty()) {  // trouble with the destination
      reason_given = true;
      if (destinations_[d].window > 0) {
        Dsn reason{is_status_code(event.dsn.code) ? event.dsn.code : "4.0.0",
                   config_.habits.defers_itself ? "" : "delivery temporarily suspended: "};
        reason.text += event.dsn.text.empty() ? std::string("unknown error") : event.dsn.text;
        negative_feedback(d, reason);
        if (destinations_[d].window == 0) retry = move_entries(d, reason);  //= R-PAR-030
      }
    }
  }
  if (event.complete) {
    recover_transport(t);
    if (!reason_given) positive_feedback(d);
  } else {
    t.rate_locked = false;  // DV-02
  }
  const std::uint64_t serial = retry ? destinations_[retry].serial : 0;
  end_entry(e, true);
  // It may have been the destination itself, and be gone.
  if (retry && destinations_[retry].serial == serial) delete_if_idle(retry);
}

// --- peers -------------------------------------------------------------------------------------------

Ref<Peer> Engine::find_peer(const Job& job, Ref<Destination> d) const {
  const Ref<Peer> p =
      job.peers.first_where(peers_, [&](const Peer& peer) { return peer.destination.place >= d.place; });
  return p && peers_[p].destination == d ? p : Ref<Peer>{};
}

// A new peer is last in the ring: just before its front.
Ref<Peer> Engine::obtain_peer(Ref<Job> j, Ref<Destination> d) {
  Job& job = jobs_[j];
  if (const Ref<Peer> found = find_peer(job, d)) return found;
  const Ref<Peer> p = peers_.take();
  Peer& peer = peers_[p];
  peer.job = j;
  peer.destination = d;
  Ref<Peer> after;
  if (job.ring_front) after = job.ring.previous(peers_, job.ring_front);
  if (!after) after = job.ring.last();
  job.ring.insert_after(peers_, after, p);
  if (!job.ring_front) job.ring_front = p;
  job.peers.insert(peers_, p, [](const Peer& x, const Peer& y) { return x.destination.place < y.destination.place; });
  return p;
}

void Engine::drop_peer(Ref<Peer> p) {
  Job& job = jobs_[peers_[p].job];
  if (job.ring_front == p) {
    const Ref<Peer> after = job.ring.next(peers_, p);
    job.ring_front = after ? after : job.ring.first();
    if (job.ring_front == p) job.ring_front = {};
  }
  job.ring.erase(peers_, p);
  job.peers.erase(peers_, p);
  peers_.release(p);
}

// --- entries -----------------------------------------------------------------------------------------

Ref<Message> Engine::message_of(const Entry& entry) const {
  return round_robin_ ? entry.in_turn.message : jobs_[peers_[entry.peer].job].message;
}

Ref<Destination> Engine::destination_of(const Entry& entry) const {
  return round_robin_ ? entry.in_turn.destination : peers_[entry.peer].destination;
}

void Engine::put_into_todo(Ref<Entry> e, Ref<Destination> d) {
  Destination& destination = destinations_[d];
  if (destination.todo.empty()) destination.transport->waiting_destinations.push_back(destinations_, d);
  destination.todo.push_back(entries_, e);
  destination.todo_count += 1;
}

void Engine::take_from_todo(Ref<Entry> e, Ref<Destination> d) {
  Destination& destination = destinations_[d];
  destination.todo.erase(entries_, e);
  destination.todo_count -= 1;
  if (destination.todo.empty()) destination.transport->waiting_destinations.erase(destinations_, d);
}

void Engine::put_into_waiting(Ref<Entry> e, bool in_front) {
  const Ref<Peer> p = entries_[e].peer;
  Peer& peer = peers_[p];
  put_into_todo(e, peer.destination);
  if (peer.waiting.empty()) {
    peer.filled = ++last_serial_;
    if (jobs_[peer.job].is_linked()) index_peer(p);
  }
  if (in_front) {
    peer.waiting.push_front(entries_, e);
  } else {
    peer.waiting.push_back(entries_, e);
  }
}

void Engine::take_from_waiting(Ref<Entry> e) {
  const Ref<Peer> p = entries_[e].peer;
  Peer& peer = peers_[p];
  if (peer.waiting.front() == e && peer.waiting.back() == e) {
    keep_mark(p);
    peer.unmarked = false;
    unindex_peer(p);
  }
  peer.waiting.erase(entries_, e);
  take_from_todo(e, peer.destination);
}

Ref<Entry> Engine::create_entry(Ref<Message> m, Ref<Job> j, Ref<Peer> p) {
  const Ref<Entry> e = entries_.take();
  entries_[e].peer = p;
  put_into_waiting(e, false);
  ++peers_[p].entries;
  jobs_[j].read += 1;
  did_create_entry(m, peers_[p].destination);
  return e;
}

void Engine::did_create_entry(Ref<Message> m, Ref<Destination> d) {
  messages_[m].refs += 1;
  did_change_capacity(d);
  did_change_message(m);
  clog_check(d);
}

// In this order: off the lists, recipients out of memory, slots back, the destination, the message.
void Engine::end_entry(Ref<Entry> e, bool was_running) {
  const Ref<Peer> p = entries_[e].peer;
  const Ref<Destination> d = destination_of(entries_[e]);
  const Ref<Message> m = message_of(entries_[e]);
  const Ref<Job> j = round_robin_ ? Ref<Job>{} : peers_[p].job;
  Destination& destination = destinations_[d];
  Message& message = messages_[m];
  const std::uint32_t count = entries_[e].recipients.count();
  if (was_running) {
    destination.busy -= 1;
  } else if (round_robin_) {
    take_from_todo(e, d);
  } else {
    take_from_waiting(e);
    jobs_[j].selected += 1;
  }
  entries_[e].recipients.release(texts_);
  entries_.release(e);
  did_change_capacity(d);

  message.in_core -= count;
  recipients_ -= count;
  if (j) jobs_[j].in_core -= count;
  did_change_message(m);
  if (j) give_back_slots_of(j);

  if (was_running && destination.transport->config.destination_rate_delay > Seconds{0}) suspend(d);  //= R-PAR-070
  if (destination.window >= 0) unblock_check(d);
  if (p) {
    --peers_[p].entries;
    if (peers_[p].entries == 0) drop_peer(p);
  }
  if (was_running) destination.last_done = clock();
  if (is_idle(destination)) {
    //= R-PAR-012
    if (destination.window == 0 &&
        destinations_.size() > 2 * static_cast<std::size_t>(config_.message_recipient_limit)) {
      mark(Rule::par_012);
      unthrottle(d);
    }
    delete_if_idle(d);
  }
  message.refs -= 1;
  did_change_message(m);
  if (reads_early(message)) {
    mark(Rule::par_023);
    ask_for_recipients(m);
  } else {
    check_finished(m);
  }
}

// Recipients of this job have left memory: which jobs of its message give slots back for it.
void Engine::give_back_slots_of(Ref<Job> j) {
  const Message& message = messages_[jobs_[j].message];
  for (Ref<Job> s = message.first_job; s; s = jobs_[s].next_of_message) {
    const Job& sibling = jobs_[s];
    if (s == j || static_cast<std::int64_t>(sibling.in_core) >= sibling.room) continue;
    if (!sibling.is_linked() || !message.more) give_back_slots(s);
  }
  if (!message.more) give_back_slots(j);
}

// Waiting entries of a dead destination or transport go to the retry transport, which defers them with the reason;
// when that is unusable they are deferred here and now. Oldest first, but newest first with round robin. The result is
// the destination at the retry transport, if there is one.
Ref<Destination> Engine::move_entries(Ref<Destination> d, const Dsn& reason) {
  mark(Rule::par_030);
  const bool itself = config_.habits.defers_itself;
  Ref<Destination> r;
  bool usable = false;
  if (!itself && !retry_transport().dead) {
    const std::string text = reason.code + ' ' + reason.text;
    r = obtain_destination(retry_transport(), text, text);
    usable = destinations_[r].window != 0;
  }
  const auto& todo = destinations_[d].todo;
  const Ref<Entry> last = round_robin_ ? todo.front() : todo.back();
  while (const Ref<Entry> old = round_robin_ ? todo.back() : todo.front()) {
    const Ref<Message> m = message_of(entries_[old]);
    if (usable && round_robin_) {
      const Ref<Entry> moved = create_entry_in_turn(m, r);
      entries_[moved].recipients.take_over(entries_[old].recipients);
    } else if (usable) {
      const Ref<Job> source = peers_[entries_[old].peer].job;
      const Ref<Job> j = obtain_job(m, retry_transport());
      const Ref<Entry> moved = create_entry(m, j, obtain_peer(j, r));
      entries_[moved].recipients.take_over(entries_[old].recipients);
      const std::uint32_t count = entries_[moved].recipients.count();
      jobs_[j].in_core += count;
      jobs_[source].in_core -= count;
    } else {
      for (const Recipient& recipient : entries_[old].recipients.unpack()) defer_directly(m, recipient, reason);
    }
    end_entry(old, false);
    if (old == last) break;
  }
  return r;
}

}  // namespace weir::engine
