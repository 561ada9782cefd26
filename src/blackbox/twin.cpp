#include "blackbox/twin.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "blackbox/surroundings.hpp"
#include "blackbox/twin_resolver.hpp"
#include "codec/attr.hpp"
#include "codec/delivery.hpp"
#include "codec/greeting.hpp"
#include "codec/log_line.hpp"
#include "codec/notify.hpp"
#include "codec/options.hpp"
#include "codec/parameters.hpp"
#include "codec/queue_file.hpp"
#include "codec/record.hpp"
#include "codec/trigger.hpp"
#include "codec/version.hpp"
#include "contract/check.hpp"

namespace weir::blackbox {
namespace {

constexpr int kRoundsMax = 100'000;  // after one input; more is a brain that never rests
constexpr unsigned kFlushRequest = 0040, kExpireRequest = 0010, kReady = 0700;  // mode bits of a queue file
constexpr std::string_view kAllocate = "qmgr_active_drain: allocate ";

// Users and groups as a fresh Debian with Postfix has them.
class FewAccounts final : public codec::Accounts {
 public:
  std::optional<User> user(const std::string& name) const override {
    if (name == "postfix") return User{"postfix", 102, 105};
    if (name == "nobody") return User{"nobody", 65534, 65534};
    return std::nullopt;
  }
  std::optional<User> user_with_id(std::uint32_t id) const override {
    return id == 102 ? user("postfix") : id == 65534 ? user("nobody") : std::nullopt;
  }
  std::optional<Group> group(const std::string& name) const override {
    if (name == "postdrop") return Group{"postdrop", 106};
    return std::nullopt;
  }
  std::optional<Group> group_with_id(std::uint32_t id) const override {
    return id == 106 ? group("postdrop") : std::nullopt;
  }
};

// Everything that a start reads and says, in the order of src/app/qmgr.
struct Start {
  codec::Options options;
  codec::ProcessSettings settings;
  Config config;
  std::string tag = "postfix";  // of log lines, before the name of the program
  std::vector<std::string> warnings;
  std::optional<std::string> fatal;
};

std::string program_of(const std::string& personality) { return personality == "nqmgr-2003" ? "nqmgr" : personality; }

class Starting {
 public:
  Starting(const Setup& setup, const std::string& personality) {
    here_.process_name = here_.service_name = program_of(personality);
    here_.config_directory = "$DIR/e";
    here_.host_name = "mx.test.example";
    dictionary_ = codec::start_dictionary(here_);
    for (const auto& [name, value] : base_parameters()) dictionary_.set(name, value);
    if (personality == "nqmgr-2003") dictionary_.set("weir_personality", personality);
    for (const auto& [name, value] : setup.parameters) dictionary_.set(name, value);
    if (!read_options(setup.arguments)) return;
    if (!heed(codec::evaluate_general(here_, FewAccounts{}, dictionary_, out_.settings, out_.config))) return;
    out_.tag = out_.settings.syslog_name;
    own();
  }
  [[nodiscard]] Start take() { return std::move(out_); }

 private:
  bool heed(codec::Notes notes) {
    for (std::string& each : notes.warnings) out_.warnings.push_back(std::move(each));
    out_.fatal = std::move(notes.fatal);
    return !out_.fatal;
  }
  bool read_options(const std::vector<std::string>& further) {
    std::vector<std::string> arguments = {here_.process_name, "-l", "-t", "unix", "-u"};
    arguments.insert(arguments.end(), further.begin(), further.end());
    codec::ParsedOptions parsed = codec::parse_options(arguments);
    out_.options = std::move(parsed.options);
    if (parsed.fatal) return heed({{}, std::move(parsed.fatal)});
    codec::apply(out_.options, dictionary_);
    here_.service_name = out_.options.service_name;
    codec::set_process_facts(here_, dictionary_);
    return true;
  }
  void own() {
    codec::Notes notes = codec::evaluate_queue_manager(here_, dictionary_, out_.settings, out_.config);
    if (notes.ok()) notes.fatal = codec::start_failure(out_.options);
    const auto no_file = [](const std::string&) { return std::nullopt; };
    if (!heed(std::move(notes)) || !heed(codec::open_domain_lists(no_file, out_.settings))) return;
    if (here_.process_name == "nqmgr") {
      for (codec::LogLine& each : codec::line::nqmgr_is_old(here_.config_directory)) {
        out_.warnings.push_back(std::move(each.text));
      }
    }
    heed(codec::repair(out_.settings, out_.config));
  }

