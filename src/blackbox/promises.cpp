#include "blackbox/promises.hpp"

#include <algorithm>
#include <set>

namespace weir::blackbox {
namespace {

// Transports that the queue manager takes for its own deferrals and rejections.
bool is_own(const std::string& transport) { return transport == "retry" || transport == "error"; }

// With a limit of one recipient each recipient is a destination of its own.
std::string destination_of(const Requested& request, const TransportConfig& transport) {
  std::string name = request.transport + '/' + request.nexthop;
  if (transport.recipient_limit == 1 && !request.recipients.empty()) name += '/' + request.recipients.front();
  return name;
}

// A rate delay has the effect of a limit of one.
std::int64_t concurrency_limit(const TransportConfig& transport) {
  return transport.destination_rate_delay > Seconds{0} ? 1 : transport.concurrency_limit;
}

std::string names(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& name : list) text += (text.empty() ? "" : " ") + name;
  return text;
}

}  // namespace

void Promises::test(std::string_view requirement, bool kept, const std::string& seen, const std::string& allowed) {
  tested_[std::string(requirement)] += 1;
  if (!kept && !broken_) broken_ = BrokenPromise{std::string(requirement), seen, allowed};
}

bool Promises::is_about(const Observation& observation) {
  return std::holds_alternative<Requested>(observation.sight) || std::holds_alternative<Moved>(observation.sight);
}

void Promises::look_at(const Input& input, const Ledger& books) {
  if (const auto* trigger = std::get_if<TriggerInput>(&input)) {
    forced_ |= trigger->bytes.find('A') != std::string::npos || trigger->bytes.find('F') != std::string::npos;
  }
  int ended = 0;
  if (const auto* reply = std::get_if<Reply>(&input)) ended = reply->request;
  if (const auto* crash = std::get_if<Crash>(&input)) ended = crash->request;
  const auto found = books.running().find(ended);
  if (found == books.running().end()) return;
  const Requested& request = found->second.request;
  const TransportConfig& transport = config_.transport(request.transport);
  const std::int64_t now = books.now() + books.set_back();
  last_of_destination_[destination_of(request, transport)] = now;
  last_of_transport_[request.transport] = now;
}

void Promises::look_at(const Observation& observation, const Ledger& before, const Ledger& after) {
  if (const auto* requested = std::get_if<Requested>(&observation.sight)) {
    request(*requested, observation.at, before, after);
  } else if (const auto* moved = std::get_if<Moved>(&observation.sight)) {
    move(*moved, observation.at, before, after);
  } else if (const auto* exited = std::get_if<Exited>(&observation.sight)) {
    test("GEN-04", false, "the process ended: " + std::to_string(exited->status), "it waits for mail");
  } else if (const auto* misbehaved = std::get_if<Misbehaved>(&observation.sight)) {
    test("GEN-04", false, misbehaved->how, "it waits for mail");
  }
}

void Promises::request(const Requested& requested, std::int64_t at, const Ledger& before, const Ledger& after) {
  const std::string what =
      requested.transport + '/' + requested.nexthop + ", " + requested.message + " to " + names(requested.recipients);
  const auto message = before.messages().find(requested.message);
  test("GEN-05", message != before.messages().end(), "a request for an unknown message " + requested.message,
       "deliveries of mail that is there");
  if (message == before.messages().end()) return;
  test("QUE-02", message->second.where != "gone", what + ", which is gone", "deliveries of messages that are there");
  const auto& records = message->second.input.records;
  const bool has_records = !records.empty();
  // All recipients are the same then, and agents mark the entry of one; the others are there at the next attempt, if
  // something else made one necessary.
  const bool is_redirected =
      std::any_of(records.begin(), records.end(), [](const auto& record) { return record.first == '>'; });
  std::set<std::string> once;
  for (const std::string& address : requested.recipients) {
    const auto person = message->second.people.find(address);
    const bool known = person != message->second.people.end();
    test("GEN-05", known || has_records, what + ": " + address + " is no recipient of it", "its recipients");
    test("GEN-05", once.insert(address).second || !known, what + ": " + address + " twice", "each recipient once");
    if (!known) continue;
    test("GEN-05", person->second.running == 0, what + ": " + address + " is in a delivery that runs",
         "a recipient is delivered to once at a time");
    const bool has_had_it = person->second.standing == Ledger::Standing::delivered;
    test("GEN-05", is_redirected || !has_had_it, what + ": " + address + " has had it",
         "no recipient gets a message twice");
    if (is_own(requested.transport)) continue;
    const Answer answer = before.resolve(address);
    test("STR-08", answer.transport == requested.transport && answer.nexthop == requested.nexthop,
         what + ": " + address + " goes to " + answer.transport + '/' + answer.nexthop,
         "recipients of one destination share a request");
  }
  limits(requested, at, what, after);
}

