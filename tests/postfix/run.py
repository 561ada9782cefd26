#!/usr/bin/env python3
"""Plays the end-to-end cases with the queue manager under test and prints a table of what happened."""

from __future__ import annotations

import argparse
import multiprocessing
import signal
import sys
import time
import traceback
from typing import Any, NamedTuple

import cases
import live
from instance import TestFailed


class Result(NamedTuple):
    name: str
    sent: str
    happened: str
    seconds: float
    good: bool


def play_group(group: str, chosen: list[str], options: argparse.Namespace, results: Any) -> None:
    """Runs cases of one group on one instance, in a process of its own; every case gives exactly one result."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    left = list(chosen)
    try:
        with cases.world(options.qmgr, group, options.keep, options.qmgr_options) as world:
            for one in cases.CASES:
                if one.group == group and one.name in chosen:
                    results.put(play(one, world))
                    left.remove(one.name)
    except TestFailed as error:
        _give_up(left, str(error), results)
    except Exception:  # a broken instance must not hide the other groups' results
        _give_up(left, traceback.format_exc(), results)


def _give_up(left: list[str], why: str, results: Any) -> None:
    for name in left:
        results.put(Result(name, "", why, 0.0, False))


def play(one: cases.Case, world: cases.World) -> Result:
    """Runs one case; a failure carries the end of the log."""
    begin = time.monotonic()
    try:
        sent, happened = one.run(world)
        return Result(one.name, sent, happened, time.monotonic() - begin, True)
    except TestFailed as error:
        why = str(error)
    except Exception:
        why = traceback.format_exc()
    tail = "\n        ".join(world.log.lines()[-15:])
    return Result(one.name, "", f"{why}\n      log:\n        {tail}", time.monotonic() - begin, False)


def start_groups(waiting: list[str], running: list[Any], chosen: list[str], options: argparse.Namespace,
                 results: Any) -> None:
    """Keeps as many groups running as allowed."""
    running[:] = [process for process in running if process.is_alive()]
    while waiting and len(running) < max(1, options.jobs):
        process = multiprocessing.Process(target=play_group, args=(waiting.pop(0), chosen, options, results))
        process.start()
        running.append(process)


def run_all(chosen: list[str], options: argparse.Namespace) -> list[Result]:
    """Plays everything and tells each result as it comes."""
    chosen_by_group = {group: [one.name for one in cases.CASES if one.group == group and one.name in chosen]
                       for group in cases.GROUPS}
    waiting = sorted((group for group, names in chosen_by_group.items() if names),
                     key=lambda group: -len(chosen_by_group[group]))
    results: Any = multiprocessing.Queue()
    running: list[Any] = []
    found: list[Result] = []
    try:
        while len(found) < len(chosen):
            start_groups(waiting, running, chosen, options, results)
            try:
                result = results.get(timeout=0.5)
            except Exception:  # nothing yet; a group process that died without a word is noticed here
                if not running and not waiting and results.empty():
                    break
                continue
            found.append(result)
            word = "ok" if result.good else "FAILED"
            print(f"[{len(found):2}/{len(chosen)}] {result.name:18} {word:6} {result.seconds:5.1f} s", flush=True)
    finally:
        live.end(running, patient=len(found) == len(chosen))
    missing = [name for name in chosen if name not in {result.name for result in found}]
    return found + [Result(name, "", "no result: its instance died", 0.0, False) for name in missing]


def print_table(results: list[Result], order: list[str], personality: str) -> None:
    """Case, what was sent, what happened, time; above them which queue manager it was."""
    rows = sorted(results, key=lambda result: order.index(result.name))
    sent = max([len(row.sent) for row in rows] + [4])
    happened = max([len(row.happened) for row in rows if row.good] + [8])
    print(f"\nas {personality}:\n{'case':18}  {'sent':{sent}}  {'happened':{happened}}   time")
    for row in rows:
        text = row.happened if row.good else "FAILED (below)"
        print(f"{row.name:18}  {row.sent:{sent}}  {text:{happened}}  {row.seconds:5.1f} s")
    for row in rows:
        if not row.good:
            print(f"\nFAILED {row.name}: {row.happened}")


def main() -> int:
    options = live.parse(__doc__, what="case", jobs=2)
    names = [one.name for one in cases.CASES if options.personality in one.only]
    if options.list:
        print("\n".join(names))
        return 0
    if (code := live.cannot_run(options)) is not None:
        return code
    chosen = live.chosen(names, options, "case")
    if not chosen:
        return 2
    print(f"queue manager: {options.qmgr} {options.qmgr_options}, personality {options.personality}", flush=True)
    begin = time.monotonic()
    results = run_all(chosen, options)
    print_table(results, names, options.personality)
    bad = sum(not result.good for result in results)
    print(f"\n{len(results) - bad} of {len(results)} cases as they should be, {time.monotonic() - begin:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
