#!/usr/bin/env python3
"""What kills or stops Postfix's own queue manager must not kill or stop Weir's; bad input is told in the same words.

The tests of the first kind also run with Debian's binary, where they look for its known end (a note says so): that
shows that the situation is the dangerous one.  The tests of the second kind start both binaries the same way and
compare log lines and exit status.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Iterable

import queue_file
from agents import GREETING, SLOW, SLOW_SERVICE, FakeAgent, attributes, reply
from bare import ARGUMENTS, Ending, start_bare
from instance import ROOT, PrivatePostfix, check, equal, personality, running, until
from live import Context, live, main

VECTORS = Path(os.environ.get("WEIR_VECTORS") or ROOT / "tests/vectors")

ROUTES = {"slow.example": "slow:", "fake.example": "fake:", "other.example": "discard:"}


def instance(context: Context, settings: dict[str, str] | None = None, options: str = "", **more: Any) -> Any:
    """An instance with the slow agent, a place for a played one, and a transport that always works."""
    services = {"slow": SLOW_SERVICE, **more.pop("services", {})}
    return running(context.qmgr, keep=context.keep, settings=settings or {}, services=services, transport=ROUTES,
                   files={"slow.sh": SLOW}, qmgr_arguments=f"{context.options} {options}".strip(), **more)


def put(post: PrivatePostfix, queue_id: str, recipient: str) -> None:
    """A message in incoming/, announced."""
    post.place("incoming", queue_id, queue_file.message("s@box.example", [recipient]))
    post.trigger(b"I", wait=False)


def dies(context: Context, post: PrivatePostfix, pattern: str, timeout: float = 10) -> bool:
    """With the stock binary: waits for its known end, notes it, and is true."""
    if context.stock:
        match = post.log.wait_for(pattern, timeout)
        context.notes.append(f"as known: {match[0]}")
    return context.stock


def still_serves(post: PrivatePostfix, pid: int, queue_id: str = "AFTER1", seconds: float = 5) -> None:
    """The same process is there and delivers the next message without delay."""
    equal(post.qmgr_pids(), [pid], "queue manager processes")
    put(post, queue_id, "x@other.example")
    post.log.wait_for(rf"qmgr: {queue_id}: removed", seconds)
    equal(post.qmgr_pids(), [pid], "queue manager processes")
    check(not post.log.matching(r"(qmgr: (fatal|panic)|master: warning: process .*/\w*qmgr pid)"), "it ended abnormally")


# ---------------------------------------------------------------------------------------------------------------
# Files that vanish, damaged files, odd names


def vanish(context: Context, option: str) -> None:
    """A message that wants a report (`sendmail -v`) is taken away while it is delivered."""
    with instance(context) as post:
        queue_id = post.sendmail("man@test.example", ["ok10@slow.example"], ["-v"])
        until(lambda: post.find(queue_id) and post.find(queue_id)[0] == "active", 5, "it is active")  # type: ignore
        pid = post.qmgr_pid()
        time.sleep(0.3)
        post.postsuper(option, queue_id)
        post.log.wait_for(rf"pipe: {queue_id}: to=<ok10@slow\.example>, .* status=sent", 10)
        if dies(context, post, r"master: warning: process .*/\w*qmgr pid \d+ killed by signal 11"):
            return
        post.log.wait_for(rf"qmgr: warning: .*{queue_id}.*: No such file or directory", 5)
        still_serves(post, pid)


@live("traced-message-deleted")
def traced_message_deleted(context: Context) -> None:
    vanish(context, "-d")


@live("traced-message-held")
def traced_message_held(context: Context) -> None:
    vanish(context, "-h")


@live("crash-loop-files")
def crash_loop_files(context: Context) -> None:
    """Three files on which the stock program dies, again after every restart."""
    for number, (name, line) in enumerate((("size-dsize-longmax", "seek file active/{}: Invalid argument"),
                                           ("size-dsize-overflow", "seek file active/{}: Invalid argument"),
                                           ("size-1field", "bad extra offset .* file active/{}"))):
        with instance(context) as post:
            pid, queue_id = post.qmgr_pid(), f"LOOP{number}"
            content = (VECTORS / "queue-files/malformed" / f"{name}.queue").read_bytes()
            post.place("incoming", queue_id, content)
            post.place("deferred", f"{queue_id}D", content, time.time() - 100)
            post.trigger(b"ID", wait=False)
            if dies(context, post, "qmgr: fatal: " + line.format(f"{queue_id}D?")):
                continue
            for one in (queue_id, f"{queue_id}D"):
                post.wait_in("corrupt", one)
                post.log.wait_for(rf'qmgr: warning: saving corrupt file "{one}" from queue "active" to', 5)
                check(post.log.matching(rf"qmgr: warning: .*{one}"), f"no line tells why {one} is corrupt")
            still_serves(post, pid)


@live("one-letter-file")
def one_letter_file(context: Context) -> None:
    """A file whose name looks like a hash directory."""
    with instance(context) as post:
        pid = post.qmgr_pid()
        for queue, name in (("incoming", "x"), ("deferred", "Y")):
            path = post.spool / queue / name
            path.write_text("")
            shutil.chown(path, "postfix")
        post.place("deferred", "BEHIND", queue_file.message("s@box.example", ["x@other.example"]), time.time() - 100)
        post.trigger(b"ID", wait=False)
        if dies(context, post, r"qmgr: fatal: scan_dir_push: open directory incoming/x: Not a directory"):
            return
        post.log.wait_for(r"qmgr: BEHIND: removed", 5)
        post.log.wait_for(r"qmgr: warning: .*incoming/x: Not a directory", 5)
        post.log.wait_for(r"qmgr: warning: .*deferred/Y: Not a directory", 5)
        still_serves(post, pid)


# ---------------------------------------------------------------------------------------------------------------
# Silent, slow, lying peers


@live("silent-trigger-client")
def silent_trigger_client(context: Context) -> None:
    """A client of the trigger socket that says nothing."""
    with instance(context) as post, socket.socket(socket.AF_UNIX) as client:
        pid = post.qmgr_pid()
        time.sleep(0.3)
        client.connect(str(post.spool / "public/qmgr"))
        begin = time.monotonic()
        time.sleep(0.2)
        put(post, "MEANTIME", "x@other.example")
        if context.stock:
            time.sleep(6)
            check(not post.log.matching("MEANTIME"), "it did not stand still")
            until(lambda: pid not in post.qmgr_pids(), 15, "it has ended")
            context.notes.append("as known: stands still for 10 s, then exits")
            return
        post.log.wait_for(r"qmgr: MEANTIME: removed", 3)
        client.settimeout(15)
        with contextlib.suppress(ConnectionResetError):
            equal(client.recv(1), b"", "bytes for the client")
        check(8 < time.monotonic() - begin < 13, f"hung up after {time.monotonic() - begin:.1f} s instead of 10")
        still_serves(post, pid)


@live("slow-trigger-clients")
def slow_trigger_clients(context: Context) -> None:
    """Many silent clients at once, and one that speaks late: the others and the mail do not wait for them."""
    if context.stock:
        context.notes.append("not played: it would stand still for 10 s a client")
        return
    with instance(context) as post, contextlib.ExitStack() as stack:
        pid = post.qmgr_pid()
        time.sleep(0.3)
        clients = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(30)]
        for client in clients:
            client.settimeout(5)
            client.connect(str(post.spool / "public/qmgr"))
        put(post, "MEANTIME", "x@other.example")
        post.log.wait_for(r"qmgr: MEANTIME: removed", 3)
        post.place("deferred", "LATE1", queue_file.message("s@box.example", ["x@other.example"]), time.time() - 100)
        clients[7].sendall(b"D")
        post.log.wait_for(r"qmgr: LATE1: removed", 3)
        still_serves(post, pid)


def stalled(context: Context, greeting: bytes, answer: bytes | None, lines: Iterable[str], options: str = "") -> None:
    """An agent that stops talking in the middle; other mail must not notice, its own mail is deferred."""
    with instance(context, {"qmgr_ipc_timeout": "6s"}, options) as post:
        pid = post.qmgr_pid()
        agent = FakeAgent(post, "fake", greeting=greeting)
        put(post, "STALLED", "x@fake.example")
        if answer is None:
            until(lambda: agent.connections, 5, "the agent is connected")
        else:
            agent.wait(1)[0].connection.sendall(answer)
        time.sleep(0.5)
        put(post, "OTHER", "x@other.example")
        if context.stock:
            time.sleep(2)
            check(not post.log.matching(r"qmgr: OTHER: removed"), "the stock program did not stand still")
            context.notes.append("as known: stands still until qmgr_ipc_timeout")
        else:
            post.log.wait_for(r"qmgr: OTHER: removed", 4)
        for line in lines:
            post.log.wait_for(line, 10)
        post.wait_in("deferred", "STALLED")
        agent.close()
        still_serves(post, pid)


@live("agent-stalls-in-greeting")
def agent_stalls_in_greeting(context: Context) -> None:
    stalled(context, GREETING[:20], None,
            [r"qmgr: warning: unexpected end-of-input from private/fake socket while reading input attribute value",
             r"qmgr: warning: private/fake socket: malformed response"])


@live("agent-stalls-in-reply")
def agent_stalls_in_reply(context: Context) -> None:
    stalled(context, GREETING, reply()[:-20],
            [r"qmgr: warning: (unexpected|premature) end-of-input (from|on) private/fake socket while reading",
             r"qmgr: warning: private/fake socket: malformed response"])


@live("agent-never-greets")
def agent_never_greets(context: Context) -> None:
    """No greeting within daemon_timeout: fatal in the stock program, the end of that peer's work here."""
    with instance(context, options="-o daemon_timeout=4s") as post:
        pid = post.qmgr_pid()
        agent = FakeAgent(post, "fake", greeting=b"")
        put(post, "STALLED", "x@fake.example")
        until(lambda: agent.connections, 5, "the agent is connected")
        put(post, "OTHER", "x@other.example")
        post.log.wait_for(r"qmgr: OTHER: removed", 2.5)
        if dies(context, post, r"qmgr: fatal: timeout connecting to transport: fake"):
            return
        post.wait_in("deferred", "STALLED")
        post.log.wait_for(r"error: STALLED: to=<x@fake\.example>, .* status=deferred \(mail transport unavailable\)", 5)
        post.log.wait_for(r"qmgr: warning: .*fake", 5)
        still_serves(post, pid)


