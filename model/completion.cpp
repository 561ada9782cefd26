// The end of a delivery, and moving waiting entries away. Spec: spec/scheduling.md ("Completion").
#include <algorithm>
#include <cctype>
#include <utility>

#include "model/model.hpp"

namespace weir::model {
namespace {

//= R-STD-01  class.subject.detail
bool is_status_code(const std::string& code) {
  if (code.size() < 5 || (code[0] != '2' && code[0] != '4' && code[0] != '5') || code[1] != '.') return false;
  const auto dot = code.find('.', 2);
  if (dot == std::string::npos) return false;
  const auto is_number = [](const std::string& s) {
    return !s.empty() && s.size() <= 3 && std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  return is_number(code.substr(2, dot - 2)) && is_number(code.substr(dot + 1));
}

}  // namespace

void Model::on(const Delivered& event) {
  const auto found = s_.agents.find(event.agent);
  if (found == s_.agents.end() || !found->second.entry) return;
  const EntryId entry_id = *found->second.entry;
  const std::string transport = found->second.transport;
  s_.agents.erase(found);
  const Entry& entry = s_.entries.at(entry_id);
  const DestinationId destination = entry.destination;

  const Habits& habits = s_.config.habits;
  Dsn dsn = event.dsn;
  bool killed = false;
  if (event.try_again || !event.complete) {
    s_.messages.at(entry.message).deferred = true;
    if (!event.complete && habits.crash_kills_transport) {
      log(LogTransportFailure{transport});
      transport_dies(transport, {"4.3.0", "unknown mail transport error"});
    } else if (!dsn.code.empty()) {  // trouble with the destination
      if (!is_status_code(dsn.code)) dsn.code = "4.0.0";
      if (dsn.text.empty()) dsn.text = "unknown error";
      if (!habits.defers_itself) dsn.text = "delivery temporarily suspended: " + dsn.text;
      if (s_.destinations.at(destination).window > 0) {
        negative_feedback(destination, dsn);
        killed = s_.destinations.at(destination).window == 0;
        if (killed) move_entries(destination, dsn);  //= R-PAR-030
      }
    }
  }
  if (event.complete) {
    recover_transport(transport);
    if (dsn.text.empty()) positive_feedback(destination);
  } else {
    s_.transports.at(transport).rate_locked = false;  // the lock ends with the delivery, whatever its end: DV-02
  }
  end_entry(entry_id, true);
  if (killed) drop_idle_retry_destinations();
}

EntryId Model::create_entry(MessageId message, std::optional<JobId> job_id, DestinationId destination) {
  const auto id = fresh<EntryId>();
  Entry entry;
  entry.message = message;
  entry.job = job_id;
  entry.destination = destination;
  s_.entries.emplace(id, std::move(entry));
  if (job_id) {
    Job& job = s_.jobs.at(*job_id);
    auto peer =
        std::find_if(job.peers.begin(), job.peers.end(), [&](const Peer& p) { return p.destination == destination; });
    if (peer == job.peers.end()) peer = job.peers.insert(job.peers.end(), Peer{destination, {}, 0});
    peer->waiting.push_back(id);
    peer->entries += 1;
    job.read += 1;
  }
  s_.destinations.at(destination).todo.push_back(id);
  s_.messages.at(message).refs += 1;
  clog_check(destination);
  return id;
}

// In this order: off the lists, recipients out of memory, slots back, the destination, the message.
void Model::end_entry(EntryId id, bool was_running) {
  const Entry entry = s_.entries.at(id);
  s_.entries.erase(id);
  const DestinationId destination_id = entry.destination;
  Message& message = s_.messages.at(entry.message);
  Destination& d = s_.destinations.at(destination_id);
  const TransportConfig& config = s_.transports.at(d.transport).config;
  if (was_running) {
    d.busy.erase(id);
  } else {
    std::erase(d.todo, id);
    if (entry.job) {
      Job& job = s_.jobs.at(*entry.job);
      for (Peer& peer : job.peers) std::erase(peer.waiting, id);
      job.selected += 1;
    }
  }

  const int recipients = static_cast<int>(entry.recipients.size());
  message.in_core -= recipients;
  s_.recipients -= recipients;
  if (entry.job) {
    s_.jobs.at(*entry.job).in_core -= recipients;
    give_back_slots_of(entry);
  }

  if (was_running && config.destination_rate_delay > Seconds{0}) suspend(destination_id);  //= R-PAR-070
  if (d.window >= 0) unblock_check(destination_id);
  if (entry.job) {
    auto& peers = s_.jobs.at(*entry.job).peers;
    const auto peer =
        std::find_if(peers.begin(), peers.end(), [&](const Peer& p) { return p.destination == destination_id; });
    peer->entries -= 1;
    if (peer->entries == 0) peers.erase(peer);
  }
  if (was_running) d.last_done = clock();
  if (d.todo.empty() && d.busy.empty()) {
    //= R-PAR-012  a bound on the memory of dead destinations
    const std::size_t bound = 2 * static_cast<std::size_t>(s_.config.message_recipient_limit);
    if (d.window == 0 && s_.destinations.size() > bound) {
      unthrottle(destination_id);
    }
    delete_if_idle(destination_id);
  }
  message.refs -= 1;
  if (round_robin() && message.more && !message.reading && reads_early()) {
    ask_for_recipients(entry.message);
  } else {
    check_finished(entry.message);
  }
}

// Recipients of one of a message's jobs have left memory: which jobs of the message give slots back for it.
void Model::give_back_slots_of(const Entry& entry) {
  const Message& message = s_.messages.at(entry.message);
  for (const JobId sibling_id : std::vector<JobId>(message.jobs)) {
    const Job& sibling = s_.jobs.at(sibling_id);
    if (sibling_id == *entry.job || sibling.in_core >= sibling.room) continue;
    if (sibling.level < 0 || !message.more) give_back_slots(sibling_id);
  }
  if (!message.more) give_back_slots(*entry.job);
}

// Waiting entries of a dead destination or transport go to the retry transport, which defers them with the
// reason; when that is unusable they are deferred here and now. Oldest first, but newest first with round robin.
void Model::move_entries(DestinationId id, const Dsn& reason) {
  DestinationId retry;
  bool usable = false;
  const std::string text = reason.code + ' ' + reason.text;
  if (!s_.config.habits.defers_itself && !transport_of("retry").dead) {
    retry = obtain_destination("retry", text, text);
    usable = s_.destinations.at(retry).window != 0;
  }
  // The list is live; an entry's successor is taken before the entry is handled.
  const auto successor = [&](EntryId entry) -> std::optional<EntryId> {
    const auto& todo = s_.destinations.at(id).todo;
    const auto place = std::find(todo.begin(), todo.end(), entry);
    if (round_robin()) return place == todo.begin() ? std::nullopt : std::optional(*(place - 1));
    return place + 1 == todo.end() ? std::nullopt : std::optional(*(place + 1));
  };
  const auto& waiting = s_.destinations.at(id).todo;
  std::optional<EntryId> next;
  if (!waiting.empty()) next = round_robin() ? waiting.back() : waiting.front();
  while (next) {
    const EntryId old_id = *next;
    next = successor(old_id);
    Entry& old = s_.entries.at(old_id);
    const MessageId message = old.message;
    if (usable) {
      std::optional<JobId> job;
      if (!round_robin()) job = obtain_job(message, "retry");
      const EntryId moved = create_entry(message, job, retry);
      Entry& source = s_.entries.at(old_id);
      const int recipients = static_cast<int>(source.recipients.size());
      s_.entries.at(moved).recipients = std::exchange(source.recipients, {});
      if (job) {
        s_.jobs.at(*job).in_core += recipients;
        s_.jobs.at(*source.job).in_core -= recipients;
      }
    } else {
      for (const Recipient& recipient : old.recipients) defer_directly(message, recipient, reason);
    }
    end_entry(old_id, false);
  }
}

// A reason that nothing waits for any more is not left behind: DV-03.
void Model::drop_idle_retry_destinations() {
  if (s_.config.habits.defers_itself) return;
  for (const DestinationId id : std::vector<DestinationId>(transport_of("retry").destinations)) delete_if_idle(id);
}

}  // namespace weir::model
