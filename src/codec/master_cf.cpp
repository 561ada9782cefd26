#include "codec/master_cf.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <map>
#include <utility>

#include "codec/options.hpp"
#include "codec/text.hpp"

namespace weir::codec {

namespace {

constexpr std::string_view kFieldSeparators = " \t\r\n";
constexpr std::size_t kShownOfStrayLine = 30;
constexpr std::array<std::string_view, 5> kTypes = {"inet", "unix", "fifo", "pass", "unix-dgram"};

[[nodiscard]] bool is_separator(char c) { return kFieldSeparators.find(c) != std::string_view::npos; }

[[nodiscard]] std::string_view trim_separators(std::string_view text) {
  while (!text.empty() && is_separator(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_separator(text.back())) text.remove_suffix(1);
  return text;
}

// Text after a NUL is invisible to the real program.
[[nodiscard]] std::string_view before_nul(std::string_view text) { return text.substr(0, text.find('\0')); }

// A logical line, and where in it its physical lines begin.
struct LogicalLine {
  std::string text;
  std::vector<std::pair<std::size_t, std::size_t>> starts;  // offset, number of the physical line

  void add(std::string_view line, std::size_t number) {
    starts.emplace_back(text.size(), number);
    text += line;
  }
  [[nodiscard]] std::size_t number() const { return starts.front().second; }
  [[nodiscard]] std::size_t number_at(std::size_t offset) const {
    const auto after = std::upper_bound(starts.begin(), starts.end(), offset,
                                        [](std::size_t at, const auto& start) { return at < start.first; });
    return std::prev(after)->second;  // the first one is at offset 0
  }
};

// Takes the fields of one logical line, from the left.
class Fields {
 public:
  explicit Fields(const LogicalLine& line) : all_(before_nul(line.text)), rest_(all_) {}

  // The next word; empty = there is none.
  [[nodiscard]] std::string_view word() {
    skip_separators();
    return take(std::min(rest_.find_first_of(kFieldSeparators), rest_.size()));
  }

  // The next word of the command: white space within braces does not end it.
  [[nodiscard]] std::string_view argument() {
    skip_separators();
    int depth = 0;
    std::size_t end = 0;
    for (; end < rest_.size(); ++end) {
      const char c = rest_[end];
      if (c == '{') ++depth;
      if (c == '}' && depth > 0) --depth;
      if (depth == 0 && is_separator(c)) break;
    }
    return take(end);
  }

  [[nodiscard]] std::size_t offset_of(std::string_view word) const {
    return static_cast<std::size_t>(word.data() - all_.data());
  }

 private:
  void skip_separators() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kFieldSeparators), rest_.size())); }

  [[nodiscard]] std::string_view take(std::size_t length) {
    const std::string_view word = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return word;
  }

  std::string_view all_, rest_;
};

// One line to a service, as far as nothing is wrong with it.
class ServiceReader {
 public:
  ServiceReader(const LogicalLine& line, MasterService& service) : line_(line), fields_(line), service_(service) {}

  // What is wrong; empty: nothing.
  [[nodiscard]] std::string read() {
    service_.line = line_.number();
    service_.name = fields_.word();
    read_type();
    service_.is_private = yes_or_no("private").value_or(true);
    if (good() && service_.type == "inet" && service_.is_private) failure_ = "inet service cannot be private";
    service_.unprivileged = yes_or_no("unprivileged").value_or(true);
    service_.chroot = yes_or_no("chroot");
    read_wakeup();
    read_process_limit();
    service_.command = field("command");
    while (good() && read_argument()) {}
    return failure_;
  }

 private:
  [[nodiscard]] bool good() const { return failure_.empty(); }

  [[nodiscard]] std::string field(std::string_view name) {
    if (!good()) return {};
    std::string text{fields_.word()};
    if (text.empty()) failure_ = "missing \"" + std::string(name) + "\" field";
    return text;
  }

  void bad_value(std::string_view name, const std::string& text) {
    failure_ = "field \"" + std::string(name) + "\": bad value: \"" + text + "\"";
  }

  void read_type() {
    service_.type = field("transport type");
    if (!good() || std::find(kTypes.begin(), kTypes.end(), service_.type) != kTypes.end()) return;
    failure_ = "bad transport type: " + service_.type;
  }

  [[nodiscard]] std::optional<bool> yes_or_no(std::string_view name) {
    const std::string text = field(name);
    if (!good() || text == "-") return std::nullopt;
    if (text != "y" && text != "n") bad_value(name, text);
    return text == "y";
  }