@live("agent-never-replies")
def agent_never_replies(context: Context) -> None:
    """No reply within daemon_timeout."""
    with instance(context, options="-o daemon_timeout=4s") as post:
        pid = post.qmgr_pid()
        agent = FakeAgent(post, "fake")
        put(post, "STALLED", "x@fake.example")
        agent.wait(1)
        put(post, "OTHER", "x@other.example")
        post.log.wait_for(r"qmgr: OTHER: removed", 2.5)
        if dies(context, post, r"qmgr: fatal: STALLED: timeout receiving delivery status from transport: fake"):
            return
        post.wait_in("deferred", "STALLED")
        post.log.wait_for(r"qmgr: warning: .*fake", 5)
        still_serves(post, pid)


@live("lying-agents")
def lying_agents(context: Context) -> None:
    """Wrong protocol, garbage, hang-ups: a warning each, the mail is deferred, nothing else happens."""
    cases = (("wrong protocol", attributes(("protocol", "smtp")), None, "deferred"),
             ("no greeting by name, which counts as good", b"\xff\xfe\x00\x00\x00", None, "delivered"),
             ("hangs up", None, None, "deferred"),
             ("garbage reply", GREETING, b"nonsense\0\0", "deferred"),
             ("status is no number", GREETING, reply().replace(b"status\x000", b"status\0x"), "deferred"),
             ("surplus attribute, which is accepted", GREETING, reply()[:-1] + b"zz\x001\0\0", "delivered"),
             ("empty reply", GREETING, b"", "deferred"))
    with instance(context, {"transport_retry_time": "1s", "qmgr_ipc_timeout": "2s"}) as post:
        pid = post.qmgr_pid()
        for number, (what, greeting, answer, end) in enumerate(cases):
            agent = FakeAgent(post, "fake", greeting=greeting or b"", answer=(lambda request, text=answer: text))
            if greeting is None:
                agent._serve = lambda connection: connection.close()  # type: ignore
            start = post.log.mark()
            post.trigger(b"F")
            put(post, f"LIE{number}", "x@fake.example")
            if end == "deferred":
                post.wait_in("deferred", f"LIE{number}", 8)
            else:
                post.log.wait_for(rf"qmgr: LIE{number}: removed", 8)
            check(post.log.matching(r"qmgr: warning: .*(fake|malformed)", start), f"no warning about: {what}")
            agent.close()
        still_serves(post, pid)


