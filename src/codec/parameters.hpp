// From the dictionary to settings: every parameter is evaluated in the order of the real daemon, with its checks
// and its texts, into the settings of the process and the settings of the brain.
//
// Promises: no system call; whatever depends on the machine comes in (Surroundings, Accounts, a file loader).
// The order is observable, since a default enters the dictionary when its parameter is evaluated. Where the real
// program would accept a value that makes mail stick for ever, or die at the first use of a transport, a warning
// names the parameter here and the default is used. Table: contract/parameter.hpp.
// Tested in tests/codec/config/parameters_test.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/domain_list.hpp"
#include "codec/main_cf.hpp"
#include "contract/config.hpp"

namespace weir::codec {

// One value as it will count, or a setting that is not taken: then `text` is what counts instead of it, and `why` not
// empty. For tools that show settings; the views last for the call.
struct Settled {
  std::string_view name;
  std::string_view text;
  std::string_view default_text;  // as in the table, not expanded
  std::string_view why;
};
using Witness = std::function<void(const Settled&)>;

// What the settings depend on besides main.cf and the command line.
struct Surroundings {
  std::string config_directory = "/etc/postfix";  // MAIL_CONFIG, or the built-in one
  std::string process_name = "qmgr";              // last part of argv[0]
  std::string service_name = "qmgr";              // -n, else process_name
  long process_id = 0;
  std::string host_name;  // as the system tells it; may be short
  Witness witness;  // told of every parameter when it is evaluated, and of transports' settings that are not taken
};

// The user and group database, for the checks of mail_owner, setgid_group and default_privs.
class Accounts {
 public:
  struct User {
    std::string name;
    std::uint32_t user_id = 0;
    std::uint32_t group_id = 0;
  };
  struct Group {
    std::string name;
    std::uint32_t group_id = 0;
  };
  virtual ~Accounts() = default;
  [[nodiscard]] virtual std::optional<User> user(const std::string& name) const = 0;
  [[nodiscard]] virtual std::optional<User> user_with_id(std::uint32_t id) const = 0;  // the first one
  [[nodiscard]] virtual std::optional<Group> group(const std::string& name) const = 0;
  [[nodiscard]] virtual std::optional<Group> group_with_id(std::uint32_t id) const = 0;
};

// What the daemon needs to know about its place and its peers.
struct ProcessSettings {
  std::string config_directory;
  std::string queue_directory;
  std::string data_directory;
  std::string daemon_directory;  // where the programs of the installed Postfix are
  std::string mail_owner;
  std::uint32_t owner_user_id = 0;  // of mail_owner
  std::uint32_t owner_group_id = 0;
  std::string setgid_group;
  std::string default_privs;
  std::string myhostname;

  std::string syslog_name;
  std::string syslog_facility;  // a known name: facility_number()
  std::string multi_instance_name;
  std::string maillog_file;  // empty: syslog
  std::vector<std::string> maillog_file_prefixes;
  std::string postlog_service_name;  // queue_directory/public/NAME
  std::string debugger_command;      // for -D
  std::string compatibility_level;
  bool smtputf8_enable = true;

  std::string rewrite_service_name;  // private/NAME
  std::string bounce_service_name;   // private/NAME
  std::string defer_service_name;    // private/NAME
  std::string trace_service_name;    // private/NAME
  std::string verify_service_name;   // private/NAME
  std::string flush_service_name;    // public/NAME

  std::vector<std::string> hash_queue_names;
  int hash_queue_depth = 1;
  bool dont_remove = false;  // removed files go to saved/

  Seconds daemon_timeout{18000};
  Seconds qmgr_daemon_timeout{1000};
  Seconds qmgr_ipc_timeout{60};
  Seconds ipc_idle{5};
  Seconds ipc_ttl{1000};
  Seconds in_flow_delay{1};
  int default_process_limit = 100;  // tokens of the flow control pipe

  std::string info_log_address_format;  // external, internal; anything else is fatal at the first address
  int delay_logging_resolution_limit = 2;
  std::string verp_delimiter_filter;
  std::string fast_flush_text;  // the value of fast_flush_domains
  bool parents_match_in_fast_flush = true;
  DomainList fast_flush_domains;         // open_domain_lists()
  bool fast_flush_default_note = false;  // log the compatibility note when a domain of the list is reported

  std::string weir_personality;  // "qmgr", "oqmgr", "nqmgr" or "nqmgr-2003": which queue manager it is
  std::string weir_brain;        // "engine" or "model"
  std::string weir_trace;        // where the run is recorded; empty: nowhere
  std::int64_t weir_trace_limit = 0;
  bool weir_trace_hashed = true;
  // Habits of the queue manager of 2003 that are no decisions (contract/config.hpp has those that are).
  bool weir_single_lifetime = false;
  bool weir_silent_removal = false;
  bool weir_old_texts = false;
  bool weir_old_defaults = false;
  bool weir_old_parameters = false;
};

// The dictionary before main.cf is read: config_directory and process_name are in it.
[[nodiscard]] Dictionary start_dictionary(const Surroundings& surroundings);

// After the command line: service_name and process_id.
void set_process_facts(const Surroundings& surroundings, Dictionary& dictionary);

// `load` gives the text of a file named in fast_flush_domains; nothing = cannot be read.
using LoadFile = std::function<std::optional<std::string>(const std::string& path)>;

// The general parameters, which every daemon evaluates. When it has no fatal, logging is opened again with
// syslog_name, syslog_facility and maillog_file; a fatal is still logged under the tag from before.
[[nodiscard]] Notes evaluate_general(const Surroundings& surroundings, const Accounts& accounts, Dictionary& dictionary,
                                     ProcessSettings& settings, Config& config);

// The queue manager's own parameters and those of all transports that have settings of their own.
[[nodiscard]] Notes evaluate_queue_manager(const Surroundings& surroundings, Dictionary& dictionary,
                                           ProcessSettings& settings, Config& config);

// Fills settings.fast_flush_domains; to be done with the rights to read the files, before privileges are dropped.
[[nodiscard]] Notes open_domain_lists(const LoadFile& load, ProcessSettings& settings);

// The repairs of impossible pairs of settings, which are logged after the privileges are dropped.
[[nodiscard]] Notes repair(const ProcessSettings& settings, Config& config);

// The number of a syslog facility name, as <syslog.h> has it shifted; nothing = unknown.
[[nodiscard]] std::optional<int> facility_number(std::string_view name);

// The text of a feedback setting; `parameter` is the name for log lines.
[[nodiscard]] Feedback parse_feedback(std::string_view parameter, std::string_view text);

// A host name that the mail system accepts; else the words that say what is wrong with it.
[[nodiscard]] std::optional<std::string> host_name_failure(std::string_view name);

}  // namespace weir::codec
