#!/usr/bin/env python3
"""From each claim of the manual pages to the line that meets it, to its checks, and to what has gone through it.

  trace_requirements.py              the report; exit status 1 on a gap
  trace_requirements.py --gaps       the verdict alone
  trace_requirements.py --tsv FILE --html FILE   the report as a table, too
  trace_requirements.py --ran        checks must have run: what build/*/junit*.xml tell must name each of them, passed
  trace_requirements.py --record     count the campaign's hits anew into spec/campaign.tsv (needs build/release)

A met row has a gap
  without a citation at code, `//= R-ID` in src/ or model/, and without an exception with its reason
  without a check that exists, or, with --ran, one that ran and passed
  without a citation at one of its checks, `//= R-ID test`
A citation of an id that does not exist, or an exception without a reason, is a gap as well, and so is a rule of
src/engine/rules.hpp that the recorded campaign does not know or has never hit.
"""

import argparse
import csv
import html
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree

import check_requirements as requirements

CODE_ROOMS = ("src/", "model/")
COLUMNS = ["id", "status", "claim", "code", "checks", "ran", "cited at checks", "campaign", "scenarios"]
RULE = re.compile(r'X\(\w+, "([A-Z]+-\d+)"\)')
SCENARIO = re.compile(r"^=== (.*)")
SCENARIO_ROWS = re.compile(r"^# rows: (.*)")
CAMPAIGN = ["--seed", "1", "--events", "8000000"]
HITS = re.compile(r"^  ([A-Z]+-\d+) +(\d+)", re.M)


# --- what has run ----------------------------------------------------------------------------------------


def results(root):
    """{check: passed?} of every test that the last runs have told of; nothing when there are none."""
    found = {}
    for path in sorted(root.glob("build/*/junit*.xml")):
        for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
            if case.get("status") != "run" and case.find("failure") is None:
                continue  # left out
            for name in names_of(case.get("name", "")):
                found[name] = found.get(name, True) and case.find("failure") is None
    return found


def names_of(test):
    """The forms in which a row may name what CTest calls `test`."""
    test = test.split(" ")[0]
    if test.startswith("live."):
        return [f"live:{test.rsplit('.', 1)[1]}"]
    if "." not in test:
        return [f"ctest:{test}"]
    parts = test.removeprefix("Engine.").split("/")
    at = next((index for index, part in enumerate(parts) if "." in part), 0)
    return ["/".join(parts[at:]), parts[at]]


def ran(check, found):
    """Did this check run, and pass? None: it did not run."""
    if check.endswith(".*"):
        mine = [passed for name, passed in found.items() if name.startswith(check[:-1]) and "/" not in name]
        return all(mine) if mine else None
    return found.get(check)


# --- what has been hit ------------------------------------------------------------------------------------


def rules(root):
    return RULE.findall(requirements.text_of(root / "src/engine/rules.hpp"))


def campaign(root, problems):
    """{id: how often the engine decided by it in the recorded campaign}"""
    path = root / "spec/campaign.tsv"
    rows = [line.split("\t") for line in requirements.text_of(path).splitlines() if line and not line.startswith("#")]
    hits = {name: int(count) for name, count in rows}
    again = "record it again: ./dev trace-requirements --record"
    problems.extend(f"{name}: a rule that the recorded campaign does not know; {again}"
                    for name in rules(root) if name not in hits)
    problems.extend(f"{name}: in campaign.tsv, but no rule of the engine; {again}"
                    for name in hits if name not in rules(root))
    problems.extend(f"{name}: the campaign never hits it" for name, count in hits.items() if count == 0)
    return hits


def record_campaign(root):
    command = [str(root / "build/release/bin/weir-lockstep"), *CAMPAIGN]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    hits = dict(HITS.findall(text))
    lines = [f"# How often the engine decided by each rule: weir-lockstep {' '.join(CAMPAIGN)}"]
    (root / "spec/campaign.tsv").write_text("\n".join(lines + [f"{name}\t{hits.get(name, 0)}" for name in rules(root)]) + "\n")


def scenarios(root, ids, problems):
    """{id: names of the scenarios that exercise it}"""
    found = {}
    for path in sorted((root / "tests/scenarios").glob("*.txt")):
        title = ""
        for line in requirements.text_of(path).splitlines():
            if match := SCENARIO.match(line):
                title = match[1]
            elif match := SCENARIO_ROWS.match(line):
                for name in match[1].split():
                    found.setdefault(name, []).append(title)
                    if name not in ids:
                        problems.append(f"{path.relative_to(root)}: {title}: speaks of {name}, which no row has")
    return found


