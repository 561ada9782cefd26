// Attribute lists in the plainest way, from spec/attributes.md: the stream is cut at its NULs, and then the table "How
// a list is read" is gone through line by line. All of a list must be there; its end of file is known.
//
// Claims nothing about the words of warnings, only how many there are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir::reference {

struct Tokens {
  std::vector<std::string> whole;  // each was ended by NUL
  std::string rest;                // after the last NUL
};

inline Tokens cut(const std::string& stream) {
  Tokens tokens;
  for (const char byte : stream) {
    if (byte == '\0') {
      tokens.whole.push_back(std::exchange(tokens.rest, {}));
    } else {
      tokens.rest += byte;
    }
  }
  return tokens;
}

// The first list of a stream: names and values in turn, up to the empty name. Nothing: it is cut off.
struct List {
  std::vector<std::pair<std::string, std::string>> attributes;
  std::size_t size = 0;  // bytes
};

inline std::optional<List> first_list(const std::string& stream) {
  const Tokens tokens = cut(stream);
  List list;
  for (std::size_t i = 0; i < tokens.whole.size(); i += 2) {
    list.size += tokens.whole[i].size() + 1;
    if (tokens.whole[i].empty()) return list;
    if (i + 1 == tokens.whole.size()) return std::nullopt;
    list.size += tokens.whole[i + 1].size() + 1;
    list.attributes.emplace_back(tokens.whole[i], tokens.whole[i + 1]);
  }
  return std::nullopt;
}

// --- wanted attributes -------------------------------------------------------------------------------------

enum class Type { text, number, long_number };
struct Want {
  std::string name;
  Type type = Type::text;
};

struct Reading {
  int result = 0;                      // how many were converted; -1: failure
  std::vector<std::string> values;     // of those, as on the wire
  std::vector<std::uint64_t> numbers;  // of those; 0 for text
  int warnings = 0;
  bool in_step = false;  // the terminator was read
};

// Blanks, one sign, digits to the end. What does not fit in 64 bits counts as the largest number.
inline std::optional<std::uint64_t> number(const std::string& text) {
  std::size_t at = 0;
  while (at < text.size() && (text[at] == ' ' || (text[at] >= '\t' && text[at] <= '\r'))) ++at;
  bool minus = false;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) {
    minus = text[at] == '-';
    ++at;
  }
  if (at == text.size()) return std::nullopt;
  const std::uint64_t most = ~std::uint64_t{0};
  std::uint64_t value = 0;
  bool too_large = false;
  for (; at < text.size(); ++at) {
    if (text[at] < '0' || text[at] > '9') return std::nullopt;
    const auto next = static_cast<std::uint64_t>(text[at] - '0');
    if (value > (most - next) / 10) too_large = true;
    if (!too_large) value = value * 10 + next;
  }
  if (too_large) return most;
  return minus ? std::uint64_t{0} - value : value;
}

// The strict reader: another attribute than the wanted one, or one too many, stops the reading.
inline Reading read(const std::string& stream, const std::vector<Want>& wants) {
  Reading reading;
  if (stream.empty()) return reading;  // quietly
  const Tokens tokens = cut(stream);
  std::size_t token = 0;
  const auto failure = [&reading] {
    ++reading.warnings;
    reading.result = -1;
    return reading;
  };
  for (std::size_t i = 0;; ++i) {
    if (token == tokens.whole.size()) return failure();  // end of file within a name
    const std::string& name = tokens.whole[token++];
    if (name.empty()) {
      reading.in_step = true;
      if (i < wants.size()) ++reading.warnings;  // the list ends early
      return reading;
    }
    if (i == wants.size() || name != wants[i].name) {
      ++reading.warnings;  // unexpected
      return reading;
    }
    if (token == tokens.whole.size()) return failure();  // end of file within a value
    const std::string& value = tokens.whole[token++];
    std::uint64_t as_number = 0;
    if (wants[i].type != Type::text) {
      const auto converted = number(value);
      if (!converted) return failure();
      as_number = wants[i].type == Type::number ? *converted & 0xffffffffU : *converted;
    }
    ++reading.result;
    reading.values.push_back(value);
    reading.numbers.push_back(as_number);
  }
}

}  // namespace weir::reference
