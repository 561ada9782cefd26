#include "blackbox/stand_in/services.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "blackbox/surroundings.hpp"
#include "codec/greeting.hpp"
#include "codec/notify.hpp"
#include "codec/resolve.hpp"
#include "codec/version.hpp"

namespace weir::blackbox::stand_in {
namespace {

constexpr std::size_t kClientsMax = 4096;

enum class Kind : std::uint8_t { resolver, report, verify, flush };

struct Known {
  Kind kind;
  const char* folder;
  const char* name;
  std::string_view protocol;
};
constexpr Known kServices[] = {
    {Kind::resolver, "private", "rewrite", codec::kRewriteProtocol},
    {Kind::report, "private", "bounce", codec::kStatusProtocol},
    {Kind::report, "private", "defer", codec::kStatusProtocol},
    {Kind::report, "private", "trace", codec::kStatusProtocol},
    {Kind::verify, "private", "verify", codec::kVerifyProtocol},
    {Kind::flush, "public", "flush", codec::kFlushProtocol},
};

constexpr int kFailed = -1;
constexpr int kAppend = static_cast<int>(codec::NotifyCommand::append);

bool is_well_formed(Kind kind, const codec::AttrList& list) {
  switch (kind) {
    case Kind::report: return codec::decode_notify_request(list, codec::Dialect{}).has_value();
    case Kind::verify: return codec::decode_verify_request(list).has_value();
    case Kind::flush: return codec::decode_flush_request(list).has_value();
    case Kind::resolver: return false;
  }
  return false;
}

}  // namespace

struct Services::Service {
  const Known& known;
  Descriptor socket;
};

struct Services::Client {
  Client(Hub& hub, Descriptor socket, const Service& asked) : wire(hub, std::move(socket)), service(asked) {}
  Wire wire;
  const Service& service;
  codec::AttrListReader reader;
  std::string unread;
  std::string unsaid;
  std::string kept_back;
};

Services::Services(Hub& hub, Notes& notes) : hub_(hub), notes_(notes) {}

Services::~Services() {
  for (const Service& service : services_) hub_.forget(service.socket.get());
}

std::optional<Failure> Services::listen(const std::filesystem::path& queue_directory) {
  for (const Known& known : kServices) {
    auto made = bind_local(queue_directory / known.folder / known.name, SOCK_STREAM);
    if (!made) return made.error();
    const Service& service = services_.emplace_back(Service{known, std::move(*made)});
    hub_.watch(service.socket.get(), [this, &service] { accept(service); });
  }
  return std::nullopt;
}

void Services::accept(const Service& service) {
  Descriptor socket(accept4(service.socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket.open() && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)) return;
  if (!socket.open() || clients_.size() >= kClientsMax) {
    return notes_.misbehaves("has more than " + std::to_string(clients_.size()) + " connections to services");
  }
  clients_.emplace_back(hub_, std::move(socket), service);
  const Place place = std::prev(clients_.end());
  place->wire.watch([this, place] { serve(place); });
  say(*place, codec::encode_greeting(codec::GreetingStyle::protocol, service.known.protocol));
}

void Services::serve(Place place) {
  Client& client = *place;
  for (;;) {
    const Wire::Got got = client.wire.read(client.unread);
    if (got == Wire::Got::nothing) return;
    if (got == Wire::Got::end) {
      if (!client.reader.untouched()) {
        notes_.broke_off = std::string("breaks off in the middle of a request to ") + client.service.known.name;
      }
      clients_.erase(place);
      return;
    }
    while (!client.unread.empty() && !notes_.misbehaviour) {
      client.unread.erase(0, client.reader.feed(client.unread));
      if (client.reader.done()) answer(client, std::exchange(client.reader, codec::AttrListReader{}).list());
    }
    if (notes_.misbehaviour) return;
  }
}

void Services::say(Client& client, std::string_view bytes) {
  client.unsaid.append(bytes);
  want_to_speak_ = true;
}

void Services::speak() {
  if (!std::exchange(want_to_speak_, false)) return;
  for (const std::string& id : std::exchange(bounced_, {})) {
    if (on_bounce_) on_bounce_(id);
  }
  for (const Service& service : services_) {
    for (Client& client : clients_) {
      if (&client.service == &service && !client.unsaid.empty()) client.wire.write(std::exchange(client.unsaid, {}));
    }
  }
}

void Services::let_resolver_answer() {
  resolver_stalls_ = false;
  for (Client& client : clients_) {
    if (!client.kept_back.empty()) say(client, std::exchange(client.kept_back, {}));
  }
}

void Services::answer(Client& client, const codec::AttrList& list) {
  const Service& service = client.service;
  const auto reply = service.known.kind == Kind::resolver ? resolver_reply(list) : status_reply(service, list);
  if (!reply) return nonsense(client, list);
  if (service.known.kind == Kind::resolver && resolver_stalls_) {
    client.kept_back += *reply;
  } else {
    say(client, *reply);
  }
}

void Services::nonsense(const Client& client, const codec::AttrList& list) {
  std::string text;
  for (const auto& [name, value] : list) text += ' ' + name + '=' + value;
  notes_.misbehaves(std::string("makes a malformed request to ") + client.service.known.name + ':' + excerpt(text));
}

std::optional<std::string> Services::resolver_reply(const codec::AttrList& list) const {
  const auto question = codec::decode_resolver_question(list);
  if (!question) return std::nullopt;
  if (const auto* rewrite = std::get_if<codec::RewriteQuestion>(&*question)) {
    return codec::encode(codec::RewriteReply{0, rewrite->address});
  }
  const std::string& address = std::get<codec::ResolveQuestion>(*question).address;
  const auto told = answers_.find(address);
  return codec::encode(codec::ResolveReply{0, told == answers_.end() ? usual_answer(address) : told->second});
}

std::optional<std::string> Services::status_reply(const Service& service, const codec::AttrList& list) {
  if (!is_well_formed(service.known.kind, list)) return std::nullopt;
  Reported seen = reported(service.known.name, list);
  const std::string id = std::exchange(seen.message, message_of(seen.message));
  if (seen.reason) seen.reason = readable(*seen.reason, {});
  const bool works = !failing_.contains(service.known.name);
  if (works && seen.service == "bounce" && seen.nrequest != kAppend) bounced_.push_back(id);
  notes_.see(std::move(seen));
  return codec::encode_status(works ? 0 : kFailed);
}

}  // namespace weir::blackbox::stand_in
