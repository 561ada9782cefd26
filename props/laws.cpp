// Laws that need a life of their own; laws of every script stand in sim/world.cpp and sim/judge.cpp.
#include "props/laws.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "sim/prng.hpp"

namespace weir::props {

using sim::Prng;

namespace {

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

}  // namespace

// --- scripts -----------------------------------------------------------------------------------------

// The same script gives the same commands twice.
std::vector<Command> trace_of(const Config& config, const Factory& make, const Script& script) {
  std::vector<Command> trace;
  World world(config, make);
  world.watch([&](const World&, const Command& command) { trace.push_back(command); });
  for (const Step& step : script.steps) world.step(step);
  return trace;
}
bool runs_alike(const Factory& make, const Script& script) {
  const Config config = sim::setup_config(script.setup);
  const auto first = trace_of(config, make, script);
  return first == trace_of(config, make, script);
}

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

// --- who is served -----------------------------------------------------------------------------------

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

// --- by name -----------------------------------------------------------------------------------------

namespace {

using sim::Aim;

constexpr std::size_t kSteps = 120;  // of a script before the judge

template <Aim aim, bool drain>
std::string judged(const Factory& make, std::uint64_t seed) {
  return run_alone(sim::random_script(seed, kSteps, aim), make, drain, false);
}

std::string trace(const Factory& make, std::uint64_t seed) {
  return runs_alike(make, sim::random_script(seed, kSteps)) ? "" : "the same script, another trace";
}
std::string backoff(const Factory& make, std::uint64_t seed) {
  return backoff_of_a_failing_message(make, Prng(seed).word(), 6);
}
std::string modifiers(const Factory& make, std::uint64_t seed) {
  Prng random(seed);
  std::string bytes;
  for (int i = random.roll(7); i > 0; --i) bytes += "ADFIWz"[random.roll(6)];
  return order_matters(make, bytes);
}
std::string queues(const Factory& make, std::uint64_t seed) {
  Prng random(seed);
  const int incoming = 1 + random.roll(11);
  const int deferred = 1 + random.roll(11);
  return turns_of_queues(make, incoming, deferred, random.roll(4));
}
std::string dead(const Factory& make, std::uint64_t seed) { return dead_for(make, 2 + Prng(seed).roll(38)); }
std::string slots_in_turn(const Factory& make, std::uint64_t seed) {
  return slots_are_no_matter(make, sim::random_script(seed, kSteps, Aim::round_robin));
}

}  // namespace

bool Law::says(std::string_view broken_law) const {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view begin) { return broken_law.substr(0, begin.size()) == begin; });
}

const std::vector<Law>& laws() {
  static const std::vector<Law> all{
      {"LimitsAreNeverExceeded",
       judged<Aim::uniform, false>,
       {"QUE-03", "PAR-011", "PAR-014", "PAR-026", "PAR-038", "more connections", "more than two"}},
      {"RecipientSlotsAreNeitherMadeNorLost", judged<Aim::refill, false>, {"PAR-014"}},
      {"ExtraSlotsAreLentOnlyOnce", judged<Aim::preemption, false>, {"PAR-016"}, 200},
      {"RateDelaysAreKept", judged<Aim::rate_delays, false>, {"PAR-069", "PAR-071"}},
      {"EveryRecipientIsAccountedForOnce",
       judged<Aim::after_work, false>,
       {"a recipient was lost", "a recipient is delivered to twice", "a recipient that nobody has",
        "a delivery to nobody", "a message was removed with a recipient not done",
        "a message left memory during a delivery"}},
      {"NoFreeDestinationIsLeftWaiting", judged<Aim::feedback, false>, {"GEN-05"}},
      {"NobodyStarves", judged<Aim::swarm, true>, {"starved"}},
      {"NobodyStarvesBehindTheDead", judged<Aim::dead, true>, {"starved"}},
      {"TheSameScriptGivesTheSameTrace", trace, {"the same script"}},
      {"BackoffIsBoundedAndDoubles", backoff, {"QUE-05", "STR-11", "too few"}},
      {"ModifiersComeBeforeScans", modifiers, {"TRG-14", "TRG-15"}},
      {"NewAndDeferredMailTakeTurns", queues, {"STR-04"}},
      {"TransportsTakeTurns", turns_of_transports, {"STR-07"}},
      {"DestinationsOfAMessageTakeTurns", turns_of_destinations, {"STR-09"}},
      {"PreemptionIsPaidFor", preemption_is_paid_for, {"STR-14"}},
      {"ADeadDestinationIsAskedAgainAfterItsTime", dead, {"PAR-059"}},
      {"InTurnNobodyStarves", judged<Aim::round_robin, true>, {"starved"}},
      {"InTurnDestinationsTakeTurns", turns_of_a_transports_destinations, {"STR-16"}},
      {"InTurnMessagesStandInLine", messages_stand_in_line, {"STR-16"}},
      {"InTurnASmallMessageWaits", small_message_waits, {"STR-16"}},
      {"InTurnNoFileIsTakenWithoutRoom", room_for_recipients, {"PAR-011"}},
      {"InTurnRecipientsAreReadInBatches", batches_of_recipients, {"PAR-023"}},
      {"InTurnOneListIsReadByTheRule", reads_of_one_list, {"PAR-023"}},
      {"InTurnSlotsAreNoMatter", slots_in_turn, {"PAR-014"}},
  };
  return all;
}

}  // namespace weir::props
