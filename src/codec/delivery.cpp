#include "codec/delivery.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "contract/check.hpp"

namespace weir::codec {
namespace {

constexpr std::int64_t kMicrosPerSecond = 1'000'000;

// --- time profile --------------------------------------------------------------------------------------

void put_time(std::string& bytes, std::size_t offset, Time time) {
  const std::int64_t seconds = time.seconds().count();
  const std::int64_t micros = time.since_epoch.count() - seconds * kMicrosPerSecond;
  std::memcpy(bytes.data() + offset, &seconds, 8);
  std::memcpy(bytes.data() + offset + 8, &micros, 8);
}

[[nodiscard]] std::optional<Time> get_time(std::string_view bytes, std::size_t offset) {
  constexpr std::int64_t kFar = std::numeric_limits<std::int64_t>::max() / kMicrosPerSecond - 1;
  std::int64_t seconds = 0;
  std::int64_t micros = 0;
  std::memcpy(&seconds, bytes.data() + offset, 8);
  std::memcpy(&micros, bytes.data() + offset + 8, 8);
  if (seconds < -kFar || seconds > kFar || micros < 0 || micros >= kMicrosPerSecond) return std::nullopt;
  return Time{Micros{seconds * kMicrosPerSecond + micros}};
}

// --- request list --------------------------------------------------------------------------------------

// Places in the request list.
enum CommonIndex : std::size_t {
  kFlags,
  kQueueName,
  kQueueId,
  kOffset,
  kSize,
  kNexthop,
  kEncoding,
  kOptions,
  kSender,
  kEnvelopeId,
  kReturnFlags,
  kTime,
  kClientName,
  kClientAddress,
  kClientPort,
  kProtocolName,
  kHeloName,
  kSaslMethod,
  kSaslUsername,
  kSaslSender,
  kLogIdent,
  kRewriteContext,
  kRecipientCount
};

[[nodiscard]] std::vector<AttrWant> common_wants(const Dialect& dialect) {
  return {
      {"flags", AttrType::number},
      {"queue_name"},
      {"queue_id"},
      {"offset", AttrType::long_number},
      {"size", AttrType::long_number},
      {"nexthop"},
      {"encoding"},
      {std::string{dialect.option_name}, AttrType::number},
      {"sender"},
      {"envelope_id"},
      {"ret_flags", AttrType::number},
      {"time", AttrType::data},
      {"log_client_name"},
      {"log_client_address"},
      {"log_client_port"},
      {"log_protocol_name"},
      {"log_helo_name"},
      {"sasl_method"},
      {"sasl_username"},
      {"sasl_sender"},
      {"log_ident"},
      {"rewrite_context"},
      {"recipient_count", AttrType::number},
  };
}

[[nodiscard]] std::vector<AttrWant> recipient_wants() {
  return {
      {"original_recipient", AttrType::text, {}, 1}, {"recipient", AttrType::text, {}, 1},
      {"offset", AttrType::long_number, {}, 1},      {"dsn_orig_rcpt", AttrType::text, {}, 1},
      {"notify_flags", AttrType::number, {}, 1},
  };
}

[[nodiscard]] Recipient recipient_from(const AttrReader& reader) {
  return Recipient{
      .offset = reader.value(2).int64(),
      .address = reader.value(1).text,
      .original = reader.value(0).text,
      .dsn_orcpt = reader.value(3).text,
      .notify = static_cast<unsigned>(reader.value(4).number),
  };
}

void write_recipient(AttrWriter& out, const Recipient& recipient) {
  out.text("original_recipient", recipient.original)
      .text("recipient", recipient.address)
      .long_number("offset", recipient.offset)
      //= R-STD-02  who reports has what RFC 3464 wants told
      .text("dsn_orig_rcpt", recipient.dsn_orcpt)
      .number("notify_flags", recipient.notify)
      .end();
}

// --- report --------------------------------------------------------------------------------------------

enum ReportIndex : std::size_t { kStatus, kDiagType, kDiagText, kMtaType, kMtaName, kAction, kReason, kFinalStatus };

[[nodiscard]] std::vector<AttrWant> report_wants() {
  return {
      {"status", AttrType::text, {}, 1},   {"diag_type", AttrType::text, {}, 1}, {"diag_text", AttrType::text, {}, 1},
      {"mta_type", AttrType::text, {}, 1}, {"mta_mname", AttrType::text, {}, 1}, {"action", AttrType::text, {}, 1},
      {"reason", AttrType::text, {}, 1},   {"status", AttrType::number},
  };
}

// --- text ----------------------------------------------------------------------------------------------

// Size of the UTF-8 sequence at the front, 0 if there is none.
[[nodiscard]] std::size_t utf8_sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(text[i])); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return 0;
  }
  const unsigned second = byte(1);
  if (lead == 0xe0 && second < 0xa0) return 0;  // could be shorter
  if (lead == 0xed && second > 0x9f) return 0;  // a surrogate
  if (lead == 0xf0 && second < 0x90) return 0;
  if (lead == 0xf4 && second > 0x8f) return 0;  // beyond Unicode
  return size;
}

}  // namespace

