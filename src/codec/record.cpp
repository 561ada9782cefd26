#include "codec/record.hpp"

#include <algorithm>
#include <limits>

namespace weir::codec {

namespace {

constexpr bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// The length, as 32-bit signed arithmetic makes it: bits that do not fit are lost.
RecordStatus read_length(ByteWindow& window, Record& record) {
  std::uint32_t length = 0;
  for (int byte_count = 0;; ++byte_count) {
    if (byte_count == kLengthBytesMax) return RecordStatus::length_too_long;
    const int byte = window.next();
    if (byte < 0) return RecordStatus::end_in_length;
    length |= static_cast<std::uint32_t>(byte & 0x7f) << (7 * byte_count);
    if ((byte & 0x80) == 0) break;
  }
  record.length = static_cast<std::int32_t>(length);
  record.header_size = static_cast<int>(window.position() - record.offset);
  return record.length < 0 ? RecordStatus::length_negative : RecordStatus::ok;
}

// Grows as bytes arrive: a length is only a claim.
RecordStatus read_payload(ByteWindow& window, Record& record) {
  const auto wanted = static_cast<std::size_t>(record.length);
  while (record.payload.size() < wanted) {
    const auto bytes = window.view().substr(0, wanted - record.payload.size());
    if (bytes.empty() || !window.skip(static_cast<std::int64_t>(bytes.size()))) return RecordStatus::end_in_data;
    record.payload.append(bytes);
  }
  return RecordStatus::ok;
}

RecordStatus skip_payload(ByteWindow& window, const Record& record) {
  if (!window.has(record.length) || !window.skip(record.length)) return RecordStatus::end_in_data;
  return RecordStatus::ok;
}

}  // namespace

std::string describe(RecordStatus status, const Record& record) {
  const std::string type = ", record type " + std::to_string(record.type);
  const std::string length = std::to_string(record.length);
  switch (status) {
    case RecordStatus::ok:
    case RecordStatus::end: return {};
    case RecordStatus::end_in_length: return "unexpected EOF reading length" + type;
    case RecordStatus::end_in_data: return "unexpected EOF in data" + type + " length " + length;
    case RecordStatus::length_too_long: return "too many length bits" + type;
    case RecordStatus::length_negative: return "illegal length " + length + type;
    case RecordStatus::payload_too_long: return "record too long" + type + " length " + length;
  }
  return {};
}

RecordStatus read_record(ByteWindow& window, bool (*wanted)(int type), Record& record) {
  record.offset = window.position();
  record.length = 0;
  record.header_size = 0;
  record.payload.clear();
  record.type = window.next();
  if (record.type < 0) return RecordStatus::end;
  if (const auto status = read_length(window, record); status != RecordStatus::ok) return status;
  if (!wanted(record.type)) return skip_payload(window, record);
  if (record.length <= kPayloadMax) return read_payload(window, record);
  const auto status = skip_payload(window, record);
  return status == RecordStatus::ok ? RecordStatus::payload_too_long : status;
}

bool parse_offset(std::string_view text, std::int64_t& value) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    const int digit = c - '0';
    if (value > (std::numeric_limits<std::int64_t>::max() - digit) / 10) return false;
    value = value * 10 + digit;
  }
  return true;
}

void append_record(std::string& file, int type, std::string_view payload) {
  file += static_cast<char>(type);
  std::size_t length = payload.size();
  do {
    const auto low = static_cast<unsigned char>(length & 0x7f);
    length >>= 7;
    file += static_cast<char>(length == 0 ? low : low | 0x80);
  } while (length != 0);
  file += payload;
}

std::string wide_number(std::int64_t value) {
  std::string digits = std::to_string(value);
  return std::string(15 - std::min<std::size_t>(15, digits.size()), ' ') + digits;
}

std::string_view record_name(int type) {
  switch (type) {
    case record::kSize: return "message_size";
    case record::kArrivalTime: return "message_arrival_time";
    case record::kCreateTime: return "queue_file_create_time";
    case record::kFullName: return "sender_fullname";
    case record::kInspector: return "content_inspector";
    case record::kFilter: return "content_filter";
    case record::kSender: return "sender";
    case record::kDsnEnvelopeId: return "dsn_envelope_id";
    case record::kDsnReturn: return "dsn_return_flags";
    case record::kDsnOriginal: return "dsn_original_recipient";
    case record::kDsnNotify: return "dsn_notify_flags";
    case record::kRecipient: return "recipient";
    case record::kDone: return "done_recipient";
    case record::kCanceled: return "canceled_recipient";
    case record::kOriginal: return "original_recipient";
    case record::kWarnTime: return "warning_message_time";
    case record::kVerp: return "verp_delimiters";
    case record::kAttribute: return "named_attribute";
    case record::kKilled: return "killed_record";
    case record::kRedirect: return "redirect_to";
    case record::kMessage: return "message_content";
    case record::kText: return "regular_text";
    case record::kPadding: return "padding";
    case record::kExtracted: return "extracted_info";
    case record::kPriority: return "priority";
    case record::kReturnReceipt: return "return_receipt";
    case record::kErrorsTo: return "errors_to";
    case record::kPointer: return "pointer_record";
    case record::kEnd: return "message_end";
    case record::kFlags: return "flags";
    default: return "unknown_record_type";
  }
}

}  // namespace weir::codec
