// Laws of round robin, each with a life of its own (spec/round_robin.md).
#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "props/laws.hpp"
#include "sim/prng.hpp"

namespace weir::props {

using sim::Prng;

namespace {

Config in_turn_config() {
  Config config;
  config.scheduler = Scheduler::round_robin;
  config.active_limit = config.message_recipient_limit = 10'000;
  config.helpful_warnings = config.flow_control = false;
  config.default_transport.recipient_limit = 2;
  return config;
}

std::string address(int user, int place) { return "r" + std::to_string(user) + "@d" + std::to_string(place) + ".t1"; }

// Mail comes and is served at random; no destination has more deliveries at a time than `limit`. What came, and what
// was sent, is told to a law.
struct Life {
  std::function<void(std::size_t file, const std::string& place, int entries)> came;
  std::function<void(std::size_t file, const std::string& place)> was_sent;
  std::function<void(const std::string& place)> ended = [](const std::string&) {};
};

std::string live(const Factory& make, Prng& random, Config config, int limit, const std::string& broken,
                 const Life& life) {
  config.default_transport.concurrency_limit = config.default_transport.initial_concurrency = limit;
  World world(config, make);
  std::map<AgentId, std::string> place_of;
  world.watch([&](const World& w, const Command& command) {
    const auto* deliver = std::get_if<Deliver>(&command);
    if (deliver == nullptr) return;
    place_of[deliver->agent] = deliver->nexthop;
    life.was_sent(w.file_of(deliver->message), deliver->nexthop);
  });
  int files = 0;
  for (int i = 0; i < 300 && broken.empty() && world.is_lawful(); ++i) {
    if (files < 30 && random.one_in(i < 20 ? 2 : 8)) {
      files += 1;
      std::vector<std::string> recipients;
      std::map<int, int> count;
      const int places = 1 + random.roll(6);
      const int most = random.one_in(3) ? 30 : 4;
      for (int place = 0; place < places; ++place) {
        count[place] = random.roll(most);
        for (int r = 0; r < count[place]; ++r) recipients.push_back(address(r, place));
      }
      if (recipients.empty()) continue;
      const std::size_t file = world.add_file(Queue::incoming, 0, 0, recipients);
      world.trigger("I");
      for (const auto& [place, n] : count) life.came(file, "d" + std::to_string(place), (n + 1) / 2);
    }
    for (const AgentId agent : world.waiting_agents()) {
      if (random.one_in(2)) world.greet(agent);
    }
    world.settle();
    for (const AgentId agent : world.busy_agents()) {
      if (!random.one_in(3)) continue;
      world.end_delivery(agent, true, false, {});
      life.ended(place_of.at(agent));
    }
    world.settle();
  }
  if (!broken.empty()) return broken;
  return world.is_lawful() ? "" : world.violations().front();
}

}  // namespace

// Between two entries for one destination every other one that could give an entry all the while gives one.
std::string turns_of_a_transports_destinations(const Factory& make, std::uint64_t seed) {
  struct Place {
    int waiting = 0, busy = 0;
    std::set<std::string> passed_for;  // since it could give one
  };
  Prng random(seed);
  const int limit = 1 + random.roll(3);
  std::map<std::string, Place> places;
  std::string broken;
  Life life;
  life.came = [&](std::size_t, const std::string& name, int entries) { places[name].waiting += entries; };
  life.was_sent = [&](std::size_t, const std::string& name) {
    for (auto& [other, place] : places) {
      const bool could = place.waiting > 0 && place.busy < limit;
      if (other != name && could && !place.passed_for.insert(name).second) {
        broken = "STR-16: " + name + " was served twice, and " + other + " not at all";
      }
    }
    places[name].waiting -= 1;
    places[name].busy += 1;
    places[name].passed_for.clear();
  };
  life.ended = [&](const std::string& name) { places[name].busy -= 1; };
  return live(make, random, in_turn_config(), limit, broken, life);
}

namespace {

// What goes to a destination goes in the order in which its messages came.
std::string line(const Factory& make, std::uint64_t seed, const Config& config) {
  Prng random(seed);
  std::map<std::string, std::deque<std::size_t>> lines;
  std::string broken;
  Life life;
  life.came = [&](std::size_t file, const std::string& place, int entries) {
    for (int i = 0; i < entries; ++i) lines[place].push_back(file);
  };
  life.was_sent = [&](std::size_t file, const std::string& place) {
    auto& waiting = lines[place];
    if (waiting.empty() || waiting.front() != file)
      broken = "STR-16: a message was served before an older one: " + place;
    if (!waiting.empty()) waiting.pop_front();
  };
  return live(make, random, config, 1 + random.roll(3), broken, life);
}

}  // namespace

std::string messages_stand_in_line(const Factory& make, std::uint64_t seed) {
  return line(make, seed, in_turn_config());
}

// However cheap preemption would be.
std::string small_message_waits(const Factory& make, std::uint64_t seed) {
  Prng random(seed);
  Config config = in_turn_config();
  TransportConfig& t = config.default_transport;
  t.slot_cost = 2;
  t.slot_loan = 10;
  t.slot_discount = 100;
  t.minimum_slots = 0;
  const int large = 30 + random.roll(40);
  World world(config, make);
  const auto big = world.add_file(Queue::incoming, 0, 0, [large] {
    std::vector<std::string> recipients;
    for (int r = 0; r < large; ++r) recipients.push_back(address(r, 0));
    return recipients;
  }());
  int left = large;
  bool small_served = false;
  std::string broken;
  world.watch([&](const World& w, const Command& command) {
    const auto* deliver = std::get_if<Deliver>(&command);
    if (deliver == nullptr) return;
    if (left > 0 && w.file_of(deliver->message) == big) {
      left -= static_cast<int>(deliver->recipients.size());
    } else {
      if (left > 0) broken = "STR-16: a small message was preferred to a large one that was there before it";
      small_served = true;
    }
  });
  world.trigger("I");
  for (int i = 0; i < 200 && !small_served && world.is_lawful(); ++i) {
    if (i < 10 || random.one_in(10)) {
      world.add_file(Queue::incoming, 0, 0, {address(1000 + i, 0)});
      world.trigger("I");
    }
    for (const AgentId agent : world.waiting_agents()) world.greet(agent);
    world.settle();
    for (const AgentId agent : world.busy_agents()) {
      if (random.one_in(2)) world.end_delivery(agent, true, false, {});
    }
    world.settle();
    world.advance(1);
  }
  if (!broken.empty()) return broken;
  if (!world.is_lawful()) return world.violations().front();
  return small_served ? "" : "STR-16: a small message was not served at all";
}

// A file is taken while there are fewer recipients in memory than the limit, and only then.
std::string room_for_recipients(const Factory& make, std::uint64_t seed) {
  Prng random(seed);
  Config config = in_turn_config();
  config.active_limit = 4 + random.roll(6);
  config.message_recipient_limit = 10 + random.roll(20);
  World world(config, make);
  std::vector<int> sizes;
  for (int i = 0; i < 25; ++i) {
    sizes.push_back(1 + random.roll(6));
    std::vector<std::string> recipients;
    for (int r = 0; r < sizes.back(); ++r) recipients.push_back(address(r, random.roll(3)));
    world.add_file(Queue::incoming, 0, 0, recipients);
  }
  int in_memory = 0;
  int messages = 0;
  std::size_t left = sizes.size();
  std::map<AgentId, int> sent;
  std::string broken;
  world.watch([&](const World& w, const Command& command) {
    if (const auto* admit = std::get_if<Admit>(&command)) {
      if (in_memory >= config.message_recipient_limit) {
        broken = "PAR-011: a file was taken with " + std::to_string(in_memory) + " of " +
                 std::to_string(config.message_recipient_limit) + " recipients in memory";
      }
      in_memory += sizes.at(w.file_of(admit->message));
      messages += 1;
      left -= 1;
    }
    if (const auto* deliver = std::get_if<Deliver>(&command)) {
      sent[deliver->agent] = static_cast<int>(deliver->recipients.size());
    }
    if (std::holds_alternative<Remove>(command)) messages -= 1;
  });
  world.trigger("I");
  while (broken.empty() && world.is_lawful()) {
    if (left > 0 && messages < config.active_limit && in_memory < config.message_recipient_limit) {
      return "PAR-011: no file was taken with only " + std::to_string(in_memory) + " of " +
             std::to_string(config.message_recipient_limit) + " recipients in memory";
    }
    for (const AgentId agent : world.waiting_agents()) world.greet(agent);
    world.settle();
    const auto busy = world.busy_agents();
    if (busy.empty()) break;
    const AgentId agent = busy[static_cast<std::size_t>(random.roll(static_cast<int>(busy.size())))];
    in_memory -= sent.at(agent);
    world.end_delivery(agent, true, false, {});
    world.settle();
  }
  if (!broken.empty()) return broken;
  if (!world.is_lawful()) return world.violations().front();
  return left == 0 ? "" : "PAR-011: files were left";
}

// A batch is the least number that fills the share of the limit. The next one is read when a delivery has ended and
// fewer are in memory than the share less 100, or when the message has none in memory; and at no other time.
std::string batches_of_recipients(const Factory& make, std::uint64_t seed) {
  struct Mail {
    std::int64_t size = 0, position = 0, in_memory = 0;
    bool more = false;
  };
  Prng random(seed);
  Config config = in_turn_config();
  config.active_limit = 10;
  config.message_recipient_limit = random.one_in(4) ? 10 + random.roll(90) : 101 + random.roll(120);
  config.fudge_factor = random.one_in(2) ? 100 : 60 + random.roll(40);
  config.default_transport.recipient_limit = 2 + random.roll(9);
  const double share = config.message_recipient_limit * (config.fudge_factor / 100.0);
  const auto batch = static_cast<std::int64_t>(std::ceil(share));
  World world(config, make);
  std::map<std::size_t, Mail> mails;
  std::map<AgentId, std::pair<std::size_t, std::int64_t>> sent;
  std::vector<std::size_t> reads;
  std::int64_t in_memory = 0;
  int files = 0;
  std::string broken;
  const auto read = [&](std::size_t file, std::int64_t at_most) {
    if (at_most != batch) {
      broken = "PAR-023: " + std::to_string(at_most) + " recipients are read, not " + std::to_string(batch);
    }
    Mail& mail = mails.at(file);
    const std::int64_t count = std::min(at_most, mail.size - mail.position);
    mail.more = count == at_most;
    mail.position += count;
    mail.in_memory += count;
    in_memory += count;
  };
  world.watch([&](const World& w, const Command& command) {
    if (const auto* admit = std::get_if<Admit>(&command)) read(w.file_of(admit->message), admit->at_most);
    if (const auto* next = std::get_if<ReadRecipients>(&command)) {
      reads.push_back(w.file_of(next->message));
      read(reads.back(), next->at_most);
    }
    if (const auto* deliver = std::get_if<Deliver>(&command)) {
      sent[deliver->agent] = {w.file_of(deliver->message), static_cast<std::int64_t>(deliver->recipients.size())};
    }
  });
  for (int i = 0; i < 400 && broken.empty() && world.is_lawful(); ++i) {
    if (files < 4 && random.one_in(i == 0 ? 1 : 20)) {
      const auto size = static_cast<std::int64_t>(random.one_in(4) ? batch * (1 + random.roll(2))
                                                                   : 1 + random.roll(static_cast<int>(3 * batch)));
      std::vector<std::string> recipients;
      for (int r = 0; r < size; ++r) recipients.push_back(address(r, random.roll(4)));
      mails[world.add_file(Queue::incoming, 0, 0, recipients)] = {.size = size};
      files += 1;
      world.trigger("I");
    }
    for (const AgentId agent : world.waiting_agents()) world.greet(agent);
    world.settle();
    const auto busy = world.busy_agents();
    if (busy.empty()) break;
    const AgentId agent = busy[static_cast<std::size_t>(random.roll(static_cast<int>(busy.size())))];
    const auto [file, count] = sent.at(agent);
    in_memory -= count;
    mails.at(file).in_memory -= count;
    const bool room = static_cast<double>(in_memory) < share - 100;
    const bool expected = mails.at(file).more && (room || mails.at(file).in_memory == 0);
    const std::int64_t before = in_memory;
    reads.clear();
    world.end_delivery(agent, true, false, {});
    world.settle();
    if (reads == (expected ? std::vector<std::size_t>{file} : std::vector<std::size_t>{})) continue;
    if (broken.empty()) {
      broken = std::string(expected ? "PAR-023: no read" : "PAR-023: a read") + " with " + std::to_string(before) +
               " recipients in memory and a share of " + std::to_string(share);
    }
  }
  if (!broken.empty()) return broken;
  return world.is_lawful() ? "" : world.violations().front();
}

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
  Config config = in_turn_config();
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

std::string reads_of_one_list(const Factory& make, std::uint64_t seed) {
  Prng random(seed);
  const int limit = 5 + random.roll(255);
  const int percent = 10 + random.roll(91);
  const int recipients = 1 + random.roll(400);
  if (reads_of(make, limit, percent, recipients) == reads_by_rule(limit, percent, recipients)) return "";
  return "PAR-023: a list of " + std::to_string(recipients) + " is not read as the rule says, with " +
         std::to_string(percent) + "% of " + std::to_string(limit);
}

// Settings of recipient slots and of preemption change nothing.
std::string slots_are_no_matter(const Factory& make, const Script& script) {
  const Config config = sim::setup_config(script.setup);
  Config other = config;
  other.message_recipient_minimum = 1 + config.message_recipient_minimum / 2;
  const auto change = [](TransportConfig& t) {
    t.recipient_pool = t.recipient_pool == 1 ? 1000 : 1;
    t.extra_recipients += 3;
    t.refill_limit += 1;
    t.refill_delay += Seconds{1};
    t.slot_cost = t.slot_cost == 2 ? 0 : 2;
    t.slot_loan += 5;
    t.slot_discount = 100 - t.slot_discount;
    t.minimum_slots = 3 - t.minimum_slots;
  };
  change(other.default_transport);
  for (auto& [name, transport] : other.transports) change(transport);
  if (trace_of(config, make, script) == trace_of(other, make, script)) return "";
  return "PAR-014: settings of recipient slots, or of preemption, have an effect";
}

}  // namespace weir::props
