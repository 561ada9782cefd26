// Traces: what is written is read back; a recorded life conforms, also with its addresses replaced; one that was
// decided otherwise does not. Each with a seeded fault that it must notice.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.hpp"
#include "model/judge.hpp"
#include "sim/prng.hpp"
#include "sim/script.hpp"
#include "sim/world.hpp"
#include "trace/pseudonyms.hpp"
#include "trace/reader/read.hpp"
#include "trace/write.hpp"

namespace weir::props {
namespace {

using Channel = std::function<std::string(std::string line)>;
using Decide = std::function<void(std::vector<Command>&)>;

std::string honest(std::string line) { return line; }

struct Run {
  TraceHeader header;
  std::vector<TraceStep> steps;
};

// Keeps a run as values.
class Recording final : public Brain {
 public:
  Recording(const Config& config, std::vector<Run>& runs, Decide meddle)
      : inner_(engine::make_engine(config)), runs_(runs), meddle_(std::move(meddle)), place_(runs.size()) {
    runs_.push_back({{.personality = "qmgr", .brain = "engine"}, {}});
    runs_.back().header.config = config;
  }
  void handle(Time now, const Event& event, std::vector<Command>& out) override {
    TraceStep step{now, event, {}, {}, false};
    inner_->handle(now, event, step.commands);
    if (meddle_) meddle_(step.commands);
    step.deadline = inner_->next_deadline();
    step.turn = inner_->wants_turn();
    out.insert(out.end(), step.commands.begin(), step.commands.end());
    runs_[place_].steps.push_back(std::move(step));
  }
  [[nodiscard]] std::optional<Seconds> next_deadline() const override { return inner_->next_deadline(); }
  [[nodiscard]] bool wants_tick() const override { return inner_->wants_tick(); }
  [[nodiscard]] bool wants_turn() const override { return inner_->wants_turn(); }

