// The laws of a queue manager, judged from outside on any brain: on the model, on the engine, and on a brain with a
// seeded fault, which the law must notice. What the judge looks at in every script stands in sim/world.cpp and
// sim/judge.cpp; laws that need a life of their own stand here.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "contract/show.hpp"
#include "model/model.hpp"
#include "props/faults.hpp"
#include "props/generators.hpp"
#include "props/run.hpp"
#include "sim/prng.hpp"

namespace weir::props {
namespace {

using sim::Aim;
using sim::Prng;

void expect_lawful(const std::string& broken) {
  if (!broken.empty()) RC_FAIL(broken);
}

template <Aim aim, bool drain>
void judged(const Factory& make) {
  const Script script = drawn_script(aim);
  const std::string broken = run_alone(script, make, drain);
  if (!broken.empty()) RC_FAIL(broken + "\n" + show(script));
}

// --- laws of every script ----------------------------------------------------------------------------

// Active messages, recipients in memory, slots of a transport and of a stack, deliveries at a time to a destination,
// recipients of a delivery, connections under way.
//= QUE-03 test
//= PAR-010 test
//= PAR-011 test
//= PAR-014 test
//= PAR-026 test
//= PAR-038 test
//= STR-02 test
WEIR_LAW(LimitsAreNeverExceeded, (judged<Aim::uniform, false>))
WEIR_LAW(RecipientSlotsAreNeitherMadeNorLost, (judged<Aim::refill, false>))
WEIR_LAW(ExtraSlotsAreLentOnlyOnce, (judged<Aim::preemption, false>))
//= PAR-069 test
//= PAR-071 test
WEIR_LAW(RateDelaysAreKept, (judged<Aim::rate_delays, false>))
WEIR_LAW(EveryRecipientIsAccountedForOnce, (judged<Aim::after_work, false>))
//= GEN-05 test
WEIR_LAW(NoFreeDestinationIsLeftWaiting, (judged<Aim::feedback, false>))
// With everybody served, all mail leaves within World::rounds_to_drain() seconds.
//= STR-05 test
//= STR-07 test
WEIR_LAW(NobodyStarves, (judged<Aim::swarm, true>))
WEIR_LAW(NobodyStarvesBehindTheDead, (judged<Aim::dead, true>))

// The same script gives the same commands twice.
std::vector<Command> trace_of(const Factory& make, const Script& script) {
  std::vector<Command> trace;
  World world(sim::setup_config(script.setup), make);
  world.watch([&](const World&, const Command& command) { trace.push_back(command); });
  for (const Step& step : script.steps) world.step(step);
  return trace;
}
bool runs_alike(const Factory& make, const Script& script) {
  const auto first = trace_of(make, script);
  return first == trace_of(make, script);
}
void same_trace(const Factory& make) { RC_ASSERT(runs_alike(make, drawn_script(drawn_aim()))); }
WEIR_LAW(TheSameScriptGivesTheSameTrace, same_trace)

// --- backoff -----------------------------------------------------------------------------------------

// A message that only ever fails: every wait lies between the bounds, and doubles until it meets the upper one.
std::string backoff_of_a_failing_message(const Factory& make, std::uint32_t setup, std::size_t attempts) {
  Config config = sim::setup_config(setup);
  config.maximal_lifetime = config.bounce_lifetime = Seconds{100 * 86400};
  World world(config, make);
  world.add_file(Queue::incoming, 0, 0, {"a@d0.t1"});
  world.trigger("W");
  for (int i = 0; world.retries() < attempts && world.is_lawful() && i < 4000; ++i) {
    for (const AgentId agent : world.waiting_agents()) world.greet(agent);
    world.settle();
    for (const AgentId agent : world.busy_agents()) world.end_delivery(agent, true, true, {});
    world.settle();
    world.advance(1);
  }
  if (!world.is_lawful()) return world.violations().front();
  return world.retries() < attempts ? "too few attempts" : "";
}

//= QUE-05 test
//= STR-11 test
//= PAR-056 test
//= PAR-060 test
void backoff(const Factory& make) {
  expect_lawful(backoff_of_a_failing_message(make, *rc::gen::arbitrary<std::uint32_t>(), 6));
}
WEIR_LAW(BackoffIsBoundedAndDoubles, backoff)

// --- triggers and scans ------------------------------------------------------------------------------

// The same bytes in any order, with any repetition, mean the same; and modifiers reach the scan that they come with.
std::string order_matters(const Factory& make, const std::string& bytes) {
  Config config;
  config.flow_control = false;
  const auto run = [&](const std::string& order) {
    std::vector<Command> trace;
    World world(config, make);
    world.add_file(Queue::deferred, 100, 1000, {"a@d0.t1"});
    world.add_file(Queue::deferred, 100, 1000, {"b@d1.t1"});
    world.watch([&](const World&, const Command& command) { trace.push_back(command); });
    world.trigger(order);
    return std::pair(trace, world.admitted());
  };
  std::string sorted = bytes;
  std::sort(sorted.begin(), sorted.end());
  const bool forced = sorted.find('A') != std::string::npos && sorted.find('D') != std::string::npos;
  const auto outcome = run(bytes);
  if (outcome != run(sorted)) return "TRG-14: another order, another outcome";
  return (outcome.second > 0) == forced ? "" : "TRG-15: a deferred run is forced by A with D, and by nothing less";
}

//= TRG-13 test
//= TRG-14 test
//= TRG-15 test
void modifiers(const Factory& make) {
  expect_lawful(order_matters(make, *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ADFIW\0z", 7)))));
}
WEIR_LAW(ModifiersComeBeforeScans, modifiers)

// Room for all and every limit far away: what is left is who comes first.
Config wide_config() {
  Config config;
  config.active_limit = config.message_recipient_limit = 10'000;
  config.helpful_warnings = config.flow_control = false;
  TransportConfig& t = config.default_transport;
  t.concurrency_limit = 0;
  t.initial_concurrency = 1000;
  t.recipient_limit = 1;
  return config;
}

std::string address(int user, int place, int transport) {
  return "r" + std::to_string(user) + "@d" + std::to_string(place) + ".t" + std::to_string(transport);
}

// With room, incoming and deferred take turns as long as both have mail; without, what becomes free goes to incoming.
std::string turns_of_queues(const Factory& make, int incoming, int deferred, int room) {
  Config config = wide_config();
  if (room > 0) config.active_limit = room;
  World world(config, make);
  std::map<Queue, int> left{{Queue::incoming, incoming}, {Queue::deferred, deferred}};
  for (int i = 0; i < incoming; ++i) world.add_file(Queue::incoming, 0, 0, {address(i, 0, 1)});
  for (int i = 0; i < deferred; ++i) world.add_file(Queue::deferred, 1000, -1, {address(i, 1, 1)});
  std::string broken;
  std::optional<Queue> last;
  bool full = false;
  world.watch([&](const World&, const Command& command) {
    const auto* admit = std::get_if<Admit>(&command);
    if (admit == nullptr) return;
    const Queue other = admit->from == Queue::incoming ? Queue::deferred : Queue::incoming;
    if (!full && last == admit->from && left[other] > 0) broken = "STR-04: one queue twice while the other has mail";
    if (full && admit->from == Queue::deferred && left[Queue::incoming] > 0) {
      broken = "STR-04: what became free did not go to new mail";
    }
    last = admit->from;
    left[admit->from] -= 1;
  });
  world.trigger("ID");
  for (int i = 0; i < 4 * (incoming + deferred) && broken.empty(); ++i) {
    full = true;
    for (const AgentId agent : world.waiting_agents()) world.greet(agent);
    world.settle();
    const auto busy = world.busy_agents();
    if (busy.empty()) break;
    world.end_delivery(busy.front(), true, false, {});
    world.settle();
  }
  if (!broken.empty()) return broken;
  if (!world.is_lawful()) return world.violations().front();
  return left[Queue::incoming] + left[Queue::deferred] == 0 ? "" : "STR-04: mail was not taken";
}

//= STR-04 test
void fairness(const Factory& make) {
  const int incoming = *rc::gen::inRange(1, 12);
  const int deferred = *rc::gen::inRange(1, 12);
  const int room = *rc::gen::inRange(0, 4);
  expect_lawful(turns_of_queues(make, incoming, deferred, room));
}
WEIR_LAW(NewAndDeferredMailTakeTurns, fairness)

// --- who is served -----------------------------------------------------------------------------------

// No transport gets two connections while another one wants one all the time and gets none.
std::string turns_of_transports(const Factory& make, std::uint64_t seed) {
  Prng random(seed);
  World world(wide_config(), make);
  std::map<std::string, int> unsent, pending;
  std::map<std::string, std::set<std::string>> asked_since;  // since it has been wanting in vain
  for (int transport = 1; transport <= 3; ++transport) {
    const int messages = 4 + random.roll(12);
    for (int i = 0; i < messages; ++i) world.add_file(Queue::incoming, 0, 0, {address(i, i, transport)});
    unsent["t" + std::to_string(transport)] = messages;
  }
  std::string broken;
  bool all_read = false;
  const auto look_again = [&] {
    for (const auto& [name, waiting] : unsent) {
      if (pending[name] >= 2 || waiting <= pending[name]) asked_since[name].clear();
    }
  };
  world.watch([&](const World& w, const Command& command) {
    if (const auto* deliver = std::get_if<Deliver>(&command)) unsent[w.transport_of(deliver->agent)] -= 1;
    if (const auto* request = std::get_if<RequestAgent>(&command)) {
      const std::string& asked = request->transport;
      pending[asked] += 1;
      asked_since[asked].clear();
      look_again();
      for (const auto& [name, waiting] : unsent) {
        const bool wants = pending[name] < 2 && waiting > pending[name];
        if (!all_read || name == asked || !wants) continue;
        const bool first = asked_since[name].insert(asked).second;
        if (!first) broken = "STR-07: " + asked + " was asked twice, and " + name + " not at all";
      }
    }
    look_again();
  });
  world.trigger("I");
  all_read = true;  // nobody has greeted: each transport has its two connections
  for (int i = 0; i < 100 && broken.empty() && world.is_lawful(); ++i) {
    for (const AgentId agent : world.waiting_agents()) {
      if (!random.one_in(3)) continue;
      pending[world.transport_of(agent)] -= 1;
      world.greet(agent);
    }
    world.settle();
    for (const AgentId agent : world.busy_agents()) {
      if (random.one_in(2)) world.end_delivery(agent, true, false, {});
    }
    world.settle();
  }
  return world.is_lawful() ? broken : world.violations().front();
}

void transports_in_turn(const Factory& make) {
  expect_lawful(turns_of_transports(make, *rc::gen::arbitrary<std::uint64_t>()));
}
WEIR_LAW(TransportsTakeTurns, transports_in_turn)

// Of the destinations of a message that have mail waiting, none is served twice before all have been served once.
std::string turns_of_destinations(const Factory& make, std::uint64_t seed) {
  Prng random(seed);
  Config config = wide_config();
  config.default_transport.recipient_limit = 2;
  World world(config, make);
  std::vector<std::string> recipients;
  std::map<std::string, int> waiting, served;
  const int places = 2 + random.roll(4);
  for (int place = 0; place < places; ++place) {
    const int entries = 1 + random.roll(12);
    for (int i = 0; i < 2 * entries; ++i) recipients.push_back(address(i, place, 1));
    waiting["d" + std::to_string(place)] = entries;
  }
  world.add_file(Queue::incoming, 0, 0, recipients);
  std::string broken;
  world.watch([&](const World&, const Command& command) {
    const auto* deliver = std::get_if<Deliver>(&command);
    if (deliver == nullptr) return;
    for (const auto& [name, left] : waiting) {
      if (left > 0 && served[name] < served[deliver->nexthop]) {
        broken = "STR-09: " + deliver->nexthop + " was served again before " + name;
      }
    }
    waiting[deliver->nexthop] -= 1;
    served[deliver->nexthop] += 1;
  });
  world.trigger("I");
  for (int i = 0; i < 200 && broken.empty() && world.is_lawful(); ++i) {
    for (const AgentId agent : world.waiting_agents()) world.greet(agent);
    world.settle();
    for (const AgentId agent : world.busy_agents()) {
      if (random.one_in(2)) world.end_delivery(agent, true, false, {});
    }
    world.settle();
  }
  return world.is_lawful() ? broken : world.violations().front();
}

//= STR-09 test
void destinations_in_turn(const Factory& make) {
  expect_lawful(turns_of_destinations(make, *rc::gen::arbitrary<std::uint64_t>()));
}
WEIR_LAW(DestinationsOfAMessageTakeTurns, destinations_in_turn)

// What goes before a message although it is younger has been paid for: a message of n deliveries earns one slot for
// `cost` of its own, a preempting one of n/cost deliveries earns n/cost^2, and so on: at most n/(cost - 1). What stands
// before it earns, too, so n counts the older messages that are in memory with it.
std::string preemption_is_paid_for(const Factory& make, std::uint64_t seed) {
  Prng random(seed);
  Config config = wide_config();
  TransportConfig& t = config.default_transport;
  t.slot_cost = 2 + random.roll(4);
  t.slot_loan = random.roll(5);
  t.slot_discount = 25 * random.roll(5);
  t.minimum_slots = random.roll(4);
  World world(config, make);
  struct Mail {
    int left = 0;
    int earning = 0;  // deliveries of it, and of what is older
    int overtaken = 0;
  };
  std::vector<Mail> mails;  // in the order of their arrival
  std::map<std::size_t, std::size_t> mail_of_file;
  std::vector<int> sizes;
  std::string broken;
  world.watch([&](const World& w, const Command& command) {
    const auto* deliver = std::get_if<Deliver>(&command);
    if (deliver == nullptr) return;
    const std::size_t sent = mail_of_file.at(w.file_of(deliver->message));
    mails[sent].left -= 1;
    for (std::size_t i = 0; i < sent; ++i) {
      if (mails[i].left == 0) continue;
      mails[i].overtaken += 1;
      if (mails[i].overtaken * (t.slot_cost - 1) > mails[i].earning) {
        broken = "STR-14: " + std::to_string(mails[i].overtaken) + " deliveries went before a message though only " +
                 std::to_string(mails[i].earning) + "/(" + std::to_string(t.slot_cost) + " - 1) have been earned";
      }
    }
  });
  for (int i = 0; i < 400 && broken.empty() && world.is_lawful(); ++i) {
    if (random.one_in(i < 20 ? 4 : 9) && mails.size() < 30) {
      const int size = random.one_in(4) ? 20 + random.roll(60) : 1 + random.roll(8);
      std::vector<std::string> recipients;
      for (int r = 0; r < size; ++r) recipients.push_back(address(r, static_cast<int>(mails.size()), 1));
      Mail mail{size, size, 0};
      for (std::size_t older = 0; older < mails.size(); ++older) {
        if (mails[older].left > 0) mail.earning += sizes[older];
      }
      mail_of_file[world.add_file(Queue::incoming, 0, 0, recipients)] = mails.size();
      mails.push_back(mail);
      sizes.push_back(size);
      world.trigger("I");
    }
    const auto waiting = world.waiting_agents();
    if (!waiting.empty()) world.greet(waiting.front());
    world.settle();
    for (const AgentId agent : world.busy_agents()) world.end_delivery(agent, true, false, {});
    world.settle();
    if (random.one_in(6)) world.advance(1);
  }
  return world.is_lawful() ? broken : world.violations().front();
}

//= STR-14 test
//= PAR-055 test
void preemption(const Factory& make) {
  expect_lawful(preemption_is_paid_for(make, *rc::gen::arbitrary<std::uint64_t>()));
}
WEIR_LAW(PreemptionIsPaidFor, preemption)

// --- dead destinations -------------------------------------------------------------------------------

// After the failure that killed it a destination is left alone for minimal_backoff, and is asked again after it.
std::string dead_for(const Factory& make, int seconds) {
  Config config = wide_config();
  config.minimal_backoff = config.maximal_backoff = Seconds{seconds};
  config.default_transport.initial_concurrency = 1;
  config.queue_run_delay = Seconds{100'000};
  World world(config, make);
  std::optional<Seconds> died;
  std::string broken;
  bool asked = false;
  world.watch([&](const World& w, const Command& command) {
    const auto* deliver = std::get_if<Deliver>(&command);
    if (deliver == nullptr || w.transport_of(deliver->agent) != "t1") return;
    if (died && w.now() < *died + Seconds{seconds}) broken = "PAR-059: a dead destination was asked before its time";
    asked |= died.has_value();
  });
  const auto serve = [&](bool well) {
    world.settle();
    for (const AgentId agent : world.waiting_agents()) world.greet(agent);
    world.settle();
    for (const AgentId agent : world.busy_agents()) {
      const bool retry = world.transport_of(agent) == "retry";
      if (!retry && !well) died = world.now();
      world.end_delivery(agent, true, retry || !well, retry || well ? Dsn{} : Dsn{"4.4.1", "no route"});
    }
    world.settle();
  };
  world.add_file(Queue::incoming, 0, 0, {"a@d0.t1"});
  world.trigger("I");
  serve(false);
  if (!died) return "the first message was not tried";
  for (int i = 0; i <= seconds && broken.empty() && world.is_lawful(); ++i) {
    if (i > 0) world.advance(1);
    world.add_file(Queue::incoming, 0, 0, {"a@d0.t1"});
    world.trigger("I");
    serve(true);
    serve(true);
    if (i < seconds && asked) return "PAR-059: a dead destination was asked before its time";
  }
  if (!broken.empty()) return broken;
  if (!world.is_lawful()) return world.violations().front();
  return asked ? "" : "PAR-059: a dead destination was not asked again after its time";
}

//= PAR-059 test
void dead_destination(const Factory& make) { expect_lawful(dead_for(make, *rc::gen::inRange(2, 40))); }
WEIR_LAW(ADeadDestinationIsAskedAgainAfterItsTime, dead_destination)

// --- seeded faults: each law must catch its own ------------------------------------------------------

bool caught(const Factory& fault, Aim aim, bool drain, const std::string& by) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    if (run_alone(sim::random_script(seed, 60, aim), fault, drain).rfind(by, 0) == 0) return true;
  }
  return false;
}

TEST(SeededFaults, ActiveLimitIgnored) { EXPECT_TRUE(caught(ignores_active_limit, Aim::uniform, false, "QUE-03")); }
TEST(SeededFaults, ConcurrencyLimitIgnored) {
  EXPECT_TRUE(caught(ignores_concurrency_limit, Aim::uniform, false, "PAR-026"));
}
TEST(SeededFaults, RecipientLimitIgnored) {
  EXPECT_TRUE(caught(ignores_recipient_limit, Aim::uniform, false, "PAR-038"));
}
TEST(SeededFaults, RecipientsInMemoryIgnored) {
  EXPECT_TRUE(caught(ignores_recipients_in_memory, Aim::refill, false, "PAR-011"));
}
TEST(SeededFaults, RecipientSlotsIgnored) {
  EXPECT_TRUE(caught(ignores_recipient_slots, Aim::refill, false, "PAR-014"));
}
TEST(SeededFaults, ExtraSlotsIgnored) { EXPECT_TRUE(caught(ignores_extra_slots, Aim::preemption, false, "PAR-016")); }
TEST(SeededFaults, TransportDelayIgnored) {
  EXPECT_TRUE(caught(ignores_transport_delay, Aim::rate_delays, false, "PAR-071"));
}
TEST(SeededFaults, DestinationDelayIgnored) {
  EXPECT_TRUE(caught(ignores_destination_delay, Aim::rate_delays, false, "PAR-069"));
}
TEST(SeededFaults, RecipientLost) {
  EXPECT_TRUE(caught(loses_a_recipient, Aim::uniform, true, "a recipient was lost"));
}
TEST(SeededFaults, RecipientTwice) { EXPECT_TRUE(caught(delivers_twice, Aim::uniform, false, "a recipient is del")); }
TEST(SeededFaults, TurnsSkipped) { EXPECT_TRUE(caught(skips_turns, Aim::feedback, false, "GEN-05")); }
TEST(SeededFaults, DestinationForgotten) { EXPECT_TRUE(caught(forgets_a_destination, Aim::swarm, true, "starved")); }

TEST(SeededFaults, OneRunShowsInTheNext) {
  EXPECT_FALSE(runs_alike(decides_by_a_global, sim::random_script(1, 60, Aim::preemption)));
}

TEST(SeededFaults, BackoffIsConstant) {
  bool found = false;
  for (std::uint32_t setup = 0; setup < 200; ++setup) {
    found |= backoff_of_a_failing_message(backs_off_by_a_constant, setup, 6).rfind("STR-11", 0) == 0;
  }
  EXPECT_TRUE(found);
}

TEST(SeededFaults, BackoffIsUnbounded) {
  bool found = false;
  for (std::uint32_t setup = 0; setup < 20; ++setup) {
    found |= backoff_of_a_failing_message(backs_off_without_bound, setup, 6) == "QUE-05: a wait above the maximum";
  }
  EXPECT_TRUE(found);
}

TEST(SeededFaults, BytesHandledOneByOne) {
  EXPECT_NE(order_matters(handles_bytes_one_by_one, "DA"), "");
  EXPECT_EQ(order_matters(model::make_model, "DA"), "");
}

TEST(SeededFaults, DeferredMailForgottenForNewMail) {
  EXPECT_EQ(turns_of_queues(looks_at_incoming_only, 5, 5, 0), "STR-04: one queue twice while the other has mail");
}

template <class Law>
bool caught_by(const Law& law, const Factory& fault, const std::string& by) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    if (law(fault, seed).rfind(by, 0) == 0) return true;
  }
  return false;
}

TEST(SeededFaults, OneTransportFirst) {
  EXPECT_TRUE(caught_by(turns_of_transports, asks_one_transport_first, "STR-07"));
}
TEST(SeededFaults, OneDestinationWaits) {
  EXPECT_TRUE(caught_by(turns_of_destinations, keeps_a_destination_waiting, "STR-09"));
}
TEST(SeededFaults, PreemptionTooCheap) { EXPECT_TRUE(caught_by(preemption_is_paid_for, preempts_too_much, "STR-14")); }
TEST(SeededFaults, DeadDestinationEarly) { EXPECT_NE(dead_for(revives_early, 10), ""); }
TEST(SeededFaults, DeadDestinationLate) {
  EXPECT_EQ(dead_for(revives_late, 10), "PAR-059: a dead destination was not asked again after its time");
}

}  // namespace
}  // namespace weir::props