  // Digits in front count, and what comes after them does not. The number wraps around at 32 bits.
  [[nodiscard]] std::optional<int> number(std::string_view name, const std::string& text) {
    const LeadingNumber leading = leading_number(text);
    const auto value = static_cast<std::int32_t>(static_cast<std::uint32_t>(leading.value));
    if (text.empty() || !is_digit(text.front()) || leading.overflow || value < 0) {
      bad_value(name, text);
      return std::nullopt;
    }
    return value;
  }

  void read_wakeup() {
    const std::string text = field("wakeup_time");
    if (!good() || text == "-") return;
    service_.wakeup = number("wakeup_time", text).value_or(0);
    service_.wakeup_when_used = text.back() == '?';
  }

  void read_process_limit() {
    const std::string text = field("max_proc");
    if (!good() || text == "-") return;
    service_.process_limit = number("max_proc", text);
  }

  [[nodiscard]] bool read_argument() {
    const std::string_view word = fields_.argument();
    if (word.empty()) return false;
    std::string_view text = word;
    if (word.front() == '{') {
      const std::size_t length = braced_length(word);
      if (length != word.size()) {
        failure_ = length == 0 ? "missing '}' in \"" : "syntax error after '}' in \"";
        failure_ += std::string(word) + "\"";
        return false;
      }
      text = trim_separators(word.substr(1, length - 2));
    }
    service_.arguments.push_back({std::string(text), line_.number_at(fields_.offset_of(word))});
    return true;
  }

  // The length up to the brace that closes the first one; 0 = it is never closed.
  [[nodiscard]] static std::size_t braced_length(std::string_view text) {
    int depth = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (text[at] == '{') ++depth;
      if (text[at] == '}' && --depth == 0) return at + 1;
    }
    return 0;
  }

  const LogicalLine& line_;
  Fields fields_;
  MasterService& service_;
  std::string failure_;
};

class Reader {
 public:
  explicit Reader(std::string_view path) : path_(path) {}

  [[nodiscard]] MasterCf read(std::string_view text) {
    LogicalLine logical;
    for (std::size_t number = 1; !text.empty(); ++number) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      const std::string_view content = trim_left(line);
      if (content.empty() || content.front() == '#') continue;
      if (!is_blank(line.front())) {
        take(logical);
        logical = {};
        logical.add(line, number);
      } else if (logical.starts.empty()) {
        stray(line);
      } else {
        logical.add(line, number);
      }
    }
    take(logical);
    return std::move(result_);
  }

 private:
  void take(const LogicalLine& line) {
    if (trim_separators(before_nul(line.text)).empty()) return;
    MasterService service;
    const std::string failure = ServiceReader(line, service).read();
    if (failure.empty()) return keep(std::move(service));
    result_.errors.push_back(path_ + ": line " + std::to_string(line.number()) + ": " + failure);
  }

  // Ports of inet services have more than one name, so these are not compared.
  void keep(MasterService service) {
    const std::string place = (service.is_private ? "private/" : "public/") + service.name;
    const auto [found, is_new] = places_.emplace(service.type + " " + place, result_.services.size());
    if (is_new || service.type == "inet") {
      result_.services.push_back(std::move(service));
      return;
    }
    result_.warnings.push_back("duplicate master.cf entry for service \"" + service.name + "\" (" + place +
                               ") -- using the last entry");
    result_.services[found->second] = std::move(service);
  }

  void stray(std::string_view line) {
    const std::string_view shown = before_nul(line);
    std::string text = path_ + ": logical line must not start with whitespace: \"";
    text += shown.substr(0, kShownOfStrayLine);
    if (shown.size() > kShownOfStrayLine) text += "...";
    result_.warnings.push_back(text + "\"");
  }

  std::string path_;
  MasterCf result_;
  std::map<std::string, std::size_t> places_;  // type and socket, to the service that has it
};

}  // namespace

MasterCf parse_master_cf(std::string_view path, std::string_view text) { return Reader(path).read(text); }

std::vector<std::string> daemon_arguments(const MasterService& service, const MasterDefaults& defaults) {
  const int limit = service.process_limit.value_or(defaults.process_limit);
  std::vector<std::string> arguments = {service.command};
  if (limit == 1) arguments.push_back("-l");
  if (limit == 0) arguments.push_back("-z");
  if (base_name(service.command) != service.name) arguments.insert(arguments.end(), {"-n", service.name});
  arguments.insert(arguments.end(), {"-t", service.type});
  if (service.unprivileged) arguments.push_back("-u");
  if (service.chroot.value_or(defaults.chroot)) arguments.push_back("-c");
  for (const MasterService::Argument& argument : service.arguments) arguments.push_back(argument.text);
  return arguments;
}

}  // namespace weir::codec
