#!/usr/bin/env python3
"""Prints what brain_bench measured as a table: cost an event by messages held, and how it grows from decade to decade.

    brain_bench --benchmark_out=FILE --benchmark_out_format=json;  report.py [--check] FILE...

Of several repetitions the one with the least cost counts: what else the machine does only adds to it.  --check fails
when the cost of an event grows more than GROWTH_MAX times in a decade in some shape, or fewer than DECISIONS_MIN
decisions a second are made in the first one.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

GROWTH_MAX = 1.5
DECISIONS_MIN = 1e6
FIRST_SHAPE = "many_small"

Figures = dict[str, float]


def read(paths: list[Path]) -> tuple[dict[str, dict[int, Figures]], dict[str, float], dict[str, str]]:
    """Figures by shape and number held; bytes by kind of thing held; the context of the run."""
    documents = [json.loads(path.read_text()) for path in paths]
    runs: dict[str, list[dict[str, float]]] = {}
    for run in (run for document in documents for run in document["benchmarks"]):
        if run.get("run_type") != "aggregate" and not run.get("error_occurred"):
            runs.setdefault(run["run_name"], []).append(run)
    events: dict[str, dict[int, Figures]] = {}
    weights: dict[str, float] = {}
    for name, found in runs.items():
        parts = name.split("/")
        if "bytes_each" in found[0]:
            weights[parts[1]] = found[0]["bytes_each"]
            continue
        events.setdefault(parts[1], {})[int(parts[2])] = min(found, key=lambda run: run["ns_per_event"])
    return events, weights, documents[0]["context"]


def growth(by_held: dict[int, Figures]) -> dict[int, float]:
    """How many times more an event costs than with a tenth of the messages held."""
    return {held: figures["ns_per_event"] / by_held[held // 10]["ns_per_event"]
            for held, figures in by_held.items() if held // 10 in by_held}


def show(events: dict[str, dict[int, Figures]], weights: dict[str, float], context: dict[str, str]) -> None:
    print(f"brain: {context.get('brain', '?')}, {context.get('scheduler', 'preemptive')}; the stopwatch's own {float(context.get('stopwatch_ns', 0)):.0f} ns "
          "are in each event's figure")
    print(f"{'shape':18} {'held':>9} {'ns/event':>9} {'events/s':>11} {'decisions/s':>12} {'growth':>7} {'world ns':>9}")
    for shape, by_held in events.items():
        grown = growth(by_held)
        for held, figures in sorted(by_held.items()):
            times = f"{grown[held]:7.2f}" if held in grown else f"{'':7}"
            print(f"{shape:18} {held:9d} {figures['ns_per_event']:9.0f} {figures['events_per_s']:11,.0f} "
                  f"{figures['decisions_per_s']:12,.0f} {times} {figures['world_ns_per_event']:9.0f}")
    for what, size in weights.items():
        print(f"{what:18} {size:9.0f} bytes each")


def complaints(events: dict[str, dict[int, Figures]]) -> list[str]:
    found = []
    for shape, by_held in events.items():
        found += [f"{shape}: {held} held cost {times:.2f} times as much an event as a tenth of them"
                  for held, times in sorted(growth(by_held).items()) if times > GROWTH_MAX]
    found += [f"{FIRST_SHAPE}: {held} held leave {figures['decisions_per_s']:,.0f} decisions a second"
              for held, figures in sorted(events.get(FIRST_SHAPE, {}).items())
              if figures["decisions_per_s"] < DECISIONS_MIN]
    if not events:
        found.append("nothing was measured")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", help="what --benchmark_out left, in JSON")
    parser.add_argument("--check", action="store_true", help="fail when a figure is worse than promised")
    options = parser.parse_args()
    events, weights, context = read(options.files)
    show(events, weights, context)
    if not options.check:
        return 0
    bad = complaints(events)
    for line in bad:
        print(f"NOT KEPT: {line}")
    if not bad:
        print(f"kept: at most {GROWTH_MAX} times a decade; at least {DECISIONS_MIN:,.0f} decisions a second "
              f"in {FIRST_SHAPE}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
