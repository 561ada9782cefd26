#include "codec/queue_file_writer.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "codec/queue_file.hpp"
#include "codec/queue_text.hpp"
#include "codec/record.hpp"

namespace weir::codec {

namespace {

constexpr std::size_t kLinePieceMax = 2048;
constexpr std::int64_t kWideMax = 999'999'999'999'999;  // of the numbers in the size record
constexpr unsigned kTraceFlagsKnown = kTraceVerifyMta | kTraceVerifyUser | kTraceRecord | kTraceDelayCleared;

std::string sayable(std::string_view text) {
  text = text.substr(0, text.find('\0'));
  return std::string{text.substr(0, kWrittenTextMax)};
}

std::string sayable_value(std::string_view text) {
  const std::string named = "name=" + sayable(text);
  return std::string{parse_named_attribute(named).value};
}

std::string numbers(std::initializer_list<std::int64_t> values) {
  std::string text;
  for (const auto value : values) text += (text.empty() ? "" : " ") + wide_number(value);
  return text;
}

Recipient sayable(const Recipient& given) {
  Recipient recipient{0, sayable(given.address), sayable(given.original), sayable_value(given.dsn_orcpt), 0};
  if (parse_notify(std::to_string(given.notify))) recipient.notify = given.notify;
  return recipient;
}

Envelope sayable(const Envelope& given) {
  Envelope envelope = given;
  for (auto field : {&Envelope::encoding, &Envelope::envelope_id, &Envelope::sasl_method, &Envelope::sasl_username,
                     &Envelope::sasl_sender, &Envelope::log_ident, &Envelope::rewrite_context}) {
    envelope.*field = sayable_value(given.*field);
  }
  for (auto field :
       {&ClientInfo::name, &ClientInfo::address, &ClientInfo::port, &ClientInfo::protocol, &ClientInfo::helo}) {
    envelope.client.*field = sayable_value(given.client.*field);
  }
  envelope.sender = sayable(given.sender);
  if (given.filter) envelope.filter = sayable(*given.filter);
  if (given.redirect) envelope.redirect = sayable(*given.redirect);

  constexpr Time kFirst = at_second(Seconds{1});
  constexpr Time kLast = at_second(kTimeMax);
  envelope.arrival = std::clamp(given.arrival, kFirst, kLast);
  envelope.create_time = std::clamp(given.create_time, -kTimeMax, kTimeMax);
  if (envelope.create_time.count() == 0) envelope.create_time = envelope.arrival.seconds();
  envelope.warn_time = std::clamp(given.warn_time, -kTimeMax, kTimeMax);
  envelope.warn_offset = envelope.trace_offset = 0;

  envelope.trace_flags &= kTraceFlagsKnown;
  if (given.return_flags != 1 && given.return_flags != 2) envelope.return_flags = 0;
  const ReadSettings settings;
  const bool verp = !envelope.sender.empty() && given.verp_delimiters.size() == 2 &&
                    given.verp_delimiters.find_first_not_of(settings.verp_delimiter_filter) == std::string::npos;
  if (!verp) envelope.verp_delimiters.clear();
  return envelope;
}

class Writer {
 public:
  explicit Writer(const QueueFileParts& parts) : parts_(parts) { file_.envelope = sayable(parts.envelope); }

  QueueFileText write() {
    append(record::kSize, numbers({0, 0, 0, 0, 0, 0}));
    write_envelope();
    for (const Recipient& recipient : parts_.recipients) write_recipient(recipient);
    dummy_pointer();
    append(record::kMessage, "");
    write_content();
    append(record::kExtracted, "");
    if (envelope().redirect) append(record::kRedirect, *envelope().redirect);
    dummy_pointer();
    for (const Recipient& recipient : parts_.extracted) write_recipient(recipient);
    append(record::kEnd, "");
    rewrite_size();
    return std::move(file_);
  }

 private:
  Envelope& envelope() { return file_.envelope; }
  [[nodiscard]] std::int64_t here() const { return static_cast<std::int64_t>(file_.bytes.size()); }

