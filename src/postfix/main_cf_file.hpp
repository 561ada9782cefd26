// main.cf on disk: where it is, and how it is read when somebody may be editing it right now.
//
// Promises: a file that was changed within the last second is read again after a pause, as often as needed but not
// for ever; what one pass has set stays unless a later one changes it. Tested in tests/app/life/main_cf_file_test.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "codec/main_cf.hpp"
#include "contract/result.hpp"

namespace weir::postfix {

// $MAIL_CONFIG, else the built-in place.
[[nodiscard]] std::string config_directory();

// Whether a file that was just edited is read again until it has settled, or taken as it is.
enum class Patience : std::uint8_t { until_settled, none };

// Reads CONFIG_DIRECTORY/main.cf into the dictionary.
[[nodiscard]] codec::Notes read_main_cf_file(const std::string& config_directory, codec::Dictionary& dictionary,
                                             Patience patience = Patience::until_settled);

// A whole file of at most kLoadMax bytes, or why not; load_file() gives nothing then.
inline constexpr std::size_t kLoadMax = std::size_t{16} << 20;
[[nodiscard]] Result<std::string> read_whole_file(const std::string& path);
[[nodiscard]] std::optional<std::string> load_file(const std::string& path);

}  // namespace weir::postfix
