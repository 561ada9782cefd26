#!/usr/bin/env python3
"""Runs the fuzz targets for a while, the canary first, and says what came of it. `./dev fuzz` builds, then calls this.

  campaign.py [TARGET ...] [--seconds N] [--jobs N] [--seed S]     fuzz; exit status 1 if anything was found
  campaign.py ... --fresh                                          without what earlier campaigns learned
  campaign.py ... --record FILE                                    and add what came of it to FILE
  campaign.py --table FILE                                         what FILE records, as a table
  campaign.py [TARGET ...] --merge                                 minimise what is known into fuzz/corpus

What a campaign learns is kept in BUILD/work/TARGET. A finding is copied to fuzz/corpus/TARGET/found-HASH, where the
replay tests meet it from then on, and printed, so that it can be had from a log, too.
"""

import argparse
import base64
import concurrent.futures
import csv
import dataclasses
import hashlib
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "oss-fuzz"
CORPUS = ROOT / "fuzz" / "corpus"
DICTIONARIES = ROOT / "fuzz" / "dict"

CANARY_RUNS = 2_000_000  # many times what any engine that looks at coverage needs
RUN_SECONDS_MAX = 25     # one input; more is a finding, if it is the processor's time and not that of others
MEMORY_MB_MAX = 2048
SIZE_MAX = 6000          # bytes of an input
SIZES_MAX = {"lockstep": 4 + 9 * 40, "address": 256, "trigger": 256}  # where longer ones only cost time
# What ASan remembers is enough for one input: its usual cost is most of the time of what allocates much.
SANITIZER_OPTIONS = {"ASAN_OPTIONS": "malloc_context_size=8:quarantine_size_mb=16"}
KEPT_MAX = 40_000        # bytes that merging keeps of a target in the tree: its smallest files


@dataclasses.dataclass
class Outcome:
    target: str
    status: int = 0
    runs: int = 0
    speed: int = 0
    seconds: int = 0
    edges: int = 0
    new_features: int = 0
    corpus: int = 0
    slow: int = 0
    findings: list = dataclasses.field(default_factory=list)
    why: str = ""


def targets_of(build):
    names = re.findall(r"^weir_add_fuzz\((\w+)", (ROOT / "fuzz/CMakeLists.txt").read_text(), re.M)
    return [name for name in names if name != "canary" and (build / "bin" / f"{name}_fuzz").exists()]


def program(build, target):
    return build / "bin" / f"{target}_fuzz"


def base_command(build, target):
    size = SIZES_MAX.get(target, SIZE_MAX)
    command = [program(build, target), f"-rss_limit_mb={MEMORY_MB_MAX}", f"-timeout={RUN_SECONDS_MAX}",
               f"-max_len={size}", "-print_final_stats=1"]
    dictionary = DICTIONARIES / f"{target}.dict"
    return command + ([f"-dict={dictionary}"] if dictionary.exists() else [])


