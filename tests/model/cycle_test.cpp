// Observations of the real queue manager's cycle that a brain decides alone (tests/vectors/queue-cycle): which bytes
// open which scan, what a scan imports and in which order, when a message is tried again, when it is returned.
// The same observations are replayed by the daemon under the real master(8) in tests/postfix/.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "support/brain.hpp"
#include "support/vectors.hpp"

namespace weir::testing {
namespace {

using Json = nlohmann::json;

Json load(const std::string& name) {
  std::ifstream file(vectors() / "queue-cycle" / name);
  return Json::parse(file);
}

// The runs of a file that are qmgr's.
std::vector<Json> of_qmgr(const Json& runs) {
  std::vector<Json> found;
  for (const Json& run : runs) {
    if (run.at("daemon") == "qmgr") found.push_back(run);
  }
  return found;
}

constexpr double kStart = 1'000'000'000;

// Files with one recipient each, and an agent for each delivery; deliveries end when the test says so.
class Spool {
 public:
  explicit Spool(const Config& config) : brain_(make_brain(config)) {}

  struct File {
    std::string name;
    Queue queue{};
    Seconds mtime{};
    Envelope envelope;
    bool gone = false;
  };

  void start() {
    send(Started{});
    settle();
  }
  void put(const std::string& name, Queue queue, std::int64_t due_in, Envelope envelope = {}) {
    files_.push_back({name, queue, now().seconds() + Seconds{due_in}, std::move(envelope)});
  }
  void trigger(std::string bytes) {
    send(Triggered{std::move(bytes)});
    settle();
  }
  void at(double second) { time_ = kStart + second; }
  void settle() {
    do {
      const auto deadline = brain_->next_deadline();
      if (deadline && *deadline <= now().seconds()) {
        do send(Tick{});
        while (brain_->wants_tick());
      }
      send(Turn{});
      for (const Event& event : std::exchange(arrived_, {})) send(event);
    } while (!arrived_.empty() || brain_->wants_turn());
  }
  // The oldest delivery ends.
  bool end_one(bool try_again = false) {
    if (running_.empty()) return false;
    const AgentId agent = running_.front();
    running_.erase(running_.begin());
    send(Delivered{.agent = agent, .complete = true, .try_again = try_again, .dsn = {}});
    settle();
    return true;
  }
  void end_all() {
    while (end_one()) {}
  }

  std::vector<std::string> take_events() { return std::exchange(events_, {}); }
  std::vector<std::string> take(const std::string& kind) {
    std::vector<std::string> found;
    for (const std::string& event : take_events()) {
      if (event.rfind(kind + ' ', 0) == 0) found.push_back(event.substr(kind.size() + 1));
    }
    return found;
  }

 private:
  [[nodiscard]] Time now() const { return Time{Micros{static_cast<std::int64_t>(std::llround(time_ * 1e6))}}; }
  void send(const Event& event) {
    std::vector<Command> commands;
    brain_->handle(now(), event, commands);
    for (const Command& command : commands) std::visit([this](const auto& c) { carry_out(c); }, command);
  }
  File& file_of(MessageId id) { return files_.at(open_.at(id)); }