class FakeResolver(FakeAgent):
    """private/rewrite: answers that everything goes to one transport, after a gate has been opened."""

    def __init__(self, post: PrivatePostfix) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.asked: list[str] = []
        super().__init__(post, "rewrite")

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(attributes(("protocol", "trivial_rewrite_protocol")))
            data = b""
            while block := connection.recv(65536):
                data += block
                while match := re.match(rb"request\0resolve\0sender\0[^\0]*\0address\0([^\0]*)\0\0", data):
                    data = data[match.end():]
                    self.asked.append(match[1].decode())
                    self.gate.wait(30)
                    domain = match[1].rpartition(b"@")[2].decode()
                    connection.sendall(attributes(
                        ("flags", 0), ("transport", "fake" if domain == "fake.example" else "discard"),
                        ("nexthop", domain), ("recipient", match[1].decode()), ("flags", 4096)))


#= R-PAR-074 test
@live("resolver-stalls")
def resolver_stalls(context: Context) -> None:
    """A resolver that does not answer: deliveries end and triggers are served all the same; it is asked again."""
    with instance(context, {"qmgr_ipc_timeout": "6s"}, services={"rewrite": None}) as post:
        pid, resolver, agent = post.qmgr_pid(), FakeResolver(post), FakeAgent(post, "fake")
        put(post, "FIRST1", "x@fake.example")
        first = agent.wait(1)[0]
        resolver.gate.clear()
        put(post, "SECOND2", "x@other.example")
        until(lambda: "x@other.example" in resolver.asked, 5, "the resolver was asked")
        begin = time.monotonic()
        threading.Thread(target=first.finish, daemon=True).start()
        if context.stock:
            time.sleep(2)
            check(not post.log.matching("qmgr: FIRST1: removed"), "the stock program did not stand still")
            context.notes.append("as known: stands still while it waits for the resolver")
        else:
            post.log.wait_for(r"qmgr: FIRST1: removed", 4)
            post.trigger(b"I")
            check(time.monotonic() - begin < 4, "a trigger was not served")
        post.log.wait_for(r"qmgr: warning: problem talking to service rewrite: Connection timed out", 12)
        resolver.gate.set()
        post.log.wait_for(r"qmgr: SECOND2: removed", 10)
        still_serves(post, pid)


