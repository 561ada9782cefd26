// The laws of round robin (spec/round_robin.md), judged from outside on both brains; and brains that break them: one that
// schedules as qmgr does, whatever it is told, and one that does not know the fudge factor.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/model.hpp"
#include "props/generators.hpp"
#include "props/run.hpp"
#include "sim/prng.hpp"

namespace weir::props {
namespace {

using sim::Prng;

void expect_lawful(const std::string& broken) {
  if (!broken.empty()) RC_FAIL(broken);
}

// Room for all, windows without limit, deliveries of one recipient.
Config wide_config() {
  Config config;
  config.scheduler = Scheduler::round_robin;
  config.active_limit = config.message_recipient_limit = 10'000;
  config.fudge_factor = 50;  // 5000 recipients a read, as many as qmgr would read, too
  config.helpful_warnings = config.flow_control = false;
  TransportConfig& t = config.default_transport;
  t.concurrency_limit = 0;
  t.initial_concurrency = 1000;
  t.recipient_limit = 3;
  return config;
}

std::string address(int user, int place) { return "r" + std::to_string(user) + "@d" + std::to_string(place) + ".t1"; }

// Some agents greet, some deliveries end well, until nothing happens any more.
template <class Unbroken>
void serve(World& world, Prng& random, const Unbroken& unbroken) {
  for (int i = 0; i < 400 && unbroken() && world.is_lawful(); ++i) {
    const auto waiting = world.waiting_agents();
    if (!waiting.empty()) world.greet(waiting[static_cast<std::size_t>(random.roll(static_cast<int>(waiting.size())))]);
    world.settle();
    for (const AgentId agent : world.busy_agents()) {
      if (random.one_in(2)) world.end_delivery(agent, true, false, {});
    }
    world.settle();
  }
}

// --- turns -------------------------------------------------------------------------------------------

// Several messages for a few destinations, all of them read before the first delivery. What is served is counted for
// each destination of the transport, over all messages; and by message for each destination.
struct Load {
  std::vector<std::vector<std::string>> messages;
  std::map<std::string, std::vector<std::size_t>> line;  // entries that wait for a destination, by message
};

Load draw_load(Prng& random, int recipient_limit) {
  Load load;
  const int messages = 2 + random.roll(4);
  const int places = 2 + random.roll(3);
  for (int m = 0; m < messages; ++m) {
    load.messages.emplace_back();
    for (int place = 0; place < places; ++place) {
      const int recipients = random.roll(m == 0 ? 10 : 4);
      for (int i = 0; i < recipients; ++i) load.messages.back().push_back(address(i, place));
      for (int i = 0; i < recipients; i += recipient_limit) {
        load.line["d" + std::to_string(place)].push_back(static_cast<std::size_t>(m));
      }
    }
    if (load.messages.back().empty()) {
      load.messages.back().push_back(address(0, 0));
      load.line["d0"].push_back(static_cast<std::size_t>(m));
    }
  }
  return load;
}

std::string turns(const Factory& make, std::uint64_t seed) {
  Prng random(seed);
  Config config = wide_config();
  config.default_transport.slot_cost = 2;  // a tempting one for a small message
  config.default_transport.minimum_slots = 0;
  World world(config, make);
  const Load load = draw_load(random, config.default_transport.recipient_limit);
  std::map<std::size_t, std::size_t> message_of_file;
  for (std::size_t m = 0; m < load.messages.size(); ++m) {
    message_of_file[world.add_file(Queue::incoming, 0, 0, load.messages[m])] = m;
    world.trigger("I");  // one after the other
  }
  std::map<std::string, std::size_t> served;
  std::map<std::string, std::map<std::string, std::size_t>> served_since;  // by who waits, since its last turn
  std::string broken;
  world.watch([&](const World& w, const Command& command) {
    const auto* deliver = std::get_if<Deliver>(&command);
    if (deliver == nullptr) return;
    const std::string& name = deliver->nexthop;
    const std::vector<std::size_t>& line = load.line.at(name);
    const std::size_t message = message_of_file.at(w.file_of(deliver->message));
    if (served[name] >= line.size() || line[served[name]] != message) {
      broken = "STR-16: a message went before an older one for " + name;
    }
    served[name] += 1;
    served_since[name].clear();
    for (const auto& [other, waiting] : load.line) {
      if (other == name || served[other] >= waiting.size()) continue;
      if (++served_since[other][name] > 1)
        broken = "STR-09: " + name + " was served twice, and " + other + " not at all";
    }
  });
  serve(world, random, [&] { return broken.empty(); });
  if (!broken.empty()) return broken;
  return world.is_lawful() ? "" : world.violations().front();
}

//= STR-09 test
//= STR-16 test
void in_turn(const Factory& make) { expect_lawful(turns(make, *rc::gen::arbitrary<std::uint64_t>())); }
WEIR_LAW(DestinationsTakeTurnsAndMessagesStandInLine, in_turn)

// --- recipients in memory ----------------------------------------------------------------------------

// One long list, each recipient a delivery: when its file is read again, counted in finished deliveries, and how much
// is asked for each time. The other side is the rule, counted by hand.
struct Reads {
  std::vector<std::int64_t> asked;
  std::vector<int> after;
  friend bool operator==(const Reads&, const Reads&) = default;
};

Reads reads_by_rule(int limit, int percent, int recipients) {
  Reads reads;
  std::int64_t batch = 1;  // the least number that is not below the share
  while (static_cast<double>(batch) < limit * (percent / 100.0)) ++batch;
  int unread = recipients;
  int in_memory = 0;
  bool more = false;
  const auto read = [&](int finished) {
    const int got = static_cast<int>(std::min<std::int64_t>(batch, unread));
    more = got == batch;
    unread -= got;
    in_memory += got;
    reads.asked.push_back(batch);
    reads.after.push_back(finished);
  };
  read(0);
  for (int finished = 1; in_memory > 0; ++finished) {
    in_memory -= 1;
    const bool early = in_memory < limit * (percent / 100.0) - 100;
    if (more && (early || in_memory == 0)) read(finished);
  }
  return reads;
}

Reads reads_of(const Factory& make, int limit, int percent, int recipients) {
  Config config = wide_config();
  config.message_recipient_limit = limit;
  config.active_limit = 5;
  config.fudge_factor = percent;
  config.default_transport.recipient_limit = 1;
  World world(config, make);
  std::vector<std::string> list;
  for (int i = 0; i < recipients; ++i) list.push_back(address(i, 0));
  world.add_file(Queue::incoming, 0, 0, std::move(list));
  Reads reads;
  int finished = 0;
  world.watch([&](const World&, const Command& command) {
    const auto* admit = std::get_if<Admit>(&command);
    const auto* read = std::get_if<ReadRecipients>(&command);
    if (admit == nullptr && read == nullptr) return;
    reads.asked.push_back(admit != nullptr ? admit->at_most : read->at_most);
    reads.after.push_back(finished);
  });
  world.trigger("I");
  while (finished < recipients && world.is_lawful()) {
    const auto waiting = world.waiting_agents();
    if (waiting.empty()) break;
    world.greet(waiting.front());
    world.settle();
    const auto busy = world.busy_agents();
    if (busy.empty()) continue;
    finished += 1;
    world.end_delivery(busy.front(), true, false, {});
    world.settle();
  }
  return reads;
}

//= PAR-011 test
//= PAR-023 test
void reading(const Factory& make) {
  const int limit = *rc::gen::inRange(5, 260);
  const int percent = *rc::gen::inRange(10, 101);
  const int recipients = *rc::gen::inRange(1, 400);
  RC_ASSERT(reads_of(make, limit, percent, recipients) == reads_by_rule(limit, percent, recipients));
}
WEIR_LAW(AShareOfTheRecipientLimitIsReadAtOnce, reading)

// --- what has no effect ------------------------------------------------------------------------------

std::vector<Command> commands_of(const Factory& make, std::uint64_t seed, const TransportConfig& transport) {
  Config config = wide_config();
  config.default_transport = transport;
  config.message_recipient_minimum = transport.recipient_pool;
  Prng random(seed);
  World world(config, make);
  std::vector<Command> commands;
  world.watch([&](const World&, const Command& command) { commands.push_back(command); });
  for (std::vector<std::string>& recipients : draw_load(random, 3).messages) {
    world.add_file(Queue::incoming, 0, 0, std::move(recipients));
  }
  world.trigger("I");
  serve(world, random, [] { return true; });
  return commands;
}

// No limit on recipients of a transport, no slots, no refill: whatever is set.
bool slots_show(const Factory& make, std::uint64_t seed) {
  TransportConfig one = wide_config().default_transport;
  TransportConfig other = one;
  other.recipient_pool = 1;
  other.extra_recipients = other.slot_loan = other.minimum_slots = 0;
  other.slot_cost = 2;
  other.slot_discount = 0;
  other.refill_limit = 1;
  other.refill_delay = Seconds{1};
  return commands_of(make, seed, one) != commands_of(make, seed, other);
}

void no_slots(const Factory& make) { RC_ASSERT(!slots_show(make, *rc::gen::arbitrary<std::uint64_t>())); }
WEIR_LAW(SettingsOfJobsHaveNoEffect, no_slots)

// --- seeded faults -----------------------------------------------------------------------------------

std::unique_ptr<InspectableBrain> schedules_as_qmgr(const Config& config) {
  Config other = config;
  other.scheduler = Scheduler::preemptive;
  return model::make_model(other);
}

std::unique_ptr<InspectableBrain> knows_no_fudge_factor(const Config& config) {
  Config other = config;
  other.fudge_factor = 100;
  return model::make_model(other);
}

template <class Law>
bool caught_by(const Law& law) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    if (law(seed)) return true;
  }
  return false;
}

