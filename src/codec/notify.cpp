#include "codec/notify.hpp"

#include <utility>

#include "contract/check.hpp"

namespace weir::codec {
namespace {

// Reads a list whose attributes must come in a fixed order; what follows them is skipped.
class ListCursor {
 public:
  explicit ListCursor(const AttrList& list) : list_(list) {}

  std::string text(std::string_view name) {
    if (next_ >= list_.size() || list_[next_].first != name) {
      ok_ = false;
      return {};
    }
    return list_[next_++].second;
  }

  std::uint64_t number(std::string_view name) {
    const auto value = parse_attr_number(text(name));
    ok_ = ok_ && value.has_value();
    return value.value_or(0);
  }

  std::int32_t int32(std::string_view name) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(number(name)));
  }
  unsigned bits(std::string_view name) { return static_cast<unsigned>(number(name)); }

  [[nodiscard]] bool ok() const { return ok_; }

 private:
  const AttrList& list_;
  std::size_t next_ = 0;
  bool ok_ = true;
};

[[nodiscard]] NotifyAppend read_append(ListCursor& in) {
  NotifyAppend request;
  request.flags = in.bits("flags");
  request.queue_id = in.text("queue_id");
  request.recipient.original = in.text("original_recipient");
  request.recipient.address = in.text("recipient");
  request.recipient.offset = static_cast<std::int64_t>(in.number("offset"));
  request.recipient.dsn_orcpt = in.text("dsn_orig_rcpt");
  request.recipient.notify = in.bits("notify_flags");
  request.status = in.text("status");
  request.diag_type = in.text("diag_type");
  request.diag_text = in.text("diag_text");
  request.mta_type = in.text("mta_type");
  request.mta_mname = in.text("mta_mname");
  request.action = in.text("action");
  request.reason = in.text("reason");
  return request;
}

[[nodiscard]] NotifyFlush read_flush(ListCursor& in, NotifyCommand command, const Dialect& dialect) {
  NotifyFlush request;
  request.command = command;
  request.flags = in.bits("flags");
  request.queue_name = in.text("queue_name");
  request.queue_id = in.text("queue_id");
  request.encoding = in.text("encoding");
  request.options = in.int32(dialect.option_name);
  request.sender = in.text("sender");
  request.envelope_id = in.text("envelope_id");
  request.return_flags = in.int32("ret_flags");
  if (command == NotifyCommand::verp) request.verp_delimiters = in.text("verp_delimiters");
  return request;
}

[[nodiscard]] NotifyAppend append_request(const AppendRequest& request, std::string_view queue_id) {
  NotifyAppend out;
  out.flags = request.flags;
  out.queue_id = queue_id;
  out.recipient = request.recipient;
  out.status = request.dsn.code;
  out.action = request.action;
  out.reason = request.dsn.text;
  return out;
}

[[nodiscard]] NotifyCommand command_of(const ReportRequest& request) {
  switch (request.kind) {
    case ReportRequest::Kind::flush: return request.verp ? NotifyCommand::verp : NotifyCommand::flush;
    case ReportRequest::Kind::warn: return NotifyCommand::warn;
    case ReportRequest::Kind::trace: return NotifyCommand::trace;
  }
  return NotifyCommand::flush;
}

[[nodiscard]] NotifyFlush report_request(const ReportRequest& request, std::string_view queue_id,
                                         const Envelope& envelope, const Dialect& dialect) {
  NotifyFlush out;
  out.command = command_of(request);
  out.flags = request.flags;
  out.queue_id = queue_id;
  out.encoding = envelope.encoding;
  out.options = static_cast<int>(static_cast<unsigned>(envelope.smtputf8) & dialect.option_mask);
  out.sender = envelope.sender;
  out.envelope_id = envelope.envelope_id;
  out.return_flags = envelope.return_flags;
  if (out.command == NotifyCommand::verp) out.verp_delimiters = envelope.verp_delimiters;
  return out;
}

[[nodiscard]] std::string_view protocol_of(Service service) {
  switch (service) {
    case Service::bounce:
    case Service::defer:
    case Service::trace: return kStatusProtocol;
    case Service::verify: return kVerifyProtocol;
    case Service::flush: return kFlushProtocol;
  }
  return {};
}

constexpr std::int32_t kFlushNotMine = 4;  // the domain is not one that flush keeps records of

}  // namespace

std::string encode(const NotifyAppend& request) {
  return AttrWriter{}
      .number("nrequest", static_cast<int>(NotifyCommand::append))
      .number("flags", request.flags)
      .text("queue_id", request.queue_id)
      .text("original_recipient", request.recipient.original)
      .text("recipient", request.recipient.address)
      .long_number("offset", request.recipient.offset)
      .text("dsn_orig_rcpt", request.recipient.dsn_orcpt)
      .number("notify_flags", request.recipient.notify)
      .text("status", request.status)
      .text("diag_type", request.diag_type)
      .text("diag_text", request.diag_text)
      .text("mta_type", request.mta_type)
      .text("mta_mname", request.mta_mname)
      .text("action", request.action)
      .text("reason", request.reason)
      .end()
      .take();
}

std::string encode(const NotifyFlush& request, const Dialect& dialect) {
  AttrWriter out;
  out.number("nrequest", static_cast<std::int32_t>(request.command))
      .number("flags", request.flags)
      .text("queue_name", request.queue_name)
      .text("queue_id", request.queue_id)
      .text("encoding", request.encoding)
      .number(dialect.option_name, request.options)
      .text("sender", request.sender)
      .text("envelope_id", request.envelope_id)
      .number("ret_flags", request.return_flags);
  if (request.command == NotifyCommand::verp) out.text("verp_delimiters", request.verp_delimiters);
  return out.end().take();
}

