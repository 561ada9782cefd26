// Programs under test: Weir's own daemon as built beside the tests, Debian's, and programs that are no queue managers.
#pragma once

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>

#include "blackbox/process.hpp"

namespace weir::testing {

inline blackbox::SubjectOptions subject(const std::filesystem::path& program) {
  static std::atomic<int> last{0};
  blackbox::SubjectOptions options;
  options.program = program;
  options.preload = WEIR_CLOCK_LIBRARY;
  options.scratch =
      std::filesystem::temp_directory_path() / ("weir-" + std::to_string(getpid()) + "-" + std::to_string(++last));
  return options;
}

inline std::filesystem::path own(const std::string& name) { return std::filesystem::path(WEIR_DAEMONS) / name; }
inline std::filesystem::path debian(const std::string& name) {
  return std::filesystem::path("/usr/lib/postfix/sbin") / name;
}

}  // namespace weir::testing
