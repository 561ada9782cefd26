// Triggers, scans, and which queue is looked at next. Spec: spec/intake.md.
#include "engine/engine.hpp"

namespace weir::engine {

void Engine::on(const Started&) {
  command(RecoverActive{});
  request_scan(Queue::incoming, {.start = true});
  request_scan(Queue::deferred, {.start = true});
  timers_.set({.due = clock() + config_.queue_run_delay, .kind = Timer::Kind::heartbeat});
}

//= R-TRG-12  a buffer is a set of bytes
//= R-TRG-13
//= R-TRG-14
void Engine::on(const Triggered& event) {
  ScanRequest incoming;
  ScanRequest deferred;
  for (const char byte : event.bytes) {
    switch (byte) {
      case 'W':
        mark(Rule::trg_11);
        incoming.start = true;
        break;  //= R-TRG-11
      case 'I':
        mark(Rule::trg_05);
        incoming.start = true;
        break;  //= R-TRG-05
      case 'D':
        mark(Rule::trg_03);
        deferred.start = true;
        break;   //= R-TRG-03
      case 'A':  //= R-TRG-07
        mark(Rule::trg_07);
        incoming.all = deferred.all = true;
        break;
      case 'F':  //= R-TRG-09
        mark(Rule::trg_09);
        incoming.revive = incoming.lift = deferred.revive = deferred.lift = true;
        break;
      default: break;
    }
  }
  if (!incoming.is_empty()) request_scan(Queue::incoming, incoming);
  if (!deferred.is_empty()) request_scan(Queue::deferred, deferred);
}

void Engine::request_scan(Queue queue, ScanRequest request) {
  const bool late = config_.habits.late_scan_modifiers;
  if (request.revive && !late) revive_everything();
  Scan& scan = scan_of(queue);
  if (scan.open && !late) {
    if (request.start) mark(Rule::trg_04);  //= R-TRG-04
    if (request.all) mark(Rule::trg_08);    //= R-TRG-08
    scan.current.all |= request.all;
    scan.current.lift |= request.lift;
  }
  scan.next.start |= request.start;
  scan.next.all |= request.all;
  scan.next.lift |= request.lift;
  if (late) scan.next.revive |= request.revive;
  if (!scan.open && request.start) begin_scan(queue);
}

void Engine::begin_scan(Queue queue) {
  Scan& scan = scan_of(queue);
  scan.current = scan.next;
  scan.next = {};
  scan.open = true;
  if (scan.current.revive) revive_everything();
  command(OpenScan{queue});
}

//= R-QUE-03
bool Engine::has_room() const {
  if (round_robin_ && recipients_ + asked_ >= config_.message_recipient_limit) return false;  //= R-PAR-011
  return message_ids_.size() < static_cast<std::size_t>(config_.active_limit);
}

// At most one message a turn, and none past one whose recipients are being read.
void Engine::start_import() {
  if (import_.active) return;
  import_.yielded = false;
  if (reading_ > 0) return;
  import_ = {};
  import_.active = true;
  import_.left = 2;
  import_.queue = first_;
  look_at_queues();
}

void Engine::look_at_queues() {
  for (; import_.left > 0; next_queue()) {
    if (!has_room()) {
      mark(Rule::que_03);
      break;
    }
    Scan& scan = scan_of(import_.queue);
    import_.last_looked = import_.queue;
    import_.began = !scan.open && scan.next.start;
    if (import_.began) begin_scan(import_.queue);
    if (scan.open) {
      command(ScanNext{import_.queue});
      return;
    }
  }
  end_import();
}

//= R-STR-04  the two queues in turn
void Engine::next_queue() {
  mark(Rule::str_04);
  import_.left -= 1;
  import_.queue = import_.queue == Queue::incoming ? Queue::deferred : Queue::incoming;
}

bool Engine::awaits_entry(Queue queue) const {
  return import_.active && import_.message == MessageId{} && import_.queue == queue;
}

void Engine::on(const ScanEnded& event) {
  if (!awaits_entry(event.queue)) return;
  Scan& scan = scan_of(event.queue);
  scan.open = false;
  if (scan.next.start && !import_.began) {
    mark(Rule::trg_06);  //= R-TRG-06
    begin_scan(event.queue);
    import_.began = true;
    command(ScanNext{event.queue});
    return;
  }
  next_queue();
  look_at_queues();
}

void Engine::on(const ScanEntry& event) {
  if (!awaits_entry(event.queue)) return;
  import_.yielded = true;
  const bool due = event.mtime <= clock() + Seconds{1} || scan_of(event.queue).current.all;
  if (due && event.state == FileState::ready) {
    admit(event);
    return;
  }
  next_queue();
  look_at_queues();
}

void Engine::end_import() {
  import_.active = false;
  import_.order_due = true;
  if (!config_.flow_control) return;
  using Grant = BalanceFlow::Grant;
  Grant grant = incoming_.open ? Grant::hold : Grant::fill;
  if (import_.imported_incoming) grant = Grant::one;
  command(BalanceFlow{grant});
}

// Decided when all that followed from the import at once is over.
void Engine::decide_who_is_first() {
  if (!import_.order_due) return;
  import_.order_due = false;
  if (config_.habits.double_import) return;  // incoming comes first in every turn
  if (!has_room()) {
    first_ = Queue::incoming;
  } else if (import_.last_looked) {
    first_ = *import_.last_looked == Queue::incoming ? Queue::deferred : Queue::incoming;
  }
}

}  // namespace weir::engine
