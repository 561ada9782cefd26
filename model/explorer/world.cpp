#include "model/explorer/world.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace weir::explorer {
namespace {

using At = World::Mail::At;

// Limits that few messages of few recipients come up against. Nothing expires, nothing is warned of.
Config small_config() {
  Config c;
  c.active_limit = 2;
  c.message_recipient_limit = 4;
  c.message_recipient_minimum = 1;
  c.initial_concurrency = 1;
  c.minimal_backoff = Seconds{4};
  c.maximal_backoff = Seconds{8};
  c.maximal_lifetime = c.bounce_lifetime = Seconds{1'000'000'000};
  c.queue_run_delay = Seconds{4};
  c.transport_retry_time = Seconds{4};
  c.clog_warn_time = Seconds{0};
  c.flow_control = false;
  TransportConfig t;
  t.concurrency_limit = 2;
  t.recipient_limit = 2;
  t.initial_concurrency = 1;
  t.slot_cost = 0;
  t.recipient_pool = 3;
  t.extra_recipients = 1;
  t.refill_limit = 2;
  t.refill_delay = Seconds{4};
  c.default_transport = t;
  return c;
}

World base(const char* name, const char* about) {
  World world;
  world.name = name;
  world.about = about;
  world.config = small_config();
  world.transports = {"t1", "retry"};
  world.outcomes = {Outcome::done, Outcome::site};
  return world;
}

// No message stays in memory for much longer than that; all ages up to there are told apart.
void stop_at(World& world, std::int64_t seconds) {
  world.age_stop = seconds;
  world.age_max = 1000;
}

// Who gets in, who is tried again: incoming against deferred mail, two places in memory.
World intake() {
  World w = base("intake", "incoming against deferred mail, two places in memory");
  w.mail = {{{"r0@d1.t1", "r1@d1.t1", "r2@d1.t1"}, At::start_deferred, false},
            {{"r0@d2.t1"}, At::later, true},
            {{"r0@d1.t1"}, At::later, true}};
  w.outcomes = {Outcome::done, Outcome::defer};
  w.triggers = {"D"};
  return w;
}

// The same with one place, so that new mail finds it taken as long as it likes.
World full() {
  World w = intake();
  w.name = "full";
  w.about = "incoming against deferred mail, one place in memory";
  w.config.active_limit = 1;
  w.may_starve = recipient_bit(0, 0) | recipient_bit(0, 1) | recipient_bit(0, 2);
  w.why = "a full active queue prefers new mail absolutely (spec/intake.md)";
  return w;
}

// The small world of everyday checks: two transports, sites that die, agents that crash, recipients in batches.
World small() {
  World w = base("small", "two transports, sites that die, agents that crash, recipients read in batches");
  w.transports = {"t1", "t2", "retry"};
  w.mail = {{{"r0@d1.t1", "r1@d2.t1", "r2@d1.t2"}, At::start_incoming, false}, {{"r0@d1.t1"}, At::later, true}};
  w.outcomes = {Outcome::done, Outcome::site, Outcome::crash};
  w.may_refuse = {"t1"};
  w.config.active_limit = 1;
  w.config.message_recipient_limit = 2;
  w.config.transports["t1"] = w.config.default_transport;
  w.config.transports["t1"].recipient_pool = 1;
  return w;
}

// Round robin: messages of several destinations, all in memory at once; sites die, waiting entries are moved away.
World turns() {
  World w = base("turns", "round robin: three destinations, two messages of several of them, sites that die");
  w.config.scheduler = Scheduler::round_robin;
  w.config.active_limit = 3;
  w.config.message_recipient_limit = 8;
  w.mail = {{{"r0@d1.t1", "r1@d2.t1", "r2@d1.t1"}, At::start_incoming, false},
            {{"r0@d1.t1", "r1@d3.t1"}, At::later, false}};
  return w;
}

// The same with a small limit: batches of two, and a door that recipients in memory close.
World turns_refill() {
  World w = base("turns-refill", "round robin: lists read two at a time, a resolver that is late, agents that crash");
  w.config.scheduler = Scheduler::round_robin;
  w.config.active_limit = 2;
  w.config.message_recipient_limit = 4;
  w.config.fudge_factor = 50;
  w.mail = {{{"r0@d1.t1", "r1@d2.t1", "r2@d1.t1", "r3@d2.t1"}, At::start_incoming, false},
            {{"r0@d1.t1", "r1@d2.t1"}, At::later, false}};
  w.outcomes = {Outcome::done, Outcome::crash};
  w.late_resolver = true;
  return w;
}

// The habits of the queue manager of 2003, all of them.
World old_habits() {
  World w = small();
  w.name = "old";
  w.about = "as small, with the habits of the queue manager of 2003";
  Habits& h = w.config.habits;
  h.backoff_from_arrival = h.lifetime_from_arrival = h.late_delay_warning = h.no_trace_reports = true;
  h.no_mode_requests = h.late_scan_modifiers = h.double_import = h.single_connection = true;
  h.dead_transport_keeps_mail = h.crash_kills_transport = h.defers_itself = h.whole_steps = true;
  h.late_reads = h.neighbour_bundling = h.silent_double_bounce = h.keep_address_extension = true;
  h.filter_after_resolver = true;
  w.may_starve = recipient_bit(0, 0) | recipient_bit(0, 1) | recipient_bit(0, 2) | recipient_bit(1, 0);
  w.why = "mail waits for a transport that cannot be had (weir_dead_transport_keeps_mail)";
  return w;
}

// Small mail overtakes big mail.
World preemption() {
  World w = base("preemption", "a big message and small ones on one destination, slots and loans");
  w.mail = {{{"r0@d1.t1", "r1@d1.t1", "r2@d1.t1", "r3@d1.t1"}, At::start_incoming, false, true},
            {{"r0@d1.t1"}, At::later, true},
            {{"r0@d1.t1", "r1@d2.t1"}, At::later, false}};
  w.config.active_limit = 3;
  w.config.message_recipient_limit = 8;
  w.config.message_recipient_minimum = 4;
  w.outcomes = {Outcome::done};
  TransportConfig& t = w.config.default_transport;
  t.concurrency_limit = 1;
  t.slot_cost = 2;
  t.slot_loan = 1;
  t.slot_discount = 50;
  t.minimum_slots = 1;
  t.recipient_pool = 4;
  w.config.transports["t1"] = t;
  w.waits_second = true;
  w.waits_deadline = false;
  stop_at(w, 5);
  return w;
}

// The same without an end to age, for the question of starvation.
World overtaking() {
  World w = preemption();
  w.name = "overtaking";
  w.about = "a big message that small ones overtake for ever, if they can";
  w.mail = {{{"r0@d1.t1", "r1@d1.t1", "r2@d1.t1"}, At::start_incoming, false, true},
            {{"r0@d1.t1"}, At::later, true, false},
            {{"r0@d1.t1"}, At::later, true, false}};
  w.age_stop = 0;
  w.age_max = 2;
  return w;
}

// Windows, cohorts, death, revival; transports that die too.
World sites() {
  World w = base("sites", "destinations and transports that die and come back");
  w.transports = {"t1", "t2", "retry"};
  w.mail = {{{"r0@d1.t1", "r1@d1.t2"}, At::start_incoming, false}, {{"r0@d1.t1"}, At::later, true}};
  w.config.active_limit = 2;
  w.outcomes = {Outcome::done, Outcome::site};
  w.may_refuse = {"t1", "retry"};
  w.may_break = {"t2"};
  w.triggers = {"F"};
  TransportConfig& t = w.config.default_transport;
  t.initial_concurrency = 2;
  t.failed_cohort_limit = 1;
  t.negative_feedback.kind = Feedback::Kind::per_concurrency;
  w.config.transports["t1"] = t;
  return w;
}

// Recipients in batches, the resolver answering late.
World refill() {
  World w = base("refill", "recipients read in batches, slots lent between messages, a resolver that is late");
  w.transports = {"t1", "t2", "retry"};
  w.mail = {{{"r0@d1.t1", "r1@d1.t2", "r2@d1.t1", "r3@d2.t1"}, At::start_incoming, true},
            {{"r0@d1.t1"}, At::later, true}};
  w.outcomes = {Outcome::done, Outcome::defer};
  w.late_resolver = true;
  w.config.message_recipient_limit = 1;
  TransportConfig& t = w.config.default_transport;
  t.recipient_pool = 1;
  t.extra_recipients = 2;
  t.refill_limit = 1;
  t.refill_delay = Seconds{2};
  t.slot_cost = 2;
  t.minimum_slots = 1;
  w.config.transports["t1"] = t;
  w.config.transports["t2"] = t;
  stop_at(w, 4);
  return w;
}

// A pause after each delivery, and after each connection.
World rates() {
  World w = base("rates", "rate delays of a destination and of a transport");
  w.transports = {"t1", "t2", "retry"};
  w.mail = {{{"r0@d1.t1", "r1@d1.t2"}, At::start_incoming, false}, {{"r0@d1.t1", "r1@d1.t2"}, At::later, true}};
  w.outcomes = {Outcome::done, Outcome::crash};
  w.may_refuse = {"t2"};
  w.config.transports["t1"] = w.config.transports["t2"] = w.config.default_transport;
  w.config.transports["t1"].destination_rate_delay = Seconds{2};
  w.config.transports["t2"].transport_rate_delay = Seconds{2};
  w.config.default_transport.recipient_limit = 1;
  return w;
}

// What comes after the last delivery: bounces, own deferrals, expiry, services that are late or refuse.
World services() {
  World w = base("services", "bounces, deferrals of the queue manager's own, expiry, services that refuse");
  w.mail = {{{"r0@d1.t1", "r1@d2.t1"}, At::start_incoming, true}, {{"r0@d1.t1"}, At::later, true}};
  w.config.maximal_lifetime = w.config.bounce_lifetime = Seconds{12};
  w.outcomes = {Outcome::done, Outcome::bounce, Outcome::defer};
  w.may_refuse = {"t1", "retry"};
  w.late_services = w.services_fail = true;
  return w;
}

// Three messages, two transports of two destinations, preemption, batches, dying sites: a bit of everything.
World large() {
  World w = base("large", "three messages, two transports of two destinations each, everything at once");
  w.transports = {"t1", "t2", "retry"};
  w.mail = {{{"r0@d1.t1", "r1@d2.t1", "r2@d1.t2"}, At::start_incoming, false},
            {{"r0@d2.t2"}, At::later, true},
            {{"r0@d1.t1"}, At::later, false}};
  w.config.active_limit = 2;
  w.outcomes = {Outcome::done, Outcome::site};
  TransportConfig& t = w.config.default_transport;
  t.slot_cost = 2;
  t.minimum_slots = 1;
  t.slot_loan = 1;
  t.recipient_limit = 1;
  t.recipient_pool = 1;
  w.config.transports["t1"] = t;
  w.config.transports["t2"] = t;
  w.config.transports["t2"].slot_cost = 0;
  w.config.transports["t2"].recipient_limit = 2;
  stop_at(w, 8);
  return w;
}

std::vector<World> all_worlds() {
  return {small(), intake(),   full(),  preemption(),   overtaking(), sites(), refill(),
          rates(), services(), turns(), turns_refill(), old_habits(), large()};
}

}  // namespace

bool World::exact() const {
  const auto preempts = [](const TransportConfig& t) { return t.slot_cost >= 2; };
  return age_stop > 0 ||
         (!preempts(config.default_transport) && std::none_of(config.transports.begin(), config.transports.end(),
                                                              [&](const auto& each) { return preempts(each.second); }));
}

Envelope World::envelope(std::size_t message) const {
  Envelope envelope;
  envelope.sender = "s" + std::to_string(message) + "@example";
  if (mail.at(message).verp) envelope.verp_delimiters = "+=";
  envelope.data_size = envelope.content_length = 100;
  return envelope;
}

Recipient World::recipient(std::size_t message, std::size_t index) const {
  return {.offset = static_cast<std::int64_t>(index),
          .address = mail.at(message).addresses.at(index),
          .original = "",
          .dsn_orcpt = "",
          .notify = 0};
}

std::size_t World::transport_index(std::string_view transport) const {
  const auto found = std::find(transports.begin(), transports.end(), transport);
  return found == transports.end() ? kTransports : static_cast<std::size_t>(found - transports.begin());
}

const std::vector<World>& worlds() {
  static const std::vector<World> kWorlds = all_worlds();
  return kWorlds;
}

const World* find_world(std::string_view name) {
  const auto found = std::find_if(worlds().begin(), worlds().end(), [&](const World& w) { return w.name == name; });
  return found == worlds().end() ? nullptr : &*found;
}

std::string queue_id(std::size_t message) { return "M" + std::to_string(message); }

std::size_t message_of(std::string_view queue_id) {
  std::size_t message = kMessages;
  if (!queue_id.empty()) std::from_chars(queue_id.data() + 1, queue_id.data() + queue_id.size(), message);
  return message;
}

}  // namespace weir::explorer
