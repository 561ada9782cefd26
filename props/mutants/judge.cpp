// Judges the engine that it is linked with: lock-step with the model, and every law from outside. Linked once with the
// sound engine, which must pass, and once with each planted fault (mutate.py). Prints a line for each property that
// finds something: "killed NAME after CASES: what", as it finds it, since a planted fault may also crash.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <set>
#include <string>
#include <string_view>

#include "engine/engine.hpp"
#include "model/model.hpp"
#include "props/run.hpp"
#include "sim/script.hpp"

namespace {

using namespace weir;
using namespace weir::props;

constexpr std::uint64_t kCasesMax = 4000;  // scripts in lock-step
constexpr std::uint64_t kLawCases = 400;   // scripts before the laws
constexpr std::size_t kSteps = 120;

// "PAR-026: more deliveries than ..." is the law PAR-026; what has no id is the engine's own count of itself.
std::string law_of(const std::string& violation) {
  const std::string word = violation.substr(0, violation.find(": "));
  const bool is_id = word.size() == 7 && word[3] == '-';
  return is_id || word == "starved" ? word : "invariants";
}

void tell(const std::string& property, std::uint64_t cases, const std::string& what) {
  std::cout << "killed " << property << " after " << cases << ": " << what.substr(0, what.find('\n')) << std::endl;
}

int lock_step() {
  const Pair pair{model::make_model, engine::make_engine, 1, {}};
  for (std::uint64_t seed = 1; seed <= kCasesMax; ++seed) {
    const Outcome outcome = run_lockstep(sim::random_script(seed, kSteps), pair);
    if (outcome.broken.empty()) continue;
    tell("lock-step", seed, outcome.broken);
    return 1;
  }
  return 0;
}

int laws() {
  std::set<std::string> broken;
  for (std::uint64_t seed = 1; seed <= kLawCases; ++seed) {
    const std::string what = run_alone(sim::random_script(seed, kSteps), engine::make_engine, true);
    if (!what.empty() && broken.insert(law_of(what)).second) tell(law_of(what), seed, what);
  }
  return broken.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "lock-step") return lock_step();
  if (what == "laws") return laws();
  std::cerr << "judge lock-step | laws\n";
  return 2;
}
