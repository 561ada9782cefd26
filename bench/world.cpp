#include "bench/world.hpp"

#include <array>
#include <string_view>
#include <utility>
#include <variant>

#include "contract/check.hpp"

namespace weir::bench {

namespace {

constexpr std::int64_t kAgents = 50;         // deliveries at a time, those to slow destinations apart
constexpr std::uint64_t kSlowTurn = 20;      // one slow delivery ends in so many rounds
constexpr std::int64_t kPatience = 100'000;  // rounds without an arrival while some is due

Envelope usual_envelope() {
  Envelope envelope;
  envelope.sender = "somebody@sender.example";
  envelope.arrival = at_second(Seconds{1'699'999'990});
  envelope.create_time = Seconds{1'699'999'990};
  envelope.data_offset = 700;
  envelope.data_size = envelope.content_length = 2500;
  envelope.encoding = "7bit";
  envelope.client = {"client.sender.example", "192.0.2.1", "45678", "ESMTP", "client.sender.example"};
  envelope.log_ident = "1A2B3C4D5E";
  return envelope;
}

void write_queue_id(std::string& text, std::uint64_t number) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  text.resize(11);
  for (std::size_t i = text.size(); i > 0; --i) {
    text[i - 1] = kDigits[number % 16];
    number /= 16;
  }
}

}  // namespace

World::World(Shape shape, std::int64_t held, Scheduler scheduler, const BrainFactory& make)
    : traffic_(shape, held, scheduler), brain_(make(traffic_.config())) {
  std::get<Admitted>(admitted_).envelope = usual_envelope();
  std::get<ScanEntry>(scan_entry_).mtime = now_.seconds();
  std::get<ScanEntry>(scan_entry_).state = FileState::ready;
}

World::Counts World::counts() const { return {events_, decisions_, log_records_, watch_.sum()}; }

void World::feed(const Event& event) {
  events_ += 1;
  watch_.start();
  brain_->handle(now_, event, commands_);
  watch_.stop();
}

// In the order given: what the brain answers to an immediate reply follows what it had commanded before.
void World::send(const Event& event) {
  feed(event);
  for (next_command_ = 0; next_command_ < commands_.size(); ++next_command_) {
    decisions_ += 1;
    Command command = std::move(commands_[next_command_]);
    const Event* reply = std::visit([this](auto& c) { return carry_out(c); }, command);
    if (reply != nullptr) feed(*reply);
  }
  commands_.clear();
}

// --- life --------------------------------------------------------------------------------------------

void World::prepare() {
  send(Started{});
  for (const auto phase : {Traffic::Phase::dying, Traffic::Phase::filling}) {
    phase_ = phase;
    running_max_ = phase == Traffic::Phase::dying ? kAgents : 0;
    arrived_in_phase_ = 0;
    send(Triggered{"I"});
    std::int64_t idle = 0;
    while (arrived_in_phase_ < traffic_.messages_of(phase)) {
      const std::int64_t before = arrived_in_phase_;
      round();
      idle = arrived_in_phase_ == before ? idle + 1 : 0;
      if (phase == Traffic::Phase::filling && !running_.empty()) end_deliveries();
      if (phase == Traffic::Phase::filling && held_ >= traffic_.config().active_limit) break;
      WEIR_CHECK(idle < kPatience);
    }
  }
  answer_questions();
  phase_ = Traffic::Phase::flowing;
  running_max_ = kAgents;
  send(Triggered{"I"});
}

void World::round() {
  tick_if_due();
  answer_questions();
  greet();
  const std::int64_t before = held_;
  end_deliveries();
  send(Turn{});
  if (before - held_ > 0 && phase_ == Traffic::Phase::flowing) {  // a turn lets one message in
    answer_questions();
    send(Turn{});
  }
  now_.since_epoch += traffic_.step_of(phase_);
  rounds_ += 1;
}

void World::tick_if_due() {
  const auto deadline = brain_->next_deadline();
  if (deadline && *deadline <= now_.seconds()) send(Tick{});
}

void World::answer_questions() {
  Resolved& answer = std::get<Resolved>(resolved_);
  while (!questions_.empty()) {
    const Question question = std::move(questions_.front());
    questions_.pop_front();
    answer.message = question.message;
    answer.answers.resize(question.addresses.size());
    for (std::size_t i = 0; i < question.addresses.size(); ++i) {
      const std::string& address = question.addresses[i];
      answer.answers[i].transport = "smtp";
      answer.answers[i].nexthop.assign(address, address.find('@') + 1);
      answer.answers[i].recipient = address;
    }
    send(resolved_);
  }
  while (!tickets_.empty()) {
    const TicketId ticket = tickets_.front();
    tickets_.pop_front();
    send(ServiceAnswered{ticket, true});
  }
}

void World::greet() {
  for (std::size_t i = greeting_.size(); i > 0 && static_cast<std::int64_t>(running_.size()) < running_max_; --i) {
    const AgentId agent = greeting_.front();
    greeting_.pop_front();
    send(AgentReady{agent});
  }
}

// One of them in a round, once all agents are busy or nobody can have another.
void World::end_deliveries() {
  if (!slow_.empty() && rounds_ % kSlowTurn == 0) {
    const Running delivery = slow_.front();
    slow_.pop_front();
    traffic_.slow_one_ended();
    end(delivery);
  }
  if (running_.empty()) return;
  const Running delivery = running_.front();
  running_.pop_front();
  end(delivery);
}

void World::end(Running delivery) {
  Delivered event{.agent = delivery.agent};
  event.try_again = delivery.ending == Ending::deferred || delivery.ending == Ending::refused;
  if (delivery.ending == Ending::refused)
    event.dsn = {"4.4.1", "connect to mx.example[192.0.2.2]:25: Connection refused"};
  send(event);
}

bool World::has_mail() const {
  return phase_ == Traffic::Phase::flowing || arrived_in_phase_ < traffic_.messages_of(phase_);
}

// --- commands ----------------------------------------------------------------------------------------

const Event* World::carry_out(Log&) {
  decisions_ -= 1;
  log_records_ += 1;
  return nullptr;
}

const Event* World::carry_out(ScanNext& command) {
  if (command.queue == Queue::deferred || !has_mail()) {
    reply_ = ScanEnded{command.queue};
    return &reply_;
  }
  ScanEntry& entry = std::get<ScanEntry>(scan_entry_);
  entry.queue = command.queue;
  write_queue_id(entry.queue_id, ++names_);
  return &scan_entry_;
}

const Event* World::carry_out(Admit& command) {
  held_ += 1;
  arrived_in_phase_ += 1;
  Admitted& event = std::get<Admitted>(admitted_);
  event.message = command.message;
  event.envelope.arrival = now_;
  event.envelope.create_time = now_.seconds();
  traffic_.next_message(phase_, command.at_most, event.batch);
  return &admitted_;
}

const Event* World::carry_out(ReadRecipients& command) {
  RecipientsRead& event = std::get<RecipientsRead>(read_);
  event.message = command.message;
  traffic_.more_recipients(command.at_most, event.batch);
  return &read_;
}

const Event* World::carry_out(Resolve& command) {
  questions_.push_back({command.message, std::move(command.addresses)});
  return nullptr;
}

const Event* World::carry_out(RequestAgent& command) {
  greeting_.push_back(command.agent);
  return nullptr;
}

const Event* World::carry_out(Deliver& command) {
  const Ending ending = traffic_.ending_of(command.nexthop);
  (ending == Ending::slow ? slow_ : running_).push_back({command.agent, ending});
  return nullptr;
}

const Event* World::carry_out(CheckBounceLog& command) {
  reply_ = BounceLogChecked{command.message, LogFileState::absent};
  return &reply_;
}

const Event* World::carry_out(CheckFile& command) {
  reply_ = FileChecked{command.message, FileState::ready};
  return &reply_;
}

const Event* World::carry_out(AskService& command) {
  tickets_.push_back(command.ticket);
  return nullptr;
}

}  // namespace weir::bench
