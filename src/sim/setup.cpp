// Configurations from a number: limits so small that they are met, every parameter in play.
#include "sim/prng.hpp"
#include "sim/script.hpp"

namespace weir::sim {
namespace {

constexpr std::uint32_t kAimBits = 4;

Feedback draw_feedback(Prng& random, const char* name) {
  Feedback feedback;
  feedback.parameter = name;
  const double values[] = {1.0, 1.0, 0.5, 0.3, 0.25, 0.125, 0.0};
  feedback.value = values[random.roll(7)];
  feedback.kind = random.one_in(2) ? Feedback::Kind::per_concurrency : Feedback::Kind::constant;
  if (random.one_in(10)) {
    feedback.text = "nonsense";
    feedback.well_formed = false;
    feedback.kind = Feedback::Kind::constant;
    feedback.value = 1.0;
  }
  return feedback;
}

TransportConfig draw_transport(Prng& random, Aim aim) {
  TransportConfig t;
  t.concurrency_limit = random.one_in(6) ? 0 : 1 + random.roll(6);
  t.recipient_limit = random.roll(4);
  t.initial_concurrency = 1 + random.roll(5);
  t.positive_feedback = draw_feedback(random, "default_destination_concurrency_positive_feedback");
  t.negative_feedback = draw_feedback(random, "default_destination_concurrency_negative_feedback");
  t.failed_cohort_limit = random.roll(4);
  t.slot_cost = random.one_in(5) ? random.roll(2) : 2 + random.roll(4);
  t.slot_loan = random.roll(4);
  t.slot_discount = 25 * random.roll(5);
  t.minimum_slots = random.roll(4);
  t.recipient_pool = random.one_in(4) ? 100 : 1 + random.roll(12);
  t.extra_recipients = random.roll(6);
  t.refill_limit = 1 + random.roll(4);
  t.refill_delay = Seconds{1 + random.roll(3)};
  const int likely = aim == Aim::rate_delays ? 2 : 8;
  if (random.one_in(likely)) t.transport_rate_delay = Seconds{1 + random.roll(3)};
  if (random.one_in(likely)) t.destination_rate_delay = Seconds{1 + random.roll(3)};
  switch (aim) {
    case Aim::preemption:
      t.slot_cost = 2 + random.roll(4);
      t.concurrency_limit = random.roll(3) * 10;
      t.recipient_pool = random.one_in(2) ? 1000 : 10;
      break;
    case Aim::feedback: t.initial_concurrency = 1 + random.roll(9); break;
    case Aim::dead: t.failed_cohort_limit = 1; break;
    case Aim::refill: t.recipient_pool = 1 + random.roll(8); break;
    case Aim::uniform:
    case Aim::swarm:
    case Aim::rate_delays:
    case Aim::restarts:
    case Aim::clock:
    case Aim::after_work:
    case Aim::round_robin: break;
  }
  return t;
}

// Each habit of the queue manager of 2003 by itself, in a third of the configurations.
Habits draw_habits(Prng& random) {
  Habits habits;
  if (!random.one_in(3)) return habits;
  const auto draw = [&random] { return random.one_in(3); };
  habits.backoff_from_arrival = draw();
  habits.lifetime_from_arrival = draw();
  habits.late_delay_warning = draw();
  habits.no_trace_reports = draw();
  habits.no_mode_requests = draw();
  habits.late_scan_modifiers = draw();
  habits.double_import = draw();
  habits.single_connection = draw();
  habits.dead_transport_keeps_mail = draw();
  habits.crash_kills_transport = draw();
  habits.defers_itself = draw();
  habits.whole_steps = draw();
  habits.late_reads = draw();
  habits.neighbour_bundling = draw();
  habits.silent_double_bounce = draw();
  habits.keep_address_extension = draw();
  habits.filter_after_resolver = draw();
  return habits;
}

// Batches are small, or so large that reading begins again before the last delivery is done: that takes a limit above
// 100, and entries large enough to be through with it soon.
void draw_round_robin(Prng& random, Config& c) {
  c.scheduler = Scheduler::round_robin;
  c.fudge_factor = random.one_in(3) ? 100 : 10 + random.roll(91);
  if (!random.one_in(3)) return;
  c.message_recipient_limit = 101 + random.roll(60);
  c.fudge_factor = 100 - random.roll(30);
  const int limit = 10 * random.roll(3);
  c.default_transport.recipient_limit = limit;
  for (auto& [name, transport] : c.transports) transport.recipient_limit = limit;
}

}  // namespace

std::uint32_t setup_for(Aim aim, std::uint32_t word) { return word << kAimBits | static_cast<std::uint32_t>(aim); }

Config setup_config(std::uint32_t setup) {
  const auto aim = static_cast<Aim>((setup & ((1U << kAimBits) - 1)) % kAims);
  Prng random(setup);
  Config c;
  c.active_limit = random.one_in(3) ? 1 + random.roll(3) : 4 + random.roll(12);
  c.message_recipient_limit = c.active_limit + (random.one_in(3) ? 60 : random.roll(10));
  c.message_recipient_minimum = 1 + random.roll(4);
  c.initial_concurrency = 1 + random.roll(5);
  c.minimal_backoff = Seconds{1 + random.roll(12)};
  c.maximal_backoff = Seconds{c.minimal_backoff.count() + 15 * random.roll(4)};
  c.maximal_lifetime = Seconds{random.one_in(2) ? random.roll(200) : 100'000};
  c.bounce_lifetime = Seconds{random.one_in(2) ? random.roll(200) : 100'000};
  c.queue_run_delay = Seconds{5 + random.roll(20)};
  c.transport_retry_time = Seconds{1 + random.roll(10)};
  c.clog_warn_time = Seconds{random.one_in(4) ? 0 : 1 + random.roll(20)};
  c.helpful_warnings = !random.one_in(5);
  c.feedback_debug = random.one_in(2);
  c.disable_verp_bounces = random.one_in(3);
  c.confirm_delay_cleared = random.one_in(2);
  c.verify_negative_cache = !random.one_in(3);
  c.verify_pending_limit = random.one_in(3) ? 5000 : random.roll(3);
  c.flow_control = random.one_in(2);
  if (random.one_in(4)) c.defer_transports = {"t4", "error"};
  if (random.one_in(2)) c.default_filter_nexthop = "filter.example";
  c.myhostname = "mail.example";
  const char* delimiters[] = {"", "", "+", "-", "+-"};
  c.recipient_delimiter = delimiters[random.roll(5)];
  c.owner_request_special = !random.one_in(3);
  c.default_transport = draw_transport(random, aim);
  for (const char* name : {"t2", "t3"}) c.transports[name] = draw_transport(random, aim);
  if (random.one_in(3)) c.transports["retry"] = draw_transport(random, aim);
  c.habits = draw_habits(random);
  if (aim == Aim::round_robin || random.one_in(5)) draw_round_robin(random, c);
  return c;
}

}  // namespace weir::sim
