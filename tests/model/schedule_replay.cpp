#include "model/schedule_replay.hpp"

#include <algorithm>
#include <utility>

#include "blackbox/scenario.hpp"
#include "blackbox/twin.hpp"
#include "support/listing_order.hpp"
#include "support/recording.hpp"

namespace weir::testing {
namespace {

using namespace blackbox;
using Steps = std::vector<RecordedStep>;

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
