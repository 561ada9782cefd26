// Every record of a queue file, in reading order, for whoever looks at a file without delivering it (weir cat).
// Tested in tests/app/weir/cat_test.cpp.
//
// Unlike QueueFileReader it goes on where the queue manager would call a file corrupt, as far as records can be
// told apart: after unknown types, malformed attributes, a missing X.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "codec/bytes.hpp"
#include "codec/record.hpp"

namespace weir::codec {

enum class WalkContent : std::uint8_t { skip, visit };

// Calls visit(record, in_content) for each record up to and with the end record; pointers are visited, then
// followed. `in_content` is true for the records between M and X. With WalkContent::skip the content is jumped
// over, as far as the size record leads over it.
// Answers why there is no end record; empty if there is one. A second jump to the same place ends the walk,
// and so does going over more than kRereadMax bytes again.
[[nodiscard]] std::string walk_queue_file(ByteSource& source, WalkContent content,
                                          const std::function<void(const Record&, bool in_content)>& visit);

// "Sun Nov 22 09:36:50 2026", in UTC: seconds since the epoch as postcat prints them.
[[nodiscard]] std::string utc_text(std::int64_t seconds);

}  // namespace weir::codec
