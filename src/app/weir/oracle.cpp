#include "app/weir/oracle.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <ostream>
#include <utility>

#include "app/weir/judge.hpp"
#include "blackbox/excuses.hpp"
#include "blackbox/generate.hpp"
#include "blackbox/process.hpp"
#include "blackbox/report.hpp"
#include "blackbox/scenario.hpp"
#include "blackbox/trial.hpp"
#include "blackbox/twin.hpp"
#include "engine/engine.hpp"
#include "model/model.hpp"
#include "sim/lockstep.hpp"
#include "sim/prng.hpp"
#include "sim/script.hpp"

namespace weir::app {
namespace {

namespace fs = std::filesystem;
using blackbox::Court;
using blackbox::Outcome;
using blackbox::Verdict;

// The model decides; the engine, which is known to decide the same, counts which rules did.
class Twins {
 public:
  explicit Twins(std::string personality) : personality_(std::move(personality)) {}

  std::unique_ptr<blackbox::Party> make() {
    rules_.clear();
    comparison_ = {};
    comparison_.at_end = [this](const InspectableBrain& right) {
      const auto* engine = dynamic_cast<const engine::Engine*>(&right);
      if (engine == nullptr) return;
      for (const auto& [name, count] : engine->rule_counts()) {
        if (count > 0) rules_[std::string(name)] += count;
      }
    };
    return std::make_unique<blackbox::Twin>(personality_, [this](const Config& config) -> std::unique_ptr<Brain> {
      return std::make_unique<sim::LockStep>(model::make_model(config), engine::make_engine(config), comparison_);
    });
  }

  [[nodiscard]] std::map<std::string, std::uint64_t> rows() const { return rules_; }

 private:
  std::string personality_;
  sim::Comparison comparison_;
  std::map<std::string, std::uint64_t> rules_;
};

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

fs::path default_preload() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  for (const char* folder : {"../lib", "../lib/weir", "."}) {
    fs::path candidate = self.parent_path() / folder / "libweir-clock.so";
    if (fs::exists(candidate, error)) return fs::weakly_canonical(candidate, error);
  }
  return "libweir-clock.so";
}

class Oracle {
 public:
  Oracle(const OracleOptions& options, std::ostream& out, std::ostream& errors)
      : options_(options), out_(out), errors_(errors) {}

  int run() {
    if (!prepare()) return kNotJudged;
    if (options_.only_number == 0) {
      for (const auto& [name, scenario] : named_) {
        if (!going_) break;
        add({name, "named", blackbox::try_scenario(court_, scenario), show(scenario)});
      }
      for (std::uint64_t i = 1; i <= options_.scenarios && going_; ++i) generated(i);
    } else {
      generated(options_.only_number);
    }
    return finish();
  }

  int replay() {
    if (!prepare()) return kNotJudged;
    const std::string text = read_file(options_.replayed);
    if (const auto script = sim::parse_script(text); script.has_value()) {
      replayed("generated", blackbox::try_script(court_, script.value()), text);
    } else if (const auto scenario = blackbox::parse_scenario(text); scenario.has_value()) {
      replayed("named", blackbox::try_scenario(court_, scenario.value()), text);
    } else {
      errors_ << "weir oracle: " << options_.replayed << ": neither a script (" << script.error().text
              << ") nor a scenario (" << scenario.error().text << ")\n";
      return kNotJudged;
    }
    return finish();
  }

 private:
  bool prepare() {
    const bool is_brain = options_.subject == "model" || options_.subject == "engine";
    subject_.program = fs::absolute(options_.subject);
    subject_.arguments = options_.arguments;
    subject_.preload = options_.preload.empty() ? default_preload() : options_.preload;
    subject_.scratch =
        options_.scratch.empty() ? fs::temp_directory_path() / ("wo" + std::to_string(getpid())) : options_.scratch;
    if (const std::string reason = is_brain ? "" : blackbox::why_not(subject_); !reason.empty()) {
      errors_ << "weir oracle: " << reason << '\n';
      return false;
    }
    personality_ = !options_.personality.empty() ? options_.personality
                   : is_brain                    ? "qmgr"
                                                 : subject_.program.filename().string();
    if (!known_personality()) {
      errors_ << "weir oracle: no personality is called \"" << personality_ << "\": tell with --personality\n";
      return false;
    }
    report_.subject = options_.subject.string();
    report_.personality = personality_;
    report_.seed = options_.seed;
    report_.level = options_.level == "promises" ? blackbox::Level::promises : blackbox::Level::exact;
    twins_.emplace(personality_);
    court_.level = report_.level;
    court_.subject = [this, is_brain]() -> std::unique_ptr<blackbox::Party> {
      if (is_brain) return brain_alone();
      return std::make_unique<blackbox::Process>(subject_);
    };
    court_.twin = [this] { return twins_->make(); };
    court_.twin_rows = [this] { return twins_->rows(); };
    court_.config = [this](const blackbox::Setup& setup) { return blackbox::config_of(setup, personality_); };
    if (options_.excuses == "postfix") court_.excuses = blackbox::known_excuses();
    for (const blackbox::Excuse& excuse : court_.excuses) report_.reasons[excuse.id] = excuse.reason;
    return read_named();
  }

