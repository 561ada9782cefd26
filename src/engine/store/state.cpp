#include "engine/store/state.hpp"

#include <algorithm>

namespace weir::engine {

JobSummary Job::alone_summary() const {
  JobSummary summary;
  summary.bits = own.bits;
  summary.least_total = own.total;
  summary.least_need = own.need;
  if (own.need != JobSummary::kNever) summary.oldest = queued;
  if (own.may_end_search) summary.youngest_stop = queued + 1;
  if (own.alone) summary.oldest_alone = queued;
  return summary;
}

bool ScheduleSummary::sum(Job& job, const Job* left, const Job* right) {
  JobSummary all = job.alone_summary();
  for (const Job* side : {left, right}) {
    if (side == nullptr) continue;
    const JobSummary& s = side->sum;
    all.bits = static_cast<std::uint8_t>(all.bits | s.bits);
    all.least_total = std::min(all.least_total, s.least_total);
    all.least_need = std::min(all.least_need, s.least_need);
    all.oldest = std::min(all.oldest, s.oldest);
    all.youngest_stop = std::max(all.youngest_stop, s.youngest_stop);
    all.oldest_alone = std::min(all.oldest_alone, s.oldest_alone);
  }
  const bool changed = !(all == job.sum);
  job.sum = all;
  return changed;
}

void Destination::reset() {
  std::string kept_name = std::move(name);
  std::string kept_nexthop = std::move(other_nexthop);
  *this = {};
  name = std::move(kept_name);
  other_nexthop = std::move(kept_nexthop);
}

void Message::reset() {
  rare.reset();
  batch.clear();
  arrival = active_arrival = {};
  create_time = warn_time = Seconds{0};
  unread = room = 0;
  in_core = refs = disposals = 0;
  trace_flags = 0;
  queued = refilled = 0;
  first_job = last_job = {};
  stage = Stage::admitting;
  flush_each = lift = expire = reading = more = single = deferred = false;
  inspect = success_notify = has_trace_record = false;
}

}  // namespace weir::engine
