// weir: the operator's tool. Each subcommand has a file of its own.
#include <CLI/CLI.hpp>
#include <iostream>

#include "app/weir/cat.hpp"

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  CLI::App app{"Tools for the Weir queue manager"};
  app.require_subcommand(1);

  weir::app::CatOptions cat_options;
  CLI::App* cat = app.add_subcommand("cat", "Show what is in queue files");
  cat->add_option("FILE", cat_options.files, "Queue files; - is standard input")->required();
  cat->add_flag("--json", cat_options.json, "One JSON object a file, a line each");

  CLI11_PARSE(app, argc, argv);
  int status = 0;
  if (cat->parsed()) status = weir::app::cat(cat_options, std::cout, std::cerr);
  std::cout.flush();
  if (std::cout) return status;
  std::cerr << "weir: standard output: write error\n";
  return 1;
}
