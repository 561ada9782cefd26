#include "codec/address.hpp"

#include <cstddef>

namespace weir::codec {
namespace {

constexpr std::size_t kNone = std::string_view::npos;
constexpr std::string_view kSpecials = "()<>@,;:\\\"[]";

// "@relay,@relay:" before the local part.
[[nodiscard]] std::size_t route_size(std::string_view address) {
  if (address.empty() || address.front() != '@') return 0;
  const std::size_t colon = address.find(':');
  return colon == kNone ? 0 : colon + 1;
}

[[nodiscard]] bool must_be_quoted(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte <= ' ' || byte == 0x7f || kSpecials.find(c) != kNone;
}

[[nodiscard]] bool is_dot_string(std::string_view local) {
  if (local.empty() || local.front() == '.' || local.back() == '.') return false;
  if (local.find("..") != kNone) return false;
  for (const char c : local) {
    if (must_be_quoted(c)) return false;
  }
  return true;
}

[[nodiscard]] std::string quoted(std::string_view local) {
  std::string out = "\"";
  for (const char c : local) {
    if (c == '"' || c == '\\' || c == '\r') out += '\\';
    out += c;
  }
  return out += '"';
}

[[nodiscard]] std::string unquoted(std::string_view local) {
  std::string out;
  for (std::size_t i = 0; i < local.size(); ++i) {
    if (local[i] == '"') continue;
    if (local[i] == '\\' && ++i == local.size()) break;
    out += local[i];
  }
  return out;
}

// The last '@' that is neither quoted nor escaped, else the end.
[[nodiscard]] std::size_t bare_at(std::string_view text) {
  std::size_t at = text.size();
  bool in_quotes = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      in_quotes = !in_quotes;
    } else if (text[i] == '@' && !in_quotes) {
      at = i;
    }
  }
  return at;
}

}  // namespace

std::string to_external(std::string_view address) {
  if (address.empty()) return {};
  const std::size_t start = route_size(address);
  const std::size_t at = address.rfind('@');
  const std::size_t end = at == kNone || at < start ? address.size() : at;
  const std::string_view local = address.substr(start, end - start);
  if (is_dot_string(local)) return std::string{address};
  return std::string{address.substr(0, start)} + quoted(local) + std::string{address.substr(end)};
}

std::string to_internal(std::string_view address) {
  const std::size_t start = route_size(address);
  const std::string_view rest = address.substr(start);
  const std::size_t at = bare_at(rest);
  return std::string{address.substr(0, start)} + unquoted(rest.substr(0, at)) + std::string{rest.substr(at)};
}

std::string_view domain_of(std::string_view address) {
  const std::size_t at = address.rfind('@');
  return at == kNone ? std::string_view{} : address.substr(at + 1);
}

}  // namespace weir::codec
