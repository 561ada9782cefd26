#include "model/schedule_replay.hpp"

#include <algorithm>
#include <deque>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "codec/attr.hpp"
#include "codec/delivery.hpp"
#include "codec/greeting.hpp"
#include "codec/log_line.hpp"
#include "codec/notify.hpp"
#include "codec/parameters.hpp"
#include "codec/version.hpp"
#include "contract/check.hpp"

namespace weir::testing {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kStart = 1'000'000'000;  // virtual second 0
constexpr int kRoundsMax = 100'000;             // of one input; more is a brain that never rests

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

Config make_config(const Json& trace_config, const std::string& program) {
  const codec::Surroundings here{.process_name = program, .host_name = "mx.test.example"};
  codec::Dictionary dictionary = codec::start_dictionary(here);
  for (const auto& [name, value] : std::map<std::string, std::string>{{"myhostname", "mx.test.example"},
                                                                      {"mydomain", "test.example"},
                                                                      {"myorigin", "test.example"},
                                                                      {"inet_interfaces", "127.0.0.1"},
                                                                      {"inet_protocols", "ipv4"},
                                                                      {"mynetworks", "127.0.0.0/8"},
                                                                      {"mydestination", ""},
                                                                      {"alias_maps", ""},
                                                                      {"alias_database", ""},
                                                                      {"compatibility_level", "3.6"},
                                                                      {"hash_queue_names", "hold"},
                                                                      {"in_flow_delay", "0"},
                                                                      {"fast_flush_domains", ""},
                                                                      {"relay_domains", ""}}) {
    dictionary.set(name, value);
  }
  for (const auto& [name, value] : trace_config.at("params").items()) dictionary.set(name, value.get<std::string>());
  codec::set_process_facts(here, dictionary);
  codec::ProcessSettings settings;
  Config config;
  WEIR_CHECK(codec::evaluate_general(here, FewAccounts{}, dictionary, settings, config).ok());
  WEIR_CHECK(codec::evaluate_queue_manager(here, dictionary, settings, config).ok());
  (void)codec::repair(settings, config);
  return config;
}

// The order in which a directory gives its names is its own affair and stands in no recording; what does is the order
// in which the program took the files: by the input that they left the queue after. Of two that left after one input,
// the one whose request came first was the first, or the shorter one: the other might have closed the door behind it.
// Names that it never took come last.
class ListingOrder {
 public:
  enum class Ties { by_request, by_size };

  ListingOrder(const std::vector<Json>& trace, Ties ties) : ties_(ties) {
    std::size_t input = 0;
    for (std::size_t i = 0; i < trace.size(); ++i) {
      const Json& line = trace[i];
      const std::string message = line.value("msg", "");
      if (line.contains("in")) input += 1;
      if (line.value("in", "") == "message") sizes_.emplace(message, line.at("rcpts").size());
      const std::string out = line.value("out", "");
      if (out == "queue" && line.at("to") != "incoming") taken_.emplace(message, input);
      if (out == "request") requested_.emplace(message, i);
    }
  }

  [[nodiscard]] bool operator()(const std::string& a, const std::string& b) const { return key(a) < key(b); }

 private:
  [[nodiscard]] std::pair<std::size_t, std::size_t> key(const std::string& message) const {
    constexpr auto kNever = std::numeric_limits<std::size_t>::max();
    const auto& second = ties_ == Ties::by_request ? requested_ : sizes_;
    const auto taken = taken_.find(message);
    const auto tie = second.find(message);
    return {taken == taken_.end() ? kNever : taken->second, tie == second.end() ? kNever : tie->second};
  }

  Ties ties_;
  std::map<std::string, std::size_t> taken_, requested_, sizes_;
};

// The name of a queue file says which message of the trace it is.
std::string message_of(const std::string& file_name) { return file_name.substr(1, file_name.size() - 2); }

class World {
 public:
  World(std::string program, ListingOrder listing_order, const BrainFactory& make, BrainCheck check)
      : program_(std::move(program)), listing_order_(std::move(listing_order)), make_(make), check_(std::move(check)) {}

  void input(const Json& line);
  [[nodiscard]] std::vector<Json> take_outputs() { return std::exchange(outputs_, {}); }
  [[nodiscard]] std::vector<std::string> take_broken() { return std::exchange(broken_, {}); }

