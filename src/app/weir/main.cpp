// weir: the operator's tool. Each subcommand has a file of its own.
#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "app/weir/cat.hpp"
#include "app/weir/check_config.hpp"
#include "app/weir/judge.hpp"
#include "app/weir/oracle.hpp"
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

  weir::app::OracleOptions oracle_options;
  CLI::App* oracle = app.add_subcommand("oracle", "Judge a queue manager from outside");
  oracle->require_subcommand(1);
  CLI::App* oracle_run = oracle->add_subcommand("run", "Named and generated scenarios, and a verdict");
  CLI::App* oracle_replay = oracle->add_subcommand("replay", "One script or scenario, as it was reported");
  oracle_replay->add_option("SCRIPT", oracle_options.replayed, "A script of steps, or a scenario")->required();
  for (CLI::App* verb : {oracle_run, oracle_replay}) {
    verb->add_option("--subject", oracle_options.subject,
                     "The queue manager's program; or model or engine, to see what they do")
        ->required();
    verb->add_option("--argument", oracle_options.arguments, "One of its arguments, beside those that master gives");
    verb->add_option("--personality", oracle_options.personality,
                     "qmgr, nqmgr, oqmgr or nqmgr-2003; else its name says it");
    verb->add_option("--level", oracle_options.level,
                     "exact: what the model decides. promises: what the manual pages say")
        ->check(CLI::IsMember({"exact", "promises"}))
        ->capture_default_str();
    verb->add_option("--excuse", oracle_options.excuses, "Known departures that are excused")
        ->check(CLI::IsMember({"none", "postfix"}))
        ->capture_default_str();
    verb->add_option("--report", oracle_options.report, "A folder for the report as text, JSON, JUnit XML and HTML");
    verb->add_option("--preload", oracle_options.preload, "libweir-clock.so");
    verb->add_option("--scratch", oracle_options.scratch, "A folder that is made and removed; its path must be short");
    verb->footer("Exit status: 0 it conforms, 1 it departs, 2 it cannot be judged.");
  }
  oracle_run->add_option("--scenarios", oracle_options.scenarios, "Generated ones")->capture_default_str();
  oracle_run->add_option("--steps", oracle_options.steps, "Of each")->capture_default_str();
  oracle_run->add_option("--seed", oracle_options.seed, "The same one gives the same report")->capture_default_str();
  oracle_run->add_option("--number", oracle_options.only_number, "Just this one of the seed's scripts");
  oracle_run->add_option("--named", oracle_options.named, "A file of scenarios, or a folder");
  oracle_run->add_option("--shrink", oracle_options.shrink_budget, "Trials to make a departing script shorter")
      ->capture_default_str();
  oracle_run->add_flag("!--first", oracle_options.keep_going, "End with the first departure");

  CLI11_PARSE(app, argc, argv);
  int status = 0;
  if (cat->parsed()) status = weir::app::cat(cat_options, std::cout, std::cerr);
  if (judge->parsed()) status = weir::app::judge(trace, std::cout, std::cerr);
  if (check->parsed()) status = weir::app::check_config(check_options, std::cout);
  if (oracle_run->parsed()) status = weir::app::oracle_run(oracle_options, std::cout, std::cerr);
  if (oracle_replay->parsed()) status = weir::app::oracle_replay(oracle_options, std::cout, std::cerr);
  std::cout.flush();
  if (std::cout) return status;
  std::cerr << "weir: standard output: write error\n";
  return 1;
}
