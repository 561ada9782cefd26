// main.cf on disk: where it is, and how it is read when somebody may be editing it right now.
//
// Promises: a file that was changed within the last second is read again after a pause, as often as needed but not
// for ever; what one pass has set stays unless a later one changes it. Tested in tests/app/life/main_cf_file_test.cpp.
#pragma once

#include <optional>
#include <string>

#include "codec/main_cf.hpp"

namespace weir::postfix {

// $MAIL_CONFIG, else the built-in place.
[[nodiscard]] std::string config_directory();

// Reads CONFIG_DIRECTORY/main.cf into the dictionary.
[[nodiscard]] codec::Notes read_main_cf_file(const std::string& config_directory, codec::Dictionary& dictionary);

// A whole file of at most kLoadMax bytes; nothing = cannot be read, or larger than that.
inline constexpr std::size_t kLoadMax = std::size_t{16} << 20;
[[nodiscard]] std::optional<std::string> load_file(const std::string& path);

}  // namespace weir::postfix
