#include "blackbox/excuses.hpp"

#include <algorithm>
#include <optional>
#include <string>

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

// Destinations of retry have a status code for a name.
bool is_about_retry(const std::string* text) {
  const auto has = [&](const char* part) { return text->find(part) != std::string::npos; };
  return text != nullptr && (has("mail for 4.") || has("qmgr_queue_unthrottle: queue 4."));
}

}  // namespace

std::vector<Excuse> known_excuses() {
  using Seen = std::optional<Observation>;
  std::vector<Excuse> excuses;
  excuses.push_back({"DV-02", "after an agent broke off, its transport with a rate delay gets no connection",
                     [](const Input&, const Seen&, const Seen&, const Ledger& books) {
                       return std::any_of(books.broken_off().begin(), books.broken_off().end(),
                                          [&](const std::string& name) { return has_rate_delay(books.setup(), name); });
                     }});
  excuses.push_back(
      {"DV-01", "after an agent broke off, a destination is blamed with another delivery's reason",
       [](const Input&, const Seen&, const Seen&, const Ledger& books) { return books.broken_off_after_blame(); }});
  excuses.push_back({"DV-03", "destinations of retry are kept for ever, and count",
                     [](const Input&, const Seen& seen, const Seen& allowed, const Ledger&) {
                       return is_about_retry(log_text(seen)) || is_about_retry(log_text(allowed));
                     }});
  return excuses;
}

}  // namespace weir::blackbox
