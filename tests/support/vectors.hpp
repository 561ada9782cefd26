// Where the recorded observations are: $WEIR_VECTORS when set, else tests/vectors of this source tree.
#pragma once

#include <cstdlib>
#include <filesystem>

namespace weir::testing {

inline std::filesystem::path vectors() {
  if (const char* given = std::getenv("WEIR_VECTORS"); given != nullptr && *given != '\0') return given;
  return WEIR_SOURCE_VECTORS;
}

}  // namespace weir::testing
