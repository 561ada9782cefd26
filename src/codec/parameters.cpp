#include "codec/parameters.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "codec/text.hpp"
#include "codec/time_value.hpp"
#include "contract/parameter.hpp"

namespace weir::codec {

namespace {

using Stage = Parameter::Stage;
using Type = Parameter::Type;

[[nodiscard]] std::int64_t least(Type type) {
  return type == Type::long_integer ? std::numeric_limits<std::int64_t>::min()
                                    : std::numeric_limits<std::int32_t>::min();
}

[[nodiscard]] std::int64_t most(Type type) {
  return type == Type::long_integer ? std::numeric_limits<std::int64_t>::max()
                                    : std::numeric_limits<std::int32_t>::max();
}

// The warning for a value that Weir does not take although it goes on.
[[nodiscard]] std::string ignoring(std::string_view name, std::string_view text, std::string_view why,
                                   std::string_view instead) {
  std::string warning = "ignoring ";
  warning.append(name).append(" = ").append(text).append(": ").append(why).append("; using ").append(instead);
  return warning;
}

[[nodiscard]] std::uint8_t program_of(std::string_view personality) {
  return personality == "oqmgr" ? parameter_table::kOqmgr : parameter_table::kQmgr;
}

// Which queue manager a program of this name is.
[[nodiscard]] std::string personality_of(const std::string& process_name) {
  return process_name == "oqmgr" || process_name == "nqmgr" ? process_name : "qmgr";
}

[[nodiscard]] std::string file_prefix(const Surroundings& surroundings) {
  return "file " + surroundings.config_directory + "/main.cf: ";
}

// Evaluates rows of the table and keeps their values by name.
class Evaluator {
 public:
  Evaluator(Dictionary& dictionary, std::uint8_t program, Notes& notes, const Witness& witness)
      : dictionary_(dictionary), program_(program), notes_(notes), witness_(witness) {}

  // As the queue manager of 2003: with its defaults; with its set of parameters only.
  void be_old(bool defaults, bool parameters) {
    old_defaults_ = defaults;
    old_parameters_ = parameters;
  }

  // All rows of one stage, until one is fatal.
  void run(Stage stage) {
    for (const Parameter& row : kParameters) {
      if (row.stage == stage && (row.programs & program_) != 0 && notes_.ok()) evaluate(row);
    }
  }

  [[nodiscard]] const std::string& text(std::string_view name) const { return value(name).text; }
  [[nodiscard]] std::vector<std::string> list(std::string_view name) const { return split_list(value(name).text); }
  [[nodiscard]] int number(std::string_view name) const { return static_cast<int>(value(name).number); }
  [[nodiscard]] Seconds time(std::string_view name) const { return Seconds{value(name).number}; }
  [[nodiscard]] bool flag(std::string_view name) const { return value(name).number != 0; }

  // The text of a value, or of its default, which becomes the value; nothing after an error.
  [[nodiscard]] std::optional<std::string> evaluate_text(std::string_view name, std::string_view default_text) {
    dictionary_.set_default(name, default_text);
    return expand(dictionary_, *dictionary_.find(name), notes_);
  }

  void settled(std::string_view name, std::string_view text, std::string_view default_text,
               std::string_view why = {}) const {
    if (witness_) witness_({name, text, default_text, why});
  }

  void check_length(std::string_view name, const std::string& text, std::int64_t min, std::int64_t max) {
    const auto length = static_cast<std::int64_t>(text.size());
    const bool short_text = min > 0 && length < min;
    const bool long_text = max > 0 && length > max;
    if (!short_text && !long_text) return;
    notes_.fatal = "bad string length " + std::to_string(length) + (short_text ? " < " : " > ") +
                   std::to_string(short_text ? min : max) + ": " + std::string(name) + " = " + text;
  }

 private:
  struct Value {
    std::string text;
    std::int64_t number = 0;    // seconds of a time, 0 or 1 of a boolean
    std::string_view why = {};  // not empty: what was set is not taken
  };

  [[nodiscard]] const Value& value(std::string_view name) const {
    static const Value kNone;
    const auto found = values_.find(name);
    return found == values_.end() ? kNone : found->second;
  }

  [[nodiscard]] std::string_view default_of(const Parameter& row) const {
    const OldParameter* const old = row.stage == Stage::own && old_defaults_ ? find_old_parameter(row.name) : nullptr;
    return old != nullptr && !old->default_text.empty() ? old->default_text : row.default_text;
  }

  [[nodiscard]] bool is_unknown(const Parameter& row) const {
    return row.stage == Stage::own && old_parameters_ && find_old_parameter(row.name) == nullptr;
  }

  // What stands in main.cf under a name that is not known is not looked at.
  [[nodiscard]] std::optional<std::string> text_of(const Parameter& row) {
    if (is_unknown(row)) return expand(dictionary_, std::string(row.default_text), notes_);
    return evaluate_text(row.name, default_of(row));
  }

  void evaluate(const Parameter& row) {
    const std::optional<std::string> text = text_of(row);
    if (!text) return;
    Value value{*text, 0};
    if (is_unknown(row)) value.why = "a name that is not known with weir_old_parameters";
    switch (row.type) {
      case Type::string: check_length(row.name, *text, row.min, row.max); break;
      case Type::boolean: read_boolean(row, value); break;
      case Type::time: read_time(row, value); break;
      case Type::integer:
      case Type::long_integer: read_integer(row, value); break;
    }
    if (notes_.ok()) settled(row.name, value.text, default_of(row), value.why);
    values_[row.name] = std::move(value);
  }

