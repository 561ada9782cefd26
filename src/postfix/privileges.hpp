// Privileges: from root to mail_owner, and into the queue directory as root directory.
//
// Promises: after success real, effective and saved ids are the owner's; a failure is the text to die with, and
// then the process may be left half-way. Tested in tests/app/life/privileges_test.cpp (root only).
#pragma once

#include <optional>
#include <string>

namespace weir::postfix {

// Drops to `owner` (with its supplementary groups) unless empty; changes the root directory to `root` unless empty.
[[nodiscard]] std::optional<std::string> limit_privileges(const std::string& owner, const std::string& root);

}  // namespace weir::postfix
