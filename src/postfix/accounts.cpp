#include "postfix/accounts.hpp"

#include <grp.h>
#include <pwd.h>

namespace weir::postfix {

namespace {

std::optional<codec::Accounts::User> copy(const passwd* entry) {
  if (entry == nullptr) return std::nullopt;
  return codec::Accounts::User{entry->pw_name, entry->pw_uid, entry->pw_gid};
}

std::optional<codec::Accounts::Group> copy(const struct group* entry) {
  if (entry == nullptr) return std::nullopt;
  return codec::Accounts::Group{entry->gr_name, entry->gr_gid};
}

}  // namespace

std::optional<codec::Accounts::User> SystemAccounts::user(const std::string& name) const {
  return copy(getpwnam(name.c_str()));
}
std::optional<codec::Accounts::User> SystemAccounts::user_with_id(std::uint32_t id) const { return copy(getpwuid(id)); }
std::optional<codec::Accounts::Group> SystemAccounts::group(const std::string& name) const {
  return copy(getgrnam(name.c_str()));
}
std::optional<codec::Accounts::Group> SystemAccounts::group_with_id(std::uint32_t id) const {
  return copy(getgrgid(id));
}

}  // namespace weir::postfix
