#!/usr/bin/env python3
"""Claims of the manual page that the other live tests do not come by: privileges, settings, reports, log, limits.

Every test holds for Debian's own binary too; the one that shows a departure looks for its known end there.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import Any

import queue_file
from agents import FakeAgent, reply
from instance import PrivatePostfix, check, equal, owner, running, until
from live import Context, live, main
from trace import Trace

ROUTES = {"fake.example": "fake:", "other.example": "discard:", "later.example": "retry:4.2.0 not today",
          "never.example": "error:5.7.0 not ever"}


def instance(context: Context, settings: dict[str, str] | None = None, **more: Any) -> Any:
    return running(context.qmgr, keep=context.keep, settings=settings or {}, transport=ROUTES,
                   qmgr_arguments=context.options, **more)


def put(post: PrivatePostfix, queue_id: str, recipient: str, queue: str = "incoming", due: float = 0) -> None:
    """A message in a queue directory, not announced."""
    post.place(queue, queue_id, queue_file.message("s@box.example", [recipient]), time.time() + due)


def status_of(pid: int) -> dict[str, list[str]]:
    """Fields of /proc/PID/status, split into words."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


# ---------------------------------------------------------------------------------------------------------------
# The process


#= R-SEC-01 test
@live("unprivileged")
def unprivileged(context: Context) -> None:
    """With the master.cf default it runs as mail_owner and nobody else; with `n` in that column it stays root."""
    user, group = (str(number) for number in owner())
    with instance(context) as post:
        seen = status_of(post.qmgr_pid())
        equal((seen["Uid"], seen["Gid"]), ([user] * 4, [group] * 4), "user and group ids")
        check("0" not in seen["Groups"], f"supplementary groups {seen['Groups']}")
        check(int(seen["CapEff"][0], 16) == 0, f"capabilities {seen['CapEff']}")
    with instance(context, services={"qmgr": "qmgr unix n n n 300 1 qmgr"}) as post:
        equal(status_of(post.qmgr_pid())["Uid"], ["0"] * 4, "user ids without the drop")


@live("chrooted")
def chrooted(context: Context) -> None:
    """Its root is the queue directory; mail is delivered, deferred and logged from there."""
    with instance(context, services={"qmgr": "qmgr unix n - y 300 1 qmgr"}) as post:
        pid = post.qmgr_pid()
        put(post, "GOOD1", "x@other.example")
        put(post, "LATER1", "x@later.example")
        post.trigger(b"I")
        post.log.wait_for(r"qmgr: GOOD1: removed")
        post.wait_in("deferred", "LATER1")
        equal(Path(f"/proc/{pid}/root").resolve(), post.spool.resolve(), "root directory")
        equal(post.qmgr_pid(), pid, "process")


#= R-SEC-04 test
@live("local-only")
def local_only(context: Context) -> None:
    """From start to delivery, deferral and bounce it binds, connects and sends to local sockets only."""
    with instance(context, trace=True) as post:
        for queue_id, recipient in (("GOOD1", "x@other.example"), ("LATER1", "x@later.example"),
                                    ("NEVER1", "x@never.example")):
            put(post, queue_id, recipient)
        post.trigger(b"I")
        post.log.wait_for(r"qmgr: GOOD1: removed")
        post.log.wait_for(r"qmgr: NEVER1: removed")
        post.wait_in("deferred", "LATER1")
        Trace(post).take()
        lines = post.traced.read_text("utf-8", "replace").splitlines()  # type: ignore
        calls = [line for line in lines if re.search(r" (connect|bind|sendto|sendmsg|listen)\(", line)]
        outside = [line for line in calls if "AF_INET" in line]
        check(any("AF_UNIX" in line for line in calls), "the trace shows no connection at all")
        equal(outside, [], "calls that reach outside")


#= R-TRG-10 test
@live("wakeup-starts-it")
def wakeup_starts_it(context: Context) -> None:
    """Master's wake-up makes a queue manager appear without any mail; without wake-up nobody does."""
    with instance(context) as post:
        post.qmgr_pid(5)
    with instance(context, services={"qmgr": "qmgr unix n - n 0 1 qmgr"}) as post:
        time.sleep(1.5)
        equal(post.qmgr_pids(), [], "queue managers without wake-up")
        put(post, "GOOD1", "x@other.example")
        post.trigger(b"W")
        post.log.wait_for(r"qmgr: GOOD1: removed")


