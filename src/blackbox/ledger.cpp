#include "blackbox/ledger.hpp"

#include <algorithm>
#include <utility>

#include "blackbox/surroundings.hpp"

namespace weir::blackbox {

// --- questions ---------------------------------------------------------------------------------------

int Ledger::waiting(const std::string& transport) const {
  const auto found = waiting_.find(transport);
  return found == waiting_.end() ? 0 : found->second;
}

std::vector<std::string> Ledger::waiting_transports() const {
  std::vector<std::string> names;
  for (const auto& [name, count] : waiting_) {
    if (count > 0) names.push_back(name);
  }
  return names;
}

bool Ledger::all_gone() const {
  return std::all_of(messages_.begin(), messages_.end(), [](const auto& each) { return each.second.where == "gone"; });
}

std::size_t Ledger::settled() const {
  std::size_t count = 0;
  for (const auto& [name, message] : messages_) {
    for (const auto& [address, person] : message.people) {
      if (person.standing != Standing::waiting && person.standing != Standing::running) count += 1;
    }
  }
  return count;
}

bool Ledger::listens(const std::string& transport) const {
  const auto found = listening_.find(transport);
  return found != listening_.end() && found->second;
}

Answer Ledger::resolve(const std::string& address) const {
  if (const auto found = resolved_.find(address); found != resolved_.end()) return found->second;
  return usual_answer(address);
}

std::size_t Ledger::destinations() const {
  std::set<std::string> names;
  for (const auto& [name, message] : messages_) {
    for (const std::string& address : message.input.recipients) {
      const Answer answer = resolve(address);
      const std::string local = answer.recipient.substr(0, answer.recipient.rfind('@'));
      names.insert(answer.transport + ' ' + local + '@' + answer.nexthop);
    }
  }
  return names.size();
}

std::optional<std::int64_t> Ledger::failed_at(const std::string& transport) const {
  const auto found = failed_at_.find(transport);
  return found == failed_at_.end() ? std::nullopt : std::optional(found->second);
}

// --- inputs ------------------------------------------------------------------------------------------

void Ledger::note(const Input& input) {
  if (const auto* setup = std::get_if<Setup>(&input)) {
    setup_ = *setup;
    for (const std::string& name : setup->transports) listening_[name] = true;
    for (const std::string& name : setup->absent) listening_[name] = false;
  } else if (const auto* message = std::get_if<NewMessage>(&input)) {
    for (const auto& [address, answer] : message->resolved) resolved_[address] = answer;
    Message& kept = messages_[message->name];
    kept.input = *message;
    kept.where = message->queue == Queue::deferred ? "deferred" : "incoming";
    kept.arrived = now_;
    for (const std::string& address : message->recipients) kept.people[resolve(address).recipient];
  } else if (const auto* slot = std::get_if<Slot>(&input)) {
    if (waiting(slot->transport) > 0) --waiting_[slot->transport];
  } else if (const auto* hang_up = std::get_if<HangUp>(&input)) {
    if (waiting(hang_up->transport) > 0) --waiting_[hang_up->transport];
  } else if (const auto* reply = std::get_if<Reply>(&input)) {
    if (reply->raw) note_break(reply->request);
    if (!reply->dsn.code.empty() || !reply->dsn.text.empty()) reasons_.insert(reply->dsn.code + ' ' + reply->dsn.text);
    const Standing good = reply->mark ? Standing::delivered : Standing::claimed;
    end_delivery(reply->request, reply->status == 0 && !reply->raw ? good : Standing::waiting);
  } else if (const auto* crash = std::get_if<Crash>(&input)) {
    note_break(crash->request);
    end_delivery(crash->request, Standing::waiting);
  } else if (const auto* advance = std::get_if<Advance>(&input)) {
    move_clock(now_ + advance->seconds);
  } else if (const auto* jump = std::get_if<Jump>(&input)) {
    move_clock(second_after(*jump, now_));
  } else if (const auto* unlisten = std::get_if<Unlisten>(&input)) {
    listening_[unlisten->transport] = false;
  } else if (const auto* relisten = std::get_if<Relisten>(&input)) {
    listening_[relisten->transport] = true;
  } else if (const auto* fails = std::get_if<ServiceFails>(&input)) {
    failing_.insert(fails->service);
  } else if (const auto* works = std::get_if<ServiceWorks>(&input)) {
    failing_.erase(works->service);
  } else if (std::holds_alternative<ResolverStalls>(input)) {
    if (!stalls_since_) stalls_since_ = now_;
  } else if (std::holds_alternative<ResolverAnswers>(input)) {
    stalls_since_.reset();
  }
}

void Ledger::move_clock(std::int64_t to) {
  set_back_ += std::max<std::int64_t>(now_ - to, 0);
  now_ = to;
  latest_ = std::max(latest_, now_);
  resolver_was_late_ |= stalls_since_ && to > *stalls_since_;
}

void Ledger::note_break(int request) {
  const auto found = running_.find(request);
  if (found == running_.end()) return;
  const Requested& broken = found->second.request;
  broken_off_.insert(broken.transport);
  if (!reasons_.empty()) broken_off_after_blame_.insert({broken.transport, broken.nexthop});
}

void Ledger::end_delivery(int request, Standing standing) {
  const auto found = running_.find(request);
  if (found == running_.end()) return;
  const Requested ended = std::move(found->second.request);
  running_.erase(found);
  const auto message = messages_.find(ended.message);
  if (message == messages_.end()) return;
  for (const std::string& address : ended.recipients) {
    Person& person = message->second.people[address];
    person.running -= 1;
    person.tried = true;
    if (standing != Standing::waiting || person.standing == Standing::running) person.standing = standing;
  }
}

// --- observations ------------------------------------------------------------------------------------

void Ledger::note(const Observation& observation) {
  const Sight& sight = observation.sight;
  const bool is_decision = !std::holds_alternative<LogText>(sight) && !std::holds_alternative<NothingThere>(sight);
  if (is_decision) ++decisions_;
  if (const auto* log = std::get_if<LogText>(&sight)) {
    if (const auto transport = transport_not_connected(log->text)) failed_at_[*transport] = observation.at;
    if (const auto transport = transport_not_written(log->text)) failed_at_[*transport] = observation.at;
  } else if (const auto* connected = std::get_if<Connected>(&sight)) {
    waiting_[connected->transport] = connected->waiting;
  } else if (const auto* closed = std::get_if<Closed>(&sight)) {
    // The one that was greeted last, or one that waits: a report of who is left tells them apart at the next Connected.
    (void)closed;
  } else if (const auto* requested = std::get_if<Requested>(&sight)) {
    running_[requested->id] = {*requested, observation.at};
    const auto message = messages_.find(requested->message);
    if (message == messages_.end()) return;
    for (const std::string& address : requested->recipients) {
      Person& person = message->second.people[address];
      person.running += 1;
      if (person.standing == Standing::waiting || person.standing == Standing::claimed) {
        person.standing = Standing::running;
      }
    }
  } else if (const auto* reported = std::get_if<Reported>(&sight)) {
    const bool is_own_record = reported->service == "defer" && reported->recipient && failed_at("retry");
    if (is_own_record) partly_recorded_.insert(reported->message);
    const auto message = messages_.find(reported->message);
    if (message == messages_.end() || failing_.contains(reported->service)) return;  // asked for in vain
    if (!reported->recipient) {
      message->second.reported_gone = true;
      return;
    }
    Person& person = message->second.people[*reported->recipient];
    if (reported->service == "bounce") person.standing = Standing::bounced;
    if (reported->service == "defer") person.deferred += 1;
  } else if (const auto* moved = std::get_if<Moved>(&sight)) {
    const auto message = messages_.find(moved->message);
    if (message == messages_.end()) return;
    message->second.where = moved->to;
    if (moved->to != "active") partly_recorded_.erase(moved->message);
    message->second.wakeup = moved->wakeup;
  } else if (std::holds_alternative<Exited>(sight) || std::holds_alternative<Misbehaved>(sight)) {
    ended_ = true;
  }
}

}  // namespace weir::blackbox