  void read_boolean(const Parameter& row, Value& value) {
    value.number = equal_ignoring_case(value.text, "yes") ? 1 : 0;
    if (value.number == 1 || equal_ignoring_case(value.text, "no")) return;
    notes_.fatal = "bad boolean configuration: " + std::string(row.name) + " = " + value.text;
  }

  void read_time(const Parameter& row, Value& value) {
    const std::string name(row.name);
    const std::optional<Seconds> time = parse_time(value.text, row.bare_unit());
    if (!time) {
      notes_.fatal = "parameter " + name + ": bad time value or unit: " + value.text;
      return;
    }
    value.number = time->count();
    const std::string what = "invalid " + name + ": " + std::to_string(value.number);
    if (row.min > 0 && value.number < row.min) notes_.fatal = what + " (min " + std::to_string(row.min) + ")";
    if (row.max > 0 && value.number > row.max) notes_.fatal = what + " (max " + std::to_string(row.max) + ")";
  }

  void read_integer(const Parameter& row, Value& value) {
    const std::string name(row.name);
    const std::optional<std::int64_t> number = whole_number(value.text, least(row.type), most(row.type));
    if (!number) {
      notes_.fatal = "bad numerical configuration: " + name + " = " + value.text;
      return;
    }
    value.number = *number;
    const std::string what = "invalid " + name + " parameter value " + std::to_string(value.number);
    if (row.min > 0 && value.number < row.min) notes_.fatal = what + " < " + std::to_string(row.min);
    if (row.max > 0 && value.number > row.max) notes_.fatal = what + " > " + std::to_string(row.max);
    if (row.sign == Parameter::Sign::not_negative && value.number < 0) {
      notes_.warn(ignoring(name, value.text, "a negative number", row.default_text));
      value.number = whole_number(row.default_text, 0, most(row.type)).value_or(0);
      value.text = row.default_text;
      value.why = "a negative number";
    }
  }

  Dictionary& dictionary_;
  std::uint8_t program_;
  Notes& notes_;
  bool old_defaults_ = false, old_parameters_ = false;
  const Witness& witness_;
  std::map<std::string_view, Value> values_;  // keys point into the table
};

// General parameters ---------------------------------------------------------------------------------------------

struct Facility {
  std::string_view name;
  int number;
};

constexpr int kFacilityShift = 3;
constexpr auto kFacilities = std::to_array<Facility>({
    {"auth", 4},    {"authpriv", 10}, {"cron", 9},     {"daemon", 3},  {"ftp", 11},    {"kern", 0},    {"lpr", 6},
    {"mail", 2},    {"news", 7},      {"security", 4}, {"syslog", 5},  {"user", 1},    {"uucp", 8},    {"local0", 16},
    {"local1", 17}, {"local2", 18},   {"local3", 19},  {"local4", 20}, {"local5", 21}, {"local6", 22}, {"local7", 23},
});

// The first word of the text that is not one of `known`.
[[nodiscard]] std::optional<std::string> unknown_word(std::string_view text,
                                                      const std::vector<std::string_view>& known) {
  for (std::string& word : split_list(text)) {
    if (std::find(known.begin(), known.end(), word) == known.end()) return std::move(word);
  }
  return std::nullopt;
}

void check_words(std::string_view what, const std::string& text, const std::vector<std::string_view>& known,
                 Notes& notes) {
  if (!notes.ok()) return;
  const std::optional<std::string> word = unknown_word(text, known);
  if (!word) return;
  notes.fatal = "unknown " + std::string(what) + " value \"" + *word + "\" in \"" + text + "\"";
}

void check_host_name(const Surroundings& surroundings, std::string_view parameter, const std::string& name,
                     Notes& notes) {
  if (!notes.ok()) return;
  const std::optional<std::string> failure = host_name_failure(name);
  if (!failure) return;
  notes.warn("valid_hostname: " + *failure);
  notes.fatal = file_prefix(surroundings) + "parameter " + std::string(parameter) + ": bad parameter value: " + name;
}

constexpr std::string_view kDefaultDomain = "localdomain";

// The host's own name, completed with the domain if it is a short one.
[[nodiscard]] std::optional<std::string> default_host_name(const Surroundings& surroundings,
                                                           const Dictionary& dictionary, Notes& notes) {
  if (surroundings.host_name.find('.') != std::string::npos) return surroundings.host_name;
  const std::string* set_domain = dictionary.find("mydomain");
  const std::optional<std::string> domain =
      set_domain == nullptr ? std::string(kDefaultDomain) : expand(dictionary, *set_domain, notes);
  if (!domain) return std::nullopt;
  return surroundings.host_name + "." + *domain;
}

[[nodiscard]] std::string default_domain(const std::string& host_name) {
  const std::size_t dot = host_name.find('.');
  return dot == std::string::npos ? std::string(kDefaultDomain) : host_name.substr(dot + 1);
}

// myhostname and mydomain; gives the first.
[[nodiscard]] std::string evaluate_names(const Surroundings& surroundings, Evaluator& evaluator,
                                         const Dictionary& dictionary, Notes& notes) {
  if (!notes.ok()) return {};
  std::optional<std::string> host = std::string();
  if (dictionary.find("myhostname") == nullptr) host = default_host_name(surroundings, dictionary, notes);
  if (host) host = evaluator.evaluate_text("myhostname", *host);
  if (!host) return {};
  evaluator.check_length("myhostname", *host, 1, 0);
  if (!notes.ok()) return {};
  const std::optional<std::string> domain = evaluator.evaluate_text("mydomain", default_domain(*host));
  if (!domain) return {};
  evaluator.check_length("mydomain", *domain, 1, 0);
  check_host_name(surroundings, "myhostname", *host, notes);
  check_host_name(surroundings, "mydomain", *domain, notes);
  if (notes.ok()) {
    evaluator.settled("myhostname", *host, "");  // the defaults are the host's
    evaluator.settled("mydomain", *domain, "");
  }
  return *host;
}

// The accounts, each for itself and then against each other; gives the fatal text.
class AccountCheck {
 public:
  AccountCheck(const Accounts& accounts, std::string prefix) : accounts_(accounts), prefix_(std::move(prefix)) {}

