// Helpers of the wire tests.
#pragma once

#include <cstddef>
#include <string>

namespace weir::testing {

// A string literal with NULs in it: bytes("a\0b\0\0").
template <std::size_t Size>
std::string bytes(const char (&literal)[Size]) {
  return std::string(literal, Size - 1);
}

}  // namespace weir::testing
