#include "blackbox/excuses.hpp"

namespace weir::blackbox {
namespace {

const std::string* log_text(const std::optional<Observation>& observation) {
  const auto* log = observation ? std::get_if<LogText>(&observation->sight) : nullptr;
  return log == nullptr ? nullptr : &log->text;
}

const Requested* request_of(const std::optional<Observation>& observation) {
  return observation ? std::get_if<Requested>(&observation->sight) : nullptr;
}

bool contains(const std::string* text, const char* part) {
  return text != nullptr && text->find(part) != std::string::npos;
}

}  // namespace

std::vector<Excuse> known_excuses() {
  std::vector<Excuse> excuses;
  excuses.push_back({"DV-01", "after a crash the destination is blamed with the reason of another delivery's report",
                     [](const Input& input, const auto& seen, const auto& allowed, const Ledger&) {
                       const auto* reply = std::get_if<Reply>(&input);
                       const bool broke_off =
                           std::holds_alternative<Crash>(input) || (reply != nullptr && reply->raw.has_value());
                       (void)allowed;
                       const Requested* request = request_of(seen);
                       return broke_off && ((request != nullptr && request->transport == "retry") ||
                                            contains(log_text(seen), "delivery temporarily suspended"));
                     }});
  excuses.push_back({"DV-03", "destinations of retry are kept for ever, and count",
                     [](const Input&, const auto& seen, const auto& allowed, const Ledger&) {
                       return contains(log_text(seen), "qmgr_queue_unthrottle") ||
                              contains(log_text(allowed), "qmgr_queue_unthrottle");
                     }});
  return excuses;
}

}  // namespace weir::blackbox
