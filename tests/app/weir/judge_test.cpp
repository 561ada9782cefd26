// weir judge: its words and its exit status, for good, altered, cut, damaged and empty traces.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "app/weir/judge.hpp"

namespace weir::app {
namespace {

// The worked example of spec/trace.md.
std::string example() {
  std::ifstream page(WEIR_SOURCE_DIR "/spec/trace.md", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>{page}, {}};
  const auto begin = text.find("{\"weir_trace\":1,");
  return text.substr(begin, text.find("```", begin) - begin);
}

std::string with(std::string text, const std::string& old, const std::string& instead) {
  const auto at = text.find(old);
  EXPECT_NE(at, std::string::npos) << old;
  return text.replace(at, old.size(), instead);
}

std::string without_lines(const std::string& text, int first, int count) {
  std::istringstream in{text};
  std::string out, line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (number < first || number >= first + count) out += line + '\n';
  }
  return out;
}

struct Verdict {
  int status = -1;
  std::string out, errors;
};

Verdict judged(const std::string& trace) {
  std::istringstream in{trace};
  std::ostringstream out, errors;
  const int status = judge_trace(in, "T", out, errors);
  return {status, out.str(), errors.str()};
}

TEST(JudgeCommand, TheWorkedExampleConforms) {
  const Verdict verdict = judged(example());
  EXPECT_EQ(verdict.status, kConforms);
  EXPECT_EQ(verdict.out, "consumed 17 events and 22 decisions of 1 run\nT: conforms\n");
  EXPECT_EQ(verdict.errors, "");
}

TEST(JudgeCommand, RunsOneAfterTheOther) {
  EXPECT_EQ(judged(example() + example()).out, "consumed 34 events and 44 decisions of 2 runs\nT: conforms\n");
}

TEST(JudgeCommand, AnAlteredDecisionDeparts) {
  const Verdict verdict = judged(with(example(), R"("nexthop":"d0","flags":3)", R"("nexthop":"d1","flags":3)"));
  EXPECT_EQ(verdict.status, kDeparts);
  EXPECT_EQ(
      verdict.out.substr(0, verdict.out.find("  decided")),
      "line 14: departs from STR-09 in nexthop\n  time:    1000000000\n  event:   {\"AgentReady\": {\"agent\": 1}}\n"
      "  command: 1 of 1; allowed are 1\n");
  EXPECT_NE(verdict.out.find("\n  decided: {\"Deliver\": {\"agent\": 1, \"message\": 1, \"nexthop\": \"d1\""),
            std::string::npos);
  EXPECT_NE(verdict.out.find("\n  allowed: {\"Deliver\": {\"agent\": 1, \"message\": 1, \"nexthop\": \"d0\""),
            std::string::npos);
  EXPECT_NE(verdict.out.find("\nconsumed 13 events and 18 decisions of 1 run\nT: departs\n"), std::string::npos)
      << verdict.out;
}

TEST(JudgeCommand, ADecisionMissingDeparts) {
  const Verdict verdict = judged(with(example(), R"([{"Remove":{"message":1}}])", "[]"));
  EXPECT_EQ(verdict.status, kDeparts);
  EXPECT_NE(verdict.out.find("departs from QUE-02\n"), std::string::npos) << verdict.out;
  EXPECT_NE(verdict.out.find("decided: nothing more\n"), std::string::npos);
}

TEST(JudgeCommand, AnAlteredWishDeparts) {
  const Verdict verdict = judged(with(example(), "1000000300", "1000000301"));
  EXPECT_EQ(verdict.status, kDeparts);
  EXPECT_NE(verdict.out.find("line 2: departs from TRG-01 in deadline\n"), std::string::npos) << verdict.out;
  EXPECT_NE(verdict.out.find("allowed: next tick 1000000300, another turn no\n"), std::string::npos);
}

TEST(JudgeCommand, CutTracesAreJudgedAsFarAsTheyGo) {
  const Verdict no_end = judged(without_lines(example(), 19, 1));
  EXPECT_EQ(no_end.status, kConforms);
  EXPECT_NE(no_end.out.find("the last run is cut"), std::string::npos);

  const std::string all = example();
  const Verdict cut = judged(all.substr(0, all.size() - 60));
  EXPECT_EQ(cut.status, kConforms);
  EXPECT_NE(cut.out.find("consumed 16 events"), std::string::npos) << cut.out;
  EXPECT_NE(cut.out.find("the last run is cut"), std::string::npos);

  const Verdict between = judged(all.substr(0, all.size() - 60) + '\n' + all);
  EXPECT_EQ(between.status, kConforms);
  EXPECT_NE(between.out.find("1 runs end without an end line"), std::string::npos) << between.out;

  const Verdict full = judged(with(all, R"({"end":"exit"})", R"({"end":"limit"})"));
  EXPECT_EQ(full.status, kConforms);
  EXPECT_NE(full.out.find("recording ended before the run did: limit"), std::string::npos);
}

TEST(JudgeCommand, WhatBeginsInTheMiddleIsPassedOver) {
  const Verdict only_middle = judged(without_lines(example(), 1, 5));
  EXPECT_EQ(only_middle.status, kNotJudged);
  EXPECT_NE(only_middle.errors.find("no decision that could be judged"), std::string::npos);

  const Verdict with_more = judged(without_lines(example(), 1, 5) + example());
  EXPECT_EQ(with_more.status, kConforms);
  EXPECT_NE(with_more.out.find("13 events before the start of a process were passed over"), std::string::npos)
      << with_more.out;

  EXPECT_EQ(judged(without_lines(example(), 2, 1)).status, kNotJudged);  // never started
}

TEST(JudgeCommand, NothingIsNeverAPass) {
  EXPECT_EQ(judged("").status, kNotJudged);
  EXPECT_EQ(judged(without_lines(example(), 2, 99)).status, kNotJudged);
  EXPECT_EQ(judged("{\"end\":\"exit\"}\n").status, kNotJudged);
}

TEST(JudgeCommand, GarbageIsRefusedWithItsLine) {
  const Verdict verdict = judged(with(example(), R"("event":{"Tur)", R"("event":{"Bur)"));
  EXPECT_EQ(verdict.status, kNotJudged);
  EXPECT_EQ(verdict.errors, "weir judge: T: cannot be judged: line 3 event: unknown word \"Burn\"\n");
  EXPECT_EQ(judged("\n" + example()).status, kConforms);  // cut before the first byte of a line
  EXPECT_EQ(judged(std::string("\0\n\xff\n", 4)).errors, "weir judge: T: cannot be judged: line 1 is not JSON\n");
  EXPECT_EQ(judged(with(example(), R"({"weir_trace":1)", R"({"weir_trace":2)")).status, kNotJudged);
  EXPECT_EQ(judged(with(example(), R"("personality":"qmgr")", R"("personality":"pqmgr")")).status, kNotJudged);
}

TEST(JudgeCommand, FilesThatCannotBeRead) {
  std::ostringstream out, errors;
  EXPECT_EQ(judge("/nonexistent/trace", out, errors), kNotJudged);
  EXPECT_EQ(judge("/", out, errors), kNotJudged);
  EXPECT_EQ(errors.str(), "weir judge: /nonexistent/trace: No such file or directory\nweir judge: /: Is a directory\n");
}

}  // namespace
}  // namespace weir::app
