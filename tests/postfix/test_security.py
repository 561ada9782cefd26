#!/usr/bin/env python3
"""What protects the queue manager and those around it: how it is built, what it may start, what it leaves open or
readable, and what hostile files and peers can cost (spec/security.md)."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import stat
import sys
import time
from pathlib import Path

import queue_file
from agents import FakeAgent
from elf import Program
from instance import PrivatePostfix, check, equal, owner, running, until
from live import Context, live, main

ROUTES = {"fake.example": "fake:", "later.example": "retry:4.4.1 later"}

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
        post.log.wait_for(r"qmgr: GOOD1: removed", 20)
        post.log.wait_for(rf"qmgr: warning: (incoming|deferred/F)/F\d+: uid {owner()[0]}: not a regular file", 20, count=count)
        equal(post.qmgr_pids(), [pid], "queue manager processes")
        within(context, pid, 8)


# ---------------------------------------------------------------------------------------------------------------
# Memory


def within(context: Context, pid: int, megabytes: int) -> None:
    """The most that the process has had in memory; fails above a bound, which is for our own binary."""
    match = re.search(r"^VmHWM:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    peak = int(match[1]) / 1024  # type: ignore
    context.notes.append(f"peak memory {peak:.1f} MB")
    check(context.stock or peak <= megabytes, f"peak memory {peak:.1f} MB, bound {megabytes} MB")


if __name__ == "__main__":
    sys.exit(main(__doc__))
