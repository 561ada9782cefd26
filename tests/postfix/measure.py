#!/usr/bin/env python3
"""Measures the queue manager under test beside Debian's own, in the same run, and prints both and the ratio.

A full incoming queue is drained into discard(8): the queue is loaded while no queue manager runs, then one starts.
Runs of both binaries alternate, so that whatever else the machine does falls on both; of each figure the median of
an odd number of runs is told.  System calls are counted in runs of their own (tracing makes everything slow), less
those of a start with an empty queue.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import signal
import statistics
import sys
import time
from pathlib import Path
from typing import Callable, Iterable

import live
import queue_file
from instance import STOCK_QMGR, PrivatePostfix, TestFailed, check, default_qmgr, running, until

DOMAINS = 50  # destinations: enough that none is limited by its concurrency
SETTINGS = {"default_transport": "discard:", "transport_maps": "", "qmgr_clog_warn_time": "0"}


@dataclasses.dataclass(frozen=True)
class Sample:
    """One drained queue."""

    seconds: float
    cpu_user: float
    cpu_system: float


def load(post: PrivatePostfix, count: int) -> None:
    """Fills incoming/ with messages of one recipient each."""
    for number in range(count):
        content = queue_file.message("s@box.example", [f"u{number}@d{number % DOMAINS}.example"], body=("x" * 60,) * 8)
        post.place("incoming", f"{number:05X}{number + 4096:X}", content)


def processor_time(pid: int) -> tuple[float, float]:
    """User and system seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    tick = os.sysconf("SC_CLK_TCK")
    return int(fields[11]) / tick, int(fields[12]) / tick


def drained(post: PrivatePostfix) -> bool:
    return not any(os.scandir(post.spool / "incoming")) and not any(os.scandir(post.spool / "active"))


def drain(qmgr: Path, count: int, options: str) -> Sample:
    """Loads, starts the queue manager, waits until the queue is empty."""
    with running(qmgr, with_qmgr=False, settings=SETTINGS, qmgr_arguments=options) as post:
        load(post, count)
        begin = time.monotonic()
        post.enable_qmgr()
        until(lambda: drained(post), 300, "the queue is drained", 0.01)
        seconds = time.monotonic() - begin
        user, system = processor_time(post.qmgr_pid())
        removed = len(post.log.matching(r"qmgr: \w+: removed$"))
        check(removed == count, f"{removed} of {count} messages were delivered")
        return Sample(seconds, user, system)


def calls(qmgr: Path, count: int, options: str) -> dict[str, int]:
    """System calls by name that the queue manager makes from its start until a loaded queue is drained."""
    with running(qmgr, with_qmgr=False, settings=SETTINGS, qmgr_arguments=options) as post:
        summary = post.folder / "calls"
        post.count_calls(summary)
        load(post, count)
        post.enable_qmgr()
        pid = post.qmgr_pid()
        until(lambda: drained(post), 300, "the queue is drained", 0.05)
        time.sleep(1)  # an empty queue ends at once: let the start be over
        os.kill(pid, signal.SIGTERM)
        text = until(lambda: summary.exists() and summary.read_text(), 10, "strace's summary")
        time.sleep(0.1)
        return parse_summary(summary.read_text() or str(text))


def parse_summary(text: str) -> dict[str, int]:
    """The table that `strace -c` writes: call and number of calls."""
    found = {}
    for line in text.splitlines():
        match = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", line)
        if match and match[2] != "total":
            found[match[2]] = int(match[1])
    return found


def calls_per_message(qmgr: Path, count: int, options: str) -> dict[str, float]:
    """Calls a message, by name, without those of a start with nothing to do."""
    full, empty = calls(qmgr, count, options), calls(qmgr, 0, options)
    return {name: (full.get(name, 0) - empty.get(name, 0)) / count for name in full}


def median(samples: Iterable[Sample], figure: Callable[[Sample], float]) -> float:
    return statistics.median(figure(sample) for sample in samples)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--qmgr", type=lambda text: Path(text).absolute(), default=default_qmgr(),
                        help="queue manager binary (default: %(default)s)")
    parser.add_argument("--qmgr-options", default="", metavar="TEXT", help="words for its line in master.cf")
    parser.add_argument("--messages", type=int, default=5000, help="messages to drain (default: %(default)s)")
    parser.add_argument("--traced", type=int, default=1000, help="messages to drain while calls are counted")
    parser.add_argument("--runs", type=int, default=3, help="runs of each binary, an odd number (default: %(default)s)")
    parser.add_argument("--calls", action="store_true", help="print the system calls one by one")
    return parser.parse_args()


def show(name: str, ours: float, theirs: float, unit: str) -> None:
    ratio = f"{ours / theirs:5.2f}" if theirs else "    -"
    print(f"{name:38} {ours:10.2f} {theirs:10.2f} {unit:4} {ratio}", flush=True)


def show_calls(ours: dict[str, float], theirs: dict[str, float]) -> None:
    print(f"\n{'calls a message':38} {'ours':>10} {'Postfix':>10}")
    for name in sorted({*ours, *theirs}, key=lambda name: -max(ours.get(name, 0), theirs.get(name, 0))):
        if max(ours.get(name, 0), theirs.get(name, 0)) >= 0.01:
            print(f"  {name:36} {ours.get(name, 0):10.2f} {theirs.get(name, 0):10.2f}")


def measure(options: argparse.Namespace) -> None:
    ours: list[Sample] = []
    theirs: list[Sample] = []
    for number in range(options.runs):
        print(f"run {number + 1} of {options.runs}: draining {options.messages} messages, twice", file=sys.stderr)
        order = [(options.qmgr, options.qmgr_options, ours), (STOCK_QMGR, "", theirs)]
        for binary, words, samples in order if number % 2 else order[::-1]:
            samples.append(drain(binary, options.messages, words))
    print(f"counting system calls over {options.traced} messages", file=sys.stderr)
    our_calls = calls_per_message(options.qmgr, options.traced, options.qmgr_options)
    their_calls = calls_per_message(STOCK_QMGR, options.traced, "")
    count = options.messages
    print(f"{options.messages} messages, one recipient each, {DOMAINS} destinations, medians of {options.runs} runs")
    print(f"{'':38} {'ours':>10} {'Postfix':>10}      ratio")
    show("wall time to drain the queue", median(ours, lambda s: s.seconds), median(theirs, lambda s: s.seconds), "s")
    for name, figure in (("CPU a message", lambda s: s.cpu_user + s.cpu_system), ("  user", lambda s: s.cpu_user),
                         ("  system", lambda s: s.cpu_system)):
        show(name, median(ours, figure) * 1e6 / count, median(theirs, figure) * 1e6 / count, "us")
    show("system calls a message", sum(our_calls.values()), sum(their_calls.values()), "")
    if options.calls:
        show_calls(our_calls, their_calls)


def main() -> int:
    options = parse()
    if (code := live.cannot_run(options)) is not None:
        return code
    if options.runs % 2 == 0 or options.runs < 1 or options.messages < 1 or options.traced < 1:
        print("--runs must be odd, all numbers positive", file=sys.stderr)
        return 2
    print(f"ours: {options.qmgr} {options.qmgr_options}\nPostfix: {STOCK_QMGR}", flush=True)
    try:
        measure(options)
    except TestFailed as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