@live("agent-dies-under-work")
def agent_dies_under_work(context: Context) -> None:
    """An agent that hangs up instead of answering: its message is deferred, without blame on any destination, also
    when another agent has just reported trouble (whose reason the stock program then repeats)."""
    routes = {**ROUTES, "down.example": "fake:", "dying.example": "dying:"}
    with running(context.qmgr, keep=context.keep, transport=routes, qmgr_arguments=context.options,
                 settings={"initial_destination_concurrency": "1"}) as post:
        pid = post.qmgr_pid()
        FakeAgent(post, "fake", answer=lambda request: reply(-1, "4.4.1", "fake hop is down"))
        dying = FakeAgent(post, "dying", answer=lambda request: b"")
        put(post, "DOWN1", "x@down.example")
        post.wait_in("deferred", "DOWN1")
        put(post, "DYING1", "x@dying.example")
        post.wait_in("deferred", "DYING1")
        start = post.log.mark()
        put(post, "DYING2", "y@dying.example")
        post.wait_in("deferred", "DYING2")
        blamed = bool(post.log.matching("fake hop is down", start)) or dying.connections < 2
        if context.stock:
            check(blamed, "the stock program did not blame the wrong destination")
            context.notes.append("as known: another agent's reason is blamed on this destination")
        else:
            check(not blamed, "the destination was blamed with another agent's reason")
        still_serves(post, pid)


