#!/usr/bin/env python3
"""The observations of tests/vectors/queue-cycle, played again with the queue manager under test.

Each was recorded from Debian's Postfix; here the same situation is made anew, the queue manager is watched by strace,
and what it does is compared as the README of the vectors says: order of events, not times; exact values where exact.
With Postfix's own binary every look-up (lstat, stat, open, flock) must be the recorded one too; another queue manager
may save look-ups, but not do anything else than recorded.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import queue_file
from agents import SLOW, SLOW_SERVICE, FakeAgent, Request
from instance import ROOT, PrivatePostfix, check, equal, running, until
from live import Context, live, main
from trace import Event, Trace, about, compare, rename_id

VECTORS = Path(os.environ.get("WEIR_VECTORS") or ROOT / "tests/vectors") / "queue-cycle"

# The setting of the observations: mail for qc.example goes to discard by way of local, everything else as told.
BASE = {"myhostname": "qc.example", "mydomain": "qc.example", "myorigin": "qc.example", "mydestination": "qc.example",
        "mailbox_transport": "discard:", "default_transport": "discard:", "transport_maps": "",
        "virtual_mailbox_domains": ""}

SENDER = "a@qc.example"


def observed(context: Context, name: str, key: str = "runs") -> Any:
    """The runs of one observation file that were made with this queue manager."""
    return [run for run in everything(name)[key] if is_of(context, run)]


def everything(name: str) -> Any:
    """A whole observation file, the queue manager called qmgr in its log lines, as in ours."""
    return json.loads((VECTORS / f"{name}.json").read_text().replace('"oqmgr: ', '"qmgr: '))


def is_of(context: Context, run: Any) -> bool:
    """Was it made with this queue manager (nqmgr is qmgr), or is it the same for all?"""
    mine = "oqmgr" if context.round_robin else "qmgr"
    return run.get("daemon", mine) == mine


def instance(context: Context, settings: dict[str, str] | None = None, with_qmgr: bool = True, trace: bool = True,
             options: str = "", services: dict[str, str | None] | None = None) -> Any:
    """An instance in the setting of the observations, traced, idle."""
    return running(context.qmgr, with_qmgr=with_qmgr, trace=trace, keep=context.keep,
                   settings={**BASE, **(settings or {})}, services=services, files={"slow.sh": SLOW},
                   qmgr_arguments=f"{context.options} {options}".strip())


def idle(post: PrivatePostfix) -> Trace:
    """Waits until the queue manager has started and has nothing to do; later events are the test's."""
    trace = Trace(post)
    until(lambda: post.qmgr_pids(), 10, "a queue manager runs")
    trace.take(0.4)
    return trace


def simple(recipient: str = "ok00@ex1.example", sender: str = SENDER, **options: Any) -> bytes:
    """A message with one recipient; its arrival has six digits of microseconds, so that all files have one length."""
    return queue_file.message(sender, [recipient], **{"arrival": int(time.time()) + 0.5, **options})


def at_fraction(low: float, high: float) -> float:
    """Waits for a moment within the second, for what depends on whole seconds."""
    while not low <= time.time() % 1 <= high:
        time.sleep(0.005)
    return time.time()


def reading_order(folder: Path) -> list[str]:
    """Files below a folder as a directory scan meets them: depth first, not sorted."""
    names: list[str] = []
    for name in os.listdir(folder):
        path = folder / name
        names += reading_order(path) if len(name) == 1 and path.is_dir() else [name]
    return names


def imports(events: list[Event]) -> list[str]:
    """IDs in the order in which they were moved into active/."""
    return [event["dst"].rpartition("/")[2] for event in events
            if event["op"] == "rename" and event["dst"].startswith("active/") and not event.get("err")]


def scans(events: list[Event]) -> list[str]:
    """Queue directories in the order in which they were opened."""
    return [event["dir"] for event in events if event["op"] == "opendir"]


def normal(line: str, names: dict[str, str]) -> str:
    """A log line without what differs from run to run."""
    line = re.sub(r"delay=[\d.]+, delays=[\d./]+", "delay=D, delays=D", line)
    line = re.sub(r"size=\d+", "size=N", line)
    line = re.sub(r"message-id=<[^>]*>", "message-id=<M>", line)
    return re.sub(r"\b\w+\b", lambda word: names.get(word[0], word[0]), line) if names else line


def by_message(lines: list[str], names: dict[str, str], programs: str) -> dict[str, list[str]]:
    """Log lines of some programs, per program and message; the queue manager's in order, those of agents sorted
    (several processes write them)."""
    found: dict[str, list[str]] = {}
    for line in (normal(line, names) for line in lines):
        match = re.match(rf"({programs}): (?:warning: )?(?:(\w+): )?", line)
        if match:
            found.setdefault(f"{match[1]} {match[2] or '(no message)'}", []).append(line)
    return {key: lines if key.startswith("qmgr ") and "(" not in key else sorted(lines) for key, lines in found.items()}


def compare_logs(seen: list[str], wanted: list[str], names: dict[str, str], what: str,
                 programs: str = "qmgr|pipe|error|local|discard|postsuper|bounce") -> None:
    """The same lines, message by message."""
    seen_by, wanted_by = by_message(seen, names, programs), by_message(wanted, {}, programs)
    for key in sorted({*seen_by, *wanted_by}):
        equal(seen_by.get(key, []), wanted_by.get(key, []), f"{what}, lines of {key}")


