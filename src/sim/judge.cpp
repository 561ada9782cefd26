#include "sim/judge.hpp"

#include <algorithm>
#include <cstdint>

namespace weir::sim {
namespace {

int limit_of(const TransportConfig& c) { return c.destination_rate_delay > Seconds{0} ? 1 : c.concurrency_limit; }

//= R-PAR-014  slots are neither made nor lost, and at most the extra ones are lent
std::string broken_slots(const Snapshot& s, const Snapshot::Transport& t, const TransportConfig& c) {
  std::int64_t slots = t.pool;
  for (const auto& job : t.jobs) slots += job.room;
  for (const auto& message : s.messages) {
    for (const auto& job : message.retired) slots += job.transport == t.name ? job.room : 0;
  }
  if (slots != c.recipient_pool) return "PAR-014: recipient slots of " + t.name + " do not add up";
  if (t.pool < -c.extra_recipients) return "PAR-016: more extra slots lent than there are: " + t.name;
  return "";
}

//= R-PAR-026
std::string broken_windows(const Snapshot::Transport& t, const TransportConfig& c) {
  const int limit = limit_of(c);
  for (const auto& d : t.destinations) {
    if (d.window < -1) return "a window below -1: " + d.name;
    if (limit > 0 && d.window > limit) return "PAR-026: a window above the limit: " + d.name;
    if (limit > 0 && d.busy > limit) return "PAR-026: more deliveries than the concurrency limit: " + d.name;
    if (d.window == 0 && !d.todo.empty()) return "PAR-030: mail waits for a dead destination: " + d.name;
    if (d.window > 0 && d.todo.empty() && d.busy == 0) return "an idle destination was left behind: " + d.name;
  }
  return "";
}

// A free destination with waiting mail is not left waiting while a connection could be opened. More deliveries than
// the window allows count against the others of the transport (spec/scheduling.md), so they excuse.
//= R-GEN-05
std::string broken_conservation(const Snapshot::Transport& t) {
  if (t.dead || t.rate_locked || t.pending > 0 || !t.ready.empty() || t.suspended) return "";
  bool waits = false;
  bool excused = false;
  for (const auto& d : t.destinations) {
    waits |= d.window > d.busy && !d.todo.empty();
    excused |= d.window > 0 && d.window < d.busy;
  }
  if (waits && !excused) return "GEN-05: mail waits for a free destination, and no connection is opened: " + t.name;
  return "";
}

// Round robin knows no jobs and takes no slots.
//= R-STR-16
std::string broken_simplicity(const Snapshot& s, const Snapshot::Transport& t, const TransportConfig& c) {
  if (!t.jobs.empty() || t.current || t.candidate) return "STR-16: a job at " + t.name;
  for (const auto& message : s.messages) {
    if (!message.retired.empty()) return "STR-16: a job of " + message.queue_id;
  }
  return t.pool == c.recipient_pool ? "" : "STR-16: recipient slots of " + t.name + " are taken";
}

std::string broken_order(const Snapshot::Transport& t) {
  for (std::size_t i = 0; i < t.jobs.size(); ++i) {
    const auto& job = t.jobs[i];
    if (job.selected < 0 || job.selected > job.read) return "more entries selected than there are: " + t.name;
    if (!job.parent) continue;
    const auto parent = std::find_if(t.jobs.begin(), t.jobs.end(),
                                     [&](const Snapshot::Job& other) { return other.message == *job.parent; });
    if (job.level <= 0 || parent == t.jobs.end()) return "STR-14: a preempting job without the one it preempts";
    if (parent < t.jobs.begin() + static_cast<std::ptrdiff_t>(i)) return "STR-14: a job stands behind its parent";
  }
  return "";
}

}  // namespace

std::string broken_law(const Snapshot& s, const Config& config, bool at_rest) {
  //= R-QUE-03
  if (s.messages.size() > static_cast<std::size_t>(config.active_limit)) {
    return "QUE-03: more messages than the active limit";
  }
  std::int64_t recipients = 0;
  std::int64_t slots = 0;
  for (const auto& message : s.messages) recipients += message.in_core;
  if (recipients != s.recipients) return "PAR-011: recipients in memory are miscounted";
  for (const auto& t : s.transports) {
    const TransportConfig& c = config.transport(t.name);
    slots += c.recipient_pool + c.extra_recipients;
    if (t.pending < 0 || t.pending > 2) return "more than two connections pending: " + t.name;
    const bool in_turn = config.scheduler == Scheduler::round_robin;
    for (std::string broken : {in_turn ? broken_simplicity(s, t, c) : broken_slots(s, t, c), broken_windows(t, c),
                               in_turn ? "" : broken_order(t)}) {
      if (!broken.empty()) return broken;
    }
    if (!at_rest) continue;
    std::string broken = broken_conservation(t);
    if (!broken.empty()) return broken;
  }
  if (config.scheduler == Scheduler::round_robin) {
    // What an import adds fits below the limit but for a part of its batch; each message holds a batch that was read
    // when it had none, and those that were read early hold two together.
    const std::int64_t limit = config.message_recipient_limit;
    const std::int64_t batch = (limit * config.fudge_factor + 99) / 100 + 1;
    if (s.recipients > limit + config.active_limit * batch) {
      return "PAR-011: more recipients in memory than all batches allow";
    }
    return "";
  }
  // First reads fill up to the limit; later each message takes at most its minimum and the slots it holds.
  const std::int64_t minimums = static_cast<std::int64_t>(config.message_recipient_minimum) * config.active_limit;
  if (s.recipients > config.message_recipient_limit + minimums + slots) {
    return "PAR-011: more recipients in memory than all limits allow";
  }
  return "";
}

}  // namespace weir::sim
