// The judge: whatever is decided otherwise is noticed at its place and named.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "contract/names.hpp"
#include "contract/show.hpp"
#include "engine/engine.hpp"
#include "model/judge.hpp"
#include "sim/script.hpp"
#include "sim/world.hpp"

namespace weir::model {
namespace {

struct Recorded {
  TraceHeader header;
  std::vector<TraceStep> steps;
};

class Recording final : public Brain {
 public:
  Recording(const Config& config, Recorded& run) : inner_(engine::make_engine(config)), run_(run) {
    run_ = {{.personality = "qmgr", .brain = "engine"}, {}};
    run_.header.config = config;
  }
  void handle(Time now, const Event& event, std::vector<Command>& out) override {
    const std::size_t before = out.size();
    inner_->handle(now, event, out);
    const auto first = out.begin() + static_cast<std::ptrdiff_t>(before);
    run_.steps.push_back({now, event, {first, out.end()}, inner_->next_deadline(), inner_->wants_turn()});
  }
  [[nodiscard]] std::optional<Seconds> next_deadline() const override { return inner_->next_deadline(); }
  [[nodiscard]] bool wants_tick() const override { return inner_->wants_tick(); }
  [[nodiscard]] bool wants_turn() const override { return inner_->wants_turn(); }

 private:
  std::unique_ptr<Brain> inner_;
  Recorded& run_;
};

// The last process of a scripted life.
Recorded life(std::uint64_t seed) {
  Recorded run;
  const sim::Script script = sim::random_script(seed, 150);
  sim::World world(sim::setup_config(script.setup),
                   [&](const Config& config) { return std::make_unique<Recording>(config, run); });
  for (const sim::Step& step : script.steps) world.step(step);
  return run;
}

struct Found {
  std::size_t step = 0;
  std::optional<Departure> departure;
  Judge judge;
};

Found judged(const Recorded& run) {
  Found found;
  found.judge.begin(run.header);
  for (; found.step < run.steps.size(); ++found.step) {
    found.departure = found.judge.look_at(run.steps[found.step]);
    if (found.departure) break;
  }
  return found;
}

std::size_t decisions_of(const Recorded& run) {
  std::size_t count = 0;
  for (const TraceStep& step : run.steps) count += step.commands.size();
  return count;
}

const std::set<std::string, std::less<>>& requirements() {
  static const std::set<std::string, std::less<>> kIds = [] {
    std::set<std::string, std::less<>> ids;
    std::ifstream rows(WEIR_SOURCE_DIR "/spec/requirements.tsv");
    for (std::string line; std::getline(rows, line);) ids.insert(line.substr(0, line.find('\t')));
    return ids;
  }();
  return kIds;
}

TEST(Judge, TakesWhatTheModelAllows) {
  const Recorded run = life(1);
  const Found found = judged(run);
  EXPECT_FALSE(found.departure);
  EXPECT_EQ(found.judge.events(), run.steps.size());
  EXPECT_EQ(found.judge.decisions(), decisions_of(run));
  EXPECT_GT(found.judge.decisions(), 100U);
}

// One decision of each kind, the first in some life, is left out, and then made twice.
TEST(Judge, EveryKindOfDecisionThatIsMissingOrTooManyIsNamed) {
  std::set<std::size_t> kinds;
  for (std::uint64_t seed = 1; seed < 400 && kinds.size() < names::kCommands.size(); ++seed) {
    const Recorded run = life(seed);
    for (std::size_t i = 0; i < run.steps.size(); ++i) {
      for (std::size_t k = 0; k < run.steps[i].commands.size(); ++k) {
        const Command altered = run.steps[i].commands[k];
        if (!kinds.insert(altered.index()).second) continue;
        SCOPED_TRACE(show(altered));
        Recorded without = run;
        auto& fewer = without.steps[i].commands;
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(k));
        const Found missing = judged(without);
        ASSERT_TRUE(missing.departure);
        EXPECT_EQ(missing.step, i);
        EXPECT_TRUE(requirements().count(missing.departure->duty.requirement) > 0)
            << missing.departure->duty.requirement;
        if (missing.departure->place == k) {  // not when an equal one stands beside it
          EXPECT_EQ(missing.departure->allowed, altered);
        }
        Recorded twice = run;
        auto& more = twice.steps[i].commands;
        more.insert(more.begin() + static_cast<std::ptrdiff_t>(k), altered);
        const Found surplus = judged(twice);
        ASSERT_TRUE(surplus.departure);
        EXPECT_EQ(surplus.step, i);
        EXPECT_GT(surplus.departure->place, k);
      }
    }
  }
  EXPECT_EQ(kinds.size(), names::kCommands.size());
}

struct Altered {
  Command decided, allowed;
  std::string_view requirement, about;
};

TEST(Judge, TheFieldThatDiffersNamesTheRequirement) {
  const MessageId m{1}, n{2};
  const Recipient r{.offset = 5, .address = "a@example.com", .original = "", .dsn_orcpt = "", .notify = 0};
  const std::vector<Altered> table = {
      {OpenScan{Queue::incoming}, OpenScan{Queue::deferred}, "TRG-03", "queue"},
      {OpenScan{Queue::deferred}, OpenScan{Queue::incoming}, "TRG-05", "queue"},
      {ScanNext{Queue::deferred}, ScanNext{Queue::incoming}, "STR-04", "queue"},
      {Admit{n, Queue::incoming, "A"}, Admit{m, Queue::incoming, "A"}, "QUE-03", "message"},
      {Admit{m, Queue::incoming, "A"}, Admit{m, Queue::deferred, "A"}, "STR-04", "from"},
      {Admit{m, Queue::incoming, "A"}, Admit{m, Queue::incoming, "B"}, "STR-04", "queue_id"},
      {Admit{m, Queue::incoming, "A", true}, Admit{m, Queue::incoming, "A"}, "TRG-09", "flush_request"},
      {Admit{m, Queue::incoming, "A", false, true}, Admit{m, Queue::incoming, "A"}, "PAR-062", "expire_request"},
      {Admit{m, Queue::incoming, "A", false, false, 9}, Admit{m, Queue::incoming, "A"}, "PAR-011", "at_most"},
      {ReadRecipients{n, 5}, ReadRecipients{m, 5}, "PAR-018", "message"},
      {ReadRecipients{m, 5}, ReadRecipients{m, 6}, "PAR-014", "at_most"},
      {DropUnread{n}, DropUnread{m}, "GEN-06", "message"},
      {RemoveDeferLog{n}, RemoveDeferLog{m}, "REP-04", "message"},
      {CheckBounceLog{n}, CheckBounceLog{m}, "REP-01", "message"},
      {RemoveBounceLog{n}, RemoveBounceLog{m}, "REP-03", "message"},
      {CheckFile{n}, CheckFile{m}, "QUE-06", "message"},
      {MarkDone{m, 1}, MarkDone{m, 2}, "GEN-08", "offset"},
      {KillTrace{n}, KillTrace{m}, "REP-05", "message"},
      {UpdateWarn{n}, UpdateWarn{m}, "REP-07", "message"},
      {Retry{m, Seconds{1}}, Retry{m, Seconds{2}}, "QUE-05", "not_before"},
      {Retry{n, Seconds{1}}, Retry{m, Seconds{1}}, "QUE-04", "message"},
      {CoolDown{m, Seconds{1}}, CoolDown{m, Seconds{2}}, "QUE-02", "not_before"},
      {Remove{m}, Retry{m, Seconds{2}}, "QUE-04", ""},
      {Retry{m, Seconds{2}}, Remove{m}, "QUE-02", ""},
      {MarkCorrupt{n}, MarkCorrupt{m}, "QUE-06", "message"},
      {Forget{n}, Forget{m}, "QUE-02", "message"},
      {Resolve{m, false, false, {"a", "b"}}, Resolve{m, false, false, {"b", "a"}}, "STR-08", "addresses"},
      {Resolve{m, true}, Resolve{m, false}, "GEN-06", "probe"},
      {RequestAgent{AgentId{1}, "a"}, RequestAgent{AgentId{1}, "b"}, "STR-09", "transport"},
      {RequestAgent{AgentId{1}, "a"}, RequestAgent{AgentId{2}, "a"}, "GEN-05", "agent"},
      {Deliver{AgentId{1}, m, "x"}, Deliver{AgentId{1}, n, "x"}, "STR-14", "message"},
      {Deliver{AgentId{1}, m, "x"}, Deliver{AgentId{1}, m, "y"}, "STR-09", "nexthop"},
      {Deliver{AgentId{1}, m, "x", 1}, Deliver{AgentId{1}, m, "x"}, "STR-12", "flags"},
      {Deliver{AgentId{1}, m, "x", 0, {r}}, Deliver{AgentId{1}, m, "x"}, "STR-08", "recipients"},
      {Deliver{AgentId{1}, m, "x"}, ReleaseAgent{AgentId{1}}, "STR-06", ""},
      {ReleaseAgent{AgentId{1}}, ReleaseAgent{AgentId{2}}, "GEN-05", "agent"},
      {Forget{m}, AskService{TicketId{1}, m, AppendRequest{.service = Service::defer}}, "STR-13", ""},
      {Forget{m}, AskService{TicketId{1}, m, AppendRequest{.service = Service::trace}}, "REP-05", ""},
      {Forget{m}, AskService{TicketId{1}, m, ReportRequest{}}, "REP-07", ""},
      {Forget{m}, AskService{TicketId{1}, m, VerifyUpdate{}}, "PAR-075", ""},
      {Log{LogAllocate{"a"}}, Log{LogExpired{}}, "PAR-062", "record"},
      {Log{LogAllocate{"a"}}, Log{LogClogged{}}, "PAR-008", "record"},
      {Log{LogAllocate{"a"}}, Log{LogFeedbackStep{}}, "PAR-036", "record"},
      {Log{LogAllocate{"a"}}, Log{LogIgnoredDsn{}}, "STD-01", "record"},
      {Log{LogAllocate{"a"}}, Log{LogAllocate{"b"}}, "DIA-01", "record"},
      {BalanceFlow{BalanceFlow::Grant::one}, BalanceFlow{BalanceFlow::Grant::fill}, "STR-03", "grant"},
  };
  for (const Altered& row : table) {
    SCOPED_TRACE(show(row.decided) + " for " + show(row.allowed));
    const Duty duty = duty_of(row.decided, row.allowed);
    EXPECT_EQ(duty.requirement, row.requirement);
    EXPECT_EQ(duty.about, row.about);
    EXPECT_TRUE(requirements().count(duty.requirement) > 0);
  }
}

TEST(Judge, WhatIsWantedAfterAnEventIsADecisionToo) {
  Recorded run = life(1);
  run.steps[4].turn = !run.steps[4].turn;
  Found found = judged(run);
  ASSERT_TRUE(found.departure);
  EXPECT_EQ(found.step, 4U);
  EXPECT_EQ(found.departure->duty.requirement, "TRG-01");
  EXPECT_EQ(found.departure->duty.about, "turn");
  run.steps[2].deadline = std::nullopt;
  found = judged(run);
  ASSERT_TRUE(found.departure);
  EXPECT_EQ(found.step, 2U);
  EXPECT_EQ(found.departure->duty.about, "deadline");
}

TEST(Judge, WhatCameBeforeTheStartIsPassedOver) {
  Recorded run = life(1);
  run.steps.erase(run.steps.begin(), run.steps.begin() + 5);
  const Found found = judged(run);
  EXPECT_FALSE(found.departure);
  EXPECT_EQ(found.judge.events(), 0U);
  EXPECT_EQ(found.judge.decisions(), 0U);
  EXPECT_EQ(found.judge.passed_over(), run.steps.size());
}

TEST(Judge, StepsWithoutAHeaderArePassedOver) {
  Judge judge;
  EXPECT_FALSE(judge.look_at(life(1).steps.front()));
  EXPECT_EQ(judge.events(), 0U);
}

TEST(Judge, SaysWhatItHasNoModelFor) {
  TraceHeader header;
  header.personality = "pqmgr";
  EXPECT_TRUE(Judge::objection(header));
  for (const char* known : {"nqmgr", "oqmgr", "qmgr"}) {
    header.personality = known;
    EXPECT_FALSE(Judge::objection(header));
  }
  header.addresses = "scrambled";
  EXPECT_TRUE(Judge::objection(header));
}

}  // namespace
}  // namespace weir::model