  codec::Surroundings here_;
  codec::Dictionary dictionary_;
  Start out_;
};

codec::LogSettings log_settings(const codec::ProcessSettings& settings) {
  codec::LogSettings out;
  out.address_format =
      settings.info_log_address_format == "internal" ? codec::AddressFormat::internal : codec::AddressFormat::external;
  out.delay_decimals = settings.delay_logging_resolution_limit;
  out.bounce_service = settings.bounce_service_name;
  out.defer_service = settings.defer_service_name;
  out.trace_service = settings.trace_service_name;
  out.verify_service = settings.verify_service_name;
  out.flush_service = settings.flush_service_name;
  out.old_texts = settings.weir_old_texts;
  return out;
}

const char* name_of(Service service) { return kServiceNames[static_cast<std::size_t>(service)]; }

// The name of a queue file says which message it is; log lines then have it as they should.
std::string file_name(const std::string& message) { return '<' + message + '>'; }
std::string message_of(const std::string& file) { return file.substr(1, file.size() - 2); }

}  // namespace

class Twin::World {
 public:
  World(std::string personality, MakeBrain make, Check check)
      : personality_(std::move(personality)), make_(std::move(make)), check_(std::move(check)) {}

  void apply(const Input& input) {
    if (dead_ || (!brain_ && !std::holds_alternative<Setup>(input))) return;
    std::visit([this](const auto& each) { act(each); }, input);
  }
  [[nodiscard]] std::vector<Observation> take_seen() { return canonical(std::exchange(seen_, {})); }
  [[nodiscard]] std::vector<std::string> take_broken() { return std::exchange(broken_, {}); }
  void list_by(Listing order) { listing_ = std::move(order); }

 private:
  struct File {  // a queue file
    std::string name;
    Queue queue{};
    bool gone = false;
    bool held = false;
    std::int64_t mtime = 0;
    unsigned mode = kReady;
    std::string bytes;
    std::string seen;  // where it was last reported
    bool bounce_log = false;
  };
  struct Open {  // the message in memory
    std::size_t file = 0;
    codec::QueueFileReader reader;
    Time active_arrival;
  };
  struct Connection {
    std::string transport;
    enum class State : std::uint8_t { waiting, greeted, hung_up, busy } state{};
    int request = 0;
    std::vector<Recipient> recipients;
    std::size_t file = 0;
  };
  struct Report {
    int standstill = 0;  // the last one before
    Service service{};
    TicketId ticket{};
    Reported request;
    std::size_t file = 0;
  };
  // What it comes over: the trigger socket, an agent's or a service's connection.
  struct Source {
    enum class Kind : std::uint8_t { none, triggers, agent, service } kind{};
    std::uint64_t number = 0;
    friend bool operator==(const Source&, const Source&) = default;
  };
  static Source source_of(AgentId id) { return {Source::Kind::agent, id.value}; }
  static Source source_of(TicketId id) { return {Source::Kind::service, id.value}; }
  struct Arrival {
    Source source;
    std::optional<Event> event;           // none: a peer has not said all yet
    std::vector<std::string> warnings{};  // about what it has said
    std::optional<Report> greeted{};      // its service waits for the request
  };
  static bool is_late_answer(const Arrival& each) {
    return each.event && std::holds_alternative<Resolved>(*each.event);
  }
  struct ScanState {
    bool listed = false;  // a directory is read at the first step, not when it is opened
    std::vector<std::size_t> files;
  };

  // Inputs.
  void act(const Setup&);
  void act(const NewMessage&);
  void act(const Slot& s) { greet(s.transport, Connection::State::greeted); }
  void act(const HangUp& h) { greet(h.transport, Connection::State::hung_up); }
  void act(const Reply&);
  void act(const Crash&);
  void act(const Advance&);
  void act(const Jump& j) {
    now_ = kStart + second_after(j, now_ - kStart);
    settle();
  }
  void act(const TriggerInput& t) {
    trigger(t.bytes);
    settle();
  }
  void act(const BounceLogAppears&);
  // Nobody is told, so nothing happens.
  void act(const Unlisten& u) { listening_[u.transport] = false; }
  void act(const Relisten& r) { listening_[r.transport] = true; }
  void act(const ServiceFails& s) { failing_.insert(s.service); }
  void act(const ServiceWorks& s) { failing_.erase(s.service); }
  void act(const ResolverStalls&) { resolver_.stall(); }
  void act(const ResolverAnswers&);
  void act(const Hold&);
  void act(const Release&);
  void act(const FileIsCut&);

