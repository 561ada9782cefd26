// Transports and the connections to their agents. Spec: spec/scheduling.md.
#include <algorithm>

#include "engine/engine.hpp"

namespace weir::engine {

// Made at first use, never removed; a new one is put in front.
Transport& Engine::transport_of(const std::string& name) {
  std::unique_ptr<Transport>& slot = transports_[name];
  if (slot) return *slot;
  slot = std::make_unique<Transport>();
  Transport& t = *slot;
  t.name = name;
  t.config = config_.transport(name);
  t.takes_feedback_lines = name != "retry" && name != "error";
  if (t.config.destination_rate_delay > Seconds{0}) t.config.concurrency_limit = 1;
  if (t.config.concurrency_limit != 0) {
    t.config.initial_concurrency = std::min(t.config.initial_concurrency, t.config.concurrency_limit);
  }
  t.pool = t.config.recipient_pool;
  log_feedback_settings(t);
  transport_order_.insert(transport_order_.begin(), &t);
  return t;
}

Transport& Engine::retry_transport() {
  if (retry_ == nullptr) retry_ = &transport_of("retry");
  return *retry_;
}

void Engine::log_feedback_settings(const Transport& t) {
  for (const Feedback* setting : {&t.config.positive_feedback, &t.config.negative_feedback}) {
    if (!setting->well_formed) {
      mark(Rule::par_036);  //= R-PAR-036
      log(LogIgnoredFeedback{setting->parameter, setting->text});
    }
    if (!config_.feedback_debug) continue;
    log(LogFeedbackSetting{t.name, setting->parameter, static_cast<int>(setting->kind), config_.initial_concurrency,
                           feedback(*setting, config_.initial_concurrency)});
  }
}

//= R-GEN-05
void Engine::allocate_agents() {
  const auto wants = [this](const Transport* t) { return wants_agent(*t); };
  for (;;) {
    const auto chosen = std::find_if(transport_order_.begin(), transport_order_.end(), wants);
    if (chosen == transport_order_.end()) return;
    mark(Rule::gen_05);
    Transport& t = **chosen;
    std::rotate(transport_order_.begin(), chosen + 1, transport_order_.end());
    log(LogAllocate{t.name});
    if (t.config.transport_rate_delay > Seconds{0}) {
      mark(Rule::par_071);  //= R-PAR-071
      t.rate_locked = true;
    }
    t.pending += 1;
    const Ref<Agent> a = agents_.take();
    Agent& agent = agents_[a];
    agent.id = AgentId{++last_agent_};
    agent.transport = &t;
    agent_ids_.insert(agent.id, a);
    command(RequestAgent{agent.id, t.name});
  }
}

// The walk over destinations, stopped at its first success, succeeds when some front part of it adds up to enough.
bool Engine::wants_agent(const Transport& t) const {
  if (t.dead || t.rate_locked || t.pending >= (config_.habits.single_connection ? 1 : 2) || !t.ready.empty())
    return false;
  return (round_robin_ ? t.wheel.greatest() : t.capacity.greatest()) >= t.pending + 1;
}

void Engine::on(const AgentReady& event) { agent_answered(event.agent, false); }

void Engine::on(const AgentFailed& event) {
  if (event.problem != AgentProblem::write) {
    agent_answered(event.agent, true);
    return;
  }
  const Ref<Agent> a = agent_ids_.find(agents_, event.agent);
  if (!a || !agents_[a].entry) return;
  Transport& t = *agents_[a].transport;
  const Ref<Entry> e = agents_[a].entry;
  release_agent(a);
  unselect(e);
  transport_dies(t, {"4.3.0", "mail transport unavailable"});
}

void Engine::agent_answered(AgentId id, bool failed) {
  const Ref<Agent> a = agent_ids_.find(agents_, id);
  if (!a || agents_[a].answered) return;
  Agent& agent = agents_[a];
  agent.answered = true;
  agent.failed = failed;
  Transport& t = *agent.transport;
  t.pending -= 1;
  if (t.config.transport_rate_delay > Seconds{0}) {
    timers_.set({.due = clock() + t.config.transport_rate_delay, .kind = Timer::Kind::agent_delay, .agent = a});
  } else {
    agent_usable(a);
  }
}

void Engine::agent_usable(Ref<Agent> a) {
  Transport& t = *agents_[a].transport;
  if (agents_[a].failed) {
    release_agent(a);
    transport_unavailable(t);
  } else {
    t.ready.push_back(a);
    choose_for_ready_agents(t);
  }
}

void Engine::release_agent(Ref<Agent> a) {
  agent_ids_.erase(agents_[a].id, a);
  agents_.release(a);
}

// A connection cannot be had.
void Engine::transport_unavailable(Transport& t) {
  if (config_.habits.dead_transport_keeps_mail) {
    mark_dead(t, {"4.3.0", "transport is unavailable"});
  } else {
    transport_dies(t, {"4.3.0", "mail transport unavailable"});
  }
}

void Engine::mark_dead(Transport& t, const Dsn& reason) {
  if (t.dead) return;
  t.dead = reason;
  t.retry_timer = timers_.set(
      {.due = clock() + config_.transport_retry_time, .kind = Timer::Kind::transport_retry, .transport = &t});
}

// Dead for a while, and all that waits for it is moved away; running deliveries go on.
void Engine::transport_dies(Transport& t, const Dsn& reason) {
  mark_dead(t, reason);
  if (!config_.habits.defers_itself) retry_transport();
  Ref<Destination> retry;
  for (const Ref<Destination> d : all_waiting(t)) retry = move_entries(d, reason);
  if (retry) delete_if_idle(retry);
}

void Engine::recover_transport(Transport& t) {
  timers_.cancel(t.retry_timer);
  t.dead.reset();
  t.rate_locked = false;
}

// Dead transports and destinations are forgotten, in list order.
void Engine::revive_everything() {
  for (Transport* t : transport_order_) {
    if (t->dead) recover_transport(*t);
    for (const Ref<Destination> d : all_dead(*t)) {
      unthrottle(d);
      delete_if_idle(d);
    }
  }
}

// In the order in which they greeted; while one waits for a read the others of its transport wait behind it.
void Engine::choose_for_ready_agents(Transport& t) {
  while (!t.ready.empty()) {
    const Choice choice = choose(t);
    if (choice.suspended) return;
    const Ref<Agent> a = t.ready.front();
    t.ready.pop_front();
    if (choice.entry) {
      send(a, choice.entry);
    } else {
      const AgentId id = agents_[a].id;
      release_agent(a);
      command(ReleaseAgent{id});
    }
  }
}

void Engine::resume_choices() {
  agents_wait_ = false;
  const std::vector<Transport*> order = transport_order_;
  for (Transport* t : order) {
    if (t->suspended) {
      const Ref<Job> j = t->suspended->job;
      if (j && messages_[jobs_[j].message].reading) continue;
    } else if (!round_robin_) {
      continue;
    }
    choose_for_ready_agents(*t);
  }
}

}  // namespace weir::engine