std::string encode_message_times(const MessageTimes& times) {
  std::string bytes(kMessageTimesSize, '\0');
  put_time(bytes, 0, times.incoming_arrival);
  put_time(bytes, 16, times.active_arrival);
  put_time(bytes, 32, times.agent_handoff);
  put_time(bytes, 48, times.connection_done);
  put_time(bytes, 64, times.delivery_done);
  std::memcpy(bytes.data() + 80, &times.reuse_count, 4);
  return bytes;
}

std::optional<MessageTimes> decode_message_times(std::string_view bytes) {
  if (bytes.size() != kMessageTimesSize) return std::nullopt;
  const auto incoming = get_time(bytes, 0);
  const auto active = get_time(bytes, 16);
  const auto handoff = get_time(bytes, 32);
  const auto connection = get_time(bytes, 48);
  const auto delivery = get_time(bytes, 64);
  if (!incoming || !active || !handoff || !connection || !delivery) return std::nullopt;
  MessageTimes times{*incoming, *active, *handoff, *connection, *delivery};
  std::memcpy(&times.reuse_count, bytes.data() + 80, 4);
  return times;
}

std::string encode(const DeliveryRequest& request, const Dialect& dialect) {
  AttrWriter out;
  out.number("flags", request.flags)
      .text("queue_name", request.queue_name)
      .text("queue_id", request.queue_id)
      .long_number("offset", request.offset)
      .long_number("size", request.size)
      .text("nexthop", request.nexthop)
      .text("encoding", request.encoding)
      .number(dialect.option_name, request.options)
      .text("sender", request.sender)
      .text("envelope_id", request.envelope_id)
      .number("ret_flags", request.return_flags)
      .data("time", encode_message_times(request.times))
      .text("log_client_name", request.client.name)
      .text("log_client_address", request.client.address)
      .text("log_client_port", request.client.port)
      .text("log_protocol_name", request.client.protocol)
      .text("log_helo_name", request.client.helo)
      .text("sasl_method", request.sasl_method)
      .text("sasl_username", request.sasl_username)
      .text("sasl_sender", request.sasl_sender)
      .text("log_ident", request.log_ident)
      .text("rewrite_context", request.rewrite_context)
      .number("recipient_count", static_cast<std::int64_t>(request.recipients.size()))
      .end();
  for (const Recipient& recipient : request.recipients) write_recipient(out, recipient);
  return out.take();
}

