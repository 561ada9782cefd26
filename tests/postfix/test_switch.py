#!/usr/bin/env python3
"""From Postfix's own queue manager to ours and back, several times under load: `postconf -M`, `postfix reload`.

What is promised, and held to here, is what Postfix's own does when it takes over from itself (--qmgr
/usr/lib/postfix/sbin/qmgr): nobody is left out, and nobody is served twice whose delivery had begun, that is, whose
agent held the lock of the queue file, before the process that asked for it again had started.  A request that was
handed over in the last moment, whose agent comes to the lock only after the next process has read the file, is in
nobody's hands; such a one may be served twice, by any queue manager, and is told of.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import socket
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Any

import queue_file
from agents import FakeAgent, Request, reply
from instance import PrivatePostfix, TestFailed, check, equal, owner, running, until
from live import Context, live, main

ROUTES = {".load.example": "load:"}
SETTINGS = {"qmgr_message_active_limit": "200", "qmgr_message_recipient_limit": "200"}
RECIPIENTS = 3  # of a message
CROWD = 150  # messages in the queue at most, while they are put in


@dataclasses.dataclass
class Delivery:
    """One recipient served: who asked for it, and since when the agent held the file."""

    recipient: str
    process: int
    locked: float


class CarefulAgent(FakeAgent):
    """Serves private/load as Postfix's own agents do: under a shared lock of the queue file, each recipient marked as
    done before the lock is let go.  A careless one does neither."""

    def __init__(self, post: PrivatePostfix, name: str, careless: bool = False) -> None:
        self.spool, self.careless = post.spool, careless
        self.served: list[Delivery] = []
        self.started: dict[int, float] = {}  # processes that have asked
        self.busy = 0
        self._guard = threading.Lock()
        super().__init__(post, name)

    def _serve(self, connection: socket.socket) -> None:
        process = peer_of(connection)
        with contextlib.suppress(OSError):
            self.started.setdefault(process, start_of(process))
        with contextlib.suppress(OSError):
            connection.sendall(self.greeting)
            request = self._read(connection)
            if request:
                with self._counted():
                    request.finish(self._deliver(request, process))
            connection.close()

    @contextlib.contextmanager
    def _counted(self) -> Any:
        with self._guard:
            self.busy += 1
        try:
            yield
        finally:
            with self._guard:
                self.busy -= 1

    def _deliver(self, request: Request, process: int) -> bytes:
        """The answer; as with the real ones a file that is gone or locked by somebody else means "try again"."""
        try:
            file = open(self.spool / request.fields["queue_name"] / request.queue_id, "r+b", buffering=0)
        except FileNotFoundError:
            return reply(-1)
        with file:
            try:
                if not self.careless:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return reply(-1)
            locked = time.time()
            time.sleep(0.05 + 0.01 * (len(self.served) % 10))
            with self._guard:
                self.served += [Delivery(name, process, locked) for name in request.names()]
            for one in request.recipients if not self.careless else []:
                os.pwrite(file.fileno(), b"D", int(one["offset"]))
        return reply()


def peer_of(connection: socket.socket) -> int:
    """The process that has connected."""
    size = struct.calcsize("3i")
    return struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[0]


def start_of(process: int) -> float:
    """When a process was made, by the clock on the wall, to a hundredth of a second."""
    ticks = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19])
    since_boot = float(Path("/proc/uptime").read_text().split()[0])
    return time.time() - since_boot + ticks / os.sysconf("SC_CLK_TCK")


class Load:
    """Puts messages into incoming/ until told to stop, under the names that cleanup would give them: `postfix reload`
    runs postsuper, which renames others."""

    def __init__(self, post: PrivatePostfix) -> None:
        self.post, self.wanted = post, []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        number = 0
        while not self._ended.is_set():
            for _ in range(10):
                self._put(number)
                number += 1
            with contextlib.suppress(OSError):
                self.post.trigger(b"I", wait=False)
            while sum(self.post.total().values()) > CROWD and not self._ended.wait(0.02):
                pass
            self._ended.wait(0.02)

    def _put(self, number: int) -> None:
        names = [f"m{number}r{each}@d{(number + each) % 7}.load.example" for each in range(RECIPIENTS)]
        draft = self.post.spool / "incoming/.draft"
        draft.write_bytes(queue_file.message("s@box.example", names))
        os.chown(draft, *owner())
        draft.chmod(0o700)
        self.wanted += names
        draft.rename(draft.with_name(f"{number:05X}{draft.stat().st_ino:X}"))

    def stop(self) -> list[str]:
        self._ended.set()
        self._thread.join()
        return self.wanted


class Switch:
    """An instance that runs Postfix's own queue manager, with ours beside it, under the same name."""

    def __init__(self, post: PrivatePostfix, ours: Path) -> None:
        self.post = post
        beside = post.folder / "weir"
        beside.mkdir()
        (beside / post.name).symlink_to(ours)
        self.commands = {"stock": post.name, "ours": f"../weir/{post.name}"}
        self.binaries = {"stock": post.qmgr.resolve(), "ours": ours.resolve()}

    def to(self, which: str) -> None:
        """Changes the line in master.cf, reloads, and waits until a new process of that binary runs."""
        before = set(self.post.qmgr_pids())
        line = f"qmgr/unix=qmgr unix n - n 300 1 {self.commands[which]}"
        for command in (("postconf", "-M", line), ("postfix", "reload")):
            done = self.post.command(*command)
            check(done.returncode == 0, f"{command}: {done.stderr.decode()}")
        until(lambda: self._runs(which, before), 15, f"the queue manager is {self.binaries[which]}")

    def _runs(self, which: str, before: set[int]) -> bool:
        pids = set(self.post.qmgr_pids())
        with contextlib.suppress(OSError):
            return len(pids) == 1 and not pids & before and \
                os.readlink(f"/proc/{min(pids)}/exe") == str(self.binaries[which])
        return False


