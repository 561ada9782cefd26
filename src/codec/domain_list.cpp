#include "codec/domain_list.hpp"

#include <cstddef>

#include "codec/text.hpp"

namespace weir::codec {

namespace {

// The lines of a pattern file without comments.
[[nodiscard]] std::string without_comments(std::string_view text) {
  std::string kept;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::string_view content = trim_left(line);
    if (content.empty() || content.front() == '#') continue;
    kept += line;
    kept += '\n';
  }
  return kept;
}

}  // namespace

DomainList DomainList::parse(std::string_view parameter, std::string_view text, bool parents_match, const Load& load,
                             std::vector<std::string>& warnings) {
  DomainList list;
  list.parents_match_ = parents_match;
  const std::string head = std::string(parameter) + ": ";
  const auto add = [&](std::string_view item, bool wanted, auto&& self, bool in_file) -> void {
    while (!item.empty() && item.front() == '!') {
      wanted = !wanted;
      item.remove_prefix(1);
    }
    if (item.empty()) {
      warnings.push_back(head + "no pattern after '!'");
    } else if (item.front() == '/') {
      const std::optional<std::string> content =
          load && !in_file ? load(std::string(item)) : std::optional<std::string>{};
      if (!content) {
        warnings.push_back(head + "cannot read " + std::string(item) + ", which matches nothing");
        return;
      }
      for (const std::string& inner : split_list(without_comments(*content))) self(inner, wanted, self, true);
    } else if (item.find(':') != std::string_view::npos) {
      warnings.push_back(head + "lookup table " + std::string(item) + " is not supported and matches nothing");
    } else {
      list.patterns_.push_back({wanted, lower(item)});
    }
  };
  for (const std::string& item : split_list(text)) add(item, true, add, false);
  return list;
}

bool DomainList::matches(std::string_view domain) const {
  const std::string name = lower(domain);
  const auto is_below = [&name](std::string_view parent) {  // parent begins with a dot
    return name.size() > parent.size() && std::string_view(name).substr(name.size() - parent.size()) == parent;
  };
  for (const Pattern& pattern : patterns_) {
    const bool found = name == pattern.text || (pattern.text.front() == '.' && is_below(pattern.text)) ||
                       (parents_match_ && is_below("." + pattern.text));
    if (found) return pattern.wanted;
  }
  return false;
}

}  // namespace weir::codec
