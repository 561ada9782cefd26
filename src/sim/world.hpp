// A world without an operating system: virtual files, resolver, agents, services and clock around one brain, and a
// judge that looks at nothing but the commands. It does not know how a brain works inside; a brain that asks for
// nonsense breaks a law, never the world.
//
// Like the daemon it carries commands out in the order given, and immediate answers go back at once. Who wants two
// brains to live through the same gives it a LockStep (sim/lockstep.hpp).
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "contract/brain.hpp"
#include "contract/config.hpp"
#include "sim/script.hpp"

namespace weir::sim {

using BrainFactory = std::function<std::unique_ptr<Brain>(const Config&)>;

// How often each kind of thing has happened.
struct Counts {
  std::array<std::uint64_t, kStepKinds> steps{};
  std::array<std::uint64_t, std::variant_size_v<Event>> events{};
  std::array<std::uint64_t, std::variant_size_v<Command>> commands{};
  std::array<std::uint64_t, std::variant_size_v<LogRecord>> records{};
  void operator+=(const Counts& other);
  [[nodiscard]] std::uint64_t all_events() const;
};
[[nodiscard]] std::string_view step_name(std::size_t kind);
[[nodiscard]] std::string_view event_name(std::size_t kind);
[[nodiscard]] std::string_view command_name(std::size_t kind);
[[nodiscard]] std::string_view record_name(std::size_t kind);

class World {
 public:
  // `config` is what the judge holds the brain to; `make` gets the same. A restart makes a new brain.
  World(const Config& config, BrainFactory make);

  void step(const Step& step);

  // From now on everything works and everybody is served; true when all mail has left within `rounds` seconds.
  bool drains(int rounds);
  // Enough for any brain that serves whom it can; with the reasons in words.
  [[nodiscard]] int rounds_to_drain() const;

  // Nothing more comes of itself (no events are being gathered).
  [[nodiscard]] bool is_at_rest() const { return gather_ == 0; }
  [[nodiscard]] bool is_lawful() const { return violations_.empty(); }
  [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }
  [[nodiscard]] const Counts& counts() const { return counts_; }
  [[nodiscard]] Brain& brain() { return *brain_; }
  [[nodiscard]] std::size_t deliveries() const { return deliveries_; }
  [[nodiscard]] std::size_t retries() const { return retries_; }
  [[nodiscard]] std::size_t admitted() const { return admitted_; }
  [[nodiscard]] Seconds now() const { return time().seconds(); }

  // Called with every command, after the judge; for single properties.
  using Watcher = std::function<void(const World&, const Command&)>;
  void watch(Watcher watcher) { watcher_ = std::move(watcher); }

  // --- a life of its own making, for single properties ---
  std::size_t add_file(Queue queue, std::int64_t age, std::int64_t due_in, std::vector<std::string> recipients);
  void trigger(const std::string& bytes);
  void advance(std::int64_t seconds);
  void settle();
  [[nodiscard]] std::vector<AgentId> waiting_agents() const;
  [[nodiscard]] std::vector<AgentId> busy_agents() const;
  [[nodiscard]] const std::string& transport_of(AgentId agent) const { return connections_.at(agent).transport; }
  [[nodiscard]] std::size_t file_of(MessageId message) const { return open_.at(message).file; }
  [[nodiscard]] bool is_gone(std::size_t file) const { return files_.at(file).gone; }
  void greet(AgentId agent);
  void end_delivery(AgentId agent, bool complete, bool try_again, Dsn dsn);

 private:
  // Where a recipient stands in this attempt.
  enum class Standing : std::uint8_t { unread, in_memory, running, over };
  struct FileRecipient {
    Recipient recipient;
    bool done = false;
    Standing standing = Standing::unread;
  };
  struct File {
    std::string id;
    Queue queue{};
    FileState state = FileState::ready;
    bool gone = false, junk = false;
    std::int64_t mtime = 0;
    std::int64_t last_age = 0;  // at its last deferral
    std::int64_t announced = 0;
    Envelope envelope;
    std::vector<FileRecipient> recipients;
    bool flush_request = false, expire_request = false, defer_log = false;
    LogFileState bounce_log = LogFileState::absent;
    std::optional<AdmitProblem> problem;
    bool unreadable = false;  // the next refill fails
    // of the present attempt
    bool returned = false;     // its sender has been told of all that is left
    bool excused = false;      // it may be called corrupt
    bool only_asks = false;    // a probe or sendmail -bv, whatever becomes of its flags
    bool unaccounted = false;  // redirected, or expired: its recipients need no account
    std::int64_t unsure = 0;   // disposed of without a word that says who
    std::int64_t in_memory = 0;
  };
  struct Open {
    std::size_t file = 0, position = 0;
    std::int64_t unread = 0;
  };
  struct Connection {
    std::string transport, destination;
    bool greeted = false, busy = false, refuses = false;
    std::int64_t greeted_at = 0;
    std::size_t file = 0;
    std::vector<std::size_t> recipients;
  };
  enum class Services : std::uint8_t { good, bad, mixed, silent };

