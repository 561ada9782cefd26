#include "codec/main_cf.hpp"

#include <cstdint>
#include <functional>
#include <limits>
#include <utility>

#include "codec/text.hpp"

namespace weir::codec {

void Notes::append(Notes later) {
  for (std::string& text : later.warnings) warnings.push_back(std::move(text));
  if (!fatal) fatal = std::move(later.fatal);
}

// Dictionary -----------------------------------------------------------------------------------------------------

void Dictionary::set(std::string_view name, std::string_view value, Origin origin) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    entries_.emplace(name, Entry{std::string(value), origin});
  } else {
    found->second.value = value;
    found->second.origin = origin;
  }
}

void Dictionary::set_default(std::string_view name, std::string_view value) {
  if (entries_.find(name) == entries_.end()) set(name, value, {Origin::From::built_in, 0});
}

const std::string* Dictionary::find(std::string_view name) const {
  const Entry* found = entry(name);
  return found == nullptr ? nullptr : &found->value;
}

const Dictionary::Entry* Dictionary::entry(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

// Lines ----------------------------------------------------------------------------------------------------------

SplitSetting split_setting(std::string_view line) {
  SplitSetting result;
  std::string_view rest = trim_left(line);
  std::size_t end = 0;
  while (end < rest.size() && !is_blank(rest[end]) && rest[end] != '=') ++end;
  result.setting.name = rest.substr(0, end);
  if (end == 0) {
    result.failure = "missing attribute name";
    return result;
  }
  rest = trim_left(rest.substr(end));
  if (rest.empty() || rest.front() != '=') {
    result.failure = "missing '=' after attribute name";
    return result;
  }
  result.setting.value = trim(rest.substr(1));
  return result;
}

namespace {

constexpr std::size_t kShownOfStrayLine = 30;

// One step through the text: a physical line without its newline.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool next(std::string_view& line) {
    if (rest_.empty()) return false;
    const std::size_t end = rest_.find('\n');
    line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    ++number_;
    return true;
  }
  [[nodiscard]] std::size_t number() const { return number_; }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

[[nodiscard]] bool is_ignored(std::string_view line) {
  const std::string_view content = trim_left(line);
  return content.empty() || content.front() == '#';
}

struct LogicalLine {
  std::string text;
  std::size_t first = 0;  // number of its first physical line; 0 = there is none yet
};

// Text after a NUL is invisible to the real program.
[[nodiscard]] std::string_view before_nul(std::string_view text) { return text.substr(0, text.find('\0')); }

void take(Dictionary& dictionary, const std::string& path, const LogicalLine& line, Notes& notes) {
  if (line.first == 0 || !notes.ok()) return;
  const std::string_view text = before_nul(line.text);
  const std::string where = path + ", line " + std::to_string(line.first) + ": ";
  const SplitSetting split = split_setting(text);
  if (!split.failure.empty()) {
    notes.fatal = where + split.failure + ": \"" + std::string(text) + "\"";
    return;
  }
  const std::string* earlier = dictionary.find(split.setting.name);
  if (earlier != nullptr && *earlier != split.setting.value) {
    notes.warn(where + "overriding earlier entry: " + split.setting.name + "=" + *earlier);
  }
  dictionary.set(split.setting.name, split.setting.value,
                 {Origin::From::main_cf, static_cast<std::uint32_t>(line.first)});
}

[[nodiscard]] std::string stray_line(const std::string& path, std::string_view line) {
  const std::string_view shown = before_nul(line);
  std::string text = path + ": logical line must not start with whitespace: \"";
  text += shown.substr(0, kShownOfStrayLine);
  if (shown.size() > kShownOfStrayLine) text += "...";
  return text + "\"";
}

}  // namespace

Notes read_main_cf(Dictionary& dictionary, const std::string& path, std::string_view text) {
  Notes notes;
  Lines lines(text);
  LogicalLine logical;
  for (std::string_view line; notes.ok() && lines.next(line);) {
    if (is_ignored(line)) continue;
    if (!is_blank(line.front())) {
      take(dictionary, path, logical, notes);
      logical = {std::string(line), lines.number()};
    } else if (logical.first == 0) {
      notes.warn(stray_line(path, line));
    } else {
      logical.text += line;
    }
  }
  take(dictionary, path, logical, notes);
  return notes;
}

