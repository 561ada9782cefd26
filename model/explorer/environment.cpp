#include "model/explorer/environment.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "contract/check.hpp"

namespace weir::explorer {
namespace {

using Kind = Action::Kind;

constexpr int kRoundsMax = 1000;            // of one action, when answers come at once
constexpr std::size_t kDutiesMax = 10'000;  // of one event and its immediate answers

constexpr std::uint8_t bit(std::size_t index) { return static_cast<std::uint8_t>(1U << index); }
constexpr std::uint8_t first_of(std::uint8_t set) { return static_cast<std::uint8_t>(std::countr_zero(set)); }
constexpr Debts debt_bit(std::uint8_t debt) { return Debts{1} << debt; }
constexpr std::uint8_t small(std::size_t value) { return static_cast<std::uint8_t>(value); }

std::uint8_t all_recipients(const World& world, std::size_t message) {
  return static_cast<std::uint8_t>((1U << world.mail[message].addresses.size()) - 1);
}

}  // namespace

std::uint8_t connection_debt(std::size_t transport) { return small(transport); }
std::uint8_t delivery_debt(std::size_t message, std::size_t first) { return small(4 + message * kRecipients + first); }
std::uint8_t question_debt(std::size_t message, std::size_t recipient_or_whole) {
  const std::size_t place = recipient_or_whole == kWhole ? kRecipients : recipient_or_whole;
  return small(20 + message * (kRecipients + 1) + place);
}
std::uint8_t resolver_debt(std::size_t message) { return small(40 + message); }

RecipientSet Environment::waiting() const {
  RecipientSet set = 0;
  for (std::size_t m = 0; m < files.size(); ++m) {
    const bool present = files[m].place != Place::later && files[m].place != Place::gone;
    const auto open = static_cast<unsigned>(~files[m].done) & ((1U << kRecipients) - 1);
    if (present) set = static_cast<RecipientSet>(set | (open << (m * kRecipients)));
  }
  const auto take_away = [&set](unsigned bits) { set = static_cast<RecipientSet>(set & ~bits); };
  for (const Connection& c : connections) {
    if (c.busy) take_away(static_cast<unsigned>(c.recipients) << (c.message * kRecipients));
  }
  for (const Ticket& t : tickets) {
    if (t.recipient != kWhole) take_away(recipient_bit(t.message, t.recipient));
  }
  return set;
}

Debts Environment::debts() const {
  Debts set = 0;
  for (const Connection& c : connections) {
    if (!c.greeted) set |= debt_bit(connection_debt(c.transport));
    if (c.busy) set |= debt_bit(delivery_debt(c.message, first_of(c.recipients)));
  }
  for (const Ticket& t : tickets) set |= debt_bit(question_debt(t.message, t.recipient));
  for (const Question& q : questions) set |= debt_bit(resolver_debt(q.message));
  return set;
}

bool Environment::has_mail() const {
  return std::any_of(files.begin(), files.end(),
                     [](const File& f) { return f.place != Place::later && f.place != Place::gone; });
}

// --- what can happen -----------------------------------------------------------------------------------

Effect Play::start() {
  effect_ = {};
  for (std::size_t m = 0; m < world_.mail.size(); ++m) {
    File& file = environment_.files[m];
    file.done = static_cast<std::uint8_t>(((1U << kRecipients) - 1) & ~all_recipients(world_, m));
    if (world_.mail[m].at == World::Mail::At::later) continue;
    file.place = world_.mail[m].at == World::Mail::At::start_incoming ? Place::incoming : Place::deferred;
    file.created = file.due = environment_.now;
  }
  coming_ = {Started{}};
  round();
  return std::exchange(effect_, {});
}

bool Play::in_a_hurry() const {
  const auto deadline = brain_.next_deadline();
  return brain_.wants_turn() || (deadline && *deadline <= environment_.now);
}

bool Play::may_wait() const {
  if (in_a_hurry()) return false;
  const auto& files = environment_.files;
  return world_.age_stop == 0 || std::none_of(files.begin(), files.end(), [this](const File& f) {
           return f.place == Place::active && environment_.now - f.since >= Seconds{world_.age_stop};
         });
}

std::vector<Action> Play::possible() const {
  std::vector<Action> list;
  const auto add = [&list](Kind kind, std::size_t a = 0, std::size_t b = 0) {
    list.push_back({.kind = kind, .a = small(a), .b = small(b)});
  };
  const Environment& e = environment_;
  if (in_a_hurry()) {
    add(Kind::turn);
  } else if (may_wait()) {
    if (world_.waits_second) add(Kind::wait_second);
    if (world_.waits_deadline && brain_.next_deadline()) add(Kind::wait_deadline);
  }
  for (std::size_t m = 0; m < world_.mail.size(); ++m) {
    if (e.files[m].place == Place::later) add(Kind::arrive, m);
  }
  for (std::size_t i = 0; i < world_.triggers.size(); ++i) add(Kind::trigger, i);
  for (std::size_t t = 0; t < world_.transports.size(); ++t) {
    const bool pending = std::any_of(e.connections.begin(), e.connections.end(),
                                     [&](const Connection& c) { return c.transport == t && !c.greeted; });
    if (!pending) continue;
    const std::string& name = world_.transports[t];
    const auto among = [&name](const std::vector<std::string>& names) {
      return std::find(names.begin(), names.end(), name) != names.end();
    };
    add(Kind::greet, t);
    if (among(world_.may_refuse)) add(Kind::refuse, t);
    if (among(world_.may_break)) add(Kind::break_off, t);
  }
  for (const Connection& c : e.connections) {
    if (!c.busy) continue;
    const std::uint8_t first = first_of(c.recipients);
    if (world_.transports[c.transport] == "retry") {
      add(Kind::defer, c.message, first);
      continue;
    }
    for (const Outcome outcome : world_.outcomes) {
      if (outcome == Outcome::part && std::popcount(c.recipients) < 2) continue;
      add(end_with(outcome), c.message, first);
    }
  }
  if (!e.questions.empty()) {
    add(Kind::resolve);
    if (world_.resolver_fails) add(Kind::no_resolve);
  }
  for (const Environment::Ticket& t : e.tickets) {
    add(Kind::answer, t.message, t.recipient);
    if (world_.services_fail) add(Kind::no_answer, t.message, t.recipient);
  }
  return list;
}

Effect Play::act(const Action& action) {
  effect_ = {};
  coming_.clear();
  effect_.possible = happens(action);
  if (effect_.possible) round();
  return std::exchange(effect_, {});
}

bool Play::happens(const Action& action) {
  Environment& e = environment_;
  switch (action.kind) {
    case Kind::turn: return in_a_hurry();
    case Kind::wait_second:
      if (!may_wait()) return false;
      e.now += Seconds{1};
      return true;
    case Kind::wait_deadline:
      if (!may_wait() || !brain_.next_deadline()) return false;
      e.now = *brain_.next_deadline();
      return true;
    case Kind::arrive: {
      if (action.a >= world_.mail.size() || e.files[action.a].place != Place::later) return false;
      File& file = e.files[action.a];
      file.place = Place::incoming;
      file.created = file.due = e.now;
      coming_.push_back(Triggered{"W"});
      return true;
    }
    case Kind::trigger:
      if (action.a >= world_.triggers.size()) return false;
      coming_.push_back(Triggered{world_.triggers[action.a]});
      return true;
    case Kind::greet:
    case Kind::refuse:
    case Kind::break_off: return greeting(action);
    case Kind::done:
    case Kind::part:
    case Kind::defer:
    case Kind::bounce:
    case Kind::site:
    case Kind::crash: return end_of_delivery(action);
    case Kind::resolve:
    case Kind::no_resolve:
      if (e.questions.empty()) return false;
      effect_.paid = resolver_debt(e.questions.front().message);
      answer_question(action.kind == Kind::resolve);
      return true;
    case Kind::answer:
    case Kind::no_answer: return end_of_question(action);
  }
  return false;
}

bool Play::greeting(const Action& action) {
  auto& connections = environment_.connections;
  auto oldest = connections.end();
  for (auto c = connections.begin(); c != connections.end(); ++c) {
    if (c->transport != action.a || c->greeted) continue;
    if (oldest == connections.end() || c->agent < oldest->agent) oldest = c;
  }
  if (oldest == connections.end()) return false;
  effect_.paid = connection_debt(action.a);
  const AgentId agent = oldest->agent;
  if (action.kind == Kind::refuse) {
    connections.erase(oldest);
    coming_.push_back(AgentFailed{agent, AgentProblem::greeting});
  } else {
    oldest->greeted = true;
    oldest->breaks = action.kind == Kind::break_off;
    coming_.push_back(AgentReady{agent});
  }
  return true;
}

bool Play::end_of_delivery(const Action& action) {
  auto& connections = environment_.connections;
  const auto found = std::find_if(connections.begin(), connections.end(), [&](const Connection& c) {
    return c.busy && c.message == action.a && first_of(c.recipients) == action.b;
  });
  if (found == connections.end()) return false;
  const Connection connection = *found;
  connections.erase(found);
  effect_.paid = delivery_debt(action.a, action.b);

  Delivered report{.agent = connection.agent};
  File& file = environment_.files[connection.message];
  std::uint8_t done = 0;
  switch (action.kind) {
    case Kind::bounce: file.bounced = true; [[fallthrough]];
    case Kind::done: done = connection.recipients; break;
    case Kind::part: done = bit(action.b); [[fallthrough]];
    case Kind::defer: report.try_again = true; break;
    case Kind::site:
      report.try_again = true;
      report.dsn = {"4.4.1", "no route"};
      break;
    case Kind::crash:
      report.try_again = true;
      report.complete = false;
      break;
    default: return false;
  }
  file.done = static_cast<std::uint8_t>(file.done | done);
  coming_.push_back(report);
  return true;
}

bool Play::end_of_question(const Action& action) {
  const auto& tickets = environment_.tickets;
  for (std::size_t i = 0; i < tickets.size(); ++i) {
    if (tickets[i].message != action.a || tickets[i].recipient != action.b) continue;
    effect_.paid = question_debt(action.a, action.b);
    answer_ticket(i, action.kind == Kind::answer);
    return true;
  }
  return false;
}

void Play::answer_question(bool ok) {
  const Environment::Question question = environment_.questions.front();
  environment_.questions.pop_front();
  Resolved resolved{.message = environment_.files[question.message].message, .answers = {}};
  for (const std::uint8_t r : question.recipients) {
    const std::string& address = world_.mail[question.message].addresses.at(r);
    const auto at = address.rfind('@');
    const auto dot = address.rfind('.');
    Answer answer{.transport = address.substr(dot + 1),
                  .nexthop = address.substr(at + 1, dot - at - 1),
                  .recipient = address,
                  .flags = ok ? 4096U : kResolveFail};
    resolved.answers.push_back(std::move(answer));
  }
  coming_.push_back(std::move(resolved));
}

void Play::answer_ticket(std::size_t index, bool ok) {
  const Environment::Ticket ticket = environment_.tickets[index];
  environment_.tickets.erase(environment_.tickets.begin() + static_cast<std::ptrdiff_t>(index));
  File& file = environment_.files[ticket.message];
  if (ok && ticket.bounces) file.bounced = false;
  if (ok && ticket.expires) {
    file.done = (1U << kRecipients) - 1;
    file.bounced = false;  // a bounce report refused in the same attempt is never sent: spec/retry.md, step 5a
  }
  coming_.push_back(ServiceAnswered{ticket.ticket, ok});
}

// One round of the loop; with answers that come at once, as many as these take.
void Play::round() {
  for (int i = 0; i < kRoundsMax; ++i) {
    const auto deadline = brain_.next_deadline();
    if (deadline && *deadline <= environment_.now) {
      do send(Tick{});
      while (brain_.wants_tick());
    }
    for (const Event& event : std::exchange(coming_, {})) send(event);
    send(Turn{});
    if (!world_.late_resolver && !environment_.questions.empty()) answer_question(true);
    if (!world_.late_services && !environment_.tickets.empty()) answer_ticket(0, true);
    if (coming_.empty()) return;
  }
  expect(false, "answers that come at once never end");
}

// The answers to questions about files come at once, and what follows from them after what was asked before.
void Play::send(const Event& event) {
  answer(event);
  for (std::size_t i = 0; !duties_.empty(); ++i) {
    if (i > kDutiesMax) {
      expect(false, "one event has no end");
      duties_.clear();
      return;
    }
    const Command command = std::move(duties_.front());
    duties_.pop_front();
    std::visit([this](const auto& c) { carry_out(c); }, command);
  }
}

void Play::answer(const Event& event) {
  commands_.clear();
  brain_.handle(at_second(environment_.now), event, commands_);
  for (Command& command : commands_) duties_.push_back(std::move(command));
}

void Play::expect(bool holds, const char* what) {
  effect_.judged += 1;
  if (!holds) effect_.broken.emplace_back(what);
}

// --- duties ----------------------------------------------------------------------------------------------

Environment::Listing& Play::listing(Queue queue) { return environment_.listings[queue == Queue::incoming ? 0 : 1]; }

void Play::carry_out(const OpenScan& c) {
  Environment::Listing& scan = listing(c.queue);
  expect(!scan.open, "a queue is scanned twice at once");
  scan.open = true;
  scan.messages.clear();
  const Place place = c.queue == Queue::incoming ? Place::incoming : Place::deferred;
  for (std::size_t m = 0; m < world_.mail.size(); ++m) {
    if (environment_.files[m].place == place) scan.messages.push_back(small(m));
  }
}

void Play::carry_out(const ScanNext& c) {
  Environment::Listing& scan = listing(c.queue);
  expect(scan.open, "a step of a scan that is not open");
  if (scan.messages.empty()) {
    scan.open = false;
    answer(ScanEnded{c.queue});
    return;
  }
  const std::size_t m = scan.messages.front();
  scan.messages.erase(scan.messages.begin());
  answer(ScanEntry{.queue = c.queue,
                   .queue_id = queue_id(m),
                   .state = FileState::ready,
                   .mtime = environment_.files[m].due,
                   .flush_request = false,
                   .expire_request = false});
}

void Play::carry_out(const Admit& c) {
  const std::size_t m = message_of(c.queue_id);
  WEIR_CHECK(m < world_.mail.size());
  File& file = environment_.files[m];
  const Place from = c.from == Queue::incoming ? Place::incoming : Place::deferred;
  expect(file.place == from, "a file is taken from where it is not");
  //= R-QUE-03 test
  const auto held = std::count_if(environment_.files.begin(), environment_.files.end(),
                                  [](const File& f) { return f.place == Place::active; });
  expect(held < world_.config.active_limit, "more messages than the active limit");
  for (Environment::Listing& scan : environment_.listings) std::erase(scan.messages, small(m));
  file.place = Place::active;
  file.message = c.message;
  file.since = environment_.now;
  file.position = 0;
  file.settled = 0;
  Envelope envelope = world_.envelope(m);
  envelope.create_time = file.created;
  envelope.arrival = at_second(file.created);
  answer(Admitted{c.message, std::move(envelope), read(m, c.at_most), false});
}

Batch Play::read(std::size_t message, std::int64_t at_most) {
  File& file = environment_.files[message];
  const std::size_t count = world_.mail[message].addresses.size();
  expect(at_most > 0, "a read of no recipients");
  Batch batch;
  while (file.position < count && !batch.more) {
    const std::size_t here = file.position++;
    if ((file.done & bit(here)) != 0) continue;
    batch.recipients.push_back(world_.recipient(message, here));
    batch.more = static_cast<std::int64_t>(batch.recipients.size()) == at_most;
  }
  batch.unread = static_cast<std::int64_t>(count) - file.position;
  return batch;
}

void Play::carry_out(const ReadRecipients& c) {
  const std::size_t m = active(c.message);
  if (m < kMessages) answer(RecipientsRead{c.message, read(m, c.at_most)});
}

std::size_t Play::active(MessageId message) {
  for (std::size_t m = 0; m < world_.mail.size(); ++m) {
    const File& file = environment_.files[m];
    if (file.place == Place::active && file.message == message) return m;
  }
  expect(false, "a command about a message that is not in memory");
  return kMessages;
}

void Play::carry_out(const CheckBounceLog& c) {
  const std::size_t m = active(c.message);
  if (m == kMessages) return;
  const bool present = environment_.files[m].bounced;
  answer(BounceLogChecked{c.message, present ? LogFileState::present : LogFileState::absent});
}

void Play::carry_out(const CheckFile& c) { answer(FileChecked{c.message, FileState::ready}); }

void Play::carry_out(const MarkDone& c) {
  const std::size_t m = active(c.message);
  if (m == kMessages) return;
  File& file = environment_.files[m];
  file.done = static_cast<std::uint8_t>(file.done | bit(static_cast<std::size_t>(c.offset)));
}

// The message leaves memory: nobody is at work on it any more, and nobody has been forgotten.
void Play::leave(std::size_t message, Place place) {
  for (const Connection& c : environment_.connections) {
    expect(!c.busy || c.message != message, "a message leaves during a delivery");
  }
  for (const Environment::Ticket& t : environment_.tickets) {
    expect(t.message != message, "a message leaves during a question about it");
  }
  File& file = environment_.files[message];
  const unsigned accounted = file.done | static_cast<unsigned>(file.settled);
  expect((accounted & all_recipients(world_, message)) == all_recipients(world_, message),
         "a message leaves with a recipient that nobody was asked to deliver to");
  file.place = place;
  file.message = {};
  file.position = file.settled = 0;
}

//= R-QUE-04 test
//= R-QUE-05 test
void Play::carry_out(const Retry& c) {
  const std::size_t m = active(c.message);
  if (m == kMessages) return;
  const Seconds wait = c.not_before - environment_.now;
  expect(wait >= world_.config.minimal_backoff, "a wait below the minimum");
  expect(wait <= std::max(world_.config.minimal_backoff, world_.config.maximal_backoff), "a wait above the maximum");
  leave(m, Place::deferred);
  environment_.files[m].due = c.not_before;
}

void Play::carry_out(const Remove& c) {
  const std::size_t m = active(c.message);
  if (m == kMessages) return;
  File& file = environment_.files[m];
  expect(file.done == (1U << kRecipients) - 1, "a message is removed with a recipient that is not done");
  expect(!file.bounced, "a message is removed before its bounces have been told");
  leave(m, Place::gone);
  file = {};
  file.done = static_cast<std::uint8_t>(((1U << kRecipients) - 1) & ~all_recipients(world_, m));
  file.place = world_.mail[m].recycled ? Place::later : Place::gone;
}

void Play::carry_out(const MarkCorrupt&) { expect(false, "a good file is taken for corrupt"); }

void Play::carry_out(const Resolve& c) {
  const std::size_t m = active(c.message);
  if (m == kMessages) return;
  Environment::Question question{.message = small(m), .recipients = {}};
  for (const std::string& address : c.addresses) {
    const auto& known = world_.mail[m].addresses;
    const auto found = std::find(known.begin(), known.end(), address);
    WEIR_CHECK(found != known.end());
    question.recipients.push_back(small(static_cast<std::size_t>(found - known.begin())));
  }
  environment_.questions.push_back(std::move(question));
}

void Play::carry_out(const RequestAgent& c) {
  const std::size_t transport = world_.transport_index(c.transport);
  WEIR_CHECK(transport < kTransports);
  auto& connections = environment_.connections;
  const auto pending = std::count_if(connections.begin(), connections.end(), [&](const Connection& each) {
    return each.transport == transport && !each.greeted;
  });
  expect(pending < 2, "more than two connections pending");
  connections.push_back({.agent = c.agent, .transport = small(transport), .nexthop = ""});
}

// With a recipient limit of 1 a destination is a mailbox, else a next hop.
std::size_t Play::running_at(const Connection& connection) const {
  const bool mailbox = world_.config.transport(world_.transports[connection.transport]).recipient_limit == 1;
  const auto address = [this](const Connection& c) { return world_.mail[c.message].addresses[first_of(c.recipients)]; };
  const auto& all = environment_.connections;
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const Connection& c) {
    return c.busy && c.transport == connection.transport && c.nexthop == connection.nexthop &&
           (!mailbox || address(c) == address(connection));
  }));
}

