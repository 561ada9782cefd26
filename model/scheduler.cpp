// Which delivery goes out next: agent connections, the choice of an entry, jobs, preemption, recipient slots.
// Spec: spec/scheduling.md.
#include <algorithm>
#include <utility>

#include "model/model.hpp"

namespace weir::model {
namespace {

// Circular cursor list: the chosen element becomes last and what followed it first; what was passed over keeps
// its order before it.
template <class List, class Iterator>
void turn(List& list, Iterator chosen) {
  std::rotate(list.begin(), chosen + 1, list.end());
}

const Dsn kUnavailable{"4.3.0", "mail transport unavailable"};

template <class T>
std::optional<T> following(const std::vector<T>& list, const T& element) {
  const auto found = std::find(list.begin(), list.end(), element);
  if (found == list.end() || found + 1 == list.end()) return std::nullopt;
  return *(found + 1);
}

}  // namespace

// --- transports and their agents ---------------------------------------------------------------------

// Made at first use, never removed; a new one is put in front.
Transport& Model::transport_of(const std::string& name) {
  const auto found = s_.transports.find(name);
  if (found != s_.transports.end()) return found->second;
  Transport transport;
  transport.config = s_.config.transport(name);  //= R-CFG-04
  TransportConfig& c = transport.config;
  if (c.destination_rate_delay > Seconds{0}) c.concurrency_limit = 1;
  if (c.concurrency_limit != 0) c.initial_concurrency = std::min(c.initial_concurrency, c.concurrency_limit);
  transport.pool = c.recipient_pool;  //= R-PAR-014
  log_feedback_settings(name, c);
  s_.transport_order.insert(s_.transport_order.begin(), name);
  return s_.transports.emplace(name, std::move(transport)).first->second;
}

//= R-GEN-05  connections are opened until no transport wants one more
void Model::allocate_agents() {
  while (true) {
    const auto chosen = std::find_if(s_.transport_order.begin(), s_.transport_order.end(),
                                     [this](const std::string& name) { return wants_agent(s_.transports.at(name)); });
    if (chosen == s_.transport_order.end()) return;
    const std::string name = *chosen;
    turn(s_.transport_order, chosen);
    log(LogAllocate{name});
    Transport& t = s_.transports.at(name);
    if (t.config.transport_rate_delay > Seconds{0}) t.rate_locked = true;  //= R-PAR-071
    t.pending += 1;
    const auto agent = fresh<AgentId>();
    s_.agents.emplace(agent, Agent{.transport = name});
    command(RequestAgent{agent, name});
  }
}

// More free places at ready destinations than connections under way. A window below its busy count counts
// negative, and the walk in creation order stops at the first success.
bool Model::wants_agent(const Transport& t) const {
  if (t.dead || t.rate_locked || t.pending >= (s_.config.habits.single_connection ? 1 : 2) || !t.ready.empty())
    return false;
  int need = t.pending + 1;
  for (const DestinationId id : t.destinations) {
    const Destination& d = s_.destinations.at(id);
    if (d.window <= 0) continue;
    need -= std::min(d.window - static_cast<int>(d.busy.size()), static_cast<int>(d.todo.size()));
    if (need <= 0) return true;
  }
  return false;
}

void Model::on(const AgentReady& event) { agent_answered(event.agent, false); }

void Model::on(const AgentFailed& event) {
  if (event.problem != AgentProblem::write) {
    agent_answered(event.agent, true);
    return;
  }
  const auto found = s_.agents.find(event.agent);
  if (found == s_.agents.end() || !found->second.entry) return;
  const std::string transport = found->second.transport;
  unselect(*found->second.entry);
  s_.agents.erase(found);
  transport_dies(transport, kUnavailable);
}

// The connection is no longer pending. With a transport rate delay what follows waits that long.
void Model::agent_answered(AgentId id, bool failed) {
  const auto found = s_.agents.find(id);
  if (found == s_.agents.end() || found->second.answered) return;
  found->second.answered = true;
  found->second.failed = failed;
  Transport& t = s_.transports.at(found->second.transport);
  t.pending -= 1;
  if (t.config.transport_rate_delay > Seconds{0}) {
    set_timer({.kind = Timer::Kind::agent_delay, .agent = id}, t.config.transport_rate_delay);
  } else {
    agent_usable(id);
  }
}

void Model::agent_usable(AgentId id) {
  const Agent agent = s_.agents.at(id);
  if (agent.failed) {
    s_.agents.erase(id);
    transport_unavailable(agent.transport);
  } else {
    s_.transports.at(agent.transport).ready.push_back(id);
    choose_for_ready_agents(agent.transport);
  }
}

// A connection cannot be had.
void Model::transport_unavailable(const std::string& name) {
  if (s_.config.habits.dead_transport_keeps_mail) {
    mark_dead(name, {"4.3.0", "transport is unavailable"});
  } else {
    transport_dies(name, kUnavailable);
  }
}

void Model::mark_dead(const std::string& name, const Dsn& reason) {
  Transport& t = s_.transports.at(name);
  if (t.dead) return;
  t.dead = reason;
  set_timer({.kind = Timer::Kind::transport_retry, .transport = name}, s_.config.transport_retry_time);
}

// The transport is dead for a while, and all that waits for it is moved away; running deliveries go on.
void Model::transport_dies(const std::string& name, const Dsn& reason) {
  mark_dead(name, reason);
  const Transport& t = s_.transports.at(name);
  std::optional<DestinationId> next;
  if (!t.destinations.empty()) next = t.destinations.front();
  while (next) {
    const DestinationId destination = *next;
    next = following(t.destinations, destination);
    move_entries(destination, reason);
  }
  drop_idle_retry_destinations();
}

void Model::recover_transport(const std::string& name) {
  Transport& t = s_.transports.at(name);
  cancel_timer(Timer::Kind::transport_retry, name, {});
  t.dead.reset();
  t.rate_locked = false;
}

// --- the choice --------------------------------------------------------------------------------------

// Agents are served in the order in which they became ready. While one waits for a recipient read, the others of
// its transport wait behind it.
void Model::choose_for_ready_agents(const std::string& name) {
  Transport& t = s_.transports.at(name);
  while (!t.ready.empty()) {
    const Choice choice = choose(name);
    if (choice.suspended) return;
    const AgentId agent = t.ready.front();
    t.ready.erase(t.ready.begin());
    if (choice.entry) {
      send(agent, *choice.entry);
    } else {
      s_.agents.erase(agent);
      command(ReleaseAgent{agent});
    }
  }
}

// Reads that a choice waited for are over.
void Model::resume_choices() {
  for (const std::string& name : std::vector<std::string>(s_.transport_order)) {
    const Transport& t = s_.transports.at(name);
    if (t.suspended) {
      const auto job = s_.jobs.find(t.suspended->job);
      if (job != s_.jobs.end() && s_.messages.at(job->second.message).reading) continue;
    } else if (!round_robin()) {
      continue;
    }
    choose_for_ready_agents(name);
  }
}

Model::Choice Model::choose(const std::string& name) { return round_robin() ? choose_in_turn(name) : choose_job(name); }

Model::Choice Model::choose_job(const std::string& name) {
  Transport& t = s_.transports.at(name);
  std::optional<JobId> job;
  bool read_before = false;
  bool read_after = false;
  if (t.suspended) {
    const auto place = std::find(t.jobs.begin(), t.jobs.end(), t.suspended->job);
    const bool still_there = place != t.jobs.end();
    if (still_there && std::all_of(t.jobs.begin(), place, [this](JobId id) { return is_blocked(s_.jobs.at(id)); })) {
      job = t.suspended->job;
      read_before = t.suspended->first;
      read_after = t.suspended->second;
    }
    t.suspended.reset();
  }
  if (!job) {
    if (!t.current) return {};
    //= R-PAR-042, R-PAR-045
    job = t.config.slot_cost >= 2 ? preempt(name, *t.current) : *t.current;
  }
  while (job) {
    const JobId here = *job;
    job = following(t.jobs, here);
    if (!is_blocked(s_.jobs.at(here))) {
      const Choice choice = choose_peer(here, read_before, read_after);
      if (choice.suspended) return choice;
      if (choice.entry) {
        entry_selected(here, *choice.entry);
        return choice;
      }
      if (has_entries(s_.jobs.at(here))) {
        block(here);
      } else {
        retire(here);
      }
    }
    read_before = read_after = false;
  }
  t.current.reset();
  return {};
}

// All its waiting entries are for destinations that can take none.
void Model::block(JobId id) {
  Job& job = s_.jobs.at(id);
  job.tag = s_.transports.at(job.transport).tag;
  for (const Peer& peer : job.peers) {
    if (!peer.waiting.empty()) s_.destinations.at(peer.destination).tag = job.tag;
  }
}

bool Model::is_blocked(const Job& job) const { return job.tag == s_.transports.at(job.transport).tag; }

// An entry of this job, reading more recipients when there is room for them. A read suspends the choice.
Model::Choice Model::choose_peer(JobId id, bool after_first_read, bool after_second_read) {
  const Job& job = s_.jobs.at(id);
  Transport& t = s_.transports.at(job.transport);
  const Message& message = s_.messages.at(job.message);
  const auto suspend_for_read = [&](bool second) {
    t.suspended = Suspended{id, true, second};
    ask_for_recipients(job.message);
    return Choice{.entry = std::nullopt, .suspended = true};
  };
  if (message.reading) {  // for another transport: what it brings comes first
    t.suspended = Suspended{id, after_first_read, after_second_read};
    return {.entry = std::nullopt, .suspended = true};
  }
  const bool may_read = message.more && message.refs > 0;
  const std::int64_t free = message.room - message.in_core;
  if (!after_first_read && may_read && free > 0 && !s_.config.habits.late_reads) {
    const bool many = free >= t.config.refill_limit;                                       //= R-PAR-018
    const bool late = !many && read_steady() - message.refilled >= t.config.refill_delay;  //= R-PAR-020
    if (many || late) return suspend_for_read(false);
  }
  if (has_entries(job)) {
    if (const auto entry = next_entry(id)) return {entry, false};
  }
  if (!after_second_read && may_read && free > 0) return suspend_for_read(true);
  return {};
}

//= R-STR-09  round robin over the job's destinations
std::optional<EntryId> Model::next_entry(JobId id) {
  auto& peers = s_.jobs.at(id).peers;
  const auto chosen = std::find_if(peers.begin(), peers.end(), [this](const Peer& peer) {
    const Destination& d = s_.destinations.at(peer.destination);
    return !peer.waiting.empty() && d.window > static_cast<int>(d.busy.size());
  });
  if (chosen == peers.end()) return std::nullopt;
  const EntryId entry = chosen->waiting.front();
  turn(peers, chosen);
  return entry;
}

void Model::entry_selected(JobId id, EntryId entry_id) {
  Job& job = s_.jobs.at(id);
  Transport& t = s_.transports.at(job.transport);
  Entry& entry = s_.entries.at(entry_id);
  Destination& d = s_.destinations.at(entry.destination);
  for (Peer& peer : job.peers) std::erase(peer.waiting, entry_id);
  std::erase(d.todo, entry_id);
  d.busy.insert(entry_id);
  set_cache_flags(d);
  job.selected += 1;
  job.avail += 1;  //= R-PAR-043
  job.used += 1;
  if (t.candidate_for != id) t.candidate_for.reset();
  t.current = id;
  if (!has_entries(job) && !s_.messages.at(job.message).more) retire(id);
}

// The request could not be sent: the entry waits again, last at its destination, first of its job. What the
// choice did to the job stays.
void Model::unselect(EntryId id) {
  const Entry& entry = s_.entries.at(id);
  Destination& d = s_.destinations.at(entry.destination);
  d.busy.erase(id);
  d.todo.push_back(id);
  if (!entry.job) return;
  Job& job = s_.jobs.at(*entry.job);
  for (Peer& peer : job.peers) {
    if (peer.destination == entry.destination) peer.waiting.insert(peer.waiting.begin(), id);
  }
  job.selected -= 1;
}

void Model::send(AgentId agent, EntryId id) {
  const Entry& entry = s_.entries.at(id);
  const Message& message = s_.messages.at(entry.message);
  const Destination& d = s_.destinations.at(entry.destination);
  s_.agents.at(agent).entry = id;
  const unsigned constant = kDeliverBounce | (message.envelope.inspect ? 0 : kDeliverSuccess);
  command(Deliver{.agent = agent,
                  .message = entry.message,
                  .nexthop = d.nexthop,
                  .flags = message.trace_flags | d.cache_flags | constant,
                  .recipients = entry.recipients});
}

// --- preemption --------------------------------------------------------------------------------------

// Entries that a job can have at most.
std::int64_t Model::most(const Job& job) const { return job.read + s_.messages.at(job.message).unread; }

//= R-STR-14  a small job goes before a big one that has earned enough slots
JobId Model::preempt(const std::string& name, JobId current_id) {
  Transport& t = s_.transports.at(name);
  Job& current = s_.jobs.at(current_id);
  //= R-PAR-040
  const int cost = t.config.slot_cost;
  if (current.avail <= 0) return current_id;
  //= R-PAR-048
  if (most(current) < static_cast<std::int64_t>(t.config.minimum_slots) * cost) return current_id;  //= R-PAR-046
  const auto best = candidate_for(name, current_id);
  if (!best) return current_id;
  Job& winner = s_.jobs.at(*best);
  const std::int64_t need = most(winner) - winner.selected;
  //= R-PAR-054  discount and loan advance the moment
  const double price = static_cast<double>(need) * (100 - t.config.slot_discount) / 100.0;
  if (static_cast<double>(current.avail / cost + t.config.slot_loan) < price) return current_id;

  if (winner.level > 0) leave_stack(*best);
  std::erase(t.jobs, *best);
  t.jobs.insert(std::find(t.jobs.begin(), t.jobs.end(), current_id), *best);
  winner.parent = current_id;
  current.children.push_back(*best);
  winner.level = current.level + 1;
  t.current = *best;
  t.candidate_for.reset();
  //= R-STR-15
  current.avail -= need * cost;  //= R-PAR-055  the full price all the same
  winner.used = -need;
  Message& message = s_.messages.at(winner.message);
  if (message.more) {  //= R-PAR-016
    const std::int64_t extra = (t.config.extra_recipients + t.pool + 1) / 2;
    winner.room += extra;
    message.room += extra;
    t.pool -= extra;
  }
  return *best;
}

// The remembered answer is used within its second, and "none" until something resets it: this shows.
std::optional<JobId> Model::candidate_for(const std::string& name, JobId current) {
  Transport& t = s_.transports.at(name);
  const Seconds steady = read_steady();
  if (t.candidate_for == current && (t.candidate_at == steady || !t.candidate)) return t.candidate;
  t.candidate = best_candidate(t, current);
  t.candidate_for = current;
  t.candidate_at = steady;
  return t.candidate;
}

// The best ratio of age to size among the jobs behind that fit into the slots.
std::optional<JobId> Model::best_candidate(const Transport& t, JobId current_id) const {
  const Job& current = s_.jobs.at(current_id);
  const std::int64_t slots = (current.read - current.selected + current.avail) / t.config.slot_cost;
  if (slots <= 0) return std::nullopt;
  std::optional<JobId> best;
  double best_score = 0;
  for (auto next = following(t.jobs, current_id); next; next = following(t.jobs, *next)) {
    const Job& job = s_.jobs.at(*next);
    if (!job.children.empty() || is_blocked(job)) continue;
    const std::int64_t total = most(job);
    const std::int64_t need = total - job.selected;
    const auto age = static_cast<double>((s_.steady - s_.messages.at(job.message).queued).count() + 1);
    //= R-PAR-044
    if (need > 0 && need <= slots) {
      const double score = age / static_cast<double>(total);
      if (score > best_score) {
        best_score = score;
        best = *next;
      }
    }
    if (age <= best_score && job.level == 0) break;
  }
  return best;
}

// --- jobs --------------------------------------------------------------------------------------------

JobId Model::obtain_job(MessageId message, const std::string& transport) {
  Transport& t = s_.transports.at(transport);
  std::optional<JobId> found;
  for (const JobId id : s_.messages.at(message).jobs) {
    if (s_.jobs.at(id).transport == transport) found = id;
  }
  if (!found) {
    found = fresh<JobId>();
    Job job;
    job.message = message;
    job.transport = transport;
    s_.jobs.emplace(*found, std::move(job));
    s_.messages.at(message).jobs.push_back(*found);
  }
  Job& job = s_.jobs.at(*found);
  if (job.level < 0) link(*found);
  t.candidate_for.reset();
  if (is_blocked(job)) {
    job.tag = 0;
    t.current = t.jobs.front();
  }
  return *found;
}

// Onto the lists, by age of the message; free slots come with it.
void Model::link(JobId id) {
  Job& job = s_.jobs.at(id);
  Transport& t = s_.transports.at(job.transport);
  Message& message = s_.messages.at(job.message);
  const auto not_younger = [&](JobId other) {
    return s_.messages.at(s_.jobs.at(other).message).queued <= message.queued;
  };

  auto place = t.jobs.end();
  bool passed_current = !t.current;
  while (place != t.jobs.begin()) {
    const JobId before = *(place - 1);
    if (!s_.jobs.at(before).parent && not_younger(before)) break;
    if (t.current == before) passed_current = true;
    --place;
  }
  t.jobs.insert(place, id);
  if (passed_current) t.current = id;

  place = t.by_age.end();
  bool passed_unread = !t.next_unread;
  while (place != t.by_age.begin() && !not_younger(*(place - 1))) {
    --place;
    if (t.next_unread == *place) passed_unread = true;
  }
  t.by_age.insert(place, id);
  if (passed_unread) {
    const auto old = std::exchange(t.next_unread, id);
    if (old) give_back_slots(*old);
  }

  job.level = 0;
  if (t.pool > 0) {
    job.room += t.pool;
    message.room += t.pool;
    t.pool = 0;
  }
}

void Model::unlink(JobId id) {
  Job& job = s_.jobs.at(id);
  Transport& t = s_.transports.at(job.transport);
  for (const JobId child : job.children) s_.jobs.at(child).parent.reset();
  job.children.clear();
  if (t.current == id) t.current = following(t.jobs, id);
  if (t.candidate == id || t.candidate_for == id) t.candidate_for.reset();
  std::erase(t.jobs, id);
  std::erase(t.by_age, id);
  job.level = -1;
}

void Model::retire(JobId id) {
  if (s_.jobs.at(id).level > 0) leave_stack(id);
  give_back_slots(id);
  unlink(id);
}

// No longer preempting: unused slots return to the job it preempted, its children are adopted.
void Model::leave_stack(JobId id) {
  Job& job = s_.jobs.at(id);
  Transport& t = s_.transports.at(job.transport);
  if (job.parent) {
    Job& parent = s_.jobs.at(*job.parent);
    if (job.level == parent.level + 1) parent.avail -= job.used * t.config.slot_cost;
    std::erase(parent.children, id);
    for (const JobId child : job.children) parent.children.push_back(child);
  }
  for (const JobId child : job.children) s_.jobs.at(child).parent = job.parent;
  job.children.clear();
  job.parent.reset();
  job.level = 0;
  t.candidate_for.reset();
}

// The message leaves memory.
void Model::remove_jobs(MessageId id) {
  for (const JobId job : std::vector<JobId>(s_.messages.at(id).jobs)) {
    if (s_.jobs.at(job).level >= 0) {
      retire(job);
    } else {
      give_back_slots(job);  // it may have been retired while its recipients were in memory
    }
    s_.jobs.erase(job);
  }
  s_.messages.at(id).jobs.clear();
}

// --- recipient slots ---------------------------------------------------------------------------------

// Free slots of a job go back to the pool, and from there to the first unread job by age.
void Model::give_back_slots(JobId id) {
  Job& job = s_.jobs.at(id);
  Transport& t = s_.transports.at(job.transport);
  Message& message = s_.messages.at(job.message);
  if (t.next_unread == id) {
    auto next = following(t.by_age, id);
    while (next && !s_.messages.at(s_.jobs.at(*next).message).more) next = following(t.by_age, *next);
    t.next_unread = next;
  }
  const std::int64_t free = std::min(job.room - job.in_core, message.room - message.in_core);
  if (free <= 0) return;
  job.room -= free;
  message.room -= free;
  t.pool += free;
  if (t.pool > 0 && t.next_unread) {
    Job& heir = s_.jobs.at(*t.next_unread);
    heir.room += t.pool;
    s_.messages.at(heir.message).room += t.pool;
    t.pool = 0;
  }
}

}  // namespace weir::model
