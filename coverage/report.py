#!/usr/bin/env python3
"""Holds what was measured to the floors: a table of lines and branches, room by room.

  report.py TRACE            table and verdict: exit status 1 where a room is below its floor (floors.txt), a row of
                             excluded.tsv matches nothing, or a room was not measured
  report.py TRACE --files    file by file as well
  report.py TRACE --missing FILE...   the lines that nothing reaches, and those with a branch never taken
  report.py TRACE --record   write table.tsv anew
  report.py --check          without a measurement: the rows of excluded.tsv match, every room has a floor, the table that
                             was recorded names each file of these rooms that has code, and it holds the floors even if
                             nothing that was added since is reached (git tells what was)

A line or a branch that is excluded counts neither as found nor as hit.
"""

import argparse
import collections
import csv
import fnmatch
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
FLOORS, EXCLUDED, TABLE = HERE / "floors.txt", HERE / "excluded.tsv", HERE / "table.tsv"
TABLE_COLUMNS = ["file", "lines", "lines hit", "branches", "branches hit"]
KINDS = ("line", "branch")  # a line that is not run, with its branches; branches of a line that is run
REST = " ..."  # at the end of a text: what follows may be anything
JOINT = "\\n"  # in a text: what stands before it is the line before
MEASURED = "# measured at "  # first line of the table; a commit
NO_CODE = re.compile(r"\s*(//.*|[{}();,]*|#include .*)$")


def room_of(name):
    parts = pathlib.PurePath(name).parts
    return "/".join(parts[:2]) if parts[0] == "src" or parts[1] == "explorer" else parts[0]


def percent(hit, found):
    return 100 * hit / found if found else 100.0


# --- files of this folder -----------------------------------------------------------------------------


