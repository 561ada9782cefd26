#include "blackbox/trial.hpp"

#include <algorithm>
#include <utility>

#include "blackbox/generate.hpp"

namespace weir::blackbox {
namespace {

constexpr int kServiceRounds = 30;         // after a script, without progress
constexpr std::size_t kInputsMax = 2'000;  // of one trial

std::string shown(const std::optional<Observation>& observation) {
  return observation ? show(*observation) : std::string("nothing");
}

class Trial {
 public:
  explicit Trial(const Court& court) : court_(court), subject_(court.subject()) {
    if (court.level == Level::exact) twin_ = court.twin();
  }

  // False: the trial is over.
  bool apply(const Input& input, const std::vector<std::string>* written = nullptr) {
    if (const auto* setup = std::get_if<Setup>(&input)) promises_.emplace(court_.config(*setup));
    if (++inputs_ > kInputsMax) return false;
    const std::int64_t began = books_.now();
    promises_->look_at(input, books_);
    books_.note(input);
    std::vector<Observation> allowed;
    if (twin_) allowed = twin_->apply(for_twin(input));
    const std::vector<Observation> seen = subject_->apply(input);
    outcome_.transcript.steps.push_back({input, expected_lines(seen, began), {}});
    if (twin_ && !compare(input, seen, allowed)) return false;
    if (written != nullptr && !compare_written(input, *written)) return false;
    if (written != nullptr) lines_ += written->size();
    enter(seen);
    // What is written may be about a setting that breaks a promise, or about an end.
    if (written == nullptr && promises_->broken()) {
      const BrokenPromise& broken = *promises_->broken();
      depart({broken.requirement, show(input), broken.seen, broken.allowed});
    }
    return !over_ && !books_.ended();
  }

  [[nodiscard]] const Ledger& books() const { return books_; }
  [[nodiscard]] bool over() const { return over_; }

  void look_at_end() {
    if (over_ || books_.ended()) return;
    promises_->look_at_end(books_);
    if (promises_->broken()) {
      const BrokenPromise& broken = *promises_->broken();
      depart({broken.requirement, "", broken.seen, broken.allowed});
    }
  }

  Outcome finish() {
    twin_.reset();  // it tells its rows when it goes
    outcome_.decisions = std::max(books_.decisions(), lines_);
    outcome_.rows = promises_ ? promises_->tested() : std::map<std::string, std::uint64_t>{};
    if (court_.level == Level::exact && court_.twin_rows) {
      for (const auto& [row, count] : court_.twin_rows()) outcome_.rows[row] += count;
    }
    if (!over_) {
      outcome_.verdict = outcome_.decisions > 0 ? Verdict::conforms : Verdict::inconclusive;
      if (outcome_.decisions == 0) outcome_.why = "no decision was seen";
    }
    return std::move(outcome_);
  }

 private:
  void depart(TrialDeparture departure) {
    if (over_) return;
    over_ = true;
    outcome_.verdict = Verdict::departs;
    outcome_.departure = std::move(departure);
  }

  void enter(const std::vector<Observation>& seen) {
    for (std::size_t i = 0; i < seen.size(); ++i) {
      const Ledger before = Promises::is_about(seen[i]) ? books_ : Ledger();
      books_.note(seen[i]);
      promises_->look_at(seen[i], before, books_);
      if (i + 1 == seen.size() || seen[i + 1].at != seen[i].at) promises_->look_at_rest(books_);
    }
  }

  // What may be otherwise: requests over different connections within a second cannot be ordered by an outsider, so
  // their numbers do not count, and the twin has numbers of its own.
  static std::vector<Observation> comparable(std::vector<Observation> seen) {
    for (Observation& observation : seen) {
      if (auto* requested = std::get_if<Requested>(&observation.sight)) requested->id = 0;
    }
    return canonical(std::move(seen));
  }

