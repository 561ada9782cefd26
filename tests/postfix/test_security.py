#!/usr/bin/env python3
"""What protects the queue manager and those around it: how it is built, what it may start, what it leaves open or
readable, and what hostile files and peers can cost (spec/security.md)."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import socket
import stat
import sys
import time
from pathlib import Path
from typing import Any

import queue_file
from agents import GREETING, FakeAgent, attributes, one_list, reply
from elf import Program
from instance import PrivatePostfix, check, equal, owner, running, until
from live import Context, live, main

ROUTES = {"fake.example": "fake:", "other.example": "discard:", "later.example": "retry:4.4.1 later"}

# Whatever starts another program, or makes a process.
STARTERS = re.compile(r"_?(exec(l|le|lp|v|ve|veat|vp|vpe)|fexecve|posix_spawnp?|system|popen|wordexp|[vr]?fork|_Fork|"
                      r"clone\w*|syscall|dlopen|dlsym)$")


# ---------------------------------------------------------------------------------------------------------------
# The program


@live("hardened-program")
def hardened_program(context: Context) -> None:
    """The release build is hardened, as its file shows."""
    weak = Program(context.qmgr.resolve()).weaknesses()
    if context.stock:
        context.notes.append(f"Debian's: {weak}")
        return
    equal(weak, [], f"weaknesses of {context.qmgr}")


@live("starts-no-program")
def starts_no_program(context: Context) -> None:
    """It has nothing to start a program with, and does not, not even when told to (-D)."""
    if context.stock:
        context.notes.append("not asked: it runs debugger_command with a shell")
        return
    equal(sorted(filter(STARTERS.match, Program(context.qmgr.resolve()).imports)), [], "what could start a program")
    with PrivatePostfix(context.qmgr, {"debugger_command": "touch {folder}/mail/ran"}, transport=ROUTES,
                        qmgr_arguments="-D") as post:
        calls = post.folder / "calls"
        post._wrap(f"-f -o {calls} -e trace=%process,clone,clone3")
        post.start()
        deliver_and_defer(post)
        post.log.wait_for(r"qmgr: warning: debugger_command is not run", 5)
        check(not (post.folder / "mail/ran").exists(), "debugger_command was run")
        made = re.findall(r"^\d+ +(?!exit)\w+\(.*", calls.read_text(), re.MULTILINE)
        check(len(made) == 1 and "execve(" in made[0], f"beside its own start: {made}")


def recording(context: Context) -> contextlib.AbstractContextManager[PrivatePostfix]:
    """An instance whose queue manager also records what it does."""
    return running(context.qmgr, keep=context.keep, transport=ROUTES,
                   qmgr_arguments=f"{context.options} -o weir_trace={{folder}}/data/trace")


def deliver_and_defer(post: PrivatePostfix) -> None:
    """A message that goes out, one that is deferred, one that is damaged."""
    post.place("incoming", "GOOD1", queue_file.message("s@box.example", ["x@box.example"]))
    post.place("incoming", "LATER1", queue_file.message("s@box.example", ["x@later.example"]))
    post.place("incoming", "BAD1", b"\0" * 100)
    post.trigger(b"I")
    post.log.wait_for(r"qmgr: GOOD1: removed", 10)
    post.wait_in("deferred", "LATER1")
    post.wait_in("corrupt", "BAD1")


# ---------------------------------------------------------------------------------------------------------------
# What it leaves


@live("descriptors-close-on-exec")
def descriptors_close_on_exec(context: Context) -> None:
    """Whatever it has open at any moment would not pass to another program; standard descriptors are /dev/null."""
    with recording(context) as post, socket.socket(socket.AF_UNIX) as client:
        agent = FakeAgent(post, "fake")
        post.place("incoming", "OPEN1", queue_file.message("s@box.example", ["x@fake.example"]))
        post.trigger(b"I")
        agent.wait(1)  # from here on it has a resolver's connection, an agent's and a client's
        client.connect(str(post.spool / "public/qmgr"))
        deliver_and_defer(post)
        pid = post.qmgr_pid()
        passed_on, seen = [], set()
        for name in os.listdir(f"/proc/{pid}/fd"):
            target = os.readlink(f"/proc/{pid}/fd/{name}")
            flags = re.search(r"^flags:\s*(\d+)", Path(f"/proc/{pid}/fdinfo/{name}").read_text(), re.MULTILINE)
            seen.add(target.partition(":")[0])
            if int(name) <= 2:
                equal(target, "/dev/null", f"descriptor {name}")
            elif not int(flags[1], 8) & os.O_CLOEXEC:  # type: ignore
                passed_on.append(f"{name}: {target}")
        context.notes.append(f"{len(os.listdir(f'/proc/{pid}/fd'))} descriptors: {sorted(seen)}")
        if context.stock:
            context.notes.append(f"passed on: {passed_on}")
            return
        equal(passed_on, [], "descriptors that another program would get")
        check({"socket", "pipe", "anon_inode"} <= seen, f"too few kinds of descriptors: {seen}")


@live("private-files")
def private_files(context: Context) -> None:
    """Nothing that it makes can be read or written by others; no file belongs to anybody but mail_owner."""
    with recording(context) as post:
        deliver_and_defer(post)
        made = {path: state for path, state in tree(post).items() if re.match(
            r"spool/(incoming|active|deferred|corrupt|saved)/|data/trace$", path)}
        check(any(path.startswith("spool/deferred/") for path in made), f"made: {sorted(made)}")
        check(context.stock or "data/trace" in made, f"no trace was made: {sorted(made)}")
        for path, state in made.items():
            equal(state.st_mode & 0o077, 0, f"mode of {path} for others")
            check(state.st_uid == (post.spool / "active").stat().st_uid, f"{path} belongs to {state.st_uid}")


def tree(post: PrivatePostfix) -> dict[str, os.stat_result]:
    """Files and folders of spool and data."""
    found = {}
    for top in ("spool", "data"):
        for folder, folders, files in os.walk(post.folder / top):
            for name in folders + files:
                path = Path(folder) / name
                with contextlib.suppress(FileNotFoundError):
                    found[str(path.relative_to(post.folder))] = path.lstat()
    return found


# ---------------------------------------------------------------------------------------------------------------
# Symbolic links in the queue


def outside(post: PrivatePostfix) -> dict[str, Path]:
    """A folder of mail_owner that is none of the queue's, with files that no message's name should lead to."""
    folder = post.folder / "outside"
    folder.mkdir()
    post.give(folder)
    files = {"LATER1": b"secret", "GOOD1": b"secret", "BAD1": b"secret",
             "LATER2": queue_file.message("s@box.example", ["x@box.example"])}
    for name, content in files.items():
        (folder / name).write_bytes(content)
        post.give(folder / name)
        (folder / name).chmod(0o700)
        os.utime(folder / name, (1_000_000_000,) * 2)
    return {name: folder / name for name in files}


def states(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    return {path.name: (path.stat().st_mode, int(path.stat().st_mtime), path.read_bytes())
            for path in sorted(folder.iterdir())}


def instance(context: Context, settings: dict[str, str] | None = None, **more: Any) -> Any:
    return running(context.qmgr, keep=context.keep, transport=more.pop("transport", ROUTES), settings=settings or {},
                   qmgr_arguments=f"{context.options} {more.pop('options', '')}".strip(), **more)


@live("links-lead-nowhere")
def links_lead_nowhere(context: Context) -> None:
    """Links as hash folders, as files and as logs: nothing outside of the queue is read, moved, written, stamped or
    removed, and mail goes on.  Postfix's own follows those that stand for a hash folder."""
    with running(context.qmgr, keep=context.keep, transport=ROUTES, with_qmgr=False,
                 qmgr_arguments=context.options) as post:
        files = outside(post)
        folder = files["GOOD1"].parent
        links = {"deferred/L": folder, "defer/G": folder, "incoming/x": folder, "incoming/LINK1": files["LATER2"],
                 "active/LINK2": files["LATER2"], "corrupt/BAD1": files["BAD1"], "bounce/GOOD1": folder / "nothing"}
        for name, target in links.items():
            (post.spool / name).symlink_to(target)
        os.chown(post.spool / "incoming/LINK1", *owner(), follow_symlinks=False)
        before = states(folder)
        for name, recipient in (("GOOD1", "x@box.example"), ("LATER1", "x@later.example")):
            post.place("incoming", name, queue_file.message("s@box.example", [recipient]))
        post.place("incoming", "BAD1", b"\0" * 100)
        post.enable_qmgr()
        pid = post.qmgr_pid()
        post.trigger(b"ID")
        if context.stock:
            post.log.wait_for(r"qmgr: LATER2: removed", 10)
            until(lambda: not files["LATER2"].exists() and not files["GOOD1"].exists(), 10, "files outside are gone")
            context.notes.append(f"as known: delivers from outside and removes there; left: {sorted(states(folder))}")
            return
        post.log.wait_for(r"error: LATER1: .*status=deferred", 10)
        post.log.wait_for(r"virtual: GOOD1: .*status=sent", 10)
        post.log.wait_for(r'qmgr: warning: saving corrupt file "BAD1"', 10)
        post.log.wait_for(rf"qmgr: warning: incoming/LINK1: uid {owner()[0]}: not a regular file", 10)
        post.wait_in("incoming", "LATER1")
        check(post.find("LATER1")[1].st_mtime > time.time() + 60, "when it is due")  # type: ignore
        for line in ("scan_dir_push: open directory deferred/L", "scan_dir_push: open directory incoming/x",
                     "qmgr_active_defer: rename LATER1 from active to deferred", "qmgr_message_alloc: GOOD1: remove defer GOOD1"):
            post.log.wait_for(rf"qmgr: warning: {line}: Too many levels of symbolic links$", 5)
        equal(states(folder), before, "what is outside")
        check(not (post.spool / "corrupt/BAD1").is_symlink(), "the damaged file was saved through a link")
        equal(post.qmgr_pids(), [pid], "queue manager processes")


