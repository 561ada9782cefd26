// parameters: any text as main.cf, evaluated as a daemon does at its start, under each personality.
//
//   evaluate(x) without a fatal  =>  every setting of the brain within the bounds that keep mail moving (sane())
//                                    and every parameter was shown to the witness with the name of the table
//   evaluate(x) twice            =   the same
//   parse_time(text) = t         =>  0 <= t < 2^31
//   parse_feedback(text)         :   a finite value, not negative; malformed => constant 1
//   a brain made from it         :   starts, and its own invariants hold
#include <cmath>
#include <string>

#include "codec/parameters.hpp"
#include "codec/text.hpp"
#include "codec/time_value.hpp"
#include "contract/check.hpp"
#include "engine/engine.hpp"
#include "fuzz/bytes.hpp"
#include "fuzz/target.hpp"

namespace weir::fuzz {
namespace {

constexpr std::int64_t kTimeEnd = std::int64_t{1} << 31;

class Accounts final : public codec::Accounts {
 public:
  [[nodiscard]] std::optional<User> user(const std::string& name) const override {
    if (name == "postfix") return User{name, 100, 100};
    if (name == "nobody") return User{name, 200, 200};
    return std::nullopt;
  }
  [[nodiscard]] std::optional<User> user_with_id(std::uint32_t id) const override {
    return id == 100 ? user("postfix") : id == 200 ? user("nobody") : std::nullopt;
  }
  [[nodiscard]] std::optional<Group> group(const std::string& name) const override {
    return name == "postdrop" ? std::optional<Group>{Group{name, 300}} : std::nullopt;
  }
  [[nodiscard]] std::optional<Group> group_with_id(std::uint32_t id) const override {
    return id == 300 ? group("postdrop") : std::nullopt;
  }
};

struct Evaluated {
  codec::Notes notes;
  codec::ProcessSettings settings;
  Config config;
};

Evaluated evaluate(std::string_view text, const std::string& personality, std::size_t& shown) {
  Evaluated result;
  codec::Surroundings surroundings;
  surroundings.process_name = surroundings.service_name = personality;
  surroundings.process_id = 4711;
  surroundings.host_name = "vm.example";
  surroundings.witness = [&shown](const codec::Settled& settled) {
    ++shown;
    WEIR_CHECK(!settled.name.empty());
  };
  codec::Dictionary dictionary = codec::start_dictionary(surroundings);
  result.notes = codec::read_main_cf(dictionary, "/etc/postfix/main.cf", text);
  codec::set_process_facts(surroundings, dictionary);
  const Accounts accounts;
  if (result.notes.ok()) {
    result.notes.append(codec::evaluate_general(surroundings, accounts, dictionary, result.settings, result.config));
  }
  if (result.notes.ok()) {
    result.notes.append(codec::evaluate_queue_manager(surroundings, dictionary, result.settings, result.config));
  }
  const auto load = [](const std::string&) -> std::optional<std::string> { return std::nullopt; };
  if (result.notes.ok()) result.notes.append(codec::open_domain_lists(load, result.settings));
  if (result.notes.ok()) result.notes.append(codec::repair(result.settings, result.config));
  return result;
}

bool sane(const Feedback& feedback) {
  const bool is_one = feedback.kind == Feedback::Kind::constant && feedback.value == 1.0;
  return std::isfinite(feedback.value) && feedback.value >= 0 && (feedback.well_formed || is_one);
}

bool sane(Seconds time) { return time.count() >= 0 && time.count() < kTimeEnd; }

bool sane(const TransportConfig& t) {
  for (const int number : {t.concurrency_limit, t.recipient_limit, t.failed_cohort_limit, t.slot_cost, t.slot_loan,
                           t.slot_discount, t.minimum_slots, t.recipient_pool, t.extra_recipients}) {
    if (number < 0) return false;
  }
  for (const Seconds time : {t.transport_rate_delay, t.destination_rate_delay, t.refill_delay}) {
    if (!sane(time)) return false;
  }
  return t.initial_concurrency >= 1 && t.refill_limit >= 1 && sane(t.positive_feedback) && sane(t.negative_feedback);
}

bool sane(const Config& config) {
  for (const Seconds time :
       {config.minimal_backoff, config.maximal_backoff, config.maximal_lifetime, config.bounce_lifetime,
        config.queue_run_delay, config.transport_retry_time, config.clog_warn_time}) {
    if (!sane(time)) return false;
  }
  for (const auto& [name, transport] : config.transports) {
    if (name.empty() || !sane(transport)) return false;
  }
  return config.active_limit >= 1 && config.message_recipient_limit >= config.active_limit &&
         config.message_recipient_minimum >= 1 && config.bounce_lifetime <= config.maximal_lifetime &&
         config.queue_run_delay.count() >= 1 && config.minimal_backoff.count() >= 1 && sane(config.default_transport);
}

void check_values(std::string_view text) {
  for (const char unit : {'s', 'm', 'h', 'd', 'w'}) {
    if (const auto time = codec::parse_time(text, unit)) WEIR_CHECK(sane(*time));
  }
  const Feedback feedback = codec::parse_feedback("x", text);
  WEIR_CHECK(sane(feedback) && feedback.parameter == "x");
  const auto number = codec::leading_number(text);
  WEIR_CHECK(number.length <= text.size());
  if (const auto whole = codec::whole_number(text, -5, 5)) WEIR_CHECK(*whole >= -5 && *whole <= 5);
  if (const auto facility = codec::facility_number(text)) WEIR_CHECK(*facility >= 0);
  const auto failure = codec::host_name_failure(text);
  WEIR_CHECK(!failure || !failure->empty());
}

void check_domain_list(std::string_view text) {
  std::vector<std::string> warnings;
  const auto load = [](const std::string&) -> std::optional<std::string> { return "a.example !b.example"; };
  const auto list = codec::DomainList::parse("fast_flush_domains", text, true, load, warnings);
  WEIR_CHECK(!list.empty() || !list.matches("a.example"));
  (void)list.matches(text);
}

}  // namespace

void run(std::string_view input) {
  Bytes bytes(input);
  constexpr const char* kPersonalities[] = {"qmgr", "oqmgr", "nqmgr"};
  const char* personality = kPersonalities[bytes.below(3)];
  const std::string_view text = bytes.rest();
  std::size_t shown = 0, shown_again = 0;
  const Evaluated result = evaluate(text, personality, shown);
  const Evaluated again = evaluate(text, personality, shown_again);
  WEIR_CHECK(result.notes == again.notes && result.config == again.config && shown == shown_again);
  if (result.notes.ok()) {
    WEIR_CHECK(shown > 0 && sane(result.config));
    const auto brain = engine::make_engine(result.config);
    std::vector<Command> commands;
    brain->handle(Time{Micros{1}}, Started{}, commands);
    WEIR_CHECK(!commands.empty() && brain->broken_invariants().empty());
  }
  for (const std::string& line : codec::split_list(text.substr(0, 4096), "\n")) {
    check_values(line);
    check_domain_list(line);
  }
}

}  // namespace weir::fuzz
