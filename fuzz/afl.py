#!/usr/bin/env python3
"""The fuzz targets under AFL++, the canary first. `./dev fuzz --engine afl` builds them, then calls this.

  afl.py OUT CANARY [--seconds N]     every target in OUT (fuzz/build.sh) for so long; exit status 1 if it found anything
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

SEED_MAX = 2000        # bytes: AFL++ begins with small files
CANARY_SECONDS = 120   # at most; it ends at the first crash
TIMEOUT_MS = 25000     # one input; more is a finding

ENVIRONMENT = {"AFL_NO_UI": "1", "AFL_NO_AFFINITY": "1", "AFL_SKIP_CPUFREQ": "1", "AFL_FORKSRV_INIT_TMOUT": "60000",
               "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1", "AFL_NO_STARTUP_CALIBRATION": "1", "AFL_TRY_AFFINITY": "0"}


def fuzz(program, seeds, dictionary, seconds, more):
    work = program.parent / "afl" / program.name
    shutil.rmtree(work, ignore_errors=True)
    (work / "in").mkdir(parents=True)
    (work / "in" / "any").write_bytes(b"any")
    for name, data in seeds:
        if len(data) <= SEED_MAX:
            (work / "in" / name).write_bytes(data)
    command = ["afl-fuzz", "-i", work / "in", "-o", work / "out", "-V", seconds, "-m", "none", "-t", TIMEOUT_MS]
    command += ["-x", dictionary] if dictionary.exists() else []
    done = subprocess.run([*map(str, command), "--", str(program)], env=os.environ | ENVIRONMENT | more, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    (work / "log").write_bytes(done.stdout)
    file = work / "out" / "default" / "fuzzer_stats"
    if not file.exists():
        print(done.stdout.decode(errors="replace")[-2000:])
        return None
    return {name.strip(): value.strip() for name, value in
            (line.split(":", 1) for line in file.read_text().splitlines() if ":" in line)}


def seeds_of(archive):
    if not archive.exists():
        return []
    with zipfile.ZipFile(archive) as pack:
        return [(name, pack.read(name)) for name in pack.namelist()]


def canary_is_found(canary):
    stats = fuzz(canary, [("short", b"abc")], pathlib.Path("none"), CANARY_SECONDS, {"AFL_BENCH_UNTIL_CRASH": "1"})
    found = stats is not None and int(stats["saved_crashes"]) > 0
    print(f"canary: {'found' if found else 'NOT FOUND'} after {stats['execs_done'] if stats else 0} runs", flush=True)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("canary", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=20, help="of each target (default 20)")
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    if not canary_is_found(arguments.canary.resolve()):
        return 1
    status = 0
    print(f"{'target':<14}{'runs':>10}{'runs/s':>10}{'edges':>8}{'corpus':>8}{'crashes':>9}{'hangs':>7}", flush=True)
    for program in sorted(out.glob("*_fuzz")):
        stats = fuzz(program, seeds_of(out / f"{program.name}_seed_corpus.zip"), out / f"{program.name}.dict",
                     arguments.seconds, {})
        if stats is None:
            print(f"{program.name}: did not run")
            status = 1
            continue
        print(f"{program.name.removesuffix('_fuzz'):<14}{stats['execs_done']:>10}{stats['execs_per_sec']:>10}"
              f"{stats['edges_found']:>8}{stats['corpus_count']:>8}{stats['saved_crashes']:>9}{stats['saved_hangs']:>7}",
              flush=True)
        if int(stats["saved_crashes"]) or int(stats["saved_hangs"]):
            print(f"   see {program.parent}/afl/{program.name}/out/default")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