# --- the report -------------------------------------------------------------------------------------------


class Row:
    """All that is known of one row."""

    def __init__(self, row, cited, found, hits, played):
        name = self.name = row["id"]
        self.status, self.claim = row["status"], row["claim"]
        self.code = [place for place, _ in cited.code.get(name, []) if place.startswith(CODE_ROOMS)]
        self.exceptions = [text for _, text in cited.exceptions.get(name, [])]
        self.cited_at_checks = [place for place, _ in cited.checks.get(name, [])]
        self.checks = requirements.split_checks(row["checks"])
        self.ran = {check: ran(check, found) for check in self.checks}
        self.hits, self.scenarios = hits.get(name), played.get(name, [])

    def judge(self, must_have_run, problems):
        if self.status != "met":
            return
        if not self.code and not self.exceptions:
            problems.append(f"{self.name}: no line of src/ or model/ cites it")
        if not self.cited_at_checks:
            problems.append(f"{self.name}: no check cites it")
        if must_have_run:
            problems.extend(f"{self.name}: {check} {'did not run' if passed is None else 'failed'}"
                            for check, passed in self.ran.items() if not passed)

    def cells(self):
        passed = sum(passed is True for passed in self.ran.values())
        return [self.name, self.status, self.claim,
                " ".join(self.code) or "; ".join(f"exception: {text}" for text in self.exceptions),
                " ".join(self.checks), f"{passed} of {len(self.ran)}", " ".join(self.cited_at_checks),
                "" if self.hits is None else str(self.hits), "; ".join(self.scenarios)]

    def print(self):
        _, _, _, code, checks, passed, at, hits, played = self.cells()
        print(f"{self.name}  {self.status}  {self.claim}")
        for what, text in (("code", code), ("checks", checks and f"{checks}  (passed in the last runs: {passed})"),
                           ("cited at", at), ("campaign", hits and f"{hits} decisions"), ("scenarios", played)):
            if text:
                print(f"    {what:10} {text}")


def write_tsv(rows, path):
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None)
        writer.writerow(COLUMNS)
        writer.writerows(row.cells() for row in rows)


def write_html(rows, path):
    def line(cells, tag):
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>\n"
    style = "table{border-collapse:collapse;font:13px sans-serif}td,th{border:1px solid #bbb;padding:3px;vertical-align:top}"
    path.write_text(f'<!DOCTYPE html><meta charset="utf-8"><title>Requirements</title><style>{style}</style>\n<table>\n'
                    + line(COLUMNS, "th") + "".join(line(row.cells(), "td") for row in rows) + "</table>\n")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--gaps", action="store_true", help="the verdict alone")
    parser.add_argument("--ran", action="store_true", help="every check of a met row must have run, and passed")
    parser.add_argument("--record", action="store_true", help="write spec/campaign.tsv anew")
    parser.add_argument("--tsv", type=pathlib.Path)
    parser.add_argument("--html", type=pathlib.Path)
    arguments = parser.parse_args(argv)
    root, problems = arguments.root, []
    if arguments.record:
        record_campaign(root)

    known = requirements.Checks(root)
    table = requirements.read_rows(root / "spec/requirements.tsv", problems)
    for row in table:
        requirements.judge_row(row, known, problems)
    ids = {row["id"] for row in table}
    divergences = requirements.judge_divergences(root / "spec/divergences.md", known, problems)
    cited = requirements.Citations(root, ids | set(divergences), problems)
    found, hits, played = results(root), campaign(root, problems), scenarios(root, ids, problems)
    rows = [Row(row, cited, found, hits, played) for row in table]
    for row in rows:
        row.judge(arguments.ran, problems)
        if not arguments.gaps:
            row.print()
    if arguments.tsv:
        write_tsv(rows, arguments.tsv)
    if arguments.html:
        write_html(rows, arguments.html)
    met = [row for row in rows if row.status == "met"]
    print(f"trace: {len(met)} met rows: {sum(bool(row.code) for row in met)} cited at code,"
          f" {sum(bool(row.exceptions) for row in met)} with an exception, {sum(bool(row.cited_at_checks) for row in met)}"
          f" at checks, {sum(row.hits is not None for row in met)} counted in the campaign,"
          f" {sum(bool(row.scenarios) for row in met)} in scenarios; {len(problems)} gaps")
    for problem in problems:
        print(f"trace: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
