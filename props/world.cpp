#include "props/world.hpp"

#include <algorithm>
#include <utility>

#include "contract/check.hpp"
#include "contract/show.hpp"

namespace weir::props {
namespace {

constexpr int kRoundsMax = 20'000;     // of one step; more is a brain that never rests
constexpr std::size_t kFilesMax = 24;  // in one script

}  // namespace

World::World(const Config& config, const BrainFactory& make, Inspector inspect)
    : config_(config), brain_(make(config)), inspect_(std::move(inspect)) {
  send(Started{});
  settle();
}

void World::send(const Event& event) {
  std::vector<Command> commands;
  brain_->handle(at_second(Seconds{now_}), event, commands);
  if (inspect_) {
    for (std::string& what : inspect_(*brain_)) violations_.push_back(std::move(what));
  }
  for (const Command& command : commands) {
    if (!std::holds_alternative<Log>(command)) log_.push_back(weir::show(command));
    std::visit([this](const auto& c) { carry_out(c); }, command);
  }
}

void World::settle() {
  for (int round = 0; round < kRoundsMax; ++round) {
    const auto deadline = brain_->next_deadline();
    if (deadline && deadline->count() <= now_) send(Tick{});
    for (const Event& event : std::exchange(events_, {})) send(event);
    if (!hold_) {
      for (const Event& event : std::exchange(answers_, {})) send(event);
    }
    send(Turn{});
    const auto next = brain_->next_deadline();
    if (events_.empty() && (hold_ || answers_.empty()) && !brain_->wants_turn() && (!next || next->count() > now_))
      return;
  }
  expect(false, "the brain never rests");
}

void World::add_file(Queue queue, std::int64_t age, std::int64_t due_in, std::vector<std::string> recipients) {
  File file;
  file.id = "M" + std::to_string(files_.size());
  file.queue = queue;
  file.created = now_ - age;
  file.mtime = now_ + due_in;
  for (std::string& address : recipients) file.recipients.push_back({std::move(address)});
  files_.push_back(std::move(file));
}

void World::trigger(const std::string& bytes) {
  forced_ |= bytes.find('A') != std::string::npos;
  events_.push_back(Triggered{bytes});
  settle();
}

void World::advance(std::int64_t seconds) {
  for (std::int64_t i = 0; i < seconds; ++i) {
    now_ += 1;
    settle();
  }
}

AgentId World::pick(bool busy, std::uint32_t index) const {
  std::vector<AgentId> fitting;
  for (const auto& [id, connection] : connections_) {
    if (busy ? connection.busy : !connection.greeted) fitting.push_back(id);
  }
  return fitting.empty() ? AgentId{} : fitting[index % fitting.size()];
}

void World::greet(AgentId agent) {
  if (agent == AgentId{}) return;
  connections_.at(agent).greeted = true;
  events_.push_back(AgentReady{agent});
}

void World::step(const Step& step) {
  const AgentId waiting = pick(false, step.a);
  const AgentId running = pick(true, step.a);
  switch (step.kind) {
    case StepKind::arrive: {
      if (files_.size() >= kFilesMax) break;
      std::vector<std::string> recipients;
      for (std::uint32_t i = 0; i <= step.a % 7; ++i) {
        const std::uint32_t where = (step.a >> 3) + i * (step.b >> 3);
        recipients.push_back("r" + std::to_string(i) + "@d" + std::to_string(where % 3) + ".t" +
                             std::to_string(1 + where / 3 % 3));
      }
      const bool deferred = step.b % 4 == 3;
      add_file(deferred ? Queue::deferred : Queue::incoming, deferred ? step.b % 50 : 0, step.b % 8 == 7 ? 20 : 0,
               std::move(recipients));
      events_.push_back(Triggered{deferred ? "D" : "W"});
      break;
    }
    case StepKind::agent_greets: greet(waiting); break;
    case StepKind::agent_fails:
      if (waiting != AgentId{}) {
        connections_.erase(waiting);
        events_.push_back(AgentFailed{waiting, AgentProblem::greeting});
      }
      break;
    case StepKind::delivered: end_delivery(running, true, false, {}); break;
    case StepKind::deferred: end_delivery(running, true, true, {}); break;
    case StepKind::site_failure: end_delivery(running, true, true, {"4.4.1", "no route"}); break;
    case StepKind::crashed: end_delivery(running, false, true, {}); break;
    case StepKind::advance: advance(1 + step.a % 40); break;
    case StepKind::trigger: {
      std::string bytes;
      for (unsigned bit = 0; bit < 5; ++bit) {
        if ((step.a >> bit & 1) != 0) bytes += "IDFAx"[bit];
      }
      trigger(bytes);
      break;
    }
    case StepKind::hold_answers: hold_ = !hold_; break;
    case StepKind::answer_one:
      if (hold_ && !answers_.empty()) {
        events_.push_back(answers_.front());
        answers_.pop_front();
      }
      break;
    case StepKind::services: services_ok_ = !services_ok_; break;
  }
  settle();
}

bool World::drains(int rounds) {
  hold_ = false;
  services_ok_ = true;
  for (int round = 0; round < rounds; ++round) {
    settle();
    if (std::all_of(files_.begin(), files_.end(), [](const File& f) { return f.gone; })) return true;
    // Everybody who waits is served, everybody who works gets done.
    for (const auto& [id, connection] : std::map<AgentId, Connection>(connections_)) {
      if (!connection.greeted) greet(id);
    }
    settle();
    for (const auto& [id, connection] : std::map<AgentId, Connection>(connections_)) {
      if (connection.busy) end_delivery(id, true, connection.transport == "retry", {});
    }
    advance(1);
    if (round % 8 == 7) trigger("FDAI");
  }
  return false;
}

void World::end_delivery(AgentId agent, bool complete, bool try_again, Dsn dsn) {
  const auto found = connections_.find(agent);
  if (found == connections_.end() || !found->second.busy) return;
  const Connection connection = found->second;
  connections_.erase(found);
  running_[{connection.transport, connection.nexthop}] -= 1;
  const bool hopeless = connection.transport == "retry" || connection.transport == "error";
  if (hopeless) {
    try_again = true;
    dsn = {};
  }
  for (const std::size_t i : connection.recipients) {
    FileRecipient& recipient = files_[connection.file].recipients[i];
    recipient.running = false;
    if (!try_again) recipient.done = true;
  }
  events_.push_back(Delivered{.agent = agent, .complete = complete, .try_again = try_again, .dsn = std::move(dsn)});
}

// --- duties ------------------------------------------------------------------------------------------

void World::carry_out(const OpenScan& c) {
  auto& scan = scans_[c.queue];
  scan.clear();
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (files_[i].queue == c.queue && !files_[i].gone) scan.push_back(i);
  }
}

