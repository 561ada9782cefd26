// weir: the operator's tool. Each subcommand has a file of its own.
#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "app/weir/cat.hpp"
#include "app/weir/judge.hpp"

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

  CLI11_PARSE(app, argc, argv);
  int status = 0;
  if (cat->parsed()) status = weir::app::cat(cat_options, std::cout, std::cerr);
  if (judge->parsed()) status = weir::app::judge(trace, std::cout, std::cerr);
  std::cout.flush();
  if (std::cout) return status;
  std::cerr << "weir: standard output: write error\n";
  return 1;
}
