// The choice: which entry goes to an agent that has greeted. Spec: spec/scheduling.md ("Choosing").
#include "engine/engine.hpp"

namespace weir::engine {

Engine::Choice Engine::choose(Transport& t) { return round_robin_ ? choose_in_turn(t) : choose_job(t); }

// From the current job on, the first that has an entry to send. What is passed on the way is blocked from now on;
// next_to_look_at() knows where anything else happens, so the rest is passed by moving the sweep.
Engine::Choice Engine::choose_job(Transport& t) {
  Ref<Job> start;
  bool read_before = false;
  bool read_after = false;
  if (t.suspended) {
    const Suspended suspended = *t.suspended;
    t.suspended.reset();
    suspended_ -= 1;
    if (suspended.job && jobs_[suspended.job].is_linked()) {
      const Ref<Job> unblocked = first_unblocked(t);
      if (!unblocked || jobs_[unblocked].label >= jobs_[suspended.job].label) {
        start = suspended.job;
        read_before = suspended.first;
        read_after = suspended.second;
      }
    }
  }
  if (!start) {
    if (!t.current) return {};
    start = t.config.slot_cost >= 2 ? preempt(t, t.current) : t.current;
  }
  while (const Ref<Job> j = next_to_look_at(t)) {
    if (!is_swept(jobs_[j])) t.sweep = j;
    const bool resumed = j == start;
    start = {};
    const Choice choice = choose_peer(j, resumed && read_before, resumed && read_after);
    if (choice.suspended) return choice;
    if (choice.entry) return choice;
    if (jobs_[j].has_entries()) {
      did_block(j);
    } else {
      retire(j);
    }
  }
  t.sweep = {};
  t.current = {};
  return {};
}

// All its waiting entries are for destinations that can take none.
void Engine::did_block(Ref<Job> j) {
  Transport& t = *jobs_[j].transport;
  if (t.sweep == j) {
    t.sweep = t.jobs.next(jobs_, j);
  } else {
    set_fresh(j, false);
  }
}

// An entry of this job, reading more recipients when there is room for them. A read suspends the choice.
Engine::Choice Engine::choose_peer(Ref<Job> j, bool after_first_read, bool after_second_read) {
  const Job& job = jobs_[j];
  Transport& t = *job.transport;
  const Message& message = messages_[job.message];
  const auto suspend_choice = [&](bool first, bool second) {
    t.suspended = Suspended{j, first, second};
    suspended_ += 1;
    return Choice{{}, true};
  };
  if (message.reading) return suspend_choice(after_first_read, after_second_read);

  const bool may_read = message.more && message.refs > 0;
  const std::int64_t free = message.room - static_cast<std::int64_t>(message.in_core);
  if (may_read && free > 0 && !after_first_read && !config_.habits.late_reads) {
    const bool many = free >= t.config.refill_limit;
    if (many || read_steady() - steady_at(message.refilled) >= t.config.refill_delay) {
      mark(many ? Rule::par_018 : Rule::par_020);  //= R-PAR-018  //= R-PAR-020
      ask_for_recipients(job.message);
      return suspend_choice(true, false);
    }
  }
  if (const Ref<Peer> p = next_peer(job)) {
    const Ref<Entry> e = peers_[p].waiting.front();
    did_select(j, p);
    return {e, false};
  }
  if (may_read && !after_second_read && free > 0) {
    ask_for_recipients(job.message);
    return suspend_choice(true, true);
  }
  return {};
}

//= R-STR-09  round robin over the job's destinations
Ref<Peer> Engine::next_peer(const Job& job) const {
  const auto is_open = [](const Peer& peer) { return peer.open; };
  const auto has_open = [](const Peer& peer) { return peer.any_open; };
  const Ref<Peer> found = job.ring.first_marked_from(peers_, job.ring_front, is_open, has_open);
  return found ? found : job.ring.first_marked(peers_, is_open, has_open);
}

void Engine::did_select(Ref<Job> j, Ref<Peer> p) {
  Job& job = jobs_[j];
  Transport& t = *job.transport;
  const Ref<Destination> d = peers_[p].destination;
  mark(Rule::str_09);
  const Ref<Peer> after = job.ring.next(peers_, p);
  job.ring_front = after ? after : job.ring.first();
  take_from_waiting(peers_[p].waiting.front());
  destinations_[d].busy += 1;
  set_cache_flags(destinations_[d]);
  mark(Rule::par_043);
  job.selected += 1;
  job.avail += 1;  //= R-PAR-043
  job.used += 1;
  if (t.candidate_for != j) t.candidate_for = {};
  t.current = j;
  did_change_capacity(d);
  did_change_job(j);
  if (!job.has_entries() && !messages_[job.message].more) retire(j);
}

// The request could not be sent: the entry waits again, last at its destination, first of its job. What the choice
// did to the job stays.
void Engine::unselect(Ref<Entry> e) {
  const Ref<Destination> d = destination_of(entries_[e]);
  destinations_[d].busy -= 1;
  if (round_robin_) {
    put_into_todo(e, d);
    did_change_capacity(d);
    return;
  }
  const Ref<Peer> p = entries_[e].peer;
  const Ref<Job> j = peers_[p].job;
  const bool blocked = is_blocked(jobs_[j]);
  if (peers_[p].waiting.empty() && blocked) peers_[p].unmarked = true;
  put_into_waiting(e, true);
  jobs_[j].selected -= 1;
  did_change_capacity(d);
  did_change_job(j);
}

void Engine::send(Ref<Agent> a, Ref<Entry> e) {
  const Entry& entry = entries_[e];
  const Message& message = messages_[message_of(entry)];
  const Destination& d = destinations_[destination_of(entry)];
  agents_[a].entry = e;
  const unsigned always = message.inspect ? kDeliverBounce : kDeliverBounce | kDeliverSuccess;
  command(Deliver{.agent = agents_[a].id,
                  .message = message.id,
                  .nexthop = d.nexthop(),
                  .flags = message.trace_flags | d.cache_flags | always,
                  .recipients = entry.recipients.unpack()});
}

}  // namespace weir::engine
