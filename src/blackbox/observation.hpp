// What is seen of a queue manager from outside.
//
// Between two inputs it speaks through several channels that no outsider can order against each other. canonical()
// gives them an order: by time, then by channel, then by what they say; only log and allocate lines, which share one
// channel, keep theirs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace weir::blackbox {

// One log line, without program and process. Queue ids are shown as <NAME>, the scratch folder as $DIR. "from=<...>
// ... queue active" and "removed" are left out: every message has them, and files say the same.
struct LogText {
  std::string text;
  friend bool operator==(const LogText&, const LogText&) = default;
};
// A log line that bears another tag than SYSLOG_NAME/PROGRAM by default.
[[nodiscard]] inline std::string under_tag(std::string_view tag, std::string_view text) {
  return '[' + std::string(tag) + "] " + std::string(text);
}
// With Setup::show_allocate: this transport has been picked for a connection.
struct Allocated {
  std::string transport;
  friend bool operator==(const Allocated&, const Allocated&) = default;
};
// A connection to an agent's socket; so many wait to be greeted now.
struct Connected {
  std::string transport;
  int waiting = 0;
  friend bool operator==(const Connected&, const Connected&) = default;
};
// A connection was closed without a request, or before the agent's report.
struct Closed {
  std::string transport;
  friend bool operator==(const Closed&, const Closed&) = default;
};
// A delivery request, on the connection greeted last.
struct Requested {
  int id = 0;
  std::string transport, nexthop, message;
  std::vector<std::string> recipients;
  unsigned flags = 3;
  std::string sender = "sender@test.example";
  friend bool operator==(const Requested&, const Requested&) = default;
};
// A request to bounce, defer or trace. One to verify or flush is told in the same words: `nrequest` is 0; verify names no
// message, the recipient is its address and the status its number; of flush the recipient is the site.
struct Reported {
  std::string service;
  int nrequest = 0;
  std::string message;
  std::optional<std::string> recipient, status, reason;
  std::vector<std::string> attributes;  // all names, in order
  friend bool operator==(const Reported&, const Reported&) = default;
};
// A queue file is in another place than before: incoming, active, deferred, corrupt or gone. Of several moves after
// one input the last. `wakeup`: its time stamp, virtual, where that says when it is due.
struct Moved {
  std::string message, to;
  std::optional<std::int64_t> wakeup;
  friend bool operator==(const Moved&, const Moved&) = default;
};
// The process ended: exit status, or minus the signal.
struct Exited {
  int status = 0;
  friend bool operator==(const Exited&, const Exited&) = default;
};
// The input asked for what is not there: a connection, a request.
struct NothingThere {
  std::string what;
  friend bool operator==(const NothingThere&, const NothingThere&) = default;
};
[[nodiscard]] inline NothingThere no_connection(const std::string& transport) { return {"connection to " + transport}; }
[[nodiscard]] inline NothingThere no_request(int id) { return {"request " + std::to_string(id)}; }
[[nodiscard]] inline NothingThere no_waiting_message(const std::string& name) {
  return {"message " + name + " in incoming or deferred"};
}
[[nodiscard]] inline NothingThere no_held_message(const std::string& name) { return {"message " + name + " in hold"}; }
[[nodiscard]] inline NothingThere no_message(const std::string& name) { return {"message " + name}; }
// It does what no queue manager does, and cannot be watched any further: hangs, floods its log, forks, fills the disk,
// talks nonsense to a stand-in.
struct Misbehaved {
  std::string how;
  friend bool operator==(const Misbehaved&, const Misbehaved&) = default;
};

using Sight = std::variant<LogText, Allocated, Connected, Closed, Requested, Reported, Moved, Exited, NothingThere,
                           Misbehaved>;  // in the order of canonical()

struct Observation {
  std::int64_t at = 0;  // virtual seconds
  Sight sight;
  friend bool operator==(const Observation&, const Observation&) = default;
};

// One line of a scenario (spec/oracle.md), without its end.
[[nodiscard]] std::string show(const Observation& observation);

// Those after one input, in an order that does not depend on the channels.
[[nodiscard]] std::vector<Observation> canonical(std::vector<Observation> seen);

}  // namespace weir::blackbox
