// Start: from the environment and the command line to a process that is ready to work, in the order of the real
// daemon (spec/master.md). Each step either succeeds or ends the process with the words of the real one.
// Tested in tests/app/life/start_parity_test.py, against the real binary.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "codec/options.hpp"
#include "codec/parameters.hpp"
#include "codec/version.hpp"
#include "contract/config.hpp"
#include "postfix/process_log.hpp"

namespace weir::app {

class Start {
 public:
  explicit Start(const std::vector<std::string>& arguments);

  // All steps up to the point where only the brain and its world are missing.
  void run();

  [[nodiscard]] postfix::ProcessLog& log() { return log_; }
  [[nodiscard]] const codec::Options& options() const { return options_; }
  [[nodiscard]] const codec::ProcessSettings& settings() const { return settings_; }
  [[nodiscard]] const Config& config() const { return config_; }
  [[nodiscard]] const codec::Dialect& dialect() const { return dialect_; }
  [[nodiscard]] const std::string& process_name() const { return surroundings_.process_name; }
  [[nodiscard]] std::uint32_t generation() const { return generation_; }

 private:
  void open_early_log();
  void read_main_cf();
  void read_options();
  void evaluate_general();
  void reopen_log();
  void refuse_terminal();
  void evaluate_own();
  void read_generation();
  void run_debugger();
  void enter_queue_directory();
  void before_jail();
  void learn_dialect();
  void enter_jail();
  void after_jail();
  void heed(const codec::Notes& notes);

  std::vector<std::string> arguments_;
  postfix::ProcessLog log_;
  codec::Surroundings surroundings_;
  codec::Dictionary dictionary_;
  codec::Options options_;
  codec::ProcessSettings settings_;
  Config config_;
  codec::Dialect dialect_;
  std::uint32_t generation_ = 0;
};

}  // namespace weir::app
