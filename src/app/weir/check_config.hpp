// weir check-config: the effective settings of an instance, and what its queue managers would say of them
// (spec/check_config.md). Tested in tests/app/weir/check_config_test.cpp.
#pragma once

#include <iosfwd>
#include <string>

#include "app/weir/inspect.hpp"

namespace weir::app {

inline constexpr int kNothingToSay = 0;
inline constexpr int kWarns = 1;
inline constexpr int kWouldEnd = 2;  // master or a queue manager would not start, or end later

struct CheckConfigOptions {
  std::string directory;
  bool changed = false;  // only what is not the default
  bool json = false;
};

[[nodiscard]] int status_of(const Inspection& inspection);
void print_text(const Inspection& inspection, bool changed, std::ostream& out);
[[nodiscard]] std::string json_text(const Inspection& inspection, bool changed);

// The exit status: one of the above.
[[nodiscard]] int check_config(const CheckConfigOptions& options, std::ostream& out);

}  // namespace weir::app
