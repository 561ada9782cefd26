// The court: an honest subject conforms at both levels, a liar is found out, and by the requirement that it breaks.
#include "blackbox/trial.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "blackbox/generate.hpp"
#include "blackbox/report.hpp"
#include "blackbox/twin.hpp"
#include "model/model.hpp"

namespace weir::blackbox {
namespace {

std::unique_ptr<Party> make_twin(const std::string& personality) {
  return std::make_unique<Twin>(personality, [](const Config& config) { return model::make_model(config); });
}

using Lie = std::function<void(std::vector<Observation>&)>;

// A subject that does what the model does, but is seen to do something else.
class Liar final : public Party {
 public:
  explicit Liar(Lie lie) : honest_(make_twin("qmgr")), lie_(std::move(lie)) {}
  std::vector<Observation> apply(const Input& input) override {
    std::vector<Observation> seen = honest_->apply(input);
    lie_(seen);
    return canonical(std::move(seen));
  }

 private:
  std::unique_ptr<Party> honest_;
  Lie lie_;
};

Court court(Level level, std::function<std::unique_ptr<Party>()> subject, const std::string& personality = "qmgr") {
  Court court;
  court.level = level;
  court.subject = std::move(subject);
  court.twin = [personality] { return make_twin(personality); };
  court.config = [personality](const Setup& setup) { return config_of(setup, personality); };
  return court;
}

sim::Script script(std::uint64_t seed) { return sim::random_script(seed, 40); }

// --- honest ------------------------------------------------------------------------------------------

class Honest : public ::testing::TestWithParam<const char*> {};

TEST_P(Honest, SubjectConformsAtBothLevels) {
  const std::string personality = GetParam();
  std::uint64_t decisions = 0;
  std::map<std::string, std::uint64_t> tested;
  for (const Level level : {Level::exact, Level::promises}) {
    const Court honest = court(
        level, [&] { return make_twin(personality); }, personality);
    for (std::uint64_t seed = 1; seed <= 150; ++seed) {
      const Outcome outcome = try_script(honest, script(seed));
      ASSERT_NE(outcome.verdict, Verdict::departs)
          << "seed " << seed << ": " << outcome.departure->requirement << " after " << outcome.departure->input
          << "\nseen    " << outcome.departure->seen << "\nallowed " << outcome.departure->allowed << '\n'
          << show(outcome.transcript);
      decisions += outcome.decisions;
      for (const auto& [row, count] : outcome.rows) tested[row] += count;
    }
  }
  EXPECT_GT(decisions, 20'000U);
  for (const char* row :
       {"PAR-010", "PAR-026", "PAR-038", "PAR-056", "PAR-060", "PAR-069", "QUE-05", "STR-05", "STR-08", "GEN-05"}) {
    EXPECT_GT(tested[row], 0U) << row << " was never put to the test";
  }
}
INSTANTIATE_TEST_SUITE_P(Each, Honest, ::testing::Values("qmgr", "oqmgr"),
                         [](const auto& one) { return std::string(one.param); });

TEST(Trial, IsTheSameTwice) {
  const Court honest = court(Level::exact, [] { return make_twin("qmgr"); });
  const Outcome first = try_script(honest, script(7));
  const Outcome second = try_script(honest, script(7));
  EXPECT_EQ(show(first.transcript), show(second.transcript));
  EXPECT_GT(first.decisions, 0U);
}

// A generated script always asks for one; a scenario may not.
TEST(Trial, WithoutADecisionIsNoPass) {
  const Court idle = court(Level::exact, [] { return make_twin("qmgr"); });
  sim::Script nothing;
  nothing.steps.push_back({sim::StepKind::advance, 1, 1});
  EXPECT_EQ(try_script(idle, nothing).verdict, Verdict::conforms);
  EXPECT_GT(try_script(idle, nothing).decisions, 0U);
  const auto scenario = parse_scenario("setup t1\n\nadvance 1\n");
  ASSERT_TRUE(scenario.has_value());
  EXPECT_EQ(try_scenario(idle, *scenario).verdict, Verdict::inconclusive);
}

// --- liars -------------------------------------------------------------------------------------------

template <class S, class F>
Lie about(F change) {
  return [change](std::vector<Observation>& seen) {
    for (Observation& observation : seen) {
      if (auto* sight = std::get_if<S>(&observation.sight)) change(*sight, observation);
    }
  };
}

template <class S>
Lie hiding(std::function<bool(const S&)> which) {
  return [which](std::vector<Observation>& seen) {
    std::erase_if(seen, [&](const Observation& observation) {
      const auto* sight = std::get_if<S>(&observation.sight);
      return sight != nullptr && which(*sight);
    });
  };
}

struct Falsehood {
  const char* name;
  const char* requirement;  // at level promises; empty: nothing that is promised
  Lie lie;
};

std::vector<Falsehood> falsehoods() {
  return {
      {"stranger", "GEN-05",
       about<Requested>([](Requested& r, Observation&) { r.recipients.back() = "stranger@d1.t1"; })},
      {"twice", "GEN-05",
       about<Requested>([](Requested& r, Observation&) { r.recipients.push_back(r.recipients.front()); })},
      {"elsewhere", "STR-08", about<Requested>([](Requested& r, Observation&) {
         if (r.transport != "retry" && r.transport != "error") r.nexthop = "elsewhere";
       })},
      {"too_soon", "PAR-056", about<Moved>([](Moved& m, Observation& o) {
         if (m.to == "deferred") m.wakeup = o.at;
       })},
      {"too_late", "PAR-060", about<Moved>([](Moved& m, Observation& o) {
         if (m.to == "deferred") m.wakeup = o.at + 100'000;
       })},
      {"lost", "GEN-05", about<Moved>([](Moved& m, Observation&) {
         if (m.to == "deferred") m = {m.message, "gone", std::nullopt};
       })},
      {"spoilt", "QUE-06", about<Moved>([](Moved& m, Observation&) {
         if (m.to == "deferred") m = {m.message, "corrupt", std::nullopt};
       })},
      {"asleep", "STR-05", hiding<Connected>([](const Connected&) { return true; })},
      {"dies", "GEN-04",
       [](std::vector<Observation>& seen) {
         for (const Observation& o : seen) {
           if (!std::holds_alternative<Moved>(o.sight)) continue;
           seen.push_back({o.at, Exited{1}});
           return;
         }
       }},
      {"silent_log", "", hiding<LogText>([](const LogText&) { return true; })},
      {"other_flags", "", about<Requested>([](Requested& r, Observation&) { r.flags ^= 1U; })},
      {"other_sender", "", about<Requested>([](Requested& r, Observation&) { r.sender = "somebody@else.example"; })},
      {"reports_nothing", "GEN-05", hiding<Reported>([](const Reported&) { return true; })},
      {"hurries", "PAR-071", about<Requested>([](Requested&, Observation& o) { o.at -= 1; })},
  };
}

class Liars : public ::testing::TestWithParam<std::size_t> {};

std::optional<std::pair<sim::Script, Outcome>> found_out(const Court& judge) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Outcome outcome = try_script(judge, script(seed));
    if (outcome.verdict == Verdict::departs) return std::pair{script(seed), std::move(outcome)};
  }
  return std::nullopt;
}

TEST_P(Liars, AreFoundOutBesideTheTwin) {
  const Falsehood falsehood = falsehoods()[GetParam()];
  const auto found = found_out(court(Level::exact, [&] { return std::make_unique<Liar>(falsehood.lie); }));
  ASSERT_TRUE(found) << falsehood.name;
}

TEST_P(Liars, AreFoundOutByWhatIsPromised) {
  const Falsehood falsehood = falsehoods()[GetParam()];
  const auto found = found_out(court(Level::promises, [&] { return std::make_unique<Liar>(falsehood.lie); }));
  if (*falsehood.requirement == '\0') {
    EXPECT_FALSE(found) << falsehood.name << ": " << found->second.departure->requirement;
    return;
  }
  ASSERT_TRUE(found) << falsehood.name;
  EXPECT_EQ(found->second.departure->requirement, falsehood.requirement)
      << found->second.departure->seen << " / " << found->second.departure->allowed;
}

INSTANTIATE_TEST_SUITE_P(Each, Liars, ::testing::Range(std::size_t{0}, falsehoods().size()),
                         [](const auto& one) { return std::string(falsehoods()[one.param].name); });

TEST(Shrink, LeavesWhatTheDepartureNeeds) {
  const Falsehood lost = falsehoods()[5];
  const Court judge = court(Level::promises, [&] { return std::make_unique<Liar>(lost.lie); });
  const auto found = found_out(judge);
  ASSERT_TRUE(found);
  const sim::Script shorter = shrink(judge, found->first, found->second, 400);
  EXPECT_LT(shorter.steps.size(), found->first.steps.size());
  EXPECT_LE(shorter.steps.size(), 6U) << show(shorter);
  const Outcome again = try_script(judge, shorter);
  ASSERT_EQ(again.verdict, Verdict::departs);
  EXPECT_EQ(again.departure->requirement, lost.requirement);
}

TEST(Excuses, CoverWhatTheySayAndNothingElse) {
  const Lie silence = falsehoods()[9].lie;
  Court judge = court(Level::exact, [&] { return std::make_unique<Liar>(silence); });
  judge.excuses.push_back({"T-1", "says nothing", [](const Input&, const auto&, const auto& allowed, const Ledger&) {
                             return allowed && std::holds_alternative<LogText>(allowed->sight);
                           }});
  Report report;
  report.reasons["T-1"] = "says nothing";
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    report.add({"script " + std::to_string(seed), "generated", try_script(judge, script(seed)), show(script(seed))});
  }
  EXPECT_GT(report.excused, 0U);
  EXPECT_EQ(report.departing, 0U);
  EXPECT_EQ(report.status(), 0);
  EXPECT_EQ(report.excuses["T-1"], report.excused);
}

}  // namespace
}  // namespace weir::blackbox
