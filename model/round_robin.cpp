// The scheduler of oqmgr, without jobs: each transport has a wheel of destinations, each destination a line of entries.
// Spec: spec/round_robin.md. What it shares with qmgr's (allocation, destinations, feedback, death, completion) stands
// where qmgr's stands.
#include <algorithm>
#include <cmath>
#include <utility>

#include "model/model.hpp"

namespace weir::model {

//= R-STR-16  no preemption: the first destination of the wheel that can take an entry gives its oldest one
Model::Choice Model::choose_in_turn(const std::string& name) {
  Transport& t = s_.transports.at(name);
  auto& wheel = t.destinations;
  const auto chosen = std::find_if(wheel.begin(), wheel.end(), [this](DestinationId id) {
    const Destination& d = s_.destinations.at(id);
    return d.window > static_cast<int>(d.busy.size()) && !d.todo.empty();
  });
  if (chosen == wheel.end()) {  // the agent waits for recipients that are on their way
    return {.entry = std::nullopt, .suspended = someone_is_read()};
  }
  Destination& d = s_.destinations.at(*chosen);
  std::rotate(wheel.begin(), chosen + 1, wheel.end());  // what follows the chosen one is first next time
  const EntryId entry = d.todo.front();
  d.todo.erase(d.todo.begin());
  d.busy.insert(entry);
  set_cache_flags(d);
  return {.entry = entry, .suspended = false};
}

// In second-sort order: into the entry of the recipient before, if it is for the same destination and not full.
void Model::assign_neighbours(MessageId id, const std::vector<Placement>& placements) {
  std::optional<EntryId> entry;
  for (const Placement& placement : placements) {
    const DestinationId destination = *placement.destination;
    const std::string& transport = s_.destinations.at(destination).transport;
    const auto limit = static_cast<std::size_t>(s_.transports.at(transport).config.recipient_limit);  //= R-PAR-038
    const bool fits = entry && s_.entries.at(*entry).destination == destination && !s_.messages.at(id).single &&
                      (limit == 0 || s_.entries.at(*entry).recipients.size() < limit);
    if (!fits) entry = create_entry(id, std::nullopt, destination);
    add_recipient(*entry, placement.recipient);
  }
}

// --- recipients in memory ----------------------------------------------------------------------------

// Entries hold them; those of a batch for which the resolver is asked are counted before they are in one.
std::int64_t Model::recipients_in_memory() const {
  std::int64_t count = s_.recipients;
  for (const auto& [id, message] : s_.messages) count += static_cast<std::int64_t>(message.batch.size());
  return count;
}

//= R-PAR-023  a share of the recipient limit: reading stops when the batch has as many, or more
std::int64_t Model::batch_size() const {
  const double share = s_.config.message_recipient_limit * (s_.config.fudge_factor / 100.0);
  return static_cast<std::int64_t>(std::ceil(share));
}

// A delivery has ended: is there so much room that the next batch of its message is read before the last one is done?
bool Model::reads_early() const {
  const double share = s_.config.message_recipient_limit * (s_.config.fudge_factor / 100.0);
  return static_cast<double>(recipients_in_memory()) < share - 100;
}

}  // namespace weir::model
