// Desk: a world of plain lists around one brain, for tests of single rules: mail whose address user@HOP.TRANSPORT says
// where it goes, agents and services that answer when the test says so.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "support/brain.hpp"

namespace weir::testing {

using Words = std::vector<std::string>;

inline Config plain_config() {
  Config config;
  config.flow_control = false;
  config.queue_run_delay = Seconds{1'000'000};
  return config;
}

inline Recipient to(std::string address) {
  Recipient recipient;
  recipient.address = std::move(address);
  return recipient;
}

struct Mail {
  std::vector<Recipient> recipients;
  Envelope envelope;
  bool flush = false, expire = false, defer_log = false;
  LogFileState bounce_log = LogFileState::absent;
  FileState file = FileState::ready;
  bool readable = true;  // after the first batch
};

// Everything that the brain commands is a line in `events`; "r@d.t" is a recipient of a delivery, "N:" a message.
class Desk {
 public:
  explicit Desk(const Config& config = plain_config()) : brain_(make_brain(config)) {
    send(Started{});
    settle();
    (void)take();
  }

  std::set<std::string> refuses;           // transports without an agent
  std::set<std::string> slow;              // transports whose agents greet when the test says so
  std::map<std::string, Answer> resolver;  // answers that the address does not give
  bool resolver_answers = true;
  bool refuses_requests = false;  // agents hang up before they are told anything
  std::deque<AgentId> waiting;
  std::vector<Deliver> running;
  std::deque<Event> unanswered;  // by the resolver
  std::deque<TicketId> asked;

  MessageId arrive(Mail mail) {
    put(std::move(mail), Queue::incoming);
    send(Triggered{"I"});
    settle();
    return last_;
  }
  // A file in the queue; nobody is told.
  void put(Mail mail, Queue queue) {
    for (std::size_t i = 0; i < mail.recipients.size(); ++i) {
      if (mail.recipients[i].offset == 0) mail.recipients[i].offset = static_cast<std::int64_t>(i + 1);
    }
    if (mail.envelope.create_time == Seconds{0}) mail.envelope.create_time = now();
    files_[queue].push_back(std::move(mail));
  }
  MessageId arrive(const std::string& address) {
    Mail mail;
    mail.recipients = {to(address)};
    return arrive(std::move(mail));
  }
  // The oldest delivery ends.
  void end(bool try_again = false, Dsn dsn = {}, bool complete = true) {
    ASSERT_FALSE(running.empty());
    const AgentId agent = running.front().agent;
    running.erase(running.begin());
    send(Delivered{.agent = agent, .complete = complete, .try_again = try_again, .dsn = std::move(dsn)});
    settle();
  }
  void answer(bool ok = true) {
    ASSERT_FALSE(asked.empty());
    const TicketId ticket = asked.front();
    asked.pop_front();
    send(ServiceAnswered{ticket, ok});
    settle();
  }
  void resolve() {
    ASSERT_FALSE(unanswered.empty());
    const Event event = unanswered.front();
    unanswered.pop_front();
    send(event);
    settle();
  }
  void greet() {
    ASSERT_FALSE(waiting.empty());
    const AgentId agent = waiting.front();
    waiting.pop_front();
    send(AgentReady{agent});
    settle();
  }
  void trigger(std::string bytes) {
    send(Triggered{std::move(bytes)});
    settle();
  }
  void pass(std::int64_t seconds) {
    now_ += seconds;
    settle();
  }
  void send(const Event& event) {
    std::vector<Command> commands;
    brain_->handle(at_second(now()), event, commands);
    for (const std::string& broken : brain_->broken_invariants()) ADD_FAILURE() << broken;
    for (const Command& command : commands) std::visit([this](const auto& c) { carry_out(c); }, command);
  }
  void settle() {
    std::deque<Event> events;
    do {
      const auto deadline = brain_->next_deadline();
      if (deadline && *deadline <= now()) {
        do send(Tick{});
        while (brain_->wants_tick());
      }
      send(Turn{});
      events = std::exchange(arrived_, {});
      for (const Event& event : events) send(event);
    } while (!events.empty() || brain_->wants_turn());
  }
  Words take() { return std::exchange(events_, {}); }
  [[nodiscard]] Seconds now() const { return Seconds{now_}; }
  [[nodiscard]] Snapshot state() const { return brain_->snapshot(); }
  [[nodiscard]] Mail& mail(MessageId id) { return open_.at(id).mail; }

 private:
  struct Open {
    Mail mail;
    std::size_t position = 0;
  };

  void note(std::string line) { events_.push_back(std::move(line)); }
  Batch read(Open& open, std::int64_t at_most) {
    Batch batch;
    while (open.position < open.mail.recipients.size() && !batch.more) {
      batch.recipients.push_back(open.mail.recipients[open.position++]);
      batch.more = static_cast<std::int64_t>(batch.recipients.size()) == at_most;
    }
    batch.unread = static_cast<std::int64_t>(open.mail.recipients.size() - open.position);
    return batch;
  }

