#include "blackbox/report.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

namespace weir::blackbox {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kVerdicts[] = {"conforms", "excused", "departs", "inconclusive"};
const char* name_of(Verdict verdict) { return kVerdicts[static_cast<std::size_t>(verdict)]; }
const char* name_of(Level level) { return level == Level::exact ? "exact" : "promises"; }

std::string joined(const std::vector<std::string>& lines, const std::string& between) {
  std::string text;
  for (const std::string& line : lines) text += line + between;
  return text;
}

// What a person is told of a case, line by line.
std::vector<std::string> story(const Case& trial) {
  std::vector<std::string> lines;
  if (trial.outcome.departure) {
    const TrialDeparture& d = *trial.outcome.departure;
    if (!d.requirement.empty()) lines.push_back("requirement  " + d.requirement);
    if (!d.input.empty()) lines.push_back("after        " + d.input);
    lines.push_back("seen         " + d.seen);
    lines.push_back("allowed      " + d.allowed);
  }
  if (!trial.outcome.excuse.empty()) lines.push_back("known as     " + trial.outcome.excuse);
  if (!trial.outcome.why.empty()) lines.push_back("why          " + trial.outcome.why);
  return lines;
}

// Bytes that are no UTF-8 replaced.
std::string utf8(const std::string& text) {
  return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : utf8(text)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default:
        // XML knows no other control characters.
        if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') {
          out += '?';
        } else {
          out += c;
        }
    }
  }
  return out;
}

// Rows that can be seen from outside and were not met.
std::vector<std::string> missed(const Report& report) {
  std::vector<std::string> ids;
  for (const Requirement& row : requirements()) {
    if (row.unseen.empty() && !report.rows.contains(row.id)) ids.push_back(row.id);
  }
  return ids;
}

std::string verdict_line(const Report& report) {
  switch (report.status()) {
    case 0: return "conforms";
    case 1: return "departs";
    default: return "could not be judged";
  }
}

}  // namespace

void Report::add(Case trial) {
  (trial.kind == "named" ? named : generated) += 1;
  decisions += trial.outcome.decisions;
  inputs += trial.outcome.transcript.steps.size();
  for (const auto& [row, count] : trial.outcome.rows) rows[row] += count;
  switch (trial.outcome.verdict) {
    case Verdict::conforms: conforming += 1; return;
    case Verdict::excused:
      excused += 1;
      if (++excuses[trial.outcome.excuse] > 1) return;
      break;
    case Verdict::departs: departing += 1; break;
    case Verdict::inconclusive: inconclusive += 1; break;
  }
  cases.push_back(std::move(trial));
}

int Report::status() const {
  if (departing > 0) return 1;
  return inconclusive > 0 || decisions == 0 ? 2 : 0;
}

std::string text_of(const Report& report) {
  std::string out;
  for (const Case& trial : report.cases) {
    out += trial.name + ": " + name_of(trial.outcome.verdict) + '\n';
    for (const std::string& line : story(trial)) out += "  " + line + '\n';
  }
  const auto count = [](std::uint64_t number) { return std::to_string(number); };
  out += report.subject + " as " + report.personality + ", level " + name_of(report.level) + ", seed " +
         count(report.seed) + ": " + verdict_line(report) + '\n';
  out += "  trials        " + count(report.named + report.generated) + " (" + count(report.named) + " named, " +
         count(report.generated) + " generated)\n";
  out += "  conforming    " + count(report.conforming) + '\n';
  out += "  excused       " + count(report.excused) + '\n';
  for (const auto& [id, number] : report.excuses) {
    out += "    " + id + " x" + count(number) + "  " + report.reasons.at(id) + '\n';
  }
  out += "  departing     " + count(report.departing) + '\n';
  out += "  inconclusive  " + count(report.inconclusive) + '\n';
  out += "  decisions     " + count(report.decisions) + " after " + count(report.inputs) + " inputs\n";
  const std::vector<std::string> without = missed(report);
  out += "  requirements  " + count(report.rows.size()) + " rows exercised, " + count(without.size()) +
         " that could have been were not\n";
  return out;
}

