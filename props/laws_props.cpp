// The laws of a queue manager, on the reference model: limits are never exceeded, backoff is bounded and doubles,
// A and F take effect before D and I, nobody starves. Each law is seen to fail on a fault of its own.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>

#include "model/model.hpp"
#include "props/faults.hpp"
#include "props/script.hpp"
#include "props/world.hpp"

namespace rc {

template <>
struct Arbitrary<weir::props::Step> {
  static Gen<weir::props::Step> arbitrary() {
    return gen::map(
        gen::tuple(gen::inRange(0U, weir::props::kStepKinds), gen::arbitrary<std::uint32_t>(),
                   gen::arbitrary<std::uint32_t>()),
        [](const std::tuple<unsigned, std::uint32_t, std::uint32_t>& t) {
          return weir::props::Step{static_cast<weir::props::StepKind>(std::get<0>(t)), std::get<1>(t), std::get<2>(t)};
        });
  }
};

}  // namespace rc

namespace weir::props {

void showValue(const Step& step, std::ostream& os) { os << show(Script{0, {step}}); }

namespace {

std::vector<std::string> model_invariants(const Brain& brain) {
  const auto* model = dynamic_cast<const model::Model*>(&brain);
  return model == nullptr ? std::vector<std::string>{} : model->broken_invariants();
}

Script drawn_script() {
  Script script;
  script.setup = *rc::gen::arbitrary<std::uint32_t>();
  script.steps = *rc::gen::scale(2.0, rc::gen::arbitrary<std::vector<Step>>());
  return script;
}

//= PAR-010 test
//= PAR-014 test
//= STR-02 test
RC_GTEST_PROP(Laws, LimitsAreNeverExceeded, ()) {
  const Script script = drawn_script();
  const std::string broken = run_script(script, model::make_model, model_invariants, false);
  if (!broken.empty()) RC_FAIL(broken + "\n" + show(script));
}

//= STR-05 test
//= STR-07 test
RC_GTEST_PROP(Laws, NobodyStarves, ()) {
  const Script script = drawn_script();
  const std::string broken = run_script(script, model::make_model, model_invariants, true);
  if (!broken.empty()) RC_FAIL(broken + "\n" + show(script));
}

// A message that only ever fails: every wait lies between the bounds, and doubles until it meets the upper one.
std::string backoff_of_a_failing_message(const BrainFactory& make, std::uint32_t setup, int attempts) {
  Config config = setup_config(setup);
  config.maximal_lifetime = config.bounce_lifetime = Seconds{100 * 86400};
  World world(config, make);
  world.step({StepKind::arrive, 0, 0});
  for (int i = 0; world.retries() < static_cast<std::size_t>(attempts) && i < 4000; ++i) {
    world.step({StepKind::agent_greets, 0, 0});
    world.step({StepKind::deferred, 0, 0});
    world.advance(1);
  }
  if (!world.violations().empty()) return world.violations().front();
  return world.retries() < static_cast<std::size_t>(attempts) ? "too few attempts" : "";
}

//= QUE-05 test
//= STR-11 test
//= PAR-056 test
//= PAR-060 test
RC_GTEST_PROP(Laws, BackoffIsBoundedAndDoubles, ()) {
  const auto setup = *rc::gen::arbitrary<std::uint32_t>();
  RC_ASSERT(backoff_of_a_failing_message(model::make_model, setup, 6) == "");
}

// The same bytes in any order, with any repetition, mean the same; and modifiers reach the scan that they come with.
std::string order_matters(const BrainFactory& make, const std::string& bytes) {
  const auto run = [&](const std::string& order) {
    World world(setup_config(0), make);
    world.add_file(Queue::deferred, 100, 1000, {"a@d0.t1"});
    world.add_file(Queue::deferred, 100, 1000, {"b@d1.t1"});
    world.trigger(order);
    return world.log();
  };
  std::string sorted = bytes;
  std::sort(sorted.begin(), sorted.end());
  const bool forced = sorted.find('A') != std::string::npos && sorted.find('D') != std::string::npos;
  const auto log = run(bytes);
  if (log != run(sorted)) return "TRG-14: another order, another outcome";
  const auto admits = [](const std::string& line) { return line.find("{\"Admit\"") == 0; };
  const bool admitted = std::any_of(log.begin(), log.end(), admits);
  return admitted == forced ? "" : "TRG-15: a deferred run is forced by A with D, and by nothing less";
}

//= TRG-13 test
//= TRG-14 test
//= TRG-15 test
RC_GTEST_PROP(Laws, ModifiersComeBeforeScans, ()) {
  const auto bytes = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ADFIW\0z", 7)));
  RC_ASSERT(order_matters(model::make_model, bytes) == "");
}

// The same script gives the same commands twice.
bool runs_alike(const BrainFactory& make, const Script& script) {
  const auto run = [&] {
    World world(setup_config(script.setup), make);
    for (const Step& step : script.steps) world.step(step);
    return world.log();
  };
  return run() == run();
}

RC_GTEST_PROP(Laws, TheSameScriptGivesTheSameTrace, ()) { RC_ASSERT(runs_alike(model::make_model, drawn_script())); }

// --- seeded faults: each law must catch its own ------------------------------------------------------

bool caught(const BrainFactory& fault, bool drain, const std::string& by) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const std::string broken = run_script(random_script(seed, 60), fault, {}, drain);
    if (broken.rfind(by, 0) == 0) return true;
  }
  return false;
}