  [[nodiscard]] std::optional<std::string> run(ProcessSettings& settings) const {
    std::string failure;
    const std::optional<Accounts::User> privs = user("default_privs", settings.default_privs, false, failure);
    if (!privs) return failure;
    const std::optional<Accounts::User> owner = user("mail_owner", settings.mail_owner, true, failure);
    if (!owner) return failure;
    const std::optional<Accounts::Group> drop = group(settings.setgid_group, failure);
    if (!drop) return failure;
    settings.owner_user_id = owner->user_id;
    settings.owner_group_id = owner->group_id;
    return conflict(settings, *privs, *owner, *drop);
  }

 private:
  [[nodiscard]] std::optional<Accounts::User> user(const std::string& parameter, const std::string& name, bool alone,
                                                   std::string& failure) const {
    const std::string head = prefix_ + "parameter " + parameter + ": ";
    std::optional<Accounts::User> found = accounts_.user(name);
    if (!found) {
      failure = head + "unknown user name value: " + name;
      return std::nullopt;
    }
    if (found->user_id == 0) failure = head + "user " + name + " has privileged user ID";
    if (failure.empty() && found->group_id == 0) failure = head + "user " + name + " has privileged group ID";
    if (failure.empty() && alone) {
      const std::optional<Accounts::User> first = accounts_.user_with_id(found->user_id);
      if (first && first->name != name) failure = head + "user " + name + " has same user ID as " + first->name;
    }
    return failure.empty() ? found : std::nullopt;
  }

  [[nodiscard]] std::optional<Accounts::Group> group(const std::string& name, std::string& failure) const {
    const std::string head = prefix_ + "parameter setgid_group: ";
    std::optional<Accounts::Group> found = accounts_.group(name);
    if (!found) {
      failure = head + "unknown group name: " + name;
      return std::nullopt;
    }
    if (found->group_id == 0) {
      failure = head + "group " + name + " has privileged group ID";
    } else {
      const std::optional<Accounts::Group> first = accounts_.group_with_id(found->group_id);
      if (first && first->name != name) failure = head + "group " + name + " has same group ID as " + first->name;
    }
    return failure.empty() ? found : std::nullopt;
  }

  [[nodiscard]] std::optional<std::string> conflict(const ProcessSettings& settings, const Accounts::User& privs,
                                                    const Accounts::User& owner, const Accounts::Group& drop) const {
    const std::string both_users = prefix_ + "parameters default_privs and mail_owner";
    const std::string users = ": users " + settings.default_privs + " and " + settings.mail_owner;
    if (settings.default_privs == settings.mail_owner) {
      return both_users + " specify the same user " + settings.mail_owner;
    }
    if (privs.user_id == owner.user_id) {
      return both_users + users + " have the same user ID: " + std::to_string(owner.user_id);
    }
    if (privs.group_id == owner.group_id) {
      return both_users + users + " have the same group ID: " + std::to_string(owner.group_id);
    }
    for (const bool first : {true, false}) {
      if ((first ? privs : owner).group_id != drop.group_id) continue;
      return prefix_ + "parameters " + (first ? "default_privs" : "mail_owner") + " and setgid_group: user " +
             (first ? settings.default_privs : settings.mail_owner) + " and group " + settings.setgid_group +
             " have the same group ID: " + std::to_string(drop.group_id);
    }
    return std::nullopt;
  }