  void pair_numbers(const std::vector<Observation>& seen, const std::vector<Observation>& allowed) {
    for (const Observation& observation : seen) {
      const auto* requested = std::get_if<Requested>(&observation.sight);
      if (requested == nullptr) continue;
      for (const Observation& other : allowed) {
        const auto* twin = std::get_if<Requested>(&other.sight);
        if (twin == nullptr || other.at != observation.at) continue;
        Requested same = *twin;
        same.id = requested->id;
        if (same == *requested) of_twin_[requested->id] = twin->id;
      }
    }
  }

  [[nodiscard]] Input for_twin(Input input) const {
    int* request = nullptr;
    if (auto* reply = std::get_if<Reply>(&input)) request = &reply->request;
    if (auto* crash = std::get_if<Crash>(&input)) request = &crash->request;
    if (request == nullptr) return input;
    if (const auto found = of_twin_.find(*request); found != of_twin_.end()) *request = found->second;
    return input;
  }

  bool compare(const Input& input, const std::vector<Observation>& all_seen,
               const std::vector<Observation>& all_allowed) {
    const std::vector<Observation> seen = comparable(all_seen);
    const std::vector<Observation> allowed = comparable(all_allowed);
    const auto [mine, other] = std::mismatch(seen.begin(), seen.end(), allowed.begin(), allowed.end());
    if (mine == seen.end() && other == allowed.end()) {
      pair_numbers(all_seen, all_allowed);
      return true;
    }
    std::optional<Observation> did;
    std::optional<Observation> must;
    if (mine != seen.end()) did = *mine;
    if (other != allowed.end()) must = *other;
    // What came too early stands where something else is due: what is missing says more.
    if (did && must && std::find(allowed.begin(), allowed.end(), *did) != allowed.end()) did.reset();
    if (did && must && std::find(seen.begin(), seen.end(), *must) != seen.end()) must.reset();
    depart({requirement_of(did, must), show(input), shown(did), shown(must)});
    Ledger books = books_;
    for (const Observation& observation : all_seen) books.note(observation);
    for (const Excuse& excuse : court_.excuses) {
      if (!excuse.covers(input, did, must, books)) continue;
      outcome_.verdict = Verdict::excused;
      outcome_.excuse = excuse.id;
      break;
    }
    return false;
  }

  bool compare_written(const Input& input, const std::vector<std::string>& written) {
    std::vector<std::string> seen = outcome_.transcript.steps.back().expected;
    if (std::holds_alternative<Setup>(input)) std::erase_if(seen, is_about_the_name);
    const auto [mine, other] = std::mismatch(seen.begin(), seen.end(), written.begin(), written.end());
    if (mine == seen.end() && other == written.end()) return true;
    depart({"", show(input), mine == seen.end() ? "nothing" : *mine, other == written.end() ? "nothing" : *other});
    return false;
  }

  // What nqmgr says of itself at start; scenarios are written for both names.
  static bool is_about_the_name(const std::string& line) {
    const auto has = [&](const char* part) { return line.find(part) != std::string::npos; };
    return has("please update the $DIR") || has("(old name: nqmgr)") || has("old name (nqmgr)");
  }

