// The text of one delay in a log line: at most two significant digits, at most `decimals` of them after the point,
// no trailing zeros. Tested in tests/codec/wire/delay_test.cpp.
#pragma once

#include <string>

#include "contract/time.hpp"

namespace weir::codec {

// A negative delay counts as 0; `decimals` (delay_logging_resolution_limit) is kept within 0 ... 6.
[[nodiscard]] std::string format_delay(Micros delay, int decimals);

}  // namespace weir::codec
