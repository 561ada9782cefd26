#include "codec/queue_file.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "codec/queue_text.hpp"
#include "codec/visited.hpp"

namespace weir::codec {

namespace {

constexpr std::int32_t kSizeFlagMixed = 1;
constexpr std::int32_t kSizeFlagSuccess = 4;
constexpr std::int32_t kSizeFlagsKnown = 0x1f;
constexpr unsigned kTraceFlagsKnown = kTraceVerifyMta | kTraceVerifyUser | kTraceRecord | kTraceDelayCleared;

// How much of a value a warning shows.
constexpr std::size_t kShownValueMax = 200;
constexpr std::size_t kShownNumberMax = 100;

// Attributes that count once, as bits of QueueFileReader::attributes_.
constexpr std::uint16_t kSeenLogClient = 1 << 0;  // one of the log_ family
constexpr std::uint16_t kSeenClientName = 1 << 1;
constexpr std::uint16_t kSeenClientAddress = 1 << 2;
constexpr std::uint16_t kSeenClientPort = 1 << 3;
constexpr std::uint16_t kSeenProtocol = 1 << 4;
constexpr std::uint16_t kSeenHelo = 1 << 5;
constexpr std::uint16_t kSeenSaslMethod = 1 << 6;
constexpr std::uint16_t kSeenSaslUsername = 1 << 7;
constexpr std::uint16_t kSeenSaslSender = 1 << 8;
constexpr std::uint16_t kSeenLogIdent = 1 << 9;
constexpr std::uint16_t kSeenRewriteContext = 1 << 10;

// Whether a type may stand outside the content. X has its own rule, and pointers are followed before.
bool is_allowed(int type) {
  constexpr std::string_view kAllowed = "MCTcFILSDRO/WVA>K<ionEPre";
  return kAllowed.find(static_cast<char>(type)) != std::string_view::npos;
}

// The payload of the others is skipped, whatever its size.
bool is_read(int type) {
  constexpr std::string_view kRead = "CTcLSRO>WVA<ionp";
  return type != 0 && kRead.find(static_cast<char>(type)) != std::string_view::npos;
}

bool is_read_in_old_layout(int type) { return type == record::kPointer || type == record::kMessage; }

Seconds limited_seconds(std::int64_t value) { return std::clamp(Seconds{value}, -kTimeMax, kTimeMax); }

std::string_view shown(std::string_view text, std::size_t size_max) { return text.substr(0, size_max); }

}  // namespace

// One read of a file. A step answers whether reading goes on.
class QueueFileRead {
 public:
  QueueFileRead(QueueFileReader& reader, ByteSource& source, const QueueFileName& name, std::int64_t at_most,
                const ReadSettings& settings, const DiagnosticSink& log)
      : file_(reader),
        envelope_(reader.envelope_),
        window_(source),
        name_(name),
        at_most_(at_most),
        settings_(settings),
        log_(log) {}

  ReadOutcome run();

 private:
  enum class Next : std::uint8_t { go_on, stop };

  // The parts of a recipient that stand before it.
  struct Pending {
    std::optional<std::string> original, dsn_original;
    unsigned notify = 0;
  };

  Next step();
  Next follow_pointer(std::string_view value);
  bool go_to(std::int64_t offset);
  void leave_piece(std::int64_t end);
  Next at_attribute(std::string_view text);
  Next at_record(int type, std::string_view text);

  Next at_recipient(std::string_view address);
  Next limit_reached();
  void at_notify(std::string_view text);
  void at_pending(std::optional<std::string>& pending, std::string_view text, std::string_view what);

  Next at_size(std::string_view text);
  Next at_old_size();
  void at_arrival(std::string_view text);
  void at_sender(std::string_view text);
  void at_warn_time(std::string_view text);
  void at_verp(std::string_view text);
  void at_return_flags(std::string_view text);
  void at_named(std::string_view name, std::string_view value);
  bool at_client(std::string_view name, std::string_view value);
  void at_trace_flags(std::string_view value);

  Next missing_end(RecordStatus status);
  Next corrupt(std::string line, std::string_view reason) { return bad(Damage::corrupt, std::move(line), reason); }
  Next corrupt(std::string_view reason) { return corrupt(about_message(reason), reason); }
  Next bad(Damage damage, std::string line, std::string_view reason);

