// weir: the operator's tool. Each subcommand has a file of its own.
#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "app/weir/cat.hpp"
#include "app/weir/check_config.hpp"
#include "app/weir/judge.hpp"
#include "postfix/main_cf_file.hpp"

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  CLI::App app{"Tools for the Weir queue manager"};
  app.require_subcommand(1);

  weir::app::CatOptions cat_options;
  CLI::App* cat = app.add_subcommand("cat", "Show what is in queue files");
  cat->add_option("FILE", cat_options.files, "Queue files; - is standard input")->required();
  cat->add_flag("--json", cat_options.json, "One JSON object a file, a line each");

  std::string trace;
  CLI::App* judge = app.add_subcommand("judge", "Say whether a recorded run was decided as the model decides");
  judge->add_option("TRACE", trace, "What weir_trace recorded; - is standard input")->required();
  judge->footer("Exit status: 0 it was, 1 it departs, 2 it cannot be judged.");

  weir::app::CheckConfigOptions check_options;
  check_options.directory = weir::postfix::config_directory();
  CLI::App* check = app.add_subcommand("check-config", "Show the settings of an instance and what is wrong with them");
  check->add_option("-c", check_options.directory, "Where main.cf and master.cf are")->capture_default_str();
  check->add_flag("-n,--changed", check_options.changed, "Only what is not the default");
  check->add_flag("--json", check_options.json, "One JSON object, on one line");
  check->footer("Exit status: 0 nothing to say, 1 warnings, 2 master or a queue manager would end.");

  CLI11_PARSE(app, argc, argv);
  int status = 0;
  if (cat->parsed()) status = weir::app::cat(cat_options, std::cout, std::cerr);
  if (judge->parsed()) status = weir::app::judge(trace, std::cout, std::cerr);
  if (check->parsed()) status = weir::app::check_config(check_options, std::cout);
  std::cout.flush();
  if (std::cout) return status;
  std::cerr << "weir: standard output: write error\n";
  return 1;
}
