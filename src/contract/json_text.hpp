// JsonText: values of the contract as JSON text, field names as in the headers.
//
// A variant is {"<Name>": {...}} with the names of names.hpp, an enumeration is a word, a map an array of pairs. A
// string is a string of bytes: each byte is the code point of the same number, and what is not printable ASCII is
// written \u00XX. Numbers are exact: a double is the shortest text that reads back as the same double; what is not a
// finite number is the string "inf", "-inf" or "nan".
// Tested through show() and traces: tests/contract/, tests/trace/, props/trace_props.cpp.
#pragma once

#include <charconv>
#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "contract/names.hpp"

namespace weir {

class JsonText {
 public:
  enum class Blanks { after_punctuation, none };
  explicit JsonText(Blanks blanks = Blanks::after_punctuation)
      : comma_(blanks == Blanks::none ? "," : ", "), colon_(blanks == Blanks::none ? ":" : ": ") {}

  [[nodiscard]] std::string take() { return std::move(out_); }

  void value(bool v) { out_ += v ? "true" : "false"; }
  void value(const std::string& v) { text(v); }
  void value(Seconds v) { number(v.count()); }
  void value(double v) {
    if (std::isnan(v)) return text("nan");
    if (std::isinf(v)) return text(v < 0 ? "-inf" : "inf");
    if (v == 0 && std::signbit(v)) out_ += "-0.0";  // "-0" would be an integer
    else number(v);
  }
  template <class T>
  requires std::is_integral_v<T>
  void value(T v) { number(v); }
  template <class T>
  requires std::is_enum_v<T>
  void value(T v) { text(names::of(v)[static_cast<std::size_t>(v)]); }
  template <class T>
  void value(Id<T> v) {
    number(v.value);
  }
  template <class T>
  void value(const std::optional<T>& v) {
    if (v) value(*v);
    else out_ += "null";
  }
  template <class T>
  void value(const std::vector<T>& v) {
    out_ += '[';
    for (std::size_t i = 0; i < v.size(); ++i) {
      if (i > 0) out_ += comma_;
      value(v[i]);
    }
    out_ += ']';
  }
  template <class T>
  void value(const std::map<std::string, T>& v) {
    out_ += '[';
    bool first = true;
    for (const auto& [key, mapped] : v) {
      begin_next(first);
      out_ += '[';
      text(key);
      out_ += comma_;
      value(mapped);
      out_ += ']';
    }
    out_ += ']';
  }
  template <class... T>
  void value(const std::variant<T...>& v) {
    out_ += '{';
    text(names::of(v)[v.index()]);
    out_ += colon_;
    std::visit([&](const auto& a) { value(a); }, v);
    out_ += '}';
  }
  template <class T>
  requires requires(const T& t) {
    t.fields([](std::string_view, const auto&) {});
  }
  void value(const T& v) {
    out_ += '{';
    bool first = true;
    v.fields([&](std::string_view name, const auto& field) {
      begin_next(first);
      text(name);
      out_ += colon_;
      value(field);
    });
    out_ += '}';
  }

 private:
  void begin_next(bool& first) {
    if (!std::exchange(first, false)) out_ += comma_;
  }
  template <class T>
  void number(T v) {
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, v);
    out_.append(buffer, end.ptr);
  }
  void text(std::string_view v) {
    static constexpr char kHex[] = "0123456789abcdef";
    out_ += '"';
    for (const char c : v) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        out_ += '\\';
        out_ += c;
      } else if (byte < 32 || byte > 126) {
        out_ += "\\u00";
        out_ += kHex[byte >> 4];
        out_ += kHex[byte & 15];
      } else {
        out_ += c;
      }
    }
    out_ += '"';
  }

  std::string out_;
  std::string_view comma_, colon_;
};

}  // namespace weir