  void trigger(const std::string& bytes);
  void greet(const std::string& transport, Connection::State state);
  void ends(AgentId agent, const codec::DeliveryReportReader& reader);

  // What is seen.
  void see(Sight sight) { seen_.push_back({now_ - kStart, std::move(sight)}); }
  void log(const codec::LogLine& line);
  void warn(const std::string& text) { log(codec::line::warning(text)); }
  void die(const std::string& text);
  void note_files();

  // The rounds of the event loop.
  [[nodiscard]] Time time() const { return at_second(Seconds{now_}); }
  void send(const Event& event);
  void settle();
  void begin_round();
  [[nodiscard]] bool next_step();
  void keep_triggers();
  void hear_failures();
  void stand_still();
  void hear_greetings();

  // Duties of a world, one for each command.
  void carry_out(const RecoverActive&) {}
  void carry_out(const OpenScan& c) { scans_[c.queue] = {}; }
  void carry_out(const ScanNext&);
  void carry_out(const Admit&);
  void carry_out(const ReadRecipients&);
  void carry_out(const DropUnread& c) { open_.at(c.message).reader.drop_unread(); }
  void carry_out(const RemoveDeferLog&) {}
  void carry_out(const CheckBounceLog& c) {
    send(BounceLogChecked{c.message, file_of(c.message).bounce_log ? LogFileState::present : LogFileState::absent});
  }
  void carry_out(const RemoveBounceLog& c) { file_of(c.message).bounce_log = false; }
  void carry_out(const CheckFile& c) {
    send(FileChecked{c.message, is_ready(file_of(c.message)) ? FileState::ready : FileState::not_ready});
  }
  void carry_out(const MarkDone& c) { write(file_of(c.message), codec::done_mark(c.offset)); }
  void carry_out(const KillTrace& c) {
    const std::int64_t offset = envelope_of(c.message).trace_offset;
    if (offset > 0) write(file_of(c.message), codec::kill_mark(offset));
  }
  void carry_out(const UpdateWarn& c) {
    if (const auto change = open_.at(c.message).reader.warn_sent()) write(file_of(c.message), *change);
  }
  void carry_out(const Retry& c) { move(c.message, Queue::deferred, c.not_before); }
  void carry_out(const CoolDown& c) { move(c.message, Queue::incoming, c.not_before); }
  void carry_out(const Remove& c) {
    File& file = file_of(c.message);
    if (!start_.settings.weir_silent_removal) log(codec::line::removed(file.name));
    file.gone = true;
    open_.erase(c.message);
  }
  void carry_out(const MarkCorrupt& c) {
    log(codec::line::saving_corrupt(file_of(c.message).name));
    move(c.message, Queue::corrupt, Seconds{file_of(c.message).mtime});
  }
  void carry_out(const Forget& c) { open_.erase(c.message); }
  void carry_out(const Resolve&);
  void carry_out(const RequestAgent&);
  void carry_out(const Deliver&);
  void carry_out(const ReleaseAgent&);
  void carry_out(const AskService&);
  void carry_out(const Log& c) {
    for (const codec::LogLine& line : codec::render(c.record, log_settings_)) log(line);
  }
  void carry_out(const BalanceFlow&) {}

  [[nodiscard]] static bool is_ready(const File& file) { return (file.mode & kReady) == kReady; }
  static void write(File& file, const codec::Patch& patch) {
    const std::size_t end = static_cast<std::size_t>(patch.offset) + patch.bytes.size();
    if (file.bytes.size() < end) file.bytes.resize(end);  // of a file that was cut
    file.bytes.replace(static_cast<std::size_t>(patch.offset), patch.bytes.size(), patch.bytes);
  }
  File& file_of(MessageId id) { return files_.at(open_.at(id).file); }
  const Envelope& envelope_of(MessageId id) { return open_.at(id).reader.envelope(); }
  File* find_file(const std::string& name) {
    const auto found = std::find_if(files_.begin(), files_.end(), [&](const File& f) { return f.name == name; });
    return found == files_.end() ? nullptr : &*found;
  }
  void move(MessageId id, Queue to, Seconds mtime) {
    file_of(id).queue = to;
    file_of(id).mtime = mtime.count();
    open_.erase(id);
  }
  void list(Queue queue, ScanState& scan);
  codec::ReadOutcome read(Open& open, std::int64_t at_most);
  [[nodiscard]] int waiting(const std::string& transport) const;
  AgentId oldest_waiting(const std::string& transport) const;
  [[nodiscard]] bool is_for_flush_service(const std::string& site);
  [[nodiscard]] bool works(Service service) const;
  [[nodiscard]] Reported sight_of(const AskService& command);
  void request(const Report& report);

