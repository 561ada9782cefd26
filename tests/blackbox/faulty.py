#!/usr/bin/env python3
"""Builds whole daemons with one planted fault each, of decisions (props/mutants/catalogue.txt) and of bytes (liars.txt),
and lets the oracle judge them from outside: each must be seen to depart.

    faulty.py --build build/release [--only NAME ...] [--scenarios 300] [--seed 1] [--jobs 2] [--table FILE]

One line a daemon: the requirement that caught it, and the script that did. The good daemons play the same scripts first
and must conform, or a departure would say nothing. Faults of the engine that are none of a daemon are named in UNSEEN,
with the reason; one of them that is caught fails the run as well.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "props" / "mutants"))
import mutate  # noqa: E402

# Name: why a daemon that has it is no faulty one.
UNSEEN: dict[str, str] = {
    "ids-shared-by-all-queue-managers": "a fault where two queue managers share a process; a daemon has one",
}

# Name: (seed, number) of a generated script that shows it; found by a search over 15,000 of them.
SCRIPTS: dict[str, tuple[int, int]] = {
    "marks-forgotten": (5, 5332),
}


def link_command(build: Path) -> list[str]:
    """How the daemon is linked, its own objects and libraries."""
    lines = subprocess.run(["ninja", "-C", str(build), "-t", "commands", "bin/qmgr"], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    line = next(text for text in reversed(lines) if " -o bin/qmgr " in text)
    words = shlex.split(line)
    begin = next(i for i, word in enumerate(words) if word.endswith("g++") or word.endswith("c++"))
    end = words.index("&&", begin) if "&&" in words[begin:] else len(words)
    return words[begin:end]


def link(objects: list[str], command: list[str], program: Path, build: Path) -> None:
    words = list(command)
    words[words.index("-o") + 1] = str(program)
    at = next(i for i, word in enumerate(words) if word.endswith(".a"))
    # The mutant's objects come before the library that has the good ones.
    words[at:at] = objects
    done = subprocess.run(words, cwd=build, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{program}: does not link\n{done.stderr[-3000:]}")


LIARS = Path(__file__).with_name("liars.txt")


def is_of_round_robin(mutant: mutate.Mutant) -> bool:
    return mutant.why.startswith("round robin") or any("round_robin" in file or "wheel" in file
                                                       for file, _, _ in mutant.edits)


def judge(program: Path, personality: str, options: argparse.Namespace, folder: Path,
          script: tuple[int, int] | None = None) -> tuple[int, str, str]:
    """(exit status, requirement, the trial that caught it)."""
    report = folder / "oracle"
    command = [str(options.build / "bin" / "weir"), "oracle", "run", "--first", "--shrink", "0", "--subject",
               str(program), "--personality", personality, "--report", str(report)]
    if script:
        command += ["--seed", str(script[0]), "--number", str(script[1])]
    else:
        command += ["--named", str(ROOT / "tests" / "scenarios"), "--scenarios", str(options.scenarios), "--seed",
                    str(options.seed)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    try:
        cases = json.loads((report / "report.json").read_text())["cases"]
    except (OSError, ValueError, KeyError):
        return 2, "", done.stderr.strip()[-300:]
    departing = [case for case in cases if case["verdict"] == "departs"]
    if not departing:
        return done.returncode, "", ""
    return done.returncode, departing[0]["departure"]["requirement"], departing[0]["name"]


def check_the_good_ones(options: argparse.Namespace) -> None:
    for personality in ("qmgr", "oqmgr"):
        folder = options.build / "mutants" / f"good-{personality}"
        folder.mkdir(parents=True, exist_ok=True)
        status, requirement, trial = judge(options.build / "bin" / personality, personality, options, folder)
        if status != 0:
            sys.exit(f"the good {personality} does not conform: {requirement} {trial}")
        for script in SCRIPTS.values():
            if judge(options.build / "bin" / personality, personality, options, folder, script)[0] != 0:
                sys.exit(f"the good {personality} does not conform to script {script}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--scenarios", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--table", type=Path, help="write the lines to this file, too")
    options = parser.parse_args()
    options.build = options.build.resolve()
    mutants = [m for file in (mutate.CATALOGUE, LIARS) for m in mutate.read_catalogue(file.read_text())
               if not options.only or m.name in options.only]
    database = json.loads((options.build / "compile_commands.json").read_text())
    engine = [str(p.relative_to(ROOT)) for p in sorted((ROOT / "src/engine").rglob("*.cpp"))]
    command = link_command(options.build)
    bad = 0
    lines = []
    check_the_good_ones(options)

    def one(mutant: mutate.Mutant) -> tuple[mutate.Mutant, int, str, str]:
        folder, objects = mutate.build(mutant, options.build, database, engine)
        personality = "oqmgr" if is_of_round_robin(mutant) else "qmgr"
        program = folder / personality
        link(objects, command, program, options.build)
        status, requirement, trial = judge(program, personality, options, folder, SCRIPTS.get(mutant.name))
        program.unlink()
        shutil.rmtree(folder / "oracle", ignore_errors=True)
        return mutant, status, requirement, trial

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for mutant, status, requirement, trial in pool.map(one, mutants):
            reason = UNSEEN.get(mutant.name)
            if status == 1:
                verdict = f"caught by {requirement or 'what is written'}, {trial}"
                if mutant.name in SCRIPTS:
                    verdict += f" of seed {SCRIPTS[mutant.name][0]}"
                if reason:
                    verdict += f"; but it was said to be unseen: {reason}"
            elif reason:
                verdict = f"not seen: {reason}"
            else:
                verdict = "MISSED" if status == 0 else f"not judged: {trial}"
            bad += (status == 1) == bool(reason)
            lines.append(f"{mutant.name:40} {verdict}")
            print(lines[-1], flush=True)
    if options.table:
        head = "# What caught each faulty daemon: faulty.py --table, scripts of seed 1 if nothing else is said.\n"
        options.table.write_text(head + "\n".join(lines) + "\n")
    print(f"{len(mutants)} daemons with a fault, {bad} of them not as they should be")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
