// Notifier: questions to bounce, defer, trace, verify and flush, one connection each (spec/services.md).
//
// Promises: every AskService ends with ServiceAnswered; trouble of any kind is an answer that is not ok. Nothing
// waits here: a report may take kReportLimit for its greeting and again for its answer, everything else, and
// whatever has begun, qmgr_ipc_timeout. Records of single recipients come in thousands when a transport dies; so a
// service gets them one after the other, in the order of asking; a full backlog is waited for, and those that have
// waited as long as one that timed out go with it. Tested in tests/postfix/world/notifier_test.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "codec/notify.hpp"
#include "codec/parameters.hpp"
#include "codec/version.hpp"
#include "contract/command.hpp"
#include "contract/event.hpp"
#include "contract/message.hpp"
#include "postfix/event_sink.hpp"
#include "postfix/loop.hpp"
#include "postfix/stream.hpp"
#include "postfix/voice.hpp"

namespace weir::postfix {

class Notifier {
 public:
  static constexpr Seconds kReportLimit{1000};

  Notifier(Loop& loop, Voice& voice, const codec::ProcessSettings& settings, const codec::Dialect& dialect,
           EventSink sink);
  ~Notifier();

  void ask(const AskService& command, const std::string& queue_id, const Envelope& envelope);

  [[nodiscard]] std::size_t open_requests() const { return requests_.size(); }
  // Those about single recipients that this service has not answered yet.
  [[nodiscard]] std::size_t open_records(Service service) const {
    const Lane& lane = lanes_.at(static_cast<std::size_t>(service));
    return lane.waiting.size() + (lane.busy ? 1 : 0);
  }

 private:
  struct Request;
  // Records of one service, which follow each other in the order in which they were asked for.
  struct Lane {
    bool busy = false;
    bool starting = false;  // an answer that comes at once does not start the next one from inside
    std::deque<std::unique_ptr<Request>> waiting;
  };

  [[nodiscard]] Request* find(TicketId ticket);
  [[nodiscard]] bool is_for_flush_service(const std::string& site) const;
  [[nodiscard]] std::string socket_of(Service service) const;
  void answer(TicketId ticket, bool ok) { sink_(ServiceAnswered{ticket, ok}); }
  void start_waiting(Lane& lane);
  [[nodiscard]] std::vector<TicketId> take_waiting(Lane& lane, Seconds asked_until);
  void begin(std::unique_ptr<Request> owned);
  void connect(Request& request);
  void connected(Request& request, int fd);
  void close(const Request& request, bool ok);
  void readable(TicketId ticket);
  void write_request(Request& request);
  void await_answer(Request& request);
  void limit(Request& request, Seconds limit);
  void finish(Request& request);
  void complain(const Request& request, int error);

  Loop& loop_;
  Voice& voice_;
  const codec::ProcessSettings& settings_;
  codec::Dialect dialect_;
  EventSink sink_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Request>> requests_;  // by TicketId
  std::array<Lane, 5> lanes_;                                             // by Service
};

}  // namespace weir::postfix