  const Accounts& accounts_;
  std::string prefix_;
};

void check_verp(const std::string& prefix, const std::string& delimiters, const std::string& filter, Notes& notes) {
  for (std::size_t i = 0; i < 2 && i < delimiters.size() && notes.ok(); ++i) {
    if (filter.find(delimiters[i]) != std::string::npos) continue;
    notes.fatal = prefix + "parameters default_verp_delimiters and verp_delimiter_filter: bad " +
                  (i == 0 ? "first" : "second") + " VERP delimiter character";
  }
}

void check_maillog_file(const ProcessSettings& settings, Notes& notes) {
  const std::string& file = settings.maillog_file;
  if (!notes.ok() || file.empty()) return;
  const auto begins_file = [&file](const std::string& prefix) { return file.compare(0, prefix.size(), prefix) == 0; };
  const auto& prefixes = settings.maillog_file_prefixes;
  if (std::any_of(prefixes.begin(), prefixes.end(), begins_file)) return;
  notes.fatal = "maillog_file value '" + file + "' does not match any prefix in maillog_file_prefixes";
}

void fill_logging(const Evaluator& values, ProcessSettings& settings) {
  settings.syslog_facility = values.text("syslog_facility");
  settings.multi_instance_name = values.text("multi_instance_name");
  settings.maillog_file = values.text("maillog_file");
  settings.maillog_file_prefixes = values.list("maillog_file_prefixes");
  settings.postlog_service_name = values.text("postlog_service_name");
}

void fill_general(const Evaluator& values, ProcessSettings& settings, Config& config) {
  settings.smtputf8_enable = values.flag("smtputf8_enable");
  settings.syslog_name = values.text("syslog_name");
  settings.mail_owner = values.text("mail_owner");
  settings.setgid_group = values.text("setgid_group");
  settings.default_privs = values.text("default_privs");
  settings.queue_directory = values.text("queue_directory");
  settings.data_directory = values.text("data_directory");
  settings.daemon_directory = values.text("daemon_directory");
  settings.rewrite_service_name = values.text("rewrite_service_name");
  settings.bounce_service_name = values.text("bounce_service_name");
  settings.defer_service_name = values.text("defer_service_name");
  settings.trace_service_name = values.text("trace_service_name");
  settings.verify_service_name = values.text("address_verify_service_name");
  settings.flush_service_name = values.text("flush_service_name");
  settings.hash_queue_names = values.list("hash_queue_names");
  settings.hash_queue_depth = values.number("hash_queue_depth");
  settings.dont_remove = values.number("dont_remove") != 0;
  settings.daemon_timeout = values.time("daemon_timeout");
  settings.ipc_idle = values.time("ipc_idle");
  settings.ipc_ttl = values.time("ipc_ttl");
  settings.in_flow_delay = values.time("in_flow_delay");
  settings.default_process_limit = values.number("default_process_limit");
  settings.info_log_address_format = values.text("info_log_address_format");
  settings.delay_logging_resolution_limit = values.number("delay_logging_resolution_limit");
  settings.verp_delimiter_filter = values.text("verp_delimiter_filter");
  settings.fast_flush_text = values.text("fast_flush_domains");

  config.flow_control = settings.in_flow_delay > Seconds{0};
  config.recipient_delimiter = values.text("recipient_delimiter");
  config.owner_request_special = values.flag("owner_request_special");
  config.double_bounce_sender = values.text("double_bounce_sender");
  config.helpful_warnings = values.flag("helpful_warnings");
  config.verify_negative_cache = values.flag("address_verify_negative_cache");

  const std::vector<std::string> parents = values.list("parent_domain_matches_subdomains");
  settings.parents_match_in_fast_flush = std::any_of(parents.begin(), parents.end(), [](const std::string& feature) {
    return equal_ignoring_case(feature, "fast_flush_domains");
  });
}

constexpr long kLevelTwo = 2L << 20;  // as parse_compatibility_level gives "2"

}  // namespace

Dictionary start_dictionary(const Surroundings& surroundings) {
  Dictionary dictionary;
  dictionary.set("config_directory", surroundings.config_directory);
  //= R-PAR-081
  dictionary.set("process_name", surroundings.process_name);
  return dictionary;
}

void set_process_facts(const Surroundings& surroundings, Dictionary& dictionary) {
  //= R-PAR-080
  dictionary.set("process_id", std::to_string(surroundings.process_id));
  //= R-PAR-086
  dictionary.set("service_name", surroundings.service_name);
}

Notes evaluate_general(const Surroundings& surroundings, const Accounts& accounts, Dictionary& dictionary,
                       ProcessSettings& settings, Config& config) {
  Notes notes;
  Evaluator values(dictionary, program_of(personality_of(surroundings.process_name)), notes, surroundings.witness);
  settings.config_directory = surroundings.config_directory;

  values.run(Stage::compatibility);
  if (!notes.ok()) return notes;
  settings.compatibility_level = values.text("compatibility_level");
  const std::optional<long> level = parse_compatibility_level(settings.compatibility_level);
  if (!level) {
    notes.fatal = "malformed compatibility level syntax: \"" + settings.compatibility_level + "\"";
    return notes;
  }
  settings.fast_flush_default_note = *level < kLevelTwo && dictionary.find("relay_domains") == nullptr &&
                                     dictionary.find("fast_flush_domains") == nullptr;

  values.run(Stage::preset);
  if (!notes.ok()) return notes;
  fill_logging(values, settings);
  const std::string prefix = file_prefix(surroundings);
  if (!facility_number(settings.syslog_facility)) {
    notes.fatal = prefix + "parameter syslog_facility: unrecognized value: " + settings.syslog_facility;
    return notes;
  }
  values.run(Stage::preset_flags);
  check_words("inet_protocols", values.text("inet_protocols"), {"all", "ipv4", "ipv6"}, notes);
  settings.myhostname = evaluate_names(surroundings, values, dictionary, notes);
  config.myhostname = settings.myhostname;

  values.run(Stage::general);
  if (!notes.ok()) return notes;
  fill_general(values, settings, config);
  notes.fatal = AccountCheck(accounts, prefix).run(settings);
  if (!notes.ok()) return notes;

  const bool networks_are_set = dictionary.find("mynetworks") != nullptr;
  if (!networks_are_set) {
    check_words("mynetworks mask style", values.text("mynetworks_style"), {"class", "subnet", "host"}, notes);
  }
  values.run(Stage::networks);
  if (!notes.ok()) return notes;

  if (equal_ignoring_case(settings.myhostname, values.text("relayhost"))) {
    notes.fatal = "myhostname and relayhost parameter settings must not be identical: " + settings.myhostname;
    return notes;
  }
  const std::string& origin = values.text("myorigin");
  if (origin.find_first_of(kListSeparators) != std::string::npos) {
    notes.fatal = "myorigin parameter setting must not contain multiple values: " + origin;
    return notes;
  }
  check_verp(prefix, values.text("default_verp_delimiters"), settings.verp_delimiter_filter, notes);
  check_maillog_file(settings, notes);
  if (const std::string* command = dictionary.find("debugger_command"); command != nullptr && notes.ok()) {
    settings.debugger_command = expand(dictionary, *command, notes).value_or("");
  }
  return notes;
}

// The queue manager's own parameters -----------------------------------------------------------------------------

namespace {

[[nodiscard]] TransportConfig default_transport(const Evaluator& values) {
  TransportConfig transport;
  const auto feedback = [&values](std::string_view name) { return parse_feedback(name, values.text(name)); };
  transport.concurrency_limit = values.number("default_destination_concurrency_limit");
  transport.recipient_limit = values.number("default_destination_recipient_limit");
  transport.initial_concurrency = values.number("initial_destination_concurrency");
  transport.positive_feedback = feedback("default_destination_concurrency_positive_feedback");
  transport.negative_feedback = feedback("default_destination_concurrency_negative_feedback");
  transport.failed_cohort_limit = values.number("default_destination_concurrency_failed_cohort_limit");
  transport.transport_rate_delay = values.time("default_transport_rate_delay");
  transport.destination_rate_delay = values.time("default_destination_rate_delay");
  return transport;
}

// Preemption and refill, which oqmgr does not have.
void add_slots(const Evaluator& values, TransportConfig& transport) {
  transport.slot_cost = values.number("default_delivery_slot_cost");
  transport.slot_loan = values.number("default_delivery_slot_loan");
  transport.slot_discount = values.number("default_delivery_slot_discount");
  transport.minimum_slots = values.number("default_minimum_delivery_slots");
  transport.recipient_pool = values.number("default_recipient_limit");
  transport.extra_recipients = values.number("default_extra_recipient_limit");
  transport.refill_limit = values.number("default_recipient_refill_limit");
  transport.refill_delay = values.time("default_recipient_refill_delay");
}

// Reads the settings of single transports. A bad one is no reason to stop.
class TransportReader {
 public:
  // `old`: only the forms that the queue manager of 2003 knew.
  TransportReader(const Dictionary& dictionary, std::uint8_t program, bool old, Notes& notes, const Witness& witness)
      : dictionary_(dictionary), program_(program), old_(old), notes_(notes), witness_(witness) {}