def judge(served: list[Delivery], wanted: list[str], started: dict[int, float]) -> int:
    """Fails if somebody was left out, or served twice against the promise; how many were served twice within it."""
    by_name: dict[str, list[Delivery]] = {}
    for one in sorted(served, key=lambda delivery: delivery.locked):
        by_name.setdefault(one.recipient, []).append(one)
    lost = sorted(set(wanted) - set(by_name))
    check(not lost, f"never served: {len(lost)} of {len(wanted)}, such as {lost[:3]}")
    late = 0
    for name, deliveries in by_name.items():
        for first, again in zip(deliveries, deliveries[1:]):
            check(first.process != again.process, f"served twice for the same process: {name}")
            begun = started[again.process] - first.locked
            check(begun < 0.02, f"served twice: {name}, whose delivery had begun {begun:.2f} s before the process started "
                                f"that asked for it again")
            late += 1
    return late


def play(context: Context, times: int, seed: str = "") -> str:
    """Switches there and back under load, and judges; `seed` is something that goes wrong on purpose."""
    with running(context.stock_qmgr, keep=context.keep, settings=SETTINGS, transport=ROUTES) as post:
        switch = Switch(post, context.qmgr)
        agent = CarefulAgent(post, "load", careless=seed == "double")
        load = Load(post)
        under_way, active = [], []
        for number in range(2 * times):
            enough = len(agent.served) + 100
            until(lambda: len(agent.served) >= enough and agent.busy >= 5, 60, "deliveries are made")
            under_way.append(agent.busy)
            active.append(len(post.queue("active")))
            switch.to("stock" if number % 2 else "ours")
        wanted = load.stop()
        if seed == "lose":  # one that waits for its time, taken away behind everybody's back
            path = post.place("deferred", "LOST1", queue_file.message("s@box.example", ["lost@d0.load.example"]),
                              time.time() + 5000)
            wanted.append("lost@d0.load.example")
            path.unlink()
        end = time.monotonic() + 90
        while post.total() or agent.busy:
            # A file whose agent still held it when the next process came is put off by a minute: flush.
            post.trigger(b"FADI")
            time.sleep(0.3)
            check(time.monotonic() < end, f"the queue does not drain: {post.total()}, {agent.busy} deliveries")
        late = judge(agent.served, wanted, agent.started)
        check(not post.log.matching(r"qmgr: (fatal|panic)|master: warning: process .*/\w*qmgr pid|bad command startup"),
              "a queue manager ended abnormally")
        equal(post.queue("corrupt"), {}, "corrupt files")
        check(len(agent.started) >= 2 * times, f"only {len(agent.started)} processes have asked for deliveries")
        put_off = len(post.log.matching(r"qmgr: \w+: skipped, still being delivered"))
        return (f"{len(wanted)} recipients, {2 * times} switches with {min(under_way)} to {max(under_way)} deliveries "
                f"under way and {min(active)} to {max(active)} messages active, {put_off} put off as still being "
                f"delivered; {late} handed over in the last moment and served twice")


@live("switch-under-load")
def switch_under_load(context: Context) -> None:
    """Three times to ours and back."""
    context.notes.append(play(context, 3))


@live("switch-would-notice")
def switch_would_notice(context: Context) -> None:
    """The test itself: a message that is taken away, and agents that neither lock nor mark, are found out."""
    for seed, words in (("lose", "never served"), ("double", "served twice")):
        try:
            play(context, 1, seed)
        except TestFailed as error:
            check(words in str(error), f"seed {seed}: found something else: {error}")
            continue
        raise TestFailed(f"seed {seed}: nothing was noticed")


if __name__ == "__main__":
    sys.exit(main(__doc__))
