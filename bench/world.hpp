// World: the least that a brain needs around it to be busy: a queue that never runs dry, agents that answer at once,
// a resolver that knows. Every event and every command takes it O(1); only the brain's own time is counted.
//
// Promises: as many messages are held as the traffic says, from prepare() on and for ever; one delivery ends in
// each round(), and the message that has gone is followed by the next. The same traffic gives the same events.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/stopwatch.hpp"
#include "bench/traffic.hpp"
#include "contract/brain.hpp"

namespace weir::bench {

using BrainFactory = std::function<std::unique_ptr<Brain>(const Config&)>;

class World {
 public:
  struct Counts {
    std::uint64_t events = 0, decisions = 0, log_records = 0, brain_ticks = 0;  // decisions: log records are none
  };

  World(Shape shape, std::int64_t held, Scheduler scheduler, const BrainFactory& make);

  // Until all that is to be held is held. Nothing is delivered but what must be.
  void prepare();
  void round();

  [[nodiscard]] Counts counts() const;
  [[nodiscard]] std::int64_t held() const { return held_; }

 private:
  struct Running {
    AgentId agent;
    Ending ending{};
  };
  struct Question {
    MessageId message;
    std::vector<std::string> addresses;
  };

  [[gnu::noinline]] void feed(const Event& event);  // the name that instructions.py looks for
  void send(const Event& event);
  void tick_if_due();
  void answer_questions();
  void greet();
  void end_deliveries();
  void end(Running delivery);
  void gone() { held_ -= 1; }
  [[nodiscard]] bool has_mail() const;

  // What a command answers at once.
  template <class C>
  const Event* carry_out(C&) {
    return nullptr;
  }
  const Event* carry_out(Log&);
  const Event* carry_out(ScanNext& command);
  const Event* carry_out(Admit& command);
  const Event* carry_out(ReadRecipients& command);
  const Event* carry_out(Resolve& command);
  const Event* carry_out(RequestAgent& command);
  const Event* carry_out(Deliver& command);
  const Event* carry_out(CheckBounceLog& command);
  const Event* carry_out(CheckFile& command);
  const Event* carry_out(AskService& command);
  const Event* carry_out(Retry&) { return gone(), nullptr; }
  const Event* carry_out(CoolDown&) { return gone(), nullptr; }
  const Event* carry_out(Remove&) { return gone(), nullptr; }
  const Event* carry_out(MarkCorrupt&) { return gone(), nullptr; }
  const Event* carry_out(Forget&) { return gone(), nullptr; }

  Traffic traffic_;
  std::unique_ptr<Brain> brain_;
  Traffic::Phase phase_ = Traffic::Phase::dying;
  std::int64_t running_max_ = 0;  // deliveries at a time; 0 = agents do not greet
  Time now_ = at_second(Seconds{1'700'000'000});
  Stopwatch watch_;
  std::uint64_t events_ = 0, decisions_ = 0, log_records_ = 0, rounds_ = 0, names_ = 0;
  std::int64_t held_ = 0, arrived_in_phase_ = 0;

  std::vector<Command> commands_;
  std::size_t next_command_ = 0;
  std::deque<AgentId> greeting_;
  std::deque<Running> running_, slow_;
  std::deque<Question> questions_;
  std::deque<TicketId> tickets_;

  // Events that are used again and again, so that making them costs little.
  Event scan_entry_ = ScanEntry{}, admitted_ = Admitted{}, read_ = RecipientsRead{}, resolved_ = Resolved{};
  Event reply_ = Turn{};
};

}  // namespace weir::bench
