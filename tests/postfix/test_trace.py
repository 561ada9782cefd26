#!/usr/bin/env python3
"""Record, judge, replay: what the queue manager records of itself under load is what the model decides.

Needs our own queue manager, and the `weir` tool beside it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import queue_file
from instance import PrivatePostfix, check, equal, owner, running, until
from live import Context, Test, live, main

ROUTES = {"gone.example": "discard:", ".gone.example": "discard:", "later.example": "retry:4.2.0 not today Jane",
          "never.example": "error:5.7.0 not ever", "dead.example": "nosuch:", "down.example": "smtp:[127.0.0.1]:{down}",
          ".down.example": "smtp:[127.0.0.1]:{down}", "one.example": "single:[127.0.0.1]:{down}",
          "two.example": "single:[127.0.0.1]:{ok}"}
SETTINGS = {"single_destination_recipient_limit": "1", "recipient_delimiter": "+-", "minimal_backoff_time": "30s",
            "maximal_backoff_time": "60s", "queue_run_delay": "60s", "transport_retry_time": "2s",
            "qmgr_message_active_limit": "60", "qmgr_message_recipient_limit": "200",
            "destination_concurrency_feedback_debug": "yes", "relay_destination_recipient_limit": "2"}
SERVICES = {"single": "single unix - - n - - smtp"}

# Names in several cases and with extensions: their order depends on who compares them.
NAMES = ["Bob", "bob", "BOB+x", "bob+y", "alice", "Alice-request", "aLice", "owner-Zed", "zed", "Postmaster", "_low",
         "[up", "\x80high", "bob.smith", "bob smith", "a@b"]
DOMAINS = ["gone.example", "Gone.Example", "x.gone.example", "box.example", "later.example", "never.example",
           "dead.example", "down.example", "y.down.example", "one.example", "two.example"]


def ours(name: str) -> Any:
    """A live test that Postfix's own binary has nothing to do with."""
    def register(function: Test) -> Test:
        def run(context: Context) -> None:
            if context.stock:
                context.notes.append("not for this binary")
            else:
                function(context)
        live(name)(run)
        return function
    return register


def weir(context: Context) -> Path:
    tool = context.qmgr.with_name("weir")
    check(tool.exists(), f"there is no {tool}")
    return tool


def judge(context: Context, trace: Path) -> tuple[int, str]:
    """Exit status and output of weir judge."""
    done = subprocess.run([weir(context), "judge", trace], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=200)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def instance(context: Context, brain: str, **settings: str) -> Any:
    return running(context.qmgr, keep=context.keep, transport=ROUTES, services=SERVICES, ports=("down", "ok"),
                   settings={**SETTINGS, "weir_brain": brain, "weir_trace": "private/run.trace", **settings})


def recipients(number: int) -> list[str]:
    """Between one and thirty, of several domains."""
    count = 1 + number * 7 % 30
    return [f"{NAMES[(number + i) % len(NAMES)]}{i // 5 or ''}@{DOMAINS[(number + i // 3) % len(DOMAINS)]}"
            for i in range(count)]


def load(post: PrivatePostfix, first: int, count: int) -> None:
    """Messages in incoming/, some at a time, then a look at them."""
    for number in range(first, first + count):
        sender = "" if number % 17 == 0 else f"Sender{number % 5}@from.example"
        post.place("incoming", f"M{number:05}", queue_file.message(sender, recipients(number)), time.time() - 5)
        if number % 50 == 49:
            post.trigger(b"I")
    post.trigger(b"WID")


def settle(post: PrivatePostfix, trace: Path) -> None:
    """Waits until all has been looked at, and some of it again."""
    until(lambda: not post.queue("incoming") and len(post.queue("active")) < 60, 60, "incoming/ is empty")
    post.trigger(b"AFD")
    size = -1
    for _ in range(6):
        time.sleep(1)
        if (now := trace.stat().st_size) == size:
            break
        size = now


