#!/usr/bin/env python3
"""Holds spec/requirements.tsv and spec/divergences.md to the tree: every check that a row names must exist.

A table in a chapter whose last column is headed `test` (security.md) names such checks in each of its rows.

Prints how many claims are met, open, documentation and history. Fails on a row that names a check that does not
exist, on lost, new or doubled ids (spec/requirement_ids.txt is the frozen list), on a met row without a check, on an
open row without a reason, and on a `//= R-ID` citation, or an id in a chapter, that no row has.

A check is written as
  Suite.Test   a GoogleTest or RapidCheck test in tests/ or props/; `Suite.*` is all of a suite
  Suite.Test/INSTANCE   one instance of a TEST_P: a file of tests/vectors/ (`_` for `-`), or a name in the sources
  live:NAME    a case of tests/postfix/
  ctest:NAME   a test registered with add_test(NAME ...)
"""

import argparse
import collections
import csv
import fnmatch
import pathlib
import re
import sys

COLUMNS = ["id", "seed", "section", "claim", "how", "status", "checks", "note"]
STATUSES = ["met", "open", "documentation", "history"]
ROOMS = ["src", "model", "props", "fuzz", "tests", "bench"]

GTEST = re.compile(r"\b(?:TEST|TEST_F|TEST_P|TYPED_TEST|TYPED_TEST_P|RC_GTEST_PROP)\s*\(\s*(\w+)\s*,\s*(\w+)", re.S)
FIXTURE_PROP = re.compile(r"\bRC_GTEST_FIXTURE_PROP\s*\(\s*(\w+)\s*,\s*(\w+)", re.S)
LAW = re.compile(r"^WEIR_LAW\((\w+)", re.M)  # a property of each brain
ADD_TEST = re.compile(r"\badd_test\s*\(\s*NAME\s+([\w.:${}-]+)")
LIVE = re.compile(r"""@(?:\w+\.)?(?:case|live)\(\s*(?:name\s*=\s*)?["']([\w-]+)["']""")
QUOTED = re.compile(r'"(\w+)"')
CITATION = re.compile(r"(?://|#)= ((?:R-)?[A-Z]{2,3}-\d+(?:, (?:R-)?[A-Z]{2,3}-\d+)*)(?: (test|exception)\b:? ?(.*))?")
MENTION = re.compile(r"\b((?:GEN|QUE|REP|STR|TRG|STD|SEC|DIA|BUG|CFG|PAR|FIL|DOC|LIC)-\d+)\b")
DEPARTURE = re.compile(r"\bDV-\d+\b")
DIVERGENCE = re.compile(r"^\| *(DV-\d+) *\|(.*)\|\s*$")


def files(root, rooms, suffixes):
    for room in rooms:
        base = root / room
        if not base.is_dir():
            continue
        for path in sorted(base.rglob("*")):
            if path.suffix in suffixes and "vectors" not in path.relative_to(root).parts:
                yield path


def text_of(path):
    return path.read_text(encoding="utf-8", errors="replace")


def known_checks(root):
    """Every check that the tree has, in the form in which rows name it."""
    found = set()
    for path in files(root, ["tests", "props", "bench"], {".cpp", ".hpp"}):
        text = text_of(path)
        for pattern in (GTEST, FIXTURE_PROP):
            found.update(f"{suite}.{name}" for suite, name in pattern.findall(text))
        for name in LAW.findall(text):
            found.update((f"ModelLaws.{name}", f"EngineLaws.{name}"))
    for path in files(root, ["tests/postfix"], {".py"}):
        found.update(f"live:{name}" for name in LIVE.findall(text_of(path)))
    for path in files(root, ROOMS, {".txt", ".cmake"}):
        found.update(f"ctest:{name}" for name in ADD_TEST.findall(text_of(path)) if "$" not in name)
    return found


def known_instances(root):
    """Names that an instance of a TEST_P may have: recorded files, and literals of the tests."""
    found = {path.stem.replace("-", "_") for path in (root / "tests/vectors").rglob("*") if path.is_file()}
    for path in files(root, ["tests", "props"], {".cpp"}):
        found.update(QUOTED.findall(text_of(path)))
    return found


class Checks:
    """What the tree has, to ask whether a check exists."""

    def __init__(self, root):
        self.names = known_checks(root)
        self.instances = known_instances(root)

    def has(self, check):
        name, slash, instance = check.partition("/")
        return exists(name, self.names) and (not slash or instance in self.instances)


def exists(check, known):
    if "*" in check:
        return any(fnmatch.fnmatchcase(name, check) for name in known)
    return check in known


def split_checks(text):
    return [check for check in re.split(r"[\s,;]+", text) if check]


def read_rows(path, problems):
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        header = next(reader, [])
        if header != COLUMNS:
            problems.append(f"{path.name}: the columns are {header}, not {COLUMNS}")
            return []
        rows = []
        for number, cells in enumerate(reader, 2):
            if len(cells) != len(COLUMNS):
                problems.append(f"{path.name}:{number}: {len(cells)} cells, not {len(COLUMNS)}")
                continue
            rows.append(dict(zip(COLUMNS, cells)))
        return rows


def judge_ids(rows, frozen, problems):
    counts = collections.Counter(row["id"] for row in rows)
    problems.extend(f"{name}: stands {n} times" for name, n in counts.items() if n > 1)
    problems.extend(f"{name}: lost from requirements.tsv" for name in frozen if name not in counts)
    problems.extend(f"{name}: not in requirement_ids.txt" for name in counts if name not in frozen)


