#include "blackbox/stand_in/notes.hpp"

namespace weir::blackbox::stand_in {
namespace {

constexpr std::size_t kExcerptMax = 200;

bool is_name_character(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

std::string replaced(std::string_view text, std::string_view what, std::string_view by) {
  std::string result;
  while (!what.empty()) {
    const auto found = text.find(what);
    if (found == std::string_view::npos) break;
    result.append(text.substr(0, found)).append(by);
    text.remove_prefix(found + what.size());
  }
  return result.append(text);
}

}  // namespace

std::string id_of(std::string_view message) { return std::string(kIdPrefix).append(message); }

std::string message_of(std::string_view queue_id) {
  const bool ours = queue_id.starts_with(kIdPrefix);
  return std::string(ours ? queue_id.substr(kIdPrefix.size()) : queue_id);
}

std::string readable(std::string_view text, std::string_view root) {
  std::string result;
  for (auto found = text.find(kIdPrefix); found != std::string_view::npos; found = text.find(kIdPrefix)) {
    result.append(text.substr(0, found)).push_back('<');
    text.remove_prefix(found + kIdPrefix.size());
    while (!text.empty() && is_name_character(text.front())) {
      result.push_back(text.front());
      text.remove_prefix(1);
    }
    result.push_back('>');
  }
  result.append(text);
  return replaced(result, root, "$DIR");
}

std::string excerpt(std::string_view bytes) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const char c : bytes.substr(0, kExcerptMax)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      text.push_back(c);
    } else {
      text.append("\\x").append({kHex[byte >> 4], kHex[byte & 15]});
    }
  }
  return bytes.size() > kExcerptMax ? text + "..." : text;
}

}  // namespace weir::blackbox::stand_in
