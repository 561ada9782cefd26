// The conversations with bounce, defer and trace (one protocol), verify and flush (spec/services.md): requests as
// values and bytes in both directions, and the client's side of one connection as a state machine.
// Tested in tests/codec/wire/notify_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "codec/attr.hpp"
#include "codec/greeting.hpp"
#include "codec/version.hpp"
#include "contract/command.hpp"
#include "contract/message.hpp"

namespace weir::codec {

enum class NotifyCommand : std::int32_t { append = 0, flush = 1, warn = 2, verp = 3, one = 4, trace = 5 };

// Add a recipient to the bounce, defer or trace log.
struct NotifyAppend {
  unsigned flags = 0;
  std::string queue_id;
  Recipient recipient;
  std::string status, diag_type, diag_text, mta_type, mta_mname, action, reason;
  friend bool operator==(const NotifyAppend&, const NotifyAppend&) = default;
};

// Send the log as a report: flush, warn, verp or trace.
struct NotifyFlush {
  NotifyCommand command = NotifyCommand::flush;
  unsigned flags = 0;
  std::string queue_name = "active", queue_id, encoding;
  int options = 0;
  std::string sender, envelope_id;
  int return_flags = 0;
  std::string verp_delimiters;  // sent with verp only
  friend bool operator==(const NotifyFlush&, const NotifyFlush&) = default;
};

struct VerifyRequest {
  std::string address;
  std::int32_t status = 0;
  std::string reason;
  friend bool operator==(const VerifyRequest&, const VerifyRequest&) = default;
};

struct FlushRequest {
  std::string site, queue_id;
  friend bool operator==(const FlushRequest&, const FlushRequest&) = default;
};

[[nodiscard]] std::string encode(const NotifyAppend& request);
[[nodiscard]] std::string encode(const NotifyFlush& request, const Dialect& dialect);
[[nodiscard]] std::string encode(const VerifyRequest& request);
[[nodiscard]] std::string encode(const FlushRequest& request);
[[nodiscard]] std::string encode_status(std::int32_t status);

// The bytes that carry out a ServiceRequest of a brain.
[[nodiscard]] std::string encode_service_request(const ServiceRequest& request, std::string_view queue_id,
                                                 const Envelope& envelope, const Dialect& dialect);

// The servers' side; nothing for a list that is no such request. Surplus attributes at the end are skipped.
using NotifyRequest = std::variant<NotifyAppend, NotifyFlush>;
[[nodiscard]] std::optional<NotifyRequest> decode_notify_request(const AttrList& list, const Dialect& dialect);
[[nodiscard]] std::optional<VerifyRequest> decode_verify_request(const AttrList& list);
[[nodiscard]] std::optional<FlushRequest> decode_flush_request(const AttrList& list);

// The service that a request is for.
[[nodiscard]] Service service_of(const ServiceRequest& request);

// Whether an answer of that service is as good as done.
[[nodiscard]] bool service_ok(Service service, std::int32_t status);

// The client's side of one connection: wait for the greeting, write one request, read one status; then, where the
// server keeps connections (verify), the next request.
class ServiceExchange {
 public:
  enum class State : std::uint8_t {
    greeting,   // waits for the server to speak first
    may_write,  // write a request, then tell sent()
    status,     // waits for the answer
    answered,   // status() has it
    failed,     // bad greeting, no answer or nonsense
  };

  ServiceExchange(Service service, const Dialect& dialect, std::string path);

  [[nodiscard]] State state() const { return state_; }
  void sent();  // from may_write or answered
  void feed(std::string_view bytes);
  void end_of_file();
  void time_out();

  [[nodiscard]] std::int32_t status() const { return state_ == State::answered ? status_ : -1; }
  [[nodiscard]] bool ok() const { return state_ == State::answered && service_ok(service_, status_); }
  // The server had closed before it said anything: no reason to warn by itself.
  [[nodiscard]] bool hung_up() const { return hung_up_; }
  [[nodiscard]] std::vector<std::string> take_warnings() { return std::exchange(warnings_, {}); }

 private:
  void finish_greeting();
  void finish_status();

  Service service_;
  std::string path_;
  GreetingReader greeting_;
  std::optional<AttrReader> reader_;
  State state_ = State::greeting;
  std::int32_t status_ = -1;
  bool hung_up_ = false;
  std::vector<std::string> warnings_;
};

}  // namespace weir::codec
