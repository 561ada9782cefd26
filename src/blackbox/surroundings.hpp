// What the surroundings of every party say, and what they make of what they hear: the same around a process and
// around a brain.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "blackbox/input.hpp"
#include "blackbox/observation.hpp"
#include "codec/attr.hpp"
#include "contract/event.hpp"

namespace weir::blackbox {

// Services that are asked for records and reports, in the order of contract's Service.
inline constexpr std::array<const char*, 5> kServiceNames = {"bounce", "defer", "trace", "verify", "flush"};

// What anybody but a queue manager may expect in a queue file (spec/queue_file.md). `now`: Unix time.
[[nodiscard]] std::string queue_file(const NewMessage& message, std::int64_t now);

// LOCAL@NEXTHOP.TRANSPORT: what the resolver says of an address of which it was told nothing.
[[nodiscard]] Answer usual_answer(const std::string& address);

// A request to bounce, defer, trace, verify or flush. The message is still the queue id.
[[nodiscard]] Reported reported(const std::string& service, const codec::AttrList& list);

// The transport of a line that tells of a failed connect, and of one that tells of a request that could not be written.
[[nodiscard]] std::optional<std::string> transport_not_connected(const std::string& log_text);
[[nodiscard]] std::optional<std::string> transport_not_written(const std::string& log_text);

}  // namespace weir::blackbox
