// Agents: the conversations with delivery agents, one connection each (spec/services.md).
//
// Promises: every RequestAgent ends with AgentReady or AgentFailed; every Deliver with Delivered or
// AgentFailed{write}; whatever a peer does or does not do, only its own delivery suffers: silence is bounded by
// daemon_timeout, a greeting or report that has begun by qmgr_ipc_timeout. Nothing here waits.
// Tested in tests/postfix/world/agent_test.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "codec/delivery.hpp"
#include "codec/parameters.hpp"
#include "codec/version.hpp"
#include "contract/command.hpp"
#include "contract/event.hpp"
#include "postfix/event_sink.hpp"
#include "postfix/loop.hpp"
#include "postfix/stream.hpp"
#include "postfix/voice.hpp"

namespace weir::postfix {

class Agents {
 public:
  Agents(Loop& loop, Voice& voice, const codec::ProcessSettings& settings, const codec::Dialect& dialect,
         EventSink sink);
  ~Agents();

  void request(const RequestAgent& command);

  // Sends the request. The answer is immediate only if the socket refuses it at once. `smtputf8_enable` and the
  // rest of the message's part are in `request` already.
  [[nodiscard]] std::optional<Event> deliver(AgentId id, const codec::DeliveryRequest& request);

  void release(AgentId id);

  [[nodiscard]] std::size_t count() const { return agents_.size(); }

 private:
  enum class State : std::uint8_t { unreachable, greeting, ready, writing, working };
  struct Agent;

  [[nodiscard]] Agent* find(AgentId id);
  void watch(Agent& agent);
  void readable(AgentId id);
  void read_greeting(Agent& agent);
  void greeting_done(Agent& agent);
  void greeting_silent(AgentId id);
  void write_ended(AgentId id, int error);
  void await_report(Agent& agent);
  void read_report(Agent& agent);
  void report_done(Agent& agent);
  void report_silent(AgentId id);
  [[nodiscard]] Event write_failed(Agent& agent, int error);
  void fail(AgentId id, AgentProblem problem);

  Loop& loop_;
  Voice& voice_;
  Seconds daemon_timeout_, ipc_timeout_;
  bool old_texts_;
  codec::Dialect dialect_;
  EventSink sink_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Agent>> agents_;  // by AgentId
};

}  // namespace weir::postfix
