#include "props/faults.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "model/model.hpp"

namespace weir::props {
namespace {

// Passes everything on to a model; a fault overrides what it spoils.
class FaultyBrain : public InspectableBrain {
 public:
  explicit FaultyBrain(const Config& config) : inner_(model::make_model(config)) {}
  void handle(Time now, const Event& event, std::vector<Command>& out) override { inner_->handle(now, event, out); }
  [[nodiscard]] std::optional<Seconds> next_deadline() const override { return inner_->next_deadline(); }
  [[nodiscard]] bool wants_tick() const override { return inner_->wants_tick(); }
  [[nodiscard]] bool wants_turn() const override { return inner_->wants_turn(); }
  [[nodiscard]] Snapshot snapshot() const override { return inner_->snapshot(); }
  [[nodiscard]] std::vector<std::string> broken_invariants() const override { return {}; }

 protected:
  InspectableBrain& inner() { return *inner_; }

 private:
  std::unique_ptr<InspectableBrain> inner_;
};

// Spoils commands on their way out.
template <class Spoil>
class SpoilsCommands final : public FaultyBrain {
 public:
  SpoilsCommands(const Config& config, Spoil spoil) : FaultyBrain(config), spoil_(std::move(spoil)) {}
  void handle(Time now, const Event& event, std::vector<Command>& out) override {
    std::vector<Command> commands;
    inner().handle(now, event, commands);
    for (Command& command : commands) spoil_(now, command);
    for (Command& command : commands) out.push_back(std::move(command));
  }

 private:
  Spoil spoil_;
};

template <class Spoil>
std::unique_ptr<InspectableBrain> spoiling(const Config& config, Spoil spoil) {
  return std::make_unique<SpoilsCommands<Spoil>>(config, std::move(spoil));
}

class NoInvariants final : public FaultyBrain {
 public:
  using FaultyBrain::FaultyBrain;
};

// A good brain with wrong settings. Its own invariants hold by those, so it is not asked about them.
template <class Change>
std::unique_ptr<InspectableBrain> misconfigured(const Config& config, Change change) {
  Config wrong = config;
  change(wrong);
  return std::make_unique<NoInvariants>(wrong);
}

template <class Change>
std::unique_ptr<InspectableBrain> with_transports(const Config& config, Change change) {
  return misconfigured(config, [&](Config& wrong) {
    change(wrong.default_transport);
    for (auto& [name, transport] : wrong.transports) change(transport);
  });
}

class ByteByByte final : public FaultyBrain {
 public:
  using FaultyBrain::FaultyBrain;
  void handle(Time now, const Event& event, std::vector<Command>& out) override {
    if (const auto* trigger = std::get_if<Triggered>(&event)) {
      waiting_ += trigger->bytes;
    } else {
      inner().handle(now, event, out);
    }
    const bool next = std::holds_alternative<Turn>(event) || std::holds_alternative<Triggered>(event);
    if (!next || waiting_.empty()) return;
    inner().handle(now, Triggered{waiting_.substr(0, 1)}, out);
    waiting_.erase(0, 1);
  }
  [[nodiscard]] bool wants_turn() const override { return !waiting_.empty() || FaultyBrain::wants_turn(); }

 private:
  std::string waiting_;
};

// Chooses for one next hop, and then does not send.
class Forgetful final : public FaultyBrain {
 public:
  using FaultyBrain::FaultyBrain;
  void handle(Time now, const Event& event, std::vector<Command>& out) override {
    std::vector<Command> commands;
    inner().handle(now, event, commands);
    for (Command& command : commands) {
      const auto* deliver = std::get_if<Deliver>(&command);
      if (deliver == nullptr || deliver->nexthop != "d1") out.push_back(std::move(command));
    }
  }
};

class SkipsTurns final : public FaultyBrain {
 public:
  using FaultyBrain::FaultyBrain;
  void handle(Time now, const Event& event, std::vector<Command>& out) override {
    if (std::holds_alternative<Turn>(event) && !wants_turn() && ++turns_ % 3 == 0) return;
    inner().handle(now, event, out);
  }

 private:
  int turns_ = 0;
};

// Connections that are opened in one turn come in the order of their names.
class SortsRequests final : public FaultyBrain {
 public:
  using FaultyBrain::FaultyBrain;
  void handle(Time now, const Event& event, std::vector<Command>& out) override {
    std::vector<Command> commands;
    inner().handle(now, event, commands);
    for (const bool first : {true, false}) {
      for (const Command& command : commands) {
        const auto* request = std::get_if<RequestAgent>(&command);
        if ((request != nullptr && request->transport == "t1") == first) out.push_back(command);
      }
    }
  }
};

// As long as there is new mail, deferred files are said to have vanished.
class IncomingOnly final : public FaultyBrain {
 public:
  using FaultyBrain::FaultyBrain;
  void handle(Time now, const Event& event, std::vector<Command>& out) override {
    if (const auto* entry = std::get_if<ScanEntry>(&event)) incoming_ |= entry->queue == Queue::incoming;
    if (const auto* end = std::get_if<ScanEnded>(&event)) incoming_ &= end->queue != Queue::incoming;
    std::vector<Command> commands;
    inner().handle(now, event, commands);
    for (std::size_t i = 0; i < commands.size(); ++i) {
      const Command command = commands[i];
      const auto* next = std::get_if<ScanNext>(&command);
      if (next != nullptr && next->queue == Queue::deferred && incoming_) {
        inner().handle(now, ScanEntry{.queue = Queue::deferred, .queue_id = "X", .state = FileState::vanished},
                       commands);
      } else {
        out.push_back(command);
      }
    }
  }