std::string encode(const VerifyRequest& request) {
  return AttrWriter{}
      .text("request", "update")
      .text("address", request.address)
      .number("recipient_status", request.status)
      .text("reason", request.reason)
      .end()
      .take();
}

std::string encode(const FlushRequest& request) {
  return AttrWriter{}.text("request", "add").text("site", request.site).text("queue_id", request.queue_id).end().take();
}

std::string encode_status(std::int32_t status) { return AttrWriter{}.number("status", status).end().take(); }

std::string encode_service_request(const ServiceRequest& request, std::string_view queue_id, const Envelope& envelope,
                                   const Dialect& dialect) {
  if (const auto* append = std::get_if<AppendRequest>(&request)) return encode(append_request(*append, queue_id));
  if (const auto* report = std::get_if<ReportRequest>(&request)) {
    return encode(report_request(*report, queue_id, envelope, dialect), dialect);
  }
  if (const auto* update = std::get_if<VerifyUpdate>(&request)) {
    return encode(VerifyRequest{update->address, update->status, update->reason});
  }
  return encode(FlushRequest{std::get<FlushAdd>(request).site, std::string{queue_id}});
}

std::optional<NotifyRequest> decode_notify_request(const AttrList& list, const Dialect& dialect) {
  ListCursor in{list};
  const auto command = static_cast<NotifyCommand>(in.int32("nrequest"));
  std::optional<NotifyRequest> request;
  switch (command) {
    case NotifyCommand::append: request = read_append(in); break;
    case NotifyCommand::flush:
    case NotifyCommand::warn:
    case NotifyCommand::verp:
    case NotifyCommand::trace: request = read_flush(in, command, dialect); break;
    case NotifyCommand::one: break;  // no queue manager sends it
  }
  if (!in.ok()) return std::nullopt;
  return request;
}

std::optional<VerifyRequest> decode_verify_request(const AttrList& list) {
  ListCursor in{list};
  const std::string request = in.text("request");
  std::string address = in.text("address");
  const std::int32_t status = in.int32("recipient_status");
  std::string reason = in.text("reason");
  if (!in.ok() || request != "update") return std::nullopt;
  return VerifyRequest{std::move(address), status, std::move(reason)};
}

std::optional<FlushRequest> decode_flush_request(const AttrList& list) {
  ListCursor in{list};
  const std::string request = in.text("request");
  std::string site = in.text("site");
  std::string queue_id = in.text("queue_id");
  if (!in.ok() || request != "add") return std::nullopt;
  return FlushRequest{std::move(site), std::move(queue_id)};
}

Service service_of(const ServiceRequest& request) {
  if (const auto* append = std::get_if<AppendRequest>(&request)) return append->service;
  if (const auto* report = std::get_if<ReportRequest>(&request)) return report->service;
  return std::holds_alternative<VerifyUpdate>(request) ? Service::verify : Service::flush;
}

bool service_ok(Service service, std::int32_t status) {
  return status == 0 || (service == Service::flush && status == kFlushNotMine);
}

// --- one connection ------------------------------------------------------------------------------------

ServiceExchange::ServiceExchange(Service service, const Dialect& dialect, std::string path)
    : service_(service), path_(std::move(path)), greeting_(dialect.service_greeting, protocol_of(service), path_) {
  if (greeting_.done()) state_ = State::may_write;
}

void ServiceExchange::sent() {
  WEIR_CHECK(state_ == State::may_write || state_ == State::answered);
  reader_.emplace(std::vector<AttrWant>{{"status", AttrType::number}}, path_);
  state_ = State::status;
}

// What comes when nothing is expected is thrown away.
void ServiceExchange::feed(std::string_view bytes) {
  if (state_ == State::greeting) {
    greeting_.feed(bytes);
    if (greeting_.done()) finish_greeting();
  } else if (state_ == State::status) {
    reader_->feed(bytes);
    if (reader_->done()) finish_status();
  }
}

void ServiceExchange::end_of_file() {
  if (state_ == State::greeting) {
    hung_up_ = !greeting_.begun();
    greeting_.end_of_file();
    finish_greeting();
    state_ = State::failed;  // even a good greeting is of no use now
  } else if (state_ == State::may_write) {
    hung_up_ = true;
    state_ = State::failed;
  } else if (state_ == State::status) {
    reader_->end_of_file();
    finish_status();
  }
}

void ServiceExchange::time_out() {
  if (state_ == State::greeting) {
    greeting_.time_out();
    finish_greeting();
    state_ = State::failed;
  } else if (state_ == State::status) {
    reader_->time_out();
    finish_status();
  }
}

void ServiceExchange::finish_greeting() {
  for (std::string& text : greeting_.warnings()) warnings_.push_back(std::move(text));
  state_ = greeting_.good() ? State::may_write : State::failed;
}

void ServiceExchange::finish_status() {
  warnings_.insert(warnings_.end(), reader_->warnings().begin(), reader_->warnings().end());
  hung_up_ = reader_->untouched();
  const bool answered = reader_->complete();
  if (answered) status_ = reader_->value(0).int32();
  state_ = answered ? State::answered : State::failed;
}

}  // namespace weir::codec