 private:
  struct FileRecipient {
    std::string address;
    char mark = 'R';
  };
  struct File {  // a queue file
    std::string name;
    Queue queue{};
    bool gone = false;
    std::int64_t mtime = 0;
    unsigned mode = 0700;
    Envelope envelope;
    std::vector<FileRecipient> recipients;
    std::string seen;  // where it was last reported
    bool bounce_log = false;
  };
  struct Open {  // the message in memory
    std::size_t file = 0;
    std::size_t position = 0;
    std::int64_t unread = 0;
  };
  struct Connection {
    std::string transport;
    enum class State : std::uint8_t { waiting, greeted, hung_up, busy } state{};
    int request = 0;
    std::vector<Recipient> recipients;
    std::size_t file = 0;
  };
  struct ScanState {
    bool listed = false;  // a directory is read at the first step, not when it is opened
    std::vector<std::size_t> files;
  };

  void emit(Json out) {
    const Json t = {{"t", now_ - kStart}};
    out.update(t);
    outputs_.push_back(std::move(out));
  }
  void log(codec::Severity severity, const std::string& text) {
    if (severity == codec::Severity::debug) {
      const std::string prefix = "qmgr_active_drain: allocate ";
      if (show_allocate_ && text.rfind(prefix, 0) == 0)
        emit({{"out", "allocate"}, {"transport", text.substr(prefix.size())}});
      return;
    }
    const std::string line = std::string(codec::severity_prefix(severity)) + text;
    if (show_allocate_ && severity == codec::Severity::info) return;
    if (line.size() >= 9 && line.compare(line.size() - 9, 9, ": removed") == 0) return;
    emit({{"out", "log"}, {"text", line}});
  }
  void log(const codec::LogLine& line) { log(line.severity, line.text); }

  [[nodiscard]] Time time() const { return at_second(Seconds{now_}); }
  void send(const Event& event);
  void settle();
  void note_files();

  // Duties of the world, one per command.
  void carry_out(const RecoverActive&) {}
  void carry_out(const OpenScan&);
  void carry_out(const ScanNext&);
  void carry_out(const Admit&);
  void carry_out(const ReadRecipients&);
  void carry_out(const DropUnread& c) { open_.at(c.message).position = file_of(c.message).recipients.size(); }
  void carry_out(const RemoveDeferLog&) {}
  void carry_out(const CheckBounceLog& c) {
    const bool there = file_of(c.message).bounce_log;
    send(BounceLogChecked{c.message, there ? LogFileState::present : LogFileState::absent});
  }
  void carry_out(const RemoveBounceLog&) {}
  void carry_out(const CheckFile& c) { send(FileChecked{c.message, FileState::ready}); }
  void carry_out(const MarkDone& c) { file_of(c.message).recipients.at(static_cast<std::size_t>(c.offset)).mark = 'D'; }
  void carry_out(const KillTrace&) {}
  void carry_out(const UpdateWarn&) {}
  void carry_out(const Retry& c) { move(c.message, Queue::deferred, c.not_before); }
  void carry_out(const CoolDown& c) { move(c.message, Queue::incoming, c.not_before); }
  void carry_out(const Remove& c) {
    log(codec::line::removed(file_of(c.message).name));
    file_of(c.message).gone = true;
    open_.erase(c.message);
  }
  void carry_out(const MarkCorrupt& c) { move(c.message, Queue::corrupt, Seconds{now_}); }
  void carry_out(const Forget& c) { open_.erase(c.message); }
  void carry_out(const Resolve&);
  void carry_out(const RequestAgent&);
  void carry_out(const Deliver&);
  void carry_out(const ReleaseAgent&);
  void carry_out(const AskService&);
  void carry_out(const Log& c) {
    for (const codec::LogLine& line : codec::render(c.record, {})) log(line);
  }
  void carry_out(const BalanceFlow&) {}

  File& file_of(MessageId id) { return files_.at(open_.at(id).file); }
  void move(MessageId id, Queue to, Seconds mtime) {
    file_of(id).queue = to;
    file_of(id).mtime = mtime.count();
    open_.erase(id);
  }
  Batch read(Open& open, std::int64_t at_most);
  [[nodiscard]] Answer resolve(const std::string& address) const;
  AgentId oldest_waiting(const std::string& transport);

  void message(const Json& line);
  void slot(const std::string& transport, bool hang_up);
  void reply(const Json& line);

