#include "codec/attr.hpp"

#include <array>
#include <limits>
#include <utility>

namespace weir::codec {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kTerminatorName = "(list terminator)";

constexpr std::array<int, 256> make_sextets() {
  std::array<int, 256> table{};
  for (int& entry : table) entry = -1;
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int>(i);
  }
  return table;
}
constexpr std::array<int, 256> kSextets = make_sextets();

[[nodiscard]] std::uint32_t byte_at(std::string_view text, std::size_t index) {
  return index < text.size() ? static_cast<unsigned char>(text[index]) : 0U;
}

[[nodiscard]] bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
[[nodiscard]] bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

// --- values --------------------------------------------------------------------------------------------

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::uint32_t word = byte_at(bytes, i) << 16U | byte_at(bytes, i + 1) << 8U | byte_at(bytes, i + 2);
    const std::size_t left = bytes.size() - i;
    out += kAlphabet[word >> 18U & 63U];
    out += kAlphabet[word >> 12U & 63U];
    out += left > 1 ? kAlphabet[word >> 6U & 63U] : '=';
    out += left > 2 ? kAlphabet[word & 63U] : '=';
  }
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  const std::string_view digits = text.substr(0, text.size() - padding);
  std::string out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t word = 0;
  unsigned bits = 0;
  for (const char c : digits) {
    const int sextet = kSextets[static_cast<unsigned char>(c)];
    if (sextet < 0) return std::nullopt;
    word = word << 6U | static_cast<std::uint32_t>(sextet);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>(static_cast<unsigned char>(word >> bits & 255U));
    }
  }
  return out;
}

std::optional<std::uint64_t> parse_attr_number(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size() && is_blank(text[i])) ++i;
  const bool negative = i < text.size() && text[i] == '-';
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  if (i == text.size()) return std::nullopt;
  std::uint64_t value = 0;
  bool too_large = false;
  for (; i < text.size(); ++i) {
    if (!is_digit(text[i])) return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(text[i] - '0');
    too_large = too_large || value > (std::numeric_limits<std::uint64_t>::max() - digit) / 10;
    value = value * 10 + digit;
  }
  if (too_large) return std::numeric_limits<std::uint64_t>::max();
  return negative ? std::uint64_t{0} - value : value;
}

// --- writer --------------------------------------------------------------------------------------------

AttrWriter& AttrWriter::text(std::string_view name, std::string_view value) {
  bytes_.append(name.substr(0, name.find('\0'))).append(1, '\0');
  bytes_.append(value.substr(0, value.find('\0'))).append(1, '\0');
  return *this;
}

AttrWriter& AttrWriter::number(std::string_view name, std::int64_t value) {
  return text(name, std::to_string(static_cast<std::uint32_t>(value)));
}

AttrWriter& AttrWriter::long_number(std::string_view name, std::int64_t value) {
  return text(name, std::to_string(static_cast<std::uint64_t>(value)));
}

AttrWriter& AttrWriter::data(std::string_view name, std::string_view bytes) { return text(name, base64_encode(bytes)); }

AttrWriter& AttrWriter::end() {
  bytes_ += '\0';
  return *this;
}

// --- reader --------------------------------------------------------------------------------------------

AttrReader::AttrReader(std::vector<AttrWant> wants, std::string path, AttrStrictness strictness, std::size_t limit)
    : wants_(std::move(wants)),
      path_(std::move(path)),
      strictness_(strictness),
      limit_(limit),
      values_(wants_.size()) {}

std::size_t AttrReader::feed(std::string_view bytes) {
  std::size_t used = 0;
  while (!done() && used < bytes.size()) {
    const std::string_view rest = bytes.substr(used);
    const std::size_t nul = rest.find('\0');
    const bool ends = nul != std::string_view::npos;
    const std::size_t size = ends ? nul + 1 : rest.size();
    if (size > limit_ - taken_) {
      fail(path_ + ": attribute list is larger than " + std::to_string(limit_) + " bytes");
      break;
    }
    token_.append(rest.substr(0, nul));
    taken_ += size;
    used += size;
    if (!ends) break;
    if (state_ == State::name) {
      name_read();
    } else {
      value_read();
    }
    token_.clear();
  }
  return used;
}

void AttrReader::end_of_file() { broken_off(false); }
void AttrReader::time_out() { broken_off(true); }

// Nothing at all is not worth a warning: servers come and go. What was read of a wanted value stays: the original
// works with it when it judges a broken report.
void AttrReader::broken_off(bool timed_out) {
  if (done()) return;
  if (taken_ == 0) {
    finish(0);
    return;
  }
  if (state_ == State::value) values_[next_].text = token_;
  if (state_ == State::skipped_value) {
    warnings_.push_back(broken_off_text(timed_out));  // then the next name is missed, too
    token_.clear();
    state_ = State::name;
  }
  fail(broken_off_text(timed_out));
}