  [[nodiscard]] Time time() const { return Time{Micros{now_us_}}; }
  [[nodiscard]] std::int64_t second() const { return now().count(); }
  void start();
  void restart();
  void send(const Event& event);
  void feed(const Event& event);
  void expect(bool holds, const char* what) {
    if (!holds) violations_.push_back(what);
  }

  void arrive(std::uint32_t a, std::uint32_t b, int recipients, int places);
  [[nodiscard]] int large_list(std::uint32_t a) const;
  void arrive_odd(std::uint32_t a, std::uint32_t b);
  void make_odd(File& file, int oddity, std::uint32_t b);
  File* new_file(Queue queue, std::int64_t age, std::int64_t due_in);
  void add_recipient(File& file, std::string address);
  void ring(Queue queue);
  void spoil(std::uint32_t a, std::uint32_t b);
  void mend();
  void set_bounce_logs(std::uint32_t a);
  void stray(std::uint32_t a);
  void serve_all(int rounds);
  void advance_us(std::int64_t us);
  void jump(std::uint32_t a);
  void write_failed(AgentId agent);
  void trigger_some(std::uint32_t a, std::uint32_t b);
  void report(AgentId agent, const Step& step);
  void gathered();
  void answer(std::size_t question, bool ok);
  [[nodiscard]] AgentId pick(bool busy, std::uint32_t index) const;
  [[nodiscard]] Answer resolve(const std::string& address) const;

  // Duties. What is returned is the immediate answer.
  using Reply = std::optional<Event>;
  Reply carry_out(const RecoverActive&);
  Reply carry_out(const OpenScan&);
  Reply carry_out(const ScanNext&);
  Reply carry_out(const Admit&);
  Reply carry_out(const ReadRecipients&);
  Reply carry_out(const DropUnread&);
  Reply carry_out(const RemoveDeferLog&);
  Reply carry_out(const CheckBounceLog&);
  Reply carry_out(const RemoveBounceLog&);
  Reply carry_out(const CheckFile&);
  Reply carry_out(const MarkDone&);
  Reply carry_out(const KillTrace&);
  Reply carry_out(const UpdateWarn&);
  Reply carry_out(const Retry&);
  Reply carry_out(const CoolDown&);
  Reply carry_out(const Remove&);
  Reply carry_out(const MarkCorrupt&);
  Reply carry_out(const Forget&);
  Reply carry_out(const Resolve&);
  Reply carry_out(const RequestAgent&);
  Reply carry_out(const Deliver&);
  Reply carry_out(const ReleaseAgent&);
  Reply carry_out(const AskService&);
  Reply carry_out(const Log&);
  Reply carry_out(const BalanceFlow&) { return std::nullopt; }
  File* file_named(MessageId message);
  Batch read(Open& open, std::int64_t at_most);
  [[nodiscard]] std::int64_t recipients_in_memory() const;  // at least so many: not those whose fate is not told
  [[nodiscard]] double share_of_recipients() const;
  [[nodiscard]] bool fills_batch(std::int64_t recipients) const;
  void close(MessageId message, bool accounts);
  [[nodiscard]] std::string destination_key(const std::string& transport, const Deliver& deliver) const;
  void account(File& file, std::int64_t offset, Standing standing);
  [[nodiscard]] const TransportConfig& transport(const std::string& name) const { return config_.transport(name); }

  Config config_;
  BrainFactory make_;
  std::unique_ptr<Brain> brain_;
  Watcher watcher_;
  std::int64_t now_us_ = 1'000'000'000'000'000;
  std::int64_t latest_us_ = 0;  // before the clock was set back
  bool hold_ = false, draining_ = false;
  Services services_ = Services::good;
  std::uint32_t service_calls_ = 0;
  LogFileState next_bounce_log_ = LogFileState::absent;
  bool forced_ = false;    // time stamps have been ignored: later scans may have been asked for it too
  bool set_back_ = false;  // the clock has run backward
  unsigned gather_ = 0;
  bool gather_reversed_ = false;
  std::uint32_t file_serial_ = 0;
  std::vector<File> files_;
  std::map<MessageId, Open> open_;
  std::map<Queue, std::vector<std::size_t>> scans_;
  std::map<AgentId, Connection> connections_;
  std::map<std::string, int> running_;              // by transport and destination
  std::map<std::string, std::int64_t> last_ended_;  // of destinations with a rate delay
  struct Question {
    AskService ask;
    std::size_t file = 0;
  };
  std::vector<Question> questions_;
  std::vector<Event> events_, round_;
  std::deque<Event> resolved_;
  std::int64_t read_now_ = 0;  // recipients, since the last event that is no answer: who asks may not know of them
  std::vector<Command> commands_;
  std::int64_t slots_ = 0;  // of all transports that have been asked for
  std::size_t deliveries_ = 0, retries_ = 0, admitted_ = 0;
  Counts counts_;
  std::vector<std::string> violations_;
};

}  // namespace weir::sim