def new_names(lines: list[str]) -> dict[str, str]:
    """IDs that cleanup made, named new1, new2, ... in order of appearance, as in the observations."""
    names: dict[str, str] = {}
    for line in lines:
        match = re.match(r"cleanup: (\w+): message-id=", line)
        if match and match[1] not in names:
            names[match[1]] = f"new{len(names) + 1}"
    return names


def send(post: PrivatePostfix, *recipients: str, sender: str = SENDER, options: tuple[str, ...] = ()) -> str:
    return post.sendmail(sender, recipients, options)


# ---------------------------------------------------------------------------------------------------------------
# Triggers and scans


def trigger_bytes(text: str) -> bytes:
    """The notation of triggers.json: hexadecimal, with repetition."""
    parts = [part.split("*") for part in text.split(" + ")] if text else []
    return b"".join(bytes.fromhex(part[0]) * int(part[1] if len(part) > 1 else 1) for part in parts)


#= R-GEN-04, R-TRG-16, R-SEC-02 test
@live("triggers")
def triggers(context: Context) -> None:
    """Which directories are opened for which bytes."""
    [case] = observed(context, "triggers", "cases")
    with instance(context) as post:
        trace = idle(post)
        for result in case["results"]:
            data = trigger_bytes(result["hex"])
            equal(len(data), result["length"], "the notation of the vector")
            post.trigger(data, wait=bool(data))
            equal(scans(trace.take(0.12)), result["scans"], f"scans after {result['hex']!r}")


@live("ignore-time-stamps")
def ignore_time_stamps(context: Context) -> None:
    """A against D, and the one-second rule."""
    [run] = observed(context, "ignore-time-stamps")
    with instance(context) as post:
        trace = idle(post)
        for number, step in enumerate(run["steps"]):
            now = at_fraction(0.05, 0.4)
            for text in step["added"]:
                name, ahead = re.match(r"(\w+) \(mtime \+(\d+)\)", text).groups()  # type: ignore
                post.place("incoming" if name[0] == "i" else "deferred", name, simple(), int(now) + int(ahead))
            post.trigger(step["bytes"].encode())
            events = trace.take(0.2)
            what = f"step {number + 1}, {step['bytes']} ({step['note']})"
            equal(scans(events), step["scans"], f"scans of {what}")
            equal(sorted(imports(events)), sorted(step["imported"]), f"imported by {what}")


@live("scan-in-progress")
def scan_in_progress(context: Context) -> None:
    """Requests that arrive while a scan stands still, because one message fills the active queue."""
    [run] = observed(context, "scan-in-progress")
    with instance(context, {"qmgr_message_active_limit": "1", "default_transport": "held:"}) as post:
        agent, trace = FakeAgent(post, "held"), idle(post)
        done = 0
        # Which of the four comes first is the file system's choice; each then plays the recorded one's part.
        names = dict(zip(place_due(post, ["d1", "d2", "d3", "d4"]), run["readdir_order_of_d1_to_d4"]))
        names.update(make_due(post, names, ["d1", "d2"]))
        for step in run["steps"]:
            for text in step["files_put"] if len(names) > 4 or step is not run["steps"][0] else []:
                name, due = text.split(" ", 1)
                post.place("deferred", name, simple("ok00@held.example"), time.time() + (0 if due == "due" else 5000))
                names[name] = name
            if step["files_put"] and "d7 due" in step["files_put"]:
                order = [name for name in reading_order(post.spool / "deferred") if name in ("d7", "d8")]
                names.update(zip(order, ("d8", "d7")))  # the recorded scan met d8 first
            post.trigger(step["bytes"].encode())
            seen = [f"scan {event['dir']}" if event["op"] == "opendir" else f"import {imports([event])[0]}"
                    for event in trace.take(0.2) if event["op"] == "opendir" or imports([event])]
            # A recorded step ends with the deliveries that let its scan go on.
            while len([text for text in seen if text[0] == "i"]) < len([t for t in step["events"] if t[0] == "i"]):
                agent.wait(done + 1)[done].finish()
                done += 1
                seen += [f"scan {event['dir']}" if event["op"] == "opendir" else f"import {imports([event])[0]}"
                         for event in trace.take(0.2) if event["op"] == "opendir" or imports([event])]
            if step["note"].startswith(("the same A also", "arrives while", "restart requests")):
                agent.wait(done + 1)[done].finish()
                done += 1
                seen += [f"scan {event['dir']}" for event in trace.take(0.2) if event["op"] == "opendir"]
            seen = [re.sub(r"\w+$", lambda word: names.get(word[0], word[0]), text) for text in seen]
            wanted = step["events"]
            if step["note"].startswith("the same A"):  # two files of one scan: their order is the file system's
                seen, wanted = sorted(seen), sorted(wanted)
            equal(seen, wanted, f"step {step['bytes']} ({step['note']})")


def place_due(post: PrivatePostfix, names: list[str]) -> list[str]:
    """Puts files into deferred/, none due; gives them in reading order."""
    for name in names:
        post.place("deferred", name, simple("ok00@held.example"), time.time() + 5000)
    return reading_order(post.spool / "deferred")


def make_due(post: PrivatePostfix, names: dict[str, str], roles: list[str]) -> dict[str, str]:
    """Sets back the time stamps of the files that play these parts."""
    for name, role in names.items():
        if role in roles:
            os.utime(post.path_of("deferred", name), (time.time() - 100,) * 2)
    return names