  std::string program_;
  ListingOrder listing_order_;
  BrainFactory make_;
  BrainCheck check_;
  std::unique_ptr<Brain> brain_;
  std::int64_t now_ = kStart;
  bool show_allocate_ = false;
  std::map<std::string, bool> listening_;
  std::map<std::string, Json> resolved_;
  std::vector<File> files_;
  std::map<MessageId, Open> open_;
  std::map<Queue, ScanState> scans_;
  std::map<AgentId, Connection> connections_;
  std::map<int, AgentId> requests_;
  int last_request_ = 0;
  std::vector<Event> timer_phase_;  // connections that failed at once
  std::deque<Event> arrived_;       // answers that are read in the next round
  std::vector<Json> outputs_;
  std::vector<std::string> broken_;
};

void World::send(const Event& event) {
  std::vector<Command> commands;
  brain_->handle(time(), event, commands);
  for (std::string& what : check_(*brain_)) broken_.push_back(std::move(what));
  for (const Command& command : commands) std::visit([this](const auto& c) { carry_out(c); }, command);
}

// Rounds until nothing is left to do.
void World::settle() {
  for (int round = 0; round < kRoundsMax; ++round) {
    const auto deadline = brain_->next_deadline();
    if (deadline && deadline->count() <= now_) send(Tick{});
    for (const Event& event : std::exchange(timer_phase_, {})) send(event);
    for (const Event& event : std::exchange(arrived_, {})) send(event);
    send(Turn{});
    const auto next = brain_->next_deadline();
    const bool idle =
        arrived_.empty() && timer_phase_.empty() && !brain_->wants_turn() && (!next || next->count() > now_);
    if (idle) {
      note_files();
      return;
    }
  }
  WEIR_CHECK(false && "the brain never rests");
}

void World::note_files() {
  for (File& file : files_) {
    const std::string where = file.gone ? "gone" : std::string(to_string(file.queue));
    if (where == file.seen) continue;
    file.seen = where;
    Json out = {{"out", "queue"}, {"msg", message_of(file.name)}, {"to", where}};
    const bool later = file.queue == Queue::deferred || (file.queue == Queue::incoming && file.mtime > now_);
    if (!file.gone && later) out["wakeup"] = file.mtime - kStart;
    emit(out);
  }
}

void World::input(const Json& line) {
  const std::string kind = line.at("in");
  if ((kind == "reply" || kind == "crash") && !requests_.contains(line.at("id"))) {
    emit({{"out", "no-such-request"}, {"id", line.at("id")}});  // the two have gone separate ways before
    return;
  }
  if (kind == "config") {
    show_allocate_ = line.value("show_allocate", false);
    for (const std::string name : line.at("transports")) listening_[name] = true;
    for (const std::string name : line.value("absent", Json::array())) listening_[name] = false;
    brain_ = make_(make_config(line, program_));
    send(Started{});
  } else if (kind == "message") {
    message(line);
  } else if (kind == "slot") {
    slot(line.at("transport"), false);
  } else if (kind == "hangup") {
    slot(line.at("transport"), true);
  } else if (kind == "reply") {
    reply(line);
  } else if (kind == "crash") {
    const AgentId agent = requests_.extract(line.at("id").get<int>()).mapped();
    codec::DeliveryReportReader reader(codec::peer_path("private/" + connections_.at(agent).transport));
    reader.end_of_file();
    for (const std::string& text : reader.warnings()) log(codec::line::warning(text));
    connections_.erase(agent);
    arrived_.push_back(reader.delivered(agent));
  } else if (kind == "advance") {
    for (int i = 0; i < line.at("seconds").get<int>(); ++i) {
      now_ += 1;
      settle();
    }
  } else if (kind == "jump") {
    now_ += line.at("seconds").get<int>();
  } else if (kind == "trigger") {
    arrived_.push_back(Triggered{line.at("bytes")});
  } else if (kind == "bounce-log") {
    const auto found =
        std::find_if(files_.begin(), files_.end(), [&](const File& f) { return message_of(f.name) == line.at("msg"); });
    found->bounce_log = true;
    return;
  } else if (kind == "unlisten" || kind == "relisten") {
    listening_[line.at("transport")] = kind == "relisten";
    return;  // the recording does not wait here
  } else {
    WEIR_CHECK(false && "unknown input");
  }
  settle();
}

void World::message(const Json& line) {
  const Json resolved = line.value("resolved", Json::object());
  for (const auto& [address, answer] : resolved.items()) resolved_[address] = answer;
  File file;
  file.name = '<' + line.at("msg").get<std::string>() + '>';
  file.queue = line.value("queue", "incoming") == "incoming" ? Queue::incoming : Queue::deferred;
  file.mtime = now_;
  file.mode = line.value("mode", 0700U);
  for (const std::string address : line.at("rcpts")) file.recipients.push_back({address, 'R'});
  Envelope& envelope = file.envelope;
  envelope.sender = line.value("sender", "sender@test.example");
  envelope.arrival = time();
  envelope.create_time =
      Seconds{line.contains("create_time") ? kStart + line["create_time"].get<std::int64_t>() : now_};
  for (const Json& record : line.value("records", Json::array())) {
    const std::string letter = record.at(0);
    const std::string text = record.at(1);
    if (letter == ">") envelope.redirect = text;
    if (letter == "L") envelope.filter = text;
    if (letter == "V") envelope.verp_delimiters = text;
    if (text.rfind("trace_flags=", 0) == 0) envelope.trace_flags = static_cast<unsigned>(std::stoul(text.substr(12)));
  }
  files_.push_back(std::move(file));
  if (line.value("wake", true)) arrived_.push_back(Triggered{files_.back().queue == Queue::incoming ? "I" : "D"});
}

void World::carry_out(const OpenScan& c) { scans_[c.queue] = {}; }

void World::carry_out(const ScanNext& c) {
  ScanState& scan = scans_[c.queue];
  if (!std::exchange(scan.listed, true)) {
    for (std::size_t i = 0; i < files_.size(); ++i) {
      if (files_[i].queue == c.queue && !files_[i].gone) scan.files.push_back(i);
    }
    std::stable_sort(scan.files.begin(), scan.files.end(), [this](std::size_t a, std::size_t b) {
      return listing_order_(message_of(files_[a].name), message_of(files_[b].name));
    });
  }
  while (!scan.files.empty()) {
    const File& file = files_[scan.files.front()];
    scan.files.erase(scan.files.begin());
    if (file.queue != c.queue || file.gone) continue;
    send(ScanEntry{.queue = c.queue,
                   .queue_id = file.name,
                   .state = FileState::ready,
                   .mtime = Seconds{file.mtime},
                   .flush_request = (file.mode & 0040) != 0,
                   .expire_request = (file.mode & 0010) != 0});
    return;
  }
  send(ScanEnded{c.queue});
}

void World::carry_out(const Admit& c) {
  const auto found = std::find_if(files_.begin(), files_.end(), [&](const File& f) { return f.name == c.queue_id; });
  found->queue = Queue::active;
  found->mode &= ~0040U;
  Open& open = open_[c.message];
  open.file = static_cast<std::size_t>(found - files_.begin());
  open.unread = static_cast<std::int64_t>(found->recipients.size());
  send(Admitted{.message = c.message, .envelope = found->envelope, .batch = read(open, c.at_most), .defer_log = false});
}

void World::carry_out(const ReadRecipients& c) {
  send(RecipientsRead{c.message, read(open_.at(c.message), c.at_most)});
}

// Stops right after the last recipient of the batch, even if nothing follows.
Batch World::read(Open& open, std::int64_t at_most) {
  const File& file = files_.at(open.file);
  Batch batch;
  while (open.position < file.recipients.size()) {
    const std::size_t here = open.position++;
    open.unread -= 1;
    if (file.recipients[here].mark != 'R') continue;
    batch.recipients.push_back({.offset = static_cast<std::int64_t>(here), .address = file.recipients[here].address});
    if (static_cast<std::int64_t>(batch.recipients.size()) == at_most) {
      batch.more = true;
      break;
    }
  }
  batch.unread = open.unread;
  return batch;
}

Answer World::resolve(const std::string& address) const {
  if (const auto found = resolved_.find(address); found != resolved_.end()) {
    const Json& r = found->second;
    return {r.at(0), r.at(1), r.size() > 2 ? r.at(2).get<std::string>() : address,
            r.size() > 3 ? r.at(3).get<unsigned>() : 4096U};
  }
  const std::string domain = address.substr(address.rfind('@') + 1);
  const auto dot = domain.rfind('.');
  return {domain.substr(dot + 1), domain.substr(0, dot), address, 4096};
}

void World::carry_out(const Resolve& c) {
  Resolved answer{c.message, {}};
  for (const std::string& address : c.addresses) answer.answers.push_back(resolve(address));
  arrived_.push_back(std::move(answer));
}

void World::carry_out(const RequestAgent& c) {
  if (!listening_[c.transport]) {
    log(codec::line::connect_transport_failed(c.transport, "No such file or directory"));
    timer_phase_.push_back(AgentFailed{c.agent, AgentProblem::connect});
    return;
  }
  connections_[c.agent] = {.transport = c.transport, .state = Connection::State::waiting};
  const auto waiting = std::count_if(connections_.begin(), connections_.end(), [&](const auto& each) {
    return each.second.transport == c.transport && each.second.state == Connection::State::waiting;
  });
  emit({{"out", "connect"}, {"transport", c.transport}, {"waiting", waiting}});
}

AgentId World::oldest_waiting(const std::string& transport) {
  for (const auto& [id, connection] : connections_) {
    if (connection.transport == transport && connection.state == Connection::State::waiting) return id;
  }
  return {};
}

void World::slot(const std::string& transport, bool hang_up) {
  const AgentId agent = oldest_waiting(transport);
  if (agent == AgentId{}) {
    emit({{"out", "no-connection-waiting"}, {"transport", transport}});
    return;
  }
  connections_[agent].state = hang_up ? Connection::State::hung_up : Connection::State::greeted;
  arrived_.push_back(AgentReady{agent});  // an agent that has hung up is taken for a good one
}

void World::carry_out(const Deliver& c) {
  Connection& connection = connections_.at(c.agent);
  if (connection.state == Connection::State::hung_up) {
    log(codec::line::write_to_process_failed(connection.transport, "Broken pipe"));
    connections_.erase(c.agent);
    send(AgentFailed{c.agent, AgentProblem::write});
    return;
  }
  const File& file = file_of(c.message);
  connection.state = Connection::State::busy;
  connection.request = ++last_request_;
  connection.recipients = c.recipients;
  connection.file = open_.at(c.message).file;
  requests_[connection.request] = c.agent;
  Json out = {{"out", "request"},     {"id", connection.request},     {"transport", connection.transport},
              {"nexthop", c.nexthop}, {"msg", message_of(file.name)}, {"rcpts", Json::array()}};
  for (const Recipient& recipient : c.recipients) out["rcpts"].push_back(recipient.address);
  if (c.flags != 3) out["flags"] = c.flags;
  const codec::DeliveryRequest request =
      codec::make_delivery_request(file.envelope, file.name, c, time(), true, codec::Dialect{});
  if (request.sender != "sender@test.example") out["sender"] = request.sender;
  emit(std::move(out));
}

void World::carry_out(const ReleaseAgent& c) {
  const Connection connection = connections_.at(c.agent);
  connections_.erase(c.agent);
  if (connection.state != Connection::State::hung_up) emit({{"out", "close"}, {"transport", connection.transport}});
}

void World::reply(const Json& line) {
  const AgentId agent = requests_.extract(line.at("id").get<int>()).mapped();
  const Connection connection = connections_.at(agent);
  connections_.erase(agent);
  const int status = line.at("status");
  if (status == 0 && line.value("mark", true)) {
    for (const Recipient& r : connection.recipients) {
      files_.at(connection.file).recipients.at(static_cast<std::size_t>(r.offset)).mark = 'D';
    }
  }
  codec::DeliveryReportReader reader(codec::peer_path("private/" + connection.transport));
  if (line.contains("raw")) {
    reader.feed(line["raw"].get<std::string>());
    reader.end_of_file();
  } else {
    codec::DeliveryReport report;
    report.final_status = status;
    if (line.contains("dsn")) {
      report.status = line["dsn"].at(0);
      report.reason = line["dsn"].at(1);
    }
    reader.feed(codec::encode(report));
  }
  for (const std::string& text : reader.warnings()) log(codec::line::warning(text));
  arrived_.push_back(reader.delivered(agent));
}

void World::carry_out(const AskService& c) {
  File& file = file_of(c.message);
  arrived_.push_back(ServiceAnswered{c.ticket, true});
  const auto service = codec::service_of(c.request);
  if (service == Service::verify || service == Service::flush) return;
  if (service == Service::bounce && std::holds_alternative<ReportRequest>(c.request)) file.bounce_log = false;
  const std::string bytes = codec::encode_service_request(c.request, file.name, file.envelope, codec::Dialect{});
  Json names = Json::array();
  Json statuses = Json::array();
  std::map<std::string, std::string> first;
  for (std::size_t at = 0; at < bytes.size() && bytes[at] != '\0';) {
    const std::string name = bytes.c_str() + at;
    at += name.size() + 1;
    const std::string value = bytes.c_str() + at;
    at += value.size() + 1;
    names.push_back(name);
    if (name == "status") statuses.push_back(value);
    first.emplace(name, value);
  }
  const auto value_or_null = [&](const char* name) { return first.contains(name) ? Json(first[name]) : Json(nullptr); };
  static constexpr const char* kNames[] = {"bounce", "defer", "trace"};
  emit({{"out", "rpc"},
        {"service", kNames[static_cast<std::size_t>(service)]},
        {"nrequest", std::stoi(first.at("nrequest"))},
        {"msg", message_of(file.name)},
        {"recipient", value_or_null("recipient")},
        {"status", statuses},
        {"reason", value_or_null("reason")},
        {"attrs", names}});
}

// Between two inputs the outputs come over several channels that no outsider can order against each other.
void append_canonical(std::vector<Json> group, std::vector<std::string>& lines) {
  static const std::map<std::string, int> kRank = {{"log", 0},     {"allocate", 1}, {"connect", 2}, {"close", 3},
                                                   {"request", 4}, {"rpc", 5},      {"queue", 6},   {"exit", 7}};
  const auto key = [](const Json& e) {
    const std::string out = e.at("out");
    const bool ordered = out == "log" || out == "allocate";
    const auto rank = kRank.find(out);
    return std::make_tuple(e.at("t").get<double>(), rank == kRank.end() ? 9 : rank->second,
                           ordered ? std::string() : e.dump());
  };
  std::stable_sort(group.begin(), group.end(), [&](const Json& a, const Json& b) { return key(a) < key(b); });
  for (const Json& e : group) lines.push_back(e.dump());
}

ReplayResult replay(const std::vector<Json>& lines, const ListingOrder& order, const std::string& program,
                    const BrainFactory& make, const BrainCheck& check) {
  ReplayResult result;
  World world(program, order, make, check);
  std::vector<Json> recorded;
  for (const Json& line : lines) {
    if (line.contains("out")) {
      recorded.push_back(line);
      continue;
    }
    append_canonical(std::exchange(recorded, {}), result.recorded);
    append_canonical(world.take_outputs(), result.replayed);
    result.recorded.push_back(line.dump());
    result.replayed.push_back(line.dump());
    world.input(line);
    result.inputs += 1;
  }
  append_canonical(std::move(recorded), result.recorded);
  append_canonical(world.take_outputs(), result.replayed);
  result.broken = world.take_broken();
  return result;
}

}  // namespace

