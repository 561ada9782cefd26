#include "sim/world.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <type_traits>
#include <utility>

#include "contract/names.hpp"
#include "sim/prng.hpp"

namespace weir::sim {
namespace {

constexpr int kRoundsMax = 20'000;     // of one step; more is a brain that never rests
constexpr std::size_t kFilesMax = 32;  // at a time
constexpr int kDeadlinesMax = 40;      // looked at in one step of the clock; then the clock runs on without
constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kUnknown = 1'000'000'000;  // an id that no brain comes to
constexpr int kOddities = 36;

template <class Variant, class T, std::size_t I = 0>
constexpr std::size_t index_of() {
  if constexpr (std::is_same_v<std::variant_alternative_t<I, Variant>, T>) {
    return I;
  } else {
    return index_of<Variant, T, I + 1>();
  }
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool begins_with(const std::string& text, std::string_view prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

static_assert(index_of<Event, ServiceAnswered>() == 16 && index_of<Command, BalanceFlow>() == 24);

}  // namespace

std::string_view step_name(std::size_t kind) { return kStepNames.at(kind); }
std::string_view event_name(std::size_t kind) { return names::kEvents.at(kind); }
std::string_view command_name(std::size_t kind) { return names::kCommands.at(kind); }
std::string_view record_name(std::size_t kind) { return names::kLogRecords.at(kind); }

void Counts::operator+=(const Counts& other) {
  const auto add = [](auto& to, const auto& from) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
  };
  add(steps, other.steps);
  add(events, other.events);
  add(commands, other.commands);
  add(records, other.records);
}

std::uint64_t Counts::all_events() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : events) sum += count;
  return sum;
}

World::World(const Config& config, BrainFactory make) : config_(config), make_(std::move(make)) { start(); }

// --- life --------------------------------------------------------------------------------------------

void World::start() {
  brain_ = make_(config_);
  send(Started{});
  settle();
}

// All that the old process knew is lost; what it had begun to deliver is delivered again.
void World::restart() {
  gather_ = 0;
  open_.clear();
  scans_.clear();
  connections_.clear();
  running_.clear();
  last_ended_.clear();
  questions_.clear();
  events_.clear();
  resolved_.clear();
  slots_ = 0;
  for (File& file : files_) {
    file.in_memory = file.unsure = 0;
    for (FileRecipient& r : file.recipients) r.standing = Standing::unread;
  }
  brain_.reset();
  start();
}

void World::feed(const Event& event) {
  counts_.events[event.index()] += 1;
  brain_->handle(time(), event, commands_);
}

// Commands in the order given: what follows from an immediate answer comes after what had been asked for before.
void World::send(const Event& event) {
  read_now_ = 0;
  feed(event);
  for (std::size_t i = 0; i < commands_.size(); ++i) {
    const Command command = std::move(commands_[i]);
    counts_.commands[command.index()] += 1;
    const Reply reply = std::visit([this](const auto& c) { return carry_out(c); }, command);
    if (watcher_) watcher_(*this, command);
    if (reply) feed(*reply);
    if (!is_lawful()) break;
  }
  commands_.clear();
}

void World::settle() {
  if (gather_ > 0) return;
  for (int round = 0; round < kRoundsMax && is_lawful(); ++round) {
    const auto deadline = brain_->next_deadline();
    if (deadline && *deadline <= now()) {
      do send(Tick{});
      while (brain_->wants_tick() && is_lawful());
    }
    round_.swap(events_);
    for (const Event& event : round_) send(event);
    round_.clear();
    while (!hold_ && !resolved_.empty()) {
      const Event event = std::move(resolved_.front());
      resolved_.pop_front();
      send(event);
    }
    while (services_ != Services::silent && !questions_.empty()) {
      answer(0, services_ == Services::good || (services_ == Services::mixed && ++service_calls_ % 3 != 0));
    }
    send(Turn{});
    const auto next = brain_->next_deadline();
    if (events_.empty() && (hold_ || resolved_.empty()) && (services_ == Services::silent || questions_.empty()) &&
        !brain_->wants_turn() && (!next || *next > now())) {
      return;
    }
  }
  expect(!is_lawful(), "the brain never rests");
}

void World::answer(std::size_t question, bool ok) {
  const Question asked = std::move(questions_[question]);
  questions_.erase(questions_.begin() + static_cast<std::ptrdiff_t>(question));
  const auto* report = std::get_if<ReportRequest>(&asked.ask.request);
  const bool returned =
      ok && report != nullptr && report->service == Service::defer && report->kind == ReportRequest::Kind::flush;
  if (returned) files_[asked.file].returned = true;
  send(ServiceAnswered{asked.ask.ticket, ok});
}

void World::trigger(const std::string& bytes) {
  forced_ |= bytes.find('A') != std::string::npos;
  events_.emplace_back(Triggered{bytes});
  settle();
}

void World::advance(std::int64_t seconds) { advance_us(seconds * kSecond); }

void World::advance_us(std::int64_t us) {
  const std::int64_t end = now_us_ + us;
  if (gather_ == 0) {
    for (int i = 0; i < kDeadlinesMax && is_lawful(); ++i) {
      const auto deadline = brain_->next_deadline();
      if (!deadline || deadline->count() * kSecond > end) break;
      now_us_ = std::max(now_us_, deadline->count() * kSecond);
      settle();
    }
  }
  now_us_ = std::max(now_us_, end);
  settle();
}