void Play::carry_out(const Deliver& c) {
  auto& connections = environment_.connections;
  const auto found = std::find_if(connections.begin(), connections.end(),
                                  [&](const Connection& each) { return each.agent == c.agent; });
  const std::size_t m = active(c.message);
  if (found == connections.end() || !found->greeted || found->busy) {
    expect(false, "a delivery by an agent that is not free");
    return;
  }
  if (m == kMessages) return;
  expect(!c.recipients.empty(), "a delivery to nobody");
  if (found->breaks || c.recipients.empty()) {
    connections.erase(found);
    answer(AgentFailed{c.agent, AgentProblem::write});
    return;
  }
  found->busy = true;
  found->message = small(m);
  found->nexthop = c.nexthop;
  std::uint8_t taken = environment_.files[m].done;
  for (const Connection& each : connections) {
    if (each.busy && each.message == m) taken = static_cast<std::uint8_t>(taken | each.recipients);
  }
  for (const Recipient& recipient : c.recipients) {
    const auto r = static_cast<std::size_t>(recipient.offset);
    expect((taken & bit(r)) == 0, "a recipient is delivered to twice");
    taken = static_cast<std::uint8_t>(taken | bit(r));
    found->recipients = static_cast<std::uint8_t>(found->recipients | bit(r));
    settle(m, r);
  }
  const std::string& name = world_.transports[found->transport];
  if (name == "retry") return;  // it only defers; its limits say nothing to anybody
  const TransportConfig& limits = world_.config.transport(name);
  //= R-PAR-038 test
  expect(limits.recipient_limit == 0 || c.recipients.size() <= static_cast<std::size_t>(limits.recipient_limit),
         "more recipients than the limit in one delivery");
  //= R-PAR-026 test
  const int most = limits.destination_rate_delay > Seconds{0} ? 1 : limits.concurrency_limit;
  expect(most == 0 || running_at(*found) <= static_cast<std::size_t>(most),
         "more deliveries than the concurrency limit");
}