  template <class C>
  void carry_out(const C&) {}
  void carry_out(const OpenScan& c) {
    events_.push_back("scan " + std::string(to_string(c.queue)));
    auto& scan = scans_[c.queue];
    scan.clear();
    for (std::size_t i = 0; i < files_.size(); ++i) scan.push_back(i);
  }
  void carry_out(const ScanNext& c) {
    auto& scan = scans_[c.queue];
    while (!scan.empty()) {
      const File& file = files_[scan.front()];
      scan.erase(scan.begin());
      if (file.gone || file.queue != c.queue) continue;
      send(ScanEntry{.queue = c.queue, .queue_id = file.name, .state = FileState::ready, .mtime = file.mtime});
      return;
    }
    send(ScanEnded{c.queue});
  }
  void carry_out(const Admit& c) {
    const auto found = std::find_if(files_.begin(), files_.end(), [&](const File& f) { return f.name == c.queue_id; });
    events_.push_back("import " + found->name);
    found->queue = Queue::active;
    open_[c.message] = static_cast<std::size_t>(found - files_.begin());
    Batch batch;
    batch.recipients.push_back({.offset = 1, .address = found->name + "@d"});
    send(Admitted{c.message, found->envelope, batch, false});
  }
  void carry_out(const Resolve& c) { arrived_.push_back(Resolved{c.message, {{"t", "d", c.addresses.at(0), 4096}}}); }
  void carry_out(const RequestAgent& c) { arrived_.push_back(AgentReady{c.agent}); }
  void carry_out(const Deliver& c) { running_.push_back(c.agent); }
  void carry_out(const CheckBounceLog& c) { send(BounceLogChecked{c.message, LogFileState::absent}); }
  void carry_out(const CheckFile& c) { send(FileChecked{c.message, FileState::ready}); }
  void carry_out(const AskService& c) {
    const auto* report = std::get_if<ReportRequest>(&c.request);
    const bool flush =
        report != nullptr && report->service == Service::defer && report->kind == ReportRequest::Kind::flush;
    events_.push_back(std::string(flush ? "return " : "ask ") + file_of(c.message).name);
    arrived_.push_back(ServiceAnswered{c.ticket, true});
  }
  void carry_out(const Retry& c) {
    File& file = file_of(c.message);
    events_.push_back("defer " + std::to_string(c.not_before.count() - static_cast<std::int64_t>(kStart)));
    file.queue = Queue::deferred;
    file.mtime = c.not_before;
    open_.erase(c.message);
  }
  void carry_out(const Remove& c) {
    events_.push_back("remove " + file_of(c.message).name);
    file_of(c.message).gone = true;
    open_.erase(c.message);
  }