  // Those that differ from the defaults, by name.
  [[nodiscard]] std::map<std::string, TransportConfig> all(const TransportConfig& defaults, const Evaluator& own) {
    std::map<std::string, TransportConfig> transports;
    for (const std::string& name : names()) {
      TransportConfig transport = read(name, defaults);
      if (name == "local") {  // these two are parameters with checks and built-in values of their own
        transport.concurrency_limit = own.number("local_destination_concurrency_limit");
        transport.recipient_limit = own.number("local_destination_recipient_limit");
      }
      if (transport != defaults) transports.emplace(name, std::move(transport));
    }
    return transports;
  }

 private:
  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& [key, value] : dictionary_.entries()) {
      for (const Parameter& row : kParameters) {
        if (!is_read(row) || key.size() <= row.suffix.size()) continue;
        const std::size_t length = key.size() - row.suffix.size();
        if (std::string_view(key).substr(length) == row.suffix) found.insert(key.substr(0, length));
      }
    }
    return found;
  }

  [[nodiscard]] bool is_read(const Parameter& row) const {
    if (row.suffix.empty() || (row.programs & program_) == 0) return false;
    const OldParameter* const old = find_old_parameter(row.name);
    return !old_ || (old != nullptr && old->per_transport);
  }

  [[nodiscard]] TransportConfig read(const std::string& name, const TransportConfig& defaults) {
    TransportConfig transport = defaults;
    const auto integer = [&](std::string_view parameter, int& field) {
      read_integer(name, *find_parameter(parameter), field);
    };
    const auto time = [&](std::string_view parameter, Seconds& field) {
      read_time(name, *find_parameter(parameter), field);
    };
    const auto feedback = [&](std::string_view parameter, Feedback& field) {
      read_feedback(name, *find_parameter(parameter), field);
    };
    integer("default_destination_concurrency_limit", transport.concurrency_limit);
    integer("default_destination_recipient_limit", transport.recipient_limit);
    integer("initial_destination_concurrency", transport.initial_concurrency);
    feedback("default_destination_concurrency_positive_feedback", transport.positive_feedback);
    feedback("default_destination_concurrency_negative_feedback", transport.negative_feedback);
    integer("default_destination_concurrency_failed_cohort_limit", transport.failed_cohort_limit);
    time("default_transport_rate_delay", transport.transport_rate_delay);
    time("default_destination_rate_delay", transport.destination_rate_delay);
    integer("default_delivery_slot_cost", transport.slot_cost);
    integer("default_delivery_slot_loan", transport.slot_loan);
    integer("default_delivery_slot_discount", transport.slot_discount);
    integer("default_minimum_delivery_slots", transport.minimum_slots);
    integer("default_recipient_limit", transport.recipient_pool);
    integer("default_extra_recipient_limit", transport.extra_recipients);
    integer("default_recipient_refill_limit", transport.refill_limit);
    time("default_recipient_refill_delay", transport.refill_delay);
    return transport;
  }

