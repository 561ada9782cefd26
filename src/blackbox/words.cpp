#include "blackbox/words.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace weir::blackbox {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::size_t kRunMin = 3;     // numbered addresses in a row that are worth the short form
constexpr std::size_t kDigitsMax = 9;  // of their numbers

bool is_visible(char c) { return c > ' ' && c < '\x7f'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string escaped(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (c == '\n') return "\\n";
  return {'\\', 'x', kHexDigits[byte >> 4], kHexDigits[byte & 15]};
}

std::string quoted(std::string_view bytes) {
  std::string text = "\"";
  for (const char c : bytes) {
    if (c == '"' || c == '\\') text += '\\';
    text += c == ' ' || is_visible(c) ? std::string(1, c) : escaped(c);
  }
  return text + '"';
}

// Nothing in it can be taken for the end of a word or the beginning of a quoted one.
bool is_plain(std::string_view bytes) {
  return !bytes.empty() &&
         std::all_of(bytes.begin(), bytes.end(), [](char c) { return is_visible(c) && c != '"' && c != '\\'; });
}

// "a007@d1.t1": what is before the number, the number, what is behind it.
struct Numbered {
  std::string_view before, digits, behind;
  std::int64_t number = 0;
};

std::optional<Numbered> numbered(std::string_view address) {
  const auto at = std::min(address.find('@'), address.size());
  std::size_t from = at;
  while (from > 0 && is_digit(address[from - 1]) && at - from < kDigitsMax) --from;
  if (from == at || (from > 0 && is_digit(address[from - 1]))) return std::nullopt;
  Numbered result{address.substr(0, from), address.substr(from, at - from), address.substr(at), 0};
  for (const char c : result.digits) result.number = result.number * 10 + (c - '0');
  return result;
}

// The digits of a number, with as many leading zeros as make it as long as `like` is.
std::string with_digits(std::int64_t number, std::string_view like) {
  std::string digits = std::to_string(number);
  if (like.front() == '0' && digits.size() < like.size()) digits.insert(0, like.size() - digits.size(), '0');
  return digits;
}

std::string nth(const Numbered& first, std::int64_t index) {
  return std::string(first.before) + with_digits(first.number + index, first.digits) + std::string(first.behind);
}

// How many addresses from here on are numbered in a row.
std::size_t run_length(const std::vector<std::string>& list, std::size_t from) {
  const auto first = numbered(list[from]);
  if (!first || !is_plain(list[from]) || list[from].find("..") != std::string::npos) return 1;
  std::size_t length = 1;
  while (from + length < list.size() && list[from + length] == nth(*first, static_cast<std::int64_t>(length))) ++length;
  return length;
}

// "a1..a100@d1.t1"; nothing = an address like any other.
struct Range {
  Numbered first;
  std::int64_t last = 0;
};
std::optional<Range> range_of(std::string_view text) {
  const auto dots = text.find("..");
  if (dots == std::string_view::npos || text.find("..", dots + 1) != std::string_view::npos) return std::nullopt;
  auto first = numbered(text.substr(0, dots));
  const auto last = numbered(text.substr(dots + 2));
  if (!first || !last || !first->behind.empty() || first->before != last->before) return std::nullopt;
  if (last->number < first->number || with_digits(last->number, first->digits) != last->digits) return std::nullopt;
  first->behind = last->behind;
  return Range{*first, last->number};
}

// A row as one word, if one can say it.
std::optional<std::string> short_form(const std::string& first_address, const std::string& last_address) {
  const auto first = numbered(first_address);
  if (!first || !numbered(last_address)) return std::nullopt;
  std::string row = std::string(first->before) + std::string(first->digits) + ".." + last_address;
  if (!range_of(row) || row.find('=') != std::string::npos) return std::nullopt;
  return row;
}

// Reads quoted bytes from behind the opening quote to behind the closing one.
Result<std::string> unquote(std::string_view line, std::size_t& at) {
  std::string text;
  while (at < line.size() && line[at] != '"') {
    if (line[at] != '\\') {
      text += line[at++];
      continue;
    }
    const std::string_view code = line.substr(at + 1, 3);
    const auto digit = [&](std::size_t i) {
      return i < code.size() ? kHexDigits.find(code[i]) : std::string_view::npos;
    };
    if (code.starts_with('n')) {
      text += '\n';
      at += 2;
    } else if (code.starts_with('"') || code.starts_with('\\')) {
      text += code.front();
      at += 2;
    } else if (code.starts_with('x') && digit(1) < 16 && digit(2) < 16) {
      text += static_cast<char>(digit(1) * 16 + digit(2));
      at += 4;
    } else {
      return Failure{"\"\\\" in quotes must be one of \\\" \\\\ \\n \\xNN"};
    }
  }
  if (at == line.size()) return Failure{"a quote is not closed"};
  ++at;
  return text;
}

// Bytes up to a space, or to the first '=' if `to_equals`; quoted or not.
Result<Word> read_part(std::string_view line, std::size_t& at, bool to_equals) {
  Word result;
  if (at < line.size() && line[at] == '"') {
    result.quoted = true;
    Result<std::string> text = unquote(line, ++at);
    if (!text) return text.error();
    result.text = std::move(*text);
    return result;
  }
  while (at < line.size() && line[at] != ' ' && !(to_equals && line[at] == '=')) {
    if (!is_visible(line[at]) || line[at] == '"' || line[at] == '\\') {
      return Failure{"\"" + printable(line.substr(at, 1)) + "\" must stand in quotes"};
    }
    result.text += line[at++];
  }
  return result;
}

Result<Word> read_word(std::string_view line, std::size_t& at) {
  Result<Word> result = read_part(line, at, true);
  if (result && at < line.size() && line[at] == '=') {
    Result<Word> value = read_part(line, ++at, false);
    if (!value) return value;
    result->value = std::move(value->text);
  }
  if (result && at < line.size() && line[at] != ' ') return Failure{"no space after a quote"};
  return result;
}

}  // namespace