  std::unique_ptr<Brain> brain_;
  double time_ = kStart;
  std::vector<File> files_;
  std::map<MessageId, std::size_t> open_;
  std::map<Queue, std::vector<std::size_t>> scans_;
  std::vector<AgentId> running_;
  std::vector<Event> arrived_;
  std::vector<std::string> events_;
};

Config quiet_config() {
  Config config;
  config.flow_control = false;
  config.queue_run_delay = Seconds{100'000};
  config.default_transport.initial_concurrency = 20;
  return config;
}

Seconds seconds_of(const Json& config, const char* name) {
  const std::string text = config.at(name);
  return Seconds{std::stoll(text)};
}

// "5a*1023 + 49", "4144", ""
std::string bytes_of(const std::string& hex) {
  const auto star = hex.find('*');
  if (star != std::string::npos) {
    const auto plus = hex.find(" + ");
    const auto count = std::stoul(hex.substr(star + 1, plus - star - 1));
    return std::string(count, static_cast<char>(std::stoi(hex.substr(0, 2), nullptr, 16))) +
           bytes_of(hex.substr(plus + 3));
  }
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

//= R-TRG-03 test
//= R-TRG-05 test
//= R-TRG-11 test
//= R-TRG-12 test
//= R-TRG-13 test
TEST(CycleVectors, TriggersOpenTheScansThatWereSeen) {
  int seen = 0;
  for (const Json& run : of_qmgr(load("triggers.json").at("cases"))) {
    Spool spool(quiet_config());
    spool.start();
    (void)spool.take_events();
    for (const Json& result : run.at("results")) {
      // The world reads at most 1024 bytes of a buffer; the rest never reaches a brain.
      spool.trigger(bytes_of(result.at("hex")).substr(0, 1024));
      EXPECT_EQ(spool.take("scan"), result.at("scans").get<std::vector<std::string>>()) << result;
      ++seen;
    }
  }
  EXPECT_GE(seen, 17);
}

//= R-TRG-07 test
//= R-TRG-08 test
//= R-TRG-15 test
TEST(CycleVectors, TimeStampsAreIgnoredWhenTheyWereSeenToBe) {
  int seen = 0;
  for (const Json& run : of_qmgr(load("ignore-time-stamps.json").at("runs"))) {
    Spool spool(quiet_config());
    spool.start();
    (void)spool.take_events();
    for (const Json& step : run.at("steps")) {
      for (const std::string text : step.at("added")) {  // "d1 (mtime +5000)"
        const std::string name = text.substr(0, text.find(' '));
        spool.put(name, name[0] == 'd' ? Queue::deferred : Queue::incoming,
                  std::stoll(text.substr(text.find('+') + 1)));
      }
      spool.trigger(step.at("bytes"));
      const auto events = spool.take_events();
      std::vector<std::string> scans;
      std::vector<std::string> imported;
      for (const std::string& event : events) {
        if (event.rfind("scan ", 0) == 0) scans.push_back(event.substr(5));
        if (event.rfind("import ", 0) == 0) imported.push_back(event.substr(7));
      }
      EXPECT_EQ(scans, step.at("scans").get<std::vector<std::string>>()) << step;
      std::sort(imported.begin(), imported.end());
      EXPECT_EQ(imported, step.at("imported").get<std::vector<std::string>>()) << step;
      spool.end_all();
      (void)spool.take_events();
      ++seen;
    }
  }
  EXPECT_GE(seen, 12);
}

//= R-TRG-04 test
TEST(CycleVectors, RequestsDuringAScan) {
  // In these steps the delivery that stalls the scan goes on; in the others all deliveries end.
  const std::vector<std::size_t> stalled = {0, 4, 5};
  for (const Json& run : of_qmgr(load("scan-in-progress.json").at("runs"))) {
    Config config = quiet_config();
    config.active_limit = 1;
    Spool spool(config);
    spool.start();
    (void)spool.take_events();
    std::vector<std::string> order = run.at("readdir_order_of_d1_to_d4");
    for (std::size_t i = 0; i < run.at("steps").size(); ++i) {
      const Json& step = run.at("steps").at(i);
      std::vector<std::pair<std::string, bool>> files;
      for (const std::string text : step.at("files_put")) {
        files.emplace_back(text.substr(0, text.find(' ')), text.find("not due") == std::string::npos);
      }
      const auto place = [&](const std::string& name) {
        return std::find(order.begin(), order.end(), name) - order.begin();
      };
      if (i == 0)
        std::sort(files.begin(), files.end(),
                  [&](const auto& a, const auto& b) { return place(a.first) < place(b.first); });
      if (i == 4) std::reverse(files.begin(), files.end());  // d8 was read before d7
      for (const auto& [name, due] : files) spool.put(name, Queue::deferred, due ? 0 : 5000);
      spool.trigger(step.at("bytes"));
      if (std::find(stalled.begin(), stalled.end(), i) == stalled.end()) spool.end_all();
      std::vector<std::string> events = spool.take_events();
      std::erase_if(events,
                    [](const std::string& e) { return e.rfind("scan ", 0) != 0 && e.rfind("import ", 0) != 0; });
      EXPECT_EQ(events, step.at("events").get<std::vector<std::string>>()) << "step " << i << ": " << step.at("note");
    }
  }
}

//= R-STR-04 test
//= R-STR-05 test
//= R-QUE-03 test
TEST(CycleVectors, ImportsAreAsFairAsTheyWereSeenToBe) {
  const Json cases = load("fairness.json").at("cases");
  ASSERT_EQ(cases.size(), 4U);
  const std::vector<std::pair<int, int>> sizes = {{20, 20}, {10, 10}, {10, 10}, {8, 4}};
  const std::vector<std::vector<std::string>> not_due = {
      {}, {"i0", "i2", "i4", "i6", "i8"}, {"d0", "d1", "d2", "d5"}, {}};
  for (std::size_t i = 0; i < cases.size(); ++i) {
    for (const Json& run : of_qmgr(cases.at(i).at("runs"))) {
      Config config = quiet_config();
      if (i == 3) config.active_limit = 4;
      Spool spool(config);
      const auto put = [&](const std::string& name, Queue queue) {
        const bool later = std::find(not_due[i].begin(), not_due[i].end(), name) != not_due[i].end();
        spool.put(name, queue, later ? 5000 : 0);
      };
      for (int n = 0; n < sizes[i].first; ++n) put("i" + std::to_string(n), Queue::incoming);
      for (int n = 0; n < sizes[i].second; ++n) put("d" + std::to_string(n), Queue::deferred);
      spool.start();
      spool.end_all();
      EXPECT_EQ(spool.take("import"), run.at("imports").get<std::vector<std::string>>()) << cases.at(i).at("name");
    }
  }
}

// The second that the real program saw: that of the stamp, or the one before when it is just past a boundary.
void expect_deferral(const std::vector<std::string>& deferred, std::int64_t mtime, double at, Seconds minimum,
                     Seconds maximum) {
  ASSERT_EQ(deferred.size(), 1U);
  const auto expected = [&](std::int64_t e) { return e + std::max(minimum.count(), std::min(maximum.count(), e)); };
  const auto second = static_cast<std::int64_t>(std::floor(at));
  EXPECT_EQ(std::stoll(deferred[0]), expected(second));
  EXPECT_TRUE(mtime == expected(second) || mtime == expected(second - 1)) << mtime << " at " << at;
}

//= R-QUE-05 test
//= R-STR-11 test
//= R-PAR-056 test
//= R-PAR-060 test
TEST(CycleVectors, BackoffSeries) {
  int seen = 0;
  for (const Json& run : of_qmgr(load("backoff-series.json").at("cases"))) {
    Config config = quiet_config();
    config.minimal_backoff = seconds_of(run.at("config"), "minimal_backoff_time");
    config.maximal_backoff = seconds_of(run.at("config"), "maximal_backoff_time");
    Spool spool(config);
    Envelope envelope;
    envelope.sender = "s@example";
    envelope.create_time = Seconds{static_cast<std::int64_t>(kStart)};
    spool.at(run.at("attempts").at(0).at("picked_up"));
    spool.put("m", Queue::incoming, 0, envelope);
    spool.start();
    for (const Json& attempt : run.at("attempts")) {
      if (attempt.at("from_queue") == "deferred") {
        spool.at(attempt.at("picked_up"));
        spool.trigger("D");  // the scan that the heartbeat began
      }
      EXPECT_EQ(spool.take("import").size(), 1U) << attempt;
      if (!attempt.contains("deferred_at") || attempt.at("deferred_at").is_null()) break;
      spool.at(attempt.at("deferred_at"));
      spool.end_one(true);
      expect_deferral(spool.take("defer"), attempt.at("mtime"), attempt.at("deferred_at"), config.minimal_backoff,
                      config.maximal_backoff);
      ++seen;
    }
  }
  EXPECT_GE(seen, 12);
}

//= R-PAR-062 test
//= R-PAR-063 test
//= R-PAR-068 test
TEST(CycleVectors, MailIsReturnedAtTheAgeThatWasSeen) {
  int seen = 0;
  for (const Json& run : of_qmgr(load("expiry.json").at("cases"))) {
    Config config = quiet_config();
    config.minimal_backoff = seconds_of(run.at("config"), "minimal_backoff_time");
    config.maximal_backoff = seconds_of(run.at("config"), "maximal_backoff_time");
    config.maximal_lifetime = seconds_of(run.at("config"), "maximal_queue_lifetime");
    config.bounce_lifetime = std::min(config.maximal_lifetime, seconds_of(run.at("config"), "bounce_queue_lifetime"));
    for (const auto& [who, history] : run.at("history").items()) {
      Spool spool(config);
      Envelope envelope;
      envelope.sender = who == "user" ? "s@example" : "";
      envelope.create_time = Seconds{static_cast<std::int64_t>(kStart)};
      spool.at(history.at(0).at("at"));
      spool.put("m", Queue::incoming, 0, envelope);
      spool.start();
      for (const Json& step : history) {
        spool.at(step.at("at"));
        spool.trigger("AD");
        spool.end_one(true);
        const auto events = spool.take_events();
        const auto count = [&](const std::string& kind) {
          return std::count_if(events.begin(), events.end(),
                               [&](const std::string& e) { return e.rfind(kind, 0) == 0; });
        };
        EXPECT_EQ(count("defer "), step.at("action") == "defer" ? 1 : 0) << who << ' ' << step;
        EXPECT_EQ(count("return "), step.at("action") == "remove" ? 1 : 0) << who << ' ' << step;
        EXPECT_EQ(count("remove "), step.at("action") == "remove" ? 1 : 0) << who << ' ' << step;
        ++seen;
      }
    }
  }
  EXPECT_GE(seen, 8);
}

}  // namespace
}  // namespace weir::testing
