// What the queue manager does with recipients and messages itself: own deferrals, discarded double bounces,
// the after-work of a message, backoff. Spec: spec/retry.md, spec/services.md.
#include <algorithm>
#include <utility>

#include "model/model.hpp"

namespace weir::model {
namespace {

bool has_domain(const std::string& address) {
  const auto at = address.rfind('@');
  return at != std::string::npos && at + 1 < address.size();
}

AppendRequest append_to(Service service, const char* action, const Message& message, const Disposal& disposal) {
  return {.service = service,
          .flags = message.trace_flags,
          .recipient = disposal.recipient,
          .dsn = disposal.dsn,
          .action = action};
}

// A probe's outcome is told for the original address, then for the other one if they differ.
void add_verify_updates(Disposal& disposal, int status) {
  const Recipient& recipient = disposal.recipient;
  const std::string& reason = disposal.dsn.text;
  if (!recipient.original.empty()) disposal.requests.push_back(VerifyUpdate{recipient.original, status, reason});
  if (recipient.original != recipient.address) {
    disposal.requests.push_back(VerifyUpdate{recipient.address, status, reason});
  }
}

}  // namespace

// --- one recipient -----------------------------------------------------------------------------------

//= R-STR-13  the retry transport is unusable: into the defer log at once
// What only asks, a probe or sendmail -bv, has its answer with that and is not tried again.
void Model::defer_directly(MessageId id, const Recipient& recipient, Dsn dsn) {
  Message& message = s_.messages.at(id);
  if (dsn.code.empty() || dsn.code[0] != '4') {
    log(LogIgnoredDsn{"defer_append", dsn.code});
    dsn.code = "4.0.0";
  }
  Disposal disposal{.kind = Disposal::Kind::defer,
                    .recipient = recipient,
                    .dsn = dsn,
                    .status = "deferred",
                    .requests = {},
                    .log_next = false};
  //= R-REP-06
  const bool traces = !s_.config.habits.no_trace_reports;
  const auto append = [&](Service service, const char* action) {
    return append_to(service, action, message, disposal);
  };
  if ((message.trace_flags & kTraceVerifyMta) != 0) {
    disposal.status = "undeliverable";
    if (!s_.config.verify_negative_cache) {
      disposal.status = "undeliverable-but-not-cached";
    } else {
      add_verify_updates(disposal, 1);
    }
  } else if ((message.trace_flags & kTraceVerifyUser) != 0) {
    disposal.status = "undeliverable";
    if (traces) disposal.requests.push_back(append(Service::trace, "undeliverable"));
  } else {
    message.deferred = true;
    //= R-REP-04
    disposal.requests.push_back(append(Service::defer, "delayed"));
    if (traces && (message.trace_flags & kTraceRecord) != 0)
      disposal.requests.push_back(append(Service::trace, "delayed"));
    if (has_domain(recipient.address)) {
      disposal.requests.push_back(FlushAdd{recipient.address.substr(recipient.address.rfind('@') + 1)});
    }
  }
  begin_disposal(id, std::move(disposal));
}

//= R-GEN-08
void Model::discard(MessageId id, const Recipient& recipient) {
  const Message& message = s_.messages.at(id);
  const Dsn dsn{"2.0.0", "undeliverable postmaster notification discarded"};
  Disposal disposal{.kind = Disposal::Kind::discard,
                    .recipient = recipient,
                    .dsn = dsn,
                    .status = "sent",
                    .requests = {},
                    .log_next = false};
  const auto add_trace = [&](const char* action) {
    if (s_.config.habits.no_trace_reports) return;
    disposal.requests.push_back(append_to(Service::trace, action, message, disposal));
  };
  //= R-GEN-09
  if (s_.config.habits.silent_double_bounce) {
    disposal.status.clear();
  } else if ((message.trace_flags & kTraceVerifyMta) != 0) {
    disposal.status = "deliverable";
    add_verify_updates(disposal, 0);
  } else if ((message.trace_flags & kTraceVerifyUser) != 0) {
    disposal.status = "deliverable";
    add_trace("deliverable");
  } else {
    const bool delay_wanted = recipient.notify == 0 || (recipient.notify & kNotifyDelay) != 0;
    if ((message.trace_flags & kTraceRecord) != 0 ||
        ((message.trace_flags & kTraceDelayCleared) != 0 && delay_wanted)) {
      add_trace("delivered");
    }
    if ((recipient.notify & kNotifySuccess) != 0) add_trace("delivered");
  }
  begin_disposal(id, std::move(disposal));
}

void Model::begin_disposal(MessageId id, Disposal disposal) {
  s_.messages.at(id).disposals += 1;
  go_on(id, std::move(disposal));
}

// The log line stands after the first request of a deferral, and after all requests of everything else.
void Model::go_on(MessageId id, Disposal disposal) {
  if (disposal.log_next || disposal.requests.empty()) {
    if (!disposal.status.empty()) {
      const Message& message = s_.messages.at(id);
      log(LogDelivery{.queue_id = message.queue_id,
                      .recipient = disposal.recipient,
                      .arrival = message.envelope.arrival,
                      .active_arrival = message.active_arrival,
                      .now = now_,
                      .dsn = disposal.dsn,
                      .status = disposal.status});
      disposal.status.clear();
    }
    disposal.log_next = false;
  }
  if (disposal.requests.empty()) {
    if (disposal.kind == Disposal::Kind::discard) command(MarkDone{id, disposal.recipient.offset});
    disposal_over(id);
    return;
  }
  const auto ticket = fresh<TicketId>();
  const ServiceRequest request = disposal.requests.front();
  s_.tickets.emplace(ticket, Ticket{id, std::move(disposal)});
  command(AskService{ticket, id, request});
}

void Model::disposal_answered(MessageId id, Disposal disposal, bool ok) {
  const ServiceRequest request = disposal.requests.front();
  disposal.requests.erase(disposal.requests.begin());
  Message& message = s_.messages.at(id);
  Service service = Service::flush;
  if (const auto* append = std::get_if<AppendRequest>(&request)) service = append->service;
  if (std::holds_alternative<VerifyUpdate>(request)) service = Service::verify;
  if (!ok) {
    log(LogServiceFailure{message.queue_id, service});
    message.deferred = true;
    const bool is_discard = disposal.kind == Disposal::Kind::discard;
    const bool only_asks = service == Service::trace && (message.trace_flags & kTraceVerifyUser) != 0;
    if (service == Service::trace && !is_discard && !only_asks) {
      log(LogServiceFailure{message.queue_id, service});  // of the trace record of deferred mail this is said twice
    }
    if (service == Service::verify || is_discard || only_asks) {
      // No record, no end: the recipient is tried again.
      if (is_discard && service == Service::trace && !only_asks) {
        message.disposals -= 1;
        defer_directly(id, disposal.recipient, {"4.3.0", message.queue_id + ": trace service failed"});
      } else {
        disposal_over(id);
      }
      return;
    }
  }
  disposal.log_next = service == Service::defer;
  go_on(id, std::move(disposal));
}

void Model::disposal_over(MessageId id) {
  s_.messages.at(id).disposals -= 1;
  check_finished(id);
}

void Model::on(const ServiceAnswered& event) {
  const auto found = s_.tickets.find(event.ticket);
  if (found == s_.tickets.end()) return;
  const Ticket ticket = std::move(found->second);
  s_.tickets.erase(found);
  if (ticket.disposal) {
    disposal_answered(ticket.message, *ticket.disposal, event.ok);
  } else {
    report_answered(ticket.message, event.ok);
  }
}

// --- one message -------------------------------------------------------------------------------------

// All assigned deliveries are over. Steps of spec/retry.md follow; each may wait for an answer.
void Model::check_finished(MessageId id) {
  Message& message = s_.messages.at(id);
  if (message.refs > 0 || message.disposals > 0 || message.reading || message.stage != Stage::active) return;
  message.stage = Stage::bounce_log;
  command(CheckBounceLog{id});  //= R-REP-01
}

void Model::ask_report(MessageId id, Stage stage, ReportRequest request) {
  const auto ticket = fresh<TicketId>();
  s_.messages.at(id).stage = stage;
  s_.tickets.emplace(ticket, Ticket{id, std::nullopt});
  command(AskService{ticket, id, request});
}

bool Model::wants_verp_reports(const Message& message) const {
  return message.single && !s_.config.disable_verp_bounces;
}

//= R-REP-07  step 1: bounces
void Model::on(const BounceLogChecked& event) {
  const auto found = s_.messages.find(event.message);
  if (found == s_.messages.end() || found->second.stage != Stage::bounce_log) return;
  const bool verp = wants_verp_reports(found->second);
  switch (event.state) {
    //= R-REP-03
    case LogFileState::present:
      ask_report(event.message, Stage::bounce,
                 {.service = Service::bounce, .kind = ReportRequest::Kind::flush, .verp = verp, .flags = 0});
      return;
    case LogFileState::empty: command(RemoveBounceLog{event.message}); break;
    case LogFileState::absent: break;
  }
  after_bounces(event.message);
}

void Model::report_answered(MessageId id, bool ok) {
  Message& message = s_.messages.at(id);
  const bool verp = wants_verp_reports(message);
  const auto failed = [&](ReportWord word) { log(LogReportFailed{message.queue_id, word}); };
  switch (message.stage) {
    case Stage::bounce:
      if (!ok) failed(verp ? ReportWord::verp : ReportWord::bounce);
      message.deferred |= !ok;
      after_bounces(id);
      return;
    case Stage::trace:
      if (!ok) failed(ReportWord::trace);
      message.deferred |= !ok;
      // A record request is honoured once.
      if (ok && message.envelope.trace_offset > 0) command(KillTrace{id});
      after_trace(id);
      return;
    case Stage::defer:
      if (!ok) failed(verp ? ReportWord::verp : ReportWord::bounce);
      message.deferred = !ok;
      finish(id);
      return;
    case Stage::warn:
      if (!ok) failed(ReportWord::delay_warning);
      if (ok) command(UpdateWarn{id});
      finish(id);
      return;
    case Stage::admitting:
    case Stage::active:
    case Stage::bounce_log:
    case Stage::file: return;
  }
}

// Step 2: an agent may have declared the file corrupt, or somebody may have taken it away.
void Model::after_bounces(MessageId id) {
  Message& message = s_.messages.at(id);
  if (!message.deferred) {
    after_file_check(id);
    return;
  }
  message.stage = Stage::file;
  command(CheckFile{id});
}

void Model::on(const FileChecked& event) {
  const auto found = s_.messages.find(event.message);
  if (found == s_.messages.end() || found->second.stage != Stage::file) return;
  if (event.state == FileState::ready) {
    after_file_check(event.message);
  } else {
    command(MarkCorrupt{event.message});
    forget(event.message);
  }
}

// Step 3: the next batch.
void Model::after_file_check(MessageId id) {
  Message& message = s_.messages.at(id);
  if (message.more) {
    message.stage = Stage::active;
    ask_for_recipients(id);
  } else {
    after_recipients(id);
  }
}

//= R-REP-05  step 4: delivery records
void Model::after_recipients(MessageId id) {
  const Message& message = s_.messages.at(id);
  const unsigned wanted = kTraceVerifyUser | kTraceRecord | kTraceDelayCleared;
  const bool asked = (message.trace_flags & wanted) != 0 || message.envelope.success_notify;
  //= R-REP-08
  if (!asked || s_.config.habits.no_trace_reports) {
    after_trace(id);
    return;
  }
  ask_report(
      id, Stage::trace,
      {.service = Service::trace, .kind = ReportRequest::Kind::trace, .verp = false, .flags = message.trace_flags});
}

// Step 5: return what is too old, or tell of the delay.
void Model::after_trace(MessageId id) {
  const Message& message = s_.messages.at(id);
  if (!message.deferred) {
    finish(id);
    return;
  }
  const Envelope& envelope = message.envelope;
  //= R-PAR-062
  //= R-PAR-068
  const Seconds lifetime = envelope.sender.empty() ? s_.config.bounce_lifetime : s_.config.maximal_lifetime;
  const Habits& habits = s_.config.habits;
  const Seconds born = habits.lifetime_from_arrival ? envelope.arrival.seconds() : envelope.create_time;
  const Seconds warn_from = envelope.warn_time + Seconds{habits.late_delay_warning ? 1 : -1};
  if (message.expire || clock() >= born + lifetime) {
    log(LogExpired{message.queue_id, envelope.sender, message.expire});
    const bool verp = wants_verp_reports(message);
    ask_report(id, Stage::defer,
               {.service = Service::defer, .kind = ReportRequest::Kind::flush, .verp = verp, .flags = 2});
  } else if (envelope.warn_time > Seconds{0} && clock() >= warn_from) {
    ask_report(id, Stage::warn,
               {.service = Service::defer, .kind = ReportRequest::Kind::warn, .verp = false, .flags = 0});
  } else {
    finish(id);
  }
}

//= R-QUE-04  step 6
//= R-STR-10
void Model::finish(MessageId id) {
  const Message& message = s_.messages.at(id);
  if (message.deferred) {
    command(Retry{id, next_attempt(message)});
  } else {
    command(Remove{id});
  }
  forget(id);
}

//= R-QUE-05  the wait is the message's age, kept between the two bounds; so it doubles
//= R-STR-11
//= R-PAR-056
//= R-PAR-060
Seconds Model::next_attempt(const Message& message) const {
  const Envelope& envelope = message.envelope;
  const bool from_arrival = s_.config.habits.backoff_from_arrival;
  const Seconds created = from_arrival ? envelope.arrival.seconds() : envelope.create_time;
  const Seconds age = clock() - created;
  Seconds wait = s_.config.minimal_backoff;
  if (created > Seconds{0}) wait = std::max(s_.config.minimal_backoff, std::min(s_.config.maximal_backoff, age));
  return clock() + wait;
}

void Model::forget(MessageId id) {
  remove_jobs(id);
  s_.messages.erase(id);
}

}  // namespace weir::model
