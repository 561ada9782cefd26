// Replays a recorded schedule (tests/vectors/schedules, see its README) on a brain, without any I/O: a virtual
// spool, resolver, agents and services answer as the recording's stand-ins did, and a virtual clock moves as the
// trace says. The result is compared with what the real program did.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "contract/brain.hpp"
#include "contract/config.hpp"

namespace weir::testing {

using BrainFactory = std::function<std::unique_ptr<Brain>(const Config&)>;
using BrainCheck = std::function<std::vector<std::string>(const Brain&)>;  // broken invariants, after each event

struct ReplayResult {
  std::vector<std::string> recorded;  // canonical lines of the trace
  std::vector<std::string> replayed;  // canonical lines of this run
  std::vector<std::string> broken;    // invariants
  int inputs = 0;

  // The first place where the two differ, in words; empty = the same.
  [[nodiscard]] std::string first_difference() const;
};

// `program` recorded it: qmgr or oqmgr.
[[nodiscard]] ReplayResult replay_schedule(const std::filesystem::path& trace, const std::string& program,
                                           const BrainFactory& make, const BrainCheck& check);

}  // namespace weir::testing
