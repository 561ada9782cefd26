#include "postfix/driver.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <iterator>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "codec/version.hpp"
#include "postfix/agent.hpp"
#include "postfix/clock.hpp"
#include "postfix/flow.hpp"
#include "postfix/notifier.hpp"
#include "postfix/resolver.hpp"
#include "postfix/spool.hpp"
#include "postfix/voice.hpp"

namespace weir::postfix {

class Driver::Impl {
 public:
  Impl(Loop& loop, LogSink& log, const codec::ProcessSettings& settings, Brain& brain, const codec::Dialect& dialect,
       std::chrono::milliseconds service_patience)
      : loop_(loop),
        service_patience_(service_patience),
        brain_(brain),
        smtputf8_enable_(settings.smtputf8_enable),
        dialect_(dialect),
        voice_(log, settings, dialect),
        spool_(loop, voice_, settings),
        agents_(loop, voice_, settings, dialect_, sink()),
        resolver_(loop, voice_, settings, dialect_, service_sink()),
        notifier_(loop, voice_, settings, dialect_, service_sink()),
        flow_(voice_, kFlowReadFd, kFlowWriteFd, settings.default_process_limit) {}

  ~Impl() { loop_.cancel(tick_); }

  // Hands an event to the brain and carries out what follows from it. Events that come up meanwhile wait.
  void post(Event event) {
    events_.push_back(std::move(event));
    if (working_) return;
    working_ = true;
    while (!events_.empty()) {
      const Event next = std::move(events_.front());
      events_.pop_front();
      handle(next);
      work();
    }
    working_ = false;
    set_timer();
  }

  [[nodiscard]] bool wants_turn() const { return brain_.wants_turn(); }

 private:
  // What a command answers at once.
  using Reply = std::optional<Event>;

  EventSink sink() {
    return [this](Event event) { post(std::move(event)); };
  }

  EventSink service_sink() {
    return [this](Event event) {
      if (awaited_ && !answer_ && awaited_(event)) {
        answer_ = std::move(event);
      } else {
        post(std::move(event));
      }
    };
  }

