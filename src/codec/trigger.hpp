// Small byte forms around the queue manager: trigger buffers, the status record for master(8), the datagram for
// postlogd(8). What trigger bytes mean is the brain's. Tested in tests/codec/wire/trigger_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "codec/severity.hpp"

namespace weir::codec {

inline constexpr std::size_t kTriggerMax = 1024;  // bytes taken from one trigger connection

// What a trigger client sends over a socket: the codes, then a NUL.
[[nodiscard]] std::string trigger_message(std::string_view codes);
// For people: printable bytes as they are, others as \xNN.
[[nodiscard]] std::string show_trigger(std::string_view bytes);

// One 12-byte record on the status pipe; native byte order.
struct MasterStatus {
  std::int32_t pid = 0;
  std::uint32_t generation = 0;
  bool available = false;
  friend bool operator==(const MasterStatus&, const MasterStatus&) = default;
};
inline constexpr std::size_t kMasterStatusSize = 12;
[[nodiscard]] std::string encode(const MasterStatus& status);
[[nodiscard]] std::optional<MasterStatus> decode_master_status(std::string_view bytes);

// "Mon DD HH:MM:SS HOST TAG[PID]: [severity: ]text", no newline. `local` is broken-down local time; of `hostname`
// the first label is used ("amnesiac" if there is none). The text goes as it is: clean it first.
[[nodiscard]] std::string postlog_datagram(const std::tm& local, std::string_view hostname, std::string_view tag,
                                           std::int64_t pid, Severity severity, std::string_view text);

}  // namespace weir::codec