std::string AttrReader::broken_off_text(bool timed_out) const {
  const std::string_view what = !token_.empty() ? "unexpected end-of-input from "
                                : timed_out     ? "timeout on "
                                                : "premature end-of-input on ";
  return std::string{what} + path_ + " while reading " +
         (state_ == State::name ? "input attribute name" : "input attribute value");
}

void AttrReader::name_read() {
  if (token_.empty()) {
    list_ended();
  } else if (next_ < wants_.size() && token_ == wants_[next_].name) {
    state_ = State::value;
  } else {
    unexpected_name();
  }
}

void AttrReader::list_ended() {
  in_step_ = true;
  if (next_ < wants_.size() && strictness_.missing) {
    warnings_.push_back("missing attribute " + std::string{wanted_name()} + " in input from " + path_);
  }
  finish(in_group() ? -1 : count());
}

void AttrReader::unexpected_name() {
  if (!strictness_.extra) {
    state_ = State::skipped_value;
    return;
  }
  warnings_.push_back("unexpected attribute " + token_ + " from " + path_ +
                      " (expecting: " + std::string{wanted_name()} + ")");
  finish(in_group() ? -1 : count());
}

void AttrReader::value_read() {
  const bool wanted = state_ == State::value;
  state_ = State::name;
  if (!wanted) return;
  AttrValue& value = values_[next_];
  if (!convert(wants_[next_], value)) return;
  value.read = true;
  ++next_;
}

// False: the reading has ended.
bool AttrReader::convert(const AttrWant& want, AttrValue& value) {
  const auto malformed = [&](std::string_view kind) {
    fail("malformed " + std::string{kind} + " data from " + path_ + " while reading input attribute value: " + token_);
    return false;
  };
  value.text = token_;
  switch (want.type) {
    case AttrType::text: return true;
    case AttrType::number:
    case AttrType::long_number: {
      const auto number = parse_attr_number(token_);
      if (!number) return malformed("numerical");
      value.number = want.type == AttrType::number ? static_cast<std::uint32_t>(*number) : *number;
      return true;
    }
    case AttrType::data: {
      auto bytes = base64_decode(token_);
      if (!bytes) return malformed("base64");
      value.text = std::move(*bytes);
      return true;
    }
    case AttrType::fixed:
      if (token_ == want.fixed) return true;
      fail("unexpected " + want.name + " " + token_ + " from " + path_ + " (expected: " + want.fixed + ")");
      return false;
  }
  return false;
}

void AttrReader::fail(std::string warning) {
  warnings_.push_back(std::move(warning));
  finish(-1);
}

void AttrReader::finish(int result) {
  result_ = result;
  state_ = State::done;
  token_.clear();
}

std::string_view AttrReader::wanted_name() const {
  return next_ < wants_.size() ? std::string_view{wants_[next_].name} : kTerminatorName;
}

bool AttrReader::in_group() const { return next_ < wants_.size() && wants_[next_].group != 0; }

namespace {

// What the first `end` wants count, if all of them came.
[[nodiscard]] int weight(const std::vector<AttrWant>& wants, std::size_t end) {
  int sum = 0;
  int last_group = 0;
  for (std::size_t i = 0; i < end; ++i) {
    const AttrWant& want = wants[i];
    const bool counted_before = want.group != 0 && want.group == last_group;
    if (want.type != AttrType::fixed && !counted_before) ++sum;
    last_group = want.group;
  }
  return sum;
}

}  // namespace

int AttrReader::count() const { return weight(wants_, next_); }
int AttrReader::full_result() const { return weight(wants_, wants_.size()); }

// --- any list ------------------------------------------------------------------------------------------

std::size_t AttrListReader::feed(std::string_view bytes) {
  std::size_t used = 0;
  while (!done() && used < bytes.size()) {
    const std::string_view rest = bytes.substr(used);
    const std::size_t nul = rest.find('\0');
    const bool ends = nul != std::string_view::npos;
    const std::size_t size = ends ? nul + 1 : rest.size();
    if (size > limit_ - taken_) {
      failed_ = true;
      break;
    }
    token_.append(rest.substr(0, nul));
    taken_ += size;
    used += size;
    if (!ends) break;
    if (in_value_) {
      list_.emplace_back(std::exchange(name_, {}), std::exchange(token_, {}));
      in_value_ = false;
    } else if (token_.empty()) {
      done_ = true;
    } else {
      name_ = std::exchange(token_, {});
      in_value_ = true;
    }
  }
  return used;
}

std::optional<ParsedList> parse_attr_list(std::string_view bytes) {
  AttrListReader reader;
  const std::size_t used = reader.feed(bytes);
  if (!reader.done() || reader.failed()) return std::nullopt;
  return ParsedList{reader.list(), used};
}

}  // namespace weir::codec
