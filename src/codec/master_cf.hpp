// master.cf: its lines to services, each to the command line that master gives its process (spec/check_config.md).
//
// Promises: a pure function of the text; whatever is in it, work and memory grow with its length only. A line that
// master would refuse is no service, and is told of in master's own words. Tested in
// tests/codec/config/master_cf_test.cpp.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::codec {

struct MasterService {
  // One word of the command line of the service, and the physical line on which it begins.
  struct Argument {
    std::string text;
    std::size_t line = 0;

    friend bool operator==(const Argument&, const Argument&) = default;
  };

  std::size_t line = 0;  // its first physical line
  std::string name;
  std::string type;            // inet, unix, fifo, pass or unix-dgram
  bool is_private = true;      // private/NAME, not public/NAME
  bool unprivileged = true;    // the process is to become mail_owner
  std::optional<bool> chroot;  // nothing: by the compatibility level
  int wakeup = 0;              // seconds; 0 = never
  bool wakeup_when_used = false;
  std::optional<int> process_limit;  // 0 = none; nothing: default_process_limit
  std::string command;               // as written
  std::vector<Argument> arguments;   // after the command; braces are resolved

  friend bool operator==(const MasterService&, const MasterService&) = default;
};

struct MasterCf {
  std::vector<MasterService> services;
  std::vector<std::string> warnings;
  std::vector<std::string> errors;  // of the lines that are no services; master ends at the first one
};

// `path` is the name of the file, for messages. Of services with one and the same socket the last one stays.
[[nodiscard]] MasterCf parse_master_cf(std::string_view path, std::string_view text);

// The arguments that master gives the process of a service, argv[0] first: its own, then those of the line.
struct MasterDefaults {
  int process_limit = 100;  // default_process_limit
  bool chroot = false;      // compatibility_level is below 1
};
[[nodiscard]] std::vector<std::string> daemon_arguments(const MasterService& service, const MasterDefaults& defaults);

}  // namespace weir::codec
