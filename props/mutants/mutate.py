#!/usr/bin/env python3
"""Builds the engine with one planted fault each and lets the properties find it (README.md).

mutate.py --build BUILD_FOLDER [--only NAME ...] [--jobs N] [--json FILE] [--list]
"""

import argparse
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CATALOGUE = Path(__file__).resolve().parent / "catalogue.txt"
HEADERS = (".hpp",)
# Laws that no planted fault can break, and why. Every other one must find at least one.
EXCUSED = {}


class Mutant:
    def __init__(self, name):
        self.name, self.why, self.edits = name, "", []  # edits: (file, old lines, new lines)


def read_catalogue(text):
    """Each edit: lines that begin with "- " are replaced by those that follow with "+ ". Blanks do not count."""
    mutants, mutant, file, old, new = [], None, None, [], []

    def flush():
        nonlocal old, new
        if old:
            mutant.edits.append((file, old, new))
        old, new = [], []

    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        word, _, rest = line.partition(" ")
        if word == "mutant":
            if mutant:
                flush()
            mutant = Mutant(rest.strip())
            mutants.append(mutant)
        elif word == "why:":
            mutant.why = rest.strip()
        elif word == "file:":
            flush()
            file = rest.strip()
        elif word == "-":
            if new:
                flush()
            old.append(rest)
        elif word == "+":
            new.append(rest)
        else:
            sys.exit(f"{CATALOGUE.name}:{number}: what is {word!r}?")
    flush()
    names = [m.name for m in mutants]
    if len(names) != len(set(names)):
        sys.exit(f"{CATALOGUE.name}: a name stands twice")
    return mutants


def pattern(lines):
    """The text with any layout: the formatter may break lines anywhere between tokens."""
    text = " ".join(line.strip() for line in lines)
    return re.compile(r"\s*".join(re.escape(token) for token in re.findall(r"\w+|[^\w\s]", text)))


def apply(mutant):
    """{file: text}; an edit that does not fit exactly once is an error: the catalogue has grown stale."""
    texts = {}
    for file, old, new in mutant.edits:
        text = texts.get(file) or (ROOT / file).read_text()
        found = pattern(old).findall(text)
        if len(found) != 1:
            sys.exit(f"{mutant.name}: {len(found)} places in {file} for: {old[0]}")
        texts[file] = pattern(old).sub(lambda _: "\n".join(new), text)
    return texts


def compile_command(database, source):
    for entry in database:
        if Path(entry["directory"], entry["file"]).resolve() == (ROOT / source).resolve():
            return shlex.split(entry["command"]), entry["directory"]
    sys.exit(f"{source} is not built in this folder")


def run(command, cwd, seconds=300):
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=seconds)
        return done.returncode, done.stdout + done.stderr
    except subprocess.TimeoutExpired:
        return 124, "it did not end"


def build(mutant, build_folder, database, engine_sources):
    """The program that judges, linked with the planted fault. Objects of the mutant come before the library."""
    folder = build_folder / "mutants" / mutant.name
    texts = apply(mutant)
    overlay = folder / "tree"
    sources = [f for f in texts if not f.endswith(HEADERS)]
    if any(f.endswith(HEADERS) for f in texts):
        sources = sorted(set(sources) | set(engine_sources))
    objects = []
    for file, text in texts.items():
        target = overlay / Path(file).relative_to("src")
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_text() != text:
            target.write_text(text)
    for source in sources:
        command, cwd = compile_command(database, source)
        here = overlay / Path(source).relative_to("src")
        target = folder / (source.replace("/", "_") + ".o")
        kept = []
        skip = False
        for word in command:
            if skip:
                skip = False
            elif word in ("-o", "-c", "-MT", "-MF"):
                skip = True
            elif word not in ("-MD",):
                kept.append(word)
        at = 2 if kept[0].endswith("ccache") else 1
        kept[at:at] = ["-I" + str(overlay)]
        # Quickly compiled rather than fast.
        kept += ["-w", "-O0", "-g0", "-U_FORTIFY_SOURCE"]
        kept += ["-o", str(target), "-c", str(here if here.exists() else ROOT / source)]
        status, output = run(kept, cwd)
        if status != 0:
            sys.exit(f"{mutant.name}: {source} does not compile\n{output[-3000:]}")
        objects.append(str(target))
    return folder, objects


