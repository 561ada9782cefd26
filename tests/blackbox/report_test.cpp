#include "blackbox/report.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

namespace weir::blackbox {
namespace {

Case departing() {
  Case trial{"script <1>", "generated", {}, "setup 1\narrive 1 2\n"};
  trial.outcome.verdict = Verdict::departs;
  trial.outcome.decisions = 3;
  trial.outcome.rows["STR-09"] = 2;
  trial.outcome.departure = TrialDeparture{"STR-09", "slot t1", "request \"A\" & more\x01", "nothing \xff"};
  return trial;
}

Case conforming() {
  Case trial{"script 2", "generated", {}, ""};
  trial.outcome.verdict = Verdict::conforms;
  trial.outcome.decisions = 5;
  return trial;
}

Report report_of(std::initializer_list<Case> cases) {
  Report report;
  report.subject = "/usr/lib/somewhere/qmgr";
  report.personality = "qmgr";
  report.seed = 4711;
  for (const Case& trial : cases) report.add(trial);
  return report;
}

TEST(OracleReport, StatusSaysWhetherItConforms) {
  EXPECT_EQ(report_of({}).status(), 2) << "no decision is no pass";
  EXPECT_EQ(report_of({conforming()}).status(), 0);
  EXPECT_EQ(report_of({conforming(), departing()}).status(), 1);
  Case unclear = conforming();
  unclear.outcome.verdict = Verdict::inconclusive;
  EXPECT_EQ(report_of({conforming(), unclear}).status(), 2);
  EXPECT_EQ(report_of({unclear, departing()}).status(), 1);
}

TEST(OracleReport, TextNamesTheDepartureAndCounts) {
  const std::string text = text_of(report_of({conforming(), departing()}));
  EXPECT_NE(text.find("requirement  STR-09"), std::string::npos) << text;
  EXPECT_NE(text.find("after        slot t1"), std::string::npos) << text;
  EXPECT_NE(text.find("seed 4711: departs"), std::string::npos) << text;
  EXPECT_NE(text.find("decisions     8"), std::string::npos) << text;
}

TEST(OracleReport, JsonIsReadBack) {
  const auto json = nlohmann::json::parse(json_of(report_of({conforming(), departing()})));
  EXPECT_EQ(json.at("status"), 1);
  EXPECT_EQ(json.at("verdicts").at("departs"), 1);
  EXPECT_EQ(json.at("cases").at(0).at("departure").at("requirement"), "STR-09");
  EXPECT_EQ(json.at("cases").at(0).at("script"), "setup 1\narrive 1 2\n");
  EXPECT_EQ(json.at("requirements").size(), requirements().size());
}

TEST(OracleReport, MarkupIsEscaped) {
  for (const std::string& text : {junit_of(report_of({departing()})), html_of(report_of({departing()}))}) {
    EXPECT_NE(text.find("script &lt;1&gt;"), std::string::npos) << text;
    EXPECT_NE(text.find("&quot;A&quot; &amp; more?"), std::string::npos) << text;
    EXPECT_EQ(text.find("script <1>"), std::string::npos) << text;
  }
}

TEST(OracleReport, JunitCountsFailuresAndErrors) {
  Case unclear = conforming();
  unclear.outcome.verdict = Verdict::inconclusive;
  unclear.outcome.why = "no decision was seen";
  const std::string text = junit_of(report_of({conforming(), departing(), unclear}));
  EXPECT_NE(text.find("failures=\"1\" errors=\"1\""), std::string::npos) << text;
}

TEST(OracleReport, KnowsEveryRow) {
  EXPECT_GE(requirements().size(), 170U);
  for (const Requirement& row : requirements()) {
    EXPECT_FALSE(row.id.empty());
    EXPECT_FALSE(row.claim.empty()) << row.id;
  }
  const auto unseen = [](const std::string& id) {
    const auto row =
        std::find_if(requirements().begin(), requirements().end(), [&](const auto& r) { return r.id == id; });
    return row == requirements().end() ? "no such row" : row->unseen;
  };
  EXPECT_EQ(unseen("PAR-083"), "lines that go to postlogd(8) have no facility");
  EXPECT_EQ(unseen("CFG-02").substr(0, 7), "main.cf");
  EXPECT_EQ(unseen("STR-09"), "");
}

}  // namespace
}  // namespace weir::blackbox