void World::carry_out(const ScanNext& c) {
  auto& scan = scans_[c.queue];
  while (!scan.empty()) {
    const File& file = files_[scan.front()];
    scan.erase(scan.begin());
    if (file.gone || file.queue != c.queue) continue;
    send(ScanEntry{.queue = c.queue, .queue_id = file.id, .state = FileState::ready, .mtime = Seconds{file.mtime}});
    return;
  }
  send(ScanEnded{c.queue});
}

void World::carry_out(const Admit& c) {
  const auto found = std::find_if(files_.begin(), files_.end(), [&](const File& f) { return f.id == c.queue_id; });
  WEIR_CHECK(found != files_.end());
  //= QUE-03 test
  expect(open_.size() < static_cast<std::size_t>(config_.active_limit), "QUE-03: more messages than the active limit");
  expect(c.at_most > 0, "a read of no recipients");
  //= PAR-011 test
  expect(c.at_most <= std::max(config_.message_recipient_limit, config_.message_recipient_minimum),
         "PAR-011: a first read of more recipients than may be in memory");
  expect(found->mtime <= now_ + 1 || forced_, "a file was taken before its time");
  found->queue = Queue::active;
  admitted_ += 1;
  Open& open = open_[c.message];
  open = {static_cast<std::size_t>(found - files_.begin()), 0, static_cast<std::int64_t>(found->recipients.size()), {}};
  Envelope envelope;
  envelope.sender = "s@example";
  envelope.create_time = Seconds{found->created};
  envelope.arrival = at_second(envelope.create_time);
  send(Admitted{c.message, envelope, read(open, c.at_most), false});
}

void World::carry_out(const ReadRecipients& c) {
  expect(c.at_most > 0, "a read of no recipients");
  //= PAR-014 test
  // At most its own minimum and all slots, the extra ones included, of all transports there are.
  std::int64_t slots = config_.message_recipient_minimum;
  for (const char* name : {"t1", "t2", "t3", "retry"}) {
    slots += transport(name).recipient_pool + transport(name).extra_recipients;
  }
  expect(c.at_most <= slots, "PAR-014: a read beyond the recipient slots");
  send(RecipientsRead{c.message, read(open_.at(c.message), c.at_most)});
}

Batch World::read(Open& open, std::int64_t at_most) {
  const File& file = files_.at(open.file);
  Batch batch;
  while (open.position < file.recipients.size() && !batch.more) {
    const std::size_t here = open.position++;
    open.unread -= 1;
    if (file.recipients[here].done) continue;
    batch.recipients.push_back({.offset = static_cast<std::int64_t>(here), .address = file.recipients[here].address});
    batch.more = static_cast<std::int64_t>(batch.recipients.size()) == at_most;
  }
  batch.unread = open.unread;
  return batch;
}

void World::carry_out(const RemoveDeferLog& c) { files_.at(open_.at(c.message).file).defer_log = false; }
void World::carry_out(const CheckBounceLog& c) { send(BounceLogChecked{c.message, LogFileState::absent}); }
void World::carry_out(const CheckFile& c) { send(FileChecked{c.message, FileState::ready}); }

