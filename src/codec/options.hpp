// The command line of a daemon under master(8): words to options, in the way of getopt.
//
// Promises: pure; the first bad option gives the text that is logged as fatal. What options mean for the process
// (-D, -V, -c, -u) is left to the caller. Tested in tests/codec/config/options_test.cpp.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "codec/main_cf.hpp"

namespace weir::codec {

struct Options {
  bool chroot = false;                        // -c
  bool allow_terminal = false;                // -d
  bool debugger = false;                      // -D
  bool one_process = false;                   // -l: the process limit is 1
  bool unlimited_processes = false;           // -z
  bool standalone = false;                    // -S
  bool drop_privileges = false;               // -u
  bool log_to_stderr = false;                 // -V
  int verbose = 0;                            // -v, each time
  int socket_count = 1;                       // -s N
  std::string service_name;                   // -n NAME; default: the last part of argv[0]
  std::optional<std::string> transport_type;  // -t TYPE: checked late, see start_failure()
  std::vector<Setting> settings;              // -o, -i (max_idle), -m (max_use), in order: set them one after the other
  std::vector<std::size_t> setting_places;    // for each of them, which argument holds it
  std::vector<std::string> left_over;         // fatal at the first trigger: left_over_failure()

  friend bool operator==(const Options&, const Options&) = default;
};

struct ParsedOptions {
  Options options;  // what came before the bad one, if there is one
  std::optional<std::string> fatal;
};

// `arguments` includes argv[0].
[[nodiscard]] ParsedOptions parse_options(const std::vector<std::string>& arguments);

// The last part of a path, as the process name is made from argv[0].
[[nodiscard]] std::string base_name(const std::string& path);

// What is checked after the evaluation of all parameters: the process limit, then the transport type.
[[nodiscard]] std::optional<std::string> start_failure(const Options& options);

// What is checked at the first trigger.
[[nodiscard]] std::optional<std::string> left_over_failure(const Options& options);

void apply(const Options& options, Dictionary& dictionary);

}  // namespace weir::codec
