// weir oracle: judges a queue manager binary from outside. Tested in tests/blackbox/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

namespace weir::app {

struct OracleOptions {
  std::filesystem::path subject;       // a program; or model, or engine
  std::vector<std::string> arguments;  // of the subject, beside those that master gives
  std::string personality;             // empty: the subject's name says it
  std::string level = "exact";
  std::string excuses = "none";  // which known departures are excused: none, postfix
  std::uint64_t scenarios = 100, steps = 60;
  std::uint64_t seed = 0;
  std::uint64_t only_number = 0;  // of run: just this one of the seed's scripts, from 1; 0 = all
  std::filesystem::path named;    // a folder of scenarios, or one; empty: none
  std::filesystem::path report;   // a folder for report.{txt,json,xml,html} and departures; empty: none
  std::filesystem::path preload;  // empty: beside this program
  std::filesystem::path scratch;  // empty: below the folder for temporary files
  std::string replayed;           // of replay: a script or a scenario
  bool keep_going = true;         // after a departure
  int shrink_budget = 300;        // trials to make a departure shorter
};

// The exit status: 0 it conforms, 1 it departs, 2 it cannot be judged.
[[nodiscard]] int oracle_run(const OracleOptions& options, std::ostream& out, std::ostream& errors);
[[nodiscard]] int oracle_replay(const OracleOptions& options, std::ostream& out, std::ostream& errors);

}  // namespace weir::app
