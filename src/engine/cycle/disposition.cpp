// Recipients that the queue manager disposes of itself: own deferrals and discarded double bounces.
// Spec: spec/services.md.
#include <string_view>

#include "engine/engine.hpp"

namespace weir::engine {
namespace {

AppendRequest record(Service service, const char* action, unsigned trace_flags, const Disposal& d) {
  return {.service = service, .flags = trace_flags, .recipient = d.recipient, .dsn = d.dsn, .action = action};
}

// A probe's outcome, for the original address and then for the resolved one where they differ.
void tell_verify(Disposal& d, int status) {
  const std::string& original = d.recipient.original;
  const std::string& address = d.recipient.address;
  if (!original.empty()) d.requests.push_back(VerifyUpdate{original, status, d.dsn.text});
  if (original != address) d.requests.push_back(VerifyUpdate{address, status, d.dsn.text});
}

Service service_of(const ServiceRequest& request) {
  if (const auto* append = std::get_if<AppendRequest>(&request)) return append->service;
  if (std::holds_alternative<VerifyUpdate>(request)) return Service::verify;
  return Service::flush;
}

}  // namespace

//= R-STR-13
void Engine::defer_directly(Ref<Message> m, const Recipient& recipient, Dsn dsn) {
  mark(Rule::str_13);
  Message& message = messages_[m];
  if (dsn.code.empty() || dsn.code[0] != '4') {
    log(LogIgnoredDsn{"defer_append", dsn.code});
    dsn.code = "4.0.0";
  }
  Disposal d;
  d.kind = Disposal::Kind::defer;
  d.recipient = recipient;
  d.dsn = std::move(dsn);
  d.status = "deferred";
  const unsigned trace = message.trace_flags;
  const bool traces = !config_.habits.no_trace_reports;
  if ((trace & kTraceVerifyMta) != 0) {
    d.status = config_.verify_negative_cache ? "undeliverable" : "undeliverable-but-not-cached";
    if (config_.verify_negative_cache) tell_verify(d, 1);
  } else if ((trace & kTraceVerifyUser) != 0) {
    d.status = "undeliverable";
    if (traces) d.requests.push_back(record(Service::trace, "undeliverable", trace, d));
  } else {
    message.deferred = true;  // the others only ask, and this is the answer
    d.requests.push_back(record(Service::defer, "delayed", trace, d));
    if (traces && (trace & kTraceRecord) != 0) d.requests.push_back(record(Service::trace, "delayed", trace, d));
    const auto at = recipient.address.rfind('@');
    if (at != std::string::npos && at + 1 < recipient.address.size()) {
      d.requests.push_back(FlushAdd{recipient.address.substr(at + 1)});
    }
  }
  begin_disposal(m, std::move(d));
}

//= R-GEN-08
void Engine::discard(Ref<Message> m, const Recipient& recipient) {
  mark(Rule::gen_08);
  Disposal d;
  d.kind = Disposal::Kind::discard;
  d.recipient = recipient;
  d.dsn = {"2.0.0", "undeliverable postmaster notification discarded"};
  d.status = "sent";
  const unsigned trace = messages_[m].trace_flags;
  const auto add_trace = [&](const char* action) {
    if (!config_.habits.no_trace_reports) d.requests.push_back(record(Service::trace, action, trace, d));
  };
  if (config_.habits.silent_double_bounce) {
    d.status.clear();
  } else if ((trace & kTraceVerifyMta) != 0) {
    d.status = "deliverable";
    tell_verify(d, 0);
  } else if ((trace & kTraceVerifyUser) != 0) {
    d.status = "deliverable";
    add_trace("deliverable");
  } else {
    const bool wants_delay = recipient.notify == 0 || (recipient.notify & kNotifyDelay) != 0;
    const bool delay_cleared = (trace & kTraceDelayCleared) != 0 && wants_delay;
    if ((trace & kTraceRecord) != 0 || delay_cleared) add_trace("delivered");
    if ((recipient.notify & kNotifySuccess) != 0) add_trace("delivered");
  }
  begin_disposal(m, std::move(d));
}

void Engine::begin_disposal(Ref<Message> m, Disposal disposal) {
  messages_[m].disposals += 1;
  go_on(m, std::move(disposal));
}

// The log line of a deferral follows its first record; every other one comes when all is told.
void Engine::go_on(Ref<Message> m, Disposal d) {
  const bool done = d.asked == d.requests.size();
  const Message& message = messages_[m];
  if ((d.log_next || done) && !d.status.empty()) {
    log(LogDelivery{.queue_id = message.queue_id,
                    .recipient = d.recipient,
                    .arrival = message.arrival,
                    .active_arrival = message.active_arrival,
                    .now = now_,
                    .dsn = d.dsn,
                    .status = d.status});
    d.status.clear();
  }
  d.log_next = false;
  if (done) {
    if (d.kind == Disposal::Kind::discard) command(MarkDone{message.id, d.recipient.offset});
    disposal_over(m);
    return;
  }
  const ServiceRequest request = d.requests[d.asked];
  const TicketId ticket = new_ticket(m, std::move(d));
  command(AskService{ticket, messages_[m].id, request});
}

void Engine::disposal_answered(Ref<Message> m, Disposal d, bool ok) {
  const Service service = service_of(d.requests[d.asked]);
  d.asked += 1;
  Message& message = messages_[m];
  if (!ok) {
    log(LogServiceFailure{message.queue_id, service});
    message.deferred = true;  // nothing was recorded: try again
    const bool trace = service == Service::trace;
    const bool deferring = d.kind == Disposal::Kind::defer;
    const bool user_probe = trace && (message.trace_flags & kTraceVerifyUser) != 0;
    // Of the trace record of mail that is deferred this is said twice.
    if (trace && deferring && !user_probe) log(LogServiceFailure{message.queue_id, service});
    if (service == Service::verify || !deferring || user_probe) {
      if (trace && !deferring && !user_probe) {
        message.disposals -= 1;
        defer_directly(m, d.recipient, {"4.3.0", message.queue_id + ": trace service failed"});
      } else {
        disposal_over(m);
      }
      return;
    }
  }
  d.log_next = service == Service::defer;
  go_on(m, std::move(d));
}

void Engine::disposal_over(Ref<Message> m) {
  messages_[m].disposals -= 1;
  check_finished(m);
}

TicketId Engine::new_ticket(Ref<Message> m, std::optional<Disposal> disposal) {
  const TicketId id{++last_ticket_};
  tickets_.emplace(id.value, Ticket{m, std::move(disposal)});
  return id;
}

void Engine::on(const ServiceAnswered& event) {
  const auto found = tickets_.find(event.ticket.value);
  if (found == tickets_.end()) return;
  Ticket ticket = std::move(found->second);
  tickets_.erase(found);
  if (ticket.disposal) {
    disposal_answered(ticket.message, std::move(*ticket.disposal), event.ok);
  } else {
    report_answered(ticket.message, event.ok);
  }
}

}  // namespace weir::engine
