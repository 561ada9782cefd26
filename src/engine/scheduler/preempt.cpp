// A small job goes before a big one that has earned enough slots. Spec: spec/scheduling.md ("Preemption").
//
// The candidate is found by the definition's own walk from front to back, in which whole stretches of the schedule
// list are skipped when nothing in them can beat the best so far: a stretch is at most as good as its oldest job
// over its least total. The walk's early end, whom it skips and which of equals wins are those of the definition.
#include "engine/engine.hpp"

namespace weir::engine {

//= R-STR-14
Ref<Job> Engine::preempt(Transport& t, Ref<Job> c) {
  Job& current = jobs_[c];
  const std::int64_t cost = t.config.slot_cost;
  if (current.avail <= 0) return c;
  if (most(current) < t.config.minimum_slots * cost) {
    mark(Rule::par_046);  //= R-PAR-046
    return c;
  }
  const Ref<Job> k = candidate_for(t, c);
  if (!k) return c;
  Job& winner = jobs_[k];
  Message& message = messages_[winner.message];
  const std::int64_t need = most(winner) - winner.selected;
  const double price = static_cast<double>(need) * (100 - t.config.slot_discount) / 100.0;
  if (static_cast<double>(current.avail / cost + t.config.slot_loan) < price) {
    mark(Rule::par_054);  //= R-PAR-054
    return c;
  }
  mark(Rule::str_14);
  if (winner.level > 0) leave_stack(k);

  // Directly in front of the current job, blocked or not as before, with its waiting peers in their new order.
  const bool blocked = is_blocked(winner);
  for (Ref<Peer> p = winner.ring.first(); p; p = winner.ring.next(peers_, p)) unindex_peer(p);
  take_out_of_schedule(k);
  put_into_schedule(t.jobs.previous(jobs_, c), k);
  winner.level = current.level + 1;
  add_child(c, k);
  if (is_swept(winner) && !blocked) set_fresh(k, true);
  for (Ref<Peer> p = winner.ring.first(); p; p = winner.ring.next(peers_, p)) {
    if (peers_[p].waiting.empty()) continue;
    index_peer(p);
    did_change_capacity(peers_[p].destination);
  }
  t.current = k;
  t.candidate_for = {};
  mark(Rule::par_055);
  current.avail -= need * cost;  //= R-PAR-055
  winner.used = -need;
  if (message.more) {
    mark(Rule::par_016);  //= R-PAR-016
    const std::int64_t extra = (t.config.extra_recipients + t.pool + 1) / 2;
    winner.room += extra;
    message.room += extra;
    t.pool -= extra;
  }
  did_change_job(c);
  did_change_message(winner.message);
  return k;
}

// The remembered answer is used within its second, and "none" until something resets it: this shows.
Ref<Job> Engine::candidate_for(Transport& t, Ref<Job> current) {
  const Seconds steady = read_steady();
  if (t.candidate_for == current && (!t.candidate || t.candidate_at == steady)) return t.candidate;
  t.candidate = best_candidate(t, current);
  t.candidate_for = current;
  t.candidate_at = steady;
  return t.candidate;
}

struct Engine::Search {
  std::int64_t slots = 0;
  Ref<Job> current, best;
  double best_score = 0;
};

// Blocked jobs are none: of those that the sweep has passed only the fresh ones.
Ref<Job> Engine::best_candidate(const Transport& t, Ref<Job> c) const {
  const Job& current = jobs_[c];
  Search search;
  search.slots = (std::int64_t{current.read} - current.selected + current.avail) / t.config.slot_cost;
  search.current = c;
  if (search.slots <= 0) return {};
  const Ref<Job> behind = t.jobs.next(jobs_, c);
  Ref<Job> x = behind;
  if (is_swept(current)) {
    for (x = first_from(behind, JobSummary::kFresh); x && is_swept(jobs_[x]); x = first_from(x, JobSummary::kFresh)) {
      if (!look(search, x)) return search.best;
      x = t.jobs.next(jobs_, x);
      if (!x) break;
    }
    x = t.sweep;
  }
  for (; x; x = t.jobs.later_above(jobs_, x)) {
    if (!look(search, x)) break;
    if (!look_at_part(search, jobs_[x].in_schedule.right)) break;
  }
  return search.best;
}

// One job. False: the search ends here.
bool Engine::look(Search& search, Ref<Job> j) const {
  const Job& job = jobs_[j];
  if (job.first_child || j == search.current) return true;
  const std::int64_t total = most(job);
  const std::int64_t need = total - job.selected;
  const auto age = static_cast<double>(age_of_engine() - job.queued) + 1;
  if (need > 0 && need <= search.slots) {
    const double score = age / static_cast<double>(total);
    if (score > search.best_score) {
      search.best_score = score;
      search.best = j;
    }
  }
  return age > search.best_score || job.level != 0;
}

bool Engine::look_at_part(Search& search, Ref<Job> root) const {
  if (!root) return true;
  const JobSummary& sum = jobs_[root].sum;
  bool may_win = sum.least_need <= search.slots;
  if (may_win) {
    const auto age = static_cast<double>(age_of_engine() - sum.oldest) + 1;
    may_win = age / static_cast<double>(sum.least_total) > search.best_score;
  }
  if (!may_win) {
    if (sum.youngest_stop == 0) return true;
    const auto age = static_cast<double>(age_of_engine() - (sum.youngest_stop - 1)) + 1;
    return age > search.best_score;
  }
  return look_at_part(search, jobs_[root].in_schedule.left) && look(search, root) &&
         look_at_part(search, jobs_[root].in_schedule.right);
}

}  // namespace weir::engine
