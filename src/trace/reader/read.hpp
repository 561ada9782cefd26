// Reading a trace, strictly: what a line says is what was recorded, or the line is refused. Format: spec/trace.md.
//
// Promises: no line makes it crash; a failure says what is wrong, in words, and the Lines reader gives the number of
// the line. Every field must be there once and have its type and range; no other field may be there.
// For tools and tests; the daemon writes traces and never reads one. Tested in tests/trace/ and props/trace_props.cpp.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "contract/result.hpp"
#include "contract/trace.hpp"

namespace weir::trace {

// One line, without its end of line.
[[nodiscard]] Result<TraceLine> read_line(std::string_view text);

// The lines of a stream, one at a time, in bounded memory.
class Lines {
 public:
  explicit Lines(std::istream& in) : in_(in) {}

  struct Line {
    std::size_t number = 0;  // from 1
    bool complete = true;    // false: the stream ended before the end of the line
    Result<TraceLine> content;
  };
  // Nothing at the end of the stream. After a line that cannot be read, the next one can be.
  [[nodiscard]] std::optional<Line> next();

 private:
  std::istream& in_;
  std::size_t number_ = 0;
  std::string text_;
};

}  // namespace weir::trace
