// The driver: order of commands and answers, ticks, and one message from the queue to its agent and out.
#include "postfix/driver.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "codec/delivery.hpp"
#include "contract/show.hpp"
#include "postfix/clock.hpp"
#include "postfix/world/queue_files.hpp"
#include "postfix/world/support.hpp"

namespace weir::postfix {
namespace {

using testing::attrs;
using testing::Listener;
using testing::Peer;
using testing::QueueFile;
using testing::run_dry;
using testing::run_until;
using testing::ScratchQueue;
using testing::write_file;
namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

// A brain that does what the test says.
class ScriptedBrain final : public Brain {
 public:
  using Rule = std::function<void(const Event&, std::vector<Command>&)>;

  void handle(Time now, const Event& event, std::vector<Command>& out) override {
    EXPECT_GT(now.since_epoch.count(), 0);
    EXPECT_FALSE(inside_) << "events must not interrupt each other";
    inside_ = true;
    seen.push_back(event);
    if (rule) rule(event, out);
    inside_ = false;
  }
  [[nodiscard]] std::optional<Seconds> next_deadline() const override { return deadline; }
  [[nodiscard]] bool wants_tick() const override { return tick; }
  [[nodiscard]] bool wants_turn() const override { return turn; }

  Rule rule;
  std::vector<Event> seen;
  std::optional<Seconds> deadline;
  bool tick = false;
  bool turn = false;

 private:
  bool inside_ = false;
};

constexpr MessageId kMessage{1};
constexpr MessageId kNobody{77};
constexpr AgentId kAgent{2};

LogExpired note(std::string text) { return LogExpired{std::move(text), "s@x", false}; }
std::string noted(std::string_view text) {
  return std::string(text) + ": from=<s@x>, status=expired, returned to sender";
}

class DriverTest : public ::testing::Test {
 protected:
  template <class E>
  std::size_t seen() const {
    std::size_t count = 0;
    for (const Event& event : brain_.seen) count += std::holds_alternative<E>(event) ? 1U : 0U;
    return count;
  }

  ScratchQueue queue_;
  Loop loop_;
  testing::MemoryLog log_;
  codec::ProcessSettings settings_ = patient_settings();
  ScriptedBrain brain_;
  Driver driver_{loop_, log_, settings_, brain_, {}, std::chrono::milliseconds{0}};  // one thread plays both sides

 private:
  static codec::ProcessSettings patient_settings() {
    codec::ProcessSettings settings = testing::test_settings();
    settings.qmgr_ipc_timeout = Seconds{100};
    return settings;
  }
};

TEST_F(DriverTest, EventsReachTheBrain) {
  brain_.turn = true;
  driver_.start();
  driver_.trigger("FADI");
  driver_.turn();
  EXPECT_TRUE(driver_.wants_turn());
  EXPECT_EQ(brain_.seen, (std::vector<Event>{Started{}, Triggered{"FADI"}, Turn{}}));
}

// As if one thing were done at a time: what an answer leads to does not wait for what else had been commanded.
TEST_F(DriverTest, WhatAnAnswerLeadsToIsDoneAtOnce) {
  brain_.rule = [](const Event& event, std::vector<Command>& out) {
    if (std::holds_alternative<Turn>(event)) {
      out = {Log{note("1")}, OpenScan{Queue::incoming}, ScanNext{Queue::incoming}, Log{note("2")}};
    } else if (std::holds_alternative<ScanEnded>(event)) {
      out = {Log{note("3")}};
    }
  };
  driver_.turn();
  EXPECT_EQ(brain_.seen, (std::vector<Event>{Turn{}, ScanEnded{Queue::incoming}}));
  EXPECT_EQ(log_.take(), (Lines{noted("1"), noted("3"), noted("2")}));
}

// --- services that answer soon, and those that do not ---------------------------------------------------

// A service that answers each question with `reply`, and is served while a driver waits, as if it were another
// process: the loop takes it for one of the daemon's own services.
class PromptService {
 public:
  PromptService(Loop& loop, const std::string& path, std::string greeting, std::string reply)
      : loop_(loop), listener_(path), greeting_(std::move(greeting)), reply_(std::move(reply)) {
    loop_.watch(
        listener_.descriptor(), Loop::Interest::read, [this] { greet(); }, Loop::Peer::service);
  }
  ~PromptService() {
    loop_.forget(listener_.descriptor());
    forget_peer();
  }
  PromptService(const PromptService&) = delete;
  PromptService& operator=(const PromptService&) = delete;

