// Names that the text form of inputs uses and that its writer and its reader must agree upon.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "contract/event.hpp"

namespace weir::blackbox {

inline constexpr std::string_view kUsualSender = "sender@test.example";
inline constexpr unsigned kResolveClassDefault = 4096;

inline constexpr auto kSetupKeywords = std::to_array<std::string_view>({"show-allocate", "absent", "arguments"});
inline constexpr auto kMessageKeywords = std::to_array<std::string_view>({"unannounced", "record", "resolve"});

inline constexpr auto kResolverFlags = std::to_array<std::pair<std::string_view, unsigned>>({
    {"bad-address", kResolveError},
    {"trouble", kResolveFail},
    {"local", kResolveClassLocal},
    {"default", kResolveClassDefault},
});

}  // namespace weir::blackbox
