// Start: from the environment and the command line to a process that is ready to work, in the order of the real
// daemon (spec/master.md). Each step either succeeds or ends the process with the words of the real one.
// Tested in tests/app/life/start_parity_test.py, against the real binary.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/qmgr/configuration.hpp"
#include "postfix/process_log.hpp"

namespace weir::app {

class Start {
 public:
  explicit Start(const std::vector<std::string>& arguments);

  // All steps up to the point where only the brain and its world are missing.
  void run();

  [[nodiscard]] postfix::ProcessLog& log() { return log_; }
  [[nodiscard]] const codec::Options& options() const { return configuration_.options; }
  [[nodiscard]] const codec::ProcessSettings& settings() const { return configuration_.settings; }
  [[nodiscard]] const Config& config() const { return configuration_.config; }
  [[nodiscard]] const codec::Dialect& dialect() const { return configuration_.dialect; }
  [[nodiscard]] const std::string& process_name() const { return configuration_.surroundings.process_name; }
  [[nodiscard]] std::uint32_t generation() const { return generation_; }

 private:
  void open_early_log();
  void read_options();
  void reopen_log();
  void refuse_terminal();
  void read_generation();
  void refuse_debugger();
  void enter_queue_directory();
  void enter_jail();
  void heed(const codec::Notes& notes);

  std::vector<std::string> arguments_;
  postfix::ProcessLog log_;
  Configuration configuration_;
  std::uint32_t generation_ = 0;
};

}  // namespace weir::app