 private:
  void greet() {
    forget_peer();
    peer_ = listener_.accept();
    peer_.say(greeting_);
    loop_.watch(
        peer_.descriptor(), Loop::Interest::read, [this] { answer(); }, Loop::Peer::service);
  }
  void answer() {
    if (peer_.hear().empty()) return forget_peer();
    peer_.say(reply_);
  }
  void forget_peer() {
    if (!peer_.connected()) return;
    loop_.forget(peer_.descriptor());
    peer_.hang_up();
  }

  Loop& loop_;
  Listener listener_;
  Peer peer_{-1};
  std::string greeting_, reply_;
};

const std::string kResolverGreeting = attrs({"protocol", "trivial_rewrite_protocol"});
const std::string kResolved =
    attrs({"flags", "0", "transport", "smtp", "nexthop", "hop", "recipient", "a@x.example", "flags", "4096"});
const Resolve kResolve{kNobody, false, false, {"a@x.example"}};

// Logs "before" and "after" around what it commands at a turn, and "answer" at each answer.
void command_at_turn(ScriptedBrain& brain, std::vector<Command> commands) {
  brain.rule = [commands](const Event& event, std::vector<Command>& out) {
    if (std::holds_alternative<Turn>(event)) {
      out = commands;
      out.insert(out.begin(), Log{note("before")});
      out.push_back(Log{note("after")});
    } else if (std::holds_alternative<Resolved>(event) || std::holds_alternative<ServiceAnswered>(event)) {
      out = {Log{note("answer")}};
    }
  };
}

// Whoever waits where it should not does so until the test is ended from outside.
class PatientDriverTest : public DriverTest {
 protected:
  Driver patient_{loop_, log_, settings_, brain_, {}, std::chrono::minutes{2}};
};

TEST_F(PatientDriverTest, WhatTheResolverSaysIsDecidedFirst) {
  const PromptService rewrite(loop_, "private/rewrite", kResolverGreeting, kResolved);
  command_at_turn(brain_, {kResolve, kResolve});
  patient_.turn();
  EXPECT_EQ(log_.take(), (Lines{noted("before"), noted("answer"), noted("answer"), noted("after")}));
}

TEST_F(PatientDriverTest, AServiceThatIsNotThereIsNotWaitedFor) {
  command_at_turn(brain_, {kResolve});
  patient_.turn();
  ASSERT_FALSE(log_.lines.empty());
  EXPECT_EQ(log_.lines.front(), noted("before"));
  EXPECT_EQ(log_.lines.back(), noted("after"));
}

TEST_F(PatientDriverTest, RecordsAreWaitedForAndReportsAreNot) {
  write_file("incoming/AB12CD34", QueueFile{}.bytes());
  brain_.rule = [](const Event& event, std::vector<Command>& out) {
    if (std::holds_alternative<Started>(event)) {
      out = {OpenScan{Queue::incoming}, ScanNext{Queue::incoming}};
    } else if (const auto* entry = std::get_if<ScanEntry>(&event)) {
      out = {Admit{kMessage, Queue::incoming, entry->queue_id, false, false, 10}};
    }
  };
  patient_.start();
  ASSERT_EQ(seen<Admitted>(), 1U);
  log_.lines.clear();

  const std::string greeting = attrs({"protocol", "delivery_status_protocol"}), done = attrs({"status", "0"});
  const PromptService bounce(loop_, "private/bounce", greeting, done), defer(loop_, "private/defer", greeting, done);
  const AskService report{TicketId{1}, kMessage, ReportRequest{Service::bounce}};
  AppendRequest append;
  append.service = Service::defer;
  append.recipient.address = "a@x.example";
  const AskService record{TicketId{2}, kMessage, append};

  command_at_turn(brain_, {record});
  patient_.turn();
  EXPECT_EQ(log_.take(), (Lines{noted("before"), noted("answer"), noted("after")}));
  command_at_turn(brain_, {report});
  patient_.turn();
  EXPECT_EQ(log_.take(), (Lines{noted("before"), noted("after")}));
  ASSERT_TRUE(run_until(loop_, [&] { return !log_.lines.empty(); }));
  EXPECT_EQ(log_.take(), (Lines{noted("answer")}));
}

TEST_F(DriverTest, ASilentServiceIsWaitedForOnlySoLong) {
  constexpr std::chrono::milliseconds kPatience{30};
  Driver driver(loop_, log_, settings_, brain_, {}, kPatience);
  const Listener rewrite("private/rewrite");
  command_at_turn(brain_, {kResolve});
  const auto start = std::chrono::steady_clock::now();
  driver.turn();
  EXPECT_GE(std::chrono::steady_clock::now() - start, kPatience);
  EXPECT_EQ(log_.take(), (Lines{noted("before"), noted("after")}));

  const Peer peer = rewrite.accept();
  peer.say(kResolverGreeting);
  ASSERT_TRUE(run_until(loop_, [&] { return !peer.hear().empty(); }));
  peer.say(kResolved);
  ASSERT_TRUE(run_until(loop_, [&] { return !log_.lines.empty(); }));
  EXPECT_EQ(log_.take(), (Lines{noted("answer")}));
}

// The one that is silent has made everybody wait once; a question behind its own waits without them.
TEST_F(DriverTest, WhatIsBehindAnOpenQuestionIsNotWaitedFor) {
  Driver driver(loop_, log_, settings_, brain_, {}, std::chrono::milliseconds{30});
  {
    const Listener rewrite("private/rewrite");
    command_at_turn(brain_, {kResolve});
    driver.turn();
    EXPECT_EQ(log_.take(), (Lines{noted("before"), noted("after")}));
  }
  const PromptService rewrite(loop_, "private/rewrite", kResolverGreeting, kResolved);
  driver.turn();  // it would be answered within any patience
  EXPECT_EQ(log_.take(), (Lines{noted("before"), noted("after")}));
}

// --- order of events --------------------------------------------------------------------------------------

TEST_F(DriverTest, WhatNeedsNoServiceIsAnsweredInTheOrderOfAsking) {
  brain_.rule = [](const Event& event, std::vector<Command>& out) {
    if (std::holds_alternative<Turn>(event)) {
      out = {AskService{TicketId{1}, kNobody, ReportRequest{Service::bounce}}, Resolve{MessageId{2}},
             OpenScan{Queue::incoming}, ScanNext{Queue::incoming}};
    }
  };
  driver_.turn();
  EXPECT_EQ(brain_.seen, (std::vector<Event>{Turn{}, ServiceAnswered{TicketId{1}, false}, Resolved{MessageId{2}, {}},
                                             ScanEnded{Queue::incoming}}));
}

TEST_F(DriverTest, TickComesWhenItsSecondHasCome) {
  const Seconds now = wall_clock().seconds();
  brain_.deadline = now + Seconds{2};
  driver_.turn();
  run_dry(loop_);
  EXPECT_EQ(seen<Tick>(), 0U);
  brain_.rule = [&](const Event& event, std::vector<Command>&) {
    if (std::holds_alternative<Tick>(event)) brain_.deadline.reset();
  };
  while (seen<Tick>() == 0) loop_.run_round(false);
  EXPECT_GE(wall_clock().seconds(), now + Seconds{2});
  run_dry(loop_);
  EXPECT_EQ(seen<Tick>(), 1U);
}

TEST_F(DriverTest, DeadlineOfNowTicksInTheNextRoundAndAnother) {
  int ticks = 0;
  brain_.deadline = wall_clock().seconds() - Seconds{1};
  brain_.rule = [&](const Event& event, std::vector<Command>&) {
    if (std::holds_alternative<Tick>(event) && ++ticks == 2) brain_.deadline.reset();
  };
  driver_.turn();
  EXPECT_EQ(ticks, 0);
  loop_.run_round(false);
  EXPECT_EQ(ticks, 1);
  loop_.run_round(false);
  EXPECT_EQ(ticks, 2);
}

TEST_F(DriverTest, TicksComeInOneRoundWhileTheBrainWantsThem) {
  int ticks = 0;
  brain_.deadline = wall_clock().seconds() - Seconds{1};
  brain_.rule = [&](const Event& event, std::vector<Command>&) {
    if (!std::holds_alternative<Tick>(event)) return;
    brain_.tick = ++ticks < 3;
    brain_.deadline.reset();
  };
  driver_.turn();
  loop_.run_round(false);
  EXPECT_EQ(ticks, 3);
}

TEST_F(DriverTest, DeadlineThatIsTakenBackDoesNotTick) {
  brain_.deadline = wall_clock().seconds();
  driver_.turn();
  brain_.deadline.reset();
  driver_.turn();
  run_dry(loop_);
  EXPECT_EQ(seen<Tick>(), 0U);
}

TEST_F(DriverTest, CommandsAboutUnknownMessagesHarmNobody) {
  brain_.rule = [](const Event& event, std::vector<Command>& out) {
    if (!std::holds_alternative<Turn>(event)) return;
    out = {ReadRecipients{kNobody, 1},
           DropUnread{kNobody},
           RemoveDeferLog{kNobody},
           CheckBounceLog{kNobody},
           RemoveBounceLog{kNobody},
           CheckFile{kNobody},
           MarkDone{kNobody, 1},
           KillTrace{kNobody},
           UpdateWarn{kNobody},
           Retry{kNobody, Seconds{}},
           CoolDown{kNobody, Seconds{}},
           Remove{kNobody},
           MarkCorrupt{kNobody},
           Forget{kNobody},
           Deliver{AgentId{1}, kNobody, "", 0, {}},
           ReleaseAgent{AgentId{1}},
           AskService{TicketId{1}, kNobody, FlushAdd{"x"}}};
  };
  driver_.turn();
  EXPECT_TRUE(log_.lines.empty());
  EXPECT_EQ(seen<ReadFailed>(), 1U);
  EXPECT_EQ(seen<ServiceAnswered>(), 1U);
}

// A brain that delivers one message: the whole way through spool, resolver, agent and back.
TEST_F(DriverTest, OneMessageFromTheQueueToItsAgentAndOut) {
  QueueFile file;
  file.recipients = {"a@x.example"};
  write_file("incoming/AB12CD34", file.bytes());
  const Listener rewrite("private/rewrite"), smtp("private/smtp");
  std::vector<Recipient> recipients;
  brain_.rule = [&](const Event& event, std::vector<Command>& out) {
    if (std::holds_alternative<Started>(event)) {
      out = {RecoverActive{}, OpenScan{Queue::incoming}, ScanNext{Queue::incoming}};
    } else if (const auto* entry = std::get_if<ScanEntry>(&event)) {
      EXPECT_EQ(entry->state, FileState::ready);
      out = {Admit{kMessage, Queue::incoming, entry->queue_id, false, false, 10}};
    } else if (const auto* admitted = std::get_if<Admitted>(&event)) {
      recipients = admitted->batch.recipients;
      out = {RemoveDeferLog{kMessage}, Resolve{kMessage, false, false, {recipients.at(0).address}}};
    } else if (std::holds_alternative<Resolved>(event)) {
      out = {RequestAgent{kAgent, "smtp"}};
    } else if (std::holds_alternative<AgentReady>(event)) {
      out = {Deliver{kAgent, kMessage, "hop", 3, recipients}};
    } else if (std::holds_alternative<Delivered>(event)) {
      out = {CheckBounceLog{kMessage}};
    } else if (std::holds_alternative<BounceLogChecked>(event)) {
      out = {Remove{kMessage}};
    }
  };
  driver_.start();

  const Peer resolver = rewrite.accept();
  ASSERT_TRUE(resolver.connected());
  resolver.say(attrs({"protocol", "trivial_rewrite_protocol"}));
  ASSERT_TRUE(run_until(loop_, [&] { return !resolver.hear().empty(); }));
  resolver.say(
      attrs({"flags", "0", "transport", "smtp", "nexthop", "hop", "recipient", "a@x.example", "flags", "4096"}));
  ASSERT_TRUE(run_until(loop_, [&] { return seen<Resolved>() == 1; }));

  const Peer agent = smtp.accept();
  ASSERT_TRUE(agent.connected());
  agent.say(attrs({"protocol", "delivery_request_protocol"}));
  codec::DeliveryRequestReader reader(codec::Dialect{}, "smtp socket");
  ASSERT_TRUE(run_until(loop_, [&] {
    reader.feed(agent.hear());
    return reader.done();
  }));
  ASSERT_TRUE(reader.request().has_value());
  EXPECT_EQ(reader.request()->queue_id, "AB12CD34");
  EXPECT_EQ(reader.request()->sender, "sender@test.example");
  EXPECT_EQ(reader.request()->nexthop, "hop");
  EXPECT_EQ(reader.request()->recipients, recipients);
  EXPECT_EQ(reader.request()->times.incoming_arrival.seconds(), Seconds{1'000'000'000});
  EXPECT_GE(reader.request()->times.active_arrival.seconds(), wall_clock().seconds() - Seconds{10});
  agent.say(attrs({"status", "", "diag_type", "", "diag_text", "", "mta_type", "", "mta_mname", "", "action", "",
                   "reason", "", "status", "0"}));
  ASSERT_TRUE(run_until(loop_, [&] { return seen<Delivered>() == 1; }));
  EXPECT_FALSE(fs::exists("active/AB12CD34"));
  EXPECT_EQ(log_.take(),
            (Lines{"AB12CD34: from=<sender@test.example>, size=21, nrcpt=1 (queue active)", "AB12CD34: removed"}));
}

TEST_F(DriverTest, BadAddressFormatIsFatalAtTheFirstAddress) {
  settings_.info_log_address_format = "fancy";
  ScriptedBrain brain;
  Driver driver(loop_, log_, settings_, brain);
  brain.rule = [](const Event&, std::vector<Command>& out) { out = {Log{note("1")}}; };
  EXPECT_EXIT(driver.turn(), ::testing::ExitedWithCode(1),
              "fatal: invalid parameter setting \"info_log_address_format = fancy\"");
}

}  // namespace
}  // namespace weir::postfix
