// The model's state as an outsider would name it (contract/snapshot.hpp).
#include <string_view>
#include <utility>

#include "model/model.hpp"

namespace weir::model {
namespace {

std::string_view name_of(Timer::Kind kind) {
  switch (kind) {
    case Timer::Kind::heartbeat: return "heartbeat";
    case Timer::Kind::transport_retry: return "transport_retry";
    case Timer::Kind::destination_revive: return "destination_revive";
    case Timer::Kind::destination_resume: return "destination_resume";
    case Timer::Kind::agent_delay: return "agent_delay";
  }
  return "?";
}

Snapshot::Scan picture(const Scan& scan) {
  return {.open = scan.open,
          .all = scan.open && scan.current.all,
          .lift = scan.open && scan.current.lift,
          .next_start = scan.next.start,
          .next_all = scan.next.all,
          .next_lift = scan.next.lift,
          .next_revive = scan.next.revive};
}

class Painter {
 public:
  explicit Painter(const State& state) : s_(state) {}

  [[nodiscard]] Snapshot paint() const {
    Snapshot picture_of_all{.steady = s_.steady,
                            .incoming = picture(s_.incoming),
                            .deferred = picture(s_.deferred),
                            .first = s_.first,
                            .recipients = s_.recipients};
    for (const auto& [id, message] : s_.messages) picture_of_all.messages.push_back(paint(id, message));
    for (const auto& name : s_.transport_order)
      picture_of_all.transports.push_back(paint(name, s_.transports.at(name)));
    for (const auto& [id, agent] : s_.agents) picture_of_all.agents.push_back(id);
    for (const auto& [id, ticket] : s_.tickets) picture_of_all.tickets.push_back(id);
    for (const Timer& timer : s_.timers) picture_of_all.timers.push_back(paint(timer));
    return picture_of_all;
  }

 private:
  [[nodiscard]] std::optional<MessageId> owner(std::optional<JobId> job) const {
    if (!job) return std::nullopt;
    return s_.jobs.at(*job).message;
  }

  [[nodiscard]] Snapshot::Message paint(MessageId id, const Message& m) const {
    Snapshot::Message out{.id = id,
                          .queue_id = m.queue_id,
                          .stage = static_cast<std::int64_t>(m.stage),
                          .queued = m.queued,
                          .refilled = m.refilled,
                          .reading = m.reading,
                          .more = m.more,
                          .deferred = m.deferred,
                          .unread = m.unread,
                          .in_core = m.in_core,
                          .room = m.room,
                          .entries = m.refs,
                          .disposals = m.disposals};
    for (const JobId job_id : m.jobs) {
      const Job& job = s_.jobs.at(job_id);
      if (job.level >= 0) continue;
      out.retired.push_back({job.transport, job.read, job.selected, job.avail, job.used, job.in_core, job.room});
    }
    return out;
  }

  [[nodiscard]] Snapshot::Job paint(const Transport& t, const Job& job) const {
    Snapshot::Job out{.message = job.message,
                      .level = job.level,
                      .parent = owner(job.parent),
                      .blocked = job.tag == t.tag,
                      .read = job.read,
                      .selected = job.selected,
                      .avail = job.avail,
                      .used = job.used,
                      .in_core = job.in_core,
                      .room = job.room};
    for (const JobId child : job.children) out.children.push_back(s_.jobs.at(child).message);
    for (const Peer& peer : job.peers) {
      out.peers.push_back(
          {s_.destinations.at(peer.destination).name, static_cast<std::int64_t>(peer.waiting.size()), peer.entries});
    }
    return out;
  }

  [[nodiscard]] Snapshot::Destination paint(const Transport& t, const Destination& d) const {
    Snapshot::Destination out{.name = d.name,
                              .nexthop = d.nexthop,
                              .window = d.window,
                              .success = d.success,
                              .failure = d.failure,
                              .cohorts = d.cohorts,
                              .busy = static_cast<std::int64_t>(d.busy.size()),
                              .blocks = d.tag == t.tag,
                              .reason = d.reason,
                              .cache_flags = d.cache_flags,
                              .last_done = d.last_done,
                              .warn_at = d.warn_at};
    for (const EntryId id : d.todo) {
      const Entry& entry = s_.entries.at(id);
      Snapshot::Entry waiting{.message = entry.message};
      for (const Recipient& r : entry.recipients) waiting.recipients.push_back(r.offset);
      out.todo.push_back(std::move(waiting));
    }
    return out;
  }

  [[nodiscard]] Snapshot::Transport paint(const std::string& name, const Transport& t) const {
    Snapshot::Transport out{.name = name,
                            .pending = t.pending,
                            .dead = t.dead,
                            .rate_locked = t.rate_locked,
                            .pool = t.pool,
                            .current = owner(t.current),
                            .next_unread = owner(t.next_unread),
                            .candidate_at = t.candidate_for ? t.candidate_at : Seconds{0},
                            .ready = t.ready};
    if (t.candidate_for) {
      out.candidate = owner(t.candidate);
      out.candidate_for = owner(t.candidate_for);
    }
    if (t.suspended && s_.jobs.count(t.suspended->job) != 0) out.suspended = owner(t.suspended->job);
    for (const DestinationId id : t.destinations) out.destinations.push_back(paint(t, s_.destinations.at(id)));
    for (const JobId id : t.jobs) out.jobs.push_back(paint(t, s_.jobs.at(id)));
    return out;
  }

  [[nodiscard]] Snapshot::Timer paint(const Timer& timer) const {
    Snapshot::Timer out{.due = timer.due, .kind = std::string(name_of(timer.kind)), .what = timer.transport};
    const auto destination = s_.destinations.find(timer.destination);
    if (destination != s_.destinations.end()) {
      out.what = destination->second.transport + ' ' + destination->second.name;
    }
    return out;
  }

  const State& s_;
};

}  // namespace

Snapshot Model::snapshot() const { return Painter(s_).paint(); }

}  // namespace weir::model