@live("link-farm")
def link_farm(context: Context) -> None:
    """Thousands of links: a warning each, like Postfix's own; the mail behind them is delivered, memory does not grow."""
    count = 1200
    with running(context.qmgr, keep=context.keep, with_qmgr=False, qmgr_arguments=context.options) as post:
        (post.spool / "deferred/F").mkdir(mode=0o700)
        post.give(post.spool / "deferred/F")
        targets = ("/etc/shadow", "/nowhere", ".", "..", "/dev/zero", "/proc/self/mem")  # Postfix's own would set times
        for number in range(count):
            place = ("incoming", "deferred/F", "incoming" if context.stock else "active")[number % 3]
            link = post.spool / place / f"F{number:05d}"
            link.symlink_to(targets[number // 3 % len(targets)])
            os.chown(link, *owner(), follow_symlinks=False)
        post.place("incoming", "GOOD1", queue_file.message("s@box.example", ["x@box.example"]))
        post.enable_qmgr()
        pid = post.qmgr_pid()
        post.trigger(b"ID")
        post.log.wait_for(r"qmgr: GOOD1: removed", 60)
        told = re.compile(rf": warning: (incoming|deferred/F)/F\d+: uid {owner()[0]}: not a regular file$", re.MULTILINE)
        until(lambda: len(told.findall(post.log.raw())) >= count, 100, "each link has been told of", 0.2)
        equal(post.qmgr_pids(), [pid], "queue manager processes")
        within(context, pid, 4)


# ---------------------------------------------------------------------------------------------------------------
# Memory


def within(context: Context, pid: int, megabytes: int) -> None:
    """The most memory of its own that the process has had; fails above a bound, which is for our own binary."""
    status = Path(f"/proc/{pid}/status").read_text()
    most, mapped = (int(re.search(rf"^{name}:\s*(\d+) kB", status, re.MULTILINE)[1]) / 1024  # type: ignore
                    for name in ("VmHWM", "RssFile"))
    context.notes.append(f"at most {most - mapped:.1f} MB of its own, {mapped:.1f} MB of program and libraries")
    check(context.stock or most - mapped <= megabytes, f"{most - mapped:.1f} MB of its own, bound {megabytes} MB")


# ---------------------------------------------------------------------------------------------------------------
# Files that are made to cost


def put_large(post: PrivatePostfix, queue_id: str, pieces: dict[int, bytes], size: int = 0) -> None:
    """A queue file in incoming/ made of pieces at offsets, with holes between them and, up to `size`, behind them."""
    draft = post.folder / "spool/.large"
    with open(draft, "wb") as file:
        for offset, piece in pieces.items():
            file.seek(offset)
            file.write(piece)
        file.truncate(max(size, file.tell()))
    post.give(draft)
    draft.chmod(0o700)
    draft.rename(post.spool / "incoming" / queue_id)


def with_records(records: bytes, length: int = 2, flags: int = 0) -> bytes:
    """A file with these records behind its sender, up to the content, which has so many bytes."""
    envelope = queue_file.record("T", f"{int(time.time())} 0") + queue_file.record("S", "s@other.example") + records
    envelope += queue_file.record("M")
    offset = len(queue_file.size_record(0, 0, 0, 0, 0)) + len(envelope)
    return queue_file.size_record(length, offset, 1, flags, length) + envelope


RECIPIENT, POINTER = queue_file.record("R", "x@other.example"), queue_file.record("p", f"{0:15d}")
END = queue_file.record("X") + queue_file.record("E")


def with_hole(letter: str, begin: bytes = b"") -> dict[int, bytes]:
    """The pieces of a file with a record of 64 MiB, most of it a hole."""
    size = 64 << 20
    head = letter.encode() + bytes((size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14 & 0x7F | 0x80, size >> 21))
    start = with_records(RECIPIENT)
    start = start[:-len(queue_file.record("M"))]
    rest = queue_file.record("M") + queue_file.record("N") + END
    offset = len(start) + len(head) + size + len(queue_file.record("M"))
    first = queue_file.size_record(2, offset, 1, 0, 2)
    return {0: first + start[len(first):] + head + begin, offset - 2: rest}


def overlapping(count: int) -> bytes:
    """Records that lie over the same half megabyte, each with a pointer at its end to the next: read one by one they
    would make `count` times that."""
    stretch = 500_000
    start = with_records(RECIPIENT + POINTER) + queue_file.record("N") + END
    headers, pointers = len(start), len(start) + 4 * count + stretch
    place = start.index(POINTER)
    start = start[:place] + queue_file.record("p", f"{headers:15d}") + start[place + len(POINTER):]
    parts = [start]
    for number in range(count):
        length = pointers + 17 * number - (headers + 4 * (number + 1))
        parts.append(bytes((ord("i"), length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14)))
    parts.append(bytes(stretch))
    for number in range(count):
        after = place + len(POINTER) if number + 1 == count else headers + 4 * (number + 1)
        parts.append(queue_file.record("p", f"{after:15d}"))
    return b"".join(parts)


@live("costly-files")
def costly_files(context: Context) -> None:
    """Sparse files of 4 GiB, records of 64 MiB, a long loop, records over each other: each has its answer, soon, in
    little memory.  Postfix's own takes long records into memory, and goes over the others again and again."""
    gigabytes, loop = 4 << 30, with_records(RECIPIENT + POINTER + queue_file.record("r") * 50_000 + POINTER)
    loop = queue_file.record("p", f"{loop.index(POINTER):15d}").join(loop.rsplit(POINTER, 1))
    sparse = with_records(RECIPIENT, gigabytes)
    # Pieces, size, our answer, Postfix's.
    files: dict[str, tuple[dict[int, bytes], int, str, str]] = {
        "HOLE1": ({0: sparse, len(sparse) + gigabytes: END}, 0, "removed", "removed"),
        "HOLE2": ({0: sparse}, 2 * gigabytes, "corrupt", "corrupt"),
        "HOLE3": ({0: with_records(RECIPIENT)}, gigabytes, "corrupt", "corrupt"),
        "LONG1": (with_hole("R", b"y@other.example"), 0, "corrupt", "removed"),
        "LONG2": (with_hole("r"), 0, "removed", "removed"),
        "LONG3": (with_hole("A", b"log_ident=x"), 0, "corrupt", "removed"),
        "LOOP1": ({0: loop}, 0, "corrupt", "corrupt"),
        "OVER1": ({0: overlapping(300 if context.stock else 4000)}, 0, "corrupt", "removed"),
    }
    patience = 100 if context.stock else 15
    with instance(context) as post:
        pid = post.qmgr_pid()
        for name, (pieces, size, _, _) in files.items():
            begin = time.monotonic()
            put_large(post, name, pieces, size)
            post.trigger(b"I", wait=False)
            if files[name][3 if context.stock else 2] == "removed":
                post.log.wait_for(rf"qmgr: {name}: removed", patience)
            else:
                post.wait_in("corrupt", name, patience)
            context.notes.append(f"{name}: {time.monotonic() - begin:.1f} s")
        equal(post.qmgr_pids(), [pid], "queue manager processes")
        within(context, pid, 8)


class CountingAgent(FakeAgent):
    """Reads deliveries of thousands of recipients; reports each as done at once, until it has had `enough` of them."""

    def __init__(self, post: PrivatePostfix, name: str, enough: int) -> None:
        self.enough, self.served = enough, 0
        super().__init__(post, name)

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(GREETING)
            data, place, lists, wanted = b"", 0, 0, 1
            while lists < wanted:
                block = connection.recv(1 << 18)
                if not block:
                    return
                data += block
                while lists < wanted and (found := one_list(data[place:place + 4096])):
                    wanted = wanted if lists else 1 + int(found[0]["recipient_count"])
                    place, lists = place + found[1], lists + 1
            self.served += wanted - 1
            if self.served < self.enough:
                connection.sendall(reply())
                connection.recv(1)
                connection.close()


@live("million-recipients")
def million_recipients(context: Context) -> None:
    """A list of a million recipients is read in pieces: what is in memory is bounded by qmgr_message_recipient_limit,
    however many have been delivered.  Other mail overtakes it."""
    names = b"".join(b"R\x18user%07d@fake.example" % number for number in range(1_000_000))
    settings = {"qmgr_message_recipient_limit": "4000", "default_destination_recipient_limit": "1000"}
    with instance(context, settings) as post:
        pid, agent = post.qmgr_pid(), CountingAgent(post, "fake", 12_000)
        content = with_records(names, flags=1) + queue_file.record("N") + END
        content = content.replace(b" %15d %15d " % (1, 1), b" %15d %15d " % (1_000_000, 1), 1)
        put_large(post, "MILLION", {0: content})
        begin = time.monotonic()
        post.trigger(b"I", wait=False)
        until(lambda: agent.served >= agent.enough, 150, lambda: f"recipients are served (so far {agent.served})")
        post.place("incoming", "GOOD1", queue_file.message("s@box.example", ["x@other.example"]))
        post.trigger(b"I", wait=False)
        post.log.wait_for(r"qmgr: GOOD1: removed", 10)
        context.notes.append(f"{agent.served} recipients served after {time.monotonic() - begin:.1f} s")
        within(context, pid, 12)


# ---------------------------------------------------------------------------------------------------------------
# Peers that never come to an end


class Endless(FakeAgent):
    """Sends `begin`, then `more` again and again, after a request has been read (or at once); counts the bytes until
    it is hung up on, or has had enough."""

    def __init__(self, post: PrivatePostfix, name: str, greeting: bytes, begin: bytes, more: bytes, at_once: bool,
                 enough: int) -> None:
        self.begin, self.more, self.at_once, self.enough = begin, more, at_once, enough
        self.sent: list[int] = []
        super().__init__(post, name, greeting)

    def _serve(self, connection: socket.socket) -> None:
        sent = 0
        with contextlib.suppress(OSError):
            connection.sendall(self.greeting)
            if not self.at_once:
                connection.recv(65536)
            connection.sendall(self.begin)
            while sent < self.enough:
                connection.sendall(self.more)
                sent += len(self.more)
        self.sent.append(sent)
        connection.close()


@live("endless-peers")
def endless_peers(context: Context) -> None:
    """Agents and a bounce service whose greeting, value or list has no end: each is hung up on after a megabyte, costs
    its own mail some time, and nobody else anything.  Postfix's own takes in all of it."""
    text, pairs = b"x" * 65536, b"a\0b\0" * 16384
    cases: dict[str, tuple[bytes, bytes, bytes, bool]] = {
        "greeting": (b"", b"protocol\0", text, True),
        "report": (GREETING, b"status\0", text, False),
        "name": (GREETING, b"", text, False),
        "list": (GREETING, b"status\0\0diag_type\0\0diag_text\0\0mta_type\0\0mta_mname\0\0action\0\0", pairs, False),
        "bounce": (attributes(("protocol", "delivery_status_protocol")), b"status\0", text, False),
    }
    transport = {**ROUTES, **{f"{name}.example": f"{name}:" for name in cases}, "bounce.example": "discard:"}
    with instance(context, {"transport_retry_time": "100s"}, services={"bounce": None}, transport=transport) as post:
        pid = post.qmgr_pid()
        for name, (greeting, begin, more, at_once) in cases.items():
            peer = Endless(post, name, greeting, begin, more, at_once, enough(context))
            if name == "bounce":
                (post.spool / "bounce/BOUNCE").write_text("somebody has written this\n")
            post.place("incoming", name.upper(), queue_file.message("s@box.example", [f"x@{name}.example"]))
            post.trigger(b"I", wait=False)
            hung_up(context, name, peer)
            if not context.stock:
                post.wait_in("deferred", name.upper())
        post.place("incoming", "GOOD1", queue_file.message("s@box.example", ["x@other.example"]))
        post.trigger(b"I", wait=False)
        post.log.wait_for(r"qmgr: GOOD1: removed", 10)
        equal(post.qmgr_pids(), [pid], "queue manager processes")
        within(context, pid, 8)


def enough(context: Context) -> int:
    return (24 if context.stock else 64) << 20


def hung_up(context: Context, name: str, peer: Endless) -> None:
    """Waits until a peer has been hung up on."""
    until(lambda: peer.sent, 30, f"{name} has been hung up on")
    context.notes.append(f"{name}: {peer.sent[0] >> 10} kB taken")
    check(context.stock or peer.sent[0] <= 4 << 20, f"{name}: {peer.sent[0]} bytes were taken")


@live("endless-resolver")
def endless_resolver(context: Context) -> None:
    """A resolver whose answer has no end is hung up on and asked again; triggers are served, memory does not grow."""
    with instance(context, services={"rewrite": None}) as post:
        pid = post.qmgr_pid()
        peer = Endless(post, "rewrite", attributes(("protocol", "trivial_rewrite_protocol")), b"flags\0", b"x" * 65536,
                       False, enough(context))
        post.place("incoming", "ENDLESS", queue_file.message("s@box.example", ["x@other.example"]))
        post.trigger(b"I", wait=False)
        hung_up(context, "resolver", peer)
        if not context.stock:
            until(lambda: len(peer.sent) > 1, 10, "the resolver is asked again")
            post.trigger(b"FADI")
        equal(post.qmgr_pids(), [pid], "queue manager processes")
        within(context, pid, 8)


@live("trigger-flood")
def trigger_flood(context: Context) -> None:
    """Two processes send triggers as fast as they can, in all letters, and a megabyte of them at a time: mail goes on
    while they do, and memory does not grow."""
    with instance(context) as post:
        pid, path = post.qmgr_pid(), str(post.spool / "public/qmgr")
        counts = [multiprocessing.Value("l", 0) for _ in range(2)]
        flooders = [multiprocessing.Process(target=flood, args=(path, count), daemon=True) for count in counts]
        for flooder in flooders:
            flooder.start()
        begin = time.monotonic()
        number = 0

        def sent() -> int:
            return sum(count.value for count in counts)
        while time.monotonic() - begin < 2 or sent() < 5000:
            number += 1
            post.place("incoming", f"FLOOD{number}", queue_file.message("s@box.example", ["x@other.example"]))
            post.log.wait_for(rf"qmgr: FLOOD{number}: removed", 10)
        for flooder in flooders:
            flooder.terminate()
            flooder.join()
        context.notes.append(f"{sent()} triggers, {number} messages in {time.monotonic() - begin:.1f} s")
        equal(post.qmgr_pids(), [pid], "queue manager processes")
        within(context, pid, 4)


def flood(path: str, count: Any) -> None:
    many = b"FADIW" * 200_000
    while True:
        count.value += 1
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            client.sendall(many if count.value % 1000 == 0 else b"FADI")


if __name__ == "__main__":
    sys.exit(main(__doc__))
