// Everything that can happen to a brain. A world sends these, one at a time, through Brain::handle().
//
// "Immediate answer" events answer a command at once: the world carries the command out and hands the
// answer back before it looks at anything else. All others come when they come.
// An event about a message, agent or ticket that the brain no longer knows is ignored.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "contract/dsn.hpp"
#include "contract/id.hpp"
#include "contract/message.hpp"
#include "contract/time.hpp"

namespace weir {

// The process starts: nothing is in memory. First event, once.
struct Started {
  template <class V>
  void fields(V&&) const {}
  friend bool operator==(const Started&, const Started&) = default;
};

// A round of the event loop begins: allocate agents, import at most one message. The world sends it after
// Started, then once after each round of timers and descriptor events, and again at once while
// Brain::wants_turn() says so.
struct Turn {
  template <class V>
  void fields(V&&) const {}
  friend bool operator==(const Turn&, const Turn&) = default;
};

// A deadline has come (Brain::next_deadline()): one timer runs, if any was due and set before this round began. More of
// them: Brain::wants_tick(). Too early or twice is harmless.
struct Tick {
  template <class V>
  void fields(V&&) const {}
  friend bool operator==(const Tick&, const Tick&) = default;
};

// One buffer from the trigger socket, 0 ... 1024 bytes.
struct Triggered {
  std::string bytes;
  template <class V>
  void fields(V&& v) const {
    v("bytes", bytes);
  }
  friend bool operator==(const Triggered&, const Triggered&) = default;
};

// What a look at a directory entry (no link followed) says.
enum class FileState : std::uint8_t {
  ready,         // regular file, owner bits exactly rwx
  invalid_name,  // not a queue id
  vanished,
  not_ready,    // other owner bits: still being written, or marked corrupt by an agent
  not_regular,  // or not to be looked at; the world has logged why
};

// Immediate answer to ScanNext: one more name.
struct ScanEntry {
  Queue queue{};
  std::string queue_id;
  FileState state{};
  Seconds mtime{};              // of a ready file: when it is due
  bool flush_request = false;   // group read bit: revive as you go
  bool expire_request = false;  // group execute bit: expire now
  template <class V>
  void fields(V&& v) const {
    v("queue", queue);
    v("queue_id", queue_id);
    v("state", state);
    v("mtime", mtime);
    v("flush_request", flush_request);
    v("expire_request", expire_request);
  }
  friend bool operator==(const ScanEntry&, const ScanEntry&) = default;
};

// Immediate answer to ScanNext: no entry left; the directory has been closed.
struct ScanEnded {
  Queue queue{};
  template <class V>
  void fields(V&& v) const {
    v("queue", queue);
  }
  friend bool operator==(const ScanEnded&, const ScanEnded&) = default;
};

// Immediate answers to Admit.
struct Admitted {
  MessageId message;
  Envelope envelope;
  Batch batch;
  bool defer_log = false;  // only looked at for an expire request: defer/ID exists and is not empty
  template <class V>
  void fields(V&& v) const {
    v("message", message);
    v("envelope", envelope);
    v("batch", batch);
    v("defer_log", defer_log);
  }
  friend bool operator==(const Admitted&, const Admitted&) = default;
};
enum class AdmitProblem : std::uint8_t {
  not_moved,  // the entry vanished before it could be moved to active: it was never ours
  vanished,   // moved, then gone
  locked,     // somebody else holds the lock (an agent of an earlier process)
  corrupt,    // unreadable content
};
struct AdmitFailed {
  MessageId message;
  AdmitProblem problem{};
  template <class V>
  void fields(V&& v) const {
    v("message", message);
    v("problem", problem);
  }
  friend bool operator==(const AdmitFailed&, const AdmitFailed&) = default;
};

// Immediate answers to ReadRecipients.
struct RecipientsRead {
  MessageId message;
  Batch batch;
  template <class V>
  void fields(V&& v) const {
    v("message", message);
    v("batch", batch);
  }
  friend bool operator==(const RecipientsRead&, const RecipientsRead&) = default;
};
struct ReadFailed {
  MessageId message;
  template <class V>
  void fields(V&& v) const {
    v("message", message);
  }
  friend bool operator==(const ReadFailed&, const ReadFailed&) = default;
};

// What the resolver said about one address. `flags`: kResolve... below, as on the wire.
inline constexpr unsigned kResolveError = 4;  // bad address
inline constexpr unsigned kResolveFail = 8;   // the resolver has trouble
inline constexpr unsigned kResolveClassLocal = 256;
struct Answer {
  std::string transport, nexthop, recipient;
  unsigned flags = 0;
  template <class V>
  void fields(V&& v) const {
    v("transport", transport);
    v("nexthop", nexthop);
    v("recipient", recipient);
    v("flags", flags);
  }
  friend bool operator==(const Answer&, const Answer&) = default;
};

// Ends Resolve: one answer per address, in the order of the question. Several Resolve commands may be open;
// their answers come in the order of the commands.
struct Resolved {
  MessageId message;
  std::vector<Answer> answers;
  template <class V>
  void fields(V&& v) const {
    v("message", message);
    v("answers", answers);
  }
  friend bool operator==(const Resolved&, const Resolved&) = default;
};

// The agent has greeted: it takes one Deliver, or ReleaseAgent. (End of file as greeting counts as good.)
struct AgentReady {
  AgentId agent;
  template <class V>
  void fields(V&& v) const {
    v("agent", agent);
  }
  friend bool operator==(const AgentReady&, const AgentReady&) = default;
};

// The agent cannot be had; the connection is closed, the world has logged why.
enum class AgentProblem : std::uint8_t {
  connect,   // comes in the round after RequestAgent, before descriptor events
  greeting,  // bad greeting, or silence after one began
  write,     // the request could not be sent. Immediate after Deliver when the socket refuses it at once
};
struct AgentFailed {
  AgentId agent;
  AgentProblem problem{};
  template <class V>
  void fields(V&& v) const {
    v("agent", agent);
    v("problem", problem);
  }
  friend bool operator==(const AgentFailed&, const AgentFailed&) = default;
};

// Ends Deliver, exactly once (unless AgentFailed{write} did). The connection is closed by the world.
struct Delivered {
  AgentId agent;
  bool complete = true;    // false: the agent broke off or talked nonsense ("crash"); then
                           // `dsn` holds what the broken report said before that, else empty
  bool try_again = false;  // final status not 0
  Dsn dsn;                 // trouble with the destination; both fields empty = none
  template <class V>
  void fields(V&& v) const {
    v("agent", agent);
    v("complete", complete);
    v("try_again", try_again);
    v("dsn", dsn);
  }
  friend bool operator==(const Delivered&, const Delivered&) = default;
};

// Immediate answers to CheckBounceLog and CheckFile.
enum class LogFileState : std::uint8_t { absent, empty, present };
struct BounceLogChecked {
  MessageId message;
  LogFileState state{};
  template <class V>
  void fields(V&& v) const {
    v("message", message);
    v("state", state);
  }
  friend bool operator==(const BounceLogChecked&, const BounceLogChecked&) = default;
};
struct FileChecked {
  MessageId message;
  FileState state{};
  template <class V>
  void fields(V&& v) const {
    v("message", message);
    v("state", state);
  }
  friend bool operator==(const FileChecked&, const FileChecked&) = default;
};

// Ends AskService. `ok`: the service answered 0 (flush: 0 or "not one of mine").
struct ServiceAnswered {
  TicketId ticket;
  bool ok = false;
  template <class V>
  void fields(V&& v) const {
    v("ticket", ticket);
    v("ok", ok);
  }
  friend bool operator==(const ServiceAnswered&, const ServiceAnswered&) = default;
};

using Event = std::variant<Started, Turn, Tick, Triggered, ScanEntry, ScanEnded, Admitted, AdmitFailed, RecipientsRead,
                           ReadFailed, Resolved, AgentReady, AgentFailed, Delivered, BounceLogChecked, FileChecked,
                           ServiceAnswered>;

}  // namespace weir
