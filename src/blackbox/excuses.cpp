#include "blackbox/excuses.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "blackbox/surroundings.hpp"
#include "codec/time_value.hpp"

namespace weir::blackbox {
namespace {

const std::string* log_text(const std::optional<Observation>& observation) {
  const auto* log = observation ? std::get_if<LogText>(&observation->sight) : nullptr;
  return log == nullptr ? nullptr : &log->text;
}

bool has_rate_delay(const Setup& setup, const std::string& transport) {
  const auto is_set = [&](const std::string& name) {
    const auto found = setup.parameters.find(name);
    return found != setup.parameters.end() && found->second != "0" && found->second != "0s";
  };
  return is_set(transport + "_transport_rate_delay") || is_set("default_transport_rate_delay");
}

using Seen = std::optional<Observation>;

// Of a connection, tried or made, or a request.
std::optional<std::string> transport_of(const Seen& observation) {
  if (!observation) return std::nullopt;
  const Sight& sight = observation->sight;
  if (const auto* log = std::get_if<LogText>(&sight)) return transport_not_connected(log->text);
  if (const auto* allocated = std::get_if<Allocated>(&sight)) return allocated->transport;
  if (const auto* connected = std::get_if<Connected>(&sight)) return connected->transport;
  if (const auto* closed = std::get_if<Closed>(&sight)) return closed->transport;
  if (const auto* requested = std::get_if<Requested>(&sight)) return requested->transport;
  return std::nullopt;
}

// In seconds; `standard` if it is not set, or to something that a process ends at.
std::int64_t seconds_of(const Setup& setup, const std::string& name, std::int64_t standard) {
  const auto found = setup.parameters.find(name);
  const auto time = found == setup.parameters.end() ? std::nullopt : codec::parse_time(found->second, 's');
  return time ? time->count() : standard;
}

// A destination of retry is a status code and a reason, which a line about a deferral says.
bool says_reason(const std::string& text, const std::string& destination) {
  const auto space = destination.find(' ');
  if (space == std::string::npos) return false;
  const std::string deferred =
      "dsn=" + destination.substr(0, space) + ", status=deferred (" + destination.substr(space + 1) + ')';
  return text.find(deferred) != std::string::npos;
}

// The transport or a word of the line is among them.
bool is_about(const Seen& observation, const Ledger::Names& names) {
  if (const auto transport = transport_of(observation); transport && names.contains(*transport)) return true;
  const std::string* text = log_text(observation);
  return text != nullptr && std::any_of(names.begin(), names.end(), [&](const std::string& name) {
           return text->find(' ' + name + ' ') != std::string::npos ||
                  text->find(' ' + name + ':') != std::string::npos || text->ends_with(' ' + name) ||
                  says_reason(*text, name);
         });
}

bool breaks_off(const Input& input) {
  const auto* reply = std::get_if<Reply>(&input);
  return std::holds_alternative<Crash>(input) || (reply != nullptr && reply->raw);
}

// DV-01
bool is_wrong_blame(const Input& input, const Seen& seen, const Seen& allowed, const Ledger& books) {
  if (books.broken_off_after_blame().empty()) return false;
  Ledger::Names names = books.broken_off_after_blame();
  names.insert("retry");
  return breaks_off(input) || is_about(seen, names) || is_about(allowed, names);
}

// DV-02
bool is_lasting_lock(const Input&, const Seen&, const Seen& allowed, const Ledger& books) {
  const auto transport = transport_of(allowed);
  return transport && books.broken_off().contains(*transport) && has_rate_delay(books.setup(), *transport);
}

// DV-03: destinations of retry have a status code for a name.
bool is_about_reasons(const Seen& observation) {
  const std::string* text = log_text(observation);
  const auto has = [&](const char* part) { return text->find(part) != std::string::npos; };
  return text != nullptr && (has("mail for 4.") || has("master.cf transport for 4.") ||
                             has(" retry connect and helo") || has("qmgr_queue_unthrottle: queue 4."));
}

// A dead destination is forgotten when there are too many, which reasons make come sooner.
bool is_forgotten_early(const Seen& seen, const Seen& allowed, const Ledger& books) {
  const auto limit = books.setup().parameters.find("qmgr_message_recipient_limit");
  const std::size_t bound = limit == books.setup().parameters.end() ? 40'000 : 2 * std::stoul(limit->second);
  if (books.destinations() + books.reasons().size() <= bound) return false;
  const std::string* text = log_text(seen);
  return transport_of(seen) || transport_of(allowed) ||
         (text != nullptr && text->find("qmgr_queue_unthrottle: ") != std::string::npos);
}

bool is_kept_reason(const Input&, const Seen& seen, const Seen& allowed, const Ledger& books) {
  // Another one of the reasons of retry has its turn.
  const bool another_turn = transport_of(seen) == "retry" && transport_of(allowed) == "retry";
  return is_about_reasons(seen) || is_about_reasons(allowed) || another_turn ||
         is_forgotten_early(seen, allowed, books);
}

bool is_of_clogs(const Seen& observation) {
  const std::string* text = log_text(observation);
  return text != nullptr && text->starts_with("warning: mail for ");
}

// DV-10: while retry is dead, what would go to it is recorded. Here all leaves memory at once; there one after the
// other, and what ends meanwhile goes on at once. So other numbers of recipients are read on of such messages, and what
// then was warned about, or not, is not warned about again for a while, or is.
bool is_one_by_one(const Input&, const Seen& seen, const Seen& allowed, const Ledger& books) {
  const auto failed_at = books.failed_at("retry");
  const std::int64_t at = seen ? seen->at : allowed->at;
  const bool is_dead = failed_at && at <= *failed_at + seconds_of(books.setup(), "transport_retry_time", 60);
  return is_dead || !books.partly_recorded().empty() || (failed_at && (is_of_clogs(seen) || is_of_clogs(allowed)));
}

// DV-12: the other decides all this later.
bool is_waiting_on(const Input&, const Seen&, const Seen&, const Ledger& books) { return books.resolver_was_late(); }

}  // namespace

std::vector<Excuse> known_excuses() {
  return {
      {"DV-02", "after an agent broke off, its transport with a rate delay gets no connection", is_lasting_lock},
      {"DV-01", "after an agent broke off, a destination is blamed with another delivery's reason", is_wrong_blame},
      {"DV-03", "destinations of retry are kept for ever, and count", is_kept_reason},
      {"DV-12", "the resolver is waited for as long as it takes", is_waiting_on},
      {"DV-10", "while retry is dead records are made one by one, and what ends meanwhile goes on", is_one_by_one},
  };
}

}  // namespace weir::blackbox