@live("bounce-service-stalls")
def bounce_service_stalls(context: Context) -> None:
    """A bounce service that takes the request and says nothing: that message waits, all others go on."""
    with instance(context, {"default_transport": "error:5.0.0 nope"}, options="-o bounce_service_name=still") as post:
        pid = post.qmgr_pid()
        still = FakeAgent(post, "still", greeting=attributes(("protocol", "delivery_status_protocol")))
        put(post, "REFUSED1", "x@anywhere.example")
        until(lambda: still.connections, 5, "the bounce service is asked")
        still_serves(post, pid)
        equal(post.find("REFUSED1")[0], "active", "where the message waits")  # type: ignore
        still.close()
        post.log.wait_for(r"qmgr: REFUSED1: status=deferred \(bounce failed\)$", 5)
        post.wait_in("deferred", "REFUSED1")


OWN_DEFERRAL = (r"qmgr: {}: to=<x@dead\.example>, relay=none, delay=[\d.]+, delays=[\d.]+/[\d.]+/0/0, dsn=4\.3\.0, "
                r"status=deferred \(mail transport unavailable\)$")


@live("retry-service-dead")
def retry_service_dead(context: Context) -> None:
    """Where not even the retry service can be reached, the queue manager records the deferral itself."""
    routes = {"dead.example": "nosuch:", "other.example": "discard:"}
    with running(context.qmgr, keep=context.keep, transport=routes, services={"retry": None},
                 qmgr_arguments=context.options) as post:
        pid = post.qmgr_pid()
        put(post, "ALONE1", "x@dead.example")
        post.wait_in("deferred", "ALONE1")
        post.log.wait_for(OWN_DEFERRAL.format("ALONE1"), 5)
        check("mail transport unavailable" in post.path_of("defer", "ALONE1").read_text(), "no defer record")
        still_serves(post, pid)


@live("retry-service-dead-many")
def retry_service_dead_many(context: Context) -> None:
    """The same with more recipients at once than the defer service has room for: each has its record."""
    recipients = [f"r{number:04}@dead.example" for number in range(600)]
    with running(context.qmgr, keep=context.keep, transport={"dead.example": "nosuch:"}, services={"retry": None},
                 qmgr_arguments=context.options) as post:
        pid = post.qmgr_pid()
        post.place("incoming", "MANY1", queue_file.message("s@box.example", recipients))
        post.trigger(b"I", wait=False)
        post.wait_in("deferred", "MANY1", 60)
        told = set(re.findall(r"r\d{4}@dead\.example", post.path_of("defer", "MANY1").read_text()))
        equal(len(told), len(recipients), "recipients in the defer log")
        check(not post.log.matching(r"defer service failure|connect to private/defer"), "records were lost")
        still_serves(post, pid)


@live("defer-service-stalls")
def defer_service_stalls(context: Context) -> None:
    """The same with a defer service that does not answer: nobody else waits for it."""
    routes = {"dead.example": "nosuch:", "other.example": "discard:"}
    with running(context.qmgr, keep=context.keep, transport=routes, services={"retry": None},
                 settings={"qmgr_ipc_timeout": "6s"},
                 qmgr_arguments=f"{context.options} -o defer_service_name=still".strip()) as post:
        pid = post.qmgr_pid()
        still = FakeAgent(post, "still", greeting=attributes(("protocol", "delivery_status_protocol")))
        put(post, "ALONE1", "x@dead.example")
        until(lambda: still.connections, 5, "the defer service is asked")
        put(post, "OTHER", "x@other.example")
        if context.stock:
            time.sleep(2)
            check(not post.log.matching(r"qmgr: OTHER: removed"), "the stock program did not stand still")
            context.notes.append("as known: stands still while it waits for the defer service")
        else:
            post.log.wait_for(r"qmgr: OTHER: removed", 4)
        post.wait_in("deferred", "ALONE1", 15)
        still_serves(post, pid)


