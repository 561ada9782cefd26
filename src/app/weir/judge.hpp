// weir judge: whether recorded runs were decided as the model decides. Tested in tests/app/weir/judge_test.cpp.
#pragma once

#include <iosfwd>
#include <string>

namespace weir::app {

inline constexpr int kConforms = 0;
inline constexpr int kDeparts = 1;
inline constexpr int kNotJudged = 2;

// Judges all runs of a trace, up to the first departure, and says on `out` how much that was. What keeps it from
// judging goes to `errors`.
[[nodiscard]] int judge_trace(std::istream& trace, const std::string& name, std::ostream& out, std::ostream& errors);

// The file, or standard input for "-". The exit status: one of the above.
[[nodiscard]] int judge(const std::string& file, std::ostream& out, std::ostream& errors);

}  // namespace weir::app
