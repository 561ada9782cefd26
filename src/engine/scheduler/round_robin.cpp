// The scheduler of oqmgr: each transport has a wheel of destinations, each destination a line of entries; no jobs, no
// peers, no slots. Spec: spec/round_robin.md.
#include <cmath>

#include "engine/engine.hpp"

namespace weir::engine {

//= R-STR-16
Engine::Choice Engine::choose_in_turn(Transport& t) {
  const Ref<Spoke> spoke = t.wheel.first_above_0();
  if (!spoke) {
    agents_wait_ |= reading_ > 0;
    return {{}, reading_ > 0};
  }
  mark(Rule::str_16);
  const Ref<Destination> d = t.wheel.destination(spoke);
  t.wheel.turn_past(spoke);
  const Ref<Entry> e = destinations_[d].todo.front();
  take_from_todo(e, d);
  destinations_[d].busy += 1;
  set_cache_flags(destinations_[d]);
  did_change_capacity(d);
  return {e, false};
}

Ref<Entry> Engine::create_entry_in_turn(Ref<Message> m, Ref<Destination> d) {
  const Ref<Entry> e = entries_.take();
  entries_[e].in_turn = {m, d};
  put_into_todo(e, d);
  did_create_entry(m, d);
  return e;
}

// Into the entry of the recipient before, if it is for the same destination and not full; a run is taken at once.
void Engine::assign_neighbours(Ref<Message> m, const std::vector<Placement>& placements) {
  for (std::size_t i = 0; i < placements.size();) {
    const Ref<Destination> d = placements[i].destination;
    const Ref<Entry> e = create_entry_in_turn(m, d);
    std::size_t room = placements.size();
    if (const int limit = destinations_[d].transport->config.recipient_limit; limit != 0) {
      mark(Rule::par_038);  //= R-PAR-038
      room = static_cast<std::size_t>(limit);
    }
    if (messages_[m].single) room = 1;
    chunk_.clear();
    for (; i < placements.size() && placements[i].destination == d && chunk_.size() < room; ++i) {
      chunk_.push_back(std::move(*placements[i].recipient));
    }
    entries_[e].recipients.append(texts_, chunk_.data(), chunk_.data() + chunk_.size());
    const auto added = static_cast<std::uint32_t>(chunk_.size());
    messages_[m].in_core += added;
    recipients_ += added;
  }
}

// --- recipients in memory ----------------------------------------------------------------------------

double Engine::share_of_recipients() const { return config_.message_recipient_limit * (config_.fudge_factor / 100.0); }

//= R-PAR-023
std::int64_t Engine::batch_size() const { return static_cast<std::int64_t>(std::ceil(share_of_recipients())); }

// After a delivery: enough has gone, so that the next batch comes before the last one is done.
bool Engine::reads_early(const Message& message) const {
  if (!round_robin_ || !message.more || message.reading) return false;
  return static_cast<double>(recipients_ + asked_) < share_of_recipients() - 100;
}

}  // namespace weir::engine
