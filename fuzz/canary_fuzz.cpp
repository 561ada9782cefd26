// canary: is the engine any good today? A parser with a planted fault: it fails on a number of three bytes that nothing
// but coverage leads to. A campaign that does not find it looks at nothing.
//
//   run(x) = fault  <=>  |x| >= 6 and x[3..5] = "wEr"
//
// Its replay expects no failure: no file of the corpus may hold the number.
#include "contract/check.hpp"
#include "fuzz/target.hpp"

namespace weir::fuzz {

void run(std::string_view input) {
  constexpr std::size_t kAt = 3;
  if (input.size() < kAt + 3) return;
  if (input[kAt] != 'w') return;
  if (input[kAt + 1] != 'E') return;
  WEIR_CHECK(input[kAt + 2] != 'r');
}

}  // namespace weir::fuzz
