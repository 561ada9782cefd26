// A queue file in the plainest way, from spec/queue_file.md: the whole file is in memory, one loop reads its records and
// writes down what they say. No batches, no windows, no words.
//
// Claims nothing about files of the layout before release 1.0, about recipients counted, and where it says so: then the
// answer is nothing. A claim about the time of arrival is made only where it is written as Postfix writes it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "contract/message.hpp"

namespace weir::reference {

struct QueueFile {
  bool good = false;
  Envelope envelope;
  bool arrival_claimed = false;
  std::vector<Recipient> recipients;
};

// --- the small texts ---------------------------------------------------------------------------------------

inline bool blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
inline bool digit(char c) { return c >= '0' && c <= '9'; }

inline std::string without_blanks_around(std::string text) {
  while (!text.empty() && blank(text.front())) text.erase(0, 1);
  while (!text.empty() && blank(text.back())) text.pop_back();
  return text;
}

// Blanks, a sign, digits from `at` on, which moves behind them. Nothing: there are no digits.
inline std::optional<std::int64_t> number_at(const std::string& text, std::size_t& at) {
  std::size_t i = at;
  while (i < text.size() && blank(text[i])) ++i;
  bool minus = false;
  if (i < text.size() && (text[i] == '+' || text[i] == '-')) minus = text[i++] == '-';
  if (i == text.size() || !digit(text[i])) return std::nullopt;
  std::uint64_t value = 0;  // up to 2^63, which is too large for the sign +
  const std::uint64_t too_large = std::uint64_t{1} << 63;
  for (; i < text.size() && digit(text[i]); ++i) {
    const auto next = static_cast<std::uint64_t>(text[i] - '0');
    value = value > (too_large - next) / 10 ? too_large : value * 10 + next;
  }
  at = i;
  if (minus) return value >= too_large ? INT64_MIN : -static_cast<std::int64_t>(value);
  return value >= too_large ? INT64_MAX : static_cast<std::int64_t>(value);
}

inline std::int64_t number_in(const std::string& text) {
  std::size_t at = 0;
  return number_at(text, at).value_or(0);
}

inline std::int32_t low_32_bits(std::int64_t value) { return static_cast<std::int32_t>(value); }

inline Seconds time_in(const std::string& text) {
  const Seconds most{9'000'000'000'000};
  return std::clamp(Seconds{number_in(text)}, -most, most);
}

inline bool only_digits(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// --- the file ----------------------------------------------------------------------------------------------

class QueueFileReading {
 public:
  explicit QueueFileReading(const std::string& bytes) : bytes_(bytes) {}

  // Nothing: no claim.
  std::optional<QueueFile> read() {
    while (state_ == State::reading) next_record();
    if (state_ == State::unclaimed) return std::nullopt;
    file_.good = state_ == State::ended && arrival_seconds_.count() != 0 && has_sender_ && has_size_;
    if (create_time_.count() == 0) create_time_ = arrival_seconds_;
    file_.envelope.create_time = create_time_;
    file_.envelope.client = {value_of("client_name"), value_of("client_address"), value_of("client_port"),
                             value_of("protocol_name"), value_of("helo_name")};
    return file_;
  }

 private:
  enum class State { reading, ended, bad, unclaimed };

  struct Record {
    char type = 0;
    std::string text;  // up to the first NUL
  };

  void next_record() {
    Envelope& e = file_.envelope;
    bool behind_content = false;
    if (has_size_ && position_ == e.data_offset) {
      position_ += std::min(e.data_size, kFar);
      behind_content = true;
    }
    here_ = position_;
    const auto record = record_at(position_);
    if (!record) return end(State::bad);
    if (record->type == 'p') return follow(record->text);
    const bool may_stand = behind_content ? record->type == 'X' : is_known(record->type);
    if (!may_stand) return end(State::bad);
    if (record->type == 'E') return end(State::ended);
    if (record->type != 'A') return act(record->type, record->text);
    attribute(record->text);
  }

  // At `at`, which moves behind it.
  std::optional<Record> record_at(std::int64_t& at) {
    const auto size = static_cast<std::int64_t>(bytes_.size());
    const auto byte = [this](std::int64_t i) {
      return static_cast<unsigned char>(bytes_[static_cast<std::size_t>(i)]);
    };
    if (at < 0 || at >= size) return std::nullopt;
    Record record;
    record.type = static_cast<char>(byte(at++));
    std::uint64_t length = 0;
    for (int i = 0;; ++i) {
      if (i == 5 || at >= size) return std::nullopt;
      const unsigned char part = byte(at++);
      length |= std::uint64_t{part & 0x7fU} << (7 * i);
      if ((part & 0x80) == 0) break;
    }
    const std::int32_t payload = low_32_bits(static_cast<std::int64_t>(length));
    if (payload < 0 || payload > size - at) return std::nullopt;
    record.text = bytes_.substr(static_cast<std::size_t>(at), static_cast<std::size_t>(payload));
    at += payload;
    if (const auto nul = record.text.find('\0'); nul != std::string::npos) record.text.resize(nul);
    return record;
  }

  static bool is_known(char type) {
    return type != 0 && std::string("CTcSRD/OoniA<L>IVWMEFPreK").find(type) != std::string::npos;
  }

  void follow(const std::string& text) {
    std::size_t at = 0;
    while (at < text.size() && blank(text[at])) ++at;
    const std::string digits = text.substr(at);
    if (!digits.empty() && !only_digits(digits)) return end(State::bad);
    if (digits.size() > 15) return end(State::unclaimed);
    const std::int64_t target = number_in(digits);
    if (target == 0) return;
    if (target > kFar) return end(State::unclaimed);
    if (target <= last_target_ && ++reverse_jumps_ > 10000) return end(State::bad);
    last_target_ = target;
    position_ = target;
  }

  void attribute(const std::string& text) {
    std::size_t at = 0;
    while (at < text.size() && blank(text[at])) ++at;
    std::string name;
    while (at < text.size() && !blank(text[at]) && text[at] != '=') name += text[at++];
    while (at < text.size() && blank(text[at])) ++at;
    if (name.empty() || at == text.size() || text[at] != '=') return end(State::bad);
    const std::string value = without_blanks_around(text.substr(at + 1));
    if (name == "create_time") return act('c', value);
    if (name == "dsn_orig_rcpt") return act('o', value);
    if (name == "notify_flags") return act('n', value);
    if (name == "envelope_id") return act('i', value);
    if (name == "ret_flags") return act('<', value);
    named(name, value);
  }

  void act(char type, const std::string& text) {
    Envelope& e = file_.envelope;
    switch (type) {
      case 'C': return size(text);
      case 'T': return arrival(text);
      case 'c':
        if (create_time_.count() == 0) create_time_ = time_in(text);
        return;
      case 'S':
        if (!has_sender_) e.sender = text;
        has_sender_ = true;
        return;
      case 'R':
        file_.recipients.push_back({here_, text, pending_.original, pending_.dsn_orcpt, pending_.notify});
        pending_ = {};
        return;
      case 'D':
      case '/': pending_ = {}; return;
      case 'O': pending_.original = text; return;
      case 'o': pending_.dsn_orcpt = text; return;
      case 'n': return notify(text);
      case 'i': e.envelope_id = text; return;
      case '<': return return_flags(text);
      case 'L': e.filter = text; return;
      case '>': e.redirect = text; return;
      case 'I': e.inspect = true; return;
      case 'V':
        if (e.verp_delimiters.empty() && !e.sender.empty() && text.size() == 2 &&
            text.find_first_not_of("-=+") == std::string::npos) {
          e.verp_delimiters = text;
        }
        return;
      case 'W': return warning(text);
      default: return;
    }
  }

  void size(const std::string& text) {
    if (has_size_) return;
    std::int64_t column[6] = {};
    int columns = 0;
    std::size_t at = 0;
    while (columns < 6) {
      const auto number = number_at(text, at);
      if (!number) break;
      column[columns++] = *number;
    }
    if (columns == 1) return end(State::unclaimed);
    if (columns == 0 || columns == 2) return end(State::bad);
    Envelope& e = file_.envelope;
    e.data_size = column[0];
    e.data_offset = column[1];
    const std::int32_t flags = columns >= 4 ? low_32_bits(column[3]) : 1;
    e.content_length = column[4] == 0 ? column[0] : column[4];
    e.smtputf8 = low_32_bits(column[5]);
    e.success_notify = (flags & 4) != 0;
    has_size_ = true;
    if (e.data_size <= 0 || e.data_offset <= 0 || (flags & ~0x1f) != 0 || e.content_length < 0) end(State::bad);
    if (e.data_size > kFar || e.data_offset > kFar) end(State::unclaimed);
  }

  void arrival(const std::string& text) {
    if (arrival_seconds_.count() != 0) return;
    arrival_seconds_ = time_in(text);
    const auto space = text.find(' ');
    const std::string seconds = text.substr(0, space);
    const std::string micros = space == std::string::npos ? "" : text.substr(space + 1);
    file_.arrival_claimed = only_digits(seconds) && only_digits(micros) && seconds.size() <= 12 && micros.size() <= 6;
    if (file_.arrival_claimed) {
      file_.envelope.arrival = Time{Micros{number_in(seconds) * 1'000'000 + number_in(micros)}};
    }
  }

  void notify(const std::string& text) {
    pending_.notify = 0;
    if (text.size() > 18) return end(State::unclaimed);
    if (!only_digits(text)) return;
    const std::int32_t flags = low_32_bits(number_in(text));
    if (flags == 1 || (flags > 0 && flags < 16 && flags % 2 == 0)) pending_.notify = static_cast<unsigned>(flags);
  }

  void return_flags(const std::string& text) {
    if (text.size() > 18) return end(State::unclaimed);
    if (!only_digits(text)) return;
    const std::int32_t flags = low_32_bits(number_in(text));
    if (flags == 1 || flags == 2) file_.envelope.return_flags = flags;
  }

  void warning(const std::string& text) {
    if (here_ == 0) return end(State::unclaimed);
    if (file_.envelope.warn_offset != 0) return;
    file_.envelope.warn_offset = here_;
    file_.envelope.warn_time = time_in(text);
  }

  void named(const std::string& name, const std::string& value) {
    Envelope& e = file_.envelope;
    if (name == "encoding") e.encoding = value;
    if (name == "trace_flags") trace(value);
    first("sasl_method", name, value, e.sasl_method);
    first("sasl_username", name, value, e.sasl_username);
    first("sasl_sender", name, value, e.sasl_sender);
    first("log_ident", name, value, e.log_ident);
    first("rewrite_context", name, value, e.rewrite_context);
    for (const std::string field : {"client_name", "client_address", "client_port", "protocol_name", "helo_name"}) {
      if (name == "log_" + field) {
        values_[field] = value;
        log_family_seen_ = true;
      }
      if (name == field && !log_family_seen_) values_.emplace(field, value);
    }
  }

  void first(const std::string& wanted, const std::string& name, const std::string& value, std::string& field) {
    if (name != wanted || !values_.emplace(name, value).second) return;
    field = value;
  }

  void trace(const std::string& value) {
    if (here_ == 0) return end(State::unclaimed);
    Envelope& e = file_.envelope;
    if (e.trace_flags != 0) return;
    e.trace_flags = static_cast<unsigned>(number_in(value)) & 0x2700U;
    if (e.trace_flags == 1024) e.trace_offset = here_;
  }

  std::string value_of(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? "" : found->second;
  }

  void end(State state) { state_ = state; }

  static constexpr std::int64_t kFar = 1'000'000'000'000;  // beyond any file, below what a file system refuses

  const std::string& bytes_;
  State state_ = State::reading;
  std::int64_t position_ = 0, here_ = 0, last_target_ = 0;
  int reverse_jumps_ = 0;
  QueueFile file_;
  Recipient pending_;
  bool has_size_ = false, has_sender_ = false, log_family_seen_ = false;
  Seconds arrival_seconds_{}, create_time_{};
  std::map<std::string, std::string> values_;  // of attributes that count once
};

inline std::optional<QueueFile> read_queue_file(const std::string& bytes) { return QueueFileReading(bytes).read(); }

}  // namespace weir::reference
