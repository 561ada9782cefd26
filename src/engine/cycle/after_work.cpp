// What follows when all deliveries of a message are over: reports, the next batch, expiry, backoff.
// Spec: spec/retry.md.
#include <algorithm>

#include "engine/engine.hpp"

namespace weir::engine {

void Engine::check_finished(Ref<Message> m) {
  Message& message = messages_[m];
  if (message.refs > 0 || message.disposals > 0 || message.reading || message.stage != Stage::active) return;
  mark(Rule::rep_01);  //= R-REP-01
  message.stage = Stage::bounce_log;
  command(CheckBounceLog{message.id});
}

void Engine::ask_report(Ref<Message> m, Stage stage, ReportRequest request) {
  messages_[m].stage = stage;
  const TicketId ticket = new_ticket(m, std::nullopt);
  command(AskService{ticket, messages_[m].id, request});
}

bool Engine::wants_verp_reports(const Message& message) const {
  return message.single && !config_.disable_verp_bounces;
}

void Engine::on(const BounceLogChecked& event) {
  const Ref<Message> m = find_message(event.message);
  if (!m || messages_[m].stage != Stage::bounce_log) return;
  if (event.state == LogFileState::present) {
    mark(Rule::rep_07);  //= R-REP-07
    ask_report(m, Stage::bounce,
               {.service = Service::bounce,
                .kind = ReportRequest::Kind::flush,
                .verp = wants_verp_reports(messages_[m]),
                .flags = 0});
    return;
  }
  if (event.state == LogFileState::empty) command(RemoveBounceLog{event.message});
  after_bounces(m);
}

void Engine::report_answered(Ref<Message> m, bool ok) {
  Message& message = messages_[m];
  const ReportWord bounce = wants_verp_reports(message) ? ReportWord::verp : ReportWord::bounce;
  switch (message.stage) {
    case Stage::bounce:
      if (!ok) log(LogReportFailed{message.queue_id, bounce});
      if (!ok) message.deferred = true;
      after_bounces(m);
      return;
    case Stage::trace:
      if (!ok) log(LogReportFailed{message.queue_id, ReportWord::trace});
      if (!ok) message.deferred = true;
      if (ok && message.has_trace_record) command(KillTrace{message.id});
      after_trace(m);
      return;
    case Stage::defer:
      if (!ok) log(LogReportFailed{message.queue_id, bounce});
      message.deferred = !ok;
      finish(m);
      return;
    case Stage::warn:
      if (!ok) log(LogReportFailed{message.queue_id, ReportWord::delay_warning});
      if (ok) command(UpdateWarn{message.id});
      finish(m);
      return;
    case Stage::admitting:
    case Stage::active:
    case Stage::bounce_log:
    case Stage::file: return;
  }
}

void Engine::after_bounces(Ref<Message> m) {
  Message& message = messages_[m];
  if (!message.deferred) {
    after_file_check(m);
    return;
  }
  message.stage = Stage::file;
  command(CheckFile{message.id});
}

void Engine::on(const FileChecked& event) {
  const Ref<Message> m = find_message(event.message);
  if (!m || messages_[m].stage != Stage::file) return;
  if (event.state == FileState::ready) {
    after_file_check(m);
    return;
  }
  command(MarkCorrupt{event.message});
  forget(m);
}

void Engine::after_file_check(Ref<Message> m) {
  Message& message = messages_[m];
  if (!message.more) {
    after_recipients(m);
    return;
  }
  message.stage = Stage::active;
  ask_for_recipients(m);
}

void Engine::after_recipients(Ref<Message> m) {
  const Message& message = messages_[m];
  const unsigned asks = message.trace_flags & (kTraceVerifyUser | kTraceRecord | kTraceDelayCleared);
  if (config_.habits.no_trace_reports || (asks == 0 && !message.success_notify)) {
    after_trace(m);
    return;
  }
  mark(Rule::rep_05);  //= R-REP-05
  ask_report(
      m, Stage::trace,
      {.service = Service::trace, .kind = ReportRequest::Kind::trace, .verp = false, .flags = message.trace_flags});
}

void Engine::after_trace(Ref<Message> m) {
  const Message& message = messages_[m];
  if (!message.deferred) {
    finish(m);
    return;
  }
  const bool null_sender = message.sender.empty();
  const Seconds lifetime = null_sender ? config_.bounce_lifetime : config_.maximal_lifetime;
  const Seconds born = config_.habits.lifetime_from_arrival ? message.arrival.seconds() : message.create_time;
  const bool too_old = clock() >= born + lifetime;
  if (too_old || message.expire) {
    mark(null_sender ? Rule::par_068 : Rule::par_062);  //= R-PAR-062  //= R-PAR-068
    log(LogExpired{message.queue_id, message.sender, message.expire});
    ask_report(m, Stage::defer,
               {.service = Service::defer,
                .kind = ReportRequest::Kind::flush,
                .verp = wants_verp_reports(message),
                .flags = 2});
    return;
  }
  const bool warn_due =
      config_.habits.late_delay_warning ? clock() > message.warn_time : clock() >= message.warn_time - Seconds{1};
  if (message.warn_time > Seconds{0} && warn_due) {
    ask_report(m, Stage::warn,
               {.service = Service::defer, .kind = ReportRequest::Kind::warn, .verp = false, .flags = 0});
    return;
  }
  finish(m);
}

void Engine::finish(Ref<Message> m) {
  const Message& message = messages_[m];
  if (message.deferred) {
    mark(Rule::que_04);  //= R-QUE-04
    mark(Rule::que_05);
    if (clock() - message.create_time >= config_.maximal_backoff) mark(Rule::par_060);
    command(Retry{message.id, next_attempt(message)});
  } else {
    mark(Rule::str_10);  //= R-STR-10
    command(Remove{message.id});
  }
  forget(m);
}

//= R-QUE-05
//= R-STR-11
//= R-PAR-056
//= R-PAR-060
Seconds Engine::next_attempt(const Message& message) const {
  const Seconds base = config_.habits.backoff_from_arrival ? message.arrival.seconds() : message.create_time;
  const Seconds age = clock() - base;
  if (base <= Seconds{0} || age < config_.minimal_backoff) return clock() + config_.minimal_backoff;
  return clock() + std::max(config_.minimal_backoff, std::min(age, config_.maximal_backoff));
}

void Engine::forget(Ref<Message> m) {
  remove_jobs(m);
  release_message(m);
}

}  // namespace weir::engine