std::string printable(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += c == ' ' || is_visible(c) ? std::string(1, c) : escaped(c);
  return text;
}

std::string word(std::string_view bytes, Keywords keywords) {
  const bool is_keyword = std::find(keywords.begin(), keywords.end(), bytes) != keywords.end();
  const bool is_other = bytes.find('=') != std::string_view::npos || range_of(bytes).has_value();
  return is_plain(bytes) && !is_keyword && !is_other ? std::string(bytes) : quoted(bytes);
}

std::string option(std::string_view name, std::string_view value) {
  const bool plain = is_plain(name) && name.find('=') == std::string_view::npos;
  return (plain ? std::string(name) : quoted(name)) + '=' + (is_plain(value) ? std::string(value) : quoted(value));
}

std::string addresses(const std::vector<std::string>& list, Keywords keywords) {
  std::string text;
  for (std::size_t i = 0; i < list.size();) {
    const std::size_t end = i + run_length(list, i);
    if (const auto row = short_form(list[i], list[end - 1]); row && end - i >= kRunMin) {
      text += ' ' + *row;
    } else {
      for (std::size_t each = i; each < end; ++each) text += ' ' + word(list[each], keywords);
    }
    i = end;
  }
  return text;
}

Result<std::vector<Word>> split_words(std::string_view line) {
  std::vector<Word> words;
  for (std::size_t at = 0; at < line.size();) {
    if (line[at] == ' ') {
      ++at;
      continue;
    }
    Result<Word> next = read_word(line, at);
    if (!next) return next.error();
    words.push_back(std::move(*next));
  }
  return words;
}

bool append_addresses(const Word& word, std::vector<std::string>& list, std::size_t& room) {
  const auto range = word.quoted ? std::nullopt : range_of(word.text);
  const std::int64_t count = range ? range->last - range->first.number + 1 : 1;
  if (count > static_cast<std::int64_t>(kAddressesMax - list.size())) return false;
  for (std::int64_t i = 0; i < count; ++i) {
    std::string address = range ? nth(range->first, i) : word.text;
    if (room < room_of(address)) return false;
    room -= room_of(address);
    list.push_back(std::move(address));
  }
  return true;
}

std::optional<std::int64_t> number_of(std::string_view text, std::int64_t least, std::int64_t most) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) return std::nullopt;
  return value;
}

}  // namespace weir::blackbox
