// Jobs: the schedule list, the stacks of preempting jobs, recipient slots. Spec: spec/scheduling.md.
#include <algorithm>

#include "contract/check.hpp"
#include "engine/engine.hpp"

namespace weir::engine {

// --- what the schedule knows of a job ----------------------------------------------------------------

// A choice that comes to it does something even if it has no entry to send.
bool Engine::is_special(const Job& job) const {
  if (!job.is_linked()) return false;
  const Message& message = messages_[job.message];
  if (message.reading || !job.has_entries()) return true;
  return message.more && message.refs > 0 && message.room > static_cast<std::int64_t>(message.in_core);
}

void Engine::did_change_job(Ref<Job> j) {
  Job& job = jobs_[j];
  if (!job.is_linked()) return;
  constexpr std::int64_t kMost = JobSummary::kNever - 1;
  JobFacts own;
  own.bits = static_cast<std::uint8_t>(job.own.bits & JobSummary::kFresh);
  if (job.ring.root() && peers_[job.ring.root()].any_open) own.bits |= JobSummary::kOpen;
  if (is_special(job)) own.bits |= JobSummary::kSpecial;
  if (!job.first_child) {
    const std::int64_t total = most(job);
    const std::int64_t need = total - job.selected;
    if (need > 0) {
      own.total = static_cast<std::uint32_t>(std::min(total, kMost));
      own.need = static_cast<std::uint32_t>(std::min(need, kMost));
    }
    own.may_end_search = job.level == 0;
  }
  own.alone = !job.parent;
  if (own == job.own) return;
  job.own = own;
  job.transport->jobs.update(jobs_, j);
}

void Engine::did_change_message(Ref<Message> m) {
  for (Ref<Job> j = messages_[m].first_job; j; j = jobs_[j].next_of_message) {
    Job& job = jobs_[j];
    const bool unread = job.is_linked() && messages_[m].more;
    if (unread != job.transport->unread.has(jobs_, j)) {
      if (unread) {
        job.transport->unread.insert(jobs_, j, [](const Job& a, const Job& b) {
          return a.queued != b.queued ? a.queued < b.queued : a.linked < b.linked;
        });
      } else {
        job.transport->unread.erase(jobs_, j);
      }
    }
    did_change_job(j);
  }
}

// --- the schedule list -------------------------------------------------------------------------------

Ref<Job> Engine::obtain_job(Ref<Message> m, Transport& t) {
  Message& message = messages_[m];
  Ref<Job> j = message.first_job;
  while (j && jobs_[j].transport != &t) j = jobs_[j].next_of_message;
  if (!j) {
    j = jobs_.take();
    Job& job = jobs_[j];
    job.transport = &t;
    job.message = m;
    job.queued = message.queued;
    (message.last_job ? jobs_[message.last_job].next_of_message : message.first_job) = j;
    message.last_job = j;
  }
  if (!jobs_[j].is_linked()) link(j);
  t.candidate_for = {};
  if (is_blocked(jobs_[j])) {
    unblock(j);
    t.current = t.jobs.first();
  }
  return j;
}

// The last job without a parent that is not younger; a new job stands behind it.
Ref<Job> Engine::last_not_younger(const Transport& t, Age queued) const {
  Ref<Job> x = t.jobs.root();
  if (!x || jobs_[x].sum.oldest_alone > queued) return {};
  for (;;) {
    const Job& job = jobs_[x];
    const Ref<Job> right = job.in_schedule.right;
    if (right && jobs_[right].sum.oldest_alone <= queued) {
      x = right;
    } else if (job.own.alone && job.queued <= queued) {
      return x;
    } else {
      x = job.in_schedule.left;
    }
  }
}

void Engine::link(Ref<Job> j) {
  Job& job = jobs_[j];
  Transport& t = *job.transport;
  Message& message = messages_[job.message];
  put_into_schedule(last_not_younger(t, job.queued), j);
  if (!t.current || job.label < jobs_[t.current].label) t.current = j;

  job.linked = ++last_serial_;
  if (!t.next_unread || job.queued < jobs_[t.next_unread].queued) {
    const Ref<Job> old = t.next_unread;
    t.next_unread = j;
    if (old) give_back_slots(old);
  }
  job.level = 0;
  if (t.pool > 0) {
    mark(Rule::par_014);  //= R-PAR-014
    job.room += t.pool;
    message.room += t.pool;
    t.pool = 0;
  }
  // What lies before the sweep has been looked at; this one has not.
  if (is_swept(job)) set_fresh(j, true);
  did_change_message(job.message);
}

// Directly before the sweep it moves the sweep; elsewhere before it the caller says what the job is.
void Engine::put_into_schedule(Ref<Job> after, Ref<Job> j) {
  Job& job = jobs_[j];
  Transport& t = *job.transport;
  job.own = {};
  t.jobs.insert_after(jobs_, after, j);
  t.job_count += 1;
  set_label(t, j);
  if (t.jobs.next(jobs_, j) == t.sweep) t.sweep = j;
}

void Engine::take_out_of_schedule(Ref<Job> j) {
  Transport& t = *jobs_[j].transport;
  if (t.sweep == j) t.sweep = t.jobs.next(jobs_, j);
  t.jobs.erase(jobs_, j);
  t.job_count -= 1;
}

// Labels leave room between neighbours; where there is none left, the neighbourhood is spread out anew.
void Engine::set_label(Transport& t, Ref<Job> j) {
  constexpr std::uint64_t kGap = std::uint64_t{1} << 32;
  const Ref<Job> before = t.jobs.previous(jobs_, j);
  const Ref<Job> after = t.jobs.next(jobs_, j);
  const std::uint64_t low = before ? jobs_[before].label : 0;
  const std::uint64_t high = after ? jobs_[after].label : ~std::uint64_t{0};
  if (high - low > 2 * kGap) {
    jobs_[j].label = after && !before ? high - kGap : low + kGap;
  } else if (high - low >= 2) {
    jobs_[j].label = low + (high - low) / 2;
  } else {
    jobs_[j].label = low;
    spread_labels(t, j);
  }
}

// The smallest aligned range of labels around `j` that is thinly enough used is shared out evenly. The allowed
// density falls with the size of the range, so the work is O(log n) amortized a job.
void Engine::spread_labels(Transport& t, Ref<Job> around) {
  Ref<Job> first = around;
  Ref<Job> last = around;
  std::uint64_t count = 1;
  double allowed = 1;
  for (unsigned bits = 1; bits < 64; ++bits) {
    allowed *= 1.5;
    const std::uint64_t size = std::uint64_t{1} << bits;
    const std::uint64_t begin = jobs_[around].label & ~(size - 1);
    for (Ref<Job> x = t.jobs.previous(jobs_, first); x && jobs_[x].label >= begin; x = t.jobs.previous(jobs_, x)) {
      first = x;
      count += 1;
    }
    for (Ref<Job> x = t.jobs.next(jobs_, last); x && jobs_[x].label - begin < size; x = t.jobs.next(jobs_, x)) {
      last = x;
      count += 1;
    }
    if (static_cast<double>(count) > allowed || size / (count + 1) < 2) continue;
    const std::uint64_t step = size / (count + 1);
    std::uint64_t label = begin;
    for (Ref<Job> x = first;; x = t.jobs.next(jobs_, x)) {
      label += step;
      jobs_[x].label = label;
      if (x == last) return;
    }
  }
  WEIR_CHECK(false);
}

// --- leaving -----------------------------------------------------------------------------------------

void Engine::unlink(Ref<Job> j) {
  Job& job = jobs_[j];
  Transport& t = *job.transport;
  while (job.first_child) {
    const Ref<Job> child = job.first_child;
    remove_child(j, child);
    did_change_job(child);
  }
  if (t.current == j) {
    t.current = t.jobs.next(jobs_, j);
    jobs_.expect(t.current, 3);
    if (t.current) messages_.expect(jobs_[t.current].message);
  }
  if (t.candidate_for == j || t.candidate == j) t.candidate_for = {};
  take_out_of_schedule(j);
  job.level = -1;
  job.own = {};
  did_change_message(job.message);
}

void Engine::retire(Ref<Job> j) {
  if (jobs_[j].level > 0) leave_stack(j);
  give_back_slots(j);
  unlink(j);
}

void Engine::add_child(Ref<Job> parent, Ref<Job> child) {
  Job& p = jobs_[parent];
  Job& c = jobs_[child];
  c.parent = parent;
  c.in_siblings = {p.last_child, {}};
  (p.last_child ? jobs_[p.last_child].in_siblings.next : p.first_child) = child;
  p.last_child = child;
}

void Engine::remove_child(Ref<Job> parent, Ref<Job> child) {
  Job& p = jobs_[parent];
  Job& c = jobs_[child];
  const ListLinks<Job> links = c.in_siblings;
  (links.previous ? jobs_[links.previous].in_siblings.next : p.first_child) = links.next;
  (links.next ? jobs_[links.next].in_siblings.previous : p.last_child) = links.previous;
  c.in_siblings = {};
  c.parent = {};
}

// It preempts nobody any more: unused slots return, and its children are adopted.
void Engine::leave_stack(Ref<Job> j) {
  Job& job = jobs_[j];
  Transport& t = *job.transport;
  const Ref<Job> parent = job.parent;
  if (parent) {
    Job& above = jobs_[parent];
    if (job.level == above.level + 1) above.avail -= job.used * t.config.slot_cost;
    remove_child(parent, j);
  }
  while (job.first_child) {
    const Ref<Job> child = job.first_child;
    remove_child(j, child);
    if (parent) add_child(parent, child);
    did_change_job(child);
  }
  job.level = 0;
  t.candidate_for = {};
  if (parent) did_change_job(parent);
  did_change_job(j);
}

void Engine::remove_jobs(Ref<Message> m) {
  Message& message = messages_[m];
  while (message.first_job) {
    const Ref<Job> j = message.first_job;
    if (jobs_[j].is_linked()) {
      retire(j);
    } else {
      give_back_slots(j);
    }
    Transport& t = *jobs_[j].transport;
    if (t.suspended && t.suspended->job == j) t.suspended->job = {};
    message.first_job = jobs_[j].next_of_message;
    jobs_.release(j);
  }
  message.last_job = {};
}

// --- recipient slots ---------------------------------------------------------------------------------

// Free slots go back to the pool, and from there to the first unread job by age.
void Engine::give_back_slots(Ref<Job> j) {
  Job& job = jobs_[j];
  Transport& t = *job.transport;
  Message& message = messages_[job.message];
  if (t.next_unread == j) {
    t.next_unread = t.unread.first_where(jobs_, [&](const Job& other) {
      return other.queued != job.queued ? other.queued > job.queued : other.linked > job.linked;
    });
  }
  const std::int64_t free = std::min(job.room - static_cast<std::int64_t>(job.in_core),
                                     message.room - static_cast<std::int64_t>(message.in_core));
  if (free <= 0) return;
  job.room -= free;
  message.room -= free;
  t.pool += free;
  did_change_message(job.message);
  if (t.pool <= 0 || !t.next_unread) return;
  mark(Rule::par_014);
  Job& heir = jobs_[t.next_unread];
  heir.room += t.pool;
  messages_[heir.message].room += t.pool;
  t.pool = 0;
  did_change_message(heir.message);
}

}  // namespace weir::engine