#= R-STR-03 test
@live("bounded-memory")
def bounded_memory(context: Context) -> None:
    """A crowd in incoming/ costs no memory: the active limit does."""
    sizes = []
    for count in (30, 3000):
        with instance(context, {"qmgr_message_active_limit": "20"}, with_qmgr=False) as post:
            agent = FakeAgent(post, "fake")
            for number in range(count):
                put(post, f"M{number:05}", f"x{number}@fake.example", due=-10)
            post.enable_qmgr()
            pid = post.qmgr_pid()
            agent.wait(5)
            time.sleep(0.7)
            equal(len(post.queue("active")), 20, "files in active/")
            sizes.append(int(status_of(pid)["VmRSS"][0]))
    check(sizes[1] - sizes[0] < 2000, f"resident kB with 30 and with 3000 files: {sizes}")


# ---------------------------------------------------------------------------------------------------------------
# Settings


#= R-CFG-01, R-CFG-02 test
@live("settings-until-reload")
def settings_until_reload(context: Context) -> None:
    """A change of main.cf waits for `postfix reload`, which makes it count."""
    def backoff(queue_id: str) -> int:
        put(post, queue_id, "x@later.example")
        post.trigger(b"I")
        state = post.wait_in("deferred", queue_id)
        return round(state.st_mtime - state.st_ctime)

    with instance(context, {"minimal_backoff_time": "1000s"}) as post:
        pid = post.qmgr_pid()
        check(abs(backoff("BEFORE1") - 1000) <= 1, "the first setting does not count")
        post.settings["minimal_backoff_time"] = "2000s"
        post.write_configuration()
        check(abs(backoff("BETWEEN1") - 1000) <= 1, "the change was noticed without reload")
        equal(post.qmgr_pid(), pid, "process")
        post.reload()
        until(lambda: set(post.qmgr_pids()) - {pid}, 10, "a new process runs")
        check(abs(backoff("AFTER1") - 2000) <= 1, "the change does not count after the reload")


@live("filter-without-next-hop")
def filter_without_next_hop(context: Context) -> None:
    """default_filter_nexthop fills in for a content filter that names none; if empty, the recipient's domain does."""
    for value, wanted in (("hop.example", "hop.example"), ("", "other.example")):
        with instance(context, {"content_filter": "fake:", "default_filter_nexthop": value}) as post:
            agent = FakeAgent(post, "fake", answer=lambda request: None)
            post.sendmail("s@box.example", ["x@other.example"])
            request = agent.wait(1)[0]
            equal((request.fields["nexthop"], request.names()), (wanted, ["x@other.example"]), "next hop, recipients")


#= R-PAR-001 test
@live("address-with-dash")
def address_with_dash(context: Context) -> None:
    """An address that begins with a dash is refused, unless allow_min_user says otherwise."""
    with instance(context) as post:
        put(post, "DASH1", "-x@other.example")
        post.trigger(b"I")
        post.log.wait_for(r"error: DASH1: to=<-x@other\.example>, .* dsn=5\.1\.3, status=bounced \(bad address syntax\)")
        post.log.wait_for(r"qmgr: DASH1: removed")
    with instance(context, {"allow_min_user": "yes"}) as post:
        put(post, "DASH1", "-x@other.example")
        post.trigger(b"I")
        post.log.wait_for(r"discard: DASH1: to=<-x@other\.example>, .* status=sent")


#= R-PAR-079 test
@live("crowd-warnings")
def crowd_warnings(context: Context) -> None:
    """One destination that fills the active queue is warned about, once in qmgr_clog_warn_time; helpful_warnings = no
    and a time of 0 turn that off."""
    for settings, wanted in (({}, 1), ({"helpful_warnings": "no"}, 0), ({"qmgr_clog_warn_time": "0"}, 0)):
        with instance(context, {"qmgr_message_active_limit": "10", **settings}) as post:
            agent = FakeAgent(post, "fake")
            for number in range(8):
                put(post, f"M{number}", f"x{number}@fake.example")
            post.trigger(b"I")
            agent.wait(5)
            until(lambda: len(post.queue("active")) == 8, 5, "all are active")
            lines = post.log.matching(r"qmgr: warning: mail for fake\.example is using up \d+ of \d+ active queue entries")
            equal(len(lines), wanted, f"warnings with {settings}")


#= R-GEN-01 test
@live("log-names")
def log_names(context: Context) -> None:
    """Log lines carry syslog_name and the program's name."""
    with instance(context, {"syslog_name": "prefix"}) as post:
        put(post, "GOOD1", "x@other.example")
        post.trigger(b"I")
        post.log.wait_for(r"qmgr: GOOD1: removed")
        pid = post.qmgr_pid()
        line = rf"^\w{{3}} \d\d \d\d:\d\d:\d\d mta prefix/{post.name}\[{pid}\]: GOOD1: removed$"
        check(re.search(line, post.log.raw(), re.MULTILINE), f"the tag is not there:\n{post.log.raw()[-400:]}")


