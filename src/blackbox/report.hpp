// What a run of many trials has shown, for people and for machines. The same seed gives the same report, byte for
// byte: times and paths of scratch folders stay out of it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "blackbox/trial.hpp"

namespace weir::blackbox {

// A trial that did not simply conform, or any other that is worth a page.
struct Case {
  std::string name;  // of a named scenario, or "script 17"
  std::string kind;  // named, generated
  Outcome outcome;
  std::string script;  // what `weir oracle replay` takes: steps, or a scenario
};

struct Requirement {
  std::string id, claim;
  std::string unseen;  // why it cannot be seen from outside; empty = it can
};

struct Report {
  std::string subject;  // as it was named
  std::string personality;
  Level level = Level::exact;
  std::uint64_t seed = 0;
  std::uint64_t named = 0, generated = 0;  // trials
  std::uint64_t conforming = 0, excused = 0, departing = 0, inconclusive = 0;
  std::uint64_t decisions = 0, inputs = 0;
  std::map<std::string, std::uint64_t> rows;     // exercised: how often
  std::map<std::string, std::uint64_t> excuses;  // used: how often
  std::map<std::string, std::string> reasons;    // of those used
  std::vector<Case> cases;                       // all that depart or are inconclusive, the first of each excuse

  void add(Case trial);
  // 0 conforms, 1 departs, 2 could not judge.
  [[nodiscard]] int status() const;
};

// The requirement rows, from spec/requirements.tsv.
[[nodiscard]] const std::vector<Requirement>& requirements();

[[nodiscard]] std::string text_of(const Report& report);  // for a terminal
[[nodiscard]] std::string json_of(const Report& report);  // one object
[[nodiscard]] std::string junit_of(
    const Report& report);  // JUnit XML: a test case a trial that is kept, and one for the rest
[[nodiscard]] std::string html_of(const Report& report);  // a page of its own: no other file is needed

}  // namespace weir::blackbox