#= R-STR-01 test
@live("fairness")
def fairness(context: Context) -> None:
    """Incoming and deferred take turns; a full active queue prefers incoming."""
    for case in observed(context, "fairness", "cases"):
        [run] = [run for run in case["runs"] if is_of(context, run)]
        parts = {name for name in run["examined"]}
        not_due = parts - set(run["imports"])
        limited = "qmgr_message_active_limit" in case["config"]
        with instance(context, {**case["config"], "default_transport": "held:"}, with_qmgr=False) as post:
            agent = FakeAgent(post, "held", answer=None if limited else lambda request: None)
            names: dict[str, str] = {}
            for letter, queue in (("i", "incoming"), ("d", "deferred")):
                for number in range(len([part for part in parts if part[0] == letter])):
                    post.place(queue, f"{letter}x{number:02}", simple(), time.time() - 100)
                names.update((name, f"{letter}{place}") for place, name in enumerate(reading_order(post.spool / queue)))
            for name, part in names.items():
                if part in not_due:
                    queue = "incoming" if part[0] == "i" else "deferred"
                    os.utime(post.path_of(queue, name), (time.time() + 5000,) * 2)
            post.enable_qmgr()
            trace = Trace(post)
            if limited:
                for number in range(len(run["imports"])):
                    agent.wait(min(number + 4, len(run["imports"])))
                    time.sleep(0.1)
                    equal(len(agent.requests), min(number + 4, len(run["imports"])), "deliveries so far")
                    agent.requests[number].finish()
            events = trace.take(0.5)
            equal([names[name] for name in imports(events)], run["imports"], f"imports, {case['name']}")
            looked = [names[event["path"].rpartition("/")[2]] for event in events
                      if event["op"] == "lstat" and event["path"].startswith(("incoming/", "deferred/"))]
            first = list(dict.fromkeys(looked))
            equal(first, list(dict.fromkeys(run["examined"])), f"files looked at, {case['name']}")


# ---------------------------------------------------------------------------------------------------------------
# Start, locks


@live("start-with-active-files")
def start_with_active_files(context: Context) -> None:
    """Left-over files in active/ and odd ones in incoming/ when the queue manager starts."""
    [run] = observed(context, "start-with-active-files")
    with instance(context, with_qmgr=False) as post:
        good = simple()
        for name, content, mtime, mode in (("a_old", good, -5000, 0o700), ("a_future", good, 5000, 0o700),
                                           ("a_empty", b"", -5000, 0o700), ("a_mode0400", good, -5000, 0o400),
                                           ("a_truncated", good[:100], -5000, 0o700), ("a_badname", good, -5000, 0o700),
                                           ("a_locked", good, -5000, 0o700)):
            post.place("active", name, content, time.time() + mtime, mode)
        (post.spool / "active/a_badname").rename(post.spool / "active/a_badname.tmp")
        for name, mtime, mode in (("i_future", 5000, 0o700), ("i_ok", -5000, 0o700), ("i_mode0600", -5000, 0o600),
                                  ("i_mode0740", -5000, 0o740)):
            post.place("incoming", name, good, time.time() + mtime, mode)
        post.place("deferred", "d_ok", good, time.time() - 5000)
        (post.spool / "incoming/ISDIR").mkdir(mode=0o755)
        (post.spool / "incoming/ISLINK").symlink_to("/etc/passwd")
        with open(post.spool / "active/a_locked", "rb") as locked:
            fcntl.flock(locked, fcntl.LOCK_EX)
            begin = int(at_fraction(0.1, 0.3))
            post.enable_qmgr()
            events = Trace(post).take(0.5)
        compare_start(context, post, run, events, begin)


def compare_start(context: Context, post: PrivatePostfix, run: Any, events: list[Event], begin: int) -> None:
    """File by file the recorded events, final places and log lines; and the order of what start-up does."""
    names = {"a_badname.tmp": "a_badname"}
    wanted = run["events"]
    equal(scans(events)[:3], ["active", "incoming", "deferred"], "directories opened at start")
    others = ["i_future", "i_ok", "i_mode0600", "i_mode0740", "d_ok", "ISDIR", "ISLINK"]
    for name in run["active_readdir_order"] + others:
        compare(about(events, name), about(wanted, name), f"events of {name}", context.notes, context.stock)
    stamps = [(event["path"], event["mtime"] - begin) for event in events if event["op"] == "utime"]
    equal(sorted(stamps), sorted((event["path"], event["mtime"]) for event in wanted if event["op"] == "utime"),
          "time stamps, in seconds from the start")
    files = {}
    for queue in ("incoming", "active", "deferred", "corrupt"):
        for name, path in post.queue(queue).items():
            files[names.get(name, name)] = (queue, oct(path.lstat().st_mode & 0o7777))
    equal(files, {name: (one["queue"], one["mode"]) for name, one in run["files_after_2s"].items()}, "files at the end")
    compare_logs(post.log.lines(), [re.sub(r"e0\d\d\.example", "ex1.example", line) for line in run["log"]], {}, "log",
                 "qmgr|discard")


