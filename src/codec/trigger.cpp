#include "codec/trigger.hpp"

#include <array>
#include <cstring>

namespace weir::codec {
namespace {

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::string_view kHex = "0123456789abcdef";

[[nodiscard]] std::string two_digits(int value) {
  const int in_range = ((value % 100) + 100) % 100;
  return {static_cast<char>('0' + in_range / 10), static_cast<char>('0' + in_range % 10)};
}

}  // namespace

std::string trigger_message(std::string_view codes) { return std::string{codes} + '\0'; }

std::string show_trigger(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && byte < 0x7f && c != '\\') {
      text += c;
    } else {
      text.append("\\x").append(1, kHex[byte >> 4U]).append(1, kHex[byte & 15U]);
    }
  }
  return text;
}

std::string encode(const MasterStatus& status) {
  const std::int32_t available = status.available ? 1 : 0;
  std::string bytes(kMasterStatusSize, '\0');
  std::memcpy(bytes.data(), &status.pid, 4);
  std::memcpy(bytes.data() + 4, &status.generation, 4);
  std::memcpy(bytes.data() + 8, &available, 4);
  return bytes;
}

std::optional<MasterStatus> decode_master_status(std::string_view bytes) {
  if (bytes.size() != kMasterStatusSize) return std::nullopt;
  MasterStatus status;
  std::int32_t available = 0;
  std::memcpy(&status.pid, bytes.data(), 4);
  std::memcpy(&status.generation, bytes.data() + 4, 4);
  std::memcpy(&available, bytes.data() + 8, 4);
  if (available != 0 && available != 1) return std::nullopt;
  status.available = available == 1;
  return status;
}

std::string postlog_datagram(const std::tm& local, std::string_view hostname, std::string_view tag, std::int64_t pid,
                             Severity severity, std::string_view text) {
  const std::string_view label = hostname.substr(0, hostname.find('.'));
  const auto month = static_cast<std::size_t>(local.tm_mon < 0 ? 0 : local.tm_mon % 12);
  std::string line{kMonths[month]};
  line.append(" ").append(two_digits(local.tm_mday));
  line.append(" ").append(two_digits(local.tm_hour));
  line.append(":").append(two_digits(local.tm_min));
  line.append(":").append(two_digits(local.tm_sec));
  line.append(" ").append(label.empty() ? "amnesiac" : label);
  line.append(" ").append(tag).append("[").append(std::to_string(pid)).append("]: ");
  line.append(severity_prefix(severity)).append(text);
  return line;
}

}  // namespace weir::codec
