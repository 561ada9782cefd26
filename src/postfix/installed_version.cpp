#include "postfix/installed_version.hpp"

#include "postfix/main_cf_file.hpp"

namespace weir::postfix {

std::optional<std::string> installed_mail_version(const std::string& daemon_directory) {
  const std::optional<std::string> program = load_file(daemon_directory + "/bounce");
  if (!program) return std::nullopt;
  const std::string marker = "mail_version=";
  for (auto at = program->find(marker); at != std::string::npos; at = program->find(marker, at + 1)) {
    const auto begin = at + marker.size();
    const auto end = program->find('\0', begin);
    if (end == std::string::npos) break;
    const std::string text = program->substr(begin, end - begin);
    if (codec::parse_mail_version(text)) return text;
  }
  return std::nullopt;
}

}  // namespace weir::postfix