  std::string personality_;
  MakeBrain make_;
  Check check_;
  Listing listing_;
  Start start_;
  codec::LogSettings log_settings_;
  std::unique_ptr<Brain> brain_;
  bool dead_ = false;  // it has exited, or cannot be watched any further
  std::int64_t now_ = kStart;
  bool show_allocate_ = false;
  std::map<std::string, bool> listening_;
  std::set<std::string> failing_;  // services
  std::vector<File> files_;
  std::map<MessageId, Open> open_;
  std::map<Queue, ScanState> scans_;
  std::map<AgentId, Connection> connections_;
  std::map<int, AgentId> requests_;
  int last_request_ = 0;
  std::deque<Command> commands_;      // decided, and to be carried out before anything else
  std::deque<Arrival> to_hear_;       // in this round
  bool in_round_ = false;             // one has begun
  bool ticking_ = false;              // timers run, before anything is heard
  std::deque<Arrival> timer_phase_;   // connections that failed at once
  std::deque<Arrival> arrived_;       // to be heard in the next round
  std::vector<Source> heard_before_;  // in this round or the last
  TwinResolver resolver_;
  std::deque<Resolved> taken_in_;  // late answers that were heard while something else was waited for
  std::vector<Report> reports_;    // whose services have not greeted yet
  int standstills_ = 0;            // how often it has waited for an answer
  std::vector<Observation> seen_;
  std::vector<std::string> broken_;
};

// --- what is seen ----------------------------------------------------------------------------------------

// Lines that every message has are left out; with -v all but what the verbosity is for, and trouble.
void Twin::World::log(const codec::LogLine& line) {
  if (line.severity == codec::Severity::debug) {
    if (show_allocate_ && line.text.starts_with(kAllocate)) see(Allocated{line.text.substr(kAllocate.size())});
    return;
  }
  if (show_allocate_ && line.severity == codec::Severity::info) return;
  const std::string text = std::string(codec::severity_prefix(line.severity)) +
                           codec::clean_log_text(line.text, start_.settings.smtputf8_enable);
  if (text.ends_with(": removed")) return;
  const bool is_usual = start_.tag == "postfix";
  see(LogText{is_usual ? text : under_tag(start_.tag + '/' + program_of(personality_), text)});
}

void Twin::World::die(const std::string& text) {
  log({codec::Severity::fatal, text});
  see(Exited{1});
  dead_ = true;
}

void Twin::World::note_files() {
  for (File& file : files_) {
    const std::string where = file.gone ? "gone" : file.held ? "hold" : std::string(to_string(file.queue));
    if (where == file.seen) continue;
    file.seen = where;
    Moved moved{message_of(file.name), where, std::nullopt};
    const bool later = file.queue == Queue::deferred || (file.queue == Queue::incoming && file.mtime > now_);
    if (!file.gone && !file.held && later) moved.wakeup = file.mtime - kStart;
    see(std::move(moved));
  }
}

// --- the loop --------------------------------------------------------------------------------------------

// What follows from it comes before what had been decided earlier and is still to be done.
void Twin::World::send(const Event& event) {
  std::vector<Command> decided;
  brain_->handle(time(), event, decided);
  if (check_) {
    for (std::string& what : check_(*brain_)) broken_.push_back(std::move(what));
  }
  commands_.insert(commands_.begin(), std::make_move_iterator(decided.begin()), std::make_move_iterator(decided.end()));
}

// Rounds until nothing is left to do, or nothing else is done before the resolver answers.
void Twin::World::settle() {
  resolver_.look_at_clock(now_);
  for (int round = 0; round < kRoundsMax && !dead_; ++round) {
    if (!std::exchange(in_round_, true)) begin_round();
    while (!dead_ && !resolver_.is_waited_for() && next_step()) {}
    if (resolver_.is_waited_for()) return note_files();
    in_round_ = false;
    const auto next = brain_->next_deadline();
    const bool idle = arrived_.empty() && !resolver_.is_coming(now_) && reports_.empty() && timer_phase_.empty() &&
                      !brain_->wants_turn() && (!next || next->count() > now_);
    if (idle) {
      heard_before_.clear();
      return note_files();
    }
  }
  if (dead_) return;
  see(Misbehaved{"never rests"});
  dead_ = true;
}

// What can be read is known before timers run. A connection that had something in the round before goes first, as the
// kernel lists it; the others in the order in which they came.
void Twin::World::begin_round() {
  to_hear_ = std::exchange(arrived_, {});
  const auto place = [&](const Arrival& each) {
    return std::find(heard_before_.begin(), heard_before_.end(), each.source) - heard_before_.begin();
  };
  std::stable_sort(to_hear_.begin(), to_hear_.end(),
                   [&](const Arrival& a, const Arrival& b) { return place(a) < place(b); });
  keep_triggers();
  for (std::size_t lost = resolver_.give_up(now_); lost > 0; --lost) {
    log(codec::line::talking_to_service(start_.settings.rewrite_service_name, "Connection timed out"));
  }
  for (Resolved& each : resolver_.hear(now_)) to_hear_.push_back({{}, std::move(each)});
  hear_greetings();
  heard_before_.clear();
  for (const Arrival& each : to_hear_) {
    if (each.source.kind != Source::Kind::none) heard_before_.push_back(each.source);
  }
  to_hear_.push_back({{}, Turn{}});
  const auto deadline = brain_->next_deadline();
  ticking_ = deadline && deadline->count() <= now_;
  if (ticking_) {
    send(Tick{});
  } else {
    hear_failures();
  }
}

// Everything waits for a service; of what the others have to say late answers of the resolver are taken in, and come
// next.
void Twin::World::stand_still() {
  standstills_ += 1;
  const auto first = std::stable_partition(to_hear_.begin(), to_hear_.end(),
                                           [&](const Arrival& each) { return !is_late_answer(each); });
  for (auto each = first; each != to_hear_.end(); ++each) taken_in_.push_back(std::get<Resolved>(*each->event));
  to_hear_.erase(first, to_hear_.end());
  for (Resolved& each : resolver_.hear(now_)) taken_in_.push_back(std::move(each));
}

// One client of the trigger socket is heard in a round.
void Twin::World::keep_triggers() {
  bool is_first = true;
  std::erase_if(to_hear_, [&](const Arrival& each) {
    const bool later = each.source.kind == Source::Kind::triggers && !std::exchange(is_first, false);
    if (later) arrived_.push_back(each);
    return later;
  });
}

void Twin::World::hear_failures() {
  std::deque<Arrival> failures = std::exchange(timer_phase_, {});
  to_hear_.insert(to_hear_.begin(), failures.begin(), failures.end());
}

// False: this round is over.
bool Twin::World::next_step() {
  if (!commands_.empty()) {
    const Command command = std::move(commands_.front());
    commands_.pop_front();
    std::visit([this](const auto& c) { carry_out(c); }, command);
  } else if (!taken_in_.empty()) {
    const Resolved answer = std::move(taken_in_.front());
    taken_in_.pop_front();
    send(answer);
  } else if (ticking_ && brain_->wants_tick()) {
    send(Tick{});
  } else if (std::exchange(ticking_, false)) {
    hear_failures();
  } else if (!to_hear_.empty()) {
    const Arrival arrival = std::move(to_hear_.front());
    to_hear_.pop_front();
    for (const std::string& text : arrival.warnings) warn(text);
    if (arrival.greeted) request(*arrival.greeted);
    if (arrival.event) send(*arrival.event);
  } else {
    return false;
  }
  return true;
}

// Of services that were connected to in the round before: they are asked when they are heard, and answer in the next
// round. Stand-ins greet when the queue manager stands still, in an order of their own.
void Twin::World::hear_greetings() {
  std::stable_sort(reports_.begin(), reports_.end(), [](const Report& a, const Report& b) {
    return std::pair(a.standstill, a.service) < std::pair(b.standstill, b.service);
  });
  for (Report& report : std::exchange(reports_, {})) {
    to_hear_.push_back({.source = source_of(report.ticket), .event = std::nullopt, .greeted = std::move(report)});
  }
}

// --- inputs ----------------------------------------------------------------------------------------------

void Twin::World::act(const Setup& setup) {
  if (brain_) return;
  start_ = Starting(setup, personality_).take();
  log_settings_ = log_settings(start_.settings);
  show_allocate_ = setup.show_allocate;
  resolver_.set_timeout(start_.settings.qmgr_ipc_timeout);
  for (const std::string& name : setup.transports) listening_[name] = true;
  for (const std::string& name : setup.absent) listening_[name] = false;
  for (const std::string& text : start_.warnings) warn(text);
  if (start_.fatal) return die(*start_.fatal);
  brain_ = make_(start_.config);
  send(Started{});
  to_hear_.push_back({{}, Turn{}});
  in_round_ = true;
  settle();
}

void Twin::World::act(const NewMessage& message) {
  for (const auto& [address, answer] : message.resolved) resolver_.learn(address, answer);
  File file;
  file.name = file_name(message.name);
  if (find_file(file.name) != nullptr) return see(NothingThere{"a free name " + message.name});
  file.queue = message.queue;
  file.mtime = now_;
  file.mode = message.mode;
  file.bytes = queue_file(message, now_);
  files_.push_back(std::move(file));
  if (message.wake) trigger(message.queue == Queue::deferred ? "D" : "I");
  settle();
}

// A word on the command line that is no option shows at the first client.
void Twin::World::trigger(const std::string& bytes) {
  if (const auto failure = codec::left_over_failure(start_.options)) return die(*failure);
  arrived_.push_back({{Source::Kind::triggers}, Triggered{bytes.substr(0, codec::kTriggerMax)}});
}

AgentId Twin::World::oldest_waiting(const std::string& transport) const {
  for (const auto& [id, connection] : connections_) {
    if (connection.transport == transport && connection.state == Connection::State::waiting) return id;
  }
  return {};
}

int Twin::World::waiting(const std::string& transport) const {
  return static_cast<int>(std::count_if(connections_.begin(), connections_.end(), [&](const auto& each) {
    return each.second.transport == transport && each.second.state == Connection::State::waiting;
  }));
}

// An agent that has hung up is taken for a good one at first.
void Twin::World::greet(const std::string& transport, Connection::State state) {
  const AgentId agent = oldest_waiting(transport);
  if (agent == AgentId{}) return see(no_connection(transport));
  connections_[agent].state = state;
  arrived_.push_back({source_of(agent), AgentReady{agent}});
  settle();
}

void Twin::World::act(const Reply& reply) {
  const auto request = requests_.extract(reply.request);
  if (request.empty()) return see(no_request(reply.request));
  const AgentId agent = request.mapped();
  const Connection& connection = connections_.at(agent);
  if (reply.status == 0 && reply.mark) {
    for (const Recipient& each : connection.recipients)
      write(files_.at(connection.file), codec::done_mark(each.offset));
  }
  codec::DeliveryReportReader reader(codec::peer_path("private/" + connection.transport));
  if (reply.raw) {
    reader.feed(*reply.raw);
    reader.end_of_file();
  } else {
    codec::DeliveryReport report;
    report.final_status = reply.status;
    report.status = reply.dsn.code;
    report.reason = reply.dsn.text;
    reader.feed(codec::encode(report));
  }
  ends(agent, reader);
}

void Twin::World::act(const Crash& crash) {
  const auto request = requests_.extract(crash.request);
  if (request.empty()) return see(no_request(crash.request));
  codec::DeliveryReportReader reader(codec::peer_path("private/" + connections_.at(request.mapped()).transport));
  reader.end_of_file();
  ends(request.mapped(), reader);
}

// An agent that has not said everything yet is waited for.
void Twin::World::ends(AgentId agent, const codec::DeliveryReportReader& reader) {
  Arrival arrival{source_of(agent), std::nullopt, reader.warnings()};
  if (reader.done()) {
    connections_.erase(agent);
    arrival.event = reader.delivered(agent);
  }
  arrived_.push_back(std::move(arrival));
  settle();
}

void Twin::World::act(const Advance& advance) {
  for (std::int64_t i = 0; i < advance.seconds && !dead_; ++i) {
    now_ += 1;
    settle();
  }
}

void Twin::World::act(const BounceLogAppears& appears) {
  File* const file = find_file(file_name(appears.message));
  if (file == nullptr || file->gone) return see(no_message(appears.message));
  file->bounce_log = true;
}

void Twin::World::act(const ResolverAnswers&) {
  if (const auto answer = resolver_.answer(now_)) send(*answer);
  settle();
}

void Twin::World::act(const Hold& hold) {
  File* const file = find_file(file_name(hold.message));
  const bool waits = file != nullptr && !file->gone && !file->held &&
                     (file->queue == Queue::incoming || file->queue == Queue::deferred);
  if (!waits) return see(no_waiting_message(hold.message));
  file->held = true;
  settle();
}

void Twin::World::act(const Release& release) {
  File* const file = find_file(file_name(release.message));
  if (file == nullptr || !file->held) return see(no_held_message(release.message));
  file->held = false;
  file->queue = Queue::deferred;
  settle();
}

void Twin::World::act(const FileIsCut& cut) {
  File* const file = find_file(file_name(cut.message));
  if (file == nullptr || file->gone) return see(no_message(cut.message));
  file->bytes.resize(file->bytes.size() / 2);
}

// --- files -----------------------------------------------------------------------------------------------

void Twin::World::list(Queue queue, ScanState& scan) {
  std::vector<std::string> names;
  for (const File& file : files_) {
    if (file.queue == queue && !file.gone && !file.held) names.push_back(message_of(file.name));
  }
  std::sort(names.begin(), names.end());
  if (listing_) listing_(names);
  for (const std::string& name : names) {
    const File* const file = find_file(file_name(name));
    if (file != nullptr) scan.files.push_back(static_cast<std::size_t>(file - files_.data()));
  }
}

void Twin::World::carry_out(const ScanNext& c) {
  ScanState& scan = scans_[c.queue];
  if (!std::exchange(scan.listed, true)) list(c.queue, scan);
  while (!scan.files.empty()) {
    const File& file = files_[scan.files.front()];
    scan.files.erase(scan.files.begin());
    if (file.queue != c.queue || file.gone || file.held) continue;
    if (!is_ready(file)) {
      send(ScanEntry{.queue = c.queue, .queue_id = file.name, .state = FileState::not_ready});
    } else {
      send(ScanEntry{.queue = c.queue,
                     .queue_id = file.name,
                     .state = FileState::ready,
                     .mtime = Seconds{file.mtime},
                     .flush_request = (file.mode & kFlushRequest) != 0,
                     .expire_request = (file.mode & kExpireRequest) != 0});
    }
    return;
  }
  send(ScanEnded{c.queue});
}

void Twin::World::carry_out(const Admit& c) {
  File* const file = find_file(c.queue_id);
  WEIR_CHECK(file != nullptr);
  file->queue = Queue::active;
  Open& open = open_[c.message];
  open.file = static_cast<std::size_t>(file - files_.data());
  open.active_arrival = time();
  codec::ReadOutcome outcome = read(open, c.at_most);
  if (!outcome.ok()) return send(AdmitFailed{c.message, AdmitProblem::corrupt});
  if (c.flush_request) file->mode &= ~kFlushRequest;
  send(Admitted{.message = c.message,
                .envelope = open.reader.envelope(),
                .batch = std::move(outcome.batch),
                .defer_log = false});  // the defer service of these surroundings writes none
}

void Twin::World::carry_out(const ReadRecipients& c) {
  codec::ReadOutcome outcome = read(open_.at(c.message), c.at_most);
  if (!outcome.ok()) return send(ReadFailed{c.message});
  send(RecipientsRead{c.message, std::move(outcome.batch)});
}

codec::ReadOutcome Twin::World::read(Open& open, std::int64_t at_most) {
  const File& file = files_.at(open.file);
  const codec::ReadSettings settings{start_.settings.verp_delimiter_filter,
                                     start_.settings.weir_personality != "oqmgr"};
  const bool old_texts = start_.settings.weir_old_texts;
  const auto say = [&](const codec::Diagnostic& diagnostic) {
    const auto* warning = std::get_if<codec::FileWarning>(&diagnostic);
    if (warning != nullptr && !old_texts) warn(warning->text);
  };
  const std::string path = "active/" + file.name;
  codec::MemoryBytes bytes(file.bytes);
  codec::ReadOutcome outcome = open.reader.read(bytes, {file.name, path}, at_most, settings, say);
  if (!outcome.ok() && old_texts) warn(file.name + ": envelope records out of order");
  return outcome;
}

// --- resolver and agents ---------------------------------------------------------------------------------

void Twin::World::carry_out(const Resolve& c) {
  const bool behind = resolver_.owes() || std::any_of(to_hear_.begin(), to_hear_.end(), is_late_answer);
  auto [answer, asked] = resolver_.ask(c, envelope_of(c.message).sender, behind, now_);
  if (asked && !behind) standstills_ += 1;
  if (answer) send(*answer);  // Postfix waits for it
}

void Twin::World::carry_out(const RequestAgent& c) {
  if (!listening_[c.transport]) {
    log(codec::line::connect_transport_failed(c.transport, "No such file or directory", log_settings_.old_texts));
    timer_phase_.push_back({{}, AgentFailed{c.agent, AgentProblem::connect}});
    return;
  }
  connections_[c.agent] = {.transport = c.transport, .state = Connection::State::waiting};
  see(Connected{c.transport, waiting(c.transport)});
}

void Twin::World::carry_out(const Deliver& c) {
  Connection& connection = connections_.at(c.agent);
  if (connection.state == Connection::State::hung_up) {
    log(codec::line::write_to_process_failed(connection.transport, "Broken pipe"));
    connections_.erase(c.agent);
    send(AgentFailed{c.agent, AgentProblem::write});
    return;
  }
  const Open& open = open_.at(c.message);
  const std::string& name = files_.at(open.file).name;
  connection.state = Connection::State::busy;
  connection.request = ++last_request_;
  connection.recipients = c.recipients;
  connection.file = open.file;
  requests_[connection.request] = c.agent;
  const codec::DeliveryRequest request = codec::make_delivery_request(
      open.reader.envelope(), name, c, open.active_arrival, start_.settings.smtputf8_enable, codec::Dialect{});
  Requested sight{connection.request, connection.transport, request.nexthop, message_of(name), {},
                  request.flags,      request.sender};
  for (const Recipient& recipient : request.recipients) sight.recipients.push_back(recipient.address);
  see(std::move(sight));
}

void Twin::World::carry_out(const ReleaseAgent& c) {
  const Connection connection = connections_.at(c.agent);
  connections_.erase(c.agent);
  if (connection.state != Connection::State::hung_up) see(Closed{connection.transport});
}

// --- services --------------------------------------------------------------------------------------------

bool Twin::World::is_for_flush_service(const std::string& site) {
  if (site.empty() || !start_.settings.fast_flush_domains.matches(site)) return false;
  if (start_.settings.fast_flush_default_note) log(codec::line::relay_domains_compatibility(site));
  return true;
}

void Twin::World::carry_out(const AskService& c) {
  if (std::holds_alternative<ReportRequest>(c.request)) {
    reports_.push_back({standstills_, codec::service_of(c.request), c.ticket, sight_of(c), open_.at(c.message).file});
    return;
  }
  const auto* add = std::get_if<FlushAdd>(&c.request);
  const bool asked = add == nullptr || is_for_flush_service(add->site);
  if (asked) {
    stand_still();
    see(sight_of(c));
  }
  send(ServiceAnswered{c.ticket, !asked || works(codec::service_of(c.request))});  // Postfix waits for it
}

bool Twin::World::works(Service service) const { return !failing_.contains(name_of(service)); }

Reported Twin::World::sight_of(const AskService& c) {
  const std::string& name = file_of(c.message).name;
  const std::string bytes = codec::encode_service_request(c.request, name, envelope_of(c.message), codec::Dialect{});
  const auto parsed = codec::parse_attr_list(bytes);
  WEIR_CHECK(parsed.has_value());
  Reported sight = reported(name_of(codec::service_of(c.request)), parsed->list);
  if (!sight.message.empty()) sight.message = message_of(sight.message);
  return sight;
}

// A report that has been sent takes its bounce log along.
void Twin::World::request(const Report& report) {
  see(report.request);
  const bool ok = works(report.service);
  if (ok && report.service == Service::bounce) files_.at(report.file).bounce_log = false;
  arrived_.push_back({source_of(report.ticket), ServiceAnswered{report.ticket, ok}});
}

// --- Twin ------------------------------------------------------------------------------------------------

Twin::Twin(std::string personality, MakeBrain make, Check check)
    : world_(std::make_unique<World>(std::move(personality), std::move(make), std::move(check))) {}

Twin::~Twin() = default;

std::vector<Observation> Twin::apply(const Input& input) {
  world_->apply(input);
  return world_->take_seen();
}

std::vector<std::string> Twin::take_broken() { return world_->take_broken(); }
void Twin::list_by(Listing order) { world_->list_by(std::move(order)); }

Config config_of(const Setup& setup, const std::string& personality) {
  return Starting(setup, personality).take().config;
}

}  // namespace weir::blackbox