@live("agent-backlog-full")
def agent_backlog_full(context: Context) -> None:
    """An agent's socket on which nobody accepts: a warning, a dead transport, and deferred mail."""
    with instance(context) as post, socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as stack:
        pid, path = post.qmgr_pid(), str(post.spool / "private/fake")
        listener.bind(path)
        os.chmod(path, 0o666)
        listener.listen(0)
        listener.setblocking(False)
        with contextlib.suppress(BlockingIOError):  # fill it
            while True:
                client = stack.enter_context(socket.socket(socket.AF_UNIX))
                client.setblocking(False)
                client.connect(path)
        put(post, "FULL1", "x@fake.example")
        post.wait_in("deferred", "FULL1")
        post.log.wait_for(r"qmgr: warning: connect to transport private/fake: Resource temporarily unavailable$", 5)
        post.log.wait_for(r"error: FULL1: .* dsn=4\.3\.0, status=deferred \(mail transport unavailable\)$", 5)
        still_serves(post, pid)


# ---------------------------------------------------------------------------------------------------------------
# Orders from master


@live("service-removed")
def service_removed(context: Context) -> None:
    """Taken out of master.cf: SIGTERM ends the process at once, deliveries or not; master waits for that."""
    with instance(context) as post:
        agent = FakeAgent(post, "fake")
        put(post, "OPEN1", "x@fake.example")
        agent.wait(1)
        pid = post.qmgr_pid()
        post.services["qmgr"] = None
        post.write_configuration()
        os.kill(post.master_pid(), signal.SIGHUP)
        until(lambda: pid not in post.qmgr_pids(), 3, "the queue manager is gone")
        equal(post.find("OPEN1")[0], "active", "where the message is")  # type: ignore
        check(not post.log.matching(r"qmgr: (fatal|panic|warning)"), "words of the queue manager")


@live("master-killed")
def master_killed(context: Context) -> None:
    """End of file on the status channel: exit at once, silently, with deliveries open."""
    with instance(context) as post:
        agent = FakeAgent(post, "fake")
        put(post, "OPEN1", "x@fake.example")
        agent.wait(1)
        pid, mark = post.qmgr_pid(), post.log.mark()
        os.kill(post.master_pid(), signal.SIGKILL)
        until(lambda: not os.path.exists(f"/proc/{pid}/exe") or not _alive(pid), 3, "the queue manager is gone")
        equal([line for line in post.log.lines(mark) if line.startswith("qmgr: ")], [], "its words")


def _alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] != "Z"
    return False


@live("brain-by-name")
def brain_by_name(context: Context) -> None:
    """The reference model as the brain, named explicitly (the stock program takes the word as any parameter)."""
    with instance(context, options="-o weir_brain=model") as post:
        still_serves(post, post.qmgr_pid())


# ---------------------------------------------------------------------------------------------------------------
# Bad input: the same words and the same end as Postfix's own program

