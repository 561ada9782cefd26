// The order in which a directory gives its names is its own affair and stands in no recording; what does is the order
// in which the program took the files: by the input that they left the queue after. Of two that left after one input,
// the one whose request came first was the first, or the shorter one: the other might have closed the door behind it.
// Names that it never took come last.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "support/recording.hpp"

namespace weir::testing {

class ListingOrder {
 public:
  enum class Ties { by_request, by_size };

  ListingOrder(const std::vector<RecordedStep>& steps, Ties ties) : ties_(ties) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (const auto* message = std::get_if<blackbox::NewMessage>(&steps[i].input)) {
        sizes_.emplace(message->name, message->recipients.size());
        arrived_.emplace(message->name, i);
      }
      for (const blackbox::Observation& each : steps[i].expected) note(each, i);
    }
  }

  void operator()(std::vector<std::string>& names) const {
    std::sort(names.begin(), names.end(),
              [this](const std::string& a, const std::string& b) { return key(a) < key(b); });
  }

 private:
  void note(const blackbox::Observation& each, std::size_t input) {
    const auto* moved = std::get_if<blackbox::Moved>(&each.sight);
    if (moved != nullptr && moved->to != "incoming") taken_.emplace(moved->message, input);
    const auto* request = std::get_if<blackbox::Requested>(&each.sight);
    if (request != nullptr) requested_.emplace(request->message, requested_.size());
  }
  [[nodiscard]] std::array<std::size_t, 3> key(const std::string& message) const {
    constexpr auto kNever = std::numeric_limits<std::size_t>::max();
    const auto& second = ties_ == Ties::by_request ? requested_ : sizes_;
    const auto taken = taken_.find(message);
    const auto tie = second.find(message);
    return {taken == taken_.end() ? kNever : taken->second, tie == second.end() ? kNever : tie->second,
            arrived_.at(message)};
  }

  Ties ties_;
  std::map<std::string, std::size_t> taken_, requested_, sizes_, arrived_;
};

}  // namespace weir::testing
