#include "model/schedule_replay.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <utility>

#include "blackbox/scenario.hpp"
#include "blackbox/twin.hpp"
#include "support/recording.hpp"

namespace weir::testing {
namespace {

using namespace blackbox;
using Steps = std::vector<RecordedStep>;

// The order in which a directory gives its names is its own affair and stands in no recording; what does is the order
// in which the program took the files: by the input that they left the queue after. Of two that left after one input,
// the one whose request came first was the first, or the shorter one: the other might have closed the door behind it.
// Names that it never took come last.
class ListingOrder {
 public:
  enum class Ties { by_request, by_size };

  ListingOrder(const Steps& steps, Ties ties) : ties_(ties) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (const auto* message = std::get_if<NewMessage>(&steps[i].input)) {
        sizes_.emplace(message->name, message->recipients.size());
        arrived_.emplace(message->name, i);
      }
      for (const Observation& each : steps[i].expected) note(each, i);
    }
  }

  void operator()(std::vector<std::string>& names) const {
    std::sort(names.begin(), names.end(),
              [this](const std::string& a, const std::string& b) { return key(a) < key(b); });
  }

 private:
  void note(const Observation& each, std::size_t input) {
    const auto* moved = std::get_if<Moved>(&each.sight);
    if (moved != nullptr && moved->to != "incoming") taken_.emplace(moved->message, input);
    const auto* request = std::get_if<Requested>(&each.sight);
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

void append(const std::string& input, const std::vector<std::string>& seen, std::vector<std::string>& lines) {
  lines.push_back(input);
  lines.insert(lines.end(), seen.begin(), seen.end());
}

ReplayResult replay(const Steps& steps, const ListingOrder& order, const std::string& program, const BrainFactory& make,
                    const BrainCheck& check) {
  ReplayResult result;
  Twin twin(program, make, check);
  twin.list_by(order);
  for (const RecordedStep& step : steps) {
    const std::string input = "> " + show(step.input);
    append(input, expected_lines(step.expected, step.at), result.recorded);
    append(input, expected_lines(twin.apply(step.input), step.at), result.replayed);
    result.inputs += 1;
  }
  result.broken = twin.take_broken();
  return result;
}

}  // namespace

std::string ReplayResult::first_difference() const {
  const std::size_t common = std::min(recorded.size(), replayed.size());
  std::size_t at = 0;
  while (at < common && recorded[at] == replayed[at]) ++at;
  if (at == recorded.size() && at == replayed.size()) return "";
  std::string text;
  const std::size_t from = at < 4 ? 0 : at - 4;
  for (std::size_t i = from; i < at; ++i) text += "  = " + recorded[i] + '\n';
  for (std::size_t i = at; i < std::min(at + 6, recorded.size()); ++i) text += "  - " + recorded[i] + '\n';
  for (std::size_t i = at; i < std::min(at + 6, replayed.size()); ++i) text += "  + " + replayed[i] + '\n';
  return "line " + std::to_string(at + 1) + ":\n" + text;
}

ReplayResult replay_schedule(const std::filesystem::path& trace, const std::string& program, const BrainFactory& make,
                             const BrainCheck& check) {
  const Steps steps = read_recording(trace);
  ReplayResult result = replay(steps, ListingOrder(steps, ListingOrder::Ties::by_request), program, make, check);
  if (result.first_difference().empty()) return result;
  ReplayResult other = replay(steps, ListingOrder(steps, ListingOrder::Ties::by_size), program, make, check);
  return other.first_difference().empty() ? other : result;
}

}  // namespace weir::testing
