// A trace as text: one line of JSON for each TraceLine, without the end of line. Format: spec/trace.md.
// Tested in tests/trace/ and props/trace_props.cpp.
#pragma once

#include <string>

#include "contract/trace.hpp"

namespace weir::trace {

[[nodiscard]] std::string line_of(const TraceHeader& header);
[[nodiscard]] std::string line_of(const TraceStep& step);
[[nodiscard]] std::string line_of(const TraceEnd& end);
[[nodiscard]] std::string line_of(const TraceLine& line);

}  // namespace weir::trace