@live("locked-file")
def locked_file(context: Context) -> None:
    """A file that somebody else has locked is put off by sixty seconds, into incoming/."""
    [run] = observed(context, "locked-file")
    with instance(context, with_qmgr=False) as post:
        path = post.place("deferred", "m1", simple("ok00@ex00.example"), time.time() - 100)
        lock = open(path, "rb")
        fcntl.flock(lock, fcntl.LOCK_EX)
        begin = at_fraction(0.1, 0.3)
        post.enable_qmgr()
        trace = Trace(post)
        events = trace.take(0.4)
        for data in (b"I", b"AI"):
            post.trigger(data)
            events += trace.take(0.2)
        lock.close()
        post.trigger(b"AI")
        events += trace.take(0.3)
        compare(about(events, "m1"), about(run["events"], "m1"), "events of m1", context.notes, context.stock)
        # The first two triggers may come before or after each other; what each opens is in `triggers`.
        first = next(event for event in events if event["op"] == "utime")
        equal(first["mtime"] - int(first["at"]), 60, "seconds that a locked file is put off")
        check(first["at"] - begin < 5, "the start took long")
        compare_logs(post.log.lines(), run["log"], {}, "log", "qmgr|discard")


# ---------------------------------------------------------------------------------------------------------------
# Backoff, expiry, warnings


def aligned(context: Context, settings: dict[str, str], files: Callable[[PrivatePostfix, int], None]) -> Any:
    """Starts a queue manager in the middle of a second, two seconds after the files were created, as recorded."""
    @contextlib.contextmanager
    def start() -> Iterator[tuple[PrivatePostfix, Trace, int]]:
        with instance(context, settings, with_qmgr=False) as post:
            now = at_fraction(0.35, 0.45)
            created = int(now) - 2
            files(post, created)
            post.enable_qmgr()
            yield post, Trace(post), created
    return start()


Attempt = tuple[float, str, int]


def history(events: list[Event], name: str, created: int) -> list[Attempt]:
    """What became of a message at each attempt: when, "defer" or "remove", and the time stamp; from creation on."""
    found: list[Attempt] = []
    for event in about(events, name):
        if event["op"] == "utime":
            found.append((event["at"] - created, "defer", event["mtime"] - created))
        elif event["op"] == "unlink" and event["path"].startswith("active/"):
            found.append((event["at"] - created, "remove", 0))
    return found


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def judge(context: Context, seen: list[Attempt], recorded: list[Attempt], config: dict[str, str], lifetime: int,
          what: str) -> None:
    """Each attempt by the rule; and as recorded, as long as the attempts fall into the same seconds as the recorded
    ones did (a busy machine may shift them)."""
    low, high = seconds(config["minimal_backoff_time"]), seconds(config["maximal_backoff_time"])
    for moment, action, stamp in seen:
        ages = (int(moment), int(moment) - 1)  # the event clock may stand at the second before
        allowed = {("remove", 0) if age >= lifetime else ("defer", age + max(low, min(high, age))) for age in ages}
        check((action, stamp) in allowed, f"{what}: after {moment:.2f} s {action} {stamp}, the rule says {allowed}")
    for mine, theirs in zip(seen, recorded):
        if int(mine[0]) != int(theirs[0]):
            context.notes.append(f"{what}: {mine[0]:.1f} s instead of {theirs[0]:.1f} s, from there on by the rule")
            return
        equal(mine[1:], theirs[1:], f"{what}, attempt after {mine[0]:.2f} s")


