// Recorded observations that the wire tests read.
#pragma once

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace weir::testing {

inline std::string read_bytes(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>{in}, {}};
}

inline nlohmann::json read_json(const std::string& path) { return nlohmann::json::parse(read_bytes(path)); }

// Answers of the installed Postfix library: "external", "internal", "utf8" or "printable". Byte strings are in hex.
inline nlohmann::json observed_text(const std::string& kind) {
  return read_json(std::string{WEIR_SOURCE_DIR} + "/tests/codec/wire/observed_text.json").at(kind);
}

inline std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out += static_cast<char>(std::stoi(std::string{hex.substr(i, 2)}, nullptr, 16));
  }
  return out;
}

}  // namespace weir::testing