void World::jump(std::uint32_t a) {
  const std::int64_t sizes[] = {1, 3, 10, 60, 600, 7200};
  const std::int64_t size = sizes[a % 6] * kSecond;
  const bool back = (a / 6) % 2 == 0;
  set_back_ |= back;
  latest_us_ = std::max(latest_us_, now_us_);
  now_us_ += back ? -size : size;
}

// --- steps -------------------------------------------------------------------------------------------

void World::step(const Step& step) {
  if (!is_lawful()) return;
  counts_.steps[static_cast<std::size_t>(step.kind)] += 1;
  const bool was_gathering = gather_ > 0;
  const AgentId waiting = pick(false, step.a);
  const AgentId running = pick(true, step.a);
  switch (step.kind) {
    case StepKind::arrive: arrive(step.a, step.b, 1 + static_cast<int>(step.a % 4), 12); break;
    case StepKind::arrive_many:
      arrive(step.a, step.b, 5 + static_cast<int>(step.a % 26) + large_list(step.a), 6);
      break;
    case StepKind::arrive_odd: arrive_odd(step.a, step.b); break;
    case StepKind::greets:
      if (waiting != AgentId{}) connections_.at(waiting).refuses = step.b % 24 == 0;
      greet(waiting);
      break;
    case StepKind::fails:
      if (waiting != AgentId{} && !connections_.at(waiting).greeted) {
        connections_.at(waiting).greeted = true;  // it is pending no more
        connections_.at(waiting).refuses = true;
        const auto problem = step.b % 2 == 0 ? AgentProblem::connect : AgentProblem::greeting;
        connections_.erase(waiting);
        events_.emplace_back(AgentFailed{waiting, problem});
      }
      break;
    case StepKind::delivered:
    case StepKind::deferred:
    case StepKind::site_failure:
    case StepKind::crashed:
    case StepKind::odd_report: report(running, step); break;
    case StepKind::write_fails: write_failed(running); break;
    case StepKind::serve_all: serve_all(1 + static_cast<int>(step.a % 3)); break;
    case StepKind::advance:
      advance_us(step.a % 5 == 0 ? 250'000 + step.a % 3 * 250'000 : (1 + step.a % 12) * kSecond);
      break;
    case StepKind::advance_far: advance((step.a % 4 == 0 ? 3600 : 60) * (1 + step.a / 4 % 3)); break;
    case StepKind::jump: jump(step.a); break;
    case StepKind::trigger: trigger_some(step.a, step.b); break;
    case StepKind::hold_resolver: hold_ = !hold_; break;
    case StepKind::resolve_one:
      if (hold_ && !resolved_.empty()) {
        events_.push_back(std::move(resolved_.front()));
        resolved_.pop_front();
      }
      break;
    case StepKind::services: services_ = static_cast<Services>(step.a % 4); break;
    case StepKind::answer_one:
      if (!questions_.empty() && gather_ == 0) answer(step.a % questions_.size(), step.b % 3 != 0);
      break;
    case StepKind::bounce_logs: set_bounce_logs(step.a); break;
    case StepKind::spoil_file: spoil(step.a, step.b); break;
    case StepKind::mend_files: mend(); break;
    case StepKind::gather:
      if (!was_gathering) {
        gather_ = 2 + step.a % 5;
        gather_reversed_ = step.b % 2 == 1;
      }
      break;
    case StepKind::stray: stray(step.a); break;
    case StepKind::restart: restart(); break;
  }
  if (gather_ > 0) gathered();
  settle();
}

void World::gathered() {
  gather_ -= 1;
  if (gather_ == 0 && gather_reversed_) std::reverse(events_.begin(), events_.end());
}

World::File* World::new_file(Queue queue, std::int64_t age, std::int64_t due_in) {
  std::size_t slot = 0;
  while (slot < files_.size() && !files_[slot].gone) ++slot;
  if (slot >= kFilesMax) return nullptr;
  if (slot == files_.size()) files_.emplace_back();
  File& file = files_[slot];
  file = File{};
  file.id = "M" + std::to_string(++file_serial_);
  file.queue = queue;
  file.mtime = second() + due_in;
  file.envelope.sender = "s@example";
  file.envelope.create_time = Seconds{second() - age};
  file.envelope.arrival = at_second(file.envelope.create_time + Seconds{file_serial_ % 3});
  file.bounce_log = next_bounce_log_;
  return &file;
}

void World::add_recipient(File& file, std::string address) {
  FileRecipient recipient;
  recipient.recipient.offset = static_cast<std::int64_t>(file.recipients.size());
  recipient.recipient.address = std::move(address);
  file.recipients.push_back(std::move(recipient));
  file.announced = static_cast<std::int64_t>(file.recipients.size());
}

std::size_t World::add_file(Queue queue, std::int64_t age, std::int64_t due_in, std::vector<std::string> recipients) {
  File* file = new_file(queue, age, due_in);
  if (file == nullptr) {  // a property's own files know no bound
    files_.emplace_back();
    file = &files_.back();
    file->id = "M" + std::to_string(++file_serial_);
    file->queue = queue;
    file->mtime = second() + due_in;
    file->envelope.sender = "s@example";
    file->envelope.create_time = Seconds{second() - age};
    file->envelope.arrival = at_second(file->envelope.create_time);
  }
  for (std::string& address : recipients) add_recipient(*file, std::move(address));
  return static_cast<std::size_t>(file - files_.data());
}

