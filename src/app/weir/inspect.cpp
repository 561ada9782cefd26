#include "app/weir/inspect.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "app/qmgr/configuration.hpp"
#include "codec/log_line.hpp"
#include "codec/master_cf.hpp"
#include "codec/time_value.hpp"
#include "contract/parameter.hpp"
#include "postfix/main_cf_file.hpp"
#include "postfix/process.hpp"
#include "postfix/watchdog.hpp"

namespace weir::app {
namespace {

using codec::MasterService;
using codec::Origin;

constexpr const char* kSelf = "check-config";
constexpr const char* kMaster = "master";
constexpr std::array<std::string_view, 3> kQueueManagers = {"qmgr", "oqmgr", "nqmgr"};

// Programs of Postfix that are no delivery agents.
constexpr std::array<std::string_view, 21> kNoAgents = {
    "anvil",  "bounce",   "cleanup",    "dnsblog",  "flush",    "nqmgr",           "oqmgr",
    "pickup", "postlogd", "postscreen", "proxymap", "qmgr",     "qmqpd",           "scache",
    "showq",  "smtpd",    "spawn",      "tlsmgr",   "tlsproxy", "trivial-rewrite", "verify"};

// A parameter of Postfix with the name of a transport's setting.
constexpr std::string_view kOfSmtpd = "smtpd_recipient_limit";

template <std::size_t N>
[[nodiscard]] bool has(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

[[nodiscard]] bool is_agent(const MasterService& service) {
  const std::string program = codec::base_name(service.command);
  return service.type == "unix" && service.is_private && !has(kNoAgents, program);
}

[[nodiscard]] bool sets_weir_parameter(const MasterService& service) {
  return std::any_of(service.arguments.begin(), service.arguments.end(), [](const MasterService::Argument& argument) {
    return argument.text.compare(0, 5, "weir_") == 0 || argument.text.compare(0, 7, "-oweir_") == 0;
  });
}

[[nodiscard]] bool is_queue_manager(const MasterService& service) {
  if (service.type == "inet") return false;
  return has(kQueueManagers, codec::base_name(service.command)) || service.name == "qmgr" ||
         sets_weir_parameter(service);
}

[[nodiscard]] std::string seconds_text(Seconds time) { return std::to_string(time.count()) + "s"; }

// The settings of transports -------------------------------------------------------------------------------------

// The value of the field that a row with a suffix fills.
[[nodiscard]] std::string value_of(std::string_view row, const TransportConfig& config) {
  const auto is = [row](std::string_view name) { return row == name; };
  if (is("default_destination_concurrency_limit")) return std::to_string(config.concurrency_limit);
  if (is("default_destination_recipient_limit")) return std::to_string(config.recipient_limit);
  if (is("initial_destination_concurrency")) return std::to_string(config.initial_concurrency);
  if (is("default_destination_concurrency_positive_feedback")) return config.positive_feedback.text;
  if (is("default_destination_concurrency_negative_feedback")) return config.negative_feedback.text;
  if (is("default_destination_concurrency_failed_cohort_limit")) return std::to_string(config.failed_cohort_limit);
  if (is("default_transport_rate_delay")) return seconds_text(config.transport_rate_delay);
  if (is("default_destination_rate_delay")) return seconds_text(config.destination_rate_delay);
  if (is("default_delivery_slot_cost")) return std::to_string(config.slot_cost);
  if (is("default_delivery_slot_loan")) return std::to_string(config.slot_loan);
  if (is("default_delivery_slot_discount")) return std::to_string(config.slot_discount);
  if (is("default_minimum_delivery_slots")) return std::to_string(config.minimum_slots);
  if (is("default_recipient_limit")) return std::to_string(config.recipient_pool);
  if (is("default_extra_recipient_limit")) return std::to_string(config.extra_recipients);
  if (is("default_recipient_refill_limit")) return std::to_string(config.refill_limit);
  if (is("default_recipient_refill_delay")) return seconds_text(config.refill_delay);
  return "";
}

[[nodiscard]] const Feedback* feedback_of(std::string_view row, const TransportConfig& config) {
  if (row == "default_destination_concurrency_positive_feedback") return &config.positive_feedback;
  if (row == "default_destination_concurrency_negative_feedback") return &config.negative_feedback;
  return nullptr;
}

// The working directory, which is gone back to.
class Place {
 public:
  Place() : fd_(open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}
  ~Place() {
    if (fd_ < 0) return;
    (void)!fchdir(fd_);
    close(fd_);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  int fd_;
};

// One queue manager, up to the point where it would begin to work ------------------------------------------------

class Manager {
 public:
  Manager(const std::string& config_directory, const MasterService& service, const codec::MasterDefaults& defaults,
          const std::vector<MasterService>& services, std::vector<Remark>& remarks)
      : service_(service), services_(services), remarks_(remarks) {
    shown_.name = service.name;
    shown_.type = service.type;
    shown_.line = service.line;
    shown_.arguments = codec::daemon_arguments(service, defaults);
    own_arguments_ = shown_.arguments.size() - service.arguments.size();
    codec::Surroundings& surroundings = configuration_.surroundings;
    surroundings.config_directory = config_directory;
    surroundings.process_name = codec::base_name(service.command);
    surroundings.service_name = surroundings.process_name;
    surroundings.host_name = postfix::host_name();
    surroundings.witness = [this](const codec::Settled& value) {
      settled_.push_back(
          {std::string(value.name), std::string(value.text), std::string(value.default_text), std::string(value.why)});
    };
  }

  [[nodiscard]] ShownManager run() {
    const bool whole = go_through();
    show_fields();
    show_overrides();
    for (const Value& value : settled_) {
      if (is_parameter(value.name)) shown_.parameters.push_back(show(value, whole));
    }
    if (whole) show_transports();
    return std::move(shown_);
  }

  // Advice, after all that the programs themselves have to say.
  void advise(const std::string& queue_service) const {
    const std::string place = service_.name + "/" + service_.type;
    if (service_.is_private) {
      advice(place + " is private, but its clients look for it in public/");
    }
    if (!queue_service.empty() && service_.name != queue_service) {
      advice(place + ": its clients look for a service with the name " + queue_service + " (queue_service_name)");
    }
    if (service_.wakeup == 0) {
      advice(place + " has no wakeup time: if it ends, nothing starts it again before new mail comes");
    } else if (service_.wakeup_when_used) {
      advice(place + " is woken up only after its first use: mail that is in the queue waits until new mail comes");
    }
    if (!service_.unprivileged) advice(place + " runs as root: its field unprivileged is n");
    check_command();
    if (!evaluated_) return;
    check_peers();
    check_unknown_transports();
  }

  [[nodiscard]] std::string queue_service() const {
    for (const Value& value : settled_) {
      if (value.name == "queue_service_name") return value.text;
    }
    return "";
  }

 private:
  struct Value {
    std::string name, text, default_text, why;
  };

  // What the daemon says on its way, in its order. Whether it gets through.
  [[nodiscard]] bool go_through() {
    Configuration& c = configuration_;
    const bool evaluated = heed(c.read_main_cf(postfix::Patience::none)) && heed(c.read_options(shown_.arguments)) &&
                           heed(c.evaluate_general()) && heed(c.evaluate_own());
    if (!evaluated || (c.options.debugger && !heed(c.check_debugger()))) return false;
    evaluated_ = true;
    if (!heed_queue_directory()) return false;
    const Seconds limit = c.settings.qmgr_daemon_timeout;
    if (limit < postfix::Watchdog::kSmallest) {
      say(Remark::Severity::panic, codec::line::watchdog_too_small(limit.count()).text);
      return false;
    }
    say_what_comes_later();
    return true;
  }

  // Tables are named relative to the queue directory.
  [[nodiscard]] bool heed_queue_directory() {
    const Place here;
    const std::optional<std::string> failure = postfix::enter_directory(configuration_.settings.queue_directory);
    if (failure) return heed({{}, failure});
    return heed(configuration_.before_jail()) && heed(configuration_.after_jail());
  }

  void say_what_comes_later() {
    if (const auto failure = codec::left_over_failure(configuration_.options)) {
      say(Remark::Severity::fatal, *failure, "at the first trigger");
    }
    const std::string& format = configuration_.settings.info_log_address_format;
    if (!format.empty() && format != "external" && format != "internal") {
      say(Remark::Severity::fatal, codec::line::bad_address_format(format).text, "at the first address");
    }
  }

  bool heed(const codec::Notes& notes) {
    for (const std::string& warning : notes.warnings) say(Remark::Severity::warning, warning);
    if (notes.fatal) say(Remark::Severity::fatal, *notes.fatal);
    return notes.ok();
  }

  void say(Remark::Severity severity, std::string text, std::string when = "") const {
    remarks_.push_back(Remark{configuration_.surroundings.process_name, severity, std::move(text), std::move(when)});
  }

  void advice(std::string text) const {
    Remark remark{kSelf, Remark::Severity::warning, std::move(text), ""};
    if (std::find(remarks_.begin(), remarks_.end(), remark) == remarks_.end()) remarks_.push_back(std::move(remark));
  }

  // Sources ------------------------------------------------------------------------------------------------------

  // Where a setting stands; empty: nobody has set it.
  [[nodiscard]] std::string place_of(std::string_view name) const {
    const codec::Dictionary::Entry* entry = configuration_.dictionary.entry(name);
    if (entry == nullptr) return "";
    switch (entry->origin.from) {
      case Origin::From::main_cf: return "main.cf line " + std::to_string(entry->origin.place);
      case Origin::From::command_line: return "-o in master.cf line " + std::to_string(line_of(entry->origin.place));
      case Origin::From::built_in:
      case Origin::From::program: return "";
    }
    return "";
  }

  // The line of master.cf that an argument of the process stands on.
  [[nodiscard]] std::size_t line_of(std::size_t argument) const {
    if (argument < own_arguments_ || argument - own_arguments_ >= service_.arguments.size()) return service_.line;
    return service_.arguments[argument - own_arguments_].line;
  }

  [[nodiscard]] static bool is_parameter(std::string_view name) {
    const auto is_name = [name](const WeirParameter& row) { return row.name == name; };
    return find_parameter(name) != nullptr || std::any_of(kWeirParameters.begin(), kWeirParameters.end(), is_name);
  }

  // What the repairs and some of Weir's own parameters have made of a value; nothing: it counts as it is.
  [[nodiscard]] std::optional<std::string> adjusted(const std::string& name) const {
    const Config& config = configuration_.config;
    if (name == "qmgr_message_recipient_limit") return std::to_string(config.message_recipient_limit);
    if (name == "bounce_queue_lifetime") return seconds_text(config.bounce_lifetime);
    if (name == "qmgr_ipc_timeout") return seconds_text(configuration_.settings.qmgr_ipc_timeout);
    return std::nullopt;
  }

  [[nodiscard]] static bool is_same(const Parameter& row, const std::string& text, const std::string& other) {
    if (row.type != Parameter::Type::time) return text == other;
    return codec::parse_time(text, row.bare_unit()) == codec::parse_time(other, row.bare_unit());
  }

  [[nodiscard]] static const char* use_of(const Parameter& row) {
    switch (row.use) {
      case Parameter::Use::acts: return "";
      case Parameter::Use::overridden: return "; a queue manager does not use it";
      case Parameter::Use::checked: return "; a queue manager only checks it";
      case Parameter::Use::read: return row.name == "daemon_directory" ? "" : "; a queue manager does not use it";
    }
    return "";
  }

  [[nodiscard]] ShownSetting show(const Value& value, bool whole) const {
    ShownSetting shown{value.name, value.text, value.default_text, "", false};
    const std::string place = place_of(value.name);
    const Parameter* row = find_parameter(value.name);
    shown.changed = !place.empty();
    if (place.empty()) {
      shown.source = value.name == "weir_personality" ? "the name that it runs under" : "default";
    } else if (!value.why.empty()) {
      shown.source = "default; " + place + " is ignored: " + value.why;
    } else {
      shown.source = place;
      if (row == nullptr || !row->default_text.empty()) shown.source += "; default " + value.default_text;
    }
    if (row == nullptr) return shown;
    if (const auto other = adjusted(value.name); whole && other && !is_same(*row, value.text, *other)) {
      shown.source = "adjusted from " + value.text + ", " + shown.source;
      shown.value = *other;
      shown.changed = true;
    }
    if (!place.empty()) shown.source += use_of(*row);
    return shown;
  }

  void show_fields() {
    const std::string place = "master.cf line " + std::to_string(service_.line);
    const auto field = [&](const char* name, std::string value, const char* default_text, bool changed) {
      std::string source = changed ? place : std::string("default");
      if (changed && *default_text != '\0') source += std::string("; default ") + default_text;
      shown_.fields.push_back(ShownSetting{name, std::move(value), default_text, std::move(source), changed});
    };
    const auto yes = [](bool value) { return value ? "y" : "n"; };
    for (const Value& value : settled_) {
      if (value.name != "weir_personality") continue;
      shown_.fields.push_back(show(value, true));
      shown_.fields.back().name = "personality";
    }
    field("command", service_.command, "", true);
    field("private", yes(service_.is_private), "y", !service_.is_private);
    field("unprivileged", yes(service_.unprivileged), "y", !service_.unprivileged);
    const bool jailed = has_argument("-c");
    field("chroot", yes(jailed), "by $compatibility_level", service_.chroot.has_value());
    field("wakeup", std::to_string(service_.wakeup) + (service_.wakeup_when_used ? "?" : ""), "0",
          service_.wakeup != 0);
    field("process_limit", service_.process_limit ? std::to_string(*service_.process_limit) : process_limit(),
          "$default_process_limit", service_.process_limit.has_value());
  }

  [[nodiscard]] std::string process_limit() const {
    if (has_argument("-l")) return "1";
    return has_argument("-z") ? "0" : "$default_process_limit";
  }

  // Of the arguments that master adds.
  [[nodiscard]] bool has_argument(const char* word) const {
    const auto end = shown_.arguments.begin() + static_cast<std::ptrdiff_t>(own_arguments_);
    return std::find(shown_.arguments.begin(), end, word) != end;
  }

  void show_overrides() {
    const codec::Options& options = configuration_.options;
    for (std::size_t i = 0; i < options.settings.size(); ++i) {
      const codec::Setting& setting = options.settings[i];
      const std::string source = "-o in master.cf line " + std::to_string(line_of(options.setting_places[i]));
      shown_.overrides.push_back(ShownSetting{setting.name, setting.value, "", source, true});
    }
  }

  // Transports -----------------------------------------------------------------------------------------------------

  [[nodiscard]] bool is_read(const Parameter& row) const {
    const bool round_robin = configuration_.config.scheduler == Scheduler::round_robin;
    const auto program = round_robin ? parameter_table::kOqmgr : parameter_table::kQmgr;
    if (row.suffix.empty() || (row.programs & program) == 0) return false;
    const OldParameter* const old = find_old_parameter(row.name);
    return !configuration_.settings.weir_old_parameters || (old != nullptr && old->per_transport);
  }

  [[nodiscard]] const ShownSetting* shown_parameter(std::string_view name) const {
    for (const ShownSetting& setting : shown_.parameters) {
      if (setting.name == name) return &setting;
    }
    return nullptr;
  }

  void show_transports() {
    std::set<std::string> malformed;  // names of feedback settings that have been told of
    for (const MasterService& service : services_) {
      if (!is_agent(service) || is_queue_manager(service)) continue;
      ShownTransport transport{service.name, service.line, service.command, {}};
      const TransportConfig& config = configuration_.config.transport(service.name);
      for (const Parameter& row : kParameters) {
        if (row.suffix.empty() || value_of(row.name, config).empty()) continue;
        const bool round_robin = configuration_.config.scheduler == Scheduler::round_robin;
        if ((row.programs & (round_robin ? parameter_table::kOqmgr : parameter_table::kQmgr)) == 0) continue;
        transport.settings.push_back(show(row, service.name, config));
        const Feedback* feedback = feedback_of(row.name, config);
        if (feedback == nullptr || feedback->well_formed || !malformed.insert(feedback->parameter).second) continue;
        say_ignored(*feedback, service.name);
      }
      shown_.transports.push_back(std::move(transport));
    }
  }

  void say_ignored(const Feedback& feedback, const std::string& transport) const {
    LogIgnoredFeedback record;
    record.parameter = feedback.parameter;
    record.text = feedback.text;
    for (codec::LogLine& line : codec::render(record, {})) {
      say(Remark::Severity::warning, std::move(line.text), "at the first use of transport " + transport);
    }
  }

  [[nodiscard]] ShownSetting show(const Parameter& row, const std::string& transport,
                                  const TransportConfig& config) const {
    const std::string key = transport + std::string(row.suffix);
    if (const ShownSetting* own = shown_parameter(key); own != nullptr && transport == "local") return *own;
    const std::string row_name{row.name};
    ShownSetting shown{key, value_of(row.name, config), "$" + row_name, "", false};
    const std::string place = is_read(row) && find_parameter(key) == nullptr ? place_of(key) : "";
    const std::string* why = why_ignored(key);
    const ShownSetting* general = shown_parameter(row.name);
    shown.changed = !place.empty();
    if (!place.empty() && why == nullptr) {
      shown.source = place + "; default $" + row_name;
    } else {
      shown.source = "$" + row_name + ": " + (general == nullptr ? "default" : general->source);
      if (why != nullptr) shown.source += "; " + place + " is ignored: " + *why;
    }
    const Feedback* feedback = feedback_of(row.name, config);
    if (feedback != nullptr && !feedback->well_formed) {
      shown.value = "1";
      shown.source += "; malformed or unreasonable, 1 is used instead of " + feedback->text;
    }
    return shown;
  }

  [[nodiscard]] const std::string* why_ignored(std::string_view key) const {
    for (const Value& value : settled_) {
      if (value.name == key && !value.why.empty()) return &value.why;
    }
    return nullptr;
  }

  // Advice -----------------------------------------------------------------------------------------------------------

  void check_command() const {
    const std::string& directory = configuration_.settings.daemon_directory;
    if (directory.empty()) return;
    const std::string path = directory + "/" + service_.command;
    if (access(path.c_str(), X_OK) != 0) advice("master cannot start " + path + ": " + std::strerror(errno));
  }

  [[nodiscard]] bool is_private_service(std::string_view name) const {
    return std::any_of(services_.begin(), services_.end(), [name](const MasterService& service) {
      return service.type == "unix" && service.is_private && service.name == name;
    });
  }

  void check_peers() const {
    const codec::ProcessSettings& settings = configuration_.settings;
    for (const std::string& name :
         {settings.rewrite_service_name, settings.bounce_service_name, settings.defer_service_name,
          settings.trace_service_name, std::string("error"), std::string("retry")}) {
      if (!is_private_service(name)) {
        advice("a queue manager needs the service private/" + name + ", which is not in master.cf");
      }
    }
    for (const std::string& name : configuration_.config.defer_transports) {
      if (!is_private_service(name)) advice("defer_transports: there is no transport " + name + " in master.cf");
    }
  }

  // A setting of a transport that is not there: mostly a slip of the pen.
  void check_unknown_transports() const {
    for (const auto& [name, entry] : configuration_.dictionary.entries()) {
      const bool is_set = !place_of(name).empty();
      if (!is_set || find_parameter(name) != nullptr || name == kOfSmtpd) continue;
      std::string unknown;
      bool known = false;
      for (const Parameter& row : kParameters) {
        if (!is_read(row) || name.size() <= row.suffix.size()) continue;
        const std::size_t length = name.size() - row.suffix.size();
        if (std::string_view(name).substr(length) != row.suffix) continue;
        // One of the shorter suffixes may be the end of a longer one, which makes the shorter name of a transport.
        const std::string transport = name.substr(0, length);
        if (is_private_service(transport)) known = true;
        if (unknown.empty() || transport.size() < unknown.size()) unknown = transport;
      }
      if (unknown.empty() || known) continue;
      advice(place_of(name) + ": " + name + ": there is no transport " + unknown + " in master.cf");
    }
  }

  const MasterService& service_;
  const std::vector<MasterService>& services_;
  std::vector<Remark>& remarks_;
  Configuration configuration_;
  ShownManager shown_;
  std::size_t own_arguments_ = 0;  // how many of the arguments master has made
  std::vector<Value> settled_;     // in the order of evaluation
  bool evaluated_ = false;
};

// What master makes of main.cf: it reads and checks what every program does.
[[nodiscard]] codec::MasterDefaults master_defaults(const std::string& config_directory, std::vector<Remark>& remarks) {
  Configuration master;
  master.surroundings.config_directory = config_directory;
  master.surroundings.process_name = kMaster;
  master.surroundings.host_name = postfix::host_name();
  codec::Notes notes = master.read_main_cf(postfix::Patience::none);
  if (notes.ok()) notes = master.evaluate_general();
  if (!notes.ok()) {
    remarks.push_back(Remark{kMaster, Remark::Severity::fatal, *notes.fatal, ""});
    return {};
  }
  const auto level = codec::parse_compatibility_level(master.settings.compatibility_level);
  return {master.settings.default_process_limit, level < codec::parse_compatibility_level("1")};
}

}  // namespace

Inspection inspect(const std::string& config_directory) {
  Inspection result;
  result.config_directory = config_directory;
  const codec::MasterDefaults defaults = master_defaults(config_directory, result.remarks);
  const std::string path = config_directory + "/master.cf";
  const Result<std::string> text = postfix::read_whole_file(path);
  codec::MasterCf master;
  if (!text) {
    result.remarks.push_back(Remark{kMaster, Remark::Severity::fatal, text.error().text, ""});
  } else {
    master = codec::parse_master_cf(path, *text);
  }
  for (const std::string& warning : master.warnings) {
    result.remarks.push_back(Remark{kMaster, Remark::Severity::warning, warning, ""});
  }
  for (const std::string& error : master.errors) {
    result.remarks.push_back(Remark{kMaster, Remark::Severity::fatal, error, ""});
  }

  std::vector<std::unique_ptr<Manager>> managers;
  for (const MasterService& service : master.services) {
    if (!is_queue_manager(service)) continue;
    managers.push_back(std::make_unique<Manager>(config_directory, service, defaults, master.services, result.remarks));
    result.managers.push_back(managers.back()->run());
  }
  for (const auto& manager : managers) manager->advise(manager->queue_service());
  const auto advise = [&](std::string advice) {
    result.remarks.push_back(Remark{kSelf, Remark::Severity::warning, std::move(advice), ""});
  };
  if (managers.empty() && text) advise("there is no queue manager in master.cf");
  if (managers.size() > 1) advise(std::to_string(managers.size()) + " queue managers would work on one queue");
  return result;
}

}  // namespace weir::app
