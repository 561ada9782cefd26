// What the engine promises beside the model's decisions: cost and memory.
#include "engine/engine.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <new>
#include <string>
#include <vector>

namespace {

std::size_t allocations = 0;
bool counting = false;

}  // namespace

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

void* operator new(std::size_t size) {
  if (counting) allocations += 1;
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace weir::engine {
namespace {

// Mail for one transport, an agent for every request; counts what handle() itself allocates. Addresses and names are
// short, so that the commands' own texts stand in their strings.
class Line {
 public:
  explicit Line(const Config& config) : engine_(config) {
    out_.reserve(64);
    send(Started{});
  }

  // One message with `recipients` recipients, admitted, delivered and gone.
  void message(int recipients) {
    pending_recipients_ = recipients;
    send(Triggered{"I"});
    send(Turn{});
    while (!agents_.empty() || !running_.empty()) {
      while (!agents_.empty()) {
        const AgentId agent = agents_.front();
        agents_.pop_front();
        send(AgentReady{agent});
      }
      while (!running_.empty()) {
        const AgentId agent = running_.front();
        running_.pop_front();
        send(Delivered{.agent = agent, .complete = true, .try_again = false, .dsn = {}});
      }
      send(Turn{});
    }
  }

  [[nodiscard]] std::size_t removed() const { return removed_; }
  [[nodiscard]] std::size_t counted() const { return counted_; }

 private:
  void send(const Event& event) {
    std::vector<Command> out = std::move(out_);
    out.clear();
    allocations = 0;
    counting = true;
    engine_.handle(at_second(Seconds{1000}), event, out);
    counting = false;
    counted_ += allocations;
    const std::vector<Command> commands = out;
    out_ = std::move(out);
    for (const Command& command : commands) std::visit([this](const auto& c) { carry_out(c); }, command);
  }
  void carry_out(const ScanNext& c) {
    if (c.queue == Queue::incoming && pending_recipients_ > 0) {
      send(ScanEntry{.queue = c.queue, .queue_id = "M", .state = FileState::ready, .mtime = Seconds{0}});
    } else {
      send(ScanEnded{c.queue});
    }
  }
  void carry_out(const Admit& c) {
    Batch batch;
    for (int i = 0; i < pending_recipients_; ++i) {
      Recipient r;
      r.address = r.original = "u" + std::to_string(i) + "@d" + std::to_string(i % 3);
      batch.recipients.push_back(r);
    }
    pending_recipients_ = 0;
    Envelope envelope;
    envelope.sender = "s";
    send(Admitted{c.message, envelope, batch, false});
  }
  void carry_out(const Resolve& c) {
    Resolved answer{c.message, {}};
    for (const std::string& address : c.addresses) {
      answer.answers.push_back({"t", address.substr(address.find('@') + 1), address, 0});
    }
    send(answer);
  }
  void carry_out(const RequestAgent& c) { agents_.push_back(c.agent); }
  void carry_out(const Deliver& c) { running_.push_back(c.agent); }
  void carry_out(const CheckBounceLog& c) { send(BounceLogChecked{c.message, LogFileState::absent}); }
  void carry_out(const Remove&) { removed_ += 1; }
  template <class C>
  void carry_out(const C&) {}

  Engine engine_;
  std::vector<Command> out_;
  std::deque<AgentId> agents_, running_;
  int pending_recipients_ = 0;
  std::size_t removed_ = 0, counted_ = 0;
};

// A message of one recipient takes a place in each pool and gives it back. What handle() allocates is the commands'
// own: the list of addresses to resolve, the batch, the answer's copy, the recipients of a delivery.
TEST(Engine, AllocatesNothingOfItsOwnAfterWarmUp) {
  Config config;
  config.flow_control = false;
  Line line(config);
  for (int i = 0; i < 200; ++i) line.message(1 + i % 9);
  const std::size_t warm = line.counted();
  for (int i = 0; i < 500; ++i) line.message(1);
  ASSERT_EQ(line.removed(), 700U);
  EXPECT_LE(line.counted() - warm, 500U * 4) << "batch, question, delivery, and one to spare";
}

// Triggers ask for scans, and a scan can be asked for only once: nothing is kept for each.
TEST(Engine, AMillionTriggersInASecondLeaveNothingBehind) {
  Config config;
  Engine engine(config);
  std::vector<Command> out;
  out.reserve(64);
  engine.handle(at_second(Seconds{1}), Started{}, out);
  const Event trigger = Triggered{"FADIW"};
  engine.handle(at_second(Seconds{1}), trigger, out);
  out.clear();
  allocations = 0;
  counting = true;
  for (int i = 0; i < 1'000'000; ++i) engine.handle(at_second(Seconds{1}), trigger, out);
  counting = false;
  EXPECT_EQ(allocations, 0U);
  EXPECT_LE(out.size(), 2U);
  EXPECT_TRUE(engine.broken_invariants().empty());
}

TEST(Engine, RuleMarksAreCounted) {
  Config config;
  Engine engine(config);
  std::vector<Command> out;
  engine.handle(at_second(Seconds{1}), Started{}, out);
  engine.handle(at_second(Seconds{1}), Triggered{"A"}, out);
  std::uint64_t all = 0;
  for (const auto& [name, count] : engine.rule_counts()) all += name == "TRG-07" ? count : 0;
  EXPECT_EQ(all, 1U);
}

}  // namespace
}  // namespace weir::engine