 private:
  std::unique_ptr<Brain> inner_;
  std::vector<Run>& runs_;
  Decide meddle_;
  std::size_t place_;
};

// --- lives -------------------------------------------------------------------------------------------------

std::vector<Run> scripted_life(std::uint64_t seed, Decide meddle = {}) {
  std::vector<Run> runs;
  const sim::Script script = sim::random_script(seed, 60);
  sim::World world(sim::setup_config(script.setup),
                   [&](const Config& config) { return std::make_unique<Recording>(config, runs, meddle); });
  for (const sim::Step& step : script.steps) world.step(step);
  return runs;
}

template <std::size_t N>
std::string one_of(sim::Prng& random, const char* const (&words)[N]) {
  return words[random.roll(static_cast<int>(N))];
}

// Names whose order depends on who compares them, special ones, and some of any characters.
std::string draw_address(sim::Prng& random) {
  static const char* const kNames[] = {"Bob",
                                       "bob",
                                       "BOB",
                                       "bob.x",
                                       "alice",
                                       "ALICE",
                                       "aLice",
                                       "owner-a",
                                       "Owner-B",
                                       "a-request",
                                       "double-bounce",
                                       "Postmaster",
                                       "a@b",
                                       "a@z",
                                       "a",
                                       "A",
                                       "[",
                                       "_",
                                       "bob smith",
                                       "mailer-daemon",
                                       "Double-Bounce-x",
                                       "\xc3\xa9",
                                       "-",
                                       "request-"};
  static const char* const kTails[] = {"", "", "", "+", "-x", "+Y", "+y", "-request", "1", "2"};
  static const char* const kDomains[] = {"@d0.t1", "@D0.t1", "@d1.t1",  "@d0.t2",  "@d1.t2",
                                         "",       "@",      "@e f.t1", "@x.retry"};
  std::string address = one_of(random, kNames);
  if (random.one_in(6)) {
    address.clear();
    static const char kAlphabet[] = "AaBb+-@_.z ";
    for (int i = random.roll(5); i >= 0; --i) address += kAlphabet[random.roll(11)];
  }
  address += one_of(random, kTails);
  return address + one_of(random, kDomains);
}

Dsn draw_reason(sim::Prng& random) {
  static const char* const kCodes[] = {"", "4.4.1", "4.4.1", "4.3.0", "4.3.2", "5.1.1", "nonsense code"};
  static const char* const kTexts[] = {"",
                                       "Host said no",
                                       "host said no",
                                       "aaa",
                                       "zzz",
                                       "deferred transport",
                                       "Deferred Transportation",
                                       "mail transport unavailable",
                                       "delivery temporarily suspended: host",
                                       "delivery temporarily suspended",
                                       "Delivery Temporarily suspended: Host",
                                       "e"};
  const std::string code = one_of(random, kCodes);
  return {code, one_of(random, kTexts)};
}

// Few places, many names, bad news of all kinds.
std::vector<Run> life_of_names(std::uint64_t seed) {
  sim::Prng random(seed);
  Config config;
  config.feedback_debug = true;
  config.recipient_delimiter = random.one_in(3) ? "" : random.one_in(2) ? "+-" : "+";
  config.owner_request_special = !random.one_in(4);
  config.default_transport.recipient_limit = 2 + random.roll(3);
  config.transports["t1"].recipient_limit = 1;
  config.minimal_backoff = Seconds{1};
  config.maximal_backoff = Seconds{2};
  config.queue_run_delay = Seconds{2};
  if (random.one_in(2)) {  // the other order of names
    config.scheduler = Scheduler::round_robin;
    if (random.one_in(2)) config.transports["t1"].recipient_limit = 2;
  }
  config.habits.keep_address_extension = random.one_in(4);
  config.habits.defers_itself = random.one_in(4);
  config.habits.crash_kills_transport = random.one_in(4);
  config.habits.dead_transport_keeps_mail = random.one_in(4);
  std::vector<Run> runs;
  sim::World world(config, [&](const Config& c) { return std::make_unique<Recording>(c, runs, Decide{}); });
  for (int turn = 0; turn < 12; ++turn) {
    std::vector<std::string> recipients;
    for (int i = random.roll(12); i >= 0; --i) recipients.push_back(draw_address(random));
    world.add_file(Queue::incoming, 0, 0, recipients);
    world.trigger("I");
    world.settle();
    for (const AgentId agent : world.waiting_agents()) world.greet(agent);
    world.settle();
    for (const AgentId agent : world.busy_agents()) {
      const bool complete = !random.one_in(8);
      const bool try_again = random.one_in(2);
      world.end_delivery(agent, complete, try_again, try_again || !complete ? draw_reason(random) : Dsn{});
    }
    world.settle();
    world.advance(random.roll(3));
  }
  return runs;
}

// --- properties --------------------------------------------------------------------------------------------

TraceLine sent_through(const TraceLine& line, const Channel& channel) {
  const auto read = trace::read_line(channel(trace::line_of(line)));
  return read ? *read : TraceEnd{read.error().text};
}

// All of it reads back as it was.
bool comes_back(const std::vector<Run>& runs, const Channel& channel) {
  for (const Run& run : runs) {
    if (sent_through(run.header, channel) != TraceLine{run.header}) return false;
    for (const TraceStep& step : run.steps) {
      if (sent_through(step, channel) != TraceLine{step}) return false;
    }
  }
  return true;
}

// The first departure in words; empty: all conform.
std::string departure(const std::vector<Run>& runs) {
  model::Judge judge;
  std::size_t count = 0;
  for (const Run& run : runs) {
    judge.begin(run.header);
    for (const TraceStep& step : run.steps) {
      const auto found = judge.look_at(step);
      if (found)
        return std::string(found->duty.requirement) + ' ' + trace::line_of(step) + "\nallowed " +
               trace::line_of(found->allowed_step);
    }
    count += run.steps.size();
  }
  return judge.events() == count ? "" : "not all was judged";
}

// The runs with their addresses replaced, or nothing if that cannot be (spec/trace.md), after `spoil` has had its way with each event or command.
std::vector<Run> hidden(std::vector<Run> runs, const Channel& spoil = honest) {
  for (Run& run : runs) {
    trace::Pseudonyms pseudonyms(run.header.config);
    run.header.config = pseudonyms.hidden(run.header.config);
    for (TraceStep& step : run.steps) {
      step.event = pseudonyms.hidden(step.event);
      for (Command& command : step.commands) command = pseudonyms.hidden(command);
      if (!pseudonyms.good()) return {};
      const TraceLine line = sent_through(step, spoil);
      if (const auto* read = std::get_if<TraceStep>(&line)) step = *read;
    }
  }
  return runs;
}

RC_GTEST_PROP(Trace, EveryLifeReadsBackAsItWas, (std::uint64_t seed)) {
  RC_ASSERT(comes_back(scripted_life(seed), honest));
}

RC_GTEST_PROP(Trace, EveryLifeConforms, (std::uint64_t seed)) { RC_ASSERT(departure(scripted_life(seed)) == ""); }

RC_GTEST_PROP(Trace, EveryLifeConformsWithHiddenAddresses, (std::uint64_t seed)) {
  RC_ASSERT(departure(hidden(scripted_life(seed))) == "");
}

RC_GTEST_PROP(Trace, NamesOfAllKindsConformHiddenOrNot, (std::uint64_t seed)) {
  const std::vector<Run> runs = life_of_names(seed);
  RC_ASSERT(departure(runs) == "");
  const std::vector<Run> replaced = hidden(runs);
  RC_CLASSIFY(!replaced.empty(), "all could be hidden");
  RC_ASSERT(departure(replaced) == "");
}

// --- seeded faults -----------------------------------------------------------------------------------------

constexpr std::uint64_t kLives = 40;

bool any_life(const std::function<bool(std::uint64_t seed)>& shows) {
  for (std::uint64_t seed = 1; seed <= kLives; ++seed) {
    if (shows(seed)) return true;
  }
  return false;
}

std::string with(std::string text, const std::string& old, const std::string& instead) {
  for (auto at = text.find(old); at != std::string::npos; at = text.find(old, at + instead.size())) {
    text.replace(at, old.size(), instead);
  }
  return text;
}

TEST(SeededTraceFaults, AByteLostInWriting) {
  EXPECT_TRUE(any_life([](std::uint64_t seed) {
    return !comes_back(life_of_names(seed), [](const std::string& line) { return with(line, "\\u00c3", "?"); });
  }));
}
TEST(SeededTraceFaults, NumbersRounded) {
  EXPECT_TRUE(any_life([](std::uint64_t seed) {
    return !comes_back(life_of_names(seed), [](const std::string& line) { return with(line, "3333333333", "333"); });
  }));
}
TEST(SeededTraceFaults, ABackoffOneSecondTooLong) {
  const Decide longer = [](std::vector<Command>& commands) {
    for (Command& command : commands) {
      if (auto* retry = std::get_if<Retry>(&command)) retry->not_before += Seconds{1};
    }
  };
  EXPECT_TRUE(
      any_life([&](std::uint64_t seed) { return departure(scripted_life(seed, longer)).starts_with("QUE-05"); }));
}
TEST(SeededTraceFaults, ADecisionTooMany) {
  const Decide twice = [](std::vector<Command>& commands) {
    if (!commands.empty() && std::holds_alternative<BalanceFlow>(commands.back())) commands.push_back(commands.back());
  };
  EXPECT_TRUE(any_life([&](std::uint64_t seed) { return !departure(scripted_life(seed, twice)).empty(); }));
}
// Pseudonyms without the part that keeps the order of names in both cases.
TEST(SeededTraceFaults, OrderWithCaseIsLost) {
  const Channel small = [](std::string line) {
    for (std::size_t i = 0; i + 64 < line.size(); ++i) {
      const std::string mark = line.substr(i, 64);
      if (mark.find_first_not_of("Aa") == std::string::npos) line.replace(i, 64, std::string(64, 'a'));
    }
    return line;
  };
  EXPECT_TRUE(any_life([&](std::uint64_t seed) { return !departure(hidden(life_of_names(seed), small)).empty(); }));
}
// And without the part that says which mailbox it is.
TEST(SeededTraceFaults, MailboxIsLost) {
  const Channel same = [](std::string line) {
    for (char& c : line) {
      if (c == 'j') c = 'k';
    }
    return line;
  };
  EXPECT_TRUE(any_life([&](std::uint64_t seed) { return !departure(hidden(life_of_names(seed), same)).empty(); }));
}

}  // namespace
}  // namespace weir::props
