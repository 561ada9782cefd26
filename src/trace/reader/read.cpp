#include "trace/reader/read.hpp"

#include <cmath>
#include <cstdint>
#include <istream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <type_traits>
#include <utility>
#include <vector>

#include "contract/names.hpp"

namespace weir::trace {
namespace {

using nlohmann::json;

// Why a line is refused; caught in read_line().
struct Refused {
  std::string why;
};

[[noreturn]] void refuse(std::string why) { throw Refused{std::move(why)}; }

constexpr std::size_t kDepthMax = 32;  // far more than any line nests

// nlohmann-json would let the last of two equal names win, and nest without bound.
json parse_strictly(std::string_view text) {
  std::vector<std::set<std::string>> open;
  const auto watch = [&open](int depth, json::parse_event_t event, const json& parsed) {
    if (static_cast<std::size_t>(depth) > kDepthMax) refuse("nested too deeply");
    if (event == json::parse_event_t::object_start) open.emplace_back();
    if (event == json::parse_event_t::object_end) open.pop_back();
    if (event == json::parse_event_t::key && !open.back().insert(parsed.get<std::string>()).second) {
      refuse("\"" + parsed.get<std::string>() + "\" is there twice");
    }
    return true;
  };
  try {
    return json::parse(text, watch);
  } catch (const json::exception&) {
    refuse("is not JSON");
  }
}

// Text of code points up to U+00FF back to the bytes they stand for.
std::string bytes_of(const std::string& utf8) {
  std::string out;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto byte = static_cast<unsigned char>(utf8[i]);
    if (byte < 0x80) {
      out += utf8[i];
    } else if ((byte == 0xc2 || byte == 0xc3) && i + 1 < utf8.size()) {
      const auto low = static_cast<unsigned char>(utf8[++i]);
      out += static_cast<char>(((byte & 0x03U) << 6) | (low & 0x3fU));
    } else {
      refuse("a string has a character above U+00FF");
    }
  }
  return out;
}

// Fills values from JSON; the mirror image of JsonText.
class Reader {
 public:
  static void read(const json& j, bool& out) {
    if (!j.is_boolean()) refuse("true or false expected");
    out = j.get<bool>();
  }
  static void read(const json& j, std::string& out) {
    if (!j.is_string()) refuse("string expected");
    out = bytes_of(j.get_ref<const std::string&>());
  }
  static void read(const json& j, Seconds& out) {
    std::int64_t count = 0;
    read(j, count);
    out = Seconds{count};
  }
  static void read(const json& j, Time& out) {
    std::int64_t count = 0;
    only_field(j, "us", count);
    out = Time{Micros{count}};
  }
  static void read(const json& j, double& out) {
    if (j == "nan") {
      out = std::numeric_limits<double>::quiet_NaN();
    } else if (j == "inf" || j == "-inf") {
      out = j == "inf" ? HUGE_VAL : -HUGE_VAL;
    } else if (j.is_number()) {
      out = j.get<double>();
    } else {
      refuse("number expected");
    }
  }
  template <class T>
  requires std::is_integral_v<T>
  static void read(const json& j, T& out) {
    if (!j.is_number_integer()) refuse("whole number expected");
    if (j.is_number_unsigned()) {
      const auto value = j.get<std::uint64_t>();
      if (value > static_cast<std::uint64_t>(std::numeric_limits<T>::max())) refuse("number out of range");
      out = static_cast<T>(value);
    } else {
      const auto value = j.get<std::int64_t>();
      if (std::is_unsigned_v<T> || value < static_cast<std::int64_t>(std::numeric_limits<T>::min())) {
        refuse("number out of range");
      }
      out = static_cast<T>(value);
    }
  }
  template <class T>
  requires std::is_enum_v<T>
  static void read(const json& j, T& out) {
    std::string word;
    read(j, word);
    out = static_cast<T>(index_of(word, names::of(T{})));
  }
  template <class T>
  static void read(const json& j, Id<T>& out) {
    read(j, out.value);
  }
  template <class T>
  static void read(const json& j, std::optional<T>& out) {
    out.reset();
    if (!j.is_null()) read(j, out.emplace());
  }
  template <class T>
  static void read(const json& j, std::vector<T>& out) {
    if (!j.is_array()) refuse("array expected");
    out.clear();
    for (const json& each : j) read(each, out.emplace_back());
  }
  template <class T>
  static void read(const json& j, std::map<std::string, T>& out) {
    if (!j.is_array()) refuse("array expected");
    out.clear();
    for (const json& pair : j) {
      if (!pair.is_array() || pair.size() != 2) refuse("pair expected");
      std::string key;
      read(pair[0], key);
      if (!out.empty() && key <= out.rbegin()->first) refuse("names out of order");
      read(pair[1], out[key]);
    }
  }
  template <class... T>
  static void read(const json& j, std::variant<T...>& out) {
    if (!j.is_object() || j.size() != 1) refuse("object with one name expected");
    const std::size_t index = index_of(j.begin().key(), names::of(out));
    emplace(out, index, std::index_sequence_for<T...>{});
    std::visit([&](auto& alternative) { read(*j.begin(), alternative); }, out);
  }
  // fields() is const, since almost everybody only looks; here the object behind it is ours and is not.
  template <class T>
  requires requires(const T& t) {
    t.fields([](std::string_view, const auto&) {});
  }
  static void read(const json& j, T& out) {
    if (!j.is_object()) refuse("object expected");
    std::size_t count = 0;
    out.fields([&]<class F>(std::string_view name, const F& field) {
      ++count;
      const auto found = j.find(name);
      if (found == j.end()) refuse("\"" + std::string(name) + "\" is missing");
      try {
        read(*found, const_cast<F&>(field));
      } catch (Refused& refused) {
        throw Refused{std::string(name) + ": " + refused.why};
      }
    });
    if (j.size() != count) refuse("a field that does not belong there");
  }

