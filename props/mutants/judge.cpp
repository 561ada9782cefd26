// Judges the engine that it is linked with: lock-step with the model, and every named law (props/laws.hpp). Linked once
// with the sound engine, which must pass, and once with each planted fault (mutate.py). Prints a line for each property
// that finds something, "killed NAME after CASES: what", and goes on to the next one.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "engine/engine.hpp"
#include "model/model.hpp"
#include "props/laws.hpp"
#include "props/run.hpp"
#include "sim/script.hpp"

namespace {

using namespace weir;
using namespace weir::props;

constexpr std::uint64_t kScripts = 3000;  // in lock-step
constexpr std::size_t kSteps = 120;
constexpr unsigned kSeconds = 30;  // for each property; a planted fault may never end

void tell(std::string_view property, std::uint64_t cases, const std::string& what) {
  std::cout << "killed " << property << " after " << cases << ": " << what.substr(0, what.find('\n')) << std::endl;
}

bool lock_step_finds() {
  const Pair pair{model::make_model, engine::make_engine, 1, {}};
  for (std::uint64_t seed = 1; seed <= kScripts; ++seed) {
    const Outcome outcome = run_lockstep(sim::random_script(seed, kSteps), pair);
    if (outcome.broken.empty()) continue;
    tell("lock-step", seed, outcome.broken);
    return true;
  }
  return false;
}

bool finds(const Law& law) {
  for (std::uint64_t seed = 1; seed <= law.cases; ++seed) {
    const std::string what = law.broken(engine::make_engine, seed);
    if (!law.says(what)) continue;
    tell(law.name, seed, what);
    return true;
  }
  return false;
}

// In a process of its own: a planted fault may also crash, or run for ever. That is a find, but by no law.
template <class Property>
bool apart(std::string_view name, unsigned seconds, const Property& property) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(seconds);
    const bool found = property();
    std::cout.flush();
    ::_exit(found ? 1 : 0);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) std::exit(2);
  if (WIFSIGNALED(status)) {
    tell(WTERMSIG(status) == SIGALRM ? "no-end" : "crash", 0, std::string(name));
    return true;
  }
  return status != 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  bool found = false;
  if (what == "lock-step") {
    found = apart(what, 10 * kSeconds, lock_step_finds);
  } else if (what == "laws") {
    for (const Law& law : laws()) found |= apart(law.name, kSeconds, [&law] { return finds(law); });
  } else if (what == "names") {
    for (const std::string_view name : kLawNames) std::cout << name << '\n';
  } else {
    std::cerr << "judge lock-step | laws | names\n";
    return 2;
  }
  return found ? 1 : 0;
}
