#include "layering.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>

namespace weir::layering {
namespace {

namespace fs = std::filesystem;

// --- the table -----------------------------------------------------------------------------------------

enum class Purity {
  brain,   // no clock, no random number, no thread, no system header
  bytes,   // the same: bytes to values needs no operating system
  daemon,  // system calls, but the clock in one file only, no thread, no foreign library
  open,    // tools and tests
};

struct Room {
  std::string_view folder;  // the longest match wins
  Purity purity;
  std::vector<std::string_view> may_include;  // folders; its own is always allowed
};

const std::vector<Room>& rooms() {
  static const std::vector<std::string_view> kAll = {"src", "model", "props", "fuzz", "tests", "bench"};
  static const std::vector<Room> kRooms = {
      {"src/contract", Purity::brain, {}},
      {"src/codec", Purity::bytes, {"src/contract"}},
      {"src/trace", Purity::bytes, {"src/contract"}},
      {"src/trace/reader", Purity::open, {"src/contract", "src/trace"}},
      {"src/engine", Purity::brain, {"src/contract"}},
      {"model", Purity::brain, {"src/contract"}},
      {"model/explorer", Purity::open, {"src/contract", "src/engine", "model"}},
      {"src/postfix", Purity::daemon, {"src/contract", "src/codec", "src/trace"}},
      {"src/sim", Purity::open, {"src/contract"}},
      {"src/blackbox", Purity::open, {"src/contract", "src/codec", "src/sim"}},
      {"src/control", Purity::daemon, {"src/contract"}},
      {"src/app", Purity::open, {"src", "model"}},
      {"src/app/qmgr", Purity::daemon, {"src", "model"}},
      {"props", Purity::open, kAll},
      {"fuzz", Purity::open, {"src", "model"}},
      {"tests", Purity::open, kAll},
      {"bench", Purity::open, kAll},
  };
  return kRooms;
}

// Standard headers that hold values and algorithms only. <cstdio> and <cstdlib> are for WEIR_CHECK alone.
const std::set<std::string_view>& value_headers() {
  static const std::set<std::string_view> kHeaders = {"algorithm",
                                                      "array",
                                                      "bit",
                                                      "bitset",
                                                      "cctype",
                                                      "charconv",
                                                      "chrono",
                                                      "climits",
                                                      "cmath",
                                                      "compare",
                                                      "concepts",
                                                      "cstddef",
                                                      "cstdint",
                                                      "cstring",
                                                      "deque",
                                                      "functional",
                                                      "initializer_list",
                                                      "iterator",
                                                      "limits",
                                                      "list",
                                                      "map",
                                                      "memory",
                                                      "numbers",
                                                      "numeric",
                                                      "optional",
                                                      "queue",
                                                      "set",
                                                      "span",
                                                      "stack",
                                                      "string",
                                                      "string_view",
                                                      "tuple",
                                                      "type_traits",
                                                      "unordered_map",
                                                      "unordered_set",
                                                      "utility",
                                                      "variant",
                                                      "vector"};
  return kHeaders;
}
constexpr std::string_view kCheckHeader = "src/contract/check.hpp";
constexpr std::array<std::string_view, 2> kForCheckOnly = {"cstdio", "cstdlib"};
// Broken-down time as a value, and numbers to and from text; the words below keep the rest of them out.
constexpr std::array<std::string_view, 3> kForCodecToo = {"ctime", "cstdio", "cstdlib"};

// Words that mean a clock, a random source, a thread or the environment.
constexpr std::array<std::string_view, 9> kClockWords = {"system_clock", "steady_clock",  "high_resolution_clock",
                                                         "gettimeofday", "clock_gettime", "utc_clock",
                                                         "file_clock",   "timespec_get",  "time"};
constexpr std::array<std::string_view, 26> kImpureWords = {
    "localtime", "localtime_r", "random_device", "mt19937", "rand",   "srand",   "random",     "getrandom", "thread",
    "jthread",   "mutex",       "async",         "getenv",  "getpid", "fstream", "FILE",       "fopen",     "freopen",
    "popen",     "system",      "printf",        "fprintf", "puts",   "tmpfile", "remove_all", "errno"};

constexpr std::array<std::string_view, 7> kThreadHeaders = {"thread",     "mutex",  "shared_mutex",      "future",
                                                            "stop_token", "random", "condition_variable"};
constexpr std::array<std::string_view, 7> kForeign = {"nlohmann/", "CLI/",   "fmt/",      "gtest/",
                                                      "gmock/",    "boost/", "rapidcheck"};
constexpr std::array<std::string_view, 2> kClockFiles = {"src/postfix/clock.hpp", "src/postfix/clock.cpp"};

// --- reading -------------------------------------------------------------------------------------------

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

bool below(std::string_view path, std::string_view folder) {
  return path == folder || (path.starts_with(folder) && path.size() > folder.size() && path[folder.size()] == '/');
}

const Room* room_of(std::string_view path) {
  const Room* best = nullptr;
  for (const Room& room : rooms()) {
    if (below(path, room.folder) && (best == nullptr || room.folder.size() > best->folder.size())) best = &room;
  }
  return best;
}

// "src/codec/attr.hpp" and "src/codec/queue/x.hpp" are one room; src/app/qmgr belongs to src/app.
bool may_include(const Room& from, std::string_view target) {
  const std::string_view own = from.folder == "src/app/qmgr" ? "src/app" : from.folder;
  if (below(target, own)) return true;
  return std::any_of(from.may_include.begin(), from.may_include.end(),
                     [&](std::string_view folder) { return below(target, folder); });
}

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

struct Include {
  std::string name;
  bool quoted = false;
};

std::optional<Include> include_of(std::string_view line) {
  const auto skip = [&line] {
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  };
  skip();
  if (!line.starts_with('#')) return std::nullopt;
  line.remove_prefix(1);
  skip();
  if (!line.starts_with("include")) return std::nullopt;
  line.remove_prefix(7);
  skip();
  if (line.empty()) return std::nullopt;
  const char close = line.front() == '<' ? '>' : '"';
  const auto end = line.find(close, 1);
  if (end == std::string_view::npos) return std::nullopt;
  return Include{std::string(line.substr(1, end - 1)), close == '"'};
}

// Where a quoted include leads, relative to the root; the places in which the build looks.
std::optional<std::string> resolve(const fs::path& root, const fs::path& file, const std::string& name) {
  for (const fs::path& base : {(root / file).parent_path(), root / "src", root, root / "tests"}) {
    const fs::path candidate = (base / name).lexically_normal();
    if (fs::is_regular_file(candidate)) return candidate.lexically_relative(root).generic_string();
  }
  return std::nullopt;
}

// --- judging -------------------------------------------------------------------------------------------

std::optional<std::string> refuse_system(const Room& room, const std::string& file, const std::string& name) {
  if (room.purity == Purity::brain || room.purity == Purity::bytes) {
    if (value_headers().count(name) > 0) return std::nullopt;
    if (file == kCheckHeader && contains(kForCheckOnly, name)) return std::nullopt;
    if (room.purity == Purity::bytes && contains(kForCodecToo, name)) return std::nullopt;
    return "<" + name + "> is not a header of values";
  }
  if (room.purity == Purity::daemon) {
    if (contains(kThreadHeaders, name)) return "<" + name + "> in the daemon";
    for (const auto foreign : kForeign) {
      if (name.starts_with(foreign)) return "<" + name + "> is a foreign library in the daemon";
    }
  }
  return std::nullopt;
}

std::optional<std::string> refuse_quoted(const Room& room, const fs::path& root, const std::string& file,
                                         const std::string& name) {
  const auto target = resolve(root, file, name);
  if (!target) return "\"" + name + "\" is no file of ours";
  if (may_include(room, *target)) return std::nullopt;
  return std::string(room.folder) + " may not include " + *target;
}

// `time` is a clock when it is std::time, ::time or called with nothing but a place for the result.
bool calls_time(std::string_view code, std::size_t begin, std::size_t end) {
  if (end >= code.size() || code[end] != '(') return false;
  const std::string_view before = code.substr(0, begin);
  if (before.ends_with("std::") || before == "::" || before.ends_with(" ::")) return true;
  std::string_view argument = code.substr(end + 1);
  argument.remove_prefix(std::min(argument.find_first_not_of(' '), argument.size()));
  return argument.starts_with("nullptr") || argument.starts_with("NULL") || argument.starts_with("0)") ||
         argument.starts_with("&");
}

std::optional<std::string> refuse_words(const Room& room, const std::string& file, std::string_view line) {
  if (room.purity == Purity::open) return std::nullopt;
  const bool pure = room.purity != Purity::daemon && file != kCheckHeader;
  for (std::size_t i = 0; i < line.size();) {
    if (!is_word(line[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < line.size() && is_word(line[end])) ++end;
    const std::string_view word = line.substr(i, end - i);
    const bool clock = contains(kClockWords, word) && (word != "time" || calls_time(line, i, end));
    if (clock && !contains(kClockFiles, file)) return "reads a clock: " + std::string(word);
    if (pure && contains(kImpureWords, word)) return "names an impure thing: " + std::string(word);
    i = end;
  }
  return std::nullopt;
}

void judge_file(const fs::path& root, const std::string& file, Verdict& verdict) {
  const Room* room = room_of(file);
  if (room == nullptr) {
    verdict.violations.push_back({file, 0, "stands in no room of the table"});
    return;
  }
  ++verdict.files;
  std::ifstream in(root / file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  std::istringstream lines(code_only(text));
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    std::optional<std::string> why;
    if (const auto include = include_of(line)) {
      ++verdict.includes;
      why =
          include->quoted ? refuse_quoted(*room, root, file, include->name) : refuse_system(*room, file, include->name);
    } else {
      why = refuse_words(*room, file, line);
    }
    if (why) verdict.violations.push_back({file, number, *why});
  }
}

bool is_source(const fs::path& path) { return path.extension() == ".hpp" || path.extension() == ".cpp"; }

}  // namespace

std::string code_only(const std::string& text) {
  std::string out = text;
  const auto blank = [&out](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to && i < out.size(); ++i) {
      if (out[i] != '\n') out[i] = ' ';
    }
  };
  bool include_line = false;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t start = i;
    if (text[i] == '\n') {
      include_line = false;
      ++i;
    } else if (text[i] == '#') {
      const auto word = text.find_first_not_of(" \t", i + 1);
      include_line = word != std::string::npos && text.compare(word, 7, "include") == 0;
      ++i;
    } else if (text.compare(i, 2, "//") == 0) {
      i = std::min(text.find('\n', i), text.size());
      blank(start, i);
    } else if (text.compare(i, 2, "/*") == 0) {
      const auto end = text.find("*/", i + 2);
      i = end == std::string::npos ? text.size() : end + 2;
      blank(start, i);
    } else if (text.compare(i, 2, "R\"") == 0 && (i == 0 || !is_word(text[i - 1]))) {
      const auto open = text.find('(', i);
      if (open == std::string::npos) return out;
      const std::string close = ")" + text.substr(i + 2, open - i - 2) + "\"";
      const auto end = text.find(close, open);
      i = end == std::string::npos ? text.size() : end + close.size();
      blank(start, i);
    } else if (text[i] == '"' || (text[i] == '\'' && (i == 0 || !is_word(text[i - 1])))) {
      const char quote = text[i++];
      while (i < text.size() && text[i] != quote && text[i] != '\n') i += text[i] == '\\' ? 2U : 1U;
      i = std::min(i + 1, text.size());
      if (!include_line) blank(start, i);
    } else {
      ++i;
    }
  }
  return out;
}

Verdict judge(const std::filesystem::path& root) {
  std::vector<std::string> files;
  for (const std::string_view top : {"src", "model", "props", "fuzz", "tests", "bench"}) {
    if (!fs::is_directory(root / top)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      if (entry.is_regular_file() && is_source(entry.path())) {
        files.push_back(entry.path().lexically_relative(root).generic_string());
      }
    }
  }
  std::sort(files.begin(), files.end());
  Verdict verdict;
  for (const std::string& file : files) judge_file(root, file, verdict);
  return verdict;
}

}  // namespace weir::layering
