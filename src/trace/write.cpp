#include "trace/write.hpp"

#include <variant>

#include "contract/json_text.hpp"

namespace weir::trace {
namespace {

template <class T>
std::string compact(const T& value) {
  JsonText text(JsonText::Blanks::none);
  text.value(value);
  return text.take();
}

}  // namespace

std::string line_of(const TraceHeader& header) { return compact(header); }
std::string line_of(const TraceStep& step) { return compact(step); }
std::string line_of(const TraceEnd& end) { return compact(end); }
std::string line_of(const TraceLine& line) {
  return std::visit([](const auto& each) { return line_of(each); }, line);
}

}  // namespace weir::trace