TEST(SeededRoundRobinFaults, TurnsWithinAMessageOnly) {
  EXPECT_TRUE(caught_by([](std::uint64_t seed) { return turns(schedules_as_qmgr, seed).rfind("STR-09", 0) == 0; }));
}
TEST(SeededRoundRobinFaults, ASmallMessageGoesFirst) {
  EXPECT_TRUE(caught_by([](std::uint64_t seed) { return turns(schedules_as_qmgr, seed).rfind("STR-16", 0) == 0; }));
}
TEST(SeededRoundRobinFaults, FudgeFactorIgnored) {
  EXPECT_NE(reads_of(knows_no_fudge_factor, 50, 50, 100), reads_by_rule(50, 50, 100));
  EXPECT_NE(reads_of(schedules_as_qmgr, 150, 100, 400), reads_by_rule(150, 100, 400));
}
TEST(SeededRoundRobinFaults, SlotsOfATransport) {
  EXPECT_TRUE(caught_by([](std::uint64_t seed) { return slots_show(schedules_as_qmgr, seed); }));
}
// The rule as counted here is the one that was observed (tests/vectors/queue-cycle/oqmgr-recipient-refill.json).
TEST(SeededRoundRobinFaults, TheRuleCountsAsObserved) {
  EXPECT_EQ(reads_by_rule(150, 100, 400).after, (std::vector<int>{0, 101, 251}));
  EXPECT_EQ(reads_by_rule(400, 50, 400).after, (std::vector<int>{0, 101, 301}));
  EXPECT_EQ(reads_by_rule(300, 50, 400).after, (std::vector<int>{0, 101, 251}));
  EXPECT_EQ(reads_by_rule(50, 100, 400).after, (std::vector<int>{0, 50, 100, 150, 200, 250, 300, 350, 400}));
}

}  // namespace
}  // namespace weir::props
