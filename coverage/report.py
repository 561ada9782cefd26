#!/usr/bin/env python3
"""Sums up an lcov trace by room and compares it with the floor; exits 1 when a room is below.

  report.py TRACE            table and verdict
  report.py TRACE --raise    write coverage/lines.txt anew, each floor a point below what was measured
"""

import argparse
import collections
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
FLOOR = HERE / "lines.txt"


def room_of(path):
    parts = pathlib.Path(path).relative_to(ROOT).parts
    return "/".join(parts[:2]) if parts[0] == "src" else parts[0]


def read_trace(path):
    """Lines found and hit, by room."""
    found, hit, room = collections.Counter(), collections.Counter(), ""
    for line in path.read_text().splitlines():
        if line.startswith("SF:"):
            room = room_of(line[3:])
        elif line.startswith("DA:"):
            found[room] += 1
            hit[room] += line.split(",")[1] != "0"
    return found, hit


def read_floor():
    if not FLOOR.is_file():
        return {}
    rows = [line.split() for line in FLOOR.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return {room: float(percent) for room, percent in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trace", type=pathlib.Path)
    parser.add_argument("--raise", dest="lift", action="store_true")
    arguments = parser.parse_args()
    found, hit = read_trace(arguments.trace)
    if not found:
        print("coverage: no line was measured", file=sys.stderr)
        return 1
    percent = {room: 100 * hit[room] / found[room] for room in sorted(found)}
    if arguments.lift:
        rows = [f"{room} {max(0, int(value) - 1)}" for room, value in percent.items()]
        FLOOR.write_text("# least percentage of lines run by the tests that need no Postfix\n" + "\n".join(rows) + "\n")
    floor, below = read_floor(), 0
    print(f"{'room':16} {'lines':>7} {'run':>7} {'%':>6} {'floor':>6}")
    for room, value in percent.items():
        least = floor.get(room, 0.0)
        below += value < least
        print(f"{room:16} {found[room]:7} {hit[room]:7} {value:6.1f} {least:6.1f}{'  below' if value < least else ''}")
    lost = sorted(set(floor) - set(percent))
    for room in lost:
        print(f"{room:16} was not measured")
    return 1 if below or lost else 0


if __name__ == "__main__":
    sys.exit(main())
