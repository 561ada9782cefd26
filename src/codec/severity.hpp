// Severity of a log line, and the word that stands before its text. Nothing else: log sinks include this.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::codec {

enum class Severity : std::uint8_t { debug, info, warning, error, fatal, panic };

// What precedes the text in a log; debug lines look like info lines (and are only shown when verbose).
[[nodiscard]] constexpr std::string_view severity_prefix(Severity severity) {
  switch (severity) {
    case Severity::debug:
    case Severity::info: return "";
    case Severity::warning: return "warning: ";
    case Severity::error: return "error: ";
    case Severity::fatal: return "fatal: ";
    case Severity::panic: return "panic: ";
  }
  return "";
}

}  // namespace weir::codec