PARTS = ("lock-step", "laws")
LIBRARIES = ("props/libweir_props.a", "src/sim/libweir_sim.a", "src/engine/libweir_engine.a",
             "model/libweir_model.a", "src/contract/libweir_contract.a")
JUDGE = "props/mutants/CMakeFiles/weir-mutant-judge.dir/judge.cpp.o"


def link(folder, objects, build_folder):
    program = folder / "judge"
    command = ["g++", "-pie", "-o", str(program), JUDGE, *objects, *LIBRARIES, *LIBRARIES]
    status, output = run(command, build_folder)
    if status != 0:
        sys.exit(f"{folder.name}: does not link\n{output[-3000:]}")
    return program


def judge(program, parts=PARTS):
    """[(property, cases, what)]; a crash or an endless run is a find too, but by no property. Each stops at its first."""
    finds = []
    for part in parts:
        status, output = run([str(program), part], program.parent, 600)
        for line in output.splitlines():
            found = re.match(r"killed (.*) after (\d+): (.*)", line)
            if found and found[1] not in (by for by, _, _ in finds):
                finds.append((found[1], int(found[2]), found[3]))
        if status not in (0, 1):
            finds.append(("no end" if status == 124 else "crash", 0, output.strip().splitlines()[-1][:200] if output.strip() else ""))
    return finds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--parts", nargs="*", default=PARTS, choices=PARTS)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--check", action="store_true", help="only see that every edit fits")
    options = parser.parse_args()
    mutants = [m for m in read_catalogue(CATALOGUE.read_text()) if not options.only or m.name in options.only]
    if options.list or options.check:
        for mutant in mutants:
            apply(mutant)
            print(f"{mutant.name:40} {mutant.why}")
        return 0
    build_folder = options.build.resolve()
    database = json.loads((build_folder / "compile_commands.json").read_text())
    engine_sources = [str(p.relative_to(ROOT)) for p in sorted((ROOT / "src/engine").rglob("*.cpp"))]
    lock, results = threading.Lock(), []
    started = time.time()

    def one(mutant):
        began = time.time()
        folder, objects = build(mutant, build_folder, database, engine_sources)
        program = link(folder, objects, build_folder)
        built = time.time() - began
        finds = judge(program, options.parts)
        program.unlink()
        took = f"{built:.0f} + {time.time() - began - built:.0f} s"
        with lock:
            results.append({"mutant": mutant.name, "why": mutant.why,
                            "finds": [{"by": by, "cases": cases, "what": what} for by, cases, what in finds]})
            by = ", ".join(f"{by} ({cases})" for by, cases, _ in finds)
            print(f"{mutant.name:38} {'killed by ' + by if finds else 'SURVIVED'}   [{took}]", flush=True)

    sound = judge(build_folder / "bin" / "weir-mutant-judge", options.parts)
    if sound:
        sys.exit(f"the sound engine is found guilty: {sound}")
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for future in [pool.submit(one, m) for m in mutants]:
            future.result()
    seconds = time.time() - started
    survivors = [r["mutant"] for r in results if not r["finds"]]
    print(f"{len(results)} planted faults, {len(survivors)} survived" + (": " + ", ".join(survivors) if survivors else ""))
    killers = {}
    for result in results:
        for find in result["finds"]:
            killers.setdefault(find["by"], []).append(result["mutant"])
    idle = []
    if "laws" in options.parts:
        names = subprocess.run([build_folder / "bin" / "weir-mutant-judge", "names"], capture_output=True, text=True,
                               check=True).stdout.split()
        for name in names:
            killers.setdefault(name, [])
        idle = [name for name in names if not killers[name] and name not in EXCUSED]
    for by, found in sorted(killers.items(), key=lambda each: (-len(each[1]), each[0])):
        print(f"  {by:42} {len(found):3}" + (f"  {EXCUSED[by]}" if by in EXCUSED else ""))
    print(f"{seconds:.0f} s, {options.jobs} jobs")
    if idle and not options.only:
        print("laws that find nothing: " + ", ".join(idle))
    if options.json:
        options.json.write_text(json.dumps(sorted(results, key=lambda r: r["mutant"]), indent=1) + "\n")
    return 1 if survivors or (idle and not options.only) else 0


if __name__ == "__main__":
    sys.exit(main())
