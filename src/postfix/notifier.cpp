#include "postfix/notifier.hpp"

#include <cerrno>
#include <utility>
#include <variant>
#include <vector>

namespace weir::postfix {

namespace line = codec::line;

struct Notifier::Request {
  TicketId ticket;
  Service service{};
  bool is_report = false;  // a report about the whole message: patient, and silent about its troubles
  bool wrote = false;
  std::string socket, bytes;
  std::optional<codec::ServiceExchange> exchange;
  std::optional<Stream> stream;
  bool begun = false;  // part of what is awaited has come
  int error = 0;
  Lane* lane = nullptr;  // of a record
  Seconds asked{}, started{};
  TimerId retry = 0;   // connects again when it is over
  Seconds patience{};  // for a full backlog; one try a second

  [[nodiscard]] std::string peer() const { return codec::peer_path(socket); }
};

Notifier::Notifier(Loop& loop, Voice& voice, const codec::ProcessSettings& settings, const codec::Dialect& dialect,
                   EventSink sink)
    : loop_(loop), voice_(voice), settings_(settings), dialect_(dialect), sink_(std::move(sink)) {}

Notifier::~Notifier() {
  for (auto& [ticket, request] : requests_) loop_.cancel(request->retry);
}

Notifier::Request* Notifier::find(TicketId ticket) {
  const auto found = requests_.find(ticket.value);
  return found == requests_.end() ? nullptr : found->second.get();
}

std::string Notifier::socket_of(Service service) const {
  switch (service) {
    case Service::bounce: return "private/" + settings_.bounce_service_name;
    case Service::defer: return "private/" + settings_.defer_service_name;
    case Service::trace: return "private/" + settings_.trace_service_name;
    case Service::verify: return "private/" + settings_.verify_service_name;
    case Service::flush: return "public/" + settings_.flush_service_name;
  }
  return "";
}

bool Notifier::is_for_flush_service(const std::string& site) const {
  if (site.empty() || !settings_.fast_flush_domains.matches(site)) return false;
  if (settings_.fast_flush_default_note) voice_.say(line::relay_domains_compatibility(site));
  return true;
}

//= R-REP-07
void Notifier::ask(const AskService& command, const std::string& queue_id, const Envelope& envelope) {
  if (const auto* add = std::get_if<FlushAdd>(&command.request); add != nullptr && !is_for_flush_service(add->site)) {
    answer(command.ticket, true);
    return;
  }
  auto owned = std::make_unique<Request>();
  Request& request = *owned;
  request.ticket = command.ticket;
  request.service = codec::service_of(command.request);
  request.is_report = std::holds_alternative<ReportRequest>(command.request);
  request.socket = socket_of(request.service);
  request.bytes = codec::encode_service_request(command.request, queue_id, envelope, dialect_);

  if (request.is_report) {
    begin(std::move(owned));
    return;
  }
  request.lane = &lanes_.at(static_cast<std::size_t>(request.service));
  request.patience = settings_.qmgr_ipc_timeout;
  request.asked = loop_.now().seconds();
  request.lane->waiting.push_back(std::move(owned));
  start_waiting(*request.lane);
}

void Notifier::start_waiting(Lane& lane) {
  if (std::exchange(lane.starting, true)) return;
  while (!lane.busy && !lane.waiting.empty()) {
    auto next = std::move(lane.waiting.front());
    lane.waiting.pop_front();
    lane.busy = true;
    begin(std::move(next));
  }
  lane.starting = false;
}

void Notifier::begin(std::unique_ptr<Request> owned) {
  Request& request = *owned;
  request.started = loop_.now().seconds();
  requests_[request.ticket.value] = std::move(owned);
  connect(request);
}

void Notifier::connect(Request& request) {
  const Connection connection = connect_local(request.socket);
  if (connection.error == 0) {
    connected(request, connection.fd);
  } else if (connection.error == EAGAIN && request.patience > Seconds{0}) {
    request.patience -= Seconds{1};
    request.retry = loop_.after(Seconds{1}, [this, &request] {
      request.retry = 0;
      connect(request);
    });
  } else {
    if (!request.is_report) voice_.say(line::connect_failed(request.socket, reason_of(connection.error)));
    if (connection.error == EAGAIN) request.error = ETIMEDOUT;
    close(request, false);
  }
}

void Notifier::connected(Request& request, int fd) {
  request.exchange.emplace(request.service, dialect_, request.peer());
  request.stream.emplace(loop_, fd, request.is_report ? Loop::Peer::any : Loop::Peer::service);
  request.stream->on_readable([this, ticket = request.ticket] { readable(ticket); });
  limit(request, request.is_report ? kReportLimit : settings_.qmgr_ipc_timeout);
  if (request.exchange->state() == codec::ServiceExchange::State::may_write) write_request(request);
}

void Notifier::limit(Request& request, Seconds limit) {
  request.stream->set_limit(limit, [this, ticket = request.ticket] {
    Request* silent = find(ticket);
    if (silent == nullptr) return;
    silent->error = ETIMEDOUT;
    silent->exchange->time_out();
    finish(*silent);
  });
}

void Notifier::readable(TicketId ticket) {
  Request* request = find(ticket);
  if (request == nullptr) return;
  std::string bytes;
  switch (request->stream->read(bytes)) {
    case Stream::Read::nothing_yet: return;
    case Stream::Read::some: request->exchange->feed(bytes); break;
    case Stream::Read::end:
      request->error = request->stream->last_error();
      request->exchange->end_of_file();
      break;
  }
  switch (request->exchange->state()) {
    case codec::ServiceExchange::State::greeting:
    case codec::ServiceExchange::State::status:
      if (!std::exchange(request->begun, true)) limit(*request, settings_.qmgr_ipc_timeout);
      return;
    case codec::ServiceExchange::State::may_write:
      if (!request->wrote) write_request(*request);
      return;
    case codec::ServiceExchange::State::answered:
    case codec::ServiceExchange::State::failed: finish(*request); return;
  }
}

void Notifier::write_request(Request& request) {
  request.wrote = true;
  request.begun = false;
  const auto sent = [this, ticket = request.ticket](int error) {
    Request* written = find(ticket);
    if (written == nullptr) return;
    written->error = error;
    if (error == 0) {
      await_answer(*written);
    } else {
      finish(*written);
    }
  };
  limit(request, settings_.qmgr_ipc_timeout);
  switch (request.stream->send(request.bytes, sent)) {
    case Stream::Send::done: await_answer(request); return;
    case Stream::Send::pending: return;
    case Stream::Send::failed:
      request.error = request.stream->last_error();
      finish(request);
      return;
  }
}

void Notifier::await_answer(Request& request) {
  request.exchange->sent();
  limit(request, request.is_report ? kReportLimit : settings_.qmgr_ipc_timeout);
}

void Notifier::finish(Request& request) {
  voice_.warn_all(request.exchange->take_warnings());
  if (request.exchange->state() != codec::ServiceExchange::State::answered) complain(request, request.error);
  close(request, request.exchange->ok());
}

// The request is gone after this.
void Notifier::close(const Request& request, bool ok) {
  const TicketId ticket = request.ticket;
  Lane* const lane = request.lane;
  std::vector<TicketId> along;
  if (lane != nullptr && request.error == ETIMEDOUT) along = take_waiting(*lane, request.started);
  requests_.erase(ticket.value);
  if (lane != nullptr) lane->busy = false;
  answer(ticket, ok);
  for (const TicketId waited : along) answer(waited, false);
  if (lane != nullptr) start_waiting(*lane);
}

// A service that stands still does so once for all who have waited as long, not once for each.
std::vector<TicketId> Notifier::take_waiting(Lane& lane, Seconds asked_until) {
  std::vector<TicketId> taken;
  while (!lane.waiting.empty() && lane.waiting.front()->asked <= asked_until) {
    taken.push_back(lane.waiting.front()->ticket);
    lane.waiting.pop_front();
  }
  return taken;
}

void Notifier::complain(const Request& request, int error) {
  if (request.is_report) return;
  if (request.service == Service::verify) {
    if (error != EPIPE && error != ENOENT) {
      voice_.say(line::talking_to_service(settings_.verify_service_name, reason_of(error)));
    }
  } else if (!request.wrote && request.exchange->hung_up()) {  // shows when the request is written
    voice_.say(line::write_read_failed(request.peer(), reason_of(EPIPE)));
  } else if (!request.wrote) {
    voice_.say(line::read_failed(request.peer(), reason_of(error)));
  } else {
    voice_.say(line::write_read_failed(request.peer(), reason_of(error)));
  }
}

}  // namespace weir::postfix
