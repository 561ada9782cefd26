#include "blackbox/stand_in/agents.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "codec/greeting.hpp"
#include "codec/version.hpp"

namespace weir::blackbox::stand_in {
namespace {

constexpr std::size_t kConnectionsMax = 4096;
constexpr std::size_t kEarlyMax = std::size_t{1} << 20;  // bytes before a greeting

}  // namespace

struct Agents::Agent {
  enum class State : std::uint8_t { waiting, greeted, busy, reported };

  Agent(Hub& hub, Descriptor socket, std::string name) : wire(hub, std::move(socket)), transport(std::move(name)) {}

  Wire wire;
  std::string transport;
  State state = State::waiting;
  std::string unread;  // what has come and was not for anybody yet
  codec::DeliveryRequestReader reader{codec::Dialect{}, "stand-in socket"};
  int id = 0;  // of a running request
};

Agents::Agents(Hub& hub, Notes& notes, std::filesystem::path folder)
    : hub_(hub), notes_(notes), folder_(std::move(folder)) {}

Agents::~Agents() {
  for (const auto& [name, socket] : listeners_) hub_.forget(socket.get());
}

std::optional<Failure> Agents::listen(const std::string& transport) {
  if (transport.empty() || transport.find('/') != std::string::npos)
    return Failure{"no name of a socket: " + transport};
  auto made = bind_local(folder_ / transport, SOCK_STREAM);
  if (!made) return made.error();
  Descriptor& socket = listeners_[transport];
  socket = std::move(*made);
  hub_.watch(socket.get(), [this, transport] { accept(transport); });
  return std::nullopt;
}

void Agents::unlisten(const std::string& transport) {
  const auto found = listeners_.find(transport);
  if (found == listeners_.end()) return;
  hub_.forget(found->second.get());
  listeners_.erase(found);
  std::error_code ignored;
  std::filesystem::remove(folder_ / transport, ignored);
}

void Agents::accept(const std::string& transport) {
  Descriptor socket(accept4(listeners_.at(transport).get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket.open() && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)) return;
  if (!socket.open() || agents_.size() >= kConnectionsMax) {
    return notes_.misbehaves("has more than " + std::to_string(agents_.size()) + " connections to agents");
  }
  agents_.push_back(std::make_unique<Agent>(hub_, std::move(socket), transport));
  const Place place = std::prev(agents_.end());
  (*place)->wire.watch([this, place] { serve(place); });
  notes_.see(Connected{transport, ++waiting_[transport]});
}

void Agents::serve(Place place) {
  Agent& agent = **place;
  for (;;) {
    const Wire::Got got = agent.wire.read(agent.unread);
    if (got == Wire::Got::nothing) return;
    if (got == Wire::Got::end) return gone(place);
    hear(agent);
    if (notes_.misbehaviour) return;
  }
}

void Agents::hear(Agent& agent) {
  switch (agent.state) {
    case Agent::State::waiting:
      if (agent.unread.size() > kEarlyMax) notes_.misbehaves("floods " + agent.transport + " before it is greeted");
      return;
    case Agent::State::greeted: return hear_request(agent);
    case Agent::State::busy:
    case Agent::State::reported:
      return notes_.misbehaves("goes on talking to " + agent.transport +
                               " after its request: " + excerpt(agent.unread));
  }
}

void Agents::hear_request(Agent& agent) {
  agent.unread.erase(0, agent.reader.feed(agent.unread));
  if (!agent.reader.done()) return;
  const auto& request = agent.reader.request();
  if (!request) {
    return notes_.misbehaves("makes a malformed request to " + agent.transport + ": " +
                             excerpt(agent.reader.failure()));
  }
  agent.state = Agent::State::busy;
  agent.id = ++last_request_;
  requests_[agent.id] = &agent;
  Requested seen{.id = agent.id,
                 .transport = agent.transport,
                 .nexthop = request->nexthop,
                 .message = message_of(request->queue_id),
                 .recipients = {},
                 .flags = request->flags,
                 .sender = request->sender};
  for (const Recipient& recipient : request->recipients) seen.recipients.push_back(recipient.address);
  notes_.see(std::move(seen));
  if (is_true_ && !is_true_(*request)) {
    notes_.misbehaves("names a file or a content that is not there, in request " + std::to_string(agent.id));
  }
  if (!agent.unread.empty()) hear(agent);
}

void Agents::gone(Place place) {
  Agent& agent = **place;
  if (agent.state == Agent::State::waiting) waiting_[agent.transport] -= 1;
  if (agent.state == Agent::State::greeted) agent.reader.end_of_file();
  if (!agent.reader.failure().empty()) {
    notes_.broke_off = "breaks off in the middle of a request to " + agent.transport;
  } else if (agent.state != Agent::State::reported) {
    notes_.see(Closed{agent.transport});
  }
  requests_.erase(agent.id);
  agents_.erase(place);
}

Agents::Agent* Agents::oldest_waiting(const std::string& transport) {
  const auto found = std::find_if(agents_.begin(), agents_.end(), [&](const auto& each) {
    return each->transport == transport && each->state == Agent::State::waiting;
  });
  if (found == agents_.end()) return nullptr;
  waiting_[transport] -= 1;
  return found->get();
}

bool Agents::greet(const std::string& transport) {
  Agent* agent = oldest_waiting(transport);
  if (agent == nullptr) return false;
  agent->state = Agent::State::greeted;
  agent->wire.write(codec::encode_greeting(codec::GreetingStyle::protocol, codec::kDeliveryProtocol));
  if (!agent->unread.empty()) hear_request(*agent);
  return true;
}

bool Agents::hang_up(const std::string& transport) { return take(oldest_waiting(transport)) != nullptr; }

std::unique_ptr<Agents::Agent> Agents::take(Agent* agent) {
  const auto found =
      std::find_if(agents_.begin(), agents_.end(), [&](const auto& each) { return each.get() == agent; });
  if (found == agents_.end()) return nullptr;
  std::unique_ptr<Agent> taken = std::move(*found);
  requests_.erase(taken->id);
  agents_.erase(found);
  return taken;
}

const codec::DeliveryRequest* Agents::request(int id) const {
  const auto found = requests_.find(id);
  return found == requests_.end() ? nullptr : &*found->second->reader.request();
}

void Agents::report(int id, const codec::DeliveryReport& report) {
  Agent& agent = *requests_.extract(id).mapped();
  agent.state = Agent::State::reported;
  agent.wire.write(codec::encode(report));
}

void Agents::report_raw(int id, std::string_view bytes) {
  Agent& agent = *requests_.extract(id).mapped();
  agent.state = Agent::State::reported;
  agent.wire.write(bytes);
  agent.wire.finish();
}

void Agents::crash(int id) { (void)take(requests_.at(id)); }

}  // namespace weir::blackbox::stand_in
