#include "codec/options.hpp"

#include <cstddef>
#include <cstdint>

#include "codec/text.hpp"

namespace weir::codec {

namespace {

constexpr std::string_view kWithArgument = "imnost";
constexpr int kMostSockets = 1024;

// One letter, with its argument if it takes one; gives the fatal text.
[[nodiscard]] std::optional<std::string> take(char letter, const std::string& argument, Options& options) {
  switch (letter) {
    case 'c': options.chroot = true; break;
    case 'd': options.allow_terminal = true; break;
    case 'D': options.debugger = true; break;
    case 'l': options.one_process = true; break;
    case 'S': options.standalone = true; break;
    case 'u': options.drop_privileges = true; break;
    case 'v': ++options.verbose; break;
    case 'V': options.log_to_stderr = true; break;
    case 'z': options.unlimited_processes = true; break;
    case 'i': options.settings.push_back({"max_idle", argument}); break;
    case 'm': options.settings.push_back({"max_use", argument}); break;
    case 'n': options.service_name = argument; break;
    case 't': options.transport_type = argument; break;
    case 's': {
      // Text after the number does not count.
      const LeadingNumber count = leading_number(argument);
      if (count.overflow || count.value <= 0 || count.value > kMostSockets) return "invalid socket_count: " + argument;
      options.socket_count = static_cast<int>(count.value);
      break;
    }
    case 'o': {
      SplitSetting split = split_setting(argument);
      if (!split.failure.empty()) return "invalid \"-o " + argument + "\" option value: " + split.failure;
      options.settings.push_back(std::move(split.setting));
      break;
    }
    default: return std::string("invalid option: ") + letter;
  }
  return std::nullopt;
}

}  // namespace

std::string base_name(const std::string& path) {
  std::string_view rest = path;
  while (rest.size() > 1 && rest.back() == '/') rest.remove_suffix(1);
  const std::size_t slash = rest.rfind('/');
  if (slash == std::string_view::npos || rest.size() == 1) return std::string(rest);
  return std::string(rest.substr(slash + 1));
}

ParsedOptions parse_options(const std::vector<std::string>& arguments) {
  ParsedOptions parsed;
  Options& options = parsed.options;
  if (arguments.empty()) return parsed;
  options.service_name = base_name(arguments.front());
  std::size_t at = 1;
  for (; at < arguments.size(); ++at) {
    const std::string& word = arguments[at];
    if (word.size() < 2 || word.front() != '-') break;
    if (word == "--") {
      ++at;
      break;
    }
    for (std::size_t i = 1; i < word.size(); ++i) {
      const char letter = word[i];
      std::string argument;
      if (kWithArgument.find(letter) != std::string_view::npos) {
        if (i + 1 < word.size()) {
          argument = word.substr(i + 1);
          i = word.size();
        } else if (at + 1 < arguments.size()) {
          argument = arguments[++at];
          i = word.size();
        } else {
          parsed.fatal = std::string("invalid option: ") + letter;
          return parsed;
        }
      }
      parsed.fatal = take(letter, argument, options);
      if (options.setting_places.size() < options.settings.size()) options.setting_places.push_back(at);
      if (parsed.fatal) return parsed;
    }
  }
  for (; at < arguments.size(); ++at) options.left_over.push_back(arguments[at]);
  return parsed;
}

std::optional<std::string> start_failure(const Options& options) {
  if (options.standalone) return std::nullopt;
  if (!options.one_process) return "service " + options.service_name + " requires a process limit of 1";
  if (!options.transport_type) return "no transport type specified";
  const std::string& type = *options.transport_type;
  if (type != "unix" && type != "fifo" && type != "pass") return "unsupported transport type: " + type;
  return std::nullopt;
}

std::optional<std::string> left_over_failure(const Options& options) {
  if (options.left_over.empty()) return std::nullopt;
  return "unexpected command-line argument: " + options.left_over.front();
}

void apply(const Options& options, Dictionary& dictionary) {
  for (std::size_t i = 0; i < options.settings.size(); ++i) {
    const std::size_t place = i < options.setting_places.size() ? options.setting_places[i] : 0;
    dictionary.set(options.settings[i].name, options.settings[i].value,
                   {Origin::From::command_line, static_cast<std::uint32_t>(place)});
  }
}

}  // namespace weir::codec