 private:
  static void only_field(const json& j, const char* name, std::int64_t& out) {
    if (!j.is_object() || j.size() != 1 || !j.contains(name)) refuse(std::string("\"") + name + "\" expected");
    read(j.front(), out);
  }
  static std::size_t index_of(const std::string& word, names::Words words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (words[i] == word) return i;
    }
    refuse("unknown word \"" + word + "\"");
  }
  template <class V, std::size_t... I>
  static void emplace(V& out, std::size_t index, std::index_sequence<I...>) {
    ((index == I ? static_cast<void>(out.template emplace<I>()) : static_cast<void>(0)), ...);
  }
};

template <class T>
TraceLine read_as(const json& j) {
  T line;
  Reader::read(j, line);
  return line;
}

TraceLine read_object(const json& j) {
  if (!j.is_object()) refuse("is not a JSON object");
  if (const auto version = j.find("weir_trace"); version != j.end()) {
    if (*version != kTraceVersion) {
      refuse("has format version " + version->dump() + "; this program reads version " + std::to_string(kTraceVersion));
    }
    return read_as<TraceHeader>(j);
  }
  if (j.contains("end")) return read_as<TraceEnd>(j);
  if (j.contains("event")) return read_as<TraceStep>(j);
  refuse("is neither header, step nor end");
}

// A line, or as much of it as a line may have and one more; true = the end of the line was seen.
bool get_bounded(std::istream& in, std::string& text) {
  text.clear();
  std::streambuf& buffer = *in.rdbuf();
  using Traits = std::istream::traits_type;
  for (auto c = buffer.sbumpc();; c = buffer.sbumpc()) {
    if (Traits::eq_int_type(c, Traits::eof())) return in.setstate(std::ios::eofbit), false;
    if (Traits::to_char_type(c) == '\n') return true;
    if (text.size() <= kTraceLineMax) text += Traits::to_char_type(c);
  }
}

}  // namespace

Result<TraceLine> read_line(std::string_view text) {
  if (text.size() > kTraceLineMax) return Failure{"is longer than a line may be"};
  try {
    return read_object(parse_strictly(text));
  } catch (const Refused& refused) {
    return Failure{refused.why};
  }
}

std::optional<Lines::Line> Lines::next() {
  const bool complete = get_bounded(in_, text_);
  if (!complete && text_.empty()) return std::nullopt;
  return Line{++number_, complete, read_line(text_)};
}

}  // namespace weir::trace
