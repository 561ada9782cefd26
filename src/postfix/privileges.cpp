#include "postfix/privileges.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>

#include "postfix/voice.hpp"

namespace weir::postfix {

namespace {

using Failure = std::optional<std::string>;

Failure failed(const std::string& what) { return what + ": " + reason_of(errno); }

Failure take_groups(const std::string& owner, gid_t group) {
  if (setgid(group) != 0) return failed("setgid(" + std::to_string(group) + ")");
  if (initgroups(owner.c_str(), group) != 0) return failed("initgroups");
  return std::nullopt;
}

Failure change_root(const std::string& root) {
  if (chroot(root.c_str()) != 0) return failed("chroot(" + root + ")");
  if (chdir("/") != 0) return failed("chdir(/)");
  return std::nullopt;
}

}  // namespace

//= R-SEC-01
//= R-SEC-05, R-SEC-06
std::optional<std::string> limit_privileges(const std::string& owner, const std::string& root) {
  const passwd* entry = nullptr;
  if (!owner.empty()) {
    entry = getpwnam(owner.c_str());
    if (entry == nullptr) return "unknown user: " + owner;
    const Failure failure = take_groups(owner, entry->pw_gid);
    if (failure) return failure;
  }
  const uid_t user = entry == nullptr ? 0 : entry->pw_uid;  // the entry is static storage of the library
  if (!root.empty()) {
    const Failure failure = change_root(root);
    if (failure) return failure;
  }
  if (!owner.empty() && setuid(user) != 0) return failed("setuid(" + std::to_string(user) + ")");
  return std::nullopt;
}

}  // namespace weir::postfix
