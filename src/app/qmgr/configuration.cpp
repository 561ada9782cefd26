#include "app/qmgr/configuration.hpp"

#include <optional>
#include <utility>

#include "codec/log_line.hpp"
#include "postfix/accounts.hpp"
#include "postfix/installed_version.hpp"

namespace weir::app {

codec::Notes Configuration::read_main_cf(postfix::Patience patience) {
  dictionary = codec::start_dictionary(surroundings);
  return postfix::read_main_cf_file(surroundings.config_directory, dictionary, patience);
}

codec::Notes Configuration::read_options(const std::vector<std::string>& arguments) {
  codec::ParsedOptions parsed = codec::parse_options(arguments);
  options = std::move(parsed.options);
  if (parsed.fatal) return {{}, std::move(parsed.fatal)};
  codec::apply(options, dictionary);
  surroundings.service_name = options.service_name;
  codec::set_process_facts(surroundings, dictionary);
  return {};
}

codec::Notes Configuration::evaluate_general() {
  return codec::evaluate_general(surroundings, postfix::SystemAccounts{}, dictionary, settings, config);
}

codec::Notes Configuration::evaluate_own() {
  codec::Notes notes = codec::evaluate_queue_manager(surroundings, dictionary, settings, config);
  if (notes.ok()) notes.fatal = codec::start_failure(options);
  return notes;
}

codec::Notes Configuration::check_debugger() const {
  if (settings.debugger_command.empty()) return {{}, "no debugger_command variable set up"};
  return {{"debugger_command is not run: the queue manager starts no other program"}, {}};
}

codec::Notes Configuration::before_jail() {
  codec::Notes notes = codec::open_domain_lists(postfix::load_file, settings);
  learn_dialect(notes);
  return notes;
}

// What is not known is taken for the release that Weir is tested with.
void Configuration::learn_dialect(codec::Notes& notes) {
  const std::optional<std::string> text = postfix::installed_mail_version(settings.daemon_directory);
  if (!text) return;
  dialect = codec::dialect_for(*codec::parse_mail_version(*text));
  if (!dialect.known) notes.warn("Postfix " + *text + " is not a release that Weir knows; taken for the nearest one");
}

//= R-GEN-01
codec::Notes Configuration::after_jail() {
  codec::Notes notes;
  if (surroundings.process_name == "nqmgr") {
    for (codec::LogLine& line : codec::line::nqmgr_is_old(surroundings.config_directory)) {
      notes.warn(std::move(line.text));
    }
  }
  notes.append(codec::repair(settings, config));
  return notes;
}

}  // namespace weir::app
