// trace: any text as lines of a recorded run.
//
//   read_line(x) = v          =>  line_of(v) has no line break, and read_line(line_of(v)) = v
//   read_line(x) refused      =>  it says why
//   Lines over x              :   ends; numbers count up from 1; only the last line may be incomplete
#include <sstream>
#include <string>

#include "contract/check.hpp"
#include "fuzz/target.hpp"
#include "trace/reader/read.hpp"
#include "trace/write.hpp"

namespace weir::fuzz {
namespace {

void check_line(const Result<TraceLine>& content) {
  if (!content) {
    WEIR_CHECK(!content.error().text.empty());
    return;
  }
  const std::string text = trace::line_of(*content);
  WEIR_CHECK(text.find('\n') == std::string::npos);
  const auto again = trace::read_line(text);
  WEIR_CHECK(again && trace::line_of(*again) == text);
  const bool has_nan = text.find("\"nan\"") != std::string::npos;  // which is not equal to itself
  WEIR_CHECK(has_nan || *again == *content);
}

}  // namespace

void run(std::string_view input) {
  std::istringstream stream{std::string{input}};
  trace::Lines lines(stream);
  std::size_t number = 0;
  bool complete = true;
  while (const auto line = lines.next()) {
    WEIR_CHECK(complete && line->number == ++number);
    complete = line->complete;
    check_line(line->content);
  }
  check_line(trace::read_line(input));
}

}  // namespace weir::fuzz
