#!/usr/bin/env python3
"""Judges every queue manager that is here by the same scenarios: Debian's qmgr, nqmgr and oqmgr, and Weir in each of
its personalities with each of its brains.

    oracle.py --build build/release [--scenarios 1000] [--seed 1] [--jobs 2] [--only NAME] [--report DIR]

One line a subject; its report is in DIR/NAME. The exit status is 0 only when all conform.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
POSTFIX = Path("/usr/lib/postfix/sbin")


@dataclass
class Subject:
    name: str
    program: Path
    personality: str
    arguments: list[str] = field(default_factory=list)
    excuses: str = "none"


def subjects(build: Path) -> list[Subject]:
    found = [Subject(f"postfix-{name}", POSTFIX / name, name, excuses="postfix") for name in ("qmgr", "nqmgr", "oqmgr")]
    for name in ("qmgr", "nqmgr", "oqmgr"):
        for brain in ("engine", "model"):
            found.append(Subject(f"weir-{name}-{brain}", build / "bin" / name, name, ["-o", f"weir_brain={brain}"]))
    for brain in ("engine", "model"):
        found.append(Subject(f"weir-nqmgr-2003-{brain}", build / "bin" / "nqmgr", "nqmgr-2003",
                             ["-o", f"weir_brain={brain}", "-o", "weir_personality=nqmgr-2003"]))
    return found


def judge(subject: Subject, options: argparse.Namespace) -> tuple[Subject, int, dict[str, object], float, str]:
    folder = options.report / subject.name
    command = [str(options.build / "bin" / "weir"), "oracle", "run", "--subject", str(subject.program), "--personality",
               subject.personality, "--scenarios", str(options.scenarios), "--seed", str(options.seed), "--report",
               str(folder), "--level", options.level, "--excuse", subject.excuses]
    if options.level == "exact":
        command += ["--named", str(ROOT / "tests" / "scenarios")]
    for argument in subject.arguments:
        command += [f"--argument={argument}"]
    begin = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    took = time.monotonic() - begin
    try:
        report = json.loads((folder / "report.json").read_text())
    except (OSError, ValueError):
        report = {}
    return subject, done.returncode, report, took, done.stdout + done.stderr


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    parser.add_argument("--scenarios", type=int, default=1000, help="generated ones a subject")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--level", choices=("exact", "promises"), default="exact")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", action="append", help="just this subject")
    parser.add_argument("--report", type=Path, default=ROOT / "build" / "oracle")
    options = parser.parse_args()
    options.build = options.build.resolve()
    chosen = [s for s in subjects(options.build) if not options.only or s.name in options.only]
    if not chosen:
        parser.error("no such subject")
    print(f"{'subject':24} {'verdict':12} {'trials':>7} {'excused':>8} {'departs':>8} {'unclear':>8} {'decisions':>10} "
          f"{'a second':>9} {'rows':>5}")
    worst = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        for subject, status, report, took, text in pool.map(lambda s: judge(s, options), chosen):
            worst = max(worst, status)
            if not report:
                print(f"{subject.name:24} not judged\n{text}")
                worst = max(worst, 2)
                continue
            verdicts, trials = report["verdicts"], report["trials"]
            rows = sum(1 for row in report["requirements"] if row["exercised"])
            verdict = ("conforms", "departs", "not judged")[min(status, 2)]
            print(f"{subject.name:24} {verdict:12} {trials['named'] + trials['generated']:7d} {verdicts['excused']:8d} "
                  f"{verdicts['departs']:8d} {verdicts['inconclusive']:8d} {report['decisions']:10d} "
                  f"{report['decisions'] / took:9.0f} {rows:5d}", flush=True)
            if status != 0:
                print(text)
    return worst


if __name__ == "__main__":
    sys.exit(main())