# name, arguments (or None: the usual ones), lines added to main.cf
BAD_STARTS: tuple[tuple[str, tuple[str, ...] | None, str], ...] = (
    ("unknown option", (*ARGUMENTS, "-w"), ""),
    ("unknown option in a group", ("-lu", "-t", "unix", "-vQ"), ""),
    ("option without its argument", ("-l", "-u", "-t"), ""),
    ("no process limit", ("-t", "unix", "-u"), ""),
    ("no transport type", ("-l", "-u"), ""),
    ("unknown transport type", ("-l", "-t", "carrier", "-u"), ""),
    ("bad socket count", (*ARGUMENTS, "-s", "0"), ""),
    ("override without =", (*ARGUMENTS, "-o", "foo"), ""),
    ("override without name", (*ARGUMENTS, "-o", "= x"), ""),
    ("override with bad value", (*ARGUMENTS, "-o", "queue_run_delay=soon"), ""),
    ("main.cf line without =", None, "foo bar\n"),
    ("main.cf line without name", None, "= bar\n"),
    ("main.cf name twice", None, "queue_run_delay = 10\nqueue_run_delay = 20\n"),
    ("number is a word", None, "qmgr_message_active_limit = many\n"),
    ("number is empty", None, "qmgr_message_active_limit =\n"),
    ("number with trailing text", None, "qmgr_message_active_limit = 10x\n"),
    ("number too small", None, "qmgr_message_active_limit = 0\n"),
    ("number too large", None, "default_delivery_slot_discount = 101\n"),
    ("number beyond 32 bits", None, "qmgr_message_active_limit = 99999999999\n"),
    ("time with bad unit", None, "minimal_backoff_time = 5y\n"),
    ("time is negative", None, "minimal_backoff_time = -5\n"),
    ("time too small", None, "queue_run_delay = 0\n"),
    ("time too large", None, "maximal_queue_lifetime = 200d\n"),
    ("boolean is a number", None, "confirm_delay_cleared = 1\n"),
    ("string too short", None, "default_verp_delimiters = +\n"),
    ("feedback empty", None, "default_destination_concurrency_positive_feedback =\n"),
    ("macro not closed", None, "queue_run_delay = ${minimal_backoff_time\n"),
    ("macro name empty", None, "queue_run_delay = $\n"),
    ("macro loop", None, "a = $b\nb = $a\nqueue_run_delay = $a\n"),
    ("macro of a later parameter", None, "queue_run_delay = $minimal_backoff_time\n"),
    ("compatibility level", None, "compatibility_level = abc\n"),
    ("mail owner unknown", None, "mail_owner = nobodyknows\n"),
    ("mail owner is root", None, "mail_owner = root\n"),
    ("set-gid group unknown", None, "setgid_group = nobodyknows\n"),
    ("facility unknown", None, "syslog_facility = foo\n"),
    ("protocols unknown", None, "inet_protocols = foo\n"),
    ("host name bad", None, "myhostname = a..b\n"),
    ("recipient limit below active limit", None, "qmgr_message_recipient_limit = 5\n"),
    ("bounce lifetime above the other", None, "bounce_queue_lifetime = 9d\n"),
    ("share of oqmgr too small", None, "qmgr_fudge_factor = 9\n"),
    ("share of oqmgr too large", None, "qmgr_fudge_factor = 101\n"),
    ("share of oqmgr no number", None, "qmgr_fudge_factor = half\n"),
    ("watchdog too short", None, "qmgr_daemon_timeout = 2\n"),
    ("log file outside its prefixes", None, "maillog_file = /nowhere/mail.log\n"),
)


def both(context: Context, post: PrivatePostfix, what: str, **how: Any) -> list[str]:
    """Starts the binary under test and Debian's, side by side; the differences, in words."""
    with ThreadPoolExecutor(2) as pool:
        wanted, seen = pool.map(lambda binary: start_bare(post, binary, **how), (context.stock_qmgr, context.qmgr))
    if wanted == seen:
        return []
    return [f"{what}:\n        wanted {wanted}\n        seen   {seen}"]


#= R-GEN-07 test
@live("bad-starts")
def bad_starts(context: Context) -> None:
    """Options and settings that cannot be used."""
    cases: list[tuple[str, dict[str, Any]]] = [("a good start", {})]
    cases += [(what, {"arguments": arguments or ARGUMENTS, "settings": settings})
              for what, arguments, settings in BAD_STARTS]
    cases += [("its name", {"arguments": ("-l", "-n", "qmgr", "-t", "unix", "-u")}), ("terminal", {"terminal": True}),
              ("generation", {"environment": {"GENERATION": "9x"}}),
              ("no generation", {"environment": {"GENERATION": ""}}),
              ("main.cf absent", {"environment": {"MAIL_CONFIG": "/nowhere"}}),
              ("left-over argument", {"arguments": (*ARGUMENTS, "what"), "trigger": b"I",
                                      "seconds": 5.0}),  # ends by itself, once it has come to the trigger
              ("left-over argument, no trigger", {"arguments": (*ARGUMENTS, "what")}),
              ("queue directory absent", {"settings": "queue_directory = /nowhere/spool\n"})]
    with instance(context, with_qmgr=False) as post, ThreadPoolExecutor(8) as pool:
        if personality(context.qmgr) != "nqmgr":
            equal(start_bare(post, context.stock_qmgr), Ending(0, (), ""), "the plain start of Debian's binary")
        found = [pool.submit(both, context, post, what, **how) for what, how in cases]
        differences = [text for one in found for text in one.result()]
    check(not differences, "\n      ".join(differences))