  // The expanded text of the transport's own setting, if there is one and it has not been complained about.
  [[nodiscard]] std::optional<std::string> own_text(const std::string& key, const Parameter& row,
                                                    std::string_view instead) {
    const std::string* raw = dictionary_.find(key);
    if (raw == nullptr || !is_read(row)) return std::nullopt;
    if (find_parameter(key) != nullptr) return std::nullopt;  // a global one that only looks like it
    Notes notes;
    std::optional<std::string> text = expand(dictionary_, *raw, notes);
    if (!text) {
      if (ignored_.count(key) == 0) notes_.append({std::move(notes.warnings), std::nullopt});
      ignore(key, *raw, "it cannot be expanded", instead);
    }
    return text;
  }

  void read_integer(const std::string& name, const Parameter& row, int& field) {
    const std::string key = name + std::string(row.suffix);
    const std::string instead = std::to_string(field);
    const std::optional<std::string> text = own_text(key, row, instead);
    if (!text) return;
    const std::optional<std::int64_t> number = whole_number(*text, least(row.type), most(row.type));
    if (!number) return ignore(key, *text, "not a number", instead);
    if (*number < 0) return ignore(key, *text, "a negative number", instead);
    if (*number < row.min) return ignore(key, *text, "below " + std::to_string(row.min), instead);
    if (row.max > 0 && *number > row.max) return ignore(key, *text, "above " + std::to_string(row.max), instead);
    field = static_cast<int>(*number);
  }

  void read_time(const std::string& name, const Parameter& row, Seconds& field) {
    const std::string key = name + std::string(row.suffix);
    const std::string instead = std::to_string(field.count()) + "s";
    const std::optional<std::string> text = own_text(key, row, instead);
    if (!text) return;
    const std::optional<Seconds> time = parse_time(*text, row.bare_unit());
    if (!time) return ignore(key, *text, "bad time value or unit", instead);
    if (time->count() < row.min) return ignore(key, *text, "below " + std::to_string(row.min) + "s", instead);
    field = *time;
  }

  void read_feedback(const std::string& name, const Parameter& row, Feedback& field) {
    const std::string key = name + std::string(row.suffix);
    const std::optional<std::string> text = own_text(key, row, field.text);
    if (!text) return;
    if (text->empty()) return ignore(key, *text, "an empty value", field.text);
    if (*text != field.text) field = parse_feedback(key, *text);
  }

  // Once for each name: a setting can belong to two transports, as X_extra + _recipient_limit shows.
  void ignore(const std::string& key, std::string_view text, std::string_view why, std::string_view instead) {
    if (!ignored_.insert(key).second) return;
    notes_.warn(ignoring(key, text, why, instead));
    if (witness_) witness_({key, instead, instead, why});
  }

  const Dictionary& dictionary_;
  std::uint8_t program_;
  bool old_;
  Notes& notes_;
  const Witness& witness_;
  std::set<std::string> ignored_;
};