// Compatibility level --------------------------------------------------------------------------------------------

std::optional<long> parse_compatibility_level(std::string_view text) {
  constexpr std::int64_t kLeast = 1024;  // one more than the largest minor and patch number
  constexpr std::int64_t kMostMajor = std::numeric_limits<std::int64_t>::max() / (kLeast * kLeast);
  std::int64_t level = 0;
  for (int part = 0; part < 3; ++part) {
    if (part > 0 && !text.empty()) {
      if (text.front() != '.') return std::nullopt;
      text.remove_prefix(1);
    } else if (part > 0) {
      level *= kLeast;
      continue;
    }
    const LeadingNumber number = leading_number(text);
    const std::int64_t most = part == 0 ? kMostMajor : kLeast - 1;
    if (number.length == 0 || number.overflow || number.value < 0 || number.value > most) return std::nullopt;
    level = level * kLeast + number.value;
    text.remove_prefix(number.length);
  }
  if (!text.empty()) return std::nullopt;
  return static_cast<long>(level);
}

// Expansion ------------------------------------------------------------------------------------------------------

namespace {

constexpr int kMostNesting = 100;  // levels of values and branches
constexpr int kMostDepth = 600;    // the same with operands of comparisons, which the levels do not count
constexpr std::size_t kMostOutput = 1 << 20;
constexpr int kMostSteps = 1 << 18;  // references looked at in one expansion

constexpr std::string_view kMacroFatal = "dictionary mail_dict: macro processing error";

enum class Relation : std::uint8_t { equal, not_equal, less, less_equal, greater_equal, greater };

[[nodiscard]] std::optional<Relation> relation_named(std::string_view text) {
  if (text == "==") return Relation::equal;
  if (text == "!=") return Relation::not_equal;
  if (text == "<") return Relation::less;
  if (text == "<=") return Relation::less_equal;
  if (text == ">=") return Relation::greater_equal;
  if (text == ">") return Relation::greater;
  return std::nullopt;
}

template <class T>
[[nodiscard]] bool holds(const T& left, Relation relation, const T& right) {
  switch (relation) {
    case Relation::equal: return left == right;
    case Relation::not_equal: return left != right;
    case Relation::less: return left < right;
    case Relation::less_equal: return left <= right;
    case Relation::greater_equal: return left >= right;
    case Relation::greater: return left > right;
  }
  return false;
}

[[nodiscard]] bool all_digits(std::string_view text) {
  for (const char c : text) {
    if (!is_digit(c)) return false;
  }
  return !text.empty();
}

// The length of the text from an opening bracket to the one that closes it; 0 = it is never closed.
[[nodiscard]] std::size_t balanced_length(std::string_view text) {
  const char open = text.front();
  const char close = open == '(' ? ')' : '}';
  int depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == open) ++depth;
    if (text[at] == close && --depth == 0) return at + 1;
  }
  return 0;
}

[[nodiscard]] bool is_name_char(char c) { return is_alnum(c) || c == '_'; }

[[nodiscard]] std::size_t name_length(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && is_name_char(text[end])) ++end;
  return end;
}

// An error does not stop the work at once: the rest of the expression around the bad place is still looked at and
// complained about, and so is the form of the references that follow, as the real program does.
class Expander {
 public:
  Expander(const Dictionary& dictionary, Notes& notes) : dictionary_(dictionary), notes_(notes) {}

  void text(std::string_view source, int level, std::string& out) {
    const bool too_deep = level > kMostNesting || depth_ >= kMostDepth;
    const int complaints_before = complaints_;
    ++depth_;
    std::size_t at = 0;
    while (at < source.size() && !exhausted_) {
      const std::size_t dollar = std::min(source.find('$', at), source.size());
      const std::string_view literal = source.substr(at, dollar - at);
      if (too_deep && !literal.empty()) {
        fail(kTooDeep, literal);
        break;
      }
      const bool skip = complaints_ != complaints_before;
      if (!skip) out += literal;
      if (out.size() > kMostOutput || ++steps_ > kMostSteps) exhaust(source);
      if (dollar == source.size() || exhausted_) break;
      const std::size_t used = reference(source, dollar, Mode{level, too_deep, skip}, out);
      if (used == 0) break;
      at = dollar + used;
    }
    --depth_;
  }