void Promises::limits(const Requested& requested, std::int64_t at, const std::string& what, const Ledger& after) {
  const TransportConfig& transport = config_.transport(requested.transport);
  const auto count = static_cast<std::int64_t>(requested.recipients.size());
  if (transport.recipient_limit > 0 && !is_own(requested.transport)) {  // retry takes entries over as they are
    test("PAR-038", count <= transport.recipient_limit, what,
         "at most " + std::to_string(transport.recipient_limit) + " recipients");
  }
  const std::string destination = destination_of(requested, transport);
  const auto busy = std::count_if(after.running().begin(), after.running().end(), [&](const auto& each) {
    return each.second.request.transport == requested.transport &&
           destination_of(each.second.request, transport) == destination;
  });
  if (const std::int64_t limit = concurrency_limit(transport); limit > 0) {
    test("PAR-026", busy <= limit, std::to_string(busy) + " deliveries at a time to " + destination,
         "at most " + std::to_string(limit));
  }
  const std::int64_t now = at + after.set_back();
  pause("PAR-069", transport.destination_rate_delay, last_of_destination_, destination, now, what);
  pause("PAR-071", transport.transport_rate_delay, last_of_transport_, requested.transport, now, what);
}

void Promises::pause(std::string_view requirement, Seconds delay, const Ends& ends, const std::string& whose,
                     std::int64_t now, const std::string& what) {
  const auto last = ends.find(whose);
  if (delay <= Seconds{0} || last == ends.end()) return;
  const std::int64_t pause = now - last->second;
  test(requirement, pause >= delay.count(), what + ", " + std::to_string(pause) + " s after the last",
       "a pause of " + std::to_string(delay.count()) + " s");
}

void Promises::move(const Moved& moved, std::int64_t at, const Ledger& before, const Ledger& after) {
  const auto message = before.messages().find(moved.message);
  if (message == before.messages().end()) return;
  if (moved.to == "active") {
    const bool wanted = forced_ || (message->second.input.mode & 0040) != 0;
    if (message->second.where == "deferred" && message->second.wakeup && !wanted) {
      test("QUE-05", at + 1 >= *message->second.wakeup,  // Postfix takes a stamp one second ahead for due
           moved.message + " is tried " + std::to_string(*message->second.wakeup - at) + " s before its time",
           "not before its time stamp");
    }
  } else if (moved.to == "deferred" && message->second.where != "deferred") {  // else it has arrived there
    const std::int64_t wait = moved.wakeup.value_or(at) - at;
    test("PAR-056", wait >= config_.minimal_backoff.count(),
         moved.message + " is put off for " + std::to_string(wait) + " s",
         "at least " + std::to_string(config_.minimal_backoff.count()) + " s");
    const std::int64_t most = std::max(config_.minimal_backoff.count(), config_.maximal_backoff.count());
    test("PAR-060", wait <= most, moved.message + " is put off for " + std::to_string(wait) + " s",
         "at most " + std::to_string(most) + " s");
  } else if (moved.to == "gone") {
    for (const auto& [address, person] : after.messages().at(moved.message).people) {
      if (!message->second.input.records.empty()) break;  // a redirect, for instance
      const bool settled = person.standing != Ledger::Standing::waiting && person.standing != Ledger::Standing::running;
      const bool returned = after.messages().at(moved.message).reported_gone;
      test("GEN-05", settled || returned, moved.message + " is removed, but " + address + " never had it",
           "no recipient is lost");
    }
  } else if (moved.to == "corrupt") {
    test("QUE-06", false, moved.message + " is moved to corrupt", "it is a good file");
  }
}

void Promises::look_at_rest(const Ledger& books) {
  const auto active = std::count_if(books.messages().begin(), books.messages().end(),
                                    [](const auto& each) { return each.second.where == "active"; });
  test("PAR-010", active <= config_.active_limit, std::to_string(active) + " messages in active",
       "at most " + std::to_string(config_.active_limit));
}

void Promises::look_at_end(const Ledger& books) {
  const auto is_stuck = [&](const Ledger::Message& message) {
    return message.where != "gone" &&
           !std::all_of(message.people.begin(), message.people.end(),
                        [&](const auto& person) { return books.listens(books.resolve(person.first).transport); });
  };
  const bool some_are_stuck = std::any_of(books.messages().begin(), books.messages().end(),
                                          [&](const auto& each) { return is_stuck(each.second); });
  for (const auto& [name, message] : books.messages()) {
    if (message.where == "gone" || is_stuck(message)) continue;
    // Mail that waits for its transport in the active queue holds up what stands behind it.
    if (some_are_stuck && config_.habits.dead_transport_keeps_mail) continue;
    test("STR-05", false, name + " is still in " + message.where + " though all agents have been free for long",
         "all mail that can be delivered is");
  }
  test("STR-05", true, "", "");
}

}  // namespace weir::blackbox
