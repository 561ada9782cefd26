// How a file becomes a message in memory. Spec: spec/intake.md.
#include <algorithm>

#include "engine/engine.hpp"

namespace weir::engine {

void Engine::admit(const ScanEntry& entry) {
  const Ref<Message> m = messages_.take();
  Message& message = messages_[m];
  message.id = MessageId{++last_message_};
  message.queue_id = entry.queue_id;
  const bool heeds_mode = !config_.habits.no_mode_requests;
  message.flush_each = heeds_mode && entry.flush_request;
  message.lift = scan_of(entry.queue).current.lift || message.flush_each;
  message.expire = heeds_mode && entry.expire_request;
  message.queued = message.refilled = read_age();
  message.active_arrival = now_;
  mark(Rule::par_013);
  message.room = config_.message_recipient_minimum;  //= R-PAR-013
  message_ids_.insert(message.id, m);
  begin_reading(m);
  import_.message = message.id;
  mark(Rule::par_011);
  //= R-PAR-011
  const std::int64_t free = config_.message_recipient_limit - recipients_;
  command(Admit{.message = message.id,
                .from = entry.queue,
                .queue_id = entry.queue_id,
                .flush_request = message.flush_each,
                .expire_request = message.expire,
                .at_most = round_robin_ ? batch_size() : at_once(std::max(free, message.room))});
}

void Engine::on(const Admitted& event) {
  const Ref<Message> m = find_message(event.message);
  if (!m || messages_[m].stage != Stage::admitting) return;
  Message& message = messages_[m];
  const Envelope& envelope = event.envelope;
  message.stage = Stage::active;
  message.sender = envelope.sender;
  message.arrival = envelope.arrival;
  message.create_time = envelope.create_time;
  message.warn_time = envelope.warn_time;
  message.inspect = envelope.inspect;
  message.success_notify = envelope.success_notify;
  message.has_trace_record = envelope.trace_offset > 0;
  message.single = !envelope.verp_delimiters.empty();
  message.trace_flags = envelope.trace_flags;
  if (envelope.filter || envelope.redirect) {
    message.rare = std::make_unique<Message::Rare>(Message::Rare{envelope.filter, envelope.redirect});
  }
  if (config_.confirm_delay_cleared && envelope.warn_time < Seconds{0}) {
    mark(Rule::par_085);  //= R-PAR-085
    message.trace_flags |= kTraceDelayCleared;
  }
  if ((message.trace_flags & kTraceVerifyMta) != 0) probes_ += 1;
  if (message.expire && event.defer_log) {
    message.deferred = true;
    message.more = event.batch.more;
    message.unread = event.batch.unread;
    batch_over(m);
    return;
  }
  command(RemoveDeferLog{message.id});
  take_batch(m, event.batch);
}

void Engine::on(const AdmitFailed& event) {
  const Ref<Message> m = find_message(event.message);
  if (!m || messages_[m].stage != Stage::admitting) return;
  const std::string queue_id = messages_[m].queue_id;
  release_message(m);
  switch (event.problem) {
    case AdmitProblem::not_moved: command(Forget{event.message}); break;
    case AdmitProblem::locked:
      log(LogStillBeingDelivered{queue_id});
      command(CoolDown{event.message, clock() + Seconds{60}});
      break;
    case AdmitProblem::vanished:
    case AdmitProblem::corrupt:
      mark(Rule::que_06);  //= R-QUE-06
      command(MarkCorrupt{event.message});
      break;
  }
  admission_over(event.message, false);
}

// The import step that waits for this admission goes on.
void Engine::admission_over(MessageId message, bool imported) {
  if (!import_.active || import_.message != message) return;
  import_.message = {};
  if (imported && import_.queue == Queue::incoming) import_.imported_incoming = true;
  if (imported && (!config_.habits.double_import || reading_ > 0)) {
    end_import();
  } else {
    next_queue();
    look_at_queues();
  }
}

void Engine::release_message(Ref<Message> m) {
  Message& message = messages_[m];
  end_reading(m);
  asked_ -= static_cast<std::int64_t>(message.batch.size());
  message.batch.clear();
  if (message.stage != Stage::admitting && (message.trace_flags & kTraceVerifyMta) != 0) probes_ -= 1;
  message_ids_.erase(message.id, m);
  message.rare.reset();
  messages_.release(m);
}

void Engine::begin_reading(Ref<Message> m) {
  Message& message = messages_[m];
  if (message.reading) return;
  message.reading = true;
  reading_ += 1;
  did_change_message(m);
}

void Engine::end_reading(Ref<Message> m) {
  Message& message = messages_[m];
  if (!message.reading) return;
  message.reading = false;
  reading_ -= 1;
  did_change_message(m);
}

}  // namespace weir::engine
