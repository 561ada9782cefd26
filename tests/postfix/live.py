"""A small runner for live tests: a registry, a command line, processes of their own, exit codes for CTest.

Exit code 0: all as it should be; 1: some test failed; 77: cannot run here (not root, or no Postfix).
"""

from __future__ import annotations

import argparse
import dataclasses
import multiprocessing
import re
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Callable, Iterable

from instance import PERSONALITIES, SKIPPED, TestFailed, default_qmgr, is_stock, personality, stock_of, why_not_here


@dataclasses.dataclass
class Context:
    """What a test is told: the binary under test, and a place for remarks that are no failure."""

    qmgr: Path
    keep: bool = False
    options: str = ""
    notes: list[str] = dataclasses.field(default_factory=list)

    @property
    def stock(self) -> bool:
        return is_stock(self.qmgr)

    @property
    def stock_qmgr(self) -> Path:
        """Postfix's own binary of the same name."""
        return stock_of(self.qmgr)

    @property
    def round_robin(self) -> bool:
        return personality(self.qmgr) == "oqmgr"


Test = Callable[[Context], None]
TESTS: dict[str, Test] = {}
ONLY: dict[str, tuple[str, ...]] = {}  # tests that some personalities alone can pass


def live(name: str, only: tuple[str, ...] = PERSONALITIES) -> Callable[[Test], Test]:
    """Registers a test, of the personalities of which it is true."""
    def register(function: Test) -> Test:
        TESTS[name], ONLY[name] = function, only
        return function
    return register


def play(name: str, context: Context, results: Any) -> None:
    """Runs one test in a process of its own; gives (name, seconds, failure or None, notes)."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    begin, failure = time.monotonic(), None
    try:
        TESTS[name](context)
    except TestFailed as error:
        failure = str(error)
    except Exception:
        failure = traceback.format_exc()
    results.put((name, time.monotonic() - begin, failure, context.notes))


def parse(description: str | None, what: str = "test", jobs: int = 3) -> argparse.Namespace:
    """The options of every runner; `what` it plays."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--qmgr", type=lambda text: Path(text).absolute(), default=default_qmgr(),
                        help="queue manager binary (default: %(default)s)")
    parser.add_argument("--personality", choices=PERSONALITIES, help="run the binary of this name in the same folder: "
                        "the name decides which queue manager it is (default: the name that --qmgr has)")
    parser.add_argument("--qmgr-options", default="", metavar="TEXT", help="words for its line in master.cf, such as "
                        "'-o weir_brain=model'")
    parser.add_argument("--only", action="append", metavar="REGEX", help=f"only {what}s whose name matches")
    parser.add_argument("--exact", metavar="NAME", help=f"this {what} alone")
    parser.add_argument("--list", action="store_true", help=f"print the names of the {what}s")
    parser.add_argument("--keep", action="store_true", help="keep the scratch folders")
    parser.add_argument("--jobs", type=int, default=jobs, help="how many at a time (default: %(default)s)")
    options = parser.parse_args()
    if options.personality:
        options.qmgr = options.qmgr.with_name(options.personality)
    options.personality = personality(options.qmgr)
    return options


def cannot_run(options: argparse.Namespace) -> int | None:
    """The exit code of a run that cannot be, after saying why; nothing = it can.  SIGTERM ends it in good order."""
    if reason := why_not_here():
        print(f"skipped: {reason}", file=sys.stderr)
        return SKIPPED
    if not options.qmgr.exists():
        print(f"there is no queue manager {options.qmgr}: build it, or name one with --qmgr", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    return None


def chosen(names: Iterable[str], options: argparse.Namespace, what: str = "test") -> list[str]:
    """The names that the options mean; none is told of."""
    found = [name for name in names if name == options.exact] if options.exact else [
        name for name in names if not options.only or any(re.search(text, name) for text in options.only)]
    if not found:
        print(f"no {what} has such a name; --list shows them", file=sys.stderr)
    return found


def end(processes: Iterable[Any], patient: bool) -> None:
    """Waits for processes that have given their results; ends the others."""
    for process in processes:
        process.join(20 if patient else 0)
        if process.is_alive():
            process.terminate()
            process.join()


def run_all(names: list[str], options: argparse.Namespace) -> int:
    """Plays the tests, some at a time; the number of those that failed."""
    results: Any = multiprocessing.Queue()
    waiting, running, left, bad = list(names), [], set(names), 0
    try:
        while left:
            running = [process for process in running if process.is_alive()]
            while waiting and len(running) < max(1, options.jobs):
                context = Context(options.qmgr, options.keep, options.qmgr_options)
                process = multiprocessing.Process(target=play, args=(waiting.pop(0), context, results))
                process.start()
                running.append(process)
            try:
                name, seconds, failure, notes = results.get(timeout=0.3)
            except Exception:  # nothing yet
                if not running and not waiting and results.empty():
                    print(f"no result: {sorted(left)}")
                    return bad + len(left)
                continue
            left.discard(name)
            bad += failure is not None
            remarks = [f"\n      note: {note}" for note in notes] + [f"\n      {failure}"] * (failure is not None)
            print(f"{name:34} {'FAILED' if failure else 'ok':6} {seconds:5.1f} s", *remarks, flush=True)
    finally:
        end(running, patient=not left)
    return bad


def main(description: str | None) -> int:
    options = parse(description)
    mine = [name for name in TESTS if options.personality in ONLY[name]]
    if options.list:
        print("\n".join(mine))
        return 0
    if (code := cannot_run(options)) is not None:
        return code
    names = chosen(mine, options)
    if not names:
        return 2
    print(f"queue manager: {options.qmgr} {options.qmgr_options}, personality {options.personality}", flush=True)
    bad = run_all(names, options)
    print(f"{len(names) - bad} of {len(names)} as they should be")
    return 1 if bad else 0
