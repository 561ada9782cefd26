// The explorer: small worlds hold what they promise, each check notices a fault of its kind, situations are recognised,
// and a second brain that differs is found out.
#include "model/explorer/explorer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "contract/show.hpp"
#include "engine/engine.hpp"
#include "model/explorer/lockstep.hpp"

namespace weir::explorer {
namespace {

const World& world_named(const char* name) {
  const World* world = find_world(name);
  EXPECT_NE(world, nullptr) << name;
  return *world;
}

std::vector<Finding> explored(Exploration& exploration) {
  exploration.run();
  std::vector<Finding> findings = exploration.findings();
  (void)check_cycles(exploration, findings);
  return findings;
}

std::string told(const World& world, const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& f : findings) {
    if (!f.known) text += std::string(to_string(f.check)) + ": " + f.what + "\n" + show(world, f.script);
  }
  return text;
}

// --- worlds ----------------------------------------------------------------------------------------------

//= R-QUE-03 test
//= R-QUE-05 test
//= R-STR-07 test
TEST(Explorer, TheSmallWorldIsClean) {
  Exploration exploration(world_named("small"));
  const auto findings = explored(exploration);
  EXPECT_EQ(told(exploration.world(), findings), "");
  EXPECT_TRUE(exploration.complete());
  EXPECT_GT(exploration.states(), 20'000U);
  EXPECT_GT(exploration.judged(), exploration.edges());
}

// New mail that finds the only place taken goes first for ever: so are the rules, and the check says so.
TEST(Explorer, AFullActiveQueueStarvesDeferredMail) {
  Exploration exploration(world_named("full"));
  const auto findings = explored(exploration);
  ASSERT_EQ(findings.size(), 3U);  // the three recipients of the deferred message
  for (const Finding& f : findings) {
    EXPECT_EQ(f.check, Check::starvation);
    EXPECT_TRUE(f.known);
  }
}

// A cycle that is found can be run: played again and again it never serves the recipient, and time passes.
TEST(Explorer, AStarvationCycleGoesRound) {
  const World& world = world_named("full");
  Exploration exploration(world);
  const auto findings = explored(exploration);
  ASSERT_FALSE(findings.empty());
  const Finding& finding = findings.front();
  Subject subject(model::Model(world.config), nullptr);
  Environment environment;
  Play play(world, environment, subject);
  (void)play.start();
  for (const Action& action : finding.script) ASSERT_TRUE(play.act(action).possible) << show(world, action);
  const auto begin = exploration.find(subject.model().state(), environment);
  ASSERT_TRUE(begin);
  const Seconds started = environment.now;
  for (int round = 0; round < 3; ++round) {
    for (const Action& action : finding.cycle) {
      const Effect effect = play.act(action);
      ASSERT_TRUE(effect.possible) << show(world, action);
      EXPECT_EQ(effect.served & recipient_bit(0, 0), 0);
    }
    EXPECT_EQ(exploration.find(subject.model().state(), environment), begin);
  }
  EXPECT_GT(environment.now, started);
}

// What is merged where ages count (World::exact() is false) is asked for starvation only.
TEST(Explorer, SmallMailDoesNotOvertakeForEver) {
  Exploration exploration(world_named("overtaking"));
  EXPECT_FALSE(exploration.world().exact());
  EXPECT_EQ(told(exploration.world(), explored(exploration)), "");
  EXPECT_TRUE(exploration.complete());
}

TEST(Explorer, AWalkThatIsCutShortSaysSo) {
  Exploration exploration(world_named("small"), {.states_max = 100, .fault = nullptr, .progress = {}});
  exploration.run();
  EXPECT_FALSE(exploration.complete());
}

// --- seeded faults ---------------------------------------------------------------------------------------

class SeededFault : public testing::TestWithParam<Fault> {};

TEST_P(SeededFault, IsFoundByItsCheck) {
  const Fault& fault = GetParam();
  const World& world = world_named(fault.world.c_str());
  Exploration exploration(world, {.states_max = 300'000, .fault = &fault, .progress = {}});
  const auto findings = explored(exploration);
  const auto found = std::find_if(findings.begin(), findings.end(),
                                  [&](const Finding& f) { return to_string(f.check) == fault.check && !f.known; });
  ASSERT_NE(found, findings.end()) << told(world, findings);
  if (found->check == Check::law || found->check == Check::invariant) {
    EXPECT_FALSE(replay(world, found->script, &fault).broken.empty()) << "the script does not repeat it";
    EXPECT_TRUE(replay(world, found->script, nullptr).broken.empty()) << "the script finds it without the fault too";
  } else {
    EXPECT_FALSE(found->cycle.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Explorer, SeededFault, testing::ValuesIn(faults()), [](const auto& each) {
  std::string name = each.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(Explorer, EachCheckHasAFault) {
  for (const Check check : {Check::invariant, Check::law, Check::rest, Check::deadlock, Check::starvation}) {
    EXPECT_TRUE(std::any_of(faults().begin(), faults().end(), [&](const Fault& f) {
      return f.check == to_string(check);
    })) << to_string(check);
  }
}

// --- situations ------------------------------------------------------------------------------------------

class Played {
 public:
  explicit Played(const World& world) : world_(world), subject_(model::Model(world.config), nullptr) {
    (void)Play(world_, environment_, subject_).start();
  }
  Played& act(const std::string& actions) {
    const auto script = parse_script(world_, actions);
    EXPECT_TRUE(script.has_value()) << script.error().text;
    for (const Action& action : *script) {
      EXPECT_TRUE(Play(world_, environment_, subject_).act(action).possible) << show(world_, action);
    }
    return *this;
  }
  [[nodiscard]] std::string bytes(Codec& codec) const { return codec.encode(subject_.model().state(), environment_); }
  [[nodiscard]] const model::State& state() const { return subject_.model().state(); }

 private:
  const World& world_;
  Environment environment_;
  Subject subject_;
};

TEST(Situation, TwoHistoriesThatLeadToOneAreOne) {
  const World& world = world_named("intake");
  Codec codec(world, world.config);
  // A message that came and went leaves other ids and another time behind, and nothing else.
  const std::string all_of_first = "greet t1\ndone M0 r0\ngreet t1\ndone M0 r2\n";
  const std::string all_of_last = "arrive M2\ngreet t1\ndone M2 r0\n";
  const std::string quiet = "wait-deadline\nwait-deadline\nwait-deadline\n";
  Played straight(world);
  straight.act(all_of_first + all_of_last + quiet);
  Played round(world);
  round.act(all_of_first + "arrive M1\ngreet t1\ndone M1 r0\n" + quiet + all_of_last + quiet);
  EXPECT_NE(straight.state().last_message, round.state().last_message);
  EXPECT_NE(straight.state().steady, round.state().steady);
  EXPECT_EQ(straight.bytes(codec), round.bytes(codec));
}

TEST(Situation, WhatDecidesIsToldApart) {
  const World& world = world_named("intake");
  Codec codec(world, world.config);
  Played base(world);
  base.act("arrive M1");
  EXPECT_NE(base.bytes(codec), Played(world).bytes(codec));
  EXPECT_NE(base.bytes(codec), Played(world).act("arrive M2").bytes(codec));
  EXPECT_NE(base.bytes(codec), Played(world).act("wait-deadline\narrive M1").bytes(codec)) << "age in memory";
  EXPECT_NE(base.bytes(codec), Played(world).act("arrive M1\ntrigger D").bytes(codec));
}

// Bytes hold all: what is read back goes on as the original does.
TEST(Situation, IsReadBackWhole) {
  const World& world = world_named("small");
  Codec codec(world, world.config);
  Exploration exploration(world, {.states_max = 2000, .fault = nullptr, .progress = {}});
  exploration.run();
  for (Place place = 0; place < exploration.expanded(); place += 7) {
    Subject subject(model::Model(world.config), nullptr);
    Environment environment;
    (void)Play(world, environment, subject).start();
    for (const Action& action : exploration.path_to(place)) (void)Play(world, environment, subject).act(action);
    const std::string bytes = codec.encode(subject.model().state(), environment);
    model::State state;
    Environment other;
    codec.decode(bytes, state, other);
    EXPECT_EQ(codec.encode(state, other), bytes);
    const model::Model again(std::move(state));
    EXPECT_EQ(show(world, exploration.path_to(place)).empty(), false);
    EXPECT_TRUE(again.broken_invariants().empty());
  }
}

// --- scripts ---------------------------------------------------------------------------------------------

TEST(Script, ReadsWhatItShows) {
  const World& world = world_named("small");
  const std::string text = "# world small\narrive M1\ngreet t1\ncrash M0 r0\nwait-deadline\nturn\n";
  const auto script = parse_script(world, text);
  ASSERT_TRUE(script.has_value());
  EXPECT_EQ(script->size(), 5U);
  EXPECT_EQ(show(world, *script), text);
}

TEST(Script, NonsenseIsRefusedByLine) {
  const World& world = world_named("small");
  for (const char* line :
       {"fly", "greet t9", "arrive", "arrive M7", "done M0", "done M0 r9", "turn M0", "wait 3 4 5"}) {
    const auto script = parse_script(world, std::string("turn\n") + line);
    ASSERT_FALSE(script.has_value()) << line;
    EXPECT_NE(script.error().text.find("line 2"), std::string::npos) << script.error().text;
  }
}

// What is not possible where it stands is passed over.
TEST(Script, EveryActionMeansSomethingEverywhere) {
  const World& world = world_named("small");
  const auto script = parse_script(world, "done M1 r0\nresolve\nanswer M0\nrefuse retry\narrive M1\narrive M1");
  ASSERT_TRUE(script.has_value());
  EXPECT_TRUE(replay(world, *script, nullptr).broken.empty());
}

// --- a second brain --------------------------------------------------------------------------------------

// All edges of a smaller part of the world; ./dev explore follows all of them.
Comparison beside(const BrainFactory& make) {
  Exploration exploration(world_named("small"), {.states_max = 3000, .fault = nullptr, .progress = {}});
  exploration.run();
  return walk_beside(exploration, make, {.actions_max = ~std::uint64_t{0}, .snapshot_every = 1, .progress = {}});
}

TEST(Beside, TheEngineDecidesAsTheModelOnEveryEdge) {
  Exploration exploration(world_named("small"), {.states_max = 3000, .fault = nullptr, .progress = {}});
  exploration.run();
  const Comparison c = walk_beside(exploration, engine::make_engine,
                                   {.actions_max = ~std::uint64_t{0}, .snapshot_every = 1, .progress = {}});
  EXPECT_FALSE(c.divergence) << c.divergence->what << show(exploration.world(), c.divergence->script);
  EXPECT_EQ(c.edges, exploration.edges());
  EXPECT_EQ(c.departures, 0U) << "situations that were taken for one are not";
  EXPECT_GT(c.commands, 10'000U);
}

TEST(Beside, ASecondBrainWithOtherSettingsIsFound) {
  const Comparison c = beside([](Config config) {
    config.transports["t1"].initial_concurrency = 2;
    return model::make_model(config);
  });
  ASSERT_TRUE(c.divergence);
  EXPECT_EQ(c.divergence->check, Check::divergence);
}

// Wrong only after a crash, and only inside: the script is short, and finds it again.
TEST(Beside, ADifferenceInsideIsFoundAndMadeShort) {
  static const Fault kFault{.name = "forgets-order",
                            .about = "",
                            .world = "",
                            .check = "",
                            .config = {},
                            .meddle = [](const Event& event, model::State& state, std::vector<Command>&) {
                              const auto* report = std::get_if<Delivered>(&event);
                              if (report == nullptr || report->complete) return;
                              for (auto& [id, message] : state.messages) message.deferred = false;
                            }};
  const BrainFactory make = [](const Config& config) {
    return std::make_unique<Subject>(model::Model(config), &kFault);
  };
  const Comparison c = beside(make);
  ASSERT_TRUE(c.divergence);
  EXPECT_LE(c.divergence->script.size(), 2U) << show(world_named("small"), c.divergence->script);
  EXPECT_NE(compare_on(world_named("small"), c.divergence->script, make), "");
  EXPECT_EQ(compare_on(world_named("small"), c.divergence->script, model::make_model), "");
}

}  // namespace
}  // namespace weir::explorer