  void check_what_is_missing();
  void check_leftovers();
  void check_count();
  ReadOutcome finish(std::int64_t resume_before, std::int64_t unread_before);

  void warn(std::string line);
  [[nodiscard]] std::string about_message(std::string_view text) const;
  [[nodiscard]] std::string about_path(std::string_view text) const;

  QueueFileReader& file_;
  Envelope& envelope_;
  ByteWindow window_;
  const QueueFileName& name_;
  const std::int64_t at_most_;
  const ReadSettings& settings_;
  const DiagnosticSink& log_;

  Record record_;
  std::int64_t here_ = 0;    // offset of the record at hand
  std::int64_t piece_ = 0;   // where the piece begins that is being read without a jump
  std::int64_t reread_ = 0;  // bytes of earlier pieces that were met again
  Visited visited_;
  std::size_t batch_text_ = 0;
  std::int64_t declared_ = 0;  // recipients that the size record tells of
  int warnings_ = 0;
  Pending pending_;
  ReadOutcome outcome_;
};

ReadOutcome QueueFileRead::run() {
  const auto resume_before = std::exchange(file_.resume_offset_, 0);
  const auto unread_before = file_.unread_;
  auto next = Next::go_on;
  if (!go_to(resume_before)) next = corrupt(about_path("seek error: Invalid argument"), "seek error");
  while (next == Next::go_on) next = step();
  return finish(resume_before, unread_before);
}

QueueFileRead::Next QueueFileRead::step() {
  here_ = window_.position();
  const bool content_skipped = here_ == envelope_.data_offset && here_ > 0;
  if (content_skipped) {
    leave_piece(here_);
    if (!window_.skip(envelope_.data_size)) {
      const std::string line = "seek file " + std::string{name_.path} + ": Invalid argument";
      return corrupt(line, "content size beyond what can be addressed");
    }
    here_ = piece_ = window_.position();
  }
  const auto status = read_record(window_, is_read, record_);
  if (status != RecordStatus::ok) return missing_end(status);
  if (record_.type == record::kPointer) return follow_pointer(record_.text());
  if (record_.type == 0) return missing_end(status);

  const bool expected = content_skipped ? record_.type == record::kExtracted : is_allowed(record_.type);
  if (!expected) {
    const std::string line = std::string{"Unexpected record type '"} + static_cast<char>(record_.type) +
                             "' at offset " + std::to_string(here_);
    return corrupt(line, line);
  }
  if (record_.type == record::kEnd) {
    file_.seen_all_ = true;
    return Next::stop;
  }
  if (record_.type == record::kAttribute) return at_attribute(record_.text());
  return at_record(record_.type, record_.text());
}

QueueFileRead::Next QueueFileRead::follow_pointer(std::string_view value) {
  const auto text = without_leading_blanks(value);
  std::int64_t target = 0;
  if (!parse_offset(text, target)) {
    const std::string reason = "malformed pointer record value: " + std::string{text};
    return corrupt(about_path(reason), reason);
  }
  if (target == 0) return Next::go_on;
  leave_piece(window_.position());
  reread_ += kJumpCost;
  const bool back = target <= file_.last_jump_;
  if ((back && file_.reverse_jumps_ >= kReverseJumpsMax) || reread_ > kRereadMax) {
    return corrupt(about_path("too many reverse jump records"), "too many reverse jump records");
  }
  if (back) ++file_.reverse_jumps_;
  file_.last_jump_ = target;
  if (go_to(target)) return Next::go_on;
  constexpr std::string_view kReason = "seek error after pointer record: Invalid argument";
  return corrupt(about_path(kReason), kReason);
}

bool QueueFileRead::go_to(std::int64_t offset) {
  piece_ = offset;
  return window_.seek(offset);
}

// No file that a program of Postfix has written leads over the same bytes twice, however long it is.
void QueueFileRead::leave_piece(std::int64_t end) { reread_ += visited_.add(piece_, end); }

// Some attributes stand for a record of another type, in any segment.
QueueFileRead::Next QueueFileRead::at_attribute(std::string_view text) {
  const auto attribute = parse_named_attribute(text);
  if (!attribute.error.empty()) {
    std::string reason = "bad attribute record: " + std::string{attribute.error} + ": ";
    reason += shown(text, kShownValueMax);
    return corrupt(reason);
  }
  if (const int type = record_type_of_attribute(attribute.name); type != 0) return at_record(type, attribute.value);
  if (!file_.seen_all_) at_named(attribute.name, attribute.value);
  return Next::go_on;
}

QueueFileRead::Next QueueFileRead::at_record(int type, std::string_view text) {
  const bool batch_open = file_.resume_offset_ == 0;
  switch (type) {
    case record::kRecipient: return batch_open ? at_recipient(text) : Next::go_on;
    case record::kDone:
    case record::kCanceled:
      if (batch_open) {
        --file_.unread_;
        pending_ = {};
      }
      return Next::go_on;
    case record::kDsnOriginal:
      if (batch_open) at_pending(pending_.dsn_original, text, "DSN original recipient address");
      return Next::go_on;
    case record::kOriginal:
      if (batch_open) at_pending(pending_.original, text, "original recipient");
      return Next::go_on;
    case record::kDsnNotify:
      if (batch_open) at_notify(text);
      return Next::go_on;
    default: break;
  }
  if (file_.seen_all_) return Next::go_on;
  switch (type) {
    case record::kSize: return at_size(text);
    case record::kArrivalTime: at_arrival(text); break;
    case record::kCreateTime:
      if (envelope_.create_time.count() == 0) envelope_.create_time = limited_seconds(lenient_number(text));
      break;
    case record::kSender: at_sender(text); break;
    case record::kInspector: envelope_.inspect = true; break;
    case record::kFilter: envelope_.filter = text; break;
    case record::kRedirect: envelope_.redirect = text; break;
    case record::kVerp: at_verp(text); break;
    case record::kWarnTime: at_warn_time(text); break;
    case record::kDsnEnvelopeId: envelope_.envelope_id = text; break;
    case record::kDsnReturn: at_return_flags(text); break;
    default: break;
  }
  return Next::go_on;
}

// --- recipients ---------------------------------------------------------------------------------------

QueueFileRead::Next QueueFileRead::at_recipient(std::string_view address) {
  Recipient recipient;
  recipient.offset = here_;
  recipient.address = address;
  recipient.original = std::move(pending_.original).value_or("");
  recipient.dsn_orcpt = std::move(pending_.dsn_original).value_or("");
  recipient.notify = pending_.notify;
  pending_ = {};
  --file_.unread_;
  batch_text_ += recipient.address.size() + recipient.original.size() + recipient.dsn_orcpt.size();
  auto& recipients = outcome_.batch.recipients;
  recipients.push_back(std::move(recipient));
  const bool full = static_cast<std::int64_t>(recipients.size()) >= at_most_ || batch_text_ >= kBatchTextMax;
  return full ? limit_reached() : Next::go_on;
}

// From here on only other records count, if there can be any. A file whose recipients are not mixed with them
// promises that they are all in the extracted segment; that a limit reached behind the content ends the search
// loses them for recipients that a milter added, as in the real program.
QueueFileRead::Next QueueFileRead::limit_reached() {
  file_.resume_offset_ = window_.position();
  if (file_.seen_all_) return Next::stop;
  if ((file_.size_flags_ & kSizeFlagMixed) != 0) return Next::go_on;
  if (here_ > envelope_.data_offset) {
    file_.seen_all_ = true;
    return Next::stop;
  }
  leave_piece(window_.position());
  if (go_to(envelope_.data_offset)) return Next::go_on;
  return corrupt("seek file " + std::string{name_.path} + ": Invalid argument", "content offset out of range");
}

void QueueFileRead::at_pending(std::optional<std::string>& pending, std::string_view text, std::string_view what) {
  if (pending) {
    std::string line = "ignoring out-of-order " + std::string{what} + " <";
    line += shown(*pending, kShownValueMax);
    warn(about_message(line + ">"));
  }
  pending = text;
}

void QueueFileRead::at_notify(std::string_view text) {
  if (pending_.notify != 0) {
    warn(about_message("ignoring out-of-order DSN notify flags <" + std::to_string(pending_.notify) + ">"));
  }
  pending_.notify = 0;
  if (const auto notify = parse_notify(text)) {
    pending_.notify = *notify;
  } else {
    warn(about_message("ignoring malformed DSN notify flags <" + std::string{shown(text, kShownValueMax)} + ">"));
  }
}

// --- the message --------------------------------------------------------------------------------------

QueueFileRead::Next QueueFileRead::at_size(std::string_view text) {
  if (envelope_.data_offset > 0) return Next::go_on;
  const auto fields = parse_size_fields(text);
  envelope_.data_size = fields.segment_size;
  if (fields.count >= 3) {
    file_.unread_ = declared_ = fields.recipient_count;
    envelope_.data_offset = fields.content_offset;
    envelope_.content_length = fields.content_length;
    envelope_.smtputf8 = fields.smtputf8_flags;
    if (fields.count >= 4) file_.size_flags_ = fields.qmgr_flags;
    const std::string payload{shown(text, kShownNumberMax)};
    if (envelope_.data_offset <= 0 || envelope_.data_size <= 0) return corrupt("invalid size record: " + payload);
    if ((file_.size_flags_ & ~kSizeFlagsKnown) != 0) return corrupt("invalid flags in size record: " + payload);
  } else if (fields.count == 1) {
    if (at_old_size() == Next::stop) return Next::stop;
  } else {
    return corrupt("message rejected: weird size record");
  }
  if (envelope_.content_length == 0) envelope_.content_length = envelope_.data_size;
  if (envelope_.content_length < 0) {
    return corrupt("invalid size record: " + std::string{shown(text, kShownNumberMax)});
  }
  envelope_.success_notify = (file_.size_flags_ & kSizeFlagSuccess) != 0;
  return Next::go_on;
}

// Postfix before 1.0 wrote the content size only: the rest follows from the records.
QueueFileRead::Next QueueFileRead::at_old_size() {
  const auto back = window_.position();
  std::int64_t recipient_count = 0, content_offset = 0, extra_offset = 0;
  constexpr std::string_view kDisorder = "envelope records out of order";
  visited_.clear();
  if (!go_to(0)) return corrupt(kDisorder);
  for (Record found; found.type != record::kEnd;) {
    const auto status = read_record(window_, is_read_in_old_layout, found);
    const std::string problem = describe(status, found);
    if (!problem.empty()) warn(about_path(problem));
    if (status != RecordStatus::ok || found.type == 0) return corrupt(kDisorder);
    if (found.type == record::kRecipient || found.type == record::kDone || found.type == record::kCanceled) {
      ++recipient_count;
    } else if (found.type == record::kPointer) {
      if (follow_pointer(found.text()) == Next::stop) return corrupt(kDisorder);
    } else if (found.type == record::kMessage && content_offset == 0) {
      content_offset = window_.position();
      extra_offset = lenient_number(found.text());
      leave_piece(content_offset);
      if (extra_offset <= content_offset || !go_to(extra_offset)) {
        std::string line = "bad extra offset " + std::string{found.text()} + " file ";
        return corrupt(line += name_.path, "message size record of an old layout that the file does not have");
      }
    }
  }
  visited_.clear();  // what has been counted is now read
  if (content_offset == 0 || !go_to(back)) return corrupt(kDisorder);
  file_.unread_ = recipient_count;
  envelope_.data_offset = content_offset;
  envelope_.data_size = extra_offset - content_offset;
  return Next::go_on;
}

// The second number begins where the digits at the very start end: a payload that starts with a blank or a sign
// gives the first number twice.
void QueueFileRead::at_arrival(std::string_view text) {
  if (file_.arrival_seconds_.count() != 0) return;
  file_.arrival_seconds_ = limited_seconds(lenient_number(text));
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  constexpr std::int64_t kMicrosMax = std::numeric_limits<std::int32_t>::max();
  const auto micros = std::clamp(lenient_number(text.substr(digits)), -kMicrosMax, kMicrosMax);
  envelope_.arrival = Time{std::chrono::duration_cast<Micros>(file_.arrival_seconds_) + Micros{micros}};
}

void QueueFileRead::at_sender(std::string_view text) {
  if (file_.has_sender_) return;
  file_.has_sender_ = true;
  envelope_.sender = text;
  const std::int64_t count = settings_.counts_unread ? file_.unread_ : declared_;
  if (log_) log_(FileActive{envelope_.sender, envelope_.content_length, count});
}

void QueueFileRead::at_warn_time(std::string_view text) {
  if (envelope_.warn_offset != 0) return;
  envelope_.warn_offset = here_;
  envelope_.warn_time = limited_seconds(lenient_number(text));
  file_.warn_length_ = record_.length;
  file_.warn_header_ = record_.header_size;
}

void QueueFileRead::at_verp(std::string_view text) {
  if (!envelope_.verp_delimiters.empty()) return;
  if (envelope_.sender.empty()) {
    warn(about_message("ignoring VERP request for null sender"));
    return;
  }
  const bool good = text.size() == 2 && text.find_first_not_of(settings_.verp_delimiter_filter) == text.npos;
  if (good) {
    envelope_.verp_delimiters = text;
  } else {
    warn(about_message("ignoring bad VERP request: \"" + std::string{shown(text, kShownNumberMax)} + "\""));
  }
}

void QueueFileRead::at_return_flags(std::string_view text) {
  const auto flags = parse_return_flags(text);
  if (flags) {
    envelope_.return_flags = *flags;
  } else {
    const std::string value{shown(text, kShownNumberMax)};
    warn(about_message("ignoring malformed DSN RET flags in queue file record:" + value));
  }
}

void QueueFileRead::at_trace_flags(std::string_view value) {
  if (envelope_.trace_flags != 0) return;
  envelope_.trace_flags = static_cast<unsigned>(lenient_number(value)) & kTraceFlagsKnown;
  if (envelope_.trace_flags == kTraceRecord) envelope_.trace_offset = here_;
}

// --- attributes ---------------------------------------------------------------------------------------

void QueueFileRead::at_named(std::string_view name, std::string_view value) {
  if (name == "encoding") {
    envelope_.encoding = value;
    return;
  }
  if (name == "trace_flags") {
    at_trace_flags(value);
    return;
  }
  if (at_client(name, value)) return;

  struct Once {
    std::string_view name;
    std::uint16_t seen;
    std::string Envelope::*field;
  };
  static constexpr Once kOnce[] = {
      {"sasl_method", kSeenSaslMethod, &Envelope::sasl_method},
      {"sasl_username", kSeenSaslUsername, &Envelope::sasl_username},
      {"sasl_sender", kSeenSaslSender, &Envelope::sasl_sender},
      {"log_ident", kSeenLogIdent, &Envelope::log_ident},
      {"rewrite_context", kSeenRewriteContext, &Envelope::rewrite_context},
  };
  for (const Once& once : kOnce) {
    if (once.name != name) continue;
    if ((file_.attributes_ & once.seen) != 0) {
      std::string line = "ignoring multiple " + std::string{name} + " attribute: ";
      warn(about_message(line += value));
    } else {
      file_.attributes_ = static_cast<std::uint16_t>(file_.attributes_ | once.seen);
      envelope_.*once.field = value;
    }
    return;
  }
}

// Two families of names for the same five fields: the old one only fills what the new one, log_..., never says.
bool QueueFileRead::at_client(std::string_view name, std::string_view value) {
  constexpr std::string_view kNewFamily = "log_";
  struct Field {
    std::string_view name;
    std::uint16_t seen;
    std::string ClientInfo::*field;
  };
  static constexpr Field kFields[] = {
      {"client_name", kSeenClientName, &ClientInfo::name}, {"client_address", kSeenClientAddress, &ClientInfo::address},
      {"client_port", kSeenClientPort, &ClientInfo::port}, {"protocol_name", kSeenProtocol, &ClientInfo::protocol},
      {"helo_name", kSeenHelo, &ClientInfo::helo},
  };
  const bool is_new = name.substr(0, kNewFamily.size()) == kNewFamily;
  if (is_new) name.remove_prefix(kNewFamily.size());
  for (const Field& field : kFields) {
    if (field.name != name) continue;
    const bool counts = is_new || (file_.attributes_ & (field.seen | kSeenLogClient)) == 0;
    if (counts) {
      const unsigned seen = field.seen | (is_new ? kSeenLogClient : 0U);
      file_.attributes_ = static_cast<std::uint16_t>(file_.attributes_ | seen);
      envelope_.client.*field.field = value;
    }
    return true;
  }
  return false;
}

// --- the end ------------------------------------------------------------------------------------------

QueueFileRead::Next QueueFileRead::missing_end(RecordStatus status) {
  const std::string problem = describe(status, record_);
  if (!problem.empty()) warn(about_path(problem));
  const auto damage = window_.failed() ? Damage::unreadable : Damage::incomplete;
  std::string reason = "missing end record";
  if (!problem.empty()) reason += ": " + problem;
  return bad(damage, about_message("message rejected: missing end record"), reason);
}

QueueFileRead::Next QueueFileRead::bad(Damage damage, std::string line, std::string_view reason) {
  warn(std::move(line));
  outcome_.damage = damage;
  outcome_.reason = reason;
  return Next::stop;
}

void QueueFileRead::check_leftovers() {
  if (pending_.dsn_original) {
    const std::string value{shown(*pending_.dsn_original, kShownValueMax)};
    warn(about_message("ignoring out-of-order DSN original recipient <" + value + ">"));
  }
  if (pending_.original) {
    const std::string value{shown(*pending_.original, kShownValueMax)};
    warn(about_message("ignoring out-of-order original recipient <" + value + ">"));
  }
}

void QueueFileRead::check_count() {
  const bool fits = file_.unread_ == 0 || (file_.unread_ > 0 && file_.resume_offset_ != 0);
  if (fits) return;
  if (settings_.counts_unread) warn(about_message("rcpt count mismatch (" + std::to_string(file_.unread_) + ")"));
  file_.unread_ = 0;
}

void QueueFileRead::check_what_is_missing() {
  if (file_.arrival_seconds_.count() == 0) {
    (void)corrupt("message rejected: missing arrival time record");
  } else if (!file_.has_sender_) {
    (void)corrupt("message rejected: missing sender record");
  } else if (envelope_.data_offset == 0) {
    (void)corrupt("message rejected: missing size record");
  }
}

ReadOutcome QueueFileRead::finish(std::int64_t resume_before, std::int64_t unread_before) {
  if (outcome_.ok()) check_leftovers();
  if (envelope_.create_time.count() == 0) envelope_.create_time = file_.arrival_seconds_;
  check_count();
  if (outcome_.ok()) check_what_is_missing();
  if (outcome_.ok()) {
    file_.started_ = true;
    outcome_.batch.more = file_.more();
    outcome_.batch.unread = file_.unread_;
  } else {
    file_.resume_offset_ = resume_before;
    file_.unread_ = unread_before;
    outcome_.batch = {};
  }
  if (warnings_ > kWarningsMax && log_) {
    const auto more = std::to_string(warnings_ - kWarningsMax);
    log_(FileWarning{about_message(more + " more warnings about this file")});
  }
  return std::move(outcome_);
}

void QueueFileRead::warn(std::string line) {
  ++warnings_;
  if (warnings_ <= kWarningsMax && log_) log_(FileWarning{std::move(line)});
}

std::string QueueFileRead::about_message(std::string_view text) const {
  std::string line{name_.queue_id};
  line += ": ";
  return line += text;
}

std::string QueueFileRead::about_path(std::string_view text) const {
  std::string line{name_.path};
  line += ": ";
  return line += text;
}

//= R-QUE-06  what cannot be read whole is damage, and says why
ReadOutcome QueueFileReader::read(ByteSource& source, const QueueFileName& name, std::int64_t at_most,
                                  const ReadSettings& settings, const DiagnosticSink& log) {
  if (started_ && !more()) return {};
  return QueueFileRead{*this, source, name, at_most, settings, log}.run();
}

std::optional<Patch> QueueFileReader::warn_sent() const {
  constexpr std::int32_t kWide = 15;
  constexpr int kShortHeader = 2;
  if (warn_length_ < 0) return std::nullopt;
  if (warn_length_ == kWide && warn_header_ == kShortHeader) {
    std::string bytes;
    append_record(bytes, record::kWarnTime, wide_number(-1));
    return Patch{envelope_.warn_offset, bytes};
  }
  if (warn_length_ < 2) return kill_mark(envelope_.warn_offset);
  return Patch{envelope_.warn_offset + warn_header_, warn_length_ == 2 ? "-1" : "-1 "};
}

}  // namespace weir::codec
