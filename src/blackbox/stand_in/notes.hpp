// What all stand-ins of one subject share: the observations so far, and what messages are called.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "blackbox/observation.hpp"

namespace weir::blackbox::stand_in {

// A queue id is this, then the name of the message: files sort as messages do.
inline constexpr std::string_view kIdPrefix = "00WEIR00";

[[nodiscard]] std::string id_of(std::string_view message);
[[nodiscard]] std::string message_of(std::string_view queue_id);  // an id of somebody else's stays as it is
// <NAME> in place of each id, `root` as $DIR.
[[nodiscard]] std::string readable(std::string_view text, std::string_view root);
// For a text about what a subject has said: one line, printable, not too long.
[[nodiscard]] std::string excerpt(std::string_view bytes);

struct Notes {
  std::int64_t now = 0;  // virtual second
  std::vector<Observation> seen;
  std::optional<std::string> misbehaviour;  // the first
  std::optional<std::string> broke_off;     // likewise, unless the subject has ended

  void see(Sight sight) { seen.push_back({now, std::move(sight)}); }
  void misbehaves(std::string how) {
    if (!misbehaviour) misbehaviour = std::move(how);
  }
};

}  // namespace weir::blackbox::stand_in