def run(command, folder):
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(list(map(str, command)), cwd=folder, env=SANITIZER_OPTIONS | os.environ, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode(errors="replace")


# The planted fault must be found, or nothing that follows means anything.
def canary_is_found(build, seed):
    folder = build / "findings" / "canary"
    shutil.rmtree(folder, ignore_errors=True)
    status, output = run([program(build, "canary"), f"-runs={CANARY_RUNS}", f"-seed={seed}", "-print_final_stats=1",
                          CORPUS / "canary"], folder)
    crashes = [file.read_bytes() for file in folder.glob("crash-*")]
    found = status != 0 and any(data[3:6] == b"wEr" for data in crashes)
    runs = number(r"stat::number_of_executed_units: *(\d+)", output)
    print(f"canary: {'found' if found else 'NOT FOUND'} after {runs} runs", flush=True)
    return found


def number(pattern, text, which=-1):
    found = re.findall(pattern, text, re.M)
    return int(found[which]) if found else 0


def read_statistics(outcome, output):
    outcome.runs = number(r"stat::number_of_executed_units: *(\d+)", output)
    outcome.speed = number(r"stat::average_exec_per_sec: *(\d+)", output)
    outcome.seconds = number(r"^Done \d+ runs in (\d+) second", output)
    outcome.edges = number(r" cov: (\d+)", output)
    outcome.new_features = number(r" ft: (\d+)", output) - number(r"INITED.* ft: (\d+)", output)
    outcome.corpus = number(r" corp: (\d+)", output)
    reasons = re.findall(r".*broken invariant: .*|.*runtime error: .*|SUMMARY: .*|.*ERROR: .*", output)
    outcome.why = reasons[0].strip() if reasons else ""


def keep(artifact, target):
    data = artifact.read_bytes()
    place = CORPUS / target / f"found-{hashlib.sha256(data).hexdigest()[:16]}"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    return place


def fuzz(build, target, seconds, fresh, seed):
    outcome = Outcome(target)
    work, findings = build / ("fresh" if fresh else "work") / target, build / "findings" / target
    if fresh:
        shutil.rmtree(work, ignore_errors=True)
    for folder in (work, CORPUS / target, build / "seeds" / target):
        folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(findings, ignore_errors=True)
    command = base_command(build, target) + [f"-max_total_time={seconds}", f"-seed={seed}", f"-artifact_prefix={findings}/",
                                             work, CORPUS / target, build / "seeds" / target]
    outcome.status, output = run(command, findings)
    (work.parent / f"{target}.log").write_text(output)
    read_statistics(outcome, output)
    for artifact in sorted(findings.iterdir()):
        if artifact.name.startswith("slow-unit-"):
            outcome.slow += 1
        elif artifact.name.startswith("timeout-") and is_fast(program(build, target), artifact):
            outcome.slow += 1
            outcome.status, outcome.why = 0, "ok, cut short: others took the processor"
        else:
            outcome.findings.append(keep(artifact, target))
    return outcome


# The engine's clock runs while others have the processor; this one does not.
def is_fast(fuzzer, artifact):
    limit = f"ulimit -t {RUN_SECONDS_MAX} && exec \"$@\""
    status, _ = run(["bash", "-c", limit, "limit", fuzzer, f"-timeout={100 * RUN_SECONDS_MAX}", artifact],
                    artifact.parent)
    return status == 0


def print_table(outcomes):
    print(f"{'target':<14}{'runs':>10}{'runs/s':>9}{'edges':>8}{'new ft':>8}{'corpus':>8}{'slow':>6}  result")
    for o in outcomes:
        result = o.why or ("ok" if o.status == 0 else f"exit status {o.status}")
        print(f"{o.target:<14}{o.runs:>10}{o.speed:>9}{o.edges:>8}{o.new_features:>8}{o.corpus:>8}{o.slow:>6}  {result}")


def print_finding(build, target, place):
    print(f"finding: {program(build, target)} {place.relative_to(ROOT)}")
    print(f"   which is: echo {base64.b64encode(place.read_bytes()).decode()} | base64 -d")


def campaign(build, targets, arguments, seed):
    words = " ".join([*arguments.targets, f"--seconds {arguments.seconds}", *["--fresh"] * arguments.fresh])
    verb = "./dev fuzz" if build == BUILD else f"python3 fuzz/campaign.py --build {os.path.relpath(build, ROOT)}"
    print(f"commit {commit()}, seed {seed}: repeat with {verb} {words} --seed {seed}", flush=True)
    if not canary_is_found(build, seed):
        return 1
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        outcomes = list(pool.map(lambda target: fuzz(build, target, arguments.seconds, arguments.fresh, seed), targets))
    print_table(outcomes)
    for outcome in outcomes:
        for place in outcome.findings:
            print_finding(build, outcome.target, place)
    if arguments.record:
        add_to_record(arguments.record, outcomes, seed)
    return int(any(outcome.status != 0 for outcome in outcomes))


# --- records: a file with a row for each target and commit, to which every campaign adds ---------------------

COLUMNS = ["target", "commit", "executions", "seconds", "edges", "corpus", "findings", "seeds"]


# Short; "+" behind it: the working copy was not that commit.
def commit():
    done = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--abbrev=12", "--match=", "--dirty=+"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return done.stdout.strip() or "unknown"


def read_record(file):
    if not file.exists():
        return []
    with file.open(newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    for row in rows:
        row.update({name: int(row[name]) for name in COLUMNS[2:7]})
    return rows


def add_to_record(file, outcomes, seed):
    rows = {(row["target"], row["commit"]): row for row in read_record(file)}
    now = commit()
    for o in outcomes:
        row = rows.setdefault((o.target, now), dict.fromkeys(COLUMNS, 0) | {"target": o.target, "commit": now, "seeds": ""})
        row["executions"] += o.runs
        row["seconds"] += o.seconds
        row["findings"] += len(o.findings)
        row["edges"], row["corpus"] = max(row["edges"], o.edges), o.corpus
        row["seeds"] = " ".join([*row["seeds"].split(), str(seed)])
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows.values())


# In markdown, a row for each target: sums over all commits, edges and corpus of the last.
def print_record(file):
    rows = read_record(file)
    print("| target | executions | seconds | edges | corpus | findings |\n|---|---:|---:|---:|---:|---:|")
    for target in dict.fromkeys(row["target"] for row in rows):
        own = [row for row in rows if row["target"] == target]
        runs, seconds, findings = (sum(row[name] for row in own) for name in ("executions", "seconds", "findings"))
        print(f"| {target} | {runs:,} | {seconds:,} | {own[-1]['edges']:,} | {own[-1]['corpus']:,} | {findings} |")
    runs, seconds, findings = (sum(row[name] for row in rows) for name in ("executions", "seconds", "findings"))
    print(f"| all | {runs:,} | {seconds:,} | | | {findings} |")


# Only what reaches new edges is worth keeping in the tree; findings stay whatever they reach.
def merge(build, target):
    seeds = build / "seeds"
    merged = build / "merged" / target
    shutil.rmtree(merged, ignore_errors=True)
    merged.mkdir(parents=True)
    sources = [folder for folder in [CORPUS / target, seeds / target, build / "work" / target] if folder.is_dir()]
    command = base_command(build, target) + ["-merge=1", "-use_counters=0", merged, *sources]
    status, output = run(command, build / "merged")
    if status != 0:
        print(output[-2000:])
        return status
    place = CORPUS / target
    place.mkdir(parents=True, exist_ok=True)
    for old in place.iterdir():
        if not old.name.startswith("found-"):
            old.unlink()
    left = KEPT_MAX
    for file in sorted(merged.iterdir(), key=lambda file: (file.stat().st_size, file.name)):
        left -= file.stat().st_size
        if left >= 0:
            shutil.copy(file, place)
    files = list(place.iterdir())
    print(f"{target}: {len(files)} files, {sum(file.stat().st_size for file in files)} bytes", flush=True)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=20, help="of each target (default 20)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=0, help="default: a fresh one, printed")
    parser.add_argument("--fresh", action="store_true", help="forget what earlier campaigns learned, but for the corpus")
    parser.add_argument("--record", type=pathlib.Path, metavar="FILE", help="add the outcome to this file")
    parser.add_argument("--table", type=pathlib.Path, metavar="FILE", help="print what this file records")
    parser.add_argument("--merge", action="store_true", help="minimise all that is known into fuzz/corpus")
    parser.add_argument("--build", type=pathlib.Path, default=BUILD, help="default: what ./dev fuzz builds")
    arguments = parser.parse_args()
    if arguments.table:
        return print_record(arguments.table)
    build = arguments.build.resolve()
    known = targets_of(build)
    unknown = [name for name in arguments.targets if name not in known]
    if unknown:
        sys.exit(f"no such target: {' '.join(unknown)}; there are {' '.join(known)}")
    targets = arguments.targets or known
    subprocess.run([sys.executable, ROOT / "fuzz/seeds.py", build / "seeds"], check=True)
    if arguments.merge:
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            return max(pool.map(lambda target: merge(build, target), targets))
    seed = arguments.seed or random.SystemRandom().randrange(1, 2**31)
    return campaign(build, targets, arguments, seed)


if __name__ == "__main__":
    sys.exit(main())
