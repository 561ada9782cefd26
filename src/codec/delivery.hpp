// The conversation with a delivery agent: greeting, request, report (spec/services.md). Both directions, as values
// and bytes. Who waits for what, and how long, is the world's. Tested in tests/codec/wire/delivery_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/attr.hpp"
#include "codec/greeting.hpp"
#include "codec/version.hpp"
#include "contract/command.hpp"
#include "contract/event.hpp"
#include "contract/message.hpp"
#include "contract/recipient.hpp"
#include "contract/time.hpp"

namespace weir::codec {

// Option bits of a request (SMTPUTF8 and, from 3.10 on, TLS).
inline constexpr int kOptionRequested = 1;
inline constexpr int kOptionHeader = 2;
inline constexpr int kOptionSender = 4;
inline constexpr int kOptionRecipient = 8;  // set per request, never stored

inline constexpr std::size_t kMessageTimesSize = 88;   // of the time profile, as the platform lays it out
inline constexpr int kRequestRecipientsMax = 1 << 20;  // recipient lists that a decoder accepts

// When the message passed which point; zero = not yet.
struct MessageTimes {
  Time incoming_arrival{}, active_arrival{}, agent_handoff{}, connection_done{}, delivery_done{};
  std::int32_t reuse_count = 0;
  friend bool operator==(const MessageTimes&, const MessageTimes&) = default;
};
[[nodiscard]] std::string encode_message_times(const MessageTimes& times);
[[nodiscard]] std::optional<MessageTimes> decode_message_times(std::string_view bytes);

struct DeliveryRequest {
  unsigned flags = 0;
  std::string queue_name = "active";
  std::string queue_id;
  std::int64_t offset = 0;  // of the content in the queue file
  std::int64_t size = 0;    // content length
  std::string nexthop, encoding;
  int options = 0;
  std::string sender, envelope_id;
  int return_flags = 0;
  MessageTimes times;
  ClientInfo client;
  std::string sasl_method, sasl_username, sasl_sender;
  std::string log_ident, rewrite_context;
  std::vector<Recipient> recipients;
  friend bool operator==(const DeliveryRequest&, const DeliveryRequest&) = default;
};

// Request list and recipient lists, to be sent in one go.
[[nodiscard]] std::string encode(const DeliveryRequest& request, const Dialect& dialect);

// Sender of a request in VERP form: local + d1 + user + d2 + host @ domain.
[[nodiscard]] std::string verp_sender(std::string_view sender, std::string_view delimiters, const Recipient& recipient);

// Valid UTF-8 as RFC 3629 has it; ASCII is.
[[nodiscard]] bool is_utf8(std::string_view text);
[[nodiscard]] bool is_ascii(std::string_view text);

// The option bits of a request for these recipients.
[[nodiscard]] int request_options(const Envelope& envelope, const std::vector<Recipient>& recipients,
                                  bool smtputf8_enable, const Dialect& dialect);

// The request that carries out a Deliver command. `active_arrival`: when the file was opened for this pass.
[[nodiscard]] DeliveryRequest make_delivery_request(const Envelope& envelope, std::string queue_id,
                                                    const Deliver& deliver, Time active_arrival, bool smtputf8_enable,
                                                    const Dialect& dialect);

// The agent's side: reads a request. For stand-ins, tests and fuzzers.
class DeliveryRequestReader {
 public:
  DeliveryRequestReader(const Dialect& dialect, std::string path);

  std::size_t feed(std::string_view bytes);
  void end_of_file();

  [[nodiscard]] bool done() const { return done_; }
  // Nothing: hung up without a request (no failure), or refused (failure() says why, as agents log it).
  [[nodiscard]] const std::optional<DeliveryRequest>& request() const { return request_; }
  [[nodiscard]] const std::string& failure() const { return failure_; }
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  void step();
  void common_read();
  void recipient_read();
  void refuse(std::string why);

  std::string path_;
  AttrReader common_;
  std::optional<AttrReader> recipient_;
  int expected_ = 0;
  DeliveryRequest partial_;
  std::optional<DeliveryRequest> request_;
  bool done_ = false;
  std::string failure_;
  std::vector<std::string> warnings_;
};

// What an agent says in the end.
struct DeliveryReport {
  std::string status;  // DSN code of a problem with the destination, else empty
  std::string diag_type, diag_text, mta_type, mta_mname, action;
  std::string reason;             // its text
  std::int32_t final_status = 0;  // 0 = every recipient is marked done
  friend bool operator==(const DeliveryReport&, const DeliveryReport&) = default;
};
[[nodiscard]] std::string encode(const DeliveryReport& report);

// A reason is kept as long as its destination counts as dead, for tens of thousands of them: no more than this is.
inline constexpr std::size_t kReasonMax = 8192;

class DeliveryReportReader {
 public:
  // `path`: "private/smtp socket".
  explicit DeliveryReportReader(std::string path);

  std::size_t feed(std::string_view bytes) { return reader_.feed(bytes); }
  void end_of_file() { reader_.end_of_file(); }
  void time_out() { reader_.time_out(); }

  [[nodiscard]] bool done() const { return reader_.done(); }
  [[nodiscard]] bool complete() const { return reader_.complete(); }
  [[nodiscard]] bool begun() const { return !reader_.untouched(); }  // at least one byte has come
  [[nodiscard]] DeliveryReport report() const;                       // what was read, whole or not

  // The event for a report that is done. After a broken report it carries what that report itself said before
  // it broke off (to the last byte: a code may be cut), and nothing of any other report. Code and reason are cut to
  // kReasonMax.
  [[nodiscard]] Delivered delivered(AgentId agent) const;

  // Texts of warnings to log, "malformed response" included.
  [[nodiscard]] std::vector<std::string> warnings() const;

 private:
  std::string path_;
  AttrReader reader_;
};

}  // namespace weir::codec