  template <class C>
  void carry_out(const C&) {}
  void carry_out(const ScanNext& c) {
    std::deque<Mail>& files = files_[c.queue];
    if (files.empty()) {
      send(ScanEnded{c.queue});
      return;
    }
    send(ScanEntry{.queue = c.queue,
                   .queue_id = "M",
                   .state = FileState::ready,
                   .mtime = now(),
                   .flush_request = files.front().flush,
                   .expire_request = files.front().expire});
  }
  void carry_out(const Admit& c) {
    last_ = c.message;
    Open& open = open_[c.message];
    open = {std::move(files_[c.from].front()), 0};
    files_[c.from].pop_front();
    const bool defer_log = open.mail.defer_log;
    send(Admitted{c.message, open.mail.envelope, read(open, c.at_most), defer_log});
  }
  void carry_out(const ReadRecipients& c) {
    if (open_.at(c.message).mail.readable) {
      send(RecipientsRead{c.message, read(open_.at(c.message), c.at_most)});
    } else {
      note("cannot read on");
      send(ReadFailed{c.message});
    }
  }
  void carry_out(const RemoveDeferLog&) { note("forget the defer log"); }
  void carry_out(const DropUnread&) { note("drop the unread"); }
  void carry_out(const RemoveBounceLog&) { note("remove the bounce log"); }
  void carry_out(const CheckBounceLog& c) { send(BounceLogChecked{c.message, open_.at(c.message).mail.bounce_log}); }
  void carry_out(const CheckFile& c) { send(FileChecked{c.message, open_.at(c.message).mail.file}); }
  void carry_out(const Resolve& c) {
    Resolved resolved{c.message, {}};
    for (const std::string& address : c.addresses) {
      const auto dot = address.rfind('.');
      const auto at = address.rfind('@');
      const auto special = resolver.find(address);
      if (special != resolver.end()) {
        resolved.answers.push_back(special->second);
      } else {
        resolved.answers.push_back({address.substr(dot + 1), address.substr(at + 1, dot - at - 1), address, 0});
      }
    }
    (resolver_answers ? arrived_ : unanswered).push_back(std::move(resolved));
  }
  void carry_out(const RequestAgent& c) {
    transport_[c.agent] = c.transport;
    if (refuses.count(c.transport) != 0) {
      arrived_.push_back(AgentFailed{c.agent, AgentProblem::connect});
    } else if (slow.count(c.transport) != 0) {
      waiting.push_back(c.agent);
    } else {
      arrived_.push_back(AgentReady{c.agent});
    }
  }
  void carry_out(const Deliver& c) {
    std::string line = "deliver " + transport_.at(c.agent) + ' ' + c.nexthop + ':';
    for (const Recipient& r : c.recipients) line += ' ' + r.address;
    note(line);
    if (refuses_requests) {
      send(AgentFailed{c.agent, AgentProblem::write});
    } else {
      running.push_back(c);
    }
  }
  void carry_out(const ReleaseAgent&) { note("release"); }
  void carry_out(const MarkDone& c) { note("done " + std::to_string(c.offset)); }
  void carry_out(const KillTrace&) { note("kill the trace request"); }
  void carry_out(const UpdateWarn&) { note("mark as warned"); }
  void carry_out(const Retry& c) { note("retry in " + std::to_string((c.not_before - now()).count())); }
  void carry_out(const CoolDown& c) { note("cool down for " + std::to_string((c.not_before - now()).count())); }
  void carry_out(const Remove&) { note("remove"); }
  void carry_out(const MarkCorrupt&) { note("corrupt"); }
  void carry_out(const Forget&) { note("forget"); }
  void carry_out(const AskService& c) {
    asked.push_back(c.ticket);
    std::visit([this](const auto& request) { ask(request); }, c.request);
  }
  void ask(const AppendRequest& r) {
    note("append " + std::string(r.service == Service::defer ? "defer " : "trace ") + r.recipient.address + ' ' +
         r.action + ' ' + r.dsn.code + ' ' + r.dsn.text);
  }
  void ask(const ReportRequest& r) {
    const std::string service = r.service == Service::bounce  ? "bounce"
                                : r.service == Service::defer ? "defer"
                                                              : "trace";
    using Kind = ReportRequest::Kind;
    const std::string kind = r.kind == Kind::flush ? "flush" : r.kind == Kind::warn ? "warn" : "trace";
    note("report " + service + ' ' + kind + (r.verp ? " verp " : " ") + std::to_string(r.flags));
  }
  void ask(const VerifyUpdate& r) { note("verify " + r.address + ' ' + std::to_string(r.status) + ' ' + r.reason); }
  void ask(const FlushAdd& r) { note("flush " + r.site); }

  void carry_out(const Log& c) {
    std::visit([this](const auto& record) { tell(record); }, c.record);
  }
  template <class R>
  void tell(const R&) {}
  void tell(const LogDelivery& r) { note("log " + r.recipient.address + ' ' + r.status + ' ' + r.dsn.text); }
  void tell(const LogExpired& r) { note(r.forced ? "log force-expired" : "log expired"); }
  void tell(const LogReportFailed&) { note("log report failed"); }
  void tell(const LogServiceFailure&) { note("log service failure"); }
  void tell(const LogIgnoredDsn& r) { note("log ignored " + r.code); }
  void tell(const LogTimeJump& r) { note(r.recovered ? "log recovered" : r.again ? "log another jump" : "log jump"); }
  void tell(const LogTransportFailure& r) { note("log failure of " + r.transport); }
  void tell(const LogStillBeingDelivered&) { note("log still being delivered"); }

  std::unique_ptr<InspectableBrain> brain_;
  std::int64_t now_ = 1'000'000'000;
  std::map<Queue, std::deque<Mail>> files_;
  std::map<MessageId, Open> open_;
  std::map<AgentId, std::string> transport_;
  std::deque<Event> arrived_;
  Words events_;
  MessageId last_;
};

}  // namespace weir::testing
