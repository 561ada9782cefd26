// A list of domain patterns, such as the value of fast_flush_domains.
//
// Promises: first match wins; a pattern that cannot be used (a lookup table, an unreadable file) matches nothing
// and is told of once, when the list is made. Tested in tests/codec/config/domain_list_test.cpp.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::codec {

class DomainList {
 public:
  using Load = std::function<std::optional<std::string>(const std::string& path)>;

  // `parents_match`: "domain" also matches its subdomains, else only ".domain" does.
  static DomainList parse(std::string_view parameter, std::string_view text, bool parents_match, const Load& load,
                          std::vector<std::string>& warnings);

  [[nodiscard]] bool matches(std::string_view domain) const;
  [[nodiscard]] bool empty() const { return patterns_.empty(); }

 private:
  struct Pattern {
    bool wanted = true;  // false: !pattern
    std::string text;    // lower case, without the "!"
  };
  std::vector<Pattern> patterns_;
  bool parents_match_ = true;
};

}  // namespace weir::codec
