// script: scripts of steps, as text and as bytes.
//
//   parse_script(x) = s   =>  parse_script(show(s)) = s
//   s = script_from_bytes(x):  parse_script(show(s)) = s, one step for each nine bytes after four
#include "contract/check.hpp"
#include "fuzz/target.hpp"
#include "sim/script.hpp"

namespace weir::fuzz {
namespace {

void check_again(const sim::Script& script) {
  const auto again = sim::parse_script(sim::show(script));
  WEIR_CHECK(again && *again == script);
}

}  // namespace

void run(std::string_view input) {
  if (const auto parsed = sim::parse_script(input)) {
    check_again(*parsed);
  } else {
    WEIR_CHECK(!parsed.error().text.empty());
  }
  const sim::Script script = sim::script_from_bytes(input);
  WEIR_CHECK(script.steps.size() == (input.size() < 4 ? 0 : (input.size() - 4) / 9));
  check_again(script);
}

}  // namespace weir::fuzz
