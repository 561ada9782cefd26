// SystemAccounts: the machine's user and group database, for the checks of mail_owner and its like.
#pragma once

#include "codec/parameters.hpp"

namespace weir::postfix {

class SystemAccounts final : public codec::Accounts {
 public:
  [[nodiscard]] std::optional<User> user(const std::string& name) const override;
  [[nodiscard]] std::optional<User> user_with_id(std::uint32_t id) const override;
  [[nodiscard]] std::optional<Group> group(const std::string& name) const override;
  [[nodiscard]] std::optional<Group> group_with_id(std::uint32_t id) const override;
};

}  // namespace weir::postfix
