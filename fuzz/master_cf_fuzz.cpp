// master_cf: any text as master.cf.
//
//   every service: its line is one of x's, its arguments follow each other down from there, what it holds is no more
//   than x has; one socket, one service
//   services, warnings and errors together                   <=  2 lines(x)
//   daemon_arguments(service)                                :   argv[0] first, the arguments of the line last
//   parse(service written as a plain line)                    =  the service, for those of x and for one made from x
#include <algorithm>
#include <optional>
#include <string>

#include "codec/master_cf.hpp"
#include "contract/check.hpp"
#include "fuzz/bytes.hpp"
#include "fuzz/target.hpp"

namespace weir::fuzz {
namespace {

using codec::MasterService;

std::size_t lines_of(std::string_view text) {
  return 1 + static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

void check_service(const MasterService& service, std::string_view text) {
  WEIR_CHECK(service.line >= 1 && service.line <= lines_of(text));
  WEIR_CHECK(!service.name.empty() && !service.command.empty());
  WEIR_CHECK(service.wakeup >= 0 && service.process_limit.value_or(0) >= 0);
  std::size_t line = service.line, size = service.name.size() + service.command.size();
  for (const auto& argument : service.arguments) {
    WEIR_CHECK(argument.line >= line && argument.line <= lines_of(text));
    line = argument.line;
    size += argument.text.size();
  }
  WEIR_CHECK(size <= text.size());

  const auto arguments = codec::daemon_arguments(service, {});
  WEIR_CHECK(arguments.size() > service.arguments.size());
  WEIR_CHECK(service.command.ends_with(arguments.front()));
  WEIR_CHECK(std::equal(service.arguments.rbegin(), service.arguments.rend(), arguments.rbegin(),
                        [](const auto& given, const std::string& made) { return given.text == made; }));
}

bool is_plain(const std::string& word) {
  return !word.empty() && word.find_first_of(std::string_view{" \t\r\n\v\f{},\0", 10}) == std::string::npos;
}

// The line as a person would write it; nothing where words cannot be written plainly.
std::string line_of(const MasterService& service) {
  const auto flag = [](bool value) { return std::string(value ? " y" : " n"); };
  std::string line = service.name + " " + service.type + flag(service.is_private) + flag(service.unprivileged);
  line += service.chroot ? flag(*service.chroot) : " -";
  line += " " + std::to_string(service.wakeup) + (service.wakeup_when_used ? "?" : "");
  line += " " + (service.process_limit ? std::to_string(*service.process_limit) : "-");
  line += " " + service.command;
  for (const auto& argument : service.arguments) {
    if (!is_plain(argument.text)) return {};
    line += " " + argument.text;
  }
  return is_plain(service.name) && is_plain(service.command) ? line + "\n" : std::string{};
}

bool alike(MasterService a, MasterService b) {
  a.line = b.line = 1;
  for (auto* service : {&a, &b}) {
    for (auto& argument : service->arguments) argument.line = 1;
  }
  return a == b;
}

void check_again(const MasterService& service) {
  const std::string line = line_of(service);
  if (line.empty()) return;
  const auto again = codec::parse_master_cf("master.cf", line);
  WEIR_CHECK(again.services.size() == 1 && again.errors.empty());
  WEIR_CHECK(alike(again.services.front(), service));
}

std::string plain_word(Bytes& bytes) {
  std::string word = "w";
  for (const char c : bytes.text().substr(0, 20)) {
    if (is_plain(std::string(1, c)) && c != '#') word += c;
  }
  return word;
}

std::optional<bool> some_flag(Bytes& bytes) {
  const auto kind = bytes.below(3);
  return kind == 2 ? std::optional<bool>{} : std::optional<bool>{kind == 1};
}

void check_made(Bytes bytes) {
  constexpr const char* kTypes[] = {"unix", "fifo", "pass", "unix-dgram", "inet"};
  MasterService service;
  service.line = 1;
  service.type = kTypes[bytes.below(5)];
  service.name = plain_word(bytes);
  service.is_private = bytes.flag() && service.type != "inet";
  service.unprivileged = bytes.flag();
  service.chroot = some_flag(bytes);
  service.wakeup = static_cast<int>(bytes.number(2));
  service.wakeup_when_used = bytes.flag();
  if (bytes.flag()) service.process_limit = static_cast<int>(bytes.number(2));
  service.command = plain_word(bytes);
  const auto arguments = bytes.below(4);
  for (std::uint32_t i = 0; i < arguments; ++i) service.arguments.push_back({plain_word(bytes), 1});
  check_again(service);
}

}  // namespace

void run(std::string_view input) {
  check_made(Bytes(input));
  const auto parsed = codec::parse_master_cf("master.cf", input);
  WEIR_CHECK(parsed.services.size() + parsed.warnings.size() + parsed.errors.size() <= 2 * lines_of(input));
  for (std::size_t i = 0; i < parsed.services.size(); ++i) {
    const MasterService& service = parsed.services[i];
    check_service(service, input);
    check_again(service);
    for (std::size_t j = 0; j < std::min<std::size_t>(i, 100); ++j) {
      const MasterService& other = parsed.services[j];
      WEIR_CHECK(service.type == "inet" || other.name != service.name || other.type != service.type ||
                 other.is_private != service.is_private);
    }
  }
}

}  // namespace weir::fuzz
