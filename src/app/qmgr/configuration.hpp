// Configuration: what main.cf, the command line and the machine make of a queue manager, step by step in the order of
// the real daemon (spec/master.md). Each step gives back what it has to say, in the words of the log; after a fatal one
// no other step is taken. The daemon goes through them when it starts (start.hpp), `weir check-config` without starting.
#pragma once

#include <string>
#include <vector>

#include "codec/options.hpp"
#include "codec/parameters.hpp"
#include "codec/version.hpp"
#include "contract/config.hpp"
#include "postfix/main_cf_file.hpp"

namespace weir::app {

struct Configuration {
  codec::Surroundings surroundings;
  codec::Dictionary dictionary;
  codec::Options options;
  codec::ProcessSettings settings;
  Config config;
  codec::Dialect dialect;

  [[nodiscard]] codec::Notes read_main_cf(postfix::Patience patience);
  [[nodiscard]] codec::Notes read_options(const std::vector<std::string>& arguments);
  [[nodiscard]] codec::Notes evaluate_general();
  [[nodiscard]] codec::Notes evaluate_own();
  [[nodiscard]] codec::Notes check_debugger() const;  // if one is wanted
  [[nodiscard]] codec::Notes before_jail();           // in queue_directory, with the rights to read tables
  [[nodiscard]] codec::Notes after_jail();

 private:
  void learn_dialect(codec::Notes& notes);
};

}  // namespace weir::app
