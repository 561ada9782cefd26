// Resolver: asks private/rewrite about addresses, many at a time, and gives the answers back in order.
//
// Promises: every Resolve ends with Resolved, in the order of the commands, however often the server dies, stalls
// or answers nonsense on the way: a question is asked again, once a second, until it is answered. Nothing waits
// here (who does: driver.hpp). A server takes one question at a time on a connection (more would be lost), so that a
// few connections (lanes) work side by side; each is closed after ipc_idle without work and after ipc_ttl in all.
// The last answer is good for kCacheTime, as are those of the real program.
//
// When the resolver has trouble its placeholder never takes the place of an address (spec/divergences.md).
// Tested in tests/postfix/world/resolver_test.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "codec/parameters.hpp"
#include "codec/resolve.hpp"
#include "codec/version.hpp"
#include "contract/command.hpp"
#include "contract/event.hpp"
#include "postfix/event_sink.hpp"
#include "postfix/loop.hpp"
#include "postfix/stream.hpp"
#include "postfix/voice.hpp"

namespace weir::postfix {

class Resolver {
 public:
  static constexpr std::size_t kLanes = 4;
  static constexpr Seconds kCacheTime{30};
  static constexpr Seconds kRetryTime{1};
  static constexpr Seconds kReconnectTime{10};

  Resolver(Loop& loop, Voice& voice, const codec::ProcessSettings& settings, const codec::Dialect& dialect,
           EventSink sink);
  ~Resolver();

  // `sender` is that of the message.
  void resolve(const Resolve& command, const std::string& sender);

  [[nodiscard]] std::size_t open_commands() const { return groups_.size(); }

 private:
  // One Resolve command.
  struct Group {
    MessageId message;
    bool probe = false;
    std::string sender;
    std::vector<Answer> answers;
    std::size_t missing = 0;
  };
  struct Subscriber {
    std::shared_ptr<Group> group;
    std::size_t index = 0;  // of the address in the command
  };
  // One question to the server, and all who want to know the answer.
  struct Inquiry {
    codec::ResolverQuestion question;
    std::vector<Subscriber> subscribers;
    std::optional<codec::ResolverReply> reply;
    Seconds expires{};
  };
  struct Lane;

  void inquire(codec::ResolverQuestion question, Subscriber subscriber);
  void settle(Inquiry& inquiry, const codec::ResolverReply& reply);
  void tell(const Inquiry& inquiry, const Subscriber& subscriber);
  void report_finished();

  [[nodiscard]] Lane* free_lane();
  void start_waiting();
  void work(Lane& lane);
  void connect(Lane& lane);
  void ask(Lane& lane);
  void readable(Lane& lane);
  void reply_read(Lane& lane, const codec::ResolverReply& reply);
  void rest(Lane& lane);
  void silent(Lane& lane);
  void lost(Lane& lane, int error);
  void work_later(Lane& lane, Seconds delay);

  Loop& loop_;
  Voice& voice_;
  codec::Dialect dialect_;
  EventSink sink_;
  std::string service_, socket_;
  Seconds ipc_timeout_, ipc_idle_, ipc_ttl_;

  std::deque<std::shared_ptr<Group>> groups_;  // in the order of the commands
  std::deque<std::shared_ptr<Inquiry>> waiting_;
  std::array<std::unique_ptr<Lane>, kLanes> lanes_;
  int connect_failures_ = 0;  // in a row
  // The questions that were put last: the cache of one entry.
  std::shared_ptr<Inquiry> last_resolve_, last_rewrite_;
};

}  // namespace weir::postfix
