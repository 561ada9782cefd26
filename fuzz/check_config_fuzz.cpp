// check_config: any two texts as main.cf and master.cf, inspected by the tool.
//
//   x = main.cf NUL master.cf
//   json_text(inspect(x))             :   one line, valid JSON in valid UTF-8; its status is the worst remark's
//   inspect(x) twice                  =   the same text, the same status
//   changed settings                 <=   all settings
//   a queue manager shown             :   stands in a line that master.cf has
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "app/weir/check_config.hpp"
#include "app/weir/inspect.hpp"
#include "contract/check.hpp"
#include "fuzz/folder.hpp"
#include "fuzz/target.hpp"

namespace weir::fuzz {
namespace {

using app::Inspection;

std::string printed(const Inspection& inspection, bool changed) {
  std::ostringstream out;
  app::print_text(inspection, changed, out);
  return out.str();
}

void check_json(const Inspection& inspection) {
  const std::string text = app::json_text(inspection, false);
  WEIR_CHECK(text.find('\n') == std::string::npos);
  const auto json = nlohmann::json::parse(text, nullptr, false);
  WEIR_CHECK(!json.is_discarded() && json.at("status") == app::status_of(inspection));
  WEIR_CHECK(json.at("queue_managers").size() == inspection.managers.size());
  WEIR_CHECK(json.at("remarks").size() == inspection.remarks.size());
  WEIR_CHECK(inspection.remarks.empty() == (app::status_of(inspection) == app::kNothingToSay));
}

}  // namespace

void run(std::string_view input) {
  static const Folder folder;
  const auto end = std::min(input.find('\0'), input.size());
  const std::string_view main_cf = input.substr(0, end), master_cf = input.substr(std::min(end + 1, input.size()));
  folder.write("main.cf", main_cf);
  folder.write("master.cf", master_cf);
  const Inspection inspection = app::inspect(folder.path());
  const auto lines = static_cast<std::size_t>(std::count(master_cf.begin(), master_cf.end(), '\n')) + 1;
  for (const auto& manager : inspection.managers) WEIR_CHECK(manager.line >= 1 && manager.line <= lines);
  check_json(inspection);
  const std::string all = printed(inspection, false);
  WEIR_CHECK(printed(inspection, true).size() <= all.size());
  const Inspection again = app::inspect(folder.path());
  WEIR_CHECK(printed(again, false) == all && again.remarks == inspection.remarks);
}

}  // namespace weir::fuzz
