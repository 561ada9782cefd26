#!/usr/bin/env python3
"""CPU of the queue manager a delivered message, while it remembers many dead destinations and while it remembers none:
ours, and Debian's own in the same run, with the same mail.

Messages to as many domains are delivered first.  In one instance the agent refuses each of these domains, so that they
are dead for the rest of the run (initial concurrency 1: one refusal is enough); in the other it takes them.  Then the
mail that is measured goes to other domains, and its CPU is read from the kernel's accounts: once in a burst, when one
round of the event loop serves many deliveries, and once message by message, as mail comes in on a quiet day.  In the end
mail to some of the dead domains must not reach the agent: they are still dead.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import statistics
import sys
import time
from pathlib import Path

import live
import queue_file
from instance import STOCK_QMGR, PrivatePostfix, TestFailed, check, equal, running, until
from measure import drained, processor_time
from quick_agent import LATER, QuickAgent

RATIO_MAX = 1.2  # that we promise
LIVE_DOMAINS = 50
RECIPIENTS = 1  # of one message to dead domains
PROBES = 20
SETTINGS = {
    "default_transport": "fake", "transport_maps": "", "initial_destination_concurrency": "1",
    "minimal_backoff_time": "10d", "maximal_backoff_time": "20d", "maximal_queue_lifetime": "50d",
    "queue_run_delay": "10d", "qmgr_message_recipient_limit": "200000", "qmgr_clog_warn_time": "0",
}
SERVICES: dict[str, str | None] = {"retry": None}  # ours as well


PACES = ("in a burst", "one by one")


@dataclasses.dataclass(frozen=True)
class Sample:
    """Microseconds a message."""

    total: float
    user: float
    system: float


class Meter:
    """What a process uses from now on."""

    def __init__(self, pid: int) -> None:
        self.pid, self.begin, self.parts = pid, run_time(pid), processor_time(pid)

    def sample(self, messages: int) -> Sample:
        total, after, scale = run_time(self.pid) - self.begin, processor_time(self.pid), 1e6 / messages
        return Sample(total * scale, *((now - then) * scale for now, then in zip(after, self.parts)))


def run_time(pid: int) -> float:
    """Seconds on a processor: to the nanosecond where the kernel tells, else to its tick."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except (OSError, ValueError, IndexError):
        return sum(processor_time(pid))


def place_all(post: PrivatePostfix, prefix: str, lists: list[list[str]]) -> None:
    """One message for each list of recipients, into incoming/."""
    for number, names in enumerate(lists):
        post.place("incoming", f"{prefix}{number:05X}", queue_file.message("s@box.example", names))


def deliver(post: PrivatePostfix, timeout: float) -> None:
    """Lets the queue manager have what lies in incoming/, until all is done."""
    post.trigger(b"I")
    until(lambda: drained(post), timeout, "the queue is drained", 0.05)


def dead_domains(count: int) -> list[list[str]]:
    names = [f"u@dead{number}.example" for number in range(count)]
    return [names[begin:begin + RECIPIENTS] for begin in range(0, count, RECIPIENTS)]


def still_dead(post: PrivatePostfix, agent: QuickAgent, retry: QuickAgent, count: int) -> None:
    """Mail to domains out of all parts of the list goes to the retry agent."""
    refused, retried = agent.refused, retry.served
    probes = [[f"v@dead{number * count // PROBES}.example"] for number in range(PROBES)]
    place_all(post, "C", probes)
    deliver(post, 60)
    equal((agent.refused - refused, retry.served - retried), (0, PROBES), "(attempts, retries) of dead domains")


def in_a_burst(post: PrivatePostfix, messages: int) -> None:
    deliver(post, 550)


def one_by_one(post: PrivatePostfix, agent: QuickAgent, messages: int) -> None:
    """Each message comes when the one before has gone."""
    for number in range(messages):
        before = agent.served
        place_all(post, f"D{number:05X}", [[f"w{number}@d{number % LIVE_DOMAINS}.example"]])
        post.trigger(b"I", wait=False)
        until(lambda: agent.served > before, 20, "the message is delivered", 0.0005)
    until(lambda: drained(post), 20, "the queue is drained")