void World::ring(Queue queue) { events_.emplace_back(Triggered{queue == Queue::deferred ? "D" : "W"}); }

void World::arrive(std::uint32_t a, std::uint32_t b, int recipients, int places) {
  const Queue queue = b % 5 == 4 ? Queue::deferred : Queue::incoming;
  File* file = new_file(queue, queue == Queue::deferred ? b % 50 : 0, b % 11 == 10 ? 20 : 0);
  if (file == nullptr) return;
  Prng random(static_cast<std::uint64_t>(a) << 32 | b);
  const int transports = b / 16 % 3 == 0 ? 3 : 1;  // many go one way only, which makes stacks deep
  const int one = static_cast<int>(a / 64 % 3);
  for (int i = 0; i < recipients; ++i) {
    const int where = random.roll(places);
    const int transport = transports == 1 ? one : where % 3;
    std::string address = "r";
    address += static_cast<char>('a' + i % 26);
    address += '@';
    address += random.one_in(12) ? 'D' : 'd';
    address += static_cast<char>('0' + where / 3);
    address += ".t";
    address += static_cast<char>('1' + transport);
    add_recipient(*file, std::move(address));
  }
  ring(queue);
}

// Beyond one batch, where batches are large.
int World::large_list(std::uint32_t a) const {
  const bool large = config_.scheduler == Scheduler::round_robin && config_.message_recipient_limit > 100;
  return large && a / 192 % 2 == 0 ? config_.message_recipient_limit : 0;
}

// As many as make a share of the limit full, and not one more.
bool World::fills_batch(std::int64_t recipients) const {
  const double share = share_of_recipients();
  return static_cast<double>(recipients) >= share && static_cast<double>(recipients - 1) < share;
}

double World::share_of_recipients() const { return config_.message_recipient_limit * (config_.fudge_factor / 100.0); }

std::int64_t World::recipients_in_memory() const {
  std::int64_t in_memory = 0;
  for (const auto& each : open_) {
    const File& file = files_[each.second.file];
    if (!file.unaccounted) in_memory += std::max<std::int64_t>(0, file.in_memory - file.unsure);
  }
  return in_memory;
}

void World::arrive_odd(std::uint32_t a, std::uint32_t b) {
  const std::size_t before = file_serial_;
  arrive(b, a / 7, 1 + static_cast<int>(b % 5), 6);
  if (file_serial_ == before) return;
  const std::string id = "M" + std::to_string(file_serial_);
  const auto file = std::find_if(files_.begin(), files_.end(), [&](const File& f) { return f.id == id; });
  make_odd(*file, static_cast<int>(a % kOddities), b);
  if (b % 3 == 0) make_odd(*file, static_cast<int>(a / kOddities % kOddities), b / 3);
}

