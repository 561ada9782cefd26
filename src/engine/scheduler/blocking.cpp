// Which jobs are known to be blocked, without marking each: those that the sweep has passed and that are not fresh.
//
// A choice looks at jobs from the current one on and remembers those for which no destination had room. All of
// them are looked at anew when a destination that blocked one of them gets room. Here the memory is the place that
// the looking has reached (Transport::sweep) and a set of exceptions, the fresh jobs: linked, moved or given new
// entries behind that place. "Looked at anew" is a new epoch, and costs nothing per job.
//
// In the same way a destination is marked by the blocked jobs that wait for it: the marks are read off the waiting
// peers, and written down (Destination::epoch) only when such a peer stops waiting while its mark counts.
#include "engine/engine.hpp"

namespace weir::engine {

bool Engine::is_swept(const Job& job) const {
  const Transport& t = *job.transport;
  return job.is_linked() && (!t.sweep || job.label < jobs_[t.sweep].label);
}

bool Engine::is_blocked(const Job& job) const { return is_swept(job) && (job.own.bits & JobSummary::kFresh) == 0; }

// --- destinations that block -------------------------------------------------------------------------

// Its job was found blocked while this peer waited, in this epoch.
bool Engine::marks_its_destination(const Peer& p) const {
  const Job& job = jobs_[p.job];
  if (is_blocked(job)) return !p.unmarked;
  return job.unblocked_epoch == job.transport->epoch && p.filled < job.unblocked_at;
}

bool Engine::blocks(const Destination& d) const {
  if (d.epoch == d.transport->epoch) return true;
  for (Ref<Peer> p = d.peers.first(); p; p = d.peers.next(peers_, p)) {
    if (marks_its_destination(peers_[p])) return true;
    if (!is_swept(jobs_[peers_[p].job])) return false;  // nor is any behind it
  }
  return false;
}

// The peer stops waiting; what it said about its destination stays.
void Engine::keep_mark(Ref<Peer> p) {
  const Peer& peer = peers_[p];
  if (marks_its_destination(peer)) destinations_[peer.destination].epoch = jobs_[peer.job].transport->epoch;
}

void Engine::unblock_check(Ref<Destination> d) {
  Destination& destination = destinations_[d];
  const bool free = is_free(destination);
  if (!free && destination.window != 0) return;
  if (!blocks(destination)) return;
  if (free && !destination.todo.empty()) unblock_all(*destination.transport);
  destination.epoch = 0;
}

// --- jobs --------------------------------------------------------------------------------------------

void Engine::unblock_all(Transport& t) {
  t.epoch += 2;
  while (const Ref<Job> j = first_with(t, JobSummary::kFresh)) set_fresh(j, false);
  t.current = t.sweep = t.jobs.first();
  t.candidate_for = {};
}

// New entries: it must be looked at again.
void Engine::unblock(Ref<Job> j) {
  Job& job = jobs_[j];
  job.unblocked_epoch = job.transport->epoch;
  job.unblocked_at = ++last_serial_;
  set_fresh(j, true);
}

void Engine::set_fresh(Ref<Job> j, bool fresh) { set_bit(j, JobSummary::kFresh, fresh); }

void Engine::set_bit(Ref<Job> j, std::uint8_t bit, bool on) {
  Job& job = jobs_[j];
  const auto bits = static_cast<std::uint8_t>(on ? job.own.bits | bit : job.own.bits & ~bit);
  if (bits == job.own.bits) return;
  job.own.bits = bits;
  job.transport->jobs.update(jobs_, j);
}

Ref<Job> Engine::first_unblocked(const Transport& t) const {
  const Ref<Job> fresh = first_with(t, JobSummary::kFresh);
  return fresh ? fresh : t.sweep;
}

Ref<Job> Engine::first_with(const Transport& t, std::uint8_t bits) const {
  return t.jobs.first_marked(
      jobs_, [bits](const Job& job) { return (job.own.bits & bits) != 0; },
      [bits](const Job& job) { return (job.sum.bits & bits) != 0; });
}

Ref<Job> Engine::first_from(Ref<Job> x, std::uint8_t bits) const {
  if (!x) return {};
  return jobs_[x].transport->jobs.first_marked_from(
      jobs_, x, [bits](const Job& job) { return (job.own.bits & bits) != 0; },
      [bits](const Job& job) { return (job.sum.bits & bits) != 0; });
}

// The first unblocked job at which a choice can do anything: it has an entry to send, it would read, it has nothing
// left, or it has not been looked at since something new came. All unblocked jobs before it are blocked for sure.
Ref<Job> Engine::next_to_look_at(const Transport& t) const {
  const Ref<Job> open = first_with(t, JobSummary::kFresh | JobSummary::kOpen);
  if (open && is_swept(jobs_[open])) return open;
  const Ref<Job> special = first_from(t.sweep, JobSummary::kSpecial);
  if (!open || !special) return open ? open : special;
  return jobs_[open].label < jobs_[special].label ? open : special;
}

}  // namespace weir::engine
