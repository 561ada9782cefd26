#!/usr/bin/env python3
"""Reads the counters that a run of the coverage build has left and writes them as an lcov trace.

  collect.py BUILD TRACE [--also FOLDER]

FOLDER holds counters of processes that might not write into BUILD, below the absolute path of BUILD.

Lines are counted as gcov does. Of the branches those are counted that a condition of the source has: gcov also counts,
as a branch with two ends, every call that might throw and every clean-up that only an exception reaches. Its JSON says
which ends are throws, its text which of them stand in one basic block and which blocks exceptions alone reach; so both
are read, and a block with a throw in it, or for exceptions alone, is left out whole. (To leave out only the throwing
end, as lcov can, would keep the other end of each call as a branch that is always taken.)

Instances of a template, and copies of an inline function, are one where they have the same blocks: a branch is taken
when one of them takes it.
"""

import argparse
import collections
import json
import multiprocessing
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROOMS = ("src/", "model/")

SOURCE = re.compile(r"^ +-: +0:Source:(.*)$")
LINE = re.compile(r"^ *([^:]+?): *(\d+):(.*)$")
BLOCK = re.compile(r"^ *([^:]+?): *(\d+)-block +(\d+)$")
BRANCH = re.compile(r"^branch +\d+ (?:taken (\d+)|never executed)")
FOR_EXCEPTIONS = "$$$$$"
POSSIBLE = range(1 << 60)  # counts of a line
BRACE_FOR_EXCEPTIONS = re.compile(r"^ *=====: *(\d+): *}[;,)]*$")


def gcov(counters, build, *options):
    """What gcov says of one object, of the files of the tree alone."""
    command = ["gcov", "-b", "-c", "-r", "-s", str(ROOT), "--stdout", *options, counters]
    return subprocess.run(command, cwd=build, check=True, capture_output=True).stdout.decode("utf-8", "replace")


def source_of(name, build):
    """A source file relative to the tree: gcov names it from the tree, or, when ccache has been at it, from BUILD."""
    path = os.path.normpath(os.path.join(build, name))
    return os.path.relpath(path if os.path.exists(path) else os.path.join(ROOT, name), ROOT)


def blocks_of(text, build):
    """{(file, line): [blocks of an instance, ...]}, and the closing braces that exceptions alone reach, for clean-up.
    A block is (for exceptions alone?, how many branches)."""
    found, braces, file, place = collections.defaultdict(list), set(), "", None
    for row in text.splitlines():
        if match := SOURCE.match(row):
            file, place = source_of(match[1], build), None
        elif match := BLOCK.match(row):
            if place is not None:
                found[place][-1].append([match[1].strip("*") == FOR_EXCEPTIONS, 0])
        elif BRANCH.match(row):
            if place is not None:
                if not found[place][-1]:
                    found[place][-1].append([False, 0])  # of a block that begins in a line before
                found[place][-1][-1][1] += 1
        elif match := LINE.match(row):
            place = (file, int(match[2]))
            found[place].append([])
            if BRACE_FOR_EXCEPTIONS.match(row):
                braces.add(place)
    return {place: [each for each in instances if any(n for _, n in each)]
            for place, instances in found.items()}, braces


def read_object(where):
    """Lines and branches of one object: [(file, line, count, blocks)]; a block is (left out?, counts)."""
    counters, build = where
    report = json.loads(gcov(counters, build, "--json-format"))
    if any(line["count"] not in POSSIBLE for file in report["files"] for line in file["lines"]):
        print(f"collect: left out, damaged by a process that was killed while it wrote: {counters}", file=sys.stderr)
        return []
    blocks, braces = blocks_of(gcov(counters, build, "-a"), build)
    rows = []
    for file in report["files"]:
        source = source_of(file["file"], build)
        if not source.startswith(ROOMS):
            continue
        seen = collections.Counter()
        for line in file["lines"]:
            place, branches = (source, line["line_number"]), line["branches"]
            parts = []
            if branches:
                parts = partition(branches, blocks.get(place, []), seen[place])
                seen[place] += 1
            if place not in braces:
                rows.append((*place, line["count"], parts))
    return rows


def partition(branches, instances, index):
    """The branches of a line, block by block."""
    sizes = instances[index] if index < len(instances) else []
    if sum(count for _, count in sizes) != len(branches):
        sizes = guess(branches)
    parts, begin = [], 0
    for for_exceptions, count in sizes:
        mine = branches[begin:begin + count]
        begin += count
        if mine:
            parts.append((for_exceptions or any(each["throw"] for each in mine), tuple(each["count"] for each in mine)))
    return parts


def guess(branches):
    """Blocks of a line that the text leaves out, as it does with the last template of a file: a throw stands beside
    the way that does not throw, and what remains is in pairs."""
    sizes, at = [], 0
    while at < len(branches):
        sizes.append((False, min(2, len(branches) - at)))
        at += 2
    return sizes


def merge(objects):
    """{file: (counts by line, {(line, shape): blocks})}"""
    files = collections.defaultdict(lambda: (collections.Counter(), {}))
    for rows in objects:
        for file, line, count, parts in rows:
            lines, branches = files[file]
            lines[line] += count
            if not parts:
                continue
            key = (line, tuple(len(counts) for _, counts in parts))
            old = branches.get(key)
            branches[key] = [(a or b, [x + y for x, y in zip(m, n)]) for (a, m), (b, n) in zip(old, parts)] \
                if old else [(out, list(counts)) for out, counts in parts]
    return files


def write_trace(files, path):
    with path.open("w") as out:
        for file in sorted(files):
            lines, branches = files[file]
            print(f"TN:\nSF:{ROOT / file}", file=out)
            number = collections.Counter()
            for line, shape in sorted(branches):
                for left_out, counts in branches[line, shape]:
                    if left_out:
                        continue
                    for index, count in enumerate(counts):
                        print(f"BRDA:{line},{number[line]},{index},{count if sum(counts) else '-'}", file=out)
                    number[line] += 1
            for line in sorted(lines):
                print(f"DA:{line},{lines[line]}", file=out)
            print("end_of_record", file=out)


def objects_of(build, also):
    """All counters, and BUILD; beside those that stand elsewhere, a link to what describes them."""
    for path in sorted(build.rglob("*.gcda")):
        yield str(path), str(build)
    for note in sorted(build.rglob("*.gcno")):
        if not note.with_suffix(".gcda").exists():
            yield str(note), str(build)  # nothing of it has run
    base = pathlib.Path(f"{also}/{build}") if also else None
    for path in sorted(base.rglob("*.gcda")) if base else []:
        note = path.with_suffix(".gcno")
        if not note.exists():
            note.symlink_to(build / note.relative_to(base))
        yield str(path), str(build)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("trace", type=pathlib.Path)
    parser.add_argument("--also", type=pathlib.Path)
    arguments = parser.parse_args()
    found = list(objects_of(arguments.build.resolve(), arguments.also))
    if not found:
        print("collect: there are no counters", file=sys.stderr)
        return 1
    with multiprocessing.Pool(os.cpu_count()) as pool:
        files = merge(pool.imap_unordered(read_object, found, chunksize=4))
    write_trace(files, arguments.trace)
    return 0


if __name__ == "__main__":
    sys.exit(main())
