#include "app/qmgr/start.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "codec/log_line.hpp"
#include "postfix/accounts.hpp"
#include "postfix/installed_version.hpp"
#include "postfix/main_cf_file.hpp"
#include "postfix/master.hpp"
#include "postfix/privileges.hpp"
#include "postfix/process.hpp"

namespace weir::app {

namespace {

std::string octal(std::uint32_t value) {
  std::string digits;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + value % 8));
    value /= 8;
  } while (value > 0);
  return digits;
}

}  // namespace

Start::Start(const std::vector<std::string>& arguments)
    : arguments_(arguments.empty() ? std::vector<std::string>{"qmgr"} : arguments) {
  surroundings_.config_directory = postfix::config_directory();
  surroundings_.process_name = codec::base_name(arguments_.front());
  surroundings_.service_name = surroundings_.process_name;
  surroundings_.process_id = getpid();
  surroundings_.host_name = postfix::host_name();
}

//= GEN-03, GEN-07
void Start::run() {
  postfix::ignore_signals();
  postfix::ensure_standard_descriptors();
  umask(077);
  open_early_log();
  read_main_cf();
  read_options();
  evaluate_general();
  reopen_log();
  refuse_terminal();
  evaluate_own();
  read_generation();
  run_debugger();
  enter_queue_directory();
  before_jail();
  enter_jail();
  after_jail();
}

void Start::open_early_log() {
  log_.open(postfix::early_log_destination(surroundings_.process_name));
  if (std::getenv("MAIL_VERBOSE") != nullptr) log_.set_verbosity(1);
}

void Start::read_main_cf() {
  dictionary_ = codec::start_dictionary(surroundings_);
  heed(postfix::read_main_cf_file(surroundings_.config_directory, dictionary_));
}

void Start::read_options() {
  codec::ParsedOptions parsed = codec::parse_options(arguments_);
  options_ = std::move(parsed.options);
  if (options_.log_to_stderr) log_.also_to_stderr(postfix::early_log_destination(surroundings_.process_name).tag);
  log_.set_verbosity(log_.verbosity() + options_.verbose);
  if (parsed.fatal) log_.fatal(*parsed.fatal);
  codec::apply(options_, dictionary_);
  surroundings_.service_name = options_.service_name;
  codec::set_process_facts(surroundings_, dictionary_);
}

void Start::evaluate_general() {
  heed(codec::evaluate_general(surroundings_, postfix::SystemAccounts{}, dictionary_, settings_, config_));
}

//= PAR-083, PAR-084, DIA-01
void Start::reopen_log() {
  postfix::LogDestination destination;
  destination.tag = settings_.syslog_name + "/" + surroundings_.process_name;
  destination.facility = codec::facility_number(settings_.syslog_facility).value_or(destination.facility);
  if (!settings_.maillog_file.empty()) {
    destination.postlog_path = settings_.queue_directory + "/public/" + settings_.postlog_service_name;
  }
  destination.host_name = settings_.myhostname;
  destination.utf8 = settings_.smtputf8_enable;
  postfix::export_log_destination(destination, settings_.syslog_name);
  log_.open(destination);
}

void Start::refuse_terminal() {
  if (options_.allow_terminal || options_.standalone || isatty(STDIN_FILENO) == 0) return;
  log_.also_to_stderr(surroundings_.process_name);
  log_.fatal("do not run this command by hand");
}

void Start::evaluate_own() {
  heed(codec::evaluate_queue_manager(surroundings_, dictionary_, settings_, config_));
  const std::optional<std::string> failure = codec::start_failure(options_);
  if (failure) log_.fatal(*failure);
}

void Start::read_generation() {
  const char* text = std::getenv("GENERATION");
  const std::optional<std::uint32_t> generation = postfix::parse_generation(text);
  if (!generation) log_.fatal(std::string{"bad generation: "} + text);
  generation_ = *generation;
  if (text != nullptr && log_.verbosity() > 0) {
    log_.info(std::string{"process generation: "} + text + " (" + octal(generation_) + ")");
  }
}

void Start::run_debugger() {
  if (!options_.debugger && std::getenv("MAIL_DEBUG") == nullptr) return;
  if (settings_.debugger_command.empty()) log_.fatal("no debugger_command variable set up");
  log_.info("running: " + settings_.debugger_command);
  postfix::run_shell_command(settings_.debugger_command);
}

//= PAR-082
void Start::enter_queue_directory() {
  const std::optional<std::string> failure = postfix::enter_directory(settings_.queue_directory);
  if (failure) log_.fatal(*failure);
}

void Start::before_jail() {
  heed(codec::open_domain_lists(postfix::load_file, settings_));
  learn_dialect();
}

// What is not known is taken for the release that Weir is tested with.
void Start::learn_dialect() {
  const std::optional<std::string> text = postfix::installed_mail_version(settings_.daemon_directory);
  if (!text) return;
  dialect_ = codec::dialect_for(*codec::parse_mail_version(*text));
  if (!dialect_.known)
    log_.warning("Postfix " + *text + " is not a release that Weir knows; taken for the nearest one");
}

void Start::enter_jail() {
  const std::string owner = options_.drop_privileges ? settings_.mail_owner : "";
  const std::string root = options_.chroot ? settings_.queue_directory : "";
  if (owner.empty() && root.empty()) return;
  const std::optional<std::string> failure = postfix::limit_privileges(owner, root);
  if (failure) log_.fatal(*failure);
}

//= GEN-01
void Start::after_jail() {
  if (surroundings_.process_name == "nqmgr") {
    for (const codec::LogLine& line : codec::line::nqmgr_is_old(surroundings_.config_directory)) {
      log_.warning(line.text);
    }
  }
  heed(codec::repair(settings_, config_));
}

void Start::heed(const codec::Notes& notes) {
  for (const std::string& warning : notes.warnings) log_.warning(warning);
  if (notes.fatal) log_.fatal(*notes.fatal);
}

}  // namespace weir::app