TEST(SeededFaults, ActiveLimitIgnored) { EXPECT_TRUE(caught(ignores_active_limit, false, "QUE-03")); }
TEST(SeededFaults, ConcurrencyLimitIgnored) { EXPECT_TRUE(caught(ignores_concurrency_limit, false, "PAR-026")); }
TEST(SeededFaults, RecipientLimitIgnored) { EXPECT_TRUE(caught(ignores_recipient_limit, false, "PAR-038")); }
TEST(SeededFaults, RecipientsInMemoryIgnored) { EXPECT_TRUE(caught(ignores_recipients_in_memory, false, "PAR-011")); }
TEST(SeededFaults, RecipientSlotsIgnored) { EXPECT_TRUE(caught(ignores_recipient_slots, false, "PAR-014")); }
TEST(SeededFaults, DestinationForgotten) { EXPECT_TRUE(caught(forgets_a_destination, true, "starved")); }

TEST(SeededFaults, OneRunShowsInTheNext) { EXPECT_FALSE(runs_alike(decides_by_a_global, random_script(1, 60))); }

TEST(SeededFaults, BackoffIsConstant) {
  bool found = false;
  for (std::uint32_t setup = 0; setup < 200; ++setup) {
    found |= backoff_of_a_failing_message(backs_off_by_a_constant, setup, 6).rfind("STR-11", 0) == 0;
  }
  EXPECT_TRUE(found);
}

TEST(SeededFaults, BackoffIsUnbounded) {
  EXPECT_EQ(backoff_of_a_failing_message(backs_off_without_bound, 0, 6), "QUE-05: a wait above the maximum");
}

TEST(SeededFaults, BytesHandledOneByOne) {
  EXPECT_NE(order_matters(handles_bytes_one_by_one, "DA"), "");
  EXPECT_EQ(order_matters(model::make_model, "DA"), "");
}

// The scripts reach what they are for: mail moves, is deferred, and leaves.
TEST(Harness, ScriptsDeliverAndDefer) {
  std::size_t deliveries = 0;
  std::size_t retries = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const Script script = random_script(seed, 100);
    World world(setup_config(script.setup), model::make_model);
    for (const Step& step : script.steps) world.step(step);
    deliveries += world.deliveries();
    retries += world.retries();
  }
  EXPECT_GT(deliveries, 300U);
  EXPECT_GT(retries, 30U);
}

}  // namespace
}  // namespace weir::props
