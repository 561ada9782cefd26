#include "model/model.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace weir::model {

Model::Model(Config config) { s_.config = std::move(config); }

std::unique_ptr<InspectableBrain> make_model(const Config& config) { return std::make_unique<Model>(config); }

namespace {

// Answers to what has been asked: they belong to what led to the question.
template <class E>
constexpr bool is_answer =
    std::is_same_v<E, ScanEntry> || std::is_same_v<E, ScanEnded> || std::is_same_v<E, Admitted> ||
    std::is_same_v<E, AdmitFailed> || std::is_same_v<E, RecipientsRead> || std::is_same_v<E, ReadFailed> ||
    std::is_same_v<E, BounceLogChecked> || std::is_same_v<E, FileChecked> || std::is_same_v<E, Resolved> ||
    std::is_same_v<E, ServiceAnswered>;

}  // namespace

void Model::handle(Time now, const Event& event, std::vector<Command>& out) {
  now_ = now;
  out_ = &out;
  s_.last_event = clock();
  std::visit(
      [this](const auto& e) {
        if constexpr (!is_answer<std::decay_t<decltype(e)>>) decide_who_is_first();
        on(e);
      },
      event);
  resume_choices();
  out_ = nullptr;
}

std::optional<Seconds> Model::next_deadline() const {
  if (s_.timers.empty()) return std::nullopt;
  return s_.timers.front().due;
}

bool Model::wants_tick() const {
  if (s_.timers.empty()) return false;
  const Timer& first = s_.timers.front();
  return first.due <= s_.last_event && first.serial <= s_.round_serial;
}

bool Model::wants_turn() const { return s_.import.yielded && !s_.import.active; }

// Steady time follows the wall clock, but after a backward jump it advances by half of the real progress until
// the wall clock has caught up; all this when it is read, and only then. Round robin has no use for it, and does not
// speak of it.
Seconds Model::read_steady() {
  const Seconds wall = clock();
  const auto tell = [this](const LogTimeJump& jump) {
    if (!round_robin()) log(jump);
  };
  if (!s_.steady_read) {
    s_.steady = wall;
  } else if (wall >= s_.steady) {
    if (s_.slewing) tell({.again = false, .recovered = true});
    s_.slewing = false;
    s_.slew_rest = Seconds{0};
    s_.steady = wall;
  } else if (wall < *s_.steady_read) {
    tell({.again = s_.slewing, .recovered = false});
    s_.slewing = true;
  } else {
    const Seconds progress = wall - *s_.steady_read + s_.slew_rest;
    s_.steady += progress / 2;
    s_.slew_rest = progress % 2;
  }
  s_.steady_read = wall;
  return s_.steady;
}

// Timers run in order of due time, equal ones in order of setting.
void Model::set_timer(Timer timer, Seconds delay) {
  timer.serial = ++s_.last_id;
  timer.due = clock() + delay;
  const auto later =
      std::find_if(s_.timers.begin(), s_.timers.end(), [&](const Timer& t) { return t.due > timer.due; });
  s_.timers.insert(later, std::move(timer));
}

void Model::cancel_timer(Timer::Kind kind, const std::string& transport, DestinationId destination) {
  std::erase_if(s_.timers, [&](const Timer& t) {
    return t.kind == kind && t.transport == transport && t.destination == destination;
  });
}

void Model::timer_fired(const Timer& timer) {
  switch (timer.kind) {
    case Timer::Kind::heartbeat:  //= R-PAR-064
      request_scan(Queue::deferred, {.start = true});
      set_timer({.kind = Timer::Kind::heartbeat}, s_.config.queue_run_delay);
      return;
    case Timer::Kind::transport_retry: recover_transport(timer.transport); return;  //= R-PAR-067
    case Timer::Kind::destination_revive:
      unthrottle(timer.destination);
      delete_if_idle(timer.destination);
      return;
    case Timer::Kind::destination_resume: resume(timer.destination); return;
    case Timer::Kind::agent_delay: agent_usable(timer.agent); return;
  }
}

// One timer, and nothing else until all that follows from it is done. One that has been set in this round waits for
// the next, even when it is due at once.
void Model::on(const Tick&) {
  if (!wants_tick()) return;
  const Timer timer = s_.timers.front();
  s_.timers.erase(s_.timers.begin());
  timer_fired(timer);
}

//= R-STR-01  one strategy for deliveries, one for opening files
void Model::on(const Turn&) {
  s_.round_serial = s_.last_id;
  allocate_agents();
  start_import();
}

void Model::log(LogRecord record) { command(Log{std::move(record)}); }

}  // namespace weir::model