  // Asks a service, and gives its answer back if it comes soon: what it leads to is then decided before anything else,
  // as in Postfix. `behind`: another question is before this one, so that it may take long.
  template <class Answer, class Ask, class IsMine>
  Reply ask_and_wait(const Ask& ask, const IsMine& is_mine, bool behind) {
    if (behind) return ask(), std::nullopt;
    awaited_ = [is_mine](const Event& event) {
      const auto* answer = std::get_if<Answer>(&event);
      return answer != nullptr && is_mine(*answer);
    };
    ask();
    const Micros end = steady_time() + service_patience_;
    while (!answer_) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - steady_time());
      if (!loop_.serve_services(left)) break;
    }
    awaited_ = nullptr;
    return std::exchange(answer_, std::nullopt);
  }

  // What it leads to comes before what had been commanded and is still to be done: as if one thing were done at a time.
  void handle(const Event& event) {
    decided_.clear();
    brain_.handle(loop_.now(), event, decided_);
    commands_.insert(commands_.begin(), std::make_move_iterator(decided_.begin()),
                     std::make_move_iterator(decided_.end()));
  }

  void work() {
    while (!commands_.empty()) {
      const Command command = std::move(commands_.front());
      commands_.pop_front();
      if (const Reply reply = std::visit([this](const auto& c) { return carry_out(c); }, command)) handle(*reply);
    }
  }

  // The timer stands for the brain's own: it is set anew when its second changes.
  void set_timer() {
    const std::optional<Seconds> deadline = brain_.next_deadline();
    if (deadline == deadline_) return;
    loop_.cancel(std::exchange(tick_, 0));
    deadline_ = deadline;
    if (!deadline) return;
    tick_ = loop_.at(*deadline, [this] {
      tick_ = 0;
      deadline_.reset();
      do post(Tick{});
      while (brain_.wants_tick());
    });
  }

  Reply carry_out(const RecoverActive&) { return spool_.recover_active(), std::nullopt; }
  Reply carry_out(const OpenScan& c) { return spool_.open_scan(c.queue), std::nullopt; }
  Reply carry_out(const ScanNext& c) { return spool_.scan_next(c.queue); }
  Reply carry_out(const Admit& c) { return spool_.admit(c); }
  Reply carry_out(const ReadRecipients& c) { return spool_.read_recipients(c); }
  Reply carry_out(const DropUnread& c) { return spool_.drop_unread(c.message), std::nullopt; }
  Reply carry_out(const RemoveDeferLog& c) { return spool_.remove_defer_log(c.message), std::nullopt; }
  Reply carry_out(const CheckBounceLog& c) { return spool_.check_bounce_log(c.message); }
  Reply carry_out(const RemoveBounceLog& c) { return spool_.remove_bounce_log(c.message), std::nullopt; }
  Reply carry_out(const CheckFile& c) { return spool_.check_file(c.message); }
  Reply carry_out(const MarkDone& c) { return spool_.mark_done(c.message, c.offset), std::nullopt; }
  Reply carry_out(const KillTrace& c) { return spool_.kill_trace(c.message), std::nullopt; }
  Reply carry_out(const UpdateWarn& c) { return spool_.update_warn(c.message), std::nullopt; }
  Reply carry_out(const Retry& c) { return spool_.retry(c.message, c.not_before), std::nullopt; }
  Reply carry_out(const CoolDown& c) { return spool_.cool_down(c.message, c.not_before), std::nullopt; }
  Reply carry_out(const Remove& c) { return spool_.remove(c.message), std::nullopt; }
  Reply carry_out(const MarkCorrupt& c) { return spool_.mark_corrupt(c.message), std::nullopt; }
  Reply carry_out(const Forget& c) { return spool_.forget(c.message), std::nullopt; }

  Reply carry_out(const Resolve& c) {
    const auto message = spool_.find(c.message);
    return ask_and_wait<Resolved>(
        [&] { resolver_.resolve(c, message ? message->reader.envelope().sender : std::string{}); },
        [id = c.message](const Resolved& answer) { return answer.message == id; }, resolver_.open_commands() > 0);
  }

  Reply carry_out(const RequestAgent& c) { return agents_.request(c), std::nullopt; }
  Reply carry_out(const Deliver& c) {
    const auto message = spool_.find(c.message);
    if (!message) {  // nothing to deliver from
      agents_.release(c.agent);
      return AgentFailed{c.agent, AgentProblem::write};
    }
    return agents_.deliver(c.agent, codec::make_delivery_request(message->reader.envelope(), message->queue_id, c,
                                                                 message->active_arrival, smtputf8_enable_, dialect_));
  }
  Reply carry_out(const ReleaseAgent& c) { return agents_.release(c.agent), std::nullopt; }

  Reply carry_out(const AskService& c) {
    const auto message = spool_.find(c.message);
    if (!message) return ServiceAnswered{c.ticket, false};
    const auto ask = [&] { notifier_.ask(c, message->queue_id, message->reader.envelope()); };
    if (std::holds_alternative<ReportRequest>(c.request)) return ask(), std::nullopt;
    return ask_and_wait<ServiceAnswered>(
        ask, [ticket = c.ticket](const ServiceAnswered& answer) { return answer.ticket == ticket; },
        notifier_.open_records(codec::service_of(c.request)) > 0);
  }

  Reply carry_out(const Log& c) { return voice_.say_record(c.record), std::nullopt; }
  Reply carry_out(const BalanceFlow& c) { return flow_.balance(c.grant), std::nullopt; }

  Loop& loop_;
  std::chrono::milliseconds service_patience_;
  Brain& brain_;
  bool smtputf8_enable_;
  codec::Dialect dialect_;
  Voice voice_;
  Spool spool_;
  Agents agents_;
  Resolver resolver_;
  Notifier notifier_;
  Flow flow_;

  std::deque<Event> events_;
  std::deque<Command> commands_;
  std::vector<Command> decided_;
  bool working_ = false;
  std::function<bool(const Event&)> awaited_;  // the answer that ask_and_wait() waits for
  Reply answer_;
  std::optional<Seconds> deadline_;
  TimerId tick_ = 0;
};

Driver::Driver(Loop& loop, LogSink& log, const codec::ProcessSettings& settings, Brain& brain,
               const codec::Dialect& dialect, std::chrono::milliseconds service_patience)
    : impl_(std::make_unique<Impl>(loop, log, settings, brain, dialect, service_patience)) {
  loop.on_failure([&log](std::string_view text) { log.fatal(text); });
}

Driver::~Driver() = default;

void Driver::start() { impl_->post(Started{}); }
void Driver::trigger(std::string bytes) { impl_->post(Triggered{std::move(bytes)}); }
void Driver::turn() { impl_->post(Turn{}); }
bool Driver::wants_turn() const { return impl_->wants_turn(); }

}  // namespace weir::postfix
