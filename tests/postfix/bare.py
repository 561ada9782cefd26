"""Runs a queue manager as master(8) would, but with the test holding the other ends: for starts that go wrong.

The process gets the descriptors, environment, directory and arguments of master-run daemons, logs to a real
postlogd, and is judged by its log lines, its exit status and what it leaves on standard error.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pty
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Iterable

from instance import PrivatePostfix, personality

ARGUMENTS = ("-l", "-t", "unix", "-u")


@dataclasses.dataclass(frozen=True)
class Ending:
    """How a process ended: negative status for a signal; `lines` are its log lines without the program's name."""

    status: int | None
    lines: tuple[str, ...]
    errors: str

    def __str__(self) -> str:
        return f"status {self.status}, log {list(self.lines)}, stderr {self.errors!r}"


def start_bare(post: PrivatePostfix, qmgr: Path, arguments: Iterable[str] = ARGUMENTS, settings: str = "",
               configuration: str | None = None, environment: dict[str, str] | None = None, terminal: bool = False,
               trigger: bytes | None = None, name: str = "", seconds: float = 0.6) -> Ending:
    """Starts a binary under its own name (or another `name`) and lets it run; one that lives for `seconds` is told to go by end of
    file on its status channel, as master does.  `settings` are added to the instance's main.cf; `configuration`
    replaces the whole file (None: as usual)."""
    home = Path(tempfile.mkdtemp(prefix="b", dir=post.folder))
    home.chmod(0o755)
    (home / "etc").mkdir()
    program = home / (name or personality(qmgr))
    program.symlink_to(qmgr)
    text = (post.etc / "main.cf").read_text() + settings if configuration is None else configuration
    (home / "etc/main.cf").write_text(text)
    os.utime(home / "etc/main.cf", (time.time() - 10,) * 2)
    variables = {"MAIL_CONFIG": str(home / "etc"), "MAIL_LOGTAG": "postfix", "LANG": "C", "GENERATION": "3",
                 "POSTLOG_SERVICE": f"{post.spool}/public/postlog", "POSTLOG_HOSTNAME": "mta", **(environment or {})}
    ending = _run(post, home, [str(program), *arguments], variables, terminal, trigger, seconds)
    hidden = [line.replace(str(home), "HOME") for line in ending.lines]
    return dataclasses.replace(ending, lines=tuple(hidden), errors=ending.errors.replace(str(home), "HOME"))


def _run(post: PrivatePostfix, home: Path, command: list[str], variables: dict[str, str], terminal: bool,
         trigger: bytes | None, seconds: float) -> Ending:
    address = home / "listen"
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(address))
        listener.listen(10)
        listener.setblocking(False)
        status, ours = socket.socketpair()
        tokens = os.pipe()
        for end in tokens:
            os.set_blocking(end, False)
        controller, terminal_end = pty.openpty() if terminal else (-1, -1)
        process = subprocess.Popen(command, cwd=post.spool, env=variables, stdin=terminal_end if terminal else
                                   subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   umask=0o077, pass_fds=(3, 4, 5, 6), preexec_fn=_places(*tokens, status.fileno(),
                                                                                          listener.fileno()))
        status.close()
        if trigger is not None:
            stack.enter_context(_client(address, trigger))
        code = _wait(process, ours, seconds)
        for end in (*tokens, *(end for end in (controller, terminal_end) if end >= 0)):
            os.close(end)
        assert process.stderr
        errors = process.stderr.read().decode("utf-8", "replace")
        process.stderr.close()
    time.sleep(0.1)  # postlogd's turn
    lines = [line.partition(": ")[2] for line in post.log.lines(0, process.pid)]
    return Ending(code, tuple(lines), errors)


def _places(*descriptors: int):  # type: ignore
    """Puts descriptors at 3, 4, 5, 6, where a daemon expects them; first out of the way of each other."""
    def arrange() -> None:
        away = [os.dup2(descriptor, 100 + index) for index, descriptor in enumerate(descriptors)]
        for index, descriptor in enumerate(away):
            os.dup2(descriptor, 3 + index, inheritable=True)
            os.close(descriptor)
    return arrange


def _client(address: Path, data: bytes) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(address))
    if data:
        client.sendall(data)
    return client


def _wait(process: "subprocess.Popen[bytes]", ours: socket.socket, seconds: float) -> int | None:
    """The exit status; None if it did not even go at the end of file on its status channel."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.wait(seconds)
    ours.close()
    try:
        return process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None
