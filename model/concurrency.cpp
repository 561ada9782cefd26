// Destinations: their states, concurrency feedback, clog warnings. Spec: spec/concurrency.md.
#include <algorithm>
#include <limits>
#include <utility>

#include "model/model.hpp"

namespace weir::model {

std::optional<DestinationId> Model::find_destination(const std::string& transport, const std::string& name) const {
  for (const DestinationId id : s_.transports.at(transport).destinations) {
    if (s_.destinations.at(id).name == name) return id;
  }
  return std::nullopt;
}

DestinationId Model::obtain_destination(const std::string& transport, const std::string& name,
                                        const std::string& nexthop) {
  Transport& t = transport_of(transport);
  if (const auto found = find_destination(transport, name)) return *found;
  const auto id = fresh<DestinationId>();
  Destination destination;
  destination.transport = transport;
  destination.name = name;
  destination.nexthop = nexthop;
  //= R-STR-07
  destination.window = t.config.initial_concurrency;  //= R-PAR-025
  s_.destinations.emplace(id, std::move(destination));
  t.destinations.push_back(id);
  return id;
}

double Model::feedback(const Feedback& setting, int window) const {
  return setting.kind == Feedback::Kind::per_concurrency ? setting.value / window : setting.value;
}

//= R-STR-06  the window moves slowly
//= R-PAR-034
void Model::positive_feedback(DestinationId id) {
  Destination& d = s_.destinations.at(id);
  const TransportConfig& config = s_.transports.at(d.transport).config;
  d.cohorts = 0;
  if (d.window == 0) {
    unthrottle(id);
    return;
  }
  const int limit = config.concurrency_limit == 0 ? std::numeric_limits<int>::max() : config.concurrency_limit;
  const auto busy = static_cast<std::int64_t>(d.busy.size());
  if (d.window < limit && d.window < busy + config.initial_concurrency) {
    if (s_.config.habits.whole_steps) {
      d.window += 1;
      log_state(false, d);
      return;
    }
    const double f = feedback(config.positive_feedback, d.window);
    if (s_.config.feedback_debug && d.transport != "retry" && d.transport != "error") log(LogFeedbackStep{false, f});
    d.success += f;
    while (d.success + f / 2 >= 1) {
      if (d.window < limit) d.window += 1;  //= R-PAR-026
      d.success -= 1;
      d.failure = 0;
    }
  }
  log_state(false, d);
}

//= R-PAR-029
//= R-PAR-032
void Model::negative_feedback(DestinationId id, const Dsn& dsn) {
  Destination& d = s_.destinations.at(id);
  const TransportConfig& config = s_.transports.at(d.transport).config;
  if (s_.config.habits.whole_steps) {
    d.window -= 1;
    if (d.window == 0) throttle(id, dsn);
    log_state(true, d);
    return;
  }
  d.cohorts += 1.0 / d.window;
  if (config.failed_cohort_limit > 0 && d.cohorts >= config.failed_cohort_limit) d.window = 0;
  if (d.window > 0) {
    const double f = feedback(config.negative_feedback, d.window);
    if (s_.config.feedback_debug && d.transport != "retry" && d.transport != "error") log(LogFeedbackStep{true, f});
    d.failure -= f;
    while (d.failure - f / 2 < 0) {
      d.window -= 1;
      d.success = 0;
      d.failure += 1;
    }
    d.window = std::max(d.window, 1);
  }
  if (d.window == 0) throttle(id, dsn);
  log_state(true, d);
}

//= R-PAR-030  remembered as dead for a while
void Model::throttle(DestinationId id, const Dsn& dsn) {
  Destination& d = s_.destinations.at(id);
  d.reason = dsn;
  d.cache_flags = 0;
  set_timer({.kind = Timer::Kind::destination_revive, .destination = id}, s_.config.minimal_backoff);  //= R-PAR-059
}

// Throttled -> ready.
void Model::unthrottle(DestinationId id) {
  Destination& d = s_.destinations.at(id);
  cancel_timer(Timer::Kind::destination_revive, "", id);
  d.reason = {};
  const bool afresh = d.busy.empty() || s_.config.habits.whole_steps;
  d.window = afresh ? s_.transports.at(d.transport).config.initial_concurrency : static_cast<int>(d.busy.size());
  d.success = d.failure = d.cohorts = 0;
  log_state(false, d);
}

//= R-TRG-09  forget dead transports and destinations, in list order; suspended ones are left alone
void Model::revive_everything() {
  for (const std::string& name : s_.transport_order) {
    if (s_.transports.at(name).dead) recover_transport(name);
    for (const DestinationId id : std::vector<DestinationId>(s_.transports.at(name).destinations)) {
      if (s_.destinations.at(id).window != 0) continue;
      unthrottle(id);
      delete_if_idle(id);
    }
  }
}

//= R-PAR-069  a destination rests after each delivery
void Model::suspend(DestinationId id) {
  Destination& d = s_.destinations.at(id);
  if (d.window == 0) unthrottle(id);
  d.window = -1;
  cancel_timer(Timer::Kind::destination_resume, "", id);
  set_timer({.kind = Timer::Kind::destination_resume, .destination = id},
            s_.transports.at(d.transport).config.destination_rate_delay);
}

void Model::resume(DestinationId id) {
  Destination& d = s_.destinations.at(id);
  d.window = 1;
  if (d.todo.empty() && d.busy.empty()) {
    delete_destination(id);
  } else {
    unblock_check(id);
  }
}

// A destination that blocked jobs can take an entry again: all blocked jobs of the transport are looked at anew.
void Model::unblock_check(DestinationId id) {
  Destination& d = s_.destinations.at(id);
  Transport& t = s_.transports.at(d.transport);
  if (d.tag != t.tag) return;
  const bool free = d.window > static_cast<int>(d.busy.size());
  if (free && !d.todo.empty()) {
    t.tag += 2;
    t.current = t.jobs.empty() ? std::nullopt : std::optional<JobId>(t.jobs.front());
    t.candidate_for.reset();
  }
  if (free || d.window == 0) d.tag = 0;
}

void Model::delete_if_idle(DestinationId id) {
  const Destination& d = s_.destinations.at(id);
  if (d.window > 0 && d.todo.empty() && d.busy.empty()) delete_destination(id);
}

void Model::delete_destination(DestinationId id) {
  const Destination& d = s_.destinations.at(id);
  std::erase(s_.transports.at(d.transport).destinations, id);
  s_.destinations.erase(id);
}

// Connection caching: load and store while deliveries come back to back.
void Model::set_cache_flags(Destination& d) const {
  const bool recent = d.last_done + Seconds{1} >= clock();
  if ((d.cache_flags & kDeliverCacheStore) == 0) {
    if (recent) d.cache_flags |= kDeliverCacheLoad | kDeliverCacheStore;
  } else if (d.busy.size() == 1 && !recent) {
    d.cache_flags &= ~kDeliverCacheStore;
  }
}

//= R-PAR-036
void Model::log_feedback_settings(const std::string& name, const TransportConfig& config) {
  for (const Feedback* setting : {&config.positive_feedback, &config.negative_feedback}) {
    if (!setting->well_formed) log(LogIgnoredFeedback{setting->parameter, setting->text});
    if (!s_.config.feedback_debug) continue;
    const int concurrency = s_.config.initial_concurrency;
    log(LogFeedbackSetting{name, setting->parameter, static_cast<int>(setting->kind), concurrency,
                           feedback(*setting, concurrency)});
  }
}

void Model::log_state(bool negative, const Destination& d) {
  if (!s_.config.feedback_debug || d.transport == "retry" || d.transport == "error") return;
  const int limit = s_.transports.at(d.transport).config.concurrency_limit;
  log(LogFeedbackState{negative, d.name, limit, d.window, d.success, d.failure, d.cohorts});
}

//= R-PAR-008  one destination fills the active queue
//= R-PAR-009
void Model::clog_check(DestinationId id) {
  if (!s_.config.helpful_warnings || s_.config.clog_warn_time <= Seconds{0}) return;  //= R-PAR-079
  Destination& d = s_.destinations.at(id);
  const Transport& t = s_.transports.at(d.transport);
  const int entries = static_cast<int>(d.todo.size() + d.busy.size());
  if (entries <= s_.config.active_limit / 5 || clock() < d.warn_at) return;
  d.warn_at = clock() + s_.config.clog_warn_time;

  const int messages = static_cast<int>(s_.messages.size());
  const double share = static_cast<double>(entries) / messages;
  LogClogged warning{.nexthop = d.nexthop,
                     .transport = d.transport,
                     .entries = entries,
                     .messages = messages,
                     .slows_others = share < 0.9,
                     .advice = LogClogged::Advice::timeouts,
                     .limit = 0};
  const int limit = t.config.concurrency_limit;
  if (limit > 0 && limit <= static_cast<int>(d.busy.size()) + 1) {
    warning.advice = LogClogged::Advice::concurrency_limit;
    warning.limit = limit;
  } else if (d.window > s_.config.active_limit * share) {
    warning.advice = LogClogged::Advice::active_limit;
    warning.limit = s_.config.active_limit;
  } else if (t.destinations.size() > 1) {
    warning.advice = LogClogged::Advice::separate_transport;
  }
  log(warning);
}

}  // namespace weir::model
