#include "engine/engine.hpp"

#include <type_traits>

namespace weir::engine {

Engine::Engine(Config config) : config_(std::move(config)), round_robin_(config_.scheduler == Scheduler::round_robin) {}

Engine::~Engine() = default;

std::unique_ptr<InspectableBrain> make_engine(const Config& config) { return std::make_unique<Engine>(config); }

namespace {

// They belong to what led to the question.
template <class E>
constexpr bool is_answer =
    std::is_same_v<E, ScanEntry> || std::is_same_v<E, ScanEnded> || std::is_same_v<E, Admitted> ||
    std::is_same_v<E, AdmitFailed> || std::is_same_v<E, RecipientsRead> || std::is_same_v<E, ReadFailed> ||
    std::is_same_v<E, BounceLogChecked> || std::is_same_v<E, FileChecked> || std::is_same_v<E, Resolved> ||
    std::is_same_v<E, ServiceAnswered>;

}  // namespace

void Engine::handle(Time now, const Event& event, std::vector<Command>& out) {
  now_ = now;
  second_ = now.seconds();
  out_ = &out;
  std::visit(
      [this](const auto& e) {
        if constexpr (!is_answer<std::decay_t<decltype(e)>>) decide_who_is_first();
        on(e);
      },
      event);
  if (suspended_ > 0 || agents_wait_) resume_choices();
  out_ = nullptr;
}

std::optional<Seconds> Engine::next_deadline() const { return timers_.next_due(); }

bool Engine::wants_tick() const { return timers_.is_due(second_, round_serial_); }

bool Engine::wants_turn() const { return import_.yielded && !import_.active; }

Seconds Engine::read_steady() {
  if (steady_read_ == second_ && !slewing_) return steady_;
  if (!steady_read_) {
    steady_ = steady_begin_ = second_;
  } else if (second_ >= steady_) {
    if (slewing_ && !round_robin_) log(LogTimeJump{.again = false, .recovered = true});
    slewing_ = false;
    slew_rest_ = Seconds{0};
    steady_ = second_;
  } else if (second_ < *steady_read_) {
    if (!round_robin_) log(LogTimeJump{.again = slewing_, .recovered = false});
    slewing_ = true;
  } else {
    const Seconds passed = second_ - *steady_read_ + slew_rest_;
    steady_ += passed / 2;
    slew_rest_ = passed % 2;
  }
  steady_read_ = second_;
  return steady_;
}

void Engine::on(const Turn&) {
  round_serial_ = timers_.last_serial();
  allocate_agents();
  start_import();
}

void Engine::on(const Tick&) {
  if (const auto timer = timers_.take_due(clock(), round_serial_)) timer_fired(*timer);
}

void Engine::timer_fired(const Timer& timer) {
  switch (timer.kind) {
    case Timer::Kind::heartbeat:
      mark(Rule::par_064);  //= R-PAR-064
      request_scan(Queue::deferred, {.start = true});
      timers_.set({.due = clock() + config_.queue_run_delay, .kind = Timer::Kind::heartbeat});
      return;
    case Timer::Kind::transport_retry:
      mark(Rule::par_067);  //= R-PAR-067
      timer.transport->retry_timer = {};
      recover_transport(*timer.transport);
      return;
    case Timer::Kind::destination_revive:
      destinations_[timer.destination].revive = {};
      unthrottle(timer.destination);
      delete_if_idle(timer.destination);
      return;
    case Timer::Kind::destination_resume:
      destinations_[timer.destination].resume = {};
      resume(timer.destination);
      return;
    case Timer::Kind::agent_delay: agent_usable(timer.agent); return;
  }
}

RuleCounts Engine::rule_counts() const {
  RuleCounts counts;
  for (std::size_t i = 0; i < rules_.size(); ++i) counts.emplace_back(kRuleNames[i], rules_[i]);
  return counts;
}

}  // namespace weir::engine