def judge_row(row, known, problems):
    name, checks = row["id"], split_checks(row["checks"])
    if row["status"] not in STATUSES:
        problems.append(f"{name}: no such status: {row['status']!r}")
    if row["status"] == "met" and not checks:
        problems.append(f"{name}: met, but no check is named")
    if row["status"] == "open" and not row["note"].strip():
        problems.append(f"{name}: open without a reason")
    problems.extend(f"{name}: no such check: {check}" for check in checks if not known.has(check))


def judge_divergences(path, known, problems):
    """Ids of spec/divergences.md; its last column names checks in backticks, or says `open: reason`."""
    ids = []
    if not path.is_file():
        return ids
    for line in text_of(path).splitlines():
        match = DIVERGENCE.match(line)
        if not match:
            continue
        name, last = match.group(1), match.group(2).split("|")[-1]
        if name in ids:
            problems.append(f"{name}: stands twice in divergences.md")
        ids.append(name)
        checks = [check for text in re.findall(r"`([^`]+)`", last) for check in split_checks(text)]
        if not checks and "open:" not in last:
            problems.append(f"{name}: names neither a check nor why it has none")
        problems.extend(f"{name}: no such check: {check}" for check in checks if not known.has(check))
    return ids


def judge_tables(root, known, problems):
    """Tables of the chapters whose last column is headed `test`: each row names checks there, in backticks."""
    for path in files(root, ["spec"], {".md"}):
        judged = False
        for number, line in enumerate(text_of(path).splitlines(), 1):
            if not line.startswith("|"):
                judged = False
                continue
            last = line.rstrip().removesuffix("|").rpartition("|")[2].strip()
            if not judged or (last and not last.strip("-")):
                judged = judged or last == "test"
                continue
            checks = [check for text in re.findall(r"`([^`]+)`", last) for check in split_checks(text)]
            place = f"{path.relative_to(root)}:{number}"
            if not checks:
                problems.append(f"{place}: names no test")
            problems.extend(f"{place}: no such check: {check}" for check in checks if not known.has(check))


class Citations:
    """`//= R-ID` at code, `//= R-ID test` at checks, `//= R-ID exception: reason` where no code of ours meets a row.

    Several ids may stand in one, separated by commas; a divergence is cited without R-. Each is {id: [(place, text)]}.
    """

    def __init__(self, root, ids, problems):
        self.code, self.checks, self.exceptions = ({} for _ in range(3))
        for path in files(root, ROOMS, {".cpp", ".hpp", ".py"}):
            for number, line in enumerate(text_of(path).splitlines(), 1):
                place = f"{path.relative_to(root)}:{number}"
                for cited, kind, text in CITATION.findall(line):
                    self._add(cited.split(", "), kind, text.strip(), place, ids, problems)
                problems.extend(f"{place}: speaks of {name}, which no row has"
                                for name in DEPARTURE.findall(line) if name not in ids and not CITATION.search(line))

    def _add(self, cited, kind, text, place, ids, problems):
        kinds = {"": self.code, "test": self.checks, "exception": self.exceptions}
        for mark in cited:
            name = mark.removeprefix("R-")
            kinds[kind].setdefault(name, []).append((place, text))
            if name not in ids:
                problems.append(f"{place}: cites {name}, which no row has")
            elif mark == name and not DEPARTURE.fullmatch(name):
                problems.append(f"{place}: cites {name} without R-")
            if kind == "exception" and not text:
                problems.append(f"{place}: {name}: exception without a reason")


def judge_chapters(root, ids, problems):
    """Ids that the chapters mention."""
    for path in files(root, ["spec", "model"], {".md"}):
        for name in sorted({*MENTION.findall(text_of(path)), *DEPARTURE.findall(text_of(path))}):
            if name not in ids:
                problems.append(f"{path.relative_to(root)}: speaks of {name}, which no row has")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--open", action="store_true", help="list the open rows with their reasons")
    parser.add_argument("--checks", action="store_true", help="list every check that a row may name")
    arguments = parser.parse_args(argv)

    root, problems = arguments.root, []
    known = Checks(root)
    if arguments.checks:
        print("\n".join(sorted(known.names)))
        return 0
    rows = read_rows(root / "spec/requirements.tsv", problems)
    judge_ids(rows, text_of(root / "spec/requirement_ids.txt").split(), problems)
    for row in rows:
        judge_row(row, known, problems)
    divergences = judge_divergences(root / "spec/divergences.md", known, problems)
    judge_tables(root, known, problems)
    ids = {row["id"] for row in rows} | set(divergences)
    cited = Citations(root, ids, problems)
    judge_chapters(root, ids, problems)

    if arguments.open:
        for row in rows:
            if row["status"] == "open":
                print(f"{row['id']:8} {row['claim'][:100]}  [{row['note']}]")
    counts = collections.Counter(row["status"] for row in rows)
    print(f"requirements: {len(rows)} rows: " + ", ".join(f"{counts[status]} {status}" for status in STATUSES)
          + f"; {len(divergences)} divergences; {len(cited.code)} ids cited at code, {len(cited.checks)} at checks;"
          + f" {len(known.names)} checks in the tree")
    for problem in problems:
        print(f"requirements: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
