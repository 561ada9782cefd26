// Which Postfix Weir works beside: nothing on the wire tells the release, but its programs carry it as text.
// Read at each start (every reload is one), so that an upgrade is seen. Tested in
// tests/postfix/world/installed_version_test.cpp.
#pragma once

#include <optional>
#include <string>

#include "codec/version.hpp"

namespace weir::postfix {

// "3.7.11", from the bounce program in the daemon directory; nothing if there is none that tells.
[[nodiscard]] std::optional<std::string> installed_mail_version(const std::string& daemon_directory);

}  // namespace weir::postfix
