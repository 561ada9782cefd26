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
        kept[1 if kept[0].endswith("ccache") else 0] += ""
        at = 2 if kept[0].endswith("ccache") else 1
        kept[at:at] = ["-I" + str(overlay), "-Wno-error", "-w"]
        kept += ["-o", str(target), "-c", str(here if here.exists() else ROOT / source)]
        status, output = run(kept, cwd)
        if status != 0:
            sys.exit(f"{mutant.name}: {source} does not compile\n{output[-3000:]}")
        objects.append(str(target))
    return folder, objects


def link(folder, objects, build_folder):
    rule = (build_folder / "props" / "mutant_judge.link").read_text().strip()
    program = folder / "judge"
    status, output = run(shlex.split(rule.replace("@OBJECTS@", " ".join(objects)).replace("@OUT@", str(program))), build_folder)
    if status != 0:
        sys.exit(f"{folder.name}: does not link\n{output[-3000:]}")
    return program


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path)
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

    def one(mutant):
        began = time.time()
        folder, objects = build(mutant, build_folder, database, engine_sources)
        program = link(folder, objects, build_folder)
        built = time.time() - began
        status, output = run([str(program), "--json"], folder, 600)
        try:
            found = json.loads(output.splitlines()[-1])
        except (ValueError, IndexError):
            # A crash is a find too, but it says nothing about a property.
            found = {"killed": [{"by": "crash" if status != 124 else "time", "cases": 0}]}
        program.unlink()
        with lock:
            results.append({"mutant": mutant.name, "why": mutant.why, **found})
            by = ", ".join(f"{k['by']} ({k['cases']})" for k in found["killed"])
            print(f"{mutant.name:38} {'killed' if by else 'SURVIVED':9} {by}   [{built:.0f} + {time.time() - began - built:.0f} s]", flush=True)

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for future in [pool.submit(one, m) for m in mutants]:
            future.result()
    survivors = [r["mutant"] for r in results if not r["killed"]]
    print(f"{len(results)} mutants, {len(survivors)} survived" + (": " + ", ".join(survivors) if survivors else ""))
    if not options.only:
        idle = sorted(set(found_properties(results)[0]) - set(found_properties(results)[1]))
        if idle:
            print("properties that kill nothing: " + ", ".join(idle))
            survivors.append("idle")
    if options.json:
        options.json.write_text(json.dumps(sorted(results, key=lambda r: r["mutant"]), indent=1) + "\n")
    return 1 if survivors else 0


def found_properties(results):
    everybody = {name for r in results for name in r.get("properties", [])}
    killers = {k["by"] for r in results for k in r["killed"]}
    return everybody, killers


if __name__ == "__main__":
    sys.exit(main())
