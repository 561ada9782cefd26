#include "app/qmgr/start.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

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
  codec::Surroundings& surroundings = configuration_.surroundings;
  surroundings.config_directory = postfix::config_directory();
  surroundings.process_name = codec::base_name(arguments_.front());
  surroundings.service_name = surroundings.process_name;
  surroundings.process_id = getpid();
  surroundings.host_name = postfix::host_name();
}

//= R-GEN-03, R-GEN-07
void Start::run() {
  postfix::ignore_signals();
  postfix::ensure_standard_descriptors();
  umask(077);
  open_early_log();
  //= R-CFG-01  once
  heed(configuration_.read_main_cf(postfix::Patience::until_settled));
  read_options();
  heed(configuration_.evaluate_general());
  reopen_log();
  refuse_terminal();
  heed(configuration_.evaluate_own());
  read_generation();
  refuse_debugger();
  enter_queue_directory();
  heed(configuration_.before_jail());
  enter_jail();
  heed(configuration_.after_jail());
}

void Start::open_early_log() {
  log_.open(postfix::early_log_destination(process_name()));
  if (std::getenv("MAIL_VERBOSE") != nullptr) log_.set_verbosity(1);
}

void Start::read_options() {
  const codec::Notes notes = configuration_.read_options(arguments_);
  const codec::Options& options = configuration_.options;
  if (options.log_to_stderr) log_.also_to_stderr(postfix::early_log_destination(process_name()).tag);
  log_.set_verbosity(log_.verbosity() + options.verbose);
  heed(notes);
}

//= R-PAR-083, R-PAR-084, R-DIA-01
void Start::reopen_log() {
  postfix::LogDestination destination;
  destination.tag = settings().syslog_name + "/" + process_name();
  destination.facility = codec::facility_number(settings().syslog_facility).value_or(destination.facility);
  if (!settings().maillog_file.empty()) {
    destination.postlog_path = settings().queue_directory + "/public/" + settings().postlog_service_name;
  }
  destination.host_name = settings().myhostname;
  destination.utf8 = settings().smtputf8_enable;
  postfix::export_log_destination(destination, settings().syslog_name);
  log_.open(destination);
}

void Start::refuse_terminal() {
  if (options().allow_terminal || options().standalone || isatty(STDIN_FILENO) == 0) return;
  log_.also_to_stderr(process_name());
  log_.fatal("do not run this command by hand");
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

void Start::refuse_debugger() {
  if (!options().debugger && std::getenv("MAIL_DEBUG") == nullptr) return;
  heed(configuration_.check_debugger());
}

//= R-PAR-007
//= R-PAR-082
void Start::enter_queue_directory() {
  const std::optional<std::string> failure = postfix::enter_directory(settings().queue_directory);
  if (failure) log_.fatal(*failure);
}

void Start::enter_jail() {
  const std::string owner = options().drop_privileges ? settings().mail_owner : "";
  const std::string root = options().chroot ? settings().queue_directory : "";
  if (owner.empty() && root.empty()) return;
  const std::optional<std::string> failure = postfix::limit_privileges(owner, root);
  if (failure) log_.fatal(*failure);
}

void Start::heed(const codec::Notes& notes) {
  for (const std::string& warning : notes.warnings) log_.warning(warning);
  if (notes.fatal) log_.fatal(*notes.fatal);
}

}  // namespace weir::app
