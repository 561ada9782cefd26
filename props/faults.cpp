#include "props/faults.hpp"

#include <utility>
#include <variant>

#include "model/model.hpp"

namespace weir::props {
namespace {

class BackoffFault final : public FaultyBrain {
 public:
  BackoffFault(std::unique_ptr<Brain> inner, Seconds minimum, bool constant)
      : FaultyBrain(std::move(inner)), minimum_(minimum), constant_(constant) {}
  void handle(Time now, const Event& event, std::vector<Command>& out) override {
    const std::size_t before = out.size();
    inner().handle(now, event, out);
    for (std::size_t i = before; i < out.size(); ++i) {
      if (auto* retry = std::get_if<Retry>(&out[i])) {
        retry->not_before = now.seconds() + (constant_ ? minimum_ : 2 * (retry->not_before - now.seconds()));
      }
    }
  }

 private:
  Seconds minimum_;
  bool constant_;
};

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

// Never delivers to one next hop: its deliveries are called crashed without having been tried.
class Forgetful final : public FaultyBrain {
 public:
  using FaultyBrain::FaultyBrain;
  void handle(Time now, const Event& event, std::vector<Command>& out) override {
    std::vector<Event> events = {event};
    while (!events.empty()) {
      const Event next = events.front();
      events.erase(events.begin());
      std::vector<Command> commands;
      inner().handle(now, next, commands);
      for (Command& command : commands) {
        const auto* deliver = std::get_if<Deliver>(&command);
        if (deliver != nullptr && deliver->nexthop == "d1") {
          out.push_back(ReleaseAgent{deliver->agent});
          events.push_back(Delivered{.agent = deliver->agent, .complete = false, .try_again = true, .dsn = {}});
        } else {
          out.push_back(std::move(command));
        }
      }
    }
  }
};

// Every other run reads one recipient more.
class Global final : public FaultyBrain {
 public:
  explicit Global(std::unique_ptr<Brain> inner) : FaultyBrain(std::move(inner)), more_(++runs % 2) {}
  void handle(Time now, const Event& event, std::vector<Command>& out) override {
    const std::size_t before = out.size();
    inner().handle(now, event, out);
    for (std::size_t i = before; i < out.size(); ++i) {
      if (auto* admit = std::get_if<Admit>(&out[i])) admit->at_most += more_;
    }
  }

 private:
  static inline int runs = 0;
  int more_;
};

}  // namespace

std::unique_ptr<Brain> ignores_active_limit(const Config& config) {
  Config wrong = config;
  wrong.active_limit += 1;
  return model::make_model(wrong);
}

std::unique_ptr<Brain> ignores_concurrency_limit(const Config& config) {
  Config wrong = config;
  wrong.default_transport.concurrency_limit = 0;
  for (auto& [name, transport] : wrong.transports) transport.concurrency_limit = 0;
  return model::make_model(wrong);
}

std::unique_ptr<Brain> ignores_recipient_limit(const Config& config) {
  Config wrong = config;
  wrong.default_transport.recipient_limit = 0;
  for (auto& [name, transport] : wrong.transports) transport.recipient_limit = 0;
  return model::make_model(wrong);
}

std::unique_ptr<Brain> ignores_recipients_in_memory(const Config& config) {
  Config wrong = config;
  wrong.message_recipient_limit += 1000;
  return model::make_model(wrong);
}

std::unique_ptr<Brain> ignores_recipient_slots(const Config& config) {
  Config wrong = config;
  wrong.default_transport.recipient_pool += 1000;
  for (auto& [name, transport] : wrong.transports) transport.recipient_pool += 1000;
  return model::make_model(wrong);
}

std::unique_ptr<Brain> backs_off_by_a_constant(const Config& config) {
  return std::make_unique<BackoffFault>(model::make_model(config), config.minimal_backoff, true);
}

std::unique_ptr<Brain> backs_off_without_bound(const Config& config) {
  return std::make_unique<BackoffFault>(model::make_model(config), config.minimal_backoff, false);
}

std::unique_ptr<Brain> handles_bytes_one_by_one(const Config& config) {
  return std::make_unique<ByteByByte>(model::make_model(config));
}

std::unique_ptr<Brain> forgets_a_destination(const Config& config) {
  return std::make_unique<Forgetful>(model::make_model(config));
}

std::unique_ptr<Brain> decides_by_a_global(const Config& config) {
  return std::make_unique<Global>(model::make_model(config));
}

}  // namespace weir::props