void Play::settle(std::size_t message, std::size_t recipient) {
  File& file = environment_.files[message];
  file.settled = static_cast<std::uint8_t>(file.settled | bit(recipient));
  effect_.served = static_cast<RecipientSet>(effect_.served | recipient_bit(message, recipient));
}

void Play::carry_out(const ReleaseAgent& c) {
  const auto count = std::erase_if(environment_.connections,
                                   [&](const Connection& each) { return each.agent == c.agent && !each.busy; });
  expect(count == 1, "an agent is released that is not there");
}

void Play::carry_out(const AskService& c) {
  const std::size_t m = active(c.message);
  if (m == kMessages) return;
  if (std::holds_alternative<FlushAdd>(c.request)) {  // no domain of these worlds has a flush service
    coming_.push_back(ServiceAnswered{c.ticket, true});
    return;
  }
  Environment::Ticket ticket{.ticket = c.ticket, .message = small(m)};
  if (const auto* append = std::get_if<AppendRequest>(&c.request)) {
    ticket.recipient = small(static_cast<std::size_t>(append->recipient.offset));
    settle(m, ticket.recipient);
  } else if (const auto* report = std::get_if<ReportRequest>(&c.request)) {
    ticket.bounces = report->service == Service::bounce;
    ticket.expires = report->service == Service::defer && report->kind == ReportRequest::Kind::flush;
  }
  environment_.tickets.push_back(ticket);
}

}  // namespace weir::explorer