@live("settings-of-oqmgr", only=("oqmgr",))
def settings_of_oqmgr(context: Context) -> None:
    """Its own setting is checked, those that qmgr alone has are not, and its repairs are told of: as Debian's oqmgr."""
    cases = [f"qmgr_fudge_factor = {value}\n" for value in ("9", "10", "100", "101", "half", "")]
    cases += ["default_delivery_slot_cost = many\n", "qmgr_message_recipient_minimum = 0\n",
              "default_recipient_refill_delay = soon\n", "default_recipient_limit = -1\n",
              "qmgr_message_recipient_limit = 5\n", "bounce_queue_lifetime = 9d\n"]
    with instance(context, with_qmgr=False) as post, ThreadPoolExecutor(4) as pool:
        found = [pool.submit(both, context, post, settings.strip(), settings=settings) for settings in cases]
        differences = [text for one in found for text in one.result()]
    check(not differences, "\n      ".join(differences))


@live("bad-directories")
def bad_directories(context: Context) -> None:
    """Queue directories that are missing, no directories, or somebody else's."""
    differences: list[str] = []
    with instance(context, with_qmgr=False) as post:
        for queue in ("active", "incoming", "deferred"):
            path, away = post.spool / queue, post.spool / f"{queue}.away"
            path.rename(away)
            differences += both(context, post, f"{queue} is missing")
            path.write_text("")
            differences += both(context, post, f"{queue} is a file")
            path.unlink()
            away.rename(path)
            shutil.chown(path, "root")
            differences += both(context, post, f"{queue} belongs to root")
            shutil.chown(path, "postfix")
    check(not differences, "\n      ".join(differences))


@live("bad-files")
def bad_files(context: Context) -> None:
    """Queue files that belong to somebody else, or cannot be moved."""
    differences: list[str] = []
    with instance(context, with_qmgr=False) as post:
        good = queue_file.message("s@box.example", ["x@other.example"], arrival=1700000000.5)

        def again(queue: str, owner: str) -> None:
            for place in ("incoming", "active", "deferred", "corrupt"):
                for path in post.queue(place).values():
                    path.unlink()
            shutil.chown(post.place(queue, "OWNED", good), owner)

        for queue in ("incoming", "active", "deferred"):
            results: list[Ending] = []
            for binary in (context.stock_qmgr, context.qmgr):
                again(queue, "root")
                results.append(start_bare(post, binary, seconds=1.5))
            if results[0] != results[1]:
                differences.append(f"file of root in {queue}:\n        wanted {results[0]}\n"
                                   f"        seen   {results[1]}")
        again("incoming", "postfix")
        shutil.chown(post.spool / "active", "root")
        (post.spool / "active").chmod(0o755)  # readable, so that only the move fails
        differences += both(context, post, "active cannot be written", seconds=1.5)
        shutil.chown(post.spool / "active", "postfix")
    check(not differences, "\n      ".join(differences))


@live("bad-transport-parameter")
def bad_transport_parameter(context: Context) -> None:
    """A bad value for one transport: fatal at first use in the stock program; here a warning and the default."""
    with instance(context, {"discard_destination_concurrency_limit": "many", "slow_destination_recipient_limit": "-3"},
                  ) as post:
        until(lambda: post.qmgr_pids(), 5, "a queue manager runs")
        put(post, "FIRST1", "x@other.example")
        if dies(context, post, r"qmgr: fatal: bad numerical configuration: discard_destination_concurrency_limit = m"):
            return
        post.log.wait_for(r"qmgr: FIRST1: removed", 5)
        post.log.wait_for(r"qmgr: warning: .*discard_destination_concurrency_limit", 5)
        still_serves(post, post.qmgr_pid())


@live("negative-limits")
def negative_limits(context: Context) -> None:
    """A negative concurrency limit leaves mail stuck for ever in the stock program; here it is refused, with a line."""
    with instance(context, {"discard_destination_concurrency_limit": "-1"}) as post:
        put(post, "FIRST1", "x@other.example")
        if context.stock:
            time.sleep(1.5)
            check(post.find("FIRST1"), "the stock program delivered it")
            context.notes.append("as known: the mail is stuck")
            return
        post.log.wait_for(r"qmgr: FIRST1: removed", 5)
        post.log.wait_for(r"qmgr: warning: .*discard_destination_concurrency_limit", 5)
        still_serves(post, post.qmgr_pid())


if __name__ == "__main__":
    sys.exit(main(__doc__))