std::string json_of(const Report& report) {
  Json out;
  out["subject"] = report.subject;
  out["personality"] = report.personality;
  out["level"] = name_of(report.level);
  out["seed"] = report.seed;
  out["status"] = report.status();
  out["trials"] = {{"named", report.named}, {"generated", report.generated}};
  out["verdicts"] = {{"conforms", report.conforming},
                     {"excused", report.excused},
                     {"departs", report.departing},
                     {"inconclusive", report.inconclusive}};
  out["decisions"] = report.decisions;
  out["inputs"] = report.inputs;
  out["excuses"] = Json::array();
  for (const auto& [id, number] : report.excuses) {
    out["excuses"].push_back({{"id", id}, {"times", number}, {"reason", report.reasons.at(id)}});
  }
  out["requirements"] = Json::array();
  for (const Requirement& row : requirements()) {
    const auto found = report.rows.find(row.id);
    Json line = {{"id", row.id}, {"exercised", found == report.rows.end() ? 0 : found->second}};
    if (!row.unseen.empty()) line["not_seen_from_outside"] = row.unseen;
    out["requirements"].push_back(std::move(line));
  }
  out["cases"] = Json::array();
  for (const Case& trial : report.cases) {
    Json line = {{"name", trial.name}, {"kind", trial.kind}, {"verdict", name_of(trial.outcome.verdict)}};
    if (trial.outcome.departure) {
      const TrialDeparture& d = *trial.outcome.departure;
      line["departure"] = {
          {"requirement", d.requirement}, {"after", d.input}, {"seen", d.seen}, {"allowed", d.allowed}};
    }
    if (!trial.outcome.excuse.empty()) line["excuse"] = trial.outcome.excuse;
    if (!trial.outcome.why.empty()) line["why"] = trial.outcome.why;
    line["script"] = trial.script;
    line["transcript"] = show(trial.outcome.transcript);
    out["cases"].push_back(std::move(line));
  }
  // Log lines may hold any bytes.
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string junit_of(const Report& report) {
  const auto quoted = [](const std::string& text) { return '"' + escaped(text) + '"'; };
  const std::uint64_t rest = report.named + report.generated - report.cases.size();
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  out += "<testsuite name=" + quoted("weir oracle " + report.subject) + " tests=\"" +
         std::to_string(report.cases.size() + 1) + "\" failures=\"" + std::to_string(report.departing) +
         "\" errors=\"" + std::to_string(report.inconclusive) + "\" skipped=\"0\">\n";
  for (const Case& trial : report.cases) {
    out += "  <testcase classname=" + quoted(report.personality) + " name=" + quoted(trial.name);
    const std::string body = escaped(joined(story(trial), "\n") + '\n' + trial.script);
    switch (trial.outcome.verdict) {
      case Verdict::departs:
        out += ">\n    <failure message=" + quoted(trial.outcome.departure->requirement) + ">" + body +
               "</failure>\n  </testcase>\n";
        break;
      case Verdict::inconclusive:
        out += ">\n    <error message=" + quoted(trial.outcome.why) + ">" + body + "</error>\n  </testcase>\n";
        break;
      case Verdict::conforms:
      case Verdict::excused: out += ">\n    <system-out>" + body + "</system-out>\n  </testcase>\n"; break;
    }
  }
  out += "  <testcase classname=" + quoted(report.personality) +
         " name=" + quoted(std::to_string(rest) + " trials without a departure") + "/>\n</testsuite>\n";
  return out;
}

std::string html_of(const Report& report) {
  std::string out = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" +
                    escaped(report.subject) +
                    " judged</title>\n<style>\n"
                    "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}\n"
                    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.2rem "
                    ".6rem;border-bottom:1px solid #ddd;"
                    "vertical-align:top}\n"
                    "pre{background:#f5f5f5;padding:.6rem;overflow-x:auto;font-size:13px}\n"
                    ".departs{color:#a00;font-weight:bold}.conforms{color:#060}.none{color:#888}\n"
                    "</style></head><body>\n";
  out += "<h1>" + escaped(report.subject) + " as " + escaped(report.personality) + ": <span class=\"" +
         (report.status() == 1 ? "departs" : "conforms") + "\">" + verdict_line(report) + "</span></h1>\n";
  out += "<p>" + std::to_string(report.decisions) + " decisions in " + std::to_string(report.named + report.generated) +
         " trials (" + std::to_string(report.named) + " named, " + std::to_string(report.generated) +
         " generated from seed " + std::to_string(report.seed) + ", level " + name_of(report.level) +
         "): " + std::to_string(report.conforming) + " conform, " + std::to_string(report.excused) +
         " depart in a known way, " + std::to_string(report.departing) + " depart, " +
         std::to_string(report.inconclusive) + " are inconclusive.</p>\n";
  if (!report.excuses.empty()) {
    out += "<h2>Known departures</h2>\n<table><tr><th>id</th><th>times</th><th>what</th></tr>\n";
    for (const auto& [id, number] : report.excuses) {
      out += "<tr><td>" + escaped(id) + "</td><td>" + std::to_string(number) + "</td><td>" +
             escaped(report.reasons.at(id)) + "</td></tr>\n";
    }
    out += "</table>\n";
  }
  std::map<std::string, std::vector<std::size_t>> of_row;
  for (std::size_t i = 0; i < report.cases.size(); ++i) {
    const Outcome& outcome = report.cases[i].outcome;
    if (outcome.verdict == Verdict::departs) of_row[outcome.departure->requirement].push_back(i);
  }
  out += "<h2>Requirements</h2>\n<table><tr><th>row</th><th>claim</th><th>exercised</th><th>departures</th></tr>\n";
  for (const Requirement& row : requirements()) {
    const auto met = report.rows.find(row.id);
    std::string times = met == report.rows.end() ? "" : std::to_string(met->second);
    if (times.empty()) times = row.unseen.empty() ? "never" : "cannot be seen: " + row.unseen;
    out += std::string("<tr><td>") + row.id + "</td><td>" + escaped(row.claim) + "</td><td" +
           (met == report.rows.end() ? " class=\"none\">" : ">") + escaped(times) + "</td><td>";
    if (const auto found = of_row.find(row.id); found != of_row.end()) {
      for (const std::size_t i : found->second) {
        out +=
            "<a class=\"departs\" href=\"#case" + std::to_string(i) + "\">" + escaped(report.cases[i].name) + "</a> ";
      }
    }
    out += "</td></tr>\n";
  }
  out += "</table>\n<h2>Trials</h2>\n";
  if (report.cases.empty()) out += "<p>None departs, and none was inconclusive.</p>\n";
  for (std::size_t i = 0; i < report.cases.size(); ++i) {
    const Case& trial = report.cases[i];
    out += "<h3 id=\"case" + std::to_string(i) + "\">" + escaped(trial.name) + ": " + name_of(trial.outcome.verdict) +
           "</h3>\n<pre>" + escaped(joined(story(trial), "\n")) + "</pre>\n<details><summary>script</summary><pre>" +
           escaped(trial.script) + "</pre></details>\n<details><summary>what was done and seen</summary><pre>" +
           escaped(show(trial.outcome.transcript)) + "</pre></details>\n";
  }
  return out + "</body></html>\n";
}

}  // namespace weir::blackbox
