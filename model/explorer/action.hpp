// What can happen in a small world, and a Script: a sequence of such actions that can be written down and repeated.
//
// Actions name what they are about by what it is (message, first recipient, transport), never by an id, so a script
// means the same to every brain. An action that is not possible where a script has it is passed over.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "contract/result.hpp"
#include "model/explorer/world.hpp"

namespace weir::explorer {

struct Action {
  enum class Kind : std::uint8_t {
    turn,           // the loop goes round
    wait_second,    // a second passes
    wait_deadline,  // time passes until the brain's deadline
    arrive,         // a: message
    trigger,        // a: which buffer of the world
    greet,          // a: transport; its connection that has waited longest
    refuse,         // a: transport; the same connection fails
    break_off,      // a: transport; it greets, but will not take a request
    done,
    part,
    defer,
    bounce,
    site,
    crash,       // a: message, b: first recipient of the delivery that ends so
    resolve,     // the resolver answers the oldest question
    no_resolve,  // it answers that it has trouble
    answer,      // a: message, b: recipient or kWhole: a service answers ok
    no_answer,   // not ok
  };
  Kind kind{};
  std::uint8_t a = 0, b = 0;
  friend bool operator==(const Action&, const Action&) = default;
};
inline constexpr std::uint8_t kWhole = 15;  // a question about a message, not about one recipient

using Script = std::vector<Action>;

[[nodiscard]] std::string show(const World& world, const Action& action);
// One action a line, numbered; "#" begins a comment.
[[nodiscard]] std::string show(const World& world, const Script& script);
[[nodiscard]] Result<Script> parse_script(const World& world, std::string_view text);

[[nodiscard]] Action::Kind end_with(Outcome outcome);

}  // namespace weir::explorer