  // A brain as its own subject: to see what it does where a process does something else.
  std::unique_ptr<blackbox::Party> brain_alone() const {
    const bool engine = options_.subject == "engine";
    return std::make_unique<blackbox::Twin>(personality_, [engine](const Config& config) -> std::unique_ptr<Brain> {
      if (engine) return engine::make_engine(config);
      return model::make_model(config);
    });
  }

  bool known_personality() const {
    const auto known = {"qmgr", "nqmgr", "oqmgr", "nqmgr-2003"};
    return std::find(known.begin(), known.end(), personality_) != known.end();
  }

  bool read_named() {
    if (options_.named.empty()) return true;
    std::vector<fs::path> files;
    std::error_code error;
    if (fs::is_directory(options_.named, error)) {
      for (const auto& entry : fs::directory_iterator(options_.named, error)) {
        if (entry.path().extension() == ".txt") files.push_back(entry.path());
      }
      std::sort(files.begin(), files.end());
    } else {
      files.push_back(options_.named);
    }
    for (const fs::path& file : files) {
      const auto collection = blackbox::parse_scenarios(read_file(file));
      if (!collection.has_value()) {
        errors_ << "weir oracle: " << file.string() << ": " << collection.error().text << '\n';
        return false;
      }
      for (const blackbox::Scenario& scenario : collection.value()) {
        if (holds_for(scenario)) named_.emplace_back(file.stem().string() + ": " + scenario.title, scenario);
      }
    }
    if (named_.empty()) errors_ << "weir oracle: no scenario in " << options_.named.string() << '\n';
    return !named_.empty();
  }

  bool holds_for(const blackbox::Scenario& scenario) const {
    const auto& names = scenario.personalities;
    return names.empty() ? personality_ == "qmgr" || personality_ == "nqmgr"
                         : std::find(names.begin(), names.end(), personality_) != names.end();
  }

  sim::Script script_of(std::uint64_t number) const {
    return sim::random_script(sim::Prng(options_.seed * 0x100000001b3ULL + number).next(), options_.steps);
  }

  void generated(std::uint64_t number) {
    sim::Script script = script_of(number);
    Outcome outcome = blackbox::try_script(court_, script);
    if (outcome.verdict == Verdict::departs && options_.shrink_budget > 0) {
      script = blackbox::shrink(court_, script, outcome, options_.shrink_budget);
      Outcome shorter = blackbox::try_script(court_, script);
      if (shorter.verdict == Verdict::departs) outcome = std::move(shorter);
    }
    add({"script " + std::to_string(number), "generated", std::move(outcome), show(script)});
  }

  void replayed(const char* kind, Outcome outcome, const std::string& text) {
    out_ << show(outcome.transcript) << '\n';
    add({options_.replayed, kind, std::move(outcome), text});
  }

  void add(blackbox::Case trial) {
    const Verdict verdict = trial.outcome.verdict;
    if (verdict == Verdict::departs) {
      errors_ << trial.name << ": departs from " << trial.outcome.departure->requirement << '\n';
      going_ = options_.keep_going;
    }
    report_.add(std::move(trial));
  }

  int finish() {
    out_ << text_of(report_);
    if (options_.report.empty()) return report_.status();
    std::error_code error;
    fs::create_directories(options_.report / "departures", error);
    write("report.txt", text_of(report_));
    write("report.json", json_of(report_));
    write("report.xml", junit_of(report_));
    write("report.html", html_of(report_));
    for (std::size_t i = 0; i < report_.cases.size(); ++i) {
      write("departures/" + std::to_string(i) + ".txt", report_.cases[i].script);
    }
    return written_ ? report_.status() : kNotJudged;
  }

  void write(const std::string& name, const std::string& text) {
    std::ofstream file(options_.report / name, std::ios::binary);
    file << text;
    file.close();
    if (file) return;
    written_ = false;
    errors_ << "weir oracle: " << (options_.report / name).string() << ": cannot be written\n";
  }

  const OracleOptions& options_;
  std::ostream& out_;
  std::ostream& errors_;
  blackbox::SubjectOptions subject_;
  std::string personality_;
  std::optional<Twins> twins_;
  Court court_;
  blackbox::Report report_;
  std::vector<std::pair<std::string, blackbox::Scenario>> named_;
  bool going_ = true, written_ = true;
};

}  // namespace

int oracle_run(const OracleOptions& options, std::ostream& out, std::ostream& errors) {
  return Oracle(options, out, errors).run();
}

int oracle_replay(const OracleOptions& options, std::ostream& out, std::ostream& errors) {
  return Oracle(options, out, errors).replay();
}

}  // namespace weir::app
