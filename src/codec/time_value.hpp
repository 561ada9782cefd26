// Times in main.cf: a number and a unit letter.
//
// Promises: s m h d w; what follows the letter does not count ("5days"); a letter alone is 0; no fraction, no
// negative time; the result is below 2^31 seconds. Tested in tests/codec/config/time_value_test.cpp.
#pragma once

#include <optional>
#include <string_view>

#include "contract/time.hpp"

namespace weir::codec {

// Nothing if malformed. `bare_unit` is the unit of a number without letter.
[[nodiscard]] std::optional<Seconds> parse_time(std::string_view text, char bare_unit);

}  // namespace weir::codec
