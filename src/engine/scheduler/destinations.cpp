// Destinations: their states, concurrency feedback, and the indexes that their state decides about.
// Spec: spec/concurrency.md.
#include <algorithm>
#include <limits>

#include "engine/engine.hpp"

namespace weir::engine {

Ref<Destination> Engine::find_destination(const Transport& t, const std::string& name) const {
  return t.names.find(destinations_, name);
}

Ref<Destination> Engine::obtain_destination(Transport& t, const std::string& name, const std::string& nexthop) {
  if (const Ref<Destination> found = find_destination(t, name)) {
    // What a recipient for it comes to stand behind.
    destinations_.expect(found, 2);
    peers_.expect(destinations_[found].peers.last());
    entries_.expect(destinations_[found].todo.back());
    return found;
  }
  const Ref<Destination> d = destinations_.take();
  Destination& destination = destinations_[d];
  destination.transport = &t;
  destination.serial = ++last_serial_;
  destination.name = name;
  destination.named_by_nexthop = nexthop == name;
  if (nexthop != name) destination.other_nexthop = nexthop;
  mark(Rule::par_025);
  destination.window = t.config.initial_concurrency;  //= R-PAR-025
  t.destinations.push_back(destinations_, d);
  t.destination_count += 1;
  t.names.insert(destinations_, d);
  give_capacity_place(t, d);
  return d;
}

// As a copy, in the order of the transport's list: for the rare events that are about many of them.
template <class L>
std::vector<Ref<Destination>> Engine::in_list_order(const Transport& t, const L& list) const {
  std::vector<std::pair<std::uint64_t, Ref<Destination>>> all;
  for (Ref<Destination> d = list.front(); d; d = L::next(destinations_, d)) {
    const Destination& destination = destinations_[d];
    all.emplace_back(round_robin_ ? t.wheel.rank(destination.spoke()) : destination.serial, d);
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Ref<Destination>> order;
  order.reserve(all.size());
  for (const auto& [place, d] : all) order.push_back(d);
  return order;
}

std::vector<Ref<Destination>> Engine::all_dead(const Transport& t) const {
  return in_list_order(t, t.dead_destinations);
}

std::vector<Ref<Destination>> Engine::all_waiting(const Transport& t) const {
  return in_list_order(t, t.waiting_destinations);
}

// Places of deleted destinations are won back when all are used up: O(1) amortized.
void Engine::give_capacity_place(Transport& t, Ref<Destination> d) {
  if (round_robin_) {
    destinations_[d].capacity_place = t.wheel.append(d).place;
    return;
  }
  if (t.capacity.full()) {
    t.capacity.reset(std::max<std::size_t>(16, 2 * t.destination_count));
    for (Ref<Destination> x = t.destinations.front(); x != d; x = DestinationList::next(destinations_, x)) {
      destinations_[x].capacity_place = static_cast<std::uint32_t>(t.capacity.append());
      did_change_capacity(x);
    }
  }
  destinations_[d].capacity_place = static_cast<std::uint32_t>(t.capacity.append());
}

// Busy, waiting or the window has changed: the free capacity, and which waiting job it is open for.
void Engine::did_change_capacity(Ref<Destination> d) {
  Destination& destination = destinations_[d];
  Transport& t = *destination.transport;
  std::int64_t free = 0;
  if (destination.window > 0) {
    free = std::min<std::int64_t>(destination.window - static_cast<std::int64_t>(destination.busy),
                                  destination.todo_count);
  }
  if (round_robin_) {
    t.wheel.set(destination.spoke(), free);
    return;
  }
  t.capacity.set(destination.capacity_place, free);

  Ref<Peer> open;
  if (is_free(destination) && !destination.peers.empty()) open = destination.peers.first();
  if (open == destination.open_peer) return;
  if (destination.open_peer) open_peer(destination.open_peer, false);
  destination.open_peer = open;
  if (open) open_peer(open, true);
}

void Engine::open_peer(Ref<Peer> p, bool open) {
  Peer& peer = peers_[p];
  peer.open = open;
  Job& job = jobs_[peer.job];
  job.ring.update(peers_, p);
  if (job.is_linked()) set_bit(peer.job, JobSummary::kOpen, peers_[job.ring.root()].any_open);
}

// The peer's waiting entries count among those for its destination, at the place of its job.
void Engine::index_peer(Ref<Peer> p) {
  Peer& peer = peers_[p];
  if (peer.indexed) return;
  peer.indexed = true;
  WaitingPeers& waiting = destinations_[peer.destination].peers;
  if (jobs_[peer.job].transport->jobs.last() == peer.job) {
    waiting.push_back(peers_, p);
  } else {
    waiting.insert(peers_, p, [this](const Peer& a, const Peer& b) { return jobs_[a.job].label < jobs_[b.job].label; });
  }
}

void Engine::unindex_peer(Ref<Peer> p) {
  Peer& peer = peers_[p];
  if (!peer.indexed) return;
  peer.indexed = false;
  Destination& d = destinations_[peer.destination];
  if (d.open_peer == p) {
    d.open_peer = {};
    open_peer(p, false);
  }
  d.peers.erase(peers_, p);
}

// --- states ------------------------------------------------------------------------------------------

double Engine::feedback(const Feedback& setting, std::int32_t window) const {
  return setting.kind == Feedback::Kind::constant ? setting.value : setting.value / window;
}

//= R-STR-06
//= R-PAR-034
void Engine::positive_feedback(Ref<Destination> d) {
  Destination& destination = destinations_[d];
  const TransportConfig& config = destination.transport->config;
  destination.cohorts = 0;
  if (destination.window == 0) {
    unthrottle(d);
    return;
  }
  const std::int32_t limit =
      config.concurrency_limit == 0 ? std::numeric_limits<std::int32_t>::max() : config.concurrency_limit;
  const std::int64_t used = static_cast<std::int64_t>(destination.busy) + config.initial_concurrency;
  if (destination.window < limit && destination.window < used) {
    mark(Rule::str_06);
    if (config_.habits.whole_steps) {
      destination.window += 1;
      did_change_capacity(d);
      log_state(destination, false);
      return;
    }
    if (config.positive_feedback.kind == Feedback::Kind::per_concurrency) mark(Rule::par_034);
    const double f = feedback(config.positive_feedback, destination.window);
    log_step(destination, false, f);
    destination.success += f;
    while (destination.success + f / 2 >= 1) {
      if (destination.window < limit) destination.window += 1;
      destination.success -= 1;
      destination.failure = 0;
    }
    did_change_capacity(d);
  } else if (destination.window >= limit) {
    mark(Rule::par_026);  //= R-PAR-026
  }
  log_state(destination, false);
}

//= R-PAR-029
//= R-PAR-032
void Engine::negative_feedback(Ref<Destination> d, const Dsn& dsn) {
  Destination& destination = destinations_[d];
  const TransportConfig& config = destination.transport->config;
  if (config_.habits.whole_steps) {
    destination.window -= 1;
    if (destination.window == 0) throttle(d, dsn);
    did_change_capacity(d);
    log_state(destination, true);
    return;
  }
  destination.cohorts += 1.0 / destination.window;
  if (config.failed_cohort_limit > 0 && destination.cohorts >= config.failed_cohort_limit) {
    mark(Rule::par_029);
    destination.window = 0;
  } else {
    mark(Rule::par_032);
    const double f = feedback(config.negative_feedback, destination.window);
    log_step(destination, true, f);
    destination.failure -= f;
    while (destination.failure - f / 2 < 0) {
      destination.window -= 1;
      destination.success = 0;
      destination.failure += 1;
    }
    destination.window = std::max(destination.window, 1);
  }
  if (destination.window == 0) throttle(d, dsn);
  did_change_capacity(d);
  log_state(destination, true);
}

// Remembered as dead for a while.
void Engine::throttle(Ref<Destination> d, const Dsn& dsn) {
  Destination& destination = destinations_[d];
  mark(Rule::par_030);
  mark(Rule::par_059);
  destination.reason = std::make_unique<Dsn>(dsn);
  destination.cache_flags = 0;
  destination.revive = timers_.set(
      {.due = clock() + config_.minimal_backoff, .kind = Timer::Kind::destination_revive, .destination = d});
  destination.transport->dead_destinations.push_back(destinations_, d);
}

void Engine::unthrottle(Ref<Destination> d) {
  Destination& destination = destinations_[d];
  if (destination.window == 0) destination.transport->dead_destinations.erase(destinations_, d);
  timers_.cancel(destination.revive);
  destination.reason.reset();
  const bool afresh = destination.busy == 0 || config_.habits.whole_steps;
  destination.window =
      afresh ? destination.transport->config.initial_concurrency : static_cast<std::int32_t>(destination.busy);
  destination.success = destination.failure = destination.cohorts = 0;
  did_change_capacity(d);
  log_state(destination, false);
}

// A rate delay: nothing is sent until the timer runs.
void Engine::suspend(Ref<Destination> d) {
  Destination& destination = destinations_[d];
  if (destination.window == 0) unthrottle(d);
  mark(Rule::par_069);  //= R-PAR-069
  destination.window = -1;
  timers_.cancel(destination.resume);
  destination.resume = timers_.set({.due = clock() + destination.transport->config.destination_rate_delay,
                                    .kind = Timer::Kind::destination_resume,
                                    .destination = d});
  did_change_capacity(d);
}

void Engine::resume(Ref<Destination> d) {
  Destination& destination = destinations_[d];
  destination.window = 1;
  did_change_capacity(d);
  if (is_idle(destination)) {
    delete_destination(d);
  } else {
    unblock_check(d);
  }
}

void Engine::delete_if_idle(Ref<Destination> d) {
  const Destination& destination = destinations_[d];
  if (destination.window > 0 && is_idle(destination)) delete_destination(d);
}

void Engine::delete_destination(Ref<Destination> d) {
  Destination& destination = destinations_[d];
  Transport& t = *destination.transport;
  if (round_robin_) {
    t.wheel.erase(destination.spoke());
  } else {
    t.capacity.set(destination.capacity_place, 0);
  }
  t.destinations.erase(destinations_, d);
  t.destination_count -= 1;
  t.names.erase(destinations_, d);
  timers_.cancel(destination.revive);
  timers_.cancel(destination.resume);
  destination.reason.reset();
  destination.serial = 0;
  destinations_.release(d);
}

void Engine::set_cache_flags(Destination& d) const {
  const bool recent = clock() <= d.last_done + Seconds{1};
  if ((d.cache_flags & kDeliverCacheStore) == 0) {
    if (recent) d.cache_flags |= kDeliverCacheLoad | kDeliverCacheStore;
  } else if (!recent && d.busy == 1) {
    d.cache_flags &= ~kDeliverCacheStore;
  }
}

// --- log ---------------------------------------------------------------------------------------------

void Engine::log_step(const Destination& d, bool negative, double value) {
  if (config_.feedback_debug && d.transport->takes_feedback_lines) log(LogFeedbackStep{negative, value});
}

void Engine::log_state(const Destination& d, bool negative) {
  if (!config_.feedback_debug || !d.transport->takes_feedback_lines) return;
  log(LogFeedbackState{negative, d.name, d.transport->config.concurrency_limit, d.window, d.success, d.failure,
                       d.cohorts});
}

//= R-PAR-008
//= R-PAR-009
void Engine::clog_check(Ref<Destination> d) {
  if (!config_.helpful_warnings || config_.clog_warn_time <= Seconds{0}) return;  //= R-PAR-079
  Destination& destination = destinations_[d];
  const std::int64_t entries = static_cast<std::int64_t>(destination.todo_count) + destination.busy;
  if (entries <= config_.active_limit / 5 || clock() < destination.warn_at) return;
  mark(Rule::par_008);
  destination.warn_at = clock() + config_.clog_warn_time;
  const Transport& t = *destination.transport;
  const std::int64_t messages = static_cast<std::int64_t>(message_ids_.size());
  const double share = static_cast<double>(entries) / static_cast<double>(messages);
  LogClogged warning;
  warning.nexthop = destination.nexthop();
  warning.transport = t.name;
  warning.entries = static_cast<int>(entries);
  warning.messages = static_cast<int>(messages);
  warning.slows_others = share < 0.9;
  warning.advice = LogClogged::Advice::timeouts;
  const int limit = t.config.concurrency_limit;
  if (limit > 0 && limit <= static_cast<std::int64_t>(destination.busy) + 1) {
    warning.advice = LogClogged::Advice::concurrency_limit;
    warning.limit = limit;
  } else if (destination.window > config_.active_limit * share) {
    warning.advice = LogClogged::Advice::active_limit;
    warning.limit = config_.active_limit;
  } else if (t.destination_count > 1) {
    warning.advice = LogClogged::Advice::separate_transport;
  }
  log(std::move(warning));
}

}  // namespace weir::engine