std::optional<std::int64_t> any_number(std::string_view text) {
  return whole_number(text, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
}

struct HabitParameter {
  std::string_view name;
  bool Habits::*habit;
};
constexpr auto kHabits = std::to_array<HabitParameter>({
    {"weir_backoff_from_arrival", &Habits::backoff_from_arrival},
    {"weir_lifetime_from_arrival", &Habits::lifetime_from_arrival},
    {"weir_late_delay_warning", &Habits::late_delay_warning},
    {"weir_no_trace_reports", &Habits::no_trace_reports},
    {"weir_no_mode_requests", &Habits::no_mode_requests},
    {"weir_late_scan_modifiers", &Habits::late_scan_modifiers},
    {"weir_double_import", &Habits::double_import},
    {"weir_single_connection", &Habits::single_connection},
    {"weir_dead_transport_keeps_mail", &Habits::dead_transport_keeps_mail},
    {"weir_crash_kills_transport", &Habits::crash_kills_transport},
    {"weir_defers_itself", &Habits::defers_itself},
    {"weir_whole_steps", &Habits::whole_steps},
    {"weir_late_reads", &Habits::late_reads},
    {"weir_neighbour_bundling", &Habits::neighbour_bundling},
    {"weir_silent_double_bounce", &Habits::silent_double_bounce},
    {"weir_keep_address_extension", &Habits::keep_address_extension},
    {"weir_filter_after_resolver", &Habits::filter_after_resolver},
});

// What is wrong with the text of one of Weir's own parameters; empty: nothing.
std::string weir_failure(const WeirParameter& row, const std::string& text) {
  const std::string name{row.name};
  switch (row.kind) {
    case WeirParameter::Kind::word: {
      const std::vector<std::string> known = split_list(row.words);
      const bool good = std::find(known.begin(), known.end(), text) != known.end();
      return good ? "" : "parameter " + name + ": unrecognized value: " + text;
    }
    case WeirParameter::Kind::number: {
      const std::optional<std::int64_t> number = any_number(text);
      if (!number) return "bad numerical configuration: " + name + " = " + text;
      if (*number >= row.min) return "";
      return "invalid " + name + " parameter value " + text + " < " + std::to_string(row.min);
    }
    case WeirParameter::Kind::flag: {
      const bool good = equal_ignoring_case(text, "yes") || equal_ignoring_case(text, "no");
      return good ? "" : "bad boolean configuration: " + name + " = " + text;
    }
    case WeirParameter::Kind::text: return "";
  }
  return "";
}

void take_weir(std::string_view name, const std::string& text, ProcessSettings& settings, Config& config) {
  const bool yes = equal_ignoring_case(text, "yes");
  for (const HabitParameter& row : kHabits) {
    if (row.name == name) config.habits.*row.habit = yes;
  }
  if (name == "weir_single_lifetime") settings.weir_single_lifetime = yes;
  if (name == "weir_silent_removal") settings.weir_silent_removal = yes;
  if (name == "weir_old_texts") settings.weir_old_texts = yes;
  if (name == "weir_old_defaults") settings.weir_old_defaults = yes;
  if (name == "weir_old_parameters") settings.weir_old_parameters = yes;
  if (name == "weir_personality") settings.weir_personality = text;
  if (name == "weir_brain") settings.weir_brain = text;
  if (name == "weir_trace") settings.weir_trace = text;
  if (name == "weir_trace_limit") settings.weir_trace_limit = any_number(text).value_or(0);
  if (name == "weir_trace_addresses") settings.weir_trace_hashed = text == "hashed";
}

// Weir's own parameters. A name that nobody knows is told of.
void evaluate_weir(const Surroundings& surroundings, Dictionary& dictionary, ProcessSettings& settings, Config& config,
                   Notes& notes) {
  Evaluator values(dictionary, parameter_table::kBoth, notes, surroundings.witness);
  for (const auto& [key, value] : dictionary.entries()) {
    const auto is_key = [&name = key](const WeirParameter& row) { return row.name == name; };
    const bool known = std::any_of(kWeirParameters.begin(), kWeirParameters.end(), is_key);
    if (key.compare(0, 5, "weir_") == 0 && !known) notes.warn("unknown parameter " + key + " is ignored");
  }
  for (const WeirParameter& row : kWeirParameters) {
    std::string other_default;
    if (row.name == "weir_personality") other_default = personality_of(surroundings.process_name);
    const bool old = settings.weir_personality == "nqmgr-2003";  // the first row
    if (row.kind == WeirParameter::Kind::flag && old) other_default = "yes";
    const std::string_view default_text = other_default.empty() ? row.default_text : other_default;
    const std::optional<std::string> text = values.evaluate_text(row.name, default_text);
    if (!text) return;
    if (const std::string failure = weir_failure(row, *text); !failure.empty()) {
      notes.fatal = failure;
      return;
    }
    take_weir(row.name, *text, settings, config);
    values.settled(row.name, *text, default_text);
  }
}

void fill_own(const Evaluator& values, ProcessSettings& settings, Config& config) {
  config.active_limit = values.number("qmgr_message_active_limit");
  config.message_recipient_limit = values.number("qmgr_message_recipient_limit");
  config.initial_concurrency = values.number("initial_destination_concurrency");
  config.minimal_backoff = values.time("minimal_backoff_time");
  config.maximal_backoff = values.time("maximal_backoff_time");
  config.maximal_lifetime = values.time("maximal_queue_lifetime");
  config.bounce_lifetime = values.time("bounce_queue_lifetime");
  config.queue_run_delay = values.time("queue_run_delay");
  config.transport_retry_time = values.time("transport_retry_time");
  config.clog_warn_time = values.time("qmgr_clog_warn_time");
  config.feedback_debug = values.flag("destination_concurrency_feedback_debug");
  config.disable_verp_bounces = values.flag("disable_verp_bounces");
  config.confirm_delay_cleared = values.flag("confirm_delay_cleared");
  config.verify_pending_limit = values.number("address_verify_pending_request_limit");
  config.defer_transports = values.list("defer_transports");
  config.default_filter_nexthop = values.text("default_filter_nexthop");
  settings.qmgr_daemon_timeout = values.time("qmgr_daemon_timeout");
  settings.qmgr_ipc_timeout = values.time("qmgr_ipc_timeout");
}

}  // namespace