std::string ReplayResult::first_difference() const {
  const std::size_t common = std::min(recorded.size(), replayed.size());
  std::size_t at = 0;
  while (at < common && recorded[at] == replayed[at]) ++at;
  if (at == recorded.size() && at == replayed.size()) return "";
  std::string text;
  const std::size_t from = at < 4 ? 0 : at - 4;
  for (std::size_t i = from; i < at; ++i) text += "  = " + recorded[i] + '\n';
  for (std::size_t i = at; i < std::min(at + 6, recorded.size()); ++i) text += "  - " + recorded[i] + '\n';
  for (std::size_t i = at; i < std::min(at + 6, replayed.size()); ++i) text += "  + " + replayed[i] + '\n';
  return "line " + std::to_string(at + 1) + ":\n" + text;
}

ReplayResult replay_schedule(const std::filesystem::path& trace, const std::string& program, const BrainFactory& make,
                             const BrainCheck& check) {
  std::vector<Json> lines;
  std::ifstream file(trace);
  for (std::string text; std::getline(file, text);) lines.push_back(Json::parse(text));
  ReplayResult result = replay(lines, ListingOrder(lines, ListingOrder::Ties::by_request), program, make, check);
  if (result.first_difference().empty()) return result;
  ReplayResult other = replay(lines, ListingOrder(lines, ListingOrder::Ties::by_size), program, make, check);
  return other.first_difference().empty() ? other : result;
}

}  // namespace weir::testing
