// What `weir check-config` knows of an instance: its queue managers with all their settings, and every remark of master,
// of the daemons and of the command itself (spec/check_config.md). Values only; check_config.cpp prints them.
// Tested in tests/app/weir/check_config_test.cpp.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace weir::app {

// Something that is said: by master or a queue manager in its own words, or by "check-config" as advice.
struct Remark {
  enum class Severity { warning, fatal, panic };

  std::string who;
  Severity severity = Severity::warning;
  std::string text;
  std::string when;  // not empty: not at start, but later

  friend bool operator==(const Remark&, const Remark&) = default;
};

struct ShownSetting {
  std::string name;
  std::string value;
  std::string default_text;  // not expanded
  std::string source;
  bool changed = false;  // somebody has set it, or something has been made of it
};

struct ShownTransport {
  std::string name;
  std::size_t line = 0;  // of master.cf
  std::string command;
  std::vector<ShownSetting> settings;
};

struct ShownManager {
  std::string name, type;
  std::size_t line = 0;                 // of master.cf
  std::vector<std::string> arguments;   // of the process; argv[0] first
  std::vector<ShownSetting> fields;     // of its line in master.cf, its personality in front
  std::vector<ShownSetting> overrides;  // -o
  std::vector<ShownSetting> parameters;
  std::vector<ShownTransport> transports;
};

struct Inspection {
  std::string config_directory;
  std::vector<ShownManager> managers;
  std::vector<Remark> remarks;  // master's, then those of the queue managers, then advice
};

// Reads DIRECTORY/main.cf and master.cf. The working directory is changed meanwhile.
[[nodiscard]] Inspection inspect(const std::string& config_directory);

}  // namespace weir::app