def recorded(context: Context, brain: str, addresses: str) -> None:
    with instance(context, brain, weir_trace_addresses=addresses) as post:
        trace = post.spool / "private/run.trace"
        post.sink(post.ports["ok"])
        load(post, 0, 250)
        settle(post, trace)
        post.reload()
        load(post, 1000, 50)
        settle(post, trace)
        post.stop()
        equal((trace.stat().st_mode & 0o7777, trace.stat().st_uid), (0o600, owner()[0]), "mode and owner")
        status, text = judge(context, trace)
        check(status == 0 and text.endswith(": conforms\n"), text)
        consumed = re.search(r"consumed (\d+) events and (\d+) decisions of (\d+) runs", text)
        check(consumed, text)
        events, decisions, runs = (int(number) for number in consumed.groups())  # type: ignore
        check(decisions > 1000 and runs == 2, text)
        context.notes.append(f"{events} events, {decisions} decisions, {trace.stat().st_size} bytes")

        whole = trace.read_bytes()
        for word in (b"Sender", b"alice", b"Zed", b"not today", b"Jane"):
            check((word in whole) == (addresses == "plain"), f"{word!r} in a trace with addresses {addresses}")
        lines = whole.decode("ascii").splitlines()
        place = max(i for i, line in enumerate(lines[:len(lines) // 2]) if '"not_before":' in line)
        lines[place] = re.sub(r'"not_before":(\d+)', lambda m: f'"not_before":{int(m[1]) + 1}', lines[place], count=1)
        altered = post.folder / "altered"
        altered.write_text("\n".join(lines) + "\n")
        status, text = judge(context, altered)
        equal(status, 1, f"exit status with one altered decision\n{text}\n")
        check(f"line {place + 1}: departs from QUE-05 in not_before\n" in text, text)


@ours("trace-plain")
def trace_plain(context: Context) -> None:
    """Hundreds of messages, many deferred, some for destinations that are down: the record conforms; altered it
    does not."""
    recorded(context, "engine", "plain")


@ours("trace-hashed")
def trace_hashed(context: Context) -> None:
    """The same with addresses replaced; none can be read in the record."""
    recorded(context, "engine", "hashed")


@ours("trace-model")
def trace_model(context: Context) -> None:
    """The same when the model decides."""
    recorded(context, "model", "hashed")


@ours("trace-limit")
def trace_limit(context: Context) -> None:
    """At the limit recording ends with a warning and mail goes on; what is there conforms."""
    with instance(context, "engine", weir_trace_limit="300000") as post:
        trace = post.spool / "private/run.trace"
        load(post, 0, 100)
        settle(post, trace)
        post.log.wait_for(r"qmgr: warning: trace private/run.trace: nothing more is recorded: it has reached its limit")
        size = trace.stat().st_size
        check(200000 < size <= 300000, f"{size} bytes")
        status, text = judge(context, trace)
        check(status == 0 and "recording ended before the run did: limit" in text, text)
        start = post.log.mark()
        load(post, 500, 1)
        post.log.wait_for(r"qmgr: M00500: from=", 10, start)
        equal(trace.stat().st_size, size, "size afterwards")


@ours("trace-nowhere")
def trace_nowhere(context: Context) -> None:
    """Where nothing can be recorded there is a warning, and mail goes on."""
    for name, reason in (("nowhere/run.trace", "No such file or directory"), ("link", "Too many levels of symbolic"),
                         ("private", "Is a directory"), ("private/fifo", "not a regular file")):
        with instance(context, "engine", weir_trace="") as post:
            (post.spool / "link").symlink_to(post.folder / "elsewhere")
            subprocess.run(["mkfifo", post.spool / "private/fifo"], check=True)
            (post.spool / "private/fifo").chmod(0o666)
            start = post.log.mark()
            post.settings["weir_trace"] = name
            post.reload()
            load(post, 33, 1)
            post.log.wait_for(rf"qmgr: warning: trace {name}: nothing more is recorded: {reason}", 10, start)
            post.log.wait_for(r"qmgr: M00033: from=", 10, start)
            check(not (post.folder / "elsewhere").exists(), "a link was followed")


if __name__ == "__main__":
    sys.exit(main(__doc__))