  [[nodiscard]] bool failed() const { return notes_.fatal.has_value(); }

 private:
  struct Mode {
    int level;
    bool too_deep;
    bool skip;  // something in this text was wrong already: only the form of what follows is looked at
  };

  // What stands at source[dollar] == '$'; gives the number of bytes it takes, 0 = look no further.
  [[nodiscard]] std::size_t reference(std::string_view source, std::size_t dollar, Mode mode, std::string& out) {
    const std::string_view rest = source.substr(dollar + 1);
    const std::string_view first = rest.substr(0, 1);
    if (first == "$") {
      if (!mode.skip) out += '$';
      return 2;
    }
    const bool bracket = first == "{" || first == "(";
    const std::size_t length = bracket ? balanced_length(rest) : name_length(rest);
    if (bracket && length == 0) {
      fail("truncated macro reference", source);
      return 0;
    }
    if (bracket && mode.skip) return 0;
    if (length == (bracket ? 2U : 0U)) {
      fail("empty macro name", source);
      return 0;
    }
    if (mode.skip) return 1 + length;
    const std::string_view inside = bracket ? rest.substr(1, length - 2) : rest.substr(0, length);
    if (mode.too_deep) {
      fail(kTooDeep, inside);
      return 0;
    }
    if (bracket) {
      expression(inside, mode.level, out);
    } else {
      value_of(inside, mode.level, out);
    }
    return 1 + length;
  }

  void value_of(std::string_view name, int level, std::string& out) {
    const std::string* value = dictionary_.find(name);
    if (value != nullptr) text(*value, level + 1, out);
  }

  // The inside of ${...}.
  void expression(std::string_view content, int level, std::string& out) {
    const std::string_view start = trim_left(content);
    if (!start.empty() && start.front() == '{') return comparison(start, level, out);
    const std::size_t blanks = content.size() - start.size();
    const std::size_t length = name_length(start);
    const std::string_view name = start.substr(0, length);
    const std::string_view rest = trim_left(start.substr(length));
    if (rest.empty()) return value_of(name, level, out);
    if (rest.front() != '?' && rest.front() != ':') {
      return fail_at("attribute name syntax error", content.substr(0, blanks + length), start.substr(length));
    }
    const std::string* value = dictionary_.find(name);
    branches(value != nullptr && !value->empty(), rest, level, out);
  }

  // {L} op {R}, and what follows.
  void comparison(std::string_view source, int level, std::string& out) {
    std::string_view rest = source;
    const std::optional<std::string_view> left_source = braces(rest);
    if (!left_source) return;

    const std::string_view symbol = rest.substr(0, std::min(rest.find_first_not_of(kOperatorBytes), rest.size()));
    const std::optional<Relation> relation = relation_named(symbol);
    if (!relation) {
      return fail_at("\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected",
                     std::string(*left_source) + "}", rest);
    }
    rest.remove_prefix(symbol.size());
    std::size_t suffix_length = 0;
    while (suffix_length < rest.size() && is_alnum(rest[suffix_length])) ++suffix_length;
    const std::string_view suffix = rest.substr(0, suffix_length);
    if (!suffix.empty() && suffix != "level") {
      return complain("bad operator suffix at: \"..." + std::string(symbol) + ">>>" + std::string(suffix) + "\"");
    }
    rest.remove_prefix(suffix_length);

    std::string_view operand = trim_left(rest);
    if (operand.empty() || operand.front() != '{') {
      return fail_at("\"{expression}\" expected", "{" + std::string(*left_source) + "} " + std::string(symbol), rest);
    }
    const std::optional<std::string_view> right_source = braces(operand);
    if (!right_source) return;

    const int complaints_before = complaints_;
    std::string left;
    std::string right;
    text(*left_source, 0, left);
    text(*right_source, 0, right);
    const bool outcome = suffix.empty() ? compare(left, *relation, right) : compare_levels(left, *relation, right);
    if (complaints_ != complaints_before || exhausted_) return;
    if (operand.empty()) {
      if (outcome) out += "true";
    } else if (operand.front() == '?' || operand.front() == ':') {
      branches(outcome, operand, level, out);
    } else {
      fail_at("\"?\" or \":\" expected", "}", operand);
    }
  }