std::string verp_sender(std::string_view sender, std::string_view delimiters, const Recipient& recipient) {
  if (delimiters.size() < 2) return std::string{sender};
  const std::string_view to = recipient.original.empty() ? recipient.address : recipient.original;
  const std::size_t sender_at = std::min(sender.rfind('@'), sender.size());
  const std::size_t to_at = std::min(to.rfind('@'), to.size());
  std::string out{sender.substr(0, sender_at)};
  out += delimiters[0];
  out += to.substr(0, to_at);
  if (to_at < to.size()) {
    out += delimiters[1];
    out += to.substr(to_at + 1);
  }
  return out += sender.substr(sender_at);
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = utf8_sequence(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

int request_options(const Envelope& envelope, const std::vector<Recipient>& recipients, bool smtputf8_enable,
                    const Dialect& dialect) {
  int options = static_cast<int>(static_cast<unsigned>(envelope.smtputf8) & dialect.option_mask);
  const bool utf8_recipient = std::any_of(recipients.begin(), recipients.end(), [](const Recipient& recipient) {
    return !is_ascii(recipient.address) && is_utf8(recipient.address);
  });
  if (!smtputf8_enable || !utf8_recipient) return options;
  options |= kOptionRecipient;
  if (!envelope.verp_delimiters.empty()) options |= kOptionSender;  // the recipient stands in the sender
  return options;
}

DeliveryRequest make_delivery_request(const Envelope& envelope, std::string queue_id, const Deliver& deliver,
                                      Time active_arrival, bool smtputf8_enable, const Dialect& dialect) {
  const bool verp = !envelope.verp_delimiters.empty() && !deliver.recipients.empty();
  return DeliveryRequest{
      .flags = deliver.flags,
      .queue_name = "active",
      .queue_id = std::move(queue_id),
      .offset = envelope.data_offset,
      .size = envelope.content_length,
      .nexthop = deliver.nexthop,
      .encoding = envelope.encoding,
      .options = request_options(envelope, deliver.recipients, smtputf8_enable, dialect),
      .sender =
          verp ? verp_sender(envelope.sender, envelope.verp_delimiters, deliver.recipients.front()) : envelope.sender,
      .envelope_id = envelope.envelope_id,
      .return_flags = envelope.return_flags,
      .times = {.incoming_arrival = envelope.arrival, .active_arrival = active_arrival},
      .client = envelope.client,
      .sasl_method = envelope.sasl_method,
      .sasl_username = envelope.sasl_username,
      .sasl_sender = envelope.sasl_sender,
      .log_ident = envelope.log_ident,
      .rewrite_context = envelope.rewrite_context,
      .recipients = deliver.recipients,
  };
}

// --- the agent's side ----------------------------------------------------------------------------------

DeliveryRequestReader::DeliveryRequestReader(const Dialect& dialect, std::string path)
    : path_(std::move(path)), common_(common_wants(dialect), path_) {}

std::size_t DeliveryRequestReader::feed(std::string_view bytes) {
  std::size_t used = 0;
  while (!done_ && used < bytes.size()) {
    AttrReader& reader = recipient_ ? *recipient_ : common_;
    used += reader.feed(bytes.substr(used));
    step();
  }
  return used;
}

void DeliveryRequestReader::end_of_file() {
  if (done_) return;
  if (!recipient_ && common_.untouched()) {
    done_ = true;  // the queue manager has changed its mind
    return;
  }
  (recipient_ ? *recipient_ : common_).end_of_file();
  step();
}

void DeliveryRequestReader::step() {
  AttrReader& reader = recipient_ ? *recipient_ : common_;
  if (!reader.done()) return;
  warnings_.insert(warnings_.end(), reader.warnings().begin(), reader.warnings().end());
  if (recipient_) {
    recipient_read();
  } else {
    common_read();
  }
}

void DeliveryRequestReader::common_read() {
  const AttrReader& in = common_;
  if (!in.complete()) return refuse("deliver_request_get: error receiving common attributes");
  const auto times = decode_message_times(in.value(kTime).text);
  if (!times) {
    const std::size_t size = in.value(kTime).text.size();
    if (size != kMessageTimesSize) {
      warnings_.push_back("msg_stats_scan: size mis-match: " + std::to_string(size) + " != 88");
    }
    return refuse("deliver_request_get: error receiving common attributes");
  }
  partial_ = DeliveryRequest{
      .flags = static_cast<unsigned>(in.value(kFlags).number),
      .queue_name = in.value(kQueueName).text,
      .queue_id = in.value(kQueueId).text,
      .offset = in.value(kOffset).int64(),
      .size = in.value(kSize).int64(),
      .nexthop = in.value(kNexthop).text,
      .encoding = in.value(kEncoding).text,
      .options = in.value(kOptions).int32(),
      .sender = in.value(kSender).text,
      .envelope_id = in.value(kEnvelopeId).text,
      .return_flags = in.value(kReturnFlags).int32(),
      .times = *times,
      .client = {in.value(kClientName).text, in.value(kClientAddress).text, in.value(kClientPort).text,
                 in.value(kProtocolName).text, in.value(kHeloName).text},
      .sasl_method = in.value(kSaslMethod).text,
      .sasl_username = in.value(kSaslUsername).text,
      .sasl_sender = in.value(kSaslSender).text,
      .log_ident = in.value(kLogIdent).text,
      .rewrite_context = in.value(kRewriteContext).text,
      .recipients = {},
  };
  expected_ = in.value(kRecipientCount).int32();
  if (expected_ <= 0) {
    return refuse(partial_.queue_id + ": no recipients in delivery request for destination " + partial_.nexthop);
  }
  if (expected_ > kRequestRecipientsMax) return refuse("deliver_request_get: error receiving recipient attributes");
  recipient_.emplace(recipient_wants(), path_);
}

void DeliveryRequestReader::recipient_read() {
  if (!recipient_->complete()) return refuse("deliver_request_get: error receiving recipient attributes");
  partial_.recipients.push_back(recipient_from(*recipient_));
  if (std::cmp_less(partial_.recipients.size(), expected_)) {
    recipient_.emplace(recipient_wants(), path_);
    return;
  }
  request_ = std::exchange(partial_, {});
  done_ = true;
}

void DeliveryRequestReader::refuse(std::string why) {
  failure_ = std::move(why);
  done_ = true;
}

// --- report --------------------------------------------------------------------------------------------

std::string encode(const DeliveryReport& report) {
  return AttrWriter{}
      .text("status", report.status)
      .text("diag_type", report.diag_type)
      .text("diag_text", report.diag_text)
      .text("mta_type", report.mta_type)
      .text("mta_mname", report.mta_mname)
      .text("action", report.action)
      .text("reason", report.reason)
      .number("status", report.final_status)
      .end()
      .take();
}

DeliveryReportReader::DeliveryReportReader(std::string path) : path_(std::move(path)), reader_(report_wants(), path_) {}

DeliveryReport DeliveryReportReader::report() const {
  return DeliveryReport{
      .status = reader_.value(kStatus).text,
      .diag_type = reader_.value(kDiagType).text,
      .diag_text = reader_.value(kDiagText).text,
      .mta_type = reader_.value(kMtaType).text,
      .mta_mname = reader_.value(kMtaName).text,
      .action = reader_.value(kAction).text,
      .reason = reader_.value(kReason).text,
      .final_status = reader_.value(kFinalStatus).int32(),
  };
}

Delivered DeliveryReportReader::delivered(AgentId agent) const {
  WEIR_CHECK(done());
  const DeliveryReport said = report();
  return Delivered{
      .agent = agent,
      .complete = complete(),
      .try_again = said.final_status != 0,
      .dsn = {said.status.substr(0, kReasonMax), said.reason.substr(0, kReasonMax)},
  };
}

std::vector<std::string> DeliveryReportReader::warnings() const {
  std::vector<std::string> all = reader_.warnings();
  if (done() && !complete()) all.push_back(path_ + ": malformed response");
  return all;
}

}  // namespace weir::codec
