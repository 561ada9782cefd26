// Triggers, scans, and how files enter the active queue. Spec: spec/intake.md.
#include <algorithm>
#include <utility>

#include "model/model.hpp"

namespace weir::model {

// Start: what was active is incoming again; both queues are scanned; the heartbeat begins.
void Model::on(const Started&) {
  command(RecoverActive{});
  request_scan(Queue::incoming, {.start = true});
  request_scan(Queue::deferred, {.start = true});
  set_timer({.kind = Timer::Kind::heartbeat}, s_.config.queue_run_delay);
}

//= R-TRG-12  all bytes of a buffer are merged first: sets, not sequences
//= R-TRG-13
//= R-TRG-14  so A and F take effect before D and I, whatever their order
//= R-TRG-15
void Model::on(const Triggered& event) {
  ScanRequest incoming;
  ScanRequest deferred;
  //= R-TRG-02
  for (const char byte : event.bytes) {
    switch (byte) {
      case 'W':                                //= R-TRG-11
      case 'I': incoming.start = true; break;  //= R-TRG-05, R-TRG-16
      case 'D': deferred.start = true; break;  //= R-TRG-03
      case 'F':                                //= R-TRG-09
        incoming.revive = incoming.lift = true;
        deferred.revive = deferred.lift = true;
        break;
      case 'A': incoming.all = deferred.all = true; break;  //= R-TRG-07
      default: break;
    }
  }
  const auto is_empty = [](const ScanRequest& r) { return !r.start && !r.all && !r.revive && !r.lift; };
  if (!is_empty(incoming)) request_scan(Queue::incoming, incoming);
  if (!is_empty(deferred)) request_scan(Queue::deferred, deferred);
}

void Model::request_scan(Queue queue, ScanRequest request) {
  const bool late = s_.config.habits.late_scan_modifiers;
  if (request.revive && !late) revive_everything();
  Scan& scan = scan_of(queue);
  if (scan.open && !late) {  // modifiers reach the running scan at once, and stay for the next one
    scan.current.all |= request.all;
    scan.current.lift |= request.lift;
  }
  scan.next.start |= request.start;  //= R-TRG-04, R-PAR-066  a running scan is followed by exactly one more
  scan.next.all |= request.all;      //= R-TRG-08
  scan.next.lift |= request.lift;
  scan.next.revive |= request.revive && late;
  if (!scan.open && request.start) begin_scan(queue);
}

void Model::begin_scan(Queue queue) {
  Scan& scan = scan_of(queue);
  scan.current = std::exchange(scan.next, {});
  scan.open = true;
  if (scan.current.revive) revive_everything();
  command(OpenScan{queue});
}

//= R-QUE-03  the count is messages in memory, not files in active/
//= R-STR-02, R-STR-03, R-PAR-010
bool Model::has_room() const {
  if (round_robin() && recipients_in_memory() >= s_.config.message_recipient_limit) return false;  //= R-PAR-011
  return s_.messages.size() < static_cast<std::size_t>(s_.config.active_limit);
}

//= R-STR-04  at most one message a turn; the two queues are looked at in turn
//= R-STR-05
void Model::start_import() {
  if (s_.import.active) return;
  s_.import.yielded = false;
  if (someone_is_read()) return;  // their recipients come first: nothing is imported past them
  // With double_import *first* never changes: both queues are looked at, incoming first.
  const Queue other = s_.first == Queue::incoming ? Queue::deferred : Queue::incoming;
  //= R-QUE-07  these two alone: nobody looks into hold
  s_.import = {.active = true, .candidates = {s_.first, other}};
  look_at_next_queue();
}

bool Model::someone_is_read() const {
  return std::any_of(s_.messages.begin(), s_.messages.end(), [](const auto& m) { return m.second.reading; });
}

void Model::look_at_next_queue() {
  Import& import = s_.import;
  while (!import.candidates.empty() && has_room()) {
    const Queue queue = import.candidates.front();
    import.last_looked = queue;
    import.began = false;
    if (!scan_of(queue).open && scan_of(queue).next.start) {
      begin_scan(queue);
      import.began = true;
    }
    if (scan_of(queue).open) {
      command(ScanNext{queue});
      return;
    }
    import.candidates.erase(import.candidates.begin());
  }
  end_import();
}

bool Model::awaits_entry(Queue queue) const {
  const Import& import = s_.import;
  return import.active && !import.message && import.candidates.front() == queue;
}

void Model::next_candidate() {
  s_.import.candidates.erase(s_.import.candidates.begin());
  look_at_next_queue();
}

void Model::on(const ScanEnded& event) {
  if (!awaits_entry(event.queue)) return;
  Scan& scan = scan_of(event.queue);
  scan.open = false;
  if (scan.next.start && !s_.import.began) {  //= R-TRG-06  restarted in the same step
    begin_scan(event.queue);
    s_.import.began = true;
    command(ScanNext{event.queue});
    return;
  }
  next_candidate();
}

void Model::on(const ScanEntry& event) {
  if (!awaits_entry(event.queue)) return;
  s_.import.yielded = true;
  const bool due = scan_of(event.queue).current.all || event.mtime <= clock() + Seconds{1};
  if (event.state == FileState::ready && due) {
    admit(event);
  } else {
    next_candidate();
  }
}

//= R-QUE-01
void Model::admit(const ScanEntry& entry) {
  const auto id = fresh<MessageId>();
  Message message;
  message.queue_id = entry.queue_id;
  const bool heeded = !s_.config.habits.no_mode_requests;
  message.flush_each = entry.flush_request && heeded;
  message.expire = entry.expire_request && heeded;
  message.lift = scan_of(entry.queue).current.lift || message.flush_each;
  message.queued = message.refilled = read_steady();
  message.active_arrival = now_;
  message.room = s_.config.message_recipient_minimum;  //= R-PAR-013
  message.reading = true;
  const std::int64_t room = message.room;
  const bool flush = message.flush_each;
  const bool expire = message.expire;
  s_.messages.emplace(id, std::move(message));
  s_.import.message = id;
  //= R-PAR-011
  const std::int64_t at_most = std::max<std::int64_t>(s_.config.message_recipient_limit - s_.recipients, room);
  command(Admit{.message = id,
                .from = entry.queue,
                .queue_id = entry.queue_id,
                .flush_request = flush,
                .expire_request = expire,
                .at_most = round_robin()                 ? batch_size()
                           : s_.config.habits.late_reads ? at_most
                                                         : std::min<std::int64_t>(at_most, 5000)});
}

void Model::on(const Admitted& event) {
  const auto found = s_.messages.find(event.message);
  if (found == s_.messages.end() || found->second.stage != Stage::admitting) return;
  Message& message = found->second;
  message.stage = Stage::active;
  message.envelope = event.envelope;
  message.trace_flags = event.envelope.trace_flags;
  //= R-PAR-085  after a delay warning, tell of success too
  if (s_.config.confirm_delay_cleared && event.envelope.warn_time < Seconds{0})
    message.trace_flags |= kTraceDelayCleared;
  message.single = !event.envelope.verp_delimiters.empty();
  if (message.expire && event.defer_log) {  // the old reasons stand in the notice; nothing is delivered
    message.deferred = true;
    message.more = event.batch.more;
    message.unread = event.batch.unread;
    batch_over(event.message);
    return;
  }
  command(RemoveDeferLog{event.message});
  take_batch(event.message, event.batch);
}

void Model::on(const AdmitFailed& event) {
  const auto found = s_.messages.find(event.message);
  if (found == s_.messages.end() || found->second.stage != Stage::admitting) return;
  const std::string queue_id = found->second.queue_id;
  s_.messages.erase(found);
  switch (event.problem) {
    case AdmitProblem::not_moved: command(Forget{event.message}); break;
    case AdmitProblem::locked:
      log(LogStillBeingDelivered{queue_id});
      command(CoolDown{event.message, clock() + Seconds{60}});
      break;
    case AdmitProblem::vanished:
    case AdmitProblem::corrupt: command(MarkCorrupt{event.message}); break;  //= R-QUE-06
  }
  admission_over(event.message, false);
}

// The admission that the running import step waits for is over.
void Model::admission_over(MessageId message, bool imported) {
  if (!s_.import.active || s_.import.message != message) return;
  s_.import.message.reset();
  if (imported && s_.import.candidates.front() == Queue::incoming) s_.import.imported_incoming = true;
  if (imported && (!s_.config.habits.double_import || someone_is_read())) {
    end_import();
  } else {
    next_candidate();
  }
}

void Model::end_import() {
  Import& import = s_.import;
  import.active = false;
  import.order_due = true;
  if (!s_.config.flow_control) return;
  using Grant = BalanceFlow::Grant;
  command(BalanceFlow{import.imported_incoming ? Grant::one : s_.incoming.open ? Grant::hold : Grant::fill});
}

// Who is looked at first next time: the queue after the last one looked at, but incoming when there is no room.
// Decided when the import and all that followed from it at once are over, before anything else happens.
void Model::decide_who_is_first() {
  if (!s_.import.order_due) return;
  s_.import.order_due = false;
  if (s_.config.habits.double_import) return;
  if (!has_room()) {
    s_.first = Queue::incoming;
  } else if (s_.import.last_looked) {
    s_.first = *s_.import.last_looked == Queue::incoming ? Queue::deferred : Queue::incoming;
  }
}

}  // namespace weir::model
