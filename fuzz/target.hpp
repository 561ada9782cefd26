// What a fuzz target is: one function. It looks at any bytes and returns, or it ends the process: by WEIR_CHECK where
// its property does not hold, by a sanitizer, by an exception.
//
// entry.cpp makes it known to the fuzzing engine; replay_main.cpp runs it over its corpus without one.
#pragma once

#include <string_view>

namespace weir::fuzz {

void run(std::string_view input);

}  // namespace weir::fuzz
