#include "blackbox/generate.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "blackbox/surroundings.hpp"
#include "sim/prng.hpp"

namespace weir::blackbox {
namespace {

using sim::Prng;
using sim::Step;
using sim::StepKind;

// --- setups ------------------------------------------------------------------------------------------

class Parameters {
 public:
  explicit Parameters(std::map<std::string, std::string>& to) : to_(to) {}
  void set(const std::string& name, int value, const char* unit = "") { to_[name] = std::to_string(value) + unit; }
  void set(const std::string& name, std::string value) { to_[name] = std::move(value); }

 private:
  std::map<std::string, std::string>& to_;
};

std::string draw_feedback(Prng& random) {
  constexpr auto kFeedbacks = std::to_array<const char*>(
      {"1", "1", "1/concurrency", "1/concurrency", "0.5", "0.25", "1/3", "0", "1/sqrt_concurrency"});
  return kFeedbacks[static_cast<std::size_t>(random.roll(static_cast<int>(kFeedbacks.size())))];
}

// `prefix`: "default" or a transport.
void draw_transport(Prng& random, sim::Aim aim, const std::string& prefix, Parameters& p) {
  const bool general = prefix == "default";
  const std::string destination = prefix + "_destination_";
  p.set(destination + "concurrency_limit", random.one_in(6) ? 0 : 1 + random.roll(6));
  p.set(destination + "recipient_limit", random.roll(4));
  p.set(general ? "initial_destination_concurrency" : prefix + "_initial_destination_concurrency", 1 + random.roll(5));
  p.set(destination + "concurrency_positive_feedback", draw_feedback(random));
  p.set(destination + "concurrency_negative_feedback", draw_feedback(random));
  p.set(destination + "concurrency_failed_cohort_limit", aim == sim::Aim::dead ? 1 : random.roll(4));
  p.set(prefix + "_delivery_slot_cost", random.one_in(5) ? random.roll(2) : 2 + random.roll(4));
  p.set(prefix + "_delivery_slot_loan", random.roll(4));
  p.set(prefix + "_delivery_slot_discount", 25 * random.roll(5));
  p.set(prefix + "_minimum_delivery_slots", random.roll(4));
  p.set(prefix + "_recipient_limit", random.one_in(4) ? 100 : 1 + random.roll(12));
  p.set(prefix + "_extra_recipient_limit", random.roll(6));
  p.set(prefix + "_recipient_refill_limit", 1 + random.roll(4));
  p.set(prefix + "_recipient_refill_delay", 1 + random.roll(3), "s");
  const int likely = aim == sim::Aim::rate_delays ? 2 : 8;
  if (random.one_in(likely)) p.set(prefix + "_transport_rate_delay", 1 + random.roll(3), "s");
  if (random.one_in(likely)) p.set(prefix + "_destination_rate_delay", 1 + random.roll(3), "s");
}

// --- steps -------------------------------------------------------------------------------------------

template <class C>
auto pick(const C& from, std::uint32_t word) {
  return *std::next(from.begin(), static_cast<std::ptrdiff_t>(word % from.size()));
}

std::string transport_name(std::uint32_t word) { return "t" + std::to_string(1 + word % kTransports); }

// A, B ... Z, AA, AB ...
std::string message_name(std::size_t number) {
  std::string name;
  do {
    name.insert(name.begin(), static_cast<char>('A' + number % 26));
    number = number / 26;
  } while (number-- > 0);
  return name;
}

NewMessage draw_message(const Ledger& ledger, std::size_t recipients, std::uint32_t word) {
  NewMessage message;
  message.name = message_name(ledger.messages().size());
  const std::uint32_t domains = 1 + (word >> 8) % kDestinations;
  const std::uint32_t transports = (word & 8) != 0 ? 1 : kTransports;
  for (std::size_t i = 0; i < recipients; ++i) {
    const auto n = static_cast<std::uint32_t>(i);
    const std::string domain = "d" + std::to_string(1 + (n + (word >> 12)) % domains);
    std::string address = "r" + std::to_string(i + 1);
    address += '@' + domain + '.' + transport_name(word + n / domains % transports);
    message.recipients.push_back(std::move(address));
  }
  return message;
}

std::vector<Input> odd_message(const Ledger& ledger, const Step& step) {
  NewMessage message = draw_message(ledger, 1 + step.b % 3, step.b);
  std::string& first = message.recipients.front();
  first.insert(0, message.name);  // the resolver's answer for it is nobody else's
  switch (step.a % 8) {
    case 0: message.queue = Queue::deferred; break;
    case 1: message.wake = false; break;
    case 2: message.sender.clear(); break;
    case 3: message.create_time = ledger.now() - static_cast<std::int64_t>(step.a >> 8 & 255); break;
    case 4: message.mode = 0740; break;  // a flush request
    case 5: message.resolved[first] = {"t9", "nowhere", first, 4096}; break;
    case 6: message.resolved[first] = {"t1", "d1", first, 4}; break;
    case 7: message.records.emplace_back('>', "elsewhere@d1.t2"); break;
  }
  return {message};
}

std::vector<Input> with_request(const Ledger& ledger, std::uint32_t word, auto make) {
  if (ledger.running().empty()) return {};
  return {make(pick(ledger.running(), word).first)};
}

Dsn draw_reason(std::uint32_t word) {
  switch (word % 5) {
    case 0: return {"4.4.1", "connect to mx[192.0.2.1]:25: Connection refused"};
    case 1: return {"4.4.2", "lost connection with mx[192.0.2.2]"};
    case 2: return {"4.7.0", "host mx[192.0.2.3] refused to talk to me: 450 busy"};
    case 3: return {"4.3.5", "mail server configuration error"};
    default: return {"4.4.3", "host not found"};
  }
}

std::vector<Input> serve(const Ledger& ledger, bool all) {
  std::vector<Input> inputs;
  for (const auto& [id, delivery] : ledger.running()) {
    inputs.emplace_back(Reply{.request = id});
    if (!all && inputs.size() == 2) break;
  }
  for (const std::string& transport : ledger.waiting_transports()) {
    for (int i = 0; i < (all ? ledger.waiting(transport) : 1); ++i) inputs.emplace_back(Slot{transport});
  }
  return inputs;
}

// Those of `failing` fail from now on, a bit each, and no others.
std::vector<Input> change_services(const Ledger& ledger, std::uint32_t failing) {
  std::vector<Input> inputs;
  for (const char* const name : kServiceNames) {
    const bool fails = (failing & 1) != 0;
    failing >>= 1;
    if (fails == ledger.failing().contains(name)) continue;
    if (fails) {
      inputs.emplace_back(ServiceFails{name});
    } else {
      inputs.emplace_back(ServiceWorks{name});
    }
  }
  return inputs;
}

// The clock moves. A resolver that stalls answers before it does, four times in five.
template <class Move>
std::vector<Input> move_clock(const Ledger& ledger, const Step& step, const Move& move) {
  if (!ledger.resolver_stalls() || step.b % 5 == 0) return {move};
  return {ResolverAnswers{}, move};
}

std::vector<std::string> messages_in(const Ledger& ledger, const std::string& place) {
  std::vector<std::string> names;
  for (const auto& [name, message] : ledger.messages()) {
    if (message.where == place) names.push_back(name);
  }
  return names;
}

}  // namespace

Setup draw_setup(std::uint32_t setup) {
  constexpr std::uint32_t kAimMask = 15;  // as in sim::setup_for()
  const auto aim = static_cast<sim::Aim>((setup & kAimMask) % sim::kAims);
  Prng random(setup ^ 0xb1acb0ULL << 32);
  Setup result;
  result.transports = {"t1", "t2", "t3", "retry", "error"};
  Parameters p(result.parameters);
  draw_transport(random, aim, "default", p);
  if (random.one_in(2)) draw_transport(random, aim, "t2", p);
  if (random.one_in(3)) draw_transport(random, aim, "t3", p);
  const int active = random.one_in(3) ? 1 + random.roll(3) : 4 + random.roll(12);
  p.set("qmgr_message_active_limit", active);
  p.set("qmgr_message_recipient_limit", active + (random.one_in(3) ? 60 : random.roll(10)));
  p.set("qmgr_message_recipient_minimum", 1 + random.roll(4));
  const int minimal = 1 + random.roll(12);
  p.set("minimal_backoff_time", minimal, "s");
  p.set("maximal_backoff_time", minimal + 15 * random.roll(4), "s");
  p.set("maximal_queue_lifetime", random.one_in(2) ? random.roll(200) : 100'000, "s");
  p.set("bounce_queue_lifetime", random.one_in(2) ? random.roll(200) : 100'000, "s");
  p.set("queue_run_delay", 5 + random.roll(20), "s");
  p.set("transport_retry_time", 1 + random.roll(10), "s");
  p.set("qmgr_clog_warn_time", random.one_in(4) ? 0 : 1 + random.roll(20), "s");
  p.set("helpful_warnings", random.one_in(5) ? "no" : "yes");
  if (random.one_in(2)) p.set("destination_concurrency_feedback_debug", "yes");
  if (random.one_in(4)) p.set("defer_transports", "t3");
  if (random.one_in(2)) p.set("recipient_delimiter", "+");
  return result;
}

std::vector<Input> inputs_of(const Step& step, const Ledger& ledger) {
  const std::vector<std::string> waiting = ledger.waiting_transports();
  switch (step.kind) {
    case StepKind::arrive: return {draw_message(ledger, 1 + step.a % 4, step.b)};
    case StepKind::arrive_many: return {draw_message(ledger, 5 + step.a % 30, step.b)};
    case StepKind::arrive_odd: return odd_message(ledger, step);
    case StepKind::greets:
      if (waiting.empty()) return {};
      return {Slot{pick(waiting, step.a)}};
    case StepKind::fails:
    case StepKind::write_fails:
      if (waiting.empty()) return {};
      return {HangUp{pick(waiting, step.a)}};
    case StepKind::delivered: return with_request(ledger, step.a, [](int id) { return Reply{.request = id}; });
    case StepKind::deferred:
      return with_request(ledger, step.a, [](int id) { return Reply{.request = id, .status = -1}; });
    case StepKind::site_failure:
      return with_request(ledger, step.a,
                          [&](int id) { return Reply{.request = id, .status = -1, .dsn = draw_reason(step.b)}; });
    case StepKind::crashed: return with_request(ledger, step.a, [](int id) { return Crash{id}; });
    case StepKind::odd_report:
      return with_request(ledger, step.a, [&](int id) {
        Reply reply{.request = id};
        switch (step.b % 4) {
          case 0: reply.dsn = draw_reason(step.b >> 2); break;  // trouble, but nothing to retry
          case 1: reply = {.request = id, .status = -1, .dsn = {"", "no code"}}; break;
          case 2: reply = {.request = id, .status = -1, .dsn = {"4.4", "bad code"}}; break;
          default: reply.mark = false;  // nothing to retry, but not marked
        }
        return reply;
      });
    case StepKind::serve_all: return serve(ledger, step.a % 2 == 0);
    case StepKind::advance: return move_clock(ledger, step, Advance{1 + step.a % 10});
    case StepKind::advance_far: return move_clock(ledger, step, Advance{30 + step.a % 90});
    case StepKind::jump: {
      const std::int64_t seconds = 1 + step.a % 100;
      return move_clock(ledger, step, Jump{step.b % 3 == 0 ? -seconds : seconds});
    }
    case StepKind::trigger: {
      constexpr auto kTriggers = std::to_array<const char*>({"I", "D", "F", "A", "W", "DF", "AI", "FIA", "X", "IIDD"});
      return {TriggerInput{kTriggers[step.a % kTriggers.size()]}};
    }
    case StepKind::spoil_file: {
      const std::string transport = transport_name(step.a);
      if (!ledger.listens(transport)) return {};
      return {Unlisten{transport}};
    }
    case StepKind::mend_files: {
      std::vector<Input> inputs;
      for (const std::string& transport : ledger.setup().transports) {
        if (!ledger.listens(transport)) inputs.emplace_back(Relisten{transport});
      }
      return inputs;
    }
    case StepKind::services: return change_services(ledger, step.a % 4 == 0 ? 0 : step.b);
    case StepKind::bounce_logs: {
      const std::vector<std::string> active = messages_in(ledger, "active");
      if (active.empty()) return {};
      return {BounceLogAppears{pick(active, step.a)}};
    }
    case StepKind::hold_resolver:
      if (ledger.resolver_stalls()) return {ResolverAnswers{}};
      return {ResolverStalls{}};
    case StepKind::resolve_one:
    case StepKind::answer_one:
    case StepKind::gather:
    case StepKind::stray:
    case StepKind::restart: break;  // not of this world, or not in its power
  }
  return {};
}

std::vector<Input> round_of_service(const Ledger& ledger) {
  if (ledger.all_gone()) return {};
  std::vector<Input> inputs = change_services(ledger, 0);
  if (ledger.resolver_stalls()) inputs.emplace_back(ResolverAnswers{});
  // What waits, waits for a time of the clock.
  if (ledger.latest() > ledger.now()) inputs.emplace_back(Jump{ledger.latest() - ledger.now()});
  for (const std::string& transport : ledger.setup().transports) {
    if (!ledger.listens(transport)) inputs.emplace_back(Relisten{transport});
  }
  const std::vector<Input> serving = serve(ledger, true);
  inputs.insert(inputs.end(), serving.begin(), serving.end());
  if (!inputs.empty()) return inputs;
  return {TriggerInput{"AFDI"}, Advance{5}};
}

}  // namespace weir::blackbox
