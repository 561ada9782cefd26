// What must hold after every event (spec/scheduling.md, "Invariants"), recounted from scratch.
#include <algorithm>
#include <utility>

#include "model/model.hpp"

namespace weir::model {

std::vector<std::string> Model::broken_invariants() const {
  std::vector<std::string> broken;
  const auto expect = [&](bool holds, std::string what) {
    if (!holds) broken.push_back(std::move(what));
  };
  const auto contains = [](const auto& list, const auto& element) {
    return std::find(list.begin(), list.end(), element) != list.end();
  };

  //= R-QUE-03
  expect(s_.messages.size() <= static_cast<std::size_t>(s_.config.active_limit), "more messages than the active limit");

  int recipients = 0;
  for (const auto& [id, entry] : s_.entries) {
    recipients += static_cast<int>(entry.recipients.size());
    const std::string& transport = s_.destinations.at(entry.destination).transport;
    const int limit = s_.transports.at(transport).config.recipient_limit;
    const bool moved = transport == "retry";  // its limit is not applied to moved entries
    expect(entry.job.has_value() != round_robin(), "an entry of the other scheduler");
    expect(moved || limit == 0 || entry.recipients.size() <= static_cast<std::size_t>(limit),
           "an entry above the recipient limit");
  }
  expect(recipients == s_.recipients, "recipients in memory are miscounted");

  for (const auto& [id, message] : s_.messages) {
    int in_core = 0;
    int in_jobs = 0;
    std::int64_t room = s_.config.message_recipient_minimum;
    int refs = 0;
    for (const JobId job : message.jobs) {
      in_jobs += s_.jobs.at(job).in_core;
      room += s_.jobs.at(job).room;
    }
    for (const auto& [entry_id, entry] : s_.entries) {
      if (entry.message != id) continue;
      refs += 1;
      in_core += static_cast<int>(entry.recipients.size());
    }
    expect(message.in_core == in_core, message.queue_id + ": its recipients in memory are miscounted");
    expect(round_robin() || message.in_core == in_jobs, message.queue_id + ": recipients of its jobs do not add up");
    expect(message.room == room, message.queue_id + ": room is not the minimum plus that of its jobs");
    expect(message.refs == refs, message.queue_id + ": entries are miscounted");
  }

  for (const auto& [id, job] : s_.jobs) {
    const Transport& t = s_.transports.at(job.transport);
    expect(job.selected >= 0 && job.selected <= job.read, "selected is not between 0 and read");
    expect(contains(t.jobs, id) == (job.level >= 0) && contains(t.by_age, id) == (job.level >= 0),
           "a job is on one list only, or at odds with its level");
    expect(!job.parent || job.level > 0, "a job with a parent has level 0");
    expect(job.level != 0 || !job.parent, "a job of level 0 has a parent");
    if (job.parent) {
      const auto here = std::find(t.jobs.begin(), t.jobs.end(), id);
      expect(std::find(here, t.jobs.end(), *job.parent) != t.jobs.end(), "a job stands behind its parent");
    }
  }

  for (const auto& [name, t] : s_.transports) {
    std::int64_t slots = t.pool;
    bool unread = false;
    for (const auto& [id, job] : s_.jobs) {
      if (job.transport != name) continue;
      slots += job.room;
      unread |= job.level >= 0 && s_.messages.at(job.message).more;
    }
    expect(slots == t.config.recipient_pool, name + ": recipient slots do not add up");
    expect(t.pool >= -t.config.extra_recipients, name + ": pool below minus the extra slots");
    expect(t.pool <= 0 || !unread, name + ": free slots beside an unread job");
    expect(!t.current || contains(t.jobs, *t.current), name + ": the current job is not on the list");
    expect(t.pending >= 0 && t.pending <= 2, name + ": more than two connections pending");
    if (!t.current && !t.suspended) {
      for (const JobId id : t.jobs) {
        const Job& job = s_.jobs.at(id);
        const bool selectable = std::any_of(job.peers.begin(), job.peers.end(), [this](const Peer& peer) {
          const Destination& d = s_.destinations.at(peer.destination);
          return !peer.waiting.empty() && d.window > static_cast<int>(d.busy.size());
        });
        expect(is_blocked(job) || !selectable, name + ": no current job beside a selectable entry");
      }
    }
    bool before = true;
    for (const JobId id : t.jobs) {
      if (t.current == id) before = false;
      if (before && t.current) expect(is_blocked(s_.jobs.at(id)), name + ": an unblocked job before the current one");
    }
  }

  for (const auto& [id, d] : s_.destinations) {
    const TransportConfig& config = s_.transports.at(d.transport).config;
    expect(d.window >= -1, d.name + ": window below -1");
    //= R-PAR-026
    expect(config.concurrency_limit == 0 || d.window <= config.concurrency_limit, d.name + ": window above the limit");
    expect(config.concurrency_limit == 0 || d.busy.size() <= static_cast<std::size_t>(config.concurrency_limit),
           d.name + ": more deliveries than the concurrency limit");
    expect(d.window != 0 || d.todo.empty(), d.name + ": waiting entries at a dead destination");
    expect(d.window <= 0 || !d.todo.empty() || !d.busy.empty(), d.name + ": an idle destination was left behind");
  }
  return broken;
}

}  // namespace weir::model