Notes evaluate_queue_manager(const Surroundings& surroundings, Dictionary& dictionary, ProcessSettings& settings,
                             Config& config) {
  Notes notes;
  evaluate_weir(surroundings, dictionary, settings, config, notes);
  if (!notes.ok()) return notes;
  const std::uint8_t program = program_of(settings.weir_personality);
  Evaluator values(dictionary, program, notes, surroundings.witness);
  values.be_old(settings.weir_old_defaults, settings.weir_old_parameters);
  values.run(Stage::own);
  if (!notes.ok()) return notes;
  fill_own(values, settings, config);
  config.default_transport = default_transport(values);
  if (program == parameter_table::kOqmgr) {
    //= R-GEN-02
    config.scheduler = Scheduler::round_robin;
    config.fudge_factor = values.number("qmgr_fudge_factor");
  } else {
    config.message_recipient_minimum = values.number("qmgr_message_recipient_minimum");
    add_slots(values, config.default_transport);
  }
  if (settings.weir_single_lifetime) config.bounce_lifetime = config.maximal_lifetime;
  if (settings.weir_old_defaults) settings.qmgr_ipc_timeout = Seconds{3600};
  config.transports = TransportReader(dictionary, program, settings.weir_old_parameters, notes, surroundings.witness)
                          .all(config.default_transport, values);
  return notes;
}

Notes open_domain_lists(const LoadFile& load, ProcessSettings& settings) {
  Notes notes;
  settings.fast_flush_domains = DomainList::parse("fast_flush_domains", settings.fast_flush_text,
                                                  settings.parents_match_in_fast_flush, load, notes.warnings);
  return notes;
}

Notes repair(const ProcessSettings& settings, Config& config) {
  Notes notes;
  if (config.message_recipient_limit < config.active_limit) {
    const std::string found = "qmgr_message_recipient_limit is smaller than qmgr_message_active_limit";
    notes.warn(settings.weir_old_texts ? found : found + " - adjusting qmgr_message_recipient_limit");
    config.message_recipient_limit = config.active_limit;
  }
  if (config.bounce_lifetime > config.maximal_lifetime) {
    notes.warn("bounce_queue_lifetime is larger than maximal_queue_lifetime - adjusting bounce_queue_lifetime");
    config.bounce_lifetime = config.maximal_lifetime;
  }
  return notes;
}

std::optional<int> facility_number(std::string_view name) {
  for (const Facility& facility : kFacilities) {
    if (facility.name == name) return facility.number << kFacilityShift;
  }
  return std::nullopt;
}

// Feedback -------------------------------------------------------------------------------------------------------

namespace {

constexpr double kMostNumber = 2147483647.0;

// Takes a number in the way of C's strtod from the front of the text.
[[nodiscard]] std::optional<double> take_number(std::string_view& text) {
  const std::string copy(text);  // strtod wants a terminated text
  char* end = nullptr;
  const double number = std::strtod(copy.c_str(), &end);
  const auto length = static_cast<std::size_t>(end - copy.c_str());
  if (length == 0) return std::nullopt;
  text.remove_prefix(length);
  return number;
}

// Written so that "not a number" is outside.
[[nodiscard]] bool within(double number, double low, double high) { return number >= low && number <= high; }

}  // namespace

//= R-PAR-032
//= R-PAR-034
Feedback parse_feedback(std::string_view parameter, std::string_view text) {
  Feedback feedback;
  feedback.parameter = parameter;
  feedback.text = text;
  feedback.well_formed = false;

  std::string_view rest = text;
  const std::optional<double> numerator = take_number(rest);
  if (!numerator || !within(*numerator, 0.0, kMostNumber)) return feedback;
  double value = *numerator;
  Feedback::Kind kind = Feedback::Kind::constant;
  rest = trim(rest);
  if (!rest.empty()) {
    if (rest.front() != '/') return feedback;
    rest = trim_left(rest.substr(1));
    if (equal_ignoring_case(rest, "concurrency")) {
      kind = Feedback::Kind::per_concurrency;
    } else {
      const std::optional<double> denominator = take_number(rest);
      if (!denominator || !rest.empty() || !within(*denominator, 1.0 / kMostNumber, kMostNumber)) return feedback;
      value = *numerator / *denominator;
    }
  }
  if (!within(value, 0.0, 1.0)) return feedback;
  feedback.well_formed = true;
  feedback.kind = kind;
  feedback.value = value;
  return feedback;
}

// Host names -----------------------------------------------------------------------------------------------------

std::optional<std::string> host_name_failure(std::string_view name) {
  constexpr std::size_t kMostLabel = 63;
  constexpr std::size_t kMostName = 255;
  constexpr std::size_t kShown = 100;
  const std::string shown(name);
  if (name.empty()) return "empty hostname";
  std::size_t label = 0;
  bool numeric = true;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool at_label_end = i + 1 == name.size() || name[i + 1] == '.';
    if (c == '.') {
      if (label == 0 || i + 1 == name.size()) return "misplaced delimiter: " + shown;
      label = 0;
      continue;
    }
    if (c == '-') {
      if (label == 0 || at_label_end) return "misplaced hyphen: " + shown;
    } else if (!is_alnum(c) && c != '_') {
      return "invalid character " + std::to_string(static_cast<unsigned char>(c)) + "(decimal): " + shown;
    }
    if (!is_digit(c)) numeric = false;
    if (++label > kMostLabel) return "hostname label too long: " + shown;
  }
  if (numeric) return "numeric hostname: " + shown;
  if (name.size() > kMostName) {
    return "bad length " + std::to_string(name.size()) + " for " + shown.substr(0, kShown) + "...";
  }
  return std::nullopt;
}

}  // namespace weir::codec
