#include "app/weir/check_config.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

namespace weir::app {
namespace {

using Json = nlohmann::ordered_json;

const char* word_of(Remark::Severity severity) {
  switch (severity) {
    case Remark::Severity::warning: return "warning";
    case Remark::Severity::fatal: return "fatal";
    case Remark::Severity::panic: return "panic";
  }
  return "";
}

// One line, whatever is in it.
std::string printable(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
  return text;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    const bool quoted = word.empty() || word.find_first_of(" \t{}") != std::string::npos;
    text += (text.empty() ? "" : " ") + (quoted ? "{ " + word + " }" : word);
  }
  return text;
}

class Printer {
 public:
  Printer(bool changed, std::ostream& out) : changed_(changed), out_(out) {}

  void manager(const ShownManager& manager) {
    const std::string place = manager.name + "/" + manager.type;
    heading("queue manager " + place + ": master.cf line " + std::to_string(manager.line) + ": " +
            joined(manager.arguments));
    settings(manager.fields, place + "/");
    settings(manager.overrides, place + "/");
    heading("parameters of " + place);
    settings(manager.parameters, "");
    for (const ShownTransport& transport : manager.transports) {
      const auto is_shown = [&](const ShownSetting& setting) { return setting.changed || !changed_; };
      if (std::none_of(transport.settings.begin(), transport.settings.end(), is_shown)) continue;
      heading("transport " + transport.name + ": master.cf line " + std::to_string(transport.line) + ": " +
              transport.command);
      settings(transport.settings, "");
    }
  }

  void remark(const Remark& remark) {
    out_ << printable(remark.who) << ": " << word_of(remark.severity) << ": " << printable(remark.text);
    if (!remark.when.empty()) out_ << "  # " << printable(remark.when);
    out_ << '\n';
  }

  void heading(const std::string& text) { out_ << "# " << printable(text) << '\n'; }

 private:
  void settings(const std::vector<ShownSetting>& settings, const std::string& prefix) {
    for (const ShownSetting& setting : settings) {
      if (changed_ && !setting.changed) continue;
      out_ << printable(prefix + setting.name) << " =" << (setting.value.empty() ? "" : " ") << printable(setting.value)
           << "  # " << printable(setting.source) << '\n';
    }
  }

  bool changed_;
  std::ostream& out_;
};

Json json_of(const std::vector<ShownSetting>& settings, bool changed) {
  Json array = Json::array();
  for (const ShownSetting& setting : settings) {
    if (changed && !setting.changed) continue;
    array.push_back({{"name", setting.name},
                     {"value", setting.value},
                     {"default", setting.default_text},
                     {"source", setting.source},
                     {"changed", setting.changed}});
  }
  return array;
}

Json json_of(const ShownManager& manager, bool changed) {
  Json transports = Json::array();
  for (const ShownTransport& transport : manager.transports) {
    transports.push_back({{"name", transport.name},
                          {"line", transport.line},
                          {"command", transport.command},
                          {"settings", json_of(transport.settings, changed)}});
  }
  return {{"service", manager.name},
          {"type", manager.type},
          {"line", manager.line},
          {"arguments", manager.arguments},
          {"fields", json_of(manager.fields, changed)},
          {"overrides", json_of(manager.overrides, changed)},
          {"parameters", json_of(manager.parameters, changed)},
          {"transports", std::move(transports)}};
}

}  // namespace

int status_of(const Inspection& inspection) {
  int status = kNothingToSay;
  for (const Remark& remark : inspection.remarks) {
    status = std::max(status, remark.severity == Remark::Severity::warning ? kWarns : kWouldEnd);
  }
  return status;
}

void print_text(const Inspection& inspection, bool changed, std::ostream& out) {
  Printer printer(changed, out);
  for (const ShownManager& manager : inspection.managers) printer.manager(manager);
  if (!inspection.remarks.empty()) printer.heading("what is said");
  for (const Remark& remark : inspection.remarks) printer.remark(remark);
}

std::string json_text(const Inspection& inspection, bool changed) {
  Json managers = Json::array();
  for (const ShownManager& manager : inspection.managers) managers.push_back(json_of(manager, changed));
  Json remarks = Json::array();
  for (const Remark& remark : inspection.remarks) {
    remarks.push_back({{"who", remark.who},
                       {"severity", word_of(remark.severity)},
                       {"text", remark.text},
                       {"when", remark.when.empty() ? "start" : remark.when}});
  }
  const Json all = {{"config_directory", inspection.config_directory},
                    {"status", status_of(inspection)},
                    {"queue_managers", std::move(managers)},
                    {"remarks", std::move(remarks)}};
  return all.dump(-1, ' ', false, Json::error_handler_t::replace);
}

int check_config(const CheckConfigOptions& options, std::ostream& out) {
  const Inspection inspection = inspect(options.directory);
  if (options.json) {
    out << json_text(inspection, options.changed) << '\n';
  } else {
    print_text(inspection, options.changed, out);
  }
  return status_of(inspection);
}

}  // namespace weir::app
