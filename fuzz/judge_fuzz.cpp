// judge: any text as a trace, judged by the tool.
//
//   judge_trace(x) is one of conforms, departs, not judged; what it says fits:
//     conforms, departs  =>  the last line of `out` says so, `errors` is empty
//     not judged         =>  one line on `errors` says why
//   judge_trace(x) twice =   the same
#include <sstream>
#include <string>
#include <tuple>

#include "app/weir/judge.hpp"
#include "contract/check.hpp"
#include "fuzz/target.hpp"

namespace weir::fuzz {
namespace {

std::tuple<int, std::string, std::string> judged(const std::string& text) {
  std::istringstream trace{text};
  std::ostringstream out, errors;
  const int status = app::judge_trace(trace, "x", out, errors);
  return {status, out.str(), errors.str()};
}

}  // namespace

void run(std::string_view input) {
  const std::string text{input};
  const auto result = judged(text);
  const auto& [status, out, errors] = result;
  switch (status) {
    case app::kConforms: WEIR_CHECK(out.ends_with("x: conforms\n") && errors.empty()); break;
    case app::kDeparts: WEIR_CHECK(out.ends_with("x: departs\n") && errors.empty()); break;
    case app::kNotJudged: WEIR_CHECK(errors.starts_with("weir judge: x: cannot be judged: ")); break;
    default: WEIR_CHECK(false);
  }
  WEIR_CHECK(judged(text) == result);
}

}  // namespace weir::fuzz
