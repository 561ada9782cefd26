// weir_cat: any bytes as a queue file, shown by the tool.
//
//   json_text(x)            :   one line, valid JSON in valid UTF-8, with a verdict
//   verdict = "ok"         <=>  QueueFileReader reads x to its end
//   print_text(x)           :   complains  <=>  the verdict is not "ok", or the records do not end well
//   what is printed         :   at most a bound per byte of x, but for files that jump backward
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "app/weir/cat.hpp"
#include "codec/queue_file.hpp"
#include "codec/queue_walk.hpp"
#include "contract/check.hpp"
#include "fuzz/target.hpp"

namespace weir::fuzz {
namespace {

constexpr std::size_t kPrintedPerByte = 64;
constexpr std::size_t kPrintedMin = 4096;

bool is_good(std::string_view input) {
  codec::MemoryBytes source(input);
  codec::QueueFileReader reader;
  do {
    if (!reader.read(source, {"ID", "active/ID"}, 5000, {}, {}).ok()) return false;
  } while (reader.more());
  return true;
}

std::string time_text(std::int64_t seconds) { return std::to_string(seconds); }

}  // namespace

void run(std::string_view input) {
  codec::MemoryBytes source(input);
  const std::string text = app::json_text(source, "name");
  WEIR_CHECK(text.find('\n') == std::string::npos);
  const auto json = nlohmann::json::parse(text, nullptr, false);
  WEIR_CHECK(!json.is_discarded() && json.at("file") == "name" && json.at("records").is_array());
  const std::string verdict = json.at("verdict");
  WEIR_CHECK((verdict == "ok") == is_good(input));
  WEIR_CHECK((verdict == "ok") == json.at("reason").is_null());

  codec::MemoryBytes again(input);
  const auto ignore = [](const codec::Record&, bool) {};
  const std::string problem = codec::walk_queue_file(again, codec::WalkContent::visit, ignore);
  std::ostringstream out, errors;
  app::print_text(source, "name", time_text, out, errors);
  WEIR_CHECK(errors.str().empty() == (verdict == "ok" && problem.empty()));
  const bool may_jump = input.find('p') != std::string_view::npos;
  WEIR_CHECK(may_jump || out.str().size() <= kPrintedPerByte * input.size() + kPrintedMin);
}

}  // namespace weir::fuzz
