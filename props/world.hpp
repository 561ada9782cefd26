// A world without an operating system, for properties: virtual files, resolver, agents, services and clock around
// one brain, and a judge that looks at nothing but the commands. It does not know how a brain works inside.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "contract/brain.hpp"
#include "contract/config.hpp"
#include "props/script.hpp"

namespace weir::props {

using BrainFactory = std::function<std::unique_ptr<Brain>(const Config&)>;
using Inspector = std::function<std::vector<std::string>(const Brain&)>;  // the brain's own invariants

class World {
 public:
  // `config` is what the judge holds the brain to; `make` gets the same.
  World(const Config& config, const BrainFactory& make, Inspector inspect = {});

  void step(const Step& step);

  // From now on everything works and everybody is served; true when all mail has left within `rounds`.
  bool drains(int rounds);

  [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }
  [[nodiscard]] const std::vector<std::string>& log() const { return log_; }
  [[nodiscard]] std::size_t deliveries() const { return deliveries_; }
  [[nodiscard]] std::size_t retries() const { return retries_; }

  // A file of its own making, for single properties.
  void add_file(Queue queue, std::int64_t age, std::int64_t due_in, std::vector<std::string> recipients);
  void trigger(const std::string& bytes);
  void advance(std::int64_t seconds);
  [[nodiscard]] std::size_t admitted() const { return admitted_; }

 private:
  struct FileRecipient {
    std::string address;
    bool done = false;
    bool running = false;
  };
  struct File {
    std::string id;
    Queue queue{};
    bool gone = false;
    std::int64_t created = 0, mtime = 0;
    std::int64_t last_age = 0;  // at its last deferral
    std::vector<FileRecipient> recipients;
    bool defer_log = false;
  };
  struct Open {
    std::size_t file = 0, position = 0;
    std::int64_t unread = 0;
    Time opened;
  };
  struct Connection {
    std::string transport, nexthop;
    bool greeted = false, busy = false;
    std::size_t file = 0;
    std::vector<std::size_t> recipients;
  };

  void send(const Event& event);
  void settle();
  void expect(bool holds, const std::string& what) {
    if (!holds) violations_.push_back(what);
  }
  void carry_out(const RecoverActive&) {}
  void carry_out(const OpenScan&);
  void carry_out(const ScanNext&);
  void carry_out(const Admit&);
  void carry_out(const ReadRecipients&);
  void carry_out(const DropUnread&) {}
  void carry_out(const RemoveDeferLog&);
  void carry_out(const CheckBounceLog&);
  void carry_out(const RemoveBounceLog&) {}
  void carry_out(const CheckFile&);
  void carry_out(const MarkDone&);
  void carry_out(const KillTrace&) {}
  void carry_out(const UpdateWarn&) {}
  void carry_out(const Retry&);
  void carry_out(const CoolDown&) {}
  void carry_out(const Remove&);
  void carry_out(const MarkCorrupt&) { expect(false, "a good file was taken for corrupt"); }
  void carry_out(const Forget&) {}
  void carry_out(const Resolve&);
  void carry_out(const RequestAgent&);
  void carry_out(const Deliver&);
  void carry_out(const ReleaseAgent&);
  void carry_out(const AskService&);
  void carry_out(const Log&) {}
  void carry_out(const BalanceFlow&) {}
  Batch read(Open& open, std::int64_t at_most);
  AgentId pick(bool busy, std::uint32_t index) const;
  void greet(AgentId agent);
  void end_delivery(AgentId agent, bool complete, bool try_again, Dsn dsn);
  [[nodiscard]] const TransportConfig& transport(const std::string& name) const { return config_.transport(name); }

  Config config_;
  std::unique_ptr<Brain> brain_;
  Inspector inspect_;
  std::int64_t now_ = 1'000'000'000;
  bool hold_ = false, services_ok_ = true;
  bool forced_ = false;  // time stamps have been ignored: later scans may have been asked for it too
  std::vector<File> files_;
  std::map<MessageId, Open> open_;
  std::map<Queue, std::vector<std::size_t>> scans_;
  std::map<AgentId, Connection> connections_;
  std::map<std::pair<std::string, std::string>, int> running_;
  std::deque<Event> events_, answers_;
  std::size_t deliveries_ = 0, retries_ = 0, admitted_ = 0;
  std::vector<std::string> violations_, log_;
};

// Runs a script; the first thing that should not have happened, or nothing.
[[nodiscard]] std::string run_script(const Script& script, const BrainFactory& make, const Inspector& inspect,
                                     bool drain);

}  // namespace weir::props
