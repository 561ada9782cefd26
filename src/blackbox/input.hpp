// What is done to a queue manager from outside. A scenario is a row of inputs; after each the clock stands still until
// the queue manager has nothing left to do, so everything that it does belongs to the input before.
//
// Time is virtual: whole seconds from the start, which is 1,000,000,000 in Unix time. Messages have names of their own
// (letters and digits); an address LOCAL@NEXTHOP.TRANSPORT resolves to that transport and next hop, unless the message
// says otherwise. Requests are numbered from 1 in the order in which they are made.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "contract/dsn.hpp"
#include "contract/event.hpp"
#include "contract/message.hpp"
#include "contract/time.hpp"

namespace weir::blackbox {

inline constexpr std::int64_t kStart = 1'000'000'000;  // virtual second 0, in Unix time

// The first input, once: main.cf beyond the base (base_parameters()), and what listens.
struct Setup {
  std::map<std::string, std::string> parameters;
  std::vector<std::string> transports;  // have delivery agents
  std::vector<std::string> absent;      // of these: without a socket, a connection fails
  bool show_allocate = false;           // run it with -v and keep the order in which it picks transports
  std::vector<std::string> arguments;   // further ones of the program
  friend bool operator==(const Setup&, const Setup&) = default;
};

// A queue file appears, complete, due now; unless told not to, the queue manager is told: I for incoming, D for
// deferred.
struct NewMessage {
  std::string name;
  std::vector<std::string> recipients;     // as the file has them
  std::map<std::string, Answer> resolved;  // the resolver's answers from now on, by address
  std::string sender = "sender@test.example";
  Queue queue = Queue::incoming;  // or deferred
  bool wake = true;
  std::optional<std::int64_t> declared;               // recipients by the size record; the truth if not given
  std::vector<std::pair<char, std::string>> records;  // further ones, before the recipients
  unsigned mode = 0700;
  std::optional<std::int64_t> create_time;  // virtual; now if not given
  friend bool operator==(const NewMessage&, const NewMessage&) = default;
};

// The oldest connection to this transport that waits is greeted: an agent is free.
struct Slot {
  std::string transport;
  friend bool operator==(const Slot&, const Slot&) = default;
};
// The oldest connection that waits is closed by the agent, before any greeting.
struct HangUp {
  std::string transport;
  friend bool operator==(const HangUp&, const HangUp&) = default;
};

// The agent's report. With status 0 it has marked all recipients as done in the file before, unless told not to.
struct Reply {
  int request = 0;
  int status = 0;  // 0 = nothing to retry, -1 = try again
  Dsn dsn;         // trouble with the destination; both empty = none
  bool mark = true;
  std::optional<std::string> raw;  // these bytes in its place, then the end of the connection
  friend bool operator==(const Reply&, const Reply&) = default;
};
// The agent ends without a report.
struct Crash {
  int request = 0;
  friend bool operator==(const Crash&, const Crash&) = default;
};

// The clock moves, a second at a time; in between the queue manager does what is due.
struct Advance {
  std::int64_t seconds = 1;
  friend bool operator==(const Advance&, const Advance&) = default;
};
// The clock is set, forward or back; it is never set to a second before kEarliest.
struct Jump {
  std::int64_t seconds = 1;
  friend bool operator==(const Jump&, const Jump&) = default;
};
inline constexpr std::int64_t kEarliest = -1'000'000;  // virtual
[[nodiscard]] constexpr std::int64_t second_after(const Jump& jump, std::int64_t now) {
  return std::max(now + jump.seconds, kEarliest);
}

// Bytes for the trigger socket, in one connection.
struct TriggerInput {
  std::string bytes;
  friend bool operator==(const TriggerInput&, const TriggerInput&) = default;
};
// Agents have left a bounce log for the message.
struct BounceLogAppears {
  std::string message;
  friend bool operator==(const BounceLogAppears&, const BounceLogAppears&) = default;
};
// The socket of a transport is removed, or is there again. Nobody is told.
struct Unlisten {
  std::string transport;
  friend bool operator==(const Unlisten&, const Unlisten&) = default;
};
struct Relisten {
  std::string transport;
  friend bool operator==(const Relisten&, const Relisten&) = default;
};

// From now on a service (bounce, defer, trace, verify or flush) answers that it could not do what it was asked for, or
// does it again.
struct ServiceFails {
  std::string service;
  friend bool operator==(const ServiceFails&, const ServiceFails&) = default;
};
struct ServiceWorks {
  std::string service;
  friend bool operator==(const ServiceWorks&, const ServiceWorks&) = default;
};
// The resolver keeps its answers to itself from now on; it gives all that are missing, and answers at once again.
struct ResolverStalls {
  friend bool operator==(const ResolverStalls&, const ResolverStalls&) = default;
};
struct ResolverAnswers {
  friend bool operator==(const ResolverAnswers&, const ResolverAnswers&) = default;
};
// A message is put on hold while it is in incoming or deferred, or set free: to deferred.
struct Hold {
  std::string message;
  friend bool operator==(const Hold&, const Hold&) = default;
};
struct Release {
  std::string message;
  friend bool operator==(const Release&, const Release&) = default;
};
// The second half of a queue file is lost.
struct FileIsCut {
  std::string message;
  friend bool operator==(const FileIsCut&, const FileIsCut&) = default;
};

using Input =
    std::variant<Setup, NewMessage, Slot, HangUp, Reply, Crash, Advance, Jump, TriggerInput, BounceLogAppears, Unlisten,
                 Relisten, ServiceFails, ServiceWorks, ResolverStalls, ResolverAnswers, Hold, Release, FileIsCut>;

// One line of a scenario (spec/oracle.md), without its end.
[[nodiscard]] std::string show(const Input& input);

// What every main.cf of a scenario says beside Setup::parameters, folders and accounts apart: no accident of the
// machine may show.
[[nodiscard]] const std::map<std::string, std::string>& base_parameters();

}  // namespace weir::blackbox