void World::make_odd(File& file, int oddity, std::uint32_t b) {
  Envelope& e = file.envelope;
  const auto prefix_some = [&](const char* prefix) {
    for (std::size_t i = b % 2; i < file.recipients.size(); i += 2) {
      Recipient& r = file.recipients[i].recipient;
      r.address = prefix + r.address;
    }
  };
  switch (oddity) {
    case 0: e.verp_delimiters = "+="; break;
    case 1: e.filter = "t3:flt.example"; break;
    case 2: e.filter = b % 2 == 0 ? "t2:" : "t2"; break;
    case 3: e.redirect = "red@d1.t1"; break;
    case 4: e.redirect = ""; break;
    case 5: e.trace_flags |= kTraceVerifyMta; break;
    case 6: e.trace_flags |= kTraceVerifyUser; break;
    case 7:
      e.trace_flags |= kTraceRecord;
      e.trace_offset = b % 2 * 40;
      break;
    case 8: e.warn_time = Seconds{-1}; break;
    case 9:
      e.warn_time = Seconds{second() + b % 30};
      e.warn_offset = 80;
      break;
    case 10: e.sender = ""; break;
    case 11: file.flush_request = true; break;
    case 12: file.expire_request = true; break;
    case 13: file.expire_request = file.defer_log = true; break;
    case 14: prefix_some("double-bounce@local.t1?"); break;
    case 15: prefix_some("fail."); break;
    case 16: prefix_some("bad."); break;
    case 17: prefix_some("null."); break;
    case 18:
      file.junk = true;
      file.state = FileState::invalid_name;
      break;
    case 19: file.state = FileState::not_ready; break;
    case 20: file.state = FileState::not_regular; break;
    case 21: file.state = FileState::vanished; break;
    case 22: file.problem = AdmitProblem::corrupt; break;
    case 23: file.problem = AdmitProblem::vanished; break;
    case 24: file.problem = AdmitProblem::locked; break;
    case 25: file.problem = AdmitProblem::not_moved; break;
    case 26: file.unreadable = true; break;
    case 27:
      e.success_notify = true;
      for (FileRecipient& r : file.recipients) r.recipient.notify = b % 16;
      break;
    case 28: e.inspect = true; break;
    case 29:
      for (const char* to : {"x@x.retry", "y@y.error", "z@z.t4", "w@w.t5"}) add_recipient(file, to);
      break;
    case 30: e.create_time = b % 2 == 0 ? Seconds{0} : Seconds{second() - 10'000}; break;
    case 31:
      for (const char* to : {"joe+a@d0.t1", "joe+b@d0.t1", "owner-l@d0.t2", "owner-m@d0.t2", "l-request@d1.t2",
                             "Postmaster@d0.t1", "+x@d0.t3", "joe@d0.t1", "joe@d0.t1", "nodomain"}) {
        add_recipient(file, to);
      }
      break;
    case 32: file.announced += b % 7; break;
    case 33: file.recipients.clear(); break;
    case 34:
      for (FileRecipient& r : file.recipients) r.recipient.original = r.recipient.address + ".orig";
      break;
    case 35: e.trace_flags |= kTraceDelayCleared; break;
    default: break;
  }
}

void World::spoil(std::uint32_t a, std::uint32_t b) {
  if (files_.empty()) return;
  File& file = files_[a % files_.size()];
  switch (b % 5) {
    case 0: file.state = static_cast<FileState>(1 + b / 5 % 4); break;
    case 1: file.unreadable = true; break;
    case 2: file.problem = static_cast<AdmitProblem>(b / 5 % 4); break;
    case 3: file.flush_request = true; break;
    case 4:
      file.expire_request = true;
      file.defer_log = b / 5 % 2 == 0;
      break;
    default: break;
  }
}

void World::mend() {
  for (File& file : files_) {
    file.problem.reset();
    file.unreadable = false;
    if (!file.junk) file.state = FileState::ready;
    // Probes may be refused for ever (PAR-075): no law says that they are answered.
    if (draining_ && file.queue != Queue::active) file.envelope.trace_flags &= ~kTraceVerifyMta;
  }
}

void World::set_bounce_logs(std::uint32_t a) {
  next_bounce_log_ = static_cast<LogFileState>(a % 3);
  for (File& file : files_) file.bounce_log = next_bounce_log_;
}

void World::trigger_some(std::uint32_t a, std::uint32_t b) {
  constexpr std::string_view kLetters("ADFIWADFIWADFIW\0x\xff", 18);
  Prng random(a);
  std::string bytes;
  for (std::uint32_t i = 0; i < b % 6; ++i) {
    bytes += kLetters[static_cast<std::size_t>(random.roll(static_cast<int>(kLetters.size())))];
  }
  trigger(bytes);
}

void World::stray(std::uint32_t a) {
  constexpr AgentId kAgent{kUnknown};
  constexpr MessageId kMessage{kUnknown};
  const AgentId known = pick(true, a / 16);
  switch (a % 12) {
    case 0: events_.emplace_back(AgentReady{kAgent}); break;
    case 1: events_.emplace_back(AgentReady{known == AgentId{} ? kAgent : known}); break;
    case 2: events_.emplace_back(Delivered{.agent = kAgent, .complete = true, .try_again = false, .dsn = {}}); break;
    case 3: events_.emplace_back(ServiceAnswered{TicketId{kUnknown}, true}); break;
    case 4: events_.emplace_back(Tick{}); break;
    case 5: events_.emplace_back(Turn{}); break;
    case 6: events_.emplace_back(Resolved{kMessage, {}}); break;
    case 7: events_.emplace_back(AgentFailed{kAgent, AgentProblem::write}); break;
    case 8: events_.emplace_back(ScanEnded{Queue::deferred}); break;
    case 9: events_.emplace_back(RecipientsRead{kMessage, {}}); break;
    case 10: events_.emplace_back(FileChecked{kMessage, FileState::ready}); break;
    case 11: events_.emplace_back(BounceLogChecked{kMessage, LogFileState::absent}); break;
    default: break;
  }
}

// --- agents ------------------------------------------------------------------------------------------

AgentId World::pick(bool busy, std::uint32_t index) const {
  const auto fits = [busy](const auto& each) { return busy ? each.second.busy : !each.second.greeted; };
  const auto count = std::count_if(connections_.begin(), connections_.end(), fits);
  if (count == 0) return {};
  auto left = static_cast<std::int64_t>(index) % count;
  for (const auto& each : connections_) {
    if (fits(each) && left-- == 0) return each.first;
  }
  return {};
}

std::vector<AgentId> World::waiting_agents() const {
  std::vector<AgentId> found;
  for (const auto& [id, connection] : connections_) {
    if (!connection.greeted) found.push_back(id);
  }
  return found;
}

std::vector<AgentId> World::busy_agents() const {
  std::vector<AgentId> found;
  for (const auto& [id, connection] : connections_) {
    if (connection.busy) found.push_back(id);
  }
  return found;
}

void World::greet(AgentId agent) {
  const auto found = connections_.find(agent);
  if (found == connections_.end() || found->second.greeted) return;
  found->second.greeted = true;
  found->second.greeted_at = second();
  events_.emplace_back(AgentReady{agent});
}

void World::serve_all(int rounds) {
  if (gather_ > 0) return;
  for (int round = 0; round < rounds; ++round) {
    for (const AgentId agent : waiting_agents()) greet(agent);
    settle();
    for (const AgentId agent : busy_agents())
      end_delivery(agent, true, connections_.at(agent).transport == "retry", {});
    settle();
  }
}

void World::report(AgentId agent, const Step& step) {
  if (agent == AgentId{}) return;
  const auto dsn = [&]() -> Dsn {
    switch (step.b % 8) {
      case 0: return {"4.4.1", ""};
      case 1: return {"garbage", "strange"};
      case 2: return {"5.1.1", "no such place"};
      case 3: return {"4.1234.1", "too long"};
      case 4: return {"4.4.1", "no route"};
      case 5: return {"4.4.2", "it went away"};
      default: return {"4.4.3", "no address"};
    }
  };
  const std::string& name = connections_.at(agent).transport;
  const bool retry = name == "retry" && step.a / 256 % 8 != 0;  // it only ever defers, as a rule
  switch (step.kind) {
    case StepKind::delivered: end_delivery(agent, true, retry, {}); return;
    case StepKind::deferred: end_delivery(agent, true, true, {}); return;
    case StepKind::site_failure: end_delivery(agent, true, true, retry ? Dsn{} : dsn()); return;
    case StepKind::crashed: {
      Dsn partial;
      if (step.b / 8 % 3 == 1) partial = dsn();
      if (step.b / 8 % 3 == 2) partial.code = dsn().code;
      end_delivery(agent, false, step.b % 2 == 0, partial);
      return;
    }
    default: break;
  }
  Dsn odd;
  if (step.b % 3 != 1) odd.text = "a reason";
  if (step.b % 3 != 2) odd.code = "4.4.1";
  end_delivery(agent, true, step.b % 2 == 0, odd);
}

void World::end_delivery(AgentId agent, bool complete, bool try_again, Dsn dsn) {
  const auto found = connections_.find(agent);
  if (found == connections_.end() || !found->second.busy) return;
  const Connection connection = std::move(found->second);
  connections_.erase(found);
  running_[connection.destination] -= 1;
  if (transport(connection.transport).destination_rate_delay > Seconds{0}) {
    last_ended_[connection.destination] = second();
  }
  File& file = files_[connection.file];
  for (const std::size_t i : connection.recipients) {
    account(file, static_cast<std::int64_t>(i), Standing::over);
    if (complete && !try_again) file.recipients[i].done = true;
  }
  events_.emplace_back(Delivered{.agent = agent, .complete = complete, .try_again = try_again, .dsn = std::move(dsn)});
}

// The request was not sent: its recipients wait again.
void World::write_failed(AgentId agent) {
  const auto found = connections_.find(agent);
  if (found == connections_.end() || !found->second.busy) return;
  running_[found->second.destination] -= 1;
  for (const std::size_t i : found->second.recipients) {
    account(files_[found->second.file], static_cast<std::int64_t>(i), Standing::in_memory);
  }
  connections_.erase(found);
  events_.emplace_back(AgentFailed{agent, AgentProblem::write});
}

int World::rounds_to_drain() const {
  // A rate delay of 3 s, a connection and a report make 5 s for each recipient; what fails comes back once, after
  // the longest wait, or is taken by the forced run of every eighth round.
  std::size_t recipients = 0;
  for (const File& file : files_) recipients += file.gone ? 0 : 1 + file.recipients.size();
  return 60 + 12 * static_cast<int>(recipients);
}

bool World::drains(int rounds) {
  gather_ = 0;
  hold_ = false;
  draining_ = true;
  services_ = Services::good;
  if (latest_us_ > now_us_) advance_us(latest_us_ - now_us_);  // timers go by the clock, which had been set back
  for (int round = 0; round < rounds && is_lawful(); ++round) {
    mend();
    settle();
    if (std::all_of(files_.begin(), files_.end(), [](const File& f) { return f.gone || f.junk; })) return true;
    // Everybody who waits is served, everybody who works gets done.
    for (const AgentId agent : waiting_agents()) greet(agent);
    settle();
    for (const AgentId agent : busy_agents())
      end_delivery(agent, true, connections_.at(agent).transport == "retry", {});
    advance(1);
    if (round % 8 == 7) trigger("FDAI");
  }
  return false;
}

// --- duties: files -----------------------------------------------------------------------------------

World::File* World::file_named(MessageId message) {
  const auto found = open_.find(message);
  expect(found != open_.end(), "a command about a message that is not in memory");
  return found == open_.end() ? nullptr : &files_[found->second.file];
}

World::Reply World::carry_out(const RecoverActive&) {
  expect(open_.empty(), "active files are recovered while some are in memory");
  for (File& file : files_) {
    if (file.gone || file.queue != Queue::active) continue;
    file.queue = Queue::incoming;
    file.mtime = second();
  }
  return std::nullopt;
}

World::Reply World::carry_out(const OpenScan& c) {
  auto& scan = scans_[c.queue];
  scan.clear();
  for (std::size_t i = files_.size(); i > 0; --i) {
    if (files_[i - 1].queue == c.queue && !files_[i - 1].gone) scan.push_back(i - 1);
  }
  return std::nullopt;
}

World::Reply World::carry_out(const ScanNext& c) {
  auto& scan = scans_[c.queue];
  while (!scan.empty()) {
    const File& file = files_[scan.back()];
    scan.pop_back();
    if (file.gone || file.queue != c.queue) continue;
    return ScanEntry{.queue = c.queue,
                     .queue_id = file.id,
                     .state = file.state,
                     .mtime = Seconds{file.mtime},
                     .flush_request = file.flush_request,
                     .expire_request = file.expire_request};
  }
  return ScanEnded{c.queue};
}

World::Reply World::carry_out(const Admit& c) {
  const auto found =
      std::find_if(files_.begin(), files_.end(), [&](const File& f) { return !f.gone && f.id == c.queue_id; });
  if (found == files_.end() || found->queue != c.from || found->state != FileState::ready) {
    expect(false, "a file was taken that is not there to be taken");
    return std::nullopt;
  }
  File& file = *found;
  //= R-QUE-03 test
  expect(open_.size() < static_cast<std::size_t>(config_.active_limit), "QUE-03: more messages than the active limit");
  //= R-PAR-011 test
  const std::int64_t in_memory = recipients_in_memory();
  expect(c.at_most > 0, "a read of no recipients");
  if (config_.scheduler == Scheduler::round_robin) {
    expect(in_memory < config_.message_recipient_limit, "PAR-011: a file was taken with no room for recipients");
    //= R-PAR-023 test
    expect(fills_batch(c.at_most), "PAR-023: a first read that is not a batch");
  } else {
    expect(c.at_most <=
               std::max<std::int64_t>(config_.message_recipient_limit - in_memory, config_.message_recipient_minimum),
           "PAR-011: a first read of more recipients than may be in memory");
  }
  expect(file.mtime <= second() + 1 || forced_, "a file was taken before its time");
  if (open_.count(c.message) != 0) {
    expect(false, "an id is used again");
    return std::nullopt;
  }
  admitted_ += 1;
  Open& open = open_[c.message];
  open = {static_cast<std::size_t>(found - files_.begin()), 0, file.announced};
  if (const auto problem = std::exchange(file.problem, std::nullopt)) {
    file.excused = *problem != AdmitProblem::locked;
    if (*problem == AdmitProblem::not_moved) {
      file.gone = true;
    } else {
      file.queue = Queue::active;
    }
    return AdmitFailed{c.message, *problem};
  }
  file.queue = Queue::active;
  file.flush_request = false;
  const bool has_defer_log = c.expire_request && file.defer_log;
  file.unaccounted = file.envelope.redirect.has_value() || has_defer_log;
  file.only_asks = (file.envelope.trace_flags & (kTraceVerifyMta | kTraceVerifyUser)) != 0;
  file.returned = file.excused = false;
  file.unsure = file.in_memory = 0;
  for (FileRecipient& r : file.recipients) r.standing = Standing::unread;
  return Admitted{c.message, file.envelope, read(open, c.at_most), has_defer_log};
}

World::Reply World::carry_out(const ReadRecipients& c) {
  File* file = file_named(c.message);
  if (file == nullptr) return std::nullopt;
  expect(c.at_most > 0, "a read of no recipients");
  if (config_.scheduler == Scheduler::round_robin) {
    //= R-PAR-023 test
    expect(fills_batch(c.at_most), "PAR-023: a later read that is not a batch");
    const bool early = !file->unaccounted && file->in_memory > file->unsure;
    expect(!early || static_cast<double>(recipients_in_memory() - read_now_) < share_of_recipients() - 100,
           "PAR-023: a read before there was room for it");
  } else {
    //= R-PAR-014 test
    // At most its own minimum and all slots, the extra ones included, of all transports there are.
    std::int64_t slots = config_.message_recipient_minimum;
    for (const char* name : {"t1", "t2", "t3", "t4", "t5", "retry", "error"}) {
      slots += transport(name).recipient_pool + transport(name).extra_recipients;
    }
    expect(c.at_most <= slots, "PAR-014: a read beyond the recipient slots");
  }
  if (std::exchange(file->unreadable, false)) {
    file->excused = true;
    return ReadFailed{c.message};
  }
  return RecipientsRead{c.message, read(open_.at(c.message), c.at_most)};
}

Batch World::read(Open& open, std::int64_t at_most) {
  File& file = files_.at(open.file);
  Batch batch;
  while (open.position < file.recipients.size() && !batch.more) {
    FileRecipient& here = file.recipients[open.position++];
    open.unread -= 1;
    if (here.done) continue;
    account(file, here.recipient.offset, Standing::in_memory);
    batch.recipients.push_back(here.recipient);
    batch.more = static_cast<std::int64_t>(batch.recipients.size()) == at_most;
  }
  read_now_ += static_cast<std::int64_t>(batch.recipients.size());
  batch.unread = batch.more ? std::max<std::int64_t>(0, open.unread) : 0;
  return batch;
}

void World::account(File& file, std::int64_t offset, Standing standing) {
  if (offset < 0 || offset >= static_cast<std::int64_t>(file.recipients.size())) {
    expect(false, "a recipient that nobody has");
    return;
  }
  FileRecipient& r = file.recipients[static_cast<std::size_t>(offset)];
  const auto counts = [](Standing s) { return s == Standing::in_memory || s == Standing::running ? 1 : 0; };
  file.in_memory += counts(standing) - counts(r.standing);
  r.standing = standing;
}

World::Reply World::carry_out(const DropUnread& c) {
  File* file = file_named(c.message);
  if (file != nullptr) expect(file->envelope.redirect.has_value(), "unread recipients were dropped");
  return std::nullopt;
}

World::Reply World::carry_out(const RemoveDeferLog& c) {
  File* file = file_named(c.message);
  if (file != nullptr) file->defer_log = false;
  return std::nullopt;
}

World::Reply World::carry_out(const CheckBounceLog& c) {
  const File* file = file_named(c.message);
  if (file == nullptr) return std::nullopt;
  return BounceLogChecked{c.message, file->bounce_log};
}

World::Reply World::carry_out(const RemoveBounceLog& c) {
  File* file = file_named(c.message);
  if (file == nullptr) return std::nullopt;
  expect(file->bounce_log == LogFileState::empty, "a bounce log was removed that is not empty");
  file->bounce_log = LogFileState::absent;
  return std::nullopt;
}

World::Reply World::carry_out(const CheckFile& c) {
  File* file = file_named(c.message);
  if (file == nullptr) return std::nullopt;
  file->excused |= file->state != FileState::ready;
  return FileChecked{c.message, file->state};
}

World::Reply World::carry_out(const MarkDone& c) {
  File* file = file_named(c.message);
  if (file == nullptr) return std::nullopt;
  account(*file, c.offset, Standing::over);
  if (is_lawful()) file->recipients[static_cast<std::size_t>(c.offset)].done = true;
  return std::nullopt;
}

World::Reply World::carry_out(const KillTrace& c) {
  File* file = file_named(c.message);
  if (file == nullptr) return std::nullopt;
  file->envelope.trace_flags &= ~(kTraceVerifyUser | kTraceRecord);
  file->envelope.trace_offset = 0;
  return std::nullopt;
}

World::Reply World::carry_out(const UpdateWarn& c) {
  File* file = file_named(c.message);
  if (file != nullptr) file->envelope.warn_time = Seconds{-1};
  return std::nullopt;
}

// The message leaves memory. Each recipient that was read has been disposed of exactly once by now.
void World::close(MessageId message, bool accounts) {
  File& file = files_[open_.at(message).file];
  open_.erase(message);
  if (accounts && !file.unaccounted) {
    expect(file.in_memory <= file.unsure, "a recipient was lost: read, and neither delivered nor deferred");
  }
  for (const FileRecipient& r : file.recipients) {
    expect(r.standing != Standing::running, "a message left memory during a delivery");
  }
  file.in_memory = file.unsure = 0;
}

//= R-QUE-05 test
//= R-STR-11 test
World::Reply World::carry_out(const Retry& c) {
  File* file = file_named(c.message);
  if (file == nullptr) return std::nullopt;
  close(c.message, true);
  const std::int64_t wait = c.not_before.count() - second();
  const Seconds born =
      config_.habits.backoff_from_arrival ? file->envelope.arrival.seconds() : file->envelope.create_time;
  const std::int64_t age = second() - born.count();
  const std::int64_t minimum = config_.minimal_backoff.count();
  const std::int64_t maximum = std::max(minimum, config_.maximal_backoff.count());
  expect(wait >= minimum, "QUE-05: a wait below the minimum");
  expect(wait <= maximum, "QUE-05: a wait above the maximum");
  const bool dated = born > Seconds{0};
  if (dated && file->last_age >= minimum && !forced_ && !set_back_) {
    const std::int64_t doubled = std::min(2 * file->last_age, file->last_age + config_.maximal_backoff.count()) - 1;
    expect(age >= doubled, "STR-11: attempts follow too soon");
  }
  file->queue = Queue::deferred;
  file->mtime = c.not_before.count();
  file->last_age = age;
  retries_ += 1;
  return std::nullopt;
}

World::Reply World::carry_out(const CoolDown& c) {
  File* file = file_named(c.message);
  if (file == nullptr) return std::nullopt;
  close(c.message, false);
  file->queue = Queue::incoming;
  file->mtime = c.not_before.count();
  return std::nullopt;
}

World::Reply World::carry_out(const Remove& c) {
  File* file = file_named(c.message);
  if (file == nullptr) return std::nullopt;
  if (!file->unaccounted && !file->returned) {
    // Who only asks has an answer when the recipient has been disposed of, and nothing is marked.
    for (const FileRecipient& r : file->recipients) {
      const bool answered = file->only_asks && r.standing == Standing::over;
      expect(r.done || answered, "a message was removed with a recipient not done");
    }
  }
  close(c.message, true);
  file->gone = true;
  return std::nullopt;
}

World::Reply World::carry_out(const MarkCorrupt& c) {
  File* file = file_named(c.message);
  if (file == nullptr) return std::nullopt;
  //= R-QUE-06 test
  expect(file->excused, "QUE-06: a good file was taken for corrupt");
  close(c.message, false);
  file->gone = true;
  return std::nullopt;
}

World::Reply World::carry_out(const Forget& c) {
  if (file_named(c.message) != nullptr) close(c.message, false);
  return std::nullopt;
}

// --- duties: the others ------------------------------------------------------------------------------

// What the address says is what the resolver answers: user@nexthop.transport, with words in front for trouble.
Answer World::resolve(const std::string& address) const {
  if (begins_with(address, "fail.") && !draining_) return {"", "", address, kResolveFail};
  if (begins_with(address, "bad.")) return {"", "", address, kResolveError};
  if (begins_with(address, "null.")) return {"t1", "d0", "", 0};
  if (begins_with(address, "double-bounce@")) return {"t1", "local", "Double-Bounce@local", kResolveClassLocal};
  const auto at = address.rfind('@');
  const auto dot = address.rfind('.');
  if (at == std::string::npos || dot == std::string::npos || dot < at) return {"t1", "d0", address, 4096};
  std::string name = address.substr(dot + 1);
  if (draining_ && name == "retry") name = "t1";  // retry defers for ever
  return {std::move(name), address.substr(at + 1, dot - at - 1), address, 4096};
}

World::Reply World::carry_out(const Resolve& c) {
  if (file_named(c.message) == nullptr) return std::nullopt;
  Resolved answer{c.message, {}};
  answer.answers.reserve(c.addresses.size());
  for (const std::string& address : c.addresses) answer.answers.push_back(resolve(address));
  resolved_.emplace_back(std::move(answer));
  return std::nullopt;
}

World::Reply World::carry_out(const RequestAgent& c) {
  const auto pending = std::count_if(connections_.begin(), connections_.end(), [&](const auto& each) {
    return !each.second.greeted && each.second.transport == c.transport;
  });
  expect(pending < (config_.habits.single_connection ? 1 : 2), "more connections pending than allowed");
  expect(connections_.count(c.agent) == 0, "an id is used again");
  //= R-PAR-071 test
  if (transport(c.transport).transport_rate_delay > Seconds{0}) {
    const bool other = std::any_of(connections_.begin(), connections_.end(),
                                   [&](const auto& each) { return each.second.transport == c.transport; });
    expect(!other, "PAR-071: a second connection of a transport with a rate delay");
  }
  connections_[c.agent].transport = c.transport;
  return std::nullopt;
}

// Limits count per next hop; with a recipient limit of 1 per mailbox at the next hop.
std::string World::destination_key(const std::string& name, const Deliver& deliver) const {
  std::string key = name + ' ' + lower(deliver.nexthop);
  if (transport(name).recipient_limit == 1 && name != "retry" && name != "error") {
    const std::string& address = deliver.recipients.front().address;
    key += ' ' + lower(address.substr(0, address.rfind('@')));
  }
  return key;
}

World::Reply World::carry_out(const Deliver& c) {
  const auto found = connections_.find(c.agent);
  File* file = file_named(c.message);
  const bool usable = found != connections_.end() && found->second.greeted && !found->second.busy;
  expect(usable, "a delivery on a connection that is not there for it");
  expect(!c.recipients.empty(), "a delivery to nobody");
  if (!is_lawful()) return std::nullopt;
  Connection& connection = found->second;
  const TransportConfig& t = transport(connection.transport);
  connection.busy = true;
  connection.destination = destination_key(connection.transport, c);
  connection.file = open_.at(c.message).file;
  //= R-PAR-026 test
  const int limit = t.destination_rate_delay > Seconds{0} ? 1 : t.concurrency_limit;
  int& running = running_[connection.destination];
  running += 1;
  expect(limit == 0 || running <= limit, "PAR-026: more deliveries than the concurrency limit");
  //= R-PAR-038 test
  expect(t.recipient_limit == 0 || connection.transport == "retry" ||
             c.recipients.size() <= static_cast<std::size_t>(t.recipient_limit),
         "PAR-038: more recipients than the limit in one delivery");
  if (!set_back_) {
    //= R-PAR-071 test
    expect(second() - connection.greeted_at >= t.transport_rate_delay.count(),
           "PAR-071: a delivery before the transport's rate delay is over");
    //= R-PAR-069 test
    const auto ended = last_ended_.find(connection.destination);
    expect(ended == last_ended_.end() || second() - ended->second >= t.destination_rate_delay.count(),
           "PAR-069: a delivery before the destination's rate delay is over");
  }
  for (const Recipient& recipient : c.recipients) {
    const auto index = static_cast<std::size_t>(recipient.offset);
    if (index >= file->recipients.size()) {
      expect(false, "a recipient that nobody has");
      return std::nullopt;
    }
    const FileRecipient& r = file->recipients[index];
    expect(!r.done && (r.standing == Standing::in_memory || file->unaccounted), "a recipient is delivered to twice");
    account(*file, recipient.offset, Standing::running);
    connection.recipients.push_back(index);
  }
  deliveries_ += 1;
  if (!connection.refuses) return std::nullopt;
  write_failed(c.agent);
  const Event failed = std::move(events_.back());
  events_.pop_back();
  return failed;
}

World::Reply World::carry_out(const ReleaseAgent& c) {
  const auto found = connections_.find(c.agent);
  const bool idle = found != connections_.end() && found->second.greeted && !found->second.busy;
  expect(idle, "a connection was released that is not idle");
  if (idle) connections_.erase(found);
  return std::nullopt;
}

World::Reply World::carry_out(const AskService& c) {
  File* file = file_named(c.message);
  if (file == nullptr) return std::nullopt;
  if (const auto* append = std::get_if<AppendRequest>(&c.request)) {
    account(*file, append->recipient.offset, Standing::over);
  }
  if (std::holds_alternative<VerifyUpdate>(c.request)) file->unsure += 1;
  questions_.push_back({c, open_.at(c.message).file});
  return std::nullopt;
}

World::Reply World::carry_out(const Log& c) {
  counts_.records[c.record.index()] += 1;
  if (const auto* delivery = std::get_if<LogDelivery>(&c.record)) {
    for (const auto& each : open_) {
      File& file = files_[each.second.file];
      if (file.id == delivery->queue_id) account(file, delivery->recipient.offset, Standing::over);
    }
  }
  return std::nullopt;
}

}  // namespace weir::sim