 private:
  bool incoming_ = false;
};

class KeepsWaiting final : public FaultyBrain {
 public:
  using FaultyBrain::FaultyBrain;
  void handle(Time now, const Event& event, std::vector<Command>& out) override {
    std::vector<Command> commands;
    inner().handle(now, event, commands);
    for (Command& command : commands) {
      const auto* deliver = std::get_if<Deliver>(&command);
      if (deliver != nullptr && deliver->nexthop == "d1") {
        held_.push_back(std::move(command));
        continue;
      }
      others_ += deliver != nullptr ? 1 : 0;
      out.push_back(std::move(command));
      if (others_ < 6) continue;
      for (Command& held : held_) out.push_back(std::move(held));
      held_.clear();
      others_ = 0;
    }
  }

 private:
  std::vector<Command> held_;
  int others_ = 0;
};

// Of each two deliveries to a next hop the second one goes first.
class Swaps final : public FaultyBrain {
 public:
  using FaultyBrain::FaultyBrain;
  void handle(Time now, const Event& event, std::vector<Command>& out) override {
    std::vector<Command> commands;
    inner().handle(now, event, commands);
    for (Command& command : commands) {
      const auto* deliver = std::get_if<Deliver>(&command);
      if (deliver == nullptr) {
        out.push_back(std::move(command));
        continue;
      }
      const std::string nexthop = deliver->nexthop;
      const auto held = held_.find(nexthop);
      if (held == held_.end()) {
        held_.emplace(nexthop, std::move(command));
        continue;
      }
      out.push_back(std::move(command));
      out.push_back(std::move(held->second));
      held_.erase(held);
    }
  }