  void append(int type, std::string_view payload) { append_record(file_.bytes, type, payload); }
  void attribute(const std::string& name, const std::string& value) { append(record::kAttribute, name + "=" + value); }
  void attribute_if(const std::string& name, const std::string& value) {
    if (!value.empty()) attribute(name, value);
  }
  void dummy_pointer() {
    if (parts_.pointers) append(record::kPointer, wide_number(0));
  }

  void write_envelope() {
    const auto seconds = envelope().arrival.seconds();
    const auto micros = (envelope().arrival.since_epoch - std::chrono::duration_cast<Micros>(seconds)).count();
    append(record::kArrivalTime, std::to_string(seconds.count()) + " " + std::to_string(micros));
    attribute("create_time", std::to_string(envelope().create_time.count()));
    if (envelope().filter) append(record::kFilter, *envelope().filter);
    attribute_if("log_ident", envelope().log_ident);
    attribute("rewrite_context", envelope().rewrite_context);
    attribute_if("sasl_method", envelope().sasl_method);
    attribute_if("sasl_username", envelope().sasl_username);
    attribute_if("sasl_sender", envelope().sasl_sender);
    attribute_if("envelope_id", envelope().envelope_id);
    if (envelope().return_flags != 0) attribute("ret_flags", std::to_string(envelope().return_flags));
    append(record::kSender, envelope().sender);
    attribute_if("encoding", envelope().encoding);
    if (envelope().inspect) append(record::kInspector, "");
    if (envelope().trace_flags != 0) {
      if (envelope().trace_flags == kTraceRecord) envelope().trace_offset = here();
      attribute("trace_flags", std::to_string(envelope().trace_flags));
    }
    attribute_if("log_client_name", envelope().client.name);
    attribute_if("log_client_address", envelope().client.address);
    attribute_if("log_client_port", envelope().client.port);
    attribute_if("log_helo_name", envelope().client.helo);
    attribute_if("log_protocol_name", envelope().client.protocol);
    if (!envelope().verp_delimiters.empty()) append(record::kVerp, envelope().verp_delimiters);
    if (envelope().warn_time.count() != 0) {
      envelope().warn_offset = here();
      append(record::kWarnTime, wide_number(envelope().warn_time.count()));
    }
  }

  void write_recipient(const Recipient& given) {
    Recipient recipient = sayable(given);
    if (recipient.notify != 0) attribute("notify_flags", std::to_string(recipient.notify));
    attribute_if("dsn_orig_rcpt", recipient.dsn_orcpt);
    if (!recipient.original.empty()) append(record::kOriginal, recipient.original);
    recipient.offset = here();
    append(record::kRecipient, recipient.address);
    notify_union_ |= recipient.notify;
    file_.recipients.push_back(std::move(recipient));
  }

  // At least one line: a content of no bytes cannot be told from a damaged size record.
  void write_content() {
    envelope().data_offset = here();
    for (std::string_view line : parts_.lines) {
      for (; line.size() > kLinePieceMax; line.remove_prefix(kLinePieceMax)) {
        append(record::kFilter, line.substr(0, kLinePieceMax));
      }
      append(record::kText, line);
    }
    if (parts_.lines.empty()) append(record::kText, "");
    dummy_pointer();
    envelope().data_size = here() - envelope().data_offset;
    const bool given = envelope().content_length > 0 && envelope().content_length <= kWideMax;
    if (!given) envelope().content_length = envelope().data_size;
  }

  void rewrite_size() {
    if (envelope().success_notify) notify_union_ |= kNotifySuccess;
    envelope().success_notify = (notify_union_ & kNotifySuccess) != 0;
    const auto flags = static_cast<std::int64_t>(notify_union_ << 1) | (parts_.mixed ? 1 : 0);
    std::string size;
    append_record(
        size, record::kSize,
        numbers({envelope().data_size, envelope().data_offset, static_cast<std::int64_t>(file_.recipients.size()),
                 flags, envelope().content_length, envelope().smtputf8}));
    file_.bytes.replace(0, size.size(), size);
  }

  const QueueFileParts& parts_;
  QueueFileText file_;
  unsigned notify_union_ = 0;
};

}  // namespace

QueueFileText write_queue_file(const QueueFileParts& parts) { return Writer{parts}.write(); }

}  // namespace weir::codec
