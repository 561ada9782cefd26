// A recorded schedule (tests/vectors/schedules, see its README) as inputs with what the real program was seen to do after
// each: for brains and for processes.
#pragma once

#include <filesystem>
#include <vector>

#include "blackbox/input.hpp"
#include "blackbox/observation.hpp"

namespace weir::testing {

struct RecordedStep {
  blackbox::Input input;
  std::int64_t at = 0;                          // virtual second in which it began
  std::vector<blackbox::Observation> expected;  // canonical
};

// The first step is the setup. Throws if the file is not a recording.
[[nodiscard]] std::vector<RecordedStep> read_recording(const std::filesystem::path& file);

}  // namespace weir::testing