 private:
  std::map<std::string, Command> held_;
};

}  // namespace

std::unique_ptr<InspectableBrain> ignores_active_limit(const Config& config) {
  return misconfigured(config, [](Config& c) { c.active_limit += 1; });
}
std::unique_ptr<InspectableBrain> ignores_concurrency_limit(const Config& config) {
  return with_transports(config, [](TransportConfig& t) { t.concurrency_limit = 0; });
}
std::unique_ptr<InspectableBrain> ignores_recipient_limit(const Config& config) {
  return with_transports(config, [](TransportConfig& t) { t.recipient_limit = 0; });
}
std::unique_ptr<InspectableBrain> ignores_recipients_in_memory(const Config& config) {
  return misconfigured(config, [](Config& c) { c.message_recipient_limit += 1; });
}
std::unique_ptr<InspectableBrain> ignores_recipient_slots(const Config& config) {
  return with_transports(config, [](TransportConfig& t) { t.recipient_pool += 1; });
}
std::unique_ptr<InspectableBrain> ignores_extra_slots(const Config& config) {
  return with_transports(config, [](TransportConfig& t) { t.extra_recipients += 4; });
}
std::unique_ptr<InspectableBrain> ignores_transport_delay(const Config& config) {
  return with_transports(config, [](TransportConfig& t) { t.transport_rate_delay = Seconds{0}; });
}
std::unique_ptr<InspectableBrain> ignores_destination_delay(const Config& config) {
  return with_transports(config, [](TransportConfig& t) {
    if (t.destination_rate_delay > Seconds{0}) t.concurrency_limit = 1;
    t.destination_rate_delay = Seconds{0};
  });
}
std::unique_ptr<InspectableBrain> preempts_too_much(const Config& config) {
  return with_transports(config, [](TransportConfig& t) {
    if (t.slot_cost >= 2) t.slot_cost = std::max(2, t.slot_cost / 2);
  });
}

std::unique_ptr<InspectableBrain> backs_off_by_a_constant(const Config& config) {
  return spoiling(config, [wait = config.minimal_backoff](Time now, Command& command) {
    if (auto* retry = std::get_if<Retry>(&command)) retry->not_before = now.seconds() + wait;
  });
}
std::unique_ptr<InspectableBrain> backs_off_without_bound(const Config& config) {
  return spoiling(config, [](Time now, Command& command) {
    if (auto* retry = std::get_if<Retry>(&command)) {
      retry->not_before = now.seconds() + 2 * (retry->not_before - now.seconds());
    }
  });
}
std::unique_ptr<InspectableBrain> loses_a_recipient(const Config& config) {
  return spoiling(config, [](Time, Command& command) {
    auto* deliver = std::get_if<Deliver>(&command);
    if (deliver != nullptr && deliver->recipients.size() == 3) deliver->recipients.pop_back();
  });
}
std::unique_ptr<InspectableBrain> delivers_twice(const Config& config) {
  return spoiling(config, [](Time, Command& command) {
    auto* deliver = std::get_if<Deliver>(&command);
    if (deliver != nullptr && deliver->recipients.size() == 3) deliver->recipients[2] = deliver->recipients[0];
  });
}

// Its messages come back as they should, so that nothing but the destination tells.
template <class Change>
std::unique_ptr<InspectableBrain> with_revival(const Config& config, Change change) {
  Config wrong = config;
  change(wrong);
  return spoiling(wrong, [wait = config.minimal_backoff](Time now, Command& command) {
    if (auto* retry = std::get_if<Retry>(&command)) retry->not_before = now.seconds() + wait;
  });
}
std::unique_ptr<InspectableBrain> revives_early(const Config& config) {
  return with_revival(config, [](Config& c) { c.minimal_backoff -= Seconds{1}; });
}
std::unique_ptr<InspectableBrain> revives_late(const Config& config) {
  return with_revival(config, [](Config& c) { c.minimal_backoff += Seconds{1}; });
}

// Every other run reads one recipient more.
std::unique_ptr<InspectableBrain> decides_by_a_global(const Config& config) {
  static int runs = 0;
  return spoiling(config, [more = ++runs % 2](Time, Command& command) {
    if (auto* admit = std::get_if<Admit>(&command)) admit->at_most += more;
  });
}

std::unique_ptr<InspectableBrain> handles_bytes_one_by_one(const Config& config) {
  return std::make_unique<ByteByByte>(config);
}
std::unique_ptr<InspectableBrain> forgets_a_destination(const Config& config) {
  return std::make_unique<Forgetful>(config);
}
std::unique_ptr<InspectableBrain> asks_one_transport_first(const Config& config) {
  return std::make_unique<SortsRequests>(config);
}
std::unique_ptr<InspectableBrain> looks_at_incoming_only(const Config& config) {
  return std::make_unique<IncomingOnly>(config);
}
std::unique_ptr<InspectableBrain> keeps_a_destination_waiting(const Config& config) {
  return std::make_unique<KeepsWaiting>(config);
}
std::unique_ptr<InspectableBrain> skips_turns(const Config& config) { return std::make_unique<SkipsTurns>(config); }
std::unique_ptr<InspectableBrain> sends_young_mail_first(const Config& config) {
  return std::make_unique<Swaps>(config);
}

// Wrong in the limit that round robin compares with, right in the batches that follow from it.
template <class Change>
std::unique_ptr<InspectableBrain> with_right_batches(const Config& config, Change change) {
  Config wrong = config;
  if (config.scheduler == Scheduler::round_robin) change(wrong);
  const double share = config.message_recipient_limit * (config.fudge_factor / 100.0);
  const bool in_turn = config.scheduler == Scheduler::round_robin;
  return spoiling(wrong, [in_turn, batch = static_cast<std::int64_t>(std::ceil(share))](Time, Command& command) {
    if (!in_turn) return;
    if (auto* admit = std::get_if<Admit>(&command)) admit->at_most = batch;
    if (auto* read = std::get_if<ReadRecipients>(&command)) read->at_most = batch;
  });
}
std::unique_ptr<InspectableBrain> schedules_by_jobs(const Config& config) {
  return with_right_batches(config, [](Config& c) { c.scheduler = Scheduler::preemptive; });
}
std::unique_ptr<InspectableBrain> takes_a_file_too_many(const Config& config) {
  return with_right_batches(config, [](Config& c) { c.message_recipient_limit += 1; });
}
std::unique_ptr<InspectableBrain> takes_a_file_too_few(const Config& config) {
  return with_right_batches(config, [](Config& c) { c.message_recipient_limit -= 1; });
}
std::unique_ptr<InspectableBrain> reads_too_early(const Config& config) {
  return with_right_batches(config, [](Config& c) { c.message_recipient_limit += 2; });
}
std::unique_ptr<InspectableBrain> reads_too_late(const Config& config) {
  return with_right_batches(config, [](Config& c) { c.message_recipient_limit -= 2; });
}

template <class Change>
std::unique_ptr<InspectableBrain> with_reads(const Config& config, Change change) {
  if (config.scheduler != Scheduler::round_robin) return model::make_model(config);
  return spoiling(config, [change](Time, Command& command) {
    if (auto* admit = std::get_if<Admit>(&command)) change(admit->at_most);
    if (auto* read = std::get_if<ReadRecipients>(&command)) change(read->at_most);
  });
}
std::unique_ptr<InspectableBrain> reads_one_more(const Config& config) {
  return with_reads(config, [](std::int64_t& at_most) { at_most += 1; });
}
std::unique_ptr<InspectableBrain> knows_no_fudge_factor(const Config& config) {
  return misconfigured(config, [](Config& c) { c.fudge_factor = 100; });
}
std::unique_ptr<InspectableBrain> limits_reads_by_slots(const Config& config) {
  const std::int64_t slots = config.default_transport.recipient_pool;
  return with_reads(config, [slots](std::int64_t& at_most) { at_most = std::min(at_most, slots); });
}

}  // namespace weir::props
