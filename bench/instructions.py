#!/usr/bin/env python3
"""Instructions an event costs the engine, counted by valgrind: a figure without noise, for comparing two versions.

brain_bench runs twice for each shape and number held, the second time longer; the difference of instructions inside the
brain is divided by the difference of events, so that filling the world does not count.  Slow: about fifty times.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SHAPES = ("many_small", "huge_list", "dead_destinations", "slow_destination")
ENTRY = "weir::bench::World::feed(*"


def run(program: Path, brain: str, scheduler: str, shape: str, held: int, rounds: int) -> tuple[int, int]:
    """(instructions inside the brain, events)."""
    with tempfile.TemporaryDirectory(prefix="weir") as folder:
        out, result = Path(folder, "callgrind"), Path(folder, "result")
        command = ["valgrind", "--tool=callgrind", "--collect-atstart=no", f"--toggle-collect={ENTRY}",
                   f"--callgrind-out-file={out}", str(program), f"--brain={brain}",
                   f"--scheduler={scheduler}", f"--shape={shape}", f"--held={held}", f"--rounds={rounds}",
                   "--no-memory", f"--benchmark_out={result}", "--benchmark_out_format=json"]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        found = re.search(r"Collected : (\d+)", done.stderr)
        if done.returncode != 0 or not found:
            sys.exit(f"valgrind failed:\n{done.stderr}")
        return int(found[1]), int(json.loads(result.read_text())["benchmarks"][0]["all_events"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=Path, help="brain_bench")
    parser.add_argument("--brain", default="engine")
    parser.add_argument("--scheduler", default="preemptive")
    parser.add_argument("--shape", action="append", choices=SHAPES, help="only this one")
    parser.add_argument("--held", type=int, action="append", help="messages held (default: 1000, 10000, 100000)")
    options = parser.parse_args()
    print(f"{'shape':18} {'held':>9} {'instructions/event':>19} {'growth':>7}")
    for shape in options.shape or SHAPES:
        before = 0.0
        for held in options.held or (1000, 10_000, 100_000):
            short = run(options.program, options.brain, options.scheduler, shape, held, 2000)
            long = run(options.program, options.brain, options.scheduler, shape, held, 12_000)
            each = (long[0] - short[0]) / (long[1] - short[1])
            growth = f"{each / before:7.2f}" if before else ""
            print(f"{shape:18} {held:9d} {each:19.0f} {growth}", flush=True)
            before = each
    return 0


if __name__ == "__main__":
    sys.exit(main())
