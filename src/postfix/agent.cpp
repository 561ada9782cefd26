#include "postfix/agent.hpp"

#include <cerrno>
#include <utility>

#include "codec/greeting.hpp"

namespace weir::postfix {

namespace line = codec::line;

struct Agents::Agent {
  AgentId id;
  std::string transport;
  State state = State::unreachable;
  std::optional<Stream> stream;
  std::optional<codec::GreetingReader> greeting;
  std::optional<codec::DeliveryReportReader> report;
  std::string queue_id;  // of the message in work
  TimerId refusal = 0;   // tells that it is unreachable

  [[nodiscard]] std::string peer() const { return codec::peer_path("private/" + transport); }
};

Agents::Agents(Loop& loop, Voice& voice, const codec::ProcessSettings& settings, const codec::Dialect& dialect,
               EventSink sink)
    : loop_(loop),
      voice_(voice),
      daemon_timeout_(settings.daemon_timeout),
      ipc_timeout_(settings.qmgr_ipc_timeout),
      old_texts_(settings.weir_old_texts),
      dialect_(dialect),
      sink_(std::move(sink)) {}

Agents::~Agents() {
  for (auto& [id, agent] : agents_) loop_.cancel(agent->refusal);
}

Agents::Agent* Agents::find(AgentId id) {
  const auto found = agents_.find(id.value);
  return found == agents_.end() ? nullptr : found->second.get();
}

void Agents::fail(AgentId id, AgentProblem problem) {
  agents_.erase(id.value);
  sink_(AgentFailed{id, problem});
}

// --- connecting and greeting ---------------------------------------------------------------------------

//= R-GEN-05
void Agents::request(const RequestAgent& command) {
  auto owned = std::make_unique<Agent>();
  Agent& agent = *owned;
  agent.id = command.agent;
  agent.transport = command.transport;
  agents_[agent.id.value] = std::move(owned);

  const Connection connection = connect_local("private/" + agent.transport);
  if (connection.error != 0) {
    voice_.say(line::connect_transport_failed(agent.transport, reason_of(connection.error), old_texts_));
    agent.refusal = loop_.after(Seconds{0}, [this, id = agent.id] {
      if (find(id) != nullptr) fail(id, AgentProblem::connect);
    });
    return;
  }
  agent.state = State::greeting;
  agent.greeting.emplace(dialect_.agent_greeting, codec::kDeliveryProtocol, agent.peer());
  agent.stream.emplace(loop_, connection.fd);
  agent.stream->set_limit(daemon_timeout_, [this, id = agent.id] { greeting_silent(id); });
  watch(agent);
}

void Agents::watch(Agent& agent) {
  agent.stream->on_readable([this, id = agent.id] { readable(id); });
}

void Agents::readable(AgentId id) {
  Agent* agent = find(id);
  if (agent == nullptr) return;
  switch (agent->state) {
    case State::greeting: read_greeting(*agent); return;
    case State::working: read_report(*agent); return;
    case State::ready:  // what it says before it is asked is looked at when it has been asked
    case State::writing:
    case State::unreachable: agent->stream->on_readable(nullptr); return;
  }
}

void Agents::read_greeting(Agent& agent) {
  std::string bytes;
  const bool first = !agent.greeting->begun();
  switch (agent.stream->read(bytes)) {
    case Stream::Read::nothing_yet: return;
    case Stream::Read::some: agent.greeting->feed(bytes); break;
    case Stream::Read::end: agent.greeting->end_of_file(); break;
  }
  if (agent.greeting->done()) {
    greeting_done(agent);
  } else if (first) {
    agent.stream->set_limit(ipc_timeout_, [this, id = agent.id] {
      Agent* stalled = find(id);
      if (stalled == nullptr) return;
      stalled->greeting->time_out();
      greeting_done(*stalled);
    });
  }
}

// Whatever came behind the greeting is thrown away, as is usual when a conversation turns round.
void Agents::greeting_done(Agent& agent) {
  voice_.warn_all(agent.greeting->warnings());
  if (!agent.greeting->good()) {
    voice_.say(line::malformed_response(agent.peer()));
    fail(agent.id, AgentProblem::greeting);
    return;
  }
  agent.greeting.reset();
  agent.state = State::ready;
  agent.stream->clear_limit();
  sink_(AgentReady{agent.id});
}

void Agents::greeting_silent(AgentId id) {
  const Agent* agent = find(id);
  if (agent == nullptr) return;
  voice_.warn(line::connect_timed_out(agent->transport).text);
  fail(id, AgentProblem::greeting);
}

void Agents::release(AgentId id) { agents_.erase(id.value); }

// --- request -------------------------------------------------------------------------------------------

std::optional<Event> Agents::deliver(AgentId id, const codec::DeliveryRequest& request) {
  Agent* agent = find(id);
  if (agent == nullptr) return AgentFailed{id, AgentProblem::write};
  if (agent->state != State::ready) return std::nullopt;  // what goes on there has an end of its own
  agent->queue_id = request.queue_id;
  switch (agent->stream->send(codec::encode(request, dialect_), [this, id](int error) { write_ended(id, error); })) {
    case Stream::Send::done: await_report(*agent); return std::nullopt;
    case Stream::Send::failed: return write_failed(*agent, agent->stream->last_error());
    case Stream::Send::pending: break;
  }
  agent->state = State::writing;
  agent->stream->set_limit(ipc_timeout_, [this, id] { write_ended(id, ETIMEDOUT); });
  return std::nullopt;
}

void Agents::write_ended(AgentId id, int error) {
  Agent* agent = find(id);
  if (agent == nullptr) return;
  if (error == 0) {
    await_report(*agent);
  } else {
    sink_(write_failed(*agent, error));
  }
}

Event Agents::write_failed(Agent& agent, int error) {
  const AgentId id = agent.id;
  voice_.say(line::write_to_process_failed(agent.transport, reason_of(error)));
  agents_.erase(id.value);
  return AgentFailed{id, AgentProblem::write};
}

// --- report --------------------------------------------------------------------------------------------

void Agents::await_report(Agent& agent) {
  agent.state = State::working;
  agent.report.emplace(agent.peer());
  agent.stream->set_limit(daemon_timeout_, [this, id = agent.id] { report_silent(id); });
  watch(agent);
}

void Agents::read_report(Agent& agent) {
  std::string bytes;
  const bool first = !agent.report->begun();
  switch (agent.stream->read(bytes)) {
    case Stream::Read::nothing_yet: return;
    case Stream::Read::some: agent.report->feed(bytes); break;
    case Stream::Read::end: agent.report->end_of_file(); break;
  }
  if (agent.report->done()) {
    report_done(agent);
  } else if (first) {
    agent.stream->set_limit(ipc_timeout_, [this, id = agent.id] {
      Agent* stalled = find(id);
      if (stalled == nullptr) return;
      stalled->report->time_out();
      report_done(*stalled);
    });
  }
}

void Agents::report_done(Agent& agent) {
  voice_.warn_all(agent.report->warnings());
  const Delivered delivered = agent.report->delivered(agent.id);
  agents_.erase(agent.id.value);
  sink_(delivered);
}

void Agents::report_silent(AgentId id) {
  const Agent* agent = find(id);
  if (agent == nullptr) return;
  voice_.warn(line::report_timed_out(agent->queue_id, agent->transport).text);
  agents_.erase(id.value);
  Delivered lost;
  lost.agent = id;
  lost.complete = false;
  sink_(lost);
}

}  // namespace weir::postfix