  [[nodiscard]] bool compare(const std::string& left, Relation relation, const std::string& right) {
    if (!all_digits(left) || !all_digits(right)) return holds(left, relation, right);
    for (const std::string* operand : {&left, &right}) {
      if (!leading_number(*operand).overflow) continue;
      if (!failed()) notes_.fatal = "mac_exp_eval: bad conversion: " + *operand;
      exhausted_ = true;
      return false;
    }
    return holds(leading_number(left).value, relation, leading_number(right).value);
  }

  [[nodiscard]] bool compare_levels(const std::string& left, Relation relation, const std::string& right) {
    const std::optional<long> left_level = parse_compatibility_level(left);
    const std::optional<long> right_level = left_level ? parse_compatibility_level(right) : std::nullopt;
    if (right_level) return holds(*left_level, relation, *right_level);
    fail("malformed compatibility level syntax", left_level ? right : left);
    return false;
  }

  // From '?' or ':' to the end. A branch that is not taken is not expanded.
  void branches(bool condition, std::string_view source, int level, std::string& out) {
    const bool only_false = source.front() == ':';
    if (only_false) return last_branch(!condition, source.substr(1), level, out);
    std::string_view rest = trim_left(source.substr(1));
    if (rest.empty() || rest.front() != '{') {
      if (condition) text(source.substr(1), level + 1, out);
      return;
    }
    const std::optional<std::string_view> branch = braces(rest);
    if (!branch) return;
    if (condition) text(*branch, level + 1, out);
    if (rest.empty()) return;
    if (rest.front() != ':') return fail_at("\":\" expected", std::string(*branch) + "}", rest);
    last_branch(!condition, rest.substr(1), level, out);
  }

  void last_branch(bool taken, std::string_view source, int level, std::string& out) {
    std::string_view rest = trim_left(source);
    if (rest.empty() || rest.front() != '{') {
      if (taken) text(source, level + 1, out);
      return;
    }
    const std::optional<std::string_view> branch = braces(rest);
    if (!branch) return;
    if (taken) text(*branch, level + 1, out);
    if (!rest.empty()) fail_at("unexpected input", std::string(*branch) + "}", rest);
  }

  // Takes {...} and the blanks after it from the front of the text; gives the inside.
  [[nodiscard]] std::optional<std::string_view> braces(std::string_view& source) {
    const std::size_t length = balanced_length(source);
    if (length == 0) {
      fail("unbalanced {} in attribute expression", source);
      return std::nullopt;
    }
    const std::string_view inside = source.substr(1, length - 2);
    source = trim_left(source.substr(length));
    return inside;
  }

  // No name for a value that grows without bound: memory and time are kept.
  void exhaust(std::string_view source) {
    if (!exhausted_) fail("unreasonable macro expansion size", source.substr(0, kShown));
    exhausted_ = true;
  }

  void fail(std::string_view what, std::string_view where) {
    complain(std::string(what) + ": \"" + std::string(where) + "\"");
  }

  void fail_at(std::string_view what, std::string_view before, std::string_view after) {
    complain(std::string(what) + " at: \"..." + std::string(before) + ">>>" +
             std::string(after.substr(0, kShownAfter)) + "\"");
  }

  void complain(std::string text) {
    if (exhausted_) return;
    if (++complaints_ > kMostComplaints) exhausted_ = true;
    notes_.warn(std::move(text));
    if (!notes_.fatal) notes_.fatal = kMacroFatal;
  }

  static constexpr std::string_view kOperatorBytes = "!%&*+-/<=>?|~";  // of operators that might be
  static constexpr std::string_view kTooDeep = "unreasonable macro call nesting";
  static constexpr std::size_t kShown = 100;      // bytes of a value without bound
  static constexpr std::size_t kShownAfter = 20;  // bytes behind the bad place
  static constexpr int kMostComplaints = 100;

  const Dictionary& dictionary_;
  Notes& notes_;
  int depth_ = 0;
  int steps_ = 0;
  int complaints_ = 0;
  bool exhausted_ = false;
};

}  // namespace

std::optional<std::string> expand(const Dictionary& dictionary, std::string_view text, Notes& notes) {
  std::string out;
  Notes found;
  Expander expander(dictionary, found);
  expander.text(text, 0, out);
  const bool good = !expander.failed();
  notes.append(std::move(found));
  if (!good) return std::nullopt;
  return out;
}

}  // namespace weir::codec