  const Court& court_;
  std::unique_ptr<Party> subject_, twin_;
  Ledger books_;
  std::optional<Promises> promises_;
  Outcome outcome_;
  std::map<int, int> of_twin_;  // its number for a request of the subject's
  std::size_t inputs_ = 0;
  std::uint64_t lines_ = 0;  // of a scenario, that were seen
  bool over_ = false;
};

// Until all mail is gone, or nothing more comes of it.
void serve(Trial& trial) {
  std::size_t settled = trial.books().settled();
  for (int without_progress = 0; without_progress < kServiceRounds; ++without_progress) {
    const std::vector<Input> inputs = round_of_service(trial.books());
    if (inputs.empty()) break;
    for (const Input& input : inputs) {
      if (!trial.apply(input)) return;
    }
    if (trial.books().settled() > settled) without_progress = 0;
    settled = trial.books().settled();
  }
  trial.look_at_end();
}

}  // namespace

std::string requirement_of(const std::optional<Observation>& seen, const std::optional<Observation>& allowed) {
  if (!seen && !allowed) return "TRG-01";
  const Sight& sight = allowed ? allowed->sight : seen->sight;
  if (std::holds_alternative<Connected>(sight) || std::holds_alternative<Allocated>(sight)) return "STR-09";
  if (std::holds_alternative<Closed>(sight)) return "STR-06";
  if (const auto* moved = std::get_if<Moved>(&sight)) {
    if (moved->to == "deferred") return "QUE-05";
    if (moved->to == "corrupt") return "QUE-06";
    return moved->to == "incoming" ? "QUE-01" : "QUE-02";
  }
  if (const auto* reported = std::get_if<Reported>(&sight)) {
    if (reported->recipient) return reported->service == "defer" ? "STR-13" : "REP-05";
    return "REP-07";
  }
  if (const auto* requested = std::get_if<Requested>(&sight)) {
    const auto* other = seen ? std::get_if<Requested>(&seen->sight) : nullptr;
    if (allowed && other != nullptr) {
      if (other->message != requested->message) return "STR-14";
      if (other->nexthop != requested->nexthop || other->transport != requested->transport) return "STR-09";
      if (other->recipients != requested->recipients) return "STR-08";
      if (other->flags != requested->flags) return "STR-12";
    }
    return "GEN-05";
  }
  if (std::holds_alternative<LogText>(sight)) return "DIA-01";
  return "GEN-04";
}

Outcome try_script(const Court& court, const sim::Script& script) {
  Trial trial(court);
  bool going = trial.apply(draw_setup(script.setup));
  for (const sim::Step& step : script.steps) {
    if (!going) break;
    for (const Input& input : inputs_of(step, trial.books())) {
      going = trial.apply(input);
      if (!going) break;
    }
  }
  // A script without mail asks for no decision, and would say nothing.
  if (going && trial.books().messages().empty()) {
    NewMessage message;
    message.name = "A";
    message.recipients = {"a@d1.t1"};
    going = trial.apply(message);
  }
  if (going) serve(trial);
  return trial.finish();
}

Outcome try_scenario(const Court& court, const Scenario& scenario) {
  Trial trial(court);
  for (const ScenarioStep& step : scenario.steps) {
    if (!trial.apply(step.input, court.level == Level::exact ? &step.expected : nullptr)) break;
  }
  Outcome outcome = trial.finish();
  if (outcome.verdict == Verdict::conforms) {
    for (const std::string& row : scenario.requirements) outcome.rows[row] += 1;
  }
  return outcome;
}

sim::Script shrink(const Court& court, const sim::Script& script, const Outcome& outcome, int budget) {
  sim::Script best = script;
  const std::string requirement = outcome.departure ? outcome.departure->requirement : "";
  for (std::size_t piece = std::max<std::size_t>(1, best.steps.size() / 2); budget > 0;) {
    bool shorter = false;
    for (std::size_t at = 0; at < best.steps.size() && budget > 0;) {
      sim::Script candidate = best;
      const auto begin = candidate.steps.begin() + static_cast<std::ptrdiff_t>(at);
      const auto end = begin + static_cast<std::ptrdiff_t>(std::min(piece, best.steps.size() - at));
      candidate.steps.erase(begin, end);
      --budget;
      const Outcome again = try_script(court, candidate);
      if (again.verdict == outcome.verdict && again.departure->requirement == requirement) {
        best = std::move(candidate);
        shorter = true;
      } else {
        at += piece;
      }
    }
    if (piece == 1 && !shorter) break;
    piece = std::max<std::size_t>(1, piece / 2);
  }
  return best;
}

}  // namespace weir::blackbox