def samples(qmgr: Path, options: str, count: int, dead: bool, messages: tuple[int, int]) -> list[Sample]:
    """One instance: its past, then the mail that is measured, at each pace."""
    with running(qmgr, with_qmgr=False, settings=SETTINGS, services=SERVICES, qmgr_arguments=options) as post:
        agent, retry = QuickAgent(post, "fake"), QuickAgent(post, "retry", LATER)
        agent.refusing = dead
        place_all(post, "A", dead_domains(count))
        post.enable_qmgr()
        pid = post.qmgr_pid()
        until(lambda: agent.served + agent.refused >= count, 550, f"{count} domains have had their mail", 0.1)
        until(lambda: drained(post), 30, "the queue is drained")
        equal(agent.refused, count if dead else 0, "domains that refused")
        place_all(post, "B", [[f"u{number}@d{number % LIVE_DOMAINS}.example"] for number in range(messages[0])])
        served, found = agent.served, []
        for pace, number in zip((in_a_burst, functools.partial(one_by_one, agent=agent)), messages):
            time.sleep(0.2)
            meter = Meter(pid)
            pace(post, messages=number)
            found.append(meter.sample(number))
        equal(agent.served - served, sum(messages), "messages delivered")
        check(post.qmgr_pid() == pid, "the queue manager has been replaced")
        if dead:
            still_dead(post, agent, retry, count)
        agent.close()
        retry.close()
        return found


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--qmgr", type=lambda text: Path(text).absolute(), default=live.default_qmgr(),
                        help="queue manager binary (default: %(default)s)")
    parser.add_argument("--qmgr-options", default="", metavar="TEXT", help="words for its line in master.cf")
    parser.add_argument("--dead", type=int, default=16000, help="dead destinations (default: %(default)s)")
    parser.add_argument("--burst", type=int, default=3000, help="messages of the burst (default: %(default)s)")
    parser.add_argument("--singles", type=int, default=1000, help="messages one by one (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=1, help="runs of each, an odd number (default: %(default)s)")
    parser.add_argument("--only", choices=("ours", "Postfix"), help="just one of the two")
    parser.add_argument("--check", action="store_true", help=f"fail when our ratio is more than {RATIO_MAX}")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[tuple[str, str], float]:
    """Prints the table; gives the ratio of each program at each pace."""
    who = {"ours": (options.qmgr, options.qmgr_options), "Postfix": (STOCK_QMGR, "")}
    if options.only:
        who = {options.only: who[options.only]}
    found: dict[tuple[str, bool], list[list[Sample]]] = {}
    for number in range(options.runs):
        for dead in (False, True):
            for name, (binary, words) in list(who.items())[::1 if number % 2 else -1]:
                begin = time.monotonic()
                run = samples(binary, words, options.dead, dead, (options.burst, options.singles))
                found.setdefault((name, dead), []).append(run)
                text = ", ".join(f"{one.total:.0f} us a message {pace}" for pace, one in zip(PACES, run))
                print(f"run {number + 1}: {name}, {options.dead if dead else 'no'} dead: {text} "
                      f"({time.monotonic() - begin:.0f} s)", file=sys.stderr, flush=True)

    def median(name: str, dead: bool, pace: int, figure: str) -> float:
        return statistics.median(getattr(run[pace], figure) for run in found[name, dead])

    print(f"CPU of the queue manager a delivered message, us, to {LIVE_DOMAINS} live destinations "
          f"({options.burst} messages in a burst, {options.singles} one by one)")
    print(f"{'':10} {'':10} {'none dead':>10} {f'{options.dead} dead':>12} {'ratio':>7}   user           system")
    ratios = {}
    for pace, label in enumerate(PACES):
        for name in who:
            none, many = median(name, False, pace, "total"), median(name, True, pace, "total")
            ratios[name, label] = many / none
            parts = "   ".join(f"{median(name, False, pace, part):5.0f} -> {median(name, True, pace, part):5.0f}"
                               for part in ("user", "system"))
            print(f"{label:10} {name:10} {none:10.0f} {many:12.0f} {many / none:7.2f}   {parts}", flush=True)
    return ratios


def main() -> int:
    options = parse()
    if (code := live.cannot_run(options)) is not None:
        return code
    if options.runs % 2 == 0 or min(options.runs, options.dead, options.burst, options.singles) < 1:
        print("--runs must be odd, all numbers positive", file=sys.stderr)
        return 2
    try:
        ratios = measure(options)
    except TestFailed as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    bad = [pace for (name, pace), ratio in ratios.items() if name == "ours" and ratio > RATIO_MAX]
    for pace in bad:
        print(f"NOT KEPT: {pace}, with dead destinations a message costs more than {RATIO_MAX} times as much")
    return 1 if options.check and bad else 0


if __name__ == "__main__":
    sys.exit(main())