def read_floors():
    """{room: (lines, branches)} in percent."""
    rows = [line.split() for line in FLOORS.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return {room: (float(lines), float(branches)) for room, lines, branches in rows}


def read_table():
    """Counts by file, and the commit they are of."""
    with TABLE.open(newline="") as file:
        commit = file.readline().removeprefix(MEASURED).strip()
        reader = csv.reader(file, delimiter="\t")
        next(reader)
        return {row[0]: tuple(int(cell) for cell in row[1:]) for row in reader}, commit


def write_table(counts):
    commit = git("rev-parse", "HEAD").strip()
    if changes_since(commit):
        sys.exit("coverage: what was measured is not committed, so it cannot be recorded")
    with TABLE.open("w", newline="") as file:
        file.write(f"{MEASURED}{commit}\n")
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(TABLE_COLUMNS)
        writer.writerows([name, *counts[name]] for name in sorted(counts))


def git(*words):
    return subprocess.run(["git", "-C", str(ROOT), *words], check=True, capture_output=True, text=True).stdout


def changes_since(commit):
    """{file: (lines of code that came, that went)} of the rooms, by their paths now."""
    changes, name = {}, ""
    for line in git("diff", "-U0", "-w", "--no-color", "--no-ext-diff", commit, "--", "src", "model").splitlines():
        if line.startswith("+++ "):
            name = line[4:].removeprefix("b/")
        elif line[:1] in ("+", "-") and not line.startswith("--- ") and not NO_CODE.match(line[1:]):
            came, went = changes.get(name, (0, 0))
            changes[name] = (came + (line[0] == "+"), went + (line[0] == "-"))
    return changes


def at_worst(table, commit):
    """The table as it is if what came since is not reached, and what went was."""
    try:
        changes = changes_since(commit)
    except (OSError, subprocess.CalledProcessError):
        print("coverage: no history here, so what came since the measurement is not known", file=sys.stderr)
        return table
    worst = dict(table)
    for name, (came, went) in changes.items():
        if name not in table:
            continue
        lines, hit, branches, taken = table[name]
        each = branches / lines if lines else 0.0
        worst[name] = (max(lines - went, 0) + came, max(hit - went, 0), max(branches - went * each, 0) + came * each,
                       max(taken - went * each, 0))
    return worst


class Excluded:
    """The rows of excluded.tsv: kind, file (a pattern), the text of the line, the reason."""

    def __init__(self, problems):
        self.rows, self.used = [], collections.Counter()
        for number, line in enumerate(EXCLUDED.read_text().splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            cells = line.split("\t")
            if len(cells) != 4 or cells[0] not in KINDS or not all(cell.strip() for cell in cells):
                problems.append(f"excluded.tsv:{number}: not kind, file, text and reason")
                continue
            self.rows.append((number, *cells[:3]))

    def lines_of(self, name, source):
        """{line: kind} of one file."""
        found = {}
        for number, kind, pattern, text in self.rows:
            if not fnmatch.fnmatchcase(name, pattern):
                continue
            before, has_before, own = text.rpartition(JOINT)
            for index, line in enumerate(source, 1):
                if has_before and (index < 2 or source[index - 2].strip() != before):
                    continue
                stripped = line.strip()
                if stripped == own or (own.endswith(REST) and stripped.startswith(own[:-len(REST)])):
                    found[index] = kind if found.get(index) != "line" else "line"
                    self.used[number] += 1
        return found

    def judge(self, problems):
        problems.extend(f"excluded.tsv:{number}: {pattern} has no line `{text}`"
                        for number, _, pattern, text in self.rows if not self.used[number])


# --- a measurement --------------------------------------------------------------------------------------


class File:
    """Counts of one file: {line: count}, [(line, block, index, count or None where the block was not reached)]."""

    def __init__(self):
        self.lines, self.branches = {}, []

    def without(self, excluded):
        """The same without what is excluded and was not reached."""
        left = File()
        left.lines = {line: count for line, count in self.lines.items() if count or excluded.get(line) != "line"}
        left.branches = [each for each in self.branches if each[3] or each[0] not in excluded]
        return left

    def counts(self):
        return (len(self.lines), sum(count > 0 for count in self.lines.values()), len(self.branches),
                sum(bool(each[3]) for each in self.branches))


def read_trace(path):
    files, file = {}, None
    for row in path.read_text().splitlines():
        if row.startswith("SF:"):
            file = files.setdefault(str(pathlib.Path(row[3:]).relative_to(ROOT)), File())
        elif row.startswith("DA:"):
            line, count = row[3:].split(",")
            file.lines[int(line)] = int(count)
        elif row.startswith("BRDA:"):
            line, block, index, count = row[5:].split(",")
            file.branches.append((int(line), int(block), int(index), None if count == "-" else int(count)))
    return files


def write_trace(files, path):
    with path.open("w") as out:
        for name, file in sorted(files.items()):
            found, hit, branches, taken = file.counts()
            print(f"TN:\nSF:{ROOT / name}", file=out)
            for line, block, index, count in file.branches:
                print(f"BRDA:{line},{block},{index},{'-' if count is None else count}", file=out)
            print(f"BRF:{branches}\nBRH:{taken}", file=out)
            for line, count in sorted(file.lines.items()):
                print(f"DA:{line},{count}", file=out)
            print(f"LF:{found}\nLH:{hit}\nend_of_record", file=out)


def source_of(name):
    path = ROOT / name
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def print_missing(name, file):
    source = source_of(name)
    taken = collections.defaultdict(list)
    for line, _, _, count in file.branches:
        taken[line].append(bool(count))
    for line in sorted(set(file.lines) | set(taken)):
        missed = file.lines.get(line, 1) == 0
        if missed or not all(taken[line]):
            mark = "#####" if missed else f"{sum(taken[line])}/{len(taken[line])}"
            print(f"{name}:{line}: {mark:>6}  {source[line - 1].strip()}")


# --- the verdict ----------------------------------------------------------------------------------------


def sums(counts):
    rooms = collections.defaultdict(lambda: (0, 0, 0, 0))
    for name, each in counts.items():
        rooms[room_of(name)] = tuple(a + b for a, b in zip(rooms[room_of(name)], each))
    return rooms


def row_of(name, counts):
    lines, hit, branches, taken = counts
    return (f"{name:44} {lines:6} {lines - hit:6} {percent(hit, lines):6.1f}   "
            f"{branches:6} {branches - taken:6} {percent(taken, branches):6.1f}")


def judge_floors(rooms, floors, problems, more=""):
    for room in sorted(set(rooms) | set(floors)):
        if room not in rooms:
            problems.append(f"{room}: was not measured")
        elif room not in floors:
            problems.append(f"{room}: has no floor in floors.txt")
        else:
            lines, hit, branches, taken = rooms[room]
            for what, value, least in (("lines", percent(hit, lines), floors[room][0]),
                                       ("branches", percent(taken, branches), floors[room][1])):
                if value < least:
                    problems.append(f"{room}: {value:.2f} % of {what}, the floor is {least:g} %{more}")


def print_table(counts, rooms, floors, with_files):
    print(f"{'':44} {'lines':>6} {'missed':>6} {'%':>6}   {'branches':>6} {'missed':>5} {'%':>6}   floors")
    for room in sorted(rooms):
        least = floors.get(room, (0, 0))
        print(f"{row_of(room, rooms[room])}   {least[0]:g} {least[1]:g}")
        for name in sorted(counts) if with_files else []:
            if room_of(name) == room:
                print(row_of("  " + name, counts[name]))


def check_record(problems):
    """What can be said without a measurement."""
    excluded, floors = Excluded(problems), read_floors()
    table, commit = read_table()
    here = sorted({str(path.relative_to(ROOT)) for room in floors for path in (ROOT / room).rglob("*.[ch]pp")})
    for name in here:
        excluded.lines_of(name, source_of(name))
    excluded.judge(problems)
    judge_floors(sums(at_worst(table, commit)), floors, problems,
                 ", if nothing that came since the measurement is reached: `./dev coverage --record`")
    problems.extend(f"{name}: not in table.tsv: `./dev coverage --record`"
                    for name in here if name.endswith(".cpp") and name not in table)
    problems.extend(f"{name}: in table.tsv, but not in the tree" for name in table if name not in here)
    print(f"coverage: {len(table)} files recorded, {len(excluded.rows)} rows of exclusions, {len(problems)} problems")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trace", type=pathlib.Path, nargs="?")
    parser.add_argument("--files", action="store_true")
    parser.add_argument("--missing", nargs="+", metavar="FILE")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--html-trace", type=pathlib.Path, help="write the trace without what is excluded")
    arguments = parser.parse_args()
    problems = []
    if arguments.check:
        check_record(problems)
    else:
        judge_trace(arguments, problems)
    for problem in problems:
        print(f"coverage: {problem}", file=sys.stderr)
    return 1 if problems else 0


def judge_trace(arguments, problems):
    excluded, floors, files = Excluded(problems), read_floors(), {}
    for name, file in read_trace(arguments.trace).items():
        files[name] = file.without(excluded.lines_of(name, source_of(name)))
    if arguments.missing:
        for name, file in files.items():
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in arguments.missing):
                print_missing(name, file)
        return
    counts = {name: file.counts() for name, file in files.items()}
    rooms = sums(counts)
    print_table(counts, rooms, floors, arguments.files)
    excluded.judge(problems)
    judge_floors(rooms, floors, problems)
    if arguments.html_trace:
        write_trace(files, arguments.html_trace)
    if arguments.record:
        write_table(counts)


if __name__ == "__main__":
    sys.exit(main())