@live("old-name", only=("nqmgr",))
def old_name(context: Context) -> None:
    """Under the name nqmgr it says three times that the name is an old one, before anything else, at each start."""
    with instance(context, {"qmgr_message_recipient_limit": "1"}) as post:
        for times in (1, 2):
            pid = post.qmgr_pid()
            tag = f"postfix/nqmgr[{pid}]: "
            own = [line.partition(tag)[2] for line in post.log.raw().splitlines() if tag in line]
            wanted = [f"please update the {post.etc}/master.cf file; the new queue manager",
                      "(old name: nqmgr) has become the standard queue manager (new name: qmgr)",
                      "support for the name old name (nqmgr) will be removed from Postfix",
                      "qmgr_message_recipient_limit is smaller than qmgr_message_active_limit - adjusting "
                      "qmgr_message_recipient_limit"]
            equal(own[:4], [f"warning: {text}" for text in wanted], f"its first words, start {times}")
            post.reload()
            until(lambda: set(post.qmgr_pids()) - {pid}, 10, "a new process runs")
            until(lambda: post.qmgr_pid() != pid, 5, "the old one is gone")
            time.sleep(0.3)


@live("damaged-file-of-oqmgr", only=("oqmgr",))
def damaged_file_of_oqmgr(context: Context) -> None:
    """It does not tell of a recipient count that does not come out even, as qmgr does; the rest is the same."""
    with instance(context) as post:
        post.place("incoming", "SHORT1", queue_file.message("s@box.example", ["x@other.example"])[:97])
        post.trigger(b"I")
        post.wait_in("corrupt", "SHORT1")
        post.log.wait_for(r"saving corrupt file")
        equal([line for line in post.log.lines() if "SHORT1" in line],
              ["qmgr: warning: SHORT1: message rejected: missing end record",
               'qmgr: warning: saving corrupt file "SHORT1" from queue "active" to queue "corrupt"'], "its words")


# ---------------------------------------------------------------------------------------------------------------
# Scans, reports


#= R-TRG-06 test
@live("incoming-scan-again")
def incoming_scan_again(context: Context) -> None:
    """Requests for the incoming queue during its scan make exactly one more scan, right after it."""
    with instance(context, {"qmgr_message_active_limit": "1"}, trace=True) as post:
        agent, trace = FakeAgent(post, "fake"), Trace(post)
        post.qmgr_pid()
        trace.take(0.4)
        for number in range(2):
            put(post, f"M{number}", f"x{number}@fake.example")

        def opened() -> list[str]:
            return [event["dir"] for event in trace.take() if event["op"] == "opendir"]

        post.trigger(b"I")
        agent.wait(1)
        equal(opened(), ["incoming"], "the scan that stands still with a full active queue")
        for data in (b"I", b"W", b"II"):
            post.trigger(data)
        equal(opened(), [], "scans opened during it")
        agent.requests[0].finish()
        agent.wait(2)
        agent.requests[1].finish()
        post.wait_empty()
        equal(opened(), ["incoming"], "scans after it")


#= R-DIA-04 test
@live("postmaster-copies")
def postmaster_copies(context: Context) -> None:
    """notify_classes decides whether the postmaster hears of a bounce that the queue manager asked for."""
    for classes, wanted in (("bounce", 1), ("resource", 0)):
        with instance(context, {"notify_classes": classes, "bounce_notice_recipient": "boss@box.example"}) as post:
            queue_id = post.sendmail("s@box.example", ["x@never.example"])
            post.log.wait_for(rf"bounce: {queue_id}: sender non-delivery notification: \w+")
            post.log.wait_for(rf"qmgr: {queue_id}: removed")
            copies = post.log.matching(rf"bounce: {queue_id}: postmaster non-delivery notification: \w+")
            equal(len(copies), wanted, f"copies with notify_classes = {classes}")


# ---------------------------------------------------------------------------------------------------------------
# A departure


@live("rate-delay-after-crash")
def rate_delay_after_crash(context: Context) -> None:
    """An agent of a transport with a rate delay dies: the next delivery of that transport goes out all the same."""
    with instance(context, {"fake_transport_rate_delay": "1s", "minimal_backoff_time": "1s"}) as post:
        pid = post.qmgr_pid()
        answers = [b"", reply()]
        agent = FakeAgent(post, "fake", answer=lambda request: answers.pop(0) if answers else reply())
        put(post, "CRASH1", "x@fake.example")
        post.trigger(b"I")
        post.wait_in("deferred", "CRASH1")
        put(post, "NEXT1", "y@fake.example")
        post.trigger(b"I")
        if context.stock:
            time.sleep(4)
            equal((agent.connections, post.find("NEXT1")[0]), (1, "active"), "connections, queue")  # type: ignore
            context.notes.append("as known: the transport gets no connection any more")
            return
        post.log.wait_for(r"qmgr: NEXT1: removed", 8)
        equal(post.qmgr_pid(), pid, "process")


if __name__ == "__main__":
    sys.exit(main(__doc__))
