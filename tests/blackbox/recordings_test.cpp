// Every recorded schedule of the two real queue managers, played again: on the programs that they were taken from, and
// on the daemon.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "blackbox/process.hpp"
#include "blackbox/scenario.hpp"
#include "blackbox/subjects.hpp"
#include "support/listing_order.hpp"
#include "support/recording.hpp"
#include "support/vectors.hpp"

namespace weir::testing {
namespace {

namespace fs = std::filesystem;
using namespace blackbox;

struct Case {
  std::string origin;   // Debian's, or our own
  std::string program;  // qmgr, oqmgr
  std::string recording;
  [[nodiscard]] std::string name() const { return origin + '_' + program + '_' + recording; }
};
void PrintTo(const Case& each, std::ostream* out) { *out << each.name(); }

fs::path folder(const std::string& program) {
  return vectors() / (program == "qmgr" ? "schedules" : "schedules-" + program);
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const char* const program : {"qmgr", "oqmgr"}) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder(program))) {
      if (entry.path().extension() == ".jsonl") names.insert(entry.path().stem().string());
    }
    for (const std::string& name : names) {
      all.push_back({"debian", program, name});
      all.push_back({"own", program, name});
    }
  }
  return all;
}

// What Weir does not copy (spec/divergences.md): DV-01, DV-03, DV-25.
bool departs(const Case& each) {
  static const std::set<std::string> kKnown = {"18-agent-vanishes", "24-retry-destination-leak", "45-dies-with-unread"};
  return each.origin == "own" && kKnown.contains(each.recording);
}

// A process reads a directory by name, the recorder's file system had an order of its own: messages get names that sort
// as that did.
class Names {
 public:
  Names(const std::vector<RecordedStep>& steps, const ListingOrder& order) {
    std::vector<std::string> listed;
    for (const RecordedStep& step : steps) {
      if (const auto* message = std::get_if<NewMessage>(&step.input)) listed.push_back(message->name);
    }
    order(listed);
    for (const std::string& name : listed) {
      std::array<char, 16> prefix{};
      (void)std::snprintf(prefix.data(), prefix.size(), "%05zu", names_.size());
      names_.emplace(name, prefix.data() + name);
    }
  }

  Input renamed(Input input) const {
    if (auto* message = std::get_if<NewMessage>(&input)) message->name = names_.at(message->name);
    if (auto* log = std::get_if<BounceLogAppears>(&input)) log->message = names_.at(log->message);
    return input;
  }
  std::vector<Observation> renamed(std::vector<Observation> seen) const {
    for (Observation& each : seen) {
      if (auto* moved = std::get_if<Moved>(&each.sight)) rename(moved->message);
      if (auto* request = std::get_if<Requested>(&each.sight)) rename(request->message);
      if (auto* report = std::get_if<Reported>(&each.sight)) rename(report->message);
      if (auto* log = std::get_if<LogText>(&each.sight)) rename_in(log->text);
    }
    return canonical(std::move(seen));
  }

 private:
  void rename(std::string& name) const {
    if (const auto found = names_.find(name); found != names_.end()) name = found->second;
  }
  void rename_in(std::string& text) const {
    const auto begin = text.find('<');
    const auto end = text.find('>', begin);
    if (end == std::string::npos) return;
    std::string name = text.substr(begin + 1, end - begin - 1);
    rename(name);
    text.replace(begin + 1, end - begin - 1, name);
  }

  std::map<std::string, std::string> names_;
};

// The first difference; empty if there is none.
std::string difference(const SubjectOptions& options, const std::vector<RecordedStep>& steps, ListingOrder::Ties ties) {
  const Names names(steps, ListingOrder(steps, ties));
  Process process(options);
  for (const RecordedStep& step : steps) {
    const Input input = names.renamed(step.input);
    const auto expected = expected_lines(names.renamed(step.expected), step.at);
    const auto seen = expected_lines(process.apply(input), step.at);
    if (seen == expected) continue;
    std::string text = "> " + show(input) + '\n';
    for (const std::string& line : expected) text += "- " + line + '\n';
    for (const std::string& line : seen) text += "+ " + line + '\n';
    return text;
  }
  return {};
}

class Recordings : public ::testing::TestWithParam<Case> {};

TEST_P(Recordings, AreReproduced) {
  const auto& [origin, program, name] = GetParam();
  const SubjectOptions options = subject(origin == "own" ? own(program) : debian(program));
  if (const std::string reason = why_not(options); !reason.empty()) GTEST_SKIP() << reason;
  const auto steps = read_recording(folder(program) / (name + ".jsonl"));
  std::string found = difference(options, steps, ListingOrder::Ties::by_request);
  if (!found.empty() && difference(options, steps, ListingOrder::Ties::by_size).empty()) found.clear();
  if (departs(GetParam())) {
    EXPECT_NE(found, "") << "this is no divergence any more";
  } else {
    EXPECT_EQ(found, "");
  }
}

std::string test_name(const ::testing::TestParamInfo<Case>& info) {
  std::string name = info.param.name();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, Recordings, ::testing::ValuesIn(cases()), test_name);

}  // namespace
}  // namespace weir::testing