#= R-PAR-064 test
@live("backoff-series")
def backoff_series(context: Context) -> None:
    """The time stamp at every deferral: first attempts in real time, later ones with files of that age."""
    failures: list[str] = []
    cases = observed(context, "backoff-series", "cases")
    threads = [threading.Thread(target=guarded, args=(failures, backoff_case, context, case)) for case in cases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(not failures, "\n".join(failures))


def guarded(failures: list[str], function: Callable[..., None], *arguments: Any) -> None:
    """Runs part of a test in a thread; its failure is the test's."""
    try:
        function(*arguments)
    except Exception as error:
        failures.append(f"{type(error).__name__}: {error}")


def backoff_case(context: Context, case: Any) -> None:
    attempts, age = case["attempts"], case["message_age_at_start"]
    real = [attempt for attempt in attempts if attempt["deferred_at"] < 18]

    def files(post: PrivatePostfix, created: int) -> None:
        post.place("incoming", "real", simple(created=created - age))
        for attempt in attempts[1:]:  # one file an attempt, of the age that the recorded one had then
            back = int(attempt["deferred_at"]) - age - 2
            post.place("incoming", f"aged{attempt['attempt']}", simple(created=created - age - back))

    settings = {**case["config"], "default_transport": "retry:4.2.2 test deferral"}
    with aligned(context, settings, files) as (post, trace, created):
        events: list[Event] = []
        until(lambda: len(history(events, "real", created)) >= len(real) or events.extend(trace.take(0.2)), 40,
              f"{len(real)} attempts", 0.1)
        recorded = [(one["deferred_at"], "defer", one["mtime"]) for one in attempts]
        seen = history(events, "real", created - age)
        judge(context, seen, recorded, case["config"], 10**9, f"real {case['config']}")
        for one, wanted in zip(attempts[1:], recorded[1:]):
            back = int(one["deferred_at"]) - age - 2
            seen = history(events, f"aged{one['attempt']}", created - age - back)
            judge(context, seen[:1], [wanted], case["config"], 10**9, f"age {one['deferred_at']:.0f} {case['config']}")
        check_due(events, "real")


def check_due(events: list[Event], name: str) -> None:
    """No attempt before its time: the file's stamp may be one second ahead at most."""
    stamp = 0
    for event in about(events, name):
        if event["op"] == "utime":
            stamp = event["mtime"]
        elif event["op"] == "rename" and event["src"].startswith("deferred/"):
            check(stamp <= int(event["at"]) + 1, f"{name} was taken {stamp - event['at']:.1f} s before its time")
            check(event["at"] - stamp < 3, f"{name} was taken {event['at'] - stamp:.1f} s after its time")


@live("expiry")
def expiry(context: Context) -> None:
    """When a message of a user and one of the null sender are returned."""
    failures: list[str] = []
    threads = [threading.Thread(target=guarded, args=(failures, expiry_case, context, case))
               for case in observed(context, "expiry", "cases")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(not failures, "\n".join(failures))


def expiry_case(context: Context, case: Any) -> None:
    def files(post: PrivatePostfix, created: int) -> None:
        post.place("incoming", "user", simple("r1@ex1.example", created=created))
        post.place("incoming", "null", simple("r2@ex2.example", "", created=created))

    settings = {**case["config"], "default_transport": "retry:4.2.2 test deferral"}
    with aligned(context, settings, files) as (post, trace, created):
        post.log.wait_for(r"qmgr: user: removed", 15)
        post.wait_empty()
        events = trace.take(0.3)
        notes = len(context.notes)
        lifetimes = [seconds(case["config"][key]) for key in ("maximal_queue_lifetime", "bounce_queue_lifetime")]
        for name, lifetime in (("user", lifetimes[0]), ("null", min(lifetimes))):
            recorded = [(one["at"], one["action"], one.get("mtime", 0)) for one in case["history"][name]]
            seen = history(events, name, created)
            judge(context, seen, recorded, case["config"], lifetime, f"{name} {case['config']}")
        lines = post.log.lines()
        if len(context.notes) == notes:  # else the number of attempts may be another
            compare_logs(lines, case["log"], new_names(lines), f"log with {case['config']}", "qmgr|bounce")


@live("delay-warning")
def delay_warning(context: Context) -> None:
    """One warning at the first failed attempt that is late enough; with confirm_delay_cleared a notice at the end."""
    failures: list[str] = []
    threads = [threading.Thread(target=guarded, args=(failures, delay_warning_case, context, run))
               for run in observed(context, "delay-warning")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(not failures, "\n".join(failures))


def delay_warning_case(context: Context, run: Any) -> None:
    cleared = run["config"]["confirm_delay_cleared"] == "yes"
    settings = {**run["config"], "default_transport": "slow:", "slow_destination_recipient_limit": "1"}
    service = SLOW_SERVICE.replace("slow.sh", "gate.sh")
    gate = 'if [ "$1" = r1@ex1.example ] && [ -e {folder}/tmp/open ]; then exit 0; fi\necho "test deferral"\nexit 75\n'
    with running(context.qmgr, trace=True, keep=context.keep, settings={**BASE, **settings}, services={"slow": service},
                 files={"gate.sh": gate}, qmgr_arguments=context.options) as post:
        trace = idle(post)
        at_fraction(0.5, 0.6)
        queue_id = send(post, "r1@ex1.example", "r2@ex2.example")
        send(post, "r3@ex3.example", sender="")
        sent = post.log.wait_for(rf"bounce: {queue_id}: sender delay notification: (\w+)", 12)[1]
        events = trace.take(0.05, 30) + wait_attempts(trace, queue_id, 2)
        arrival, _ = queue_file.times_of(until(lambda: post.queue("deferred").get(queue_id) or  # type: ignore
                                               post.queue("active").get(queue_id), 5, "the file is there"))
        steps = warning_steps(events, queue_id)
        before = [what for what in steps if what.startswith(("connect private/defer", "deferred"))]
        early = before.index("connect private/defer")
        late = [event["at"] for event in about(events, queue_id) if event["op"] == "utime"]
        check(all(int(moment) < int(arrival) + 3 for moment in late[:early]), "no warning though it was due")
        check(int(late[early]) >= int(arrival) + 3, "the warning came too early")
        again = ["import", *(["connect private/trace"] if cleared else []), "deferred"]
        wanted = ["import", "deferred"] * early + ["import", "connect private/defer", OPENED, "deferred"]
        equal(steps[:len(wanted)], wanted, "steps up to the warning")
        equal(steps[len(wanted):len(wanted) + len(again) * 2], again * 2, "steps after the warning")
        (post.folder / "tmp/open").write_text("")
        post.log.wait_for(rf"pipe: {queue_id}: to=<r1@ex1.example>, .* status=sent", 10)
        if cleared:
            notice = post.log.wait_for(rf"bounce: {queue_id}: sender delivery status notification: (\w+)", 5)[1]
            check(notice != sent, "the same message twice")
        post.log.wait_for(rf"qmgr: {queue_id}: from=", 10, post.log.mark())
        equal(len(post.log.matching(rf"bounce: {queue_id}: sender delay")), 1, "warnings")
        check(not post.log.matching(r"bounce: \w+: sender delay.*", 0)[1:], "a warning for the null sender")


OPENED = "queue file opened again to overwrite a record"


def wait_attempts(trace: Trace, queue_id: str, count: int) -> list[Event]:
    """Follows a message over some more attempts."""
    events: list[Event] = []
    until(lambda: events.extend(trace.take(0.05, 30)) or
          len([event for event in about(events, queue_id) if event["op"] == "utime"]) >= count, 15, f"{count} attempts")
    return events


def warning_steps(events: list[Event], queue_id: str) -> list[str]:
    """The life of one message in the words of delay-warning.json."""
    steps: list[str] = []
    opened = False
    for event in events:
        own = bool(about([event], queue_id))
        if own and event["op"] == "rename" and event["dst"].startswith("active/"):
            steps.append("import")
            opened = False
        elif event["op"] == "connect" and event["to"] in ("private/defer", "private/trace"):
            steps.append(f"connect {event['to']}")
        elif own and event["op"] == "open":
            if opened:
                steps.append(OPENED)
            opened = True
        elif own and event["op"] == "utime":
            steps.append("deferred")
    return steps


# ---------------------------------------------------------------------------------------------------------------
# After-work, reports


def near(events: list[Event], queue_id: str, services: tuple[str, ...]) -> list[Event]:
    """A message's own events and the connections to some services, in order."""
    return [event for event in events if about([event], queue_id) or
            event["op"] == "connect" and event["to"] in {f"private/{name}" for name in services}]


REPORTERS = ("bounce", "defer", "trace")


#= R-REP-02, R-REP-05, R-FIL-04, R-FIL-05, R-FIL-06 test
@live("done-sequence")
def done_sequence(context: Context) -> None:
    """One delivered, one deferred, one bounced recipient, and a delivery record: the order of the after-work."""
    [run] = observed(context, "done-sequence")
    settings = {"default_transport": "slow:", "slow_destination_recipient_limit": "1", "delay_warning_time": "1s"}
    with instance(context, settings, services={"slow": SLOW_SERVICE}) as post:
        trace, mark = idle(post), post.log.mark()
        queue_id = send(post, "ok00@ex1.example", "bad00@ex1.example", "tmp00@ex1.example", options=("-v",))
        post.wait_in("deferred", queue_id)
        until(lambda: post.total() == {"deferred": 1}, 10, "the reports are delivered")
        events = trace.take()
        time.sleep(1.2)
        post.trigger(b"AD")
        time.sleep(0.3)
        post.wait_in("deferred", queue_id)
        events += trace.take()
        lines = post.log.lines(mark)
        names = new_names(lines)
        check(names.get(queue_id) == "new1", "the message is not the first one")
        seen = [rename_id(event, names) for event in near(events, queue_id, REPORTERS)]
        compare(seen, run["events"], "events of the message", context.notes, context.stock)
        check_stamps(events, queue_id, 300)
        compare_logs(lines, run["log"], names, "log")
        files = {f"{queue}/new1": oct(path.stat().st_mode & 0o7777) for queue in ("deferred", *REPORTERS)
                 for name, path in post.queue(queue).items() if name == queue_id}
        equal(files, run["files"], "files at the end")


def check_stamps(events: list[Event], queue_id: str, delay: int) -> None:
    """The rule for exact time stamps: the second of the decision plus the backoff."""
    for event in about(events, queue_id):
        if event["op"] == "utime":
            ahead = event["mtime"] - int(event["at"])
            check(ahead - delay in (0, -1), f"time stamp {ahead} s ahead instead of {delay}")


@live("force-expire")
def force_expire(context: Context) -> None:
    """`postsuper -e` with a defer log and without one."""
    [run] = observed(context, "force-expire")
    with instance(context, {"default_transport": "retry:4.4.1 orig reason"}) as post:
        trace = idle(post)
        for case in run["cases"]:
            mark = post.log.mark()
            queue_id = send(post, "r1@ex1.example", "r2@ex2.example")
            post.wait_in("deferred", queue_id)
            if not case["defer_log_present"]:
                post.path_of("defer", queue_id).unlink()
            post.postsuper("-e", queue_id)
            equal(oct(post.wait_in("deferred", queue_id).st_mode & 0o7777), case["mode_after_postsuper"], "mode")
            trace.take()
            post.trigger(b"D")
            equal(bool(imports(trace.take())), case["imported_by_D"], "imported by D")
            post.trigger(b"AD")
            post.wait_empty()
            events = trace.take()
            equal(queue_id in imports(events), case["imported_by_AD"], "imported by AD")
            lines = post.log.lines(mark)
            names = new_names(lines)
            seen = [rename_id(event, names) for event in near(events, queue_id, ("defer", "retry", "bounce", "trace"))]
            compare(seen, case["events_for_message_after_AD"], "events", context.notes, context.stock)
            compare_logs(lines, case["log"], names, "log")


@live("flush")
def flush(context: Context) -> None:
    """`postqueue -i`, `-s`, `-f`: what arrives at the trigger socket and what happens to the file."""
    [run] = observed(context, "flush")
    settings = {"default_transport": "retry:4.4.1 not yet", "fast_flush_domains": "ex1.example", "relay_domains": ""}
    with instance(context, settings) as post:
        trace = idle(post)
        queue_id = send(post, "r1@ex1.example")
        post.wait_in("deferred", queue_id)
        for step in run["steps"]:
            trace.take()
            option = step["command"].split()[1]
            post.postqueue(option, *{"-i": [queue_id], "-s": ["ex1.example"], "-f": []}[option])
            until(lambda: post.find(queue_id), 5, "the file is there")
            events = trace.take(0.3)
            post.wait_in("deferred", queue_id)
            seen = [event["data"].removesuffix("\\0") for event in events if event["op"] == "trigger"]
            equal(seen, [data.removesuffix("<NUL>") for data in step["triggers"]], f"triggers of {step['command']}")
            own = [rename_id(event, {queue_id: "new1"}) for event in about(events, queue_id)]
            compare(own, step["events"], f"events of {step['command']}", context.notes, context.stock)
            check_stamps(events, queue_id, 300)


@live("postsuper-races")
def postsuper_races(context: Context) -> None:
    """postsuper on a message whose delivery ends a moment later, delivered, deferred or bounced."""
    [run] = observed(context, "postsuper-races")
    with instance(context, {"default_transport": "slow:"}, services={"slow": SLOW_SERVICE}) as post:
        trace = idle(post)
        for number, case in enumerate(run["cases"]):
            recipient = re.search(r"to=<(\w+@ex00.example)>", "\n".join(case["log"]))[1]  # type: ignore
            post.place("incoming", f"race{number}", simple(recipient.replace("ex00", f"ex{number:02}")))
        mark = post.log.mark()
        post.trigger(b"I")
        post.log.wait_for(r"\(queue active\)", 5, mark, len(run["cases"]))
        time.sleep(0.4)
        trace.take(0.05)
        for number, case in enumerate(run["cases"]):
            post.postsuper(case["action"].split()[1], f"race{number}")
        post.log.wait_for(r"pipe: race\d+: ", 10, mark, len(run["cases"]))
        events = trace.take(0.4)
        lines = post.log.lines(mark)
        for number, case in enumerate(run["cases"]):
            compare_race(context, post, case, f"race{number}", f"ex{number:02}", events, lines)


def compare_race(context: Context, post: PrivatePostfix, case: Any, name: str, domain: str, events: list[Event],
                 lines: list[str]) -> None:
    what = f"{case['action']}, {case['delivery_outcome']}"
    seen = [rename_id(event, {name: "m1"}) for event in about(events, name)]
    compare(seen, about(case["events_after"], "m1"), f"events, {what}", context.notes, context.stock)
    names = {name: "m1", domain: "ex00"}
    notice = [match[1] for match in (re.match(rf"bounce: {name}: sender non-delivery notification: (\w+)", line)
                                     for line in lines) if match]
    names.update((queue_id, "new1") for queue_id in notice)
    own = [line for line in lines if any(re.search(rf"\b{word}\b", line) for word in (name, *notice))]
    wanted = [line for line in case["log"] if not re.match(r"postsuper: [A-Z]", line)]
    compare_logs(own, wanted, names, f"log, {what}")
    files = {f"{queue}/m1": oct(path.stat().st_mode & 0o7777)
             for queue in ("incoming", "active", "deferred", "hold", "maildrop", "corrupt", *REPORTERS)
             for file, path in post.queue(queue).items() if file == name}
    equal(files, case["files"], f"files, {what}")


#= R-REP-03 test
@live("report-service-failures")
def report_service_failures(context: Context) -> None:
    """The bounce, trace or defer service cannot be reached by the queue manager (agents do reach it)."""
    [run] = observed(context, "report-service-failures")
    bounce, trace_and_defer = run["cases"]
    with instance(context, {"default_transport": "error:5.0.0 nope"}, trace=False,
                  options="-o bounce_service_name=nosuch") as post:
        queue_id = send(post, "r1@ex1.example")
        for _ in range(2):
            post.wait_in("deferred", queue_id)
            post.trigger(b"AD")
            time.sleep(0.4)
        compare_failures(post, queue_id, bounce)
    with instance(context, {"default_transport": "retry:4.0.0 nope", "delay_warning_time": "1s",
                            "maximal_queue_lifetime": "3s", "bounce_queue_lifetime": "3s"}, trace=False,
                  options="-o trace_service_name=nosuch -o defer_service_name=nosuch") as post:
        queue_id = send(post, "r1@ex1.example", options=("-v",))
        begin = time.time()
        for moment in (1.2, 4.2):
            time.sleep(max(0.0, begin + moment - time.time()))
            post.wait_in("deferred", queue_id)
            post.trigger(b"AD")
            time.sleep(0.4)
        compare_failures(post, queue_id, trace_and_defer)


def compare_failures(post: PrivatePostfix, queue_id: str, case: Any) -> None:
    post.wait_in("deferred", queue_id)
    lines = post.log.lines()
    compare_logs(lines, case["log"], new_names(lines), case["case"], "qmgr|error")
    files = {f"{queue}/new1": oct(path.stat().st_mode & 0o7777) for queue in ("deferred", *REPORTERS)
             for name, path in post.queue(queue).items() if name == queue_id}
    equal(files, case["files"], f"files, {case['case']}")


# ---------------------------------------------------------------------------------------------------------------
# Transports


@live("missing-transport")
def missing_transport(context: Context) -> None:
    """A transport without a listener: dead, revived by F, revived by time."""
    [run] = observed(context, "missing-transport")
    with instance(context, {**run["config"], "default_transport": "nosuch:"}) as post:
        trace, mark = idle(post), post.log.mark()
        died = 0.0
        for step in run["steps"]:
            if step["bytes"] == "(arrival)":
                queue_id = send(post, "r1@ex1.example", "r2@ex2.example", sender="")
                time.sleep(0.3)
            else:
                if "transport_retry_time has passed" in step["note"]:
                    time.sleep(max(0.0, died + 3.6 - time.time()))
                post.trigger(step["bytes"].encode())
                time.sleep(0.2)
            post.wait_in("deferred", queue_id)
            seen = [event["to"] + (" " + event["err"] if event.get("err") else "") for event in trace.take()
                    if event["op"] == "connect"]
            died = time.time() if "private/nosuch ENOENT" in seen else died
            wanted = [name for name in step["connects"] if name != "private/rewrite"]
            equal([name for name in seen if name != "private/rewrite"], wanted, f"connections, {step['note']}")
        lines = post.log.lines(mark)
        compare_logs(lines, run["log"], new_names(lines), "log", "qmgr|error")


class SerialAgent(FakeAgent):
    """An agent with one process: it greets the next connection when the last delivery is over."""

    def __init__(self, post: PrivatePostfix, name: str) -> None:
        self.gate = threading.Event()
        self.order: list[str] = []
        self._turn = threading.Lock()
        super().__init__(post, name, answer=self._take)

    def _serve(self, connection: socket.socket) -> None:
        self.gate.wait(20)
        with self._turn:
            super()._serve(connection)

    def _take(self, request: Request) -> None:
        self.order += [f"{request.queue_id} {name}" for name in request.names()]


def one_at_a_time(recipient_limit: str) -> dict[str, str]:
    """All mail goes to the agent `one`."""
    return {"default_transport": "one:", "one_destination_recipient_limit": recipient_limit,
            "one_destination_concurrency_limit": "1", "one_initial_destination_concurrency": "1"}


#= R-GEN-02 test
@live("delivery-order")
def delivery_order(context: Context) -> None:
    """Which message and destination comes next when one process delivers everything."""
    text = everything("delivery-order")
    for case in text["cases"]:
        [run] = [run for run in case["runs"] if is_of(context, run)]
        limit = case["transport_destination_recipient_limit"]
        with instance(context, one_at_a_time(limit), with_qmgr=False, trace=False) as post:
            agent = SerialAgent(post, "one")
            for number in range(1, 5):
                post.place("incoming", f"order{number}", simple(), time.time() - 100)
            names = dict(zip(reading_order(post.spool / "incoming"), text["messages"]))
            for name, part in names.items():
                post.place("incoming", name, queue_file.message(SENDER, text["messages"][part]), time.time() - 100)
            names = dict(zip(reading_order(post.spool / "incoming"), (names[name] for name in
                                                                      reading_order(post.spool / "incoming"))))
            check(list(names.values()) == list(text["messages"]), "the file system changed its order")
            post.enable_qmgr()
            post.log.wait_for(r"\(queue active\)", 10, count=4)
            time.sleep(0.2)
            agent.gate.set()
            post.wait_empty()
            seen = [f"{names[line.split()[0]]} {line.split()[1]}" for line in agent.order]
            equal(seen, run["delivery_order"], f"order with recipient limit {limit}")


# ---------------------------------------------------------------------------------------------------------------
# Recipients in memory


class CountingAgent(SerialAgent):
    """Remembers when it reported each delivery."""

    def __init__(self, post: PrivatePostfix, name: str) -> None:
        self.reported: list[float] = []
        super().__init__(post, name)

    def _take(self, request: Request) -> None:
        self.reported.append(time.time())


@live("recipient-refill", only=("oqmgr",))
def recipient_refill(context: Context) -> None:
    """How many deliveries have ended when a queue file is opened: first, and again for more recipients."""
    failures: list[str] = []
    threads = [threading.Thread(target=guarded, args=(failures, refill_case, context, case))
               for case in everything("oqmgr-recipient-refill")["cases"]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(not failures, "\n".join(failures))


def refill_case(context: Context, case: Any) -> None:
    parts = list(dict.fromkeys(opened["message"] for opened in case["opens"]))
    settings = {name: str(case[name]) for name in ("qmgr_message_recipient_limit", "qmgr_fudge_factor")}
    settings["qmgr_message_active_limit"] = "20"  # the recipient limit is never below it
    with instance(context, {**one_at_a_time("1"), **settings}, with_qmgr=False) as post:
        for number in range(case["messages"]):
            names = [f"r{recipient}m{number}@many.example" for recipient in range(case["recipients_per_message"])]
            post.place("incoming", f"refill{number}", queue_file.message(SENDER, names), time.time() - 100)
        # Which message comes first is the file system's choice; each then plays the recorded one's part.
        names = dict(zip(reading_order(post.spool / "incoming"), parts))
        agent = CountingAgent(post, "one")
        post.enable_qmgr()
        post.log.wait_for(r"\(queue active\)", 10)
        agent.gate.set()
        until(lambda: not post.total(), 60, lambda: f"all is delivered ({len(agent.reported)})")
        events = Trace(post).take()
    equal(len(agent.reported), case["total"], "deliveries")
    seen = [(names[event["path"].rpartition("/")[2]], sum(moment < event["at"] for moment in agent.reported))
            for event in events if event["op"] == "open" and event["path"].startswith("active/")]
    wanted = [(opened["message"], opened["deliveries_completed_before"]) for opened in case["opens"]]
    what = f"files opened, and deliveries before, with {settings}, {case['messages']} messages"
    equal([message for message, _ in seen], [message for message, _ in wanted], what)
    exact = case["messages"] == 1  # else completions may arrive together (README of the vectors)
    check(all(abs(mine[1] - theirs[1]) <= (0 if exact else 3) for mine, theirs in zip(seen, wanted)),
          f"{what}:\n      wanted {wanted}\n      seen   {seen}")


if __name__ == "__main__":
    sys.exit(main(__doc__))
