// Text form of events, commands and what they are made of: one line, JSON, field names as in the headers.
// A variant shows as {"<TypeName>": {...}}; bytes that are not printable ASCII as \u00XX.
#pragma once

#include <string>

#include "contract/command.hpp"
#include "contract/event.hpp"
#include "contract/snapshot.hpp"

namespace weir {

[[nodiscard]] std::string show(const Event& event);
[[nodiscard]] std::string show(const Command& command);
[[nodiscard]] std::string show(const LogRecord& record);
[[nodiscard]] std::string show(const Recipient& recipient);
[[nodiscard]] std::string show(const Envelope& envelope);
[[nodiscard]] std::string show(const Snapshot& snapshot);

}  // namespace weir