void World::carry_out(const MarkDone& c) {
  files_.at(open_.at(c.message).file).recipients.at(static_cast<std::size_t>(c.offset)).done = true;
}

//= QUE-05 test
//= STR-11 test
void World::carry_out(const Retry& c) {
  File& file = files_.at(open_.at(c.message).file);
  open_.erase(c.message);
  const std::int64_t wait = c.not_before.count() - now_;
  expect(wait >= config_.minimal_backoff.count(), "QUE-05: a wait below the minimum");
  expect(wait <= std::max(config_.minimal_backoff, config_.maximal_backoff).count(),
         "QUE-05: a wait above the maximum");
  const std::int64_t age = now_ - file.created;
  if (file.last_age >= config_.minimal_backoff.count() && !forced_) {
    const std::int64_t doubled = std::min(2 * file.last_age, file.last_age + config_.maximal_backoff.count()) - 1;
    expect(age >= doubled, "STR-11: attempts at ages " + std::to_string(file.last_age) + " and " + std::to_string(age));
  }
  const bool undone =
      std::any_of(file.recipients.begin(), file.recipients.end(), [](const FileRecipient& r) { return !r.done; });
  expect(undone, "a message with nothing left to do was deferred");
  for (const FileRecipient& r : file.recipients) expect(!r.running, "a message was deferred during a delivery");
  file.queue = Queue::deferred;
  file.mtime = c.not_before.count();
  file.last_age = age;
  retries_ += 1;
}

void World::carry_out(const Remove& c) {
  File& file = files_.at(open_.at(c.message).file);
  open_.erase(c.message);
  for (const FileRecipient& r : file.recipients) expect(r.done, "a message was removed with a recipient not done");
  file.gone = true;
}

void World::carry_out(const Resolve& c) {
  Resolved answer{c.message, {}};
  for (const std::string& address : c.addresses) {
    const std::string domain = address.substr(address.rfind('@') + 1);
    const auto dot = domain.rfind('.');
    answer.answers.push_back({domain.substr(dot + 1), domain.substr(0, dot), address, 4096});
  }
  answers_.push_back(std::move(answer));
}

void World::carry_out(const RequestAgent& c) {
  const auto pending = std::count_if(connections_.begin(), connections_.end(), [&](const auto& each) {
    return each.second.transport == c.transport && !each.second.greeted;
  });
  expect(pending < 2, "more than two connections pending for " + c.transport);
  connections_[c.agent] = {.transport = c.transport};
}

void World::carry_out(const Deliver& c) {
  const auto found = connections_.find(c.agent);
  WEIR_CHECK(found != connections_.end());
  Connection& connection = found->second;
  expect(!connection.busy, "a delivery on a busy connection");
  connection.busy = true;
  connection.nexthop = c.nexthop;
  connection.file = open_.at(c.message).file;
  const TransportConfig& t = transport(connection.transport);
  //= PAR-026 test
  const int limit = t.destination_rate_delay > Seconds{0} ? 1 : t.concurrency_limit;
  int& running = running_[{connection.transport, c.nexthop}];
  running += 1;
  // With a recipient limit of 1 the limit counts per mailbox, not per next hop.
  const bool per_recipient = t.recipient_limit == 1 && connection.transport != "retry";
  expect(limit == 0 || per_recipient || running <= limit, "PAR-026: more deliveries than the concurrency limit");
  //= PAR-038 test
  expect(t.recipient_limit == 0 || connection.transport == "retry" ||
             c.recipients.size() <= static_cast<std::size_t>(t.recipient_limit),
         "PAR-038: more recipients than the limit in one delivery");
  expect(!c.recipients.empty(), "a delivery to nobody");
  for (const Recipient& recipient : c.recipients) {
    const auto index = static_cast<std::size_t>(recipient.offset);
    FileRecipient& r = files_[connection.file].recipients.at(index);
    expect(!r.done && !r.running, "a recipient is delivered to twice");
    r.running = true;
    connection.recipients.push_back(index);
  }
  deliveries_ += 1;
}

void World::carry_out(const ReleaseAgent& c) { connections_.erase(c.agent); }

void World::carry_out(const AskService& c) {
  const bool ok = services_ok_ || std::holds_alternative<FlushAdd>(c.request);
  answers_.push_back(ServiceAnswered{c.ticket, ok});
}

std::string run_script(const Script& script, const BrainFactory& make, const Inspector& inspect, bool drain) {
  World world(setup_config(script.setup), make, inspect);
  for (const Step& step : script.steps) {
    world.step(step);
    if (!world.violations().empty()) return world.violations().front();
  }
  if (!drain) return "";
  const int rounds = 100 + 40 * static_cast<int>(kFilesMax);
  if (!world.drains(rounds)) return "starved: mail is left though everybody is served";
  return world.violations().empty() ? "" : world.violations().front();
}

}  // namespace weir::props
