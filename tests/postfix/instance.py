"""A private Postfix on loopback, with any queue manager binary in it.

Everything lives in one short scratch folder under /tmp (Unix socket names are short), so that the system's own
Postfix is never touched: own main.cf and master.cf, own spool, and an own daemon directory of symbolic links in
which only the queue manager's points elsewhere.  It runs under the name that its path ends in, if that is one of
PERSONALITIES, so the path decides which queue manager it is.  Whatever ends the test, a guardian process ends this instance's processes
(only those that carry the scratch folder's name) and removes the folder.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import pwd
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Callable, Iterable, Iterator

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DAEMONS = Path("/usr/lib/postfix/sbin")
PERSONALITIES = ("qmgr", "oqmgr", "nqmgr")
STOCK_QMGR = DAEMONS / "qmgr"
COMMANDS = Path("/usr/sbin")
SKIPPED = 77  # the return code that tells CTest "could not be run here"


def default_qmgr() -> Path:
    """The binary under test: $WEIR_QMGR, else the one that the release build leaves."""
    return Path(os.environ.get("WEIR_QMGR") or ROOT / "build/release/bin/qmgr").absolute()


def personality(qmgr: Path) -> str:
    """The name under which a binary runs."""
    return qmgr.name if qmgr.name in PERSONALITIES else "qmgr"


def stock_of(qmgr: Path) -> Path:
    """Postfix's own queue manager of the same name."""
    return DAEMONS / personality(qmgr)


def is_stock(qmgr: Path) -> bool:
    """Postfix's own queue manager; a few checks excuse its known defects."""
    return qmgr.resolve() == stock_of(qmgr).resolve()


def why_not_here() -> str | None:
    """The reason why no private instance can run on this machine, or None."""
    if os.geteuid() != 0:
        return "must be root: master(8) changes users"
    for needed in (DAEMONS / "master", COMMANDS / "postfix", COMMANDS / "smtp-sink"):
        if not needed.exists():
            return f"{needed} is missing: install Debian's postfix package"
    return None


class TestFailed(Exception):
    """Something was not as it should be; the text says what was expected and what was seen."""


def check(condition: object, text: str) -> None:
    """Fails the running case, telling why."""
    if not condition:
        raise TestFailed(text)


def equal(seen: object, wanted: object, what: str) -> None:
    """Fails the running case unless both are the same, showing both."""
    if seen != wanted:
        raise TestFailed(f"{what}:\n      wanted {wanted!r}\n      seen   {seen!r}")


def until(condition: Callable[[], object], timeout: float, what: str | Callable[[], str],
          pause: float = 0.02) -> object:
    """Waits for a condition by looking again and again; its first true value is returned.  `what` tells what was
    waited for (as a function: worded when the time is over)."""
    end = time.monotonic() + timeout
    while True:
        if value := condition():
            return value
        if time.monotonic() > end:
            raise TestFailed(f"after {timeout:g} s still not: {what if isinstance(what, str) else what()}")
        time.sleep(pause)


@functools.cache
def owner() -> tuple[int, int]:
    """User and group id of mail_owner, looked up once: it is needed for every file that a test places."""
    entry = pwd.getpwnam("postfix")
    return entry.pw_uid, entry.pw_gid


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# ---------------------------------------------------------------------------------------------------------------
# Processes of a scratch folder


def processes_of(folder: Path) -> list[int]:
    """Processes that belong to this instance: the folder's unique name is in their arguments, environment or cwd."""
    mark = os.fsencode(str(folder)) + b"/"
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid() and _mentions(Path("/proc") / entry, mark):
            found.append(int(entry))
    return found


def _mentions(proc: Path, mark: bytes) -> bool:
    try:
        if (os.fsencode(os.readlink(proc / "cwd")) + b"/").startswith(mark):
            return True
        return mark in (proc / "cmdline").read_bytes() or mark in (proc / "environ").read_bytes()
    except OSError:
        return False


def end_processes(folder: Path) -> None:
    """Ends what is left of an instance: master first, so that it starts nothing new, then everything by pid."""
    with contextlib.suppress(OSError, ValueError):
        master = int((folder / "spool/pid/master.pid").read_text())
        if master in processes_of(folder):
            os.kill(master, signal.SIGKILL)
    for attempt in range(50):
        left = processes_of(folder)
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL if attempt else signal.SIGTERM)
        time.sleep(0.05)


def children_named(parent: int, name: str) -> list[int]:
    """Pids of the children of a process that run under a name."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError):
            stat = Path("/proc", entry, "stat").read_text()
            comm = stat[stat.index("(") + 1:stat.rindex(")")]
            state, ppid = stat[stat.rindex(")") + 2:].split()[:2]
            if int(ppid) == parent and comm == name and state != "Z":
                found.append(int(entry))
    return found


# ---------------------------------------------------------------------------------------------------------------
# Log


class Log:
    """The instance's mail log: lines as `program: text`, without date, host and process id.  The queue manager is
    called qmgr, whatever its name, and what it says at start of the name nqmgr is left out, so that one expectation
    serves all; both are in `raw`."""

    LINE = re.compile(r"^\S+ +\d+ [\d:]+ \S+ (?:[\w.-]+/)*([\w.-]+)\[(\d+)\]: (.*)$")

    HIDDEN = re.compile(r"symlink leaves directory"
                        r"|/nqmgr\[\d+\]: warning: (please update the .*/master\.cf file; the new queue manager"
                        r"|\(old name: nqmgr\) has become the standard queue manager \(new name: qmgr\)"
                        r"|support for the name old name \(nqmgr\) will be removed from Postfix)$")

    def __init__(self, path: Path, name: str = "qmgr") -> None:
        self.path, self.name = path, name

    def raw(self) -> str:
        """All that was written, as it is in the file."""
        return self.path.read_text("utf-8", "replace") if self.path.exists() else ""

    def mark(self) -> int:
        """A position: later calls can look only at what was written after it."""
        return self.path.stat().st_size if self.path.exists() else 0

    def lines(self, start: int = 0, pid: int | None = None) -> list[str]:
        """All complete lines written since a mark (by one process only, if its id is given)."""
        if not self.path.exists():
            return []
        with open(self.path, "rb") as file:
            file.seek(start)
            text = file.read().decode("utf-8", "replace")
        complete = text[:text.rfind("\n") + 1]
        # The private daemon directory is made of links, which the start script mentions one by one.
        wanted = (line for line in complete.splitlines() if not self.HIDDEN.search(line))
        return [self._strip(line) for line in wanted if pid is None or f"[{pid}]: " in line]

    def _strip(self, line: str) -> str:
        match = self.LINE.match(line)
        return f"{'qmgr' if match[1] == self.name else match[1]}: {match[3]}" if match else line

    def matching(self, pattern: str, start: int = 0) -> list[re.Match[str]]:
        """Matches of a pattern, one a line."""
        found = (re.search(pattern, line) for line in self.lines(start))
        return [match for match in found if match]

    def wait_for(self, pattern: str, timeout: float = 10, start: int = 0, count: int = 1) -> re.Match[str]:
        """Waits until a pattern has been logged (count times); gives the last of these matches."""
        end = time.monotonic() + timeout
        while len(found := self.matching(pattern, start)) < count:
            if time.monotonic() > end:
                tail = "\n        ".join(self.lines(start)[-12:])
                raise TestFailed(f"not logged within {timeout:g} s ({len(found)} of {count}): {pattern}\n"
                                 f"      end of the log:\n        {tail}")
            time.sleep(0.02)
        return found[count - 1]


# ---------------------------------------------------------------------------------------------------------------
# An SMTP server to deliver to


@dataclasses.dataclass(frozen=True)
class Received:
    """One transaction that a sink took: envelope and content."""

    sender: str
    recipients: tuple[str, ...]
    text: str


class Sink:
    """Postfix's smtp-sink; it writes each transaction that it accepts to a file of its own."""

    def __init__(self, folder: Path, port: int, options: Iterable[str] = ()) -> None:
        self.folder, self.port, self.options = folder, port, list(options)
        self.folder.mkdir(parents=True, exist_ok=True)
        os.chown(self.folder, *owner())
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Sink":
        command = [str(COMMANDS / "smtp-sink"), "-u", "postfix", "-m", "500", "-d", f"{self.folder}/m."]
        command += self.options + [f"127.0.0.1:{self.port}", "500"]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL)
        until(self._listens, 5, f"smtp-sink listens on port {self.port}")
        return self

    def stop(self) -> None:
        """Later connections are refused."""
        if self._process:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def received(self, text: str = "") -> list[Received]:
        """Transactions taken so far whose file contains a text (aborted ones have no content and are left out)."""
        found = []
        for path in sorted(self.folder.iterdir()):
            with contextlib.suppress(FileNotFoundError):
                content = path.read_text("utf-8", "replace")
                if text in content and "\nReceived: " in content:
                    found.append(self._parse(content))
        return found

    @staticmethod
    def _parse(content: str) -> Received:
        sender = re.search(r"^X-Mail-Args: <([^>]*)>", content, re.MULTILINE)
        recipients = re.findall(r"^X-Rcpt-Args: <([^>]*)>", content, re.MULTILINE)
        return Received(sender[1] if sender else "", tuple(recipients), content)

    def count(self, text: str = "") -> dict[str, int]:
        """How often each recipient was served, over the transactions that contain a text."""
        counts: dict[str, int] = {}
        for message in self.received(text):
            for recipient in message.recipients:
                counts[recipient] = counts.get(recipient, 0) + 1
        return counts


# ---------------------------------------------------------------------------------------------------------------
# The instance

# service type private unprivileged chroot wakeup maxproc command
SERVICES: dict[str, str] = {
    "smtpd": "127.0.0.1:{smtp_port} inet n - n - - smtpd",
    "pickup": "pickup unix n - n 60 1 pickup",
    "cleanup": "cleanup unix n - n - 0 cleanup",
    "qmgr": "qmgr unix n - n 300 1 qmgr",
    "rewrite": "rewrite unix - - n - - trivial-rewrite",
    "bounce": "bounce unix - - n - 0 bounce",
    "defer": "defer unix - - n - 0 bounce",
    "trace": "trace unix - - n - 0 bounce",
    "verify": "verify unix - - n - 1 verify",
    "flush": "flush unix n - n 1000? 0 flush",
    "proxymap": "proxymap unix - - n - - proxymap",
    "smtp": "smtp unix - - n - - smtp",
    "relay": "relay unix - - n - - smtp",
    "showq": "showq unix n - n - - showq",
    "error": "error unix - - n - - error",
    "retry": "retry unix - - n - - error",
    "discard": "discard unix - - n - - discard",
    "local": "local unix - n n - - local",
    "virtual": "virtual unix - n n - - virtual",
    "lmtp": "lmtp unix - - n - - lmtp",
    "anvil": "anvil unix - - n - 1 anvil",
    "scache": "scache unix - - n - 1 scache",
    "postlog": "postlog unix-dgram n - n - 1 postlogd",
}

SETTINGS: dict[str, str] = {
    "compatibility_level": "3.6",
    "queue_directory": "{folder}/spool",
    "data_directory": "{folder}/data",
    "daemon_directory": "{folder}/sbin",
    "command_directory": "/usr/sbin",
    "mail_owner": "postfix",
    "setgid_group": "postdrop",
    "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4",
    "myhostname": "mta.test.example",
    "mydomain": "test.example",
    "myorigin": "test.example",
    "mydestination": "test.example",
    "mynetworks": "127.0.0.0/8",
    "maillog_file": "{folder}/mail.log",
    "maillog_file_prefixes": "{folder}",
    "alias_maps": "",
    "alias_database": "",
    "local_recipient_maps": "",
    "biff": "no",
    "disable_dns_lookups": "yes",
    "smtp_host_lookup": "native",
    "smtp_tls_security_level": "none",
    "mailbox_size_limit": "0",
    "recipient_delimiter": "",
    "mail_spool_directory": "{folder}/mbox/",
    "virtual_mailbox_domains": "box.example",
    "virtual_mailbox_base": "{folder}/mail",
    "virtual_mailbox_maps": "static:all/",
    "virtual_uid_maps": "static:{owner}",
    "virtual_gid_maps": "static:{group}",
    "virtual_minimum_uid": "1",
    "transport_maps": "texthash:{folder}/etc/transport",
    "default_transport": "error:4.4.1 no route in this test",
    "smtp_connect_timeout": "5s",
    "smtpd_relay_restrictions": "permit_mynetworks, reject",
}


class PrivatePostfix:
    """One instance.  Use as a context manager: everything is gone at the end, also after a failure."""

    def __init__(self, qmgr: Path, settings: dict[str, str] | None = None,
                 services: dict[str, str | None] | None = None,
                 transport: dict[str, str] | None = None, files: dict[str, str] | None = None,
                 ports: Iterable[str] = (), qmgr_arguments: str = "", keep: bool = False) -> None:
        """`settings` go on top of SETTINGS; `services` replace lines of SERVICES, or remove them (None);
        `transport` is the transport map; `files` are further files of the configuration folder; `ports` are names of
        free ports.  In all these texts `{folder}`, `{smtp_port}` and `{NAME}` of a port are filled in."""
        check(Path(qmgr).exists(), f"there is no queue manager {qmgr}; build it, or name one with --qmgr or $WEIR_QMGR")
        self.qmgr, self.keep = Path(qmgr).absolute(), keep
        self.name = personality(self.qmgr)
        self.folder = Path(tempfile.mkdtemp(prefix="weir", dir="/tmp"))
        self.folder.chmod(0o755)
        self.spool, self.etc = self.folder / "spool", self.folder / "etc"
        self.log = Log(self.folder / "mail.log", self.name)
        self.ports = {name: free_port() for name in ("smtp_port", *ports)}
        self.smtp_port = self.ports["smtp_port"]
        self.settings = {**SETTINGS, **(settings or {})}
        self.services: dict[str, str | None] = {**SERVICES, **(services or {})}
        self.transport = dict(transport or {})
        self.files = dict(files or {})
        self.qmgr_arguments = qmgr_arguments
        self.traced: Path | None = None
        self._sinks: list[Sink] = []
        self._tokens = 0
        self._lock = threading.Lock()
        self._guardian = self._start_guardian()
        self._make_folders()
        self.link_qmgr()

    # -- life -------------------------------------------------------------------------------------------------

    def __enter__(self) -> "PrivatePostfix":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _start_guardian(self) -> subprocess.Popen[bytes]:
        """The guardian waits until this process lets go of a pipe, be it by dying, and then cleans up."""
        command = [sys.executable, str(HERE / "guardian.py"), str(self.folder)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def close(self) -> None:
        """Stops everything of this instance and removes its folder (unless it is to be kept)."""
        for sink in self._sinks:
            sink.stop()
        if self._guardian.stdin and not self._guardian.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                self._guardian.stdin.write(b"keep" if self.keep else b"")
                self._guardian.stdin.close()
        self._guardian.wait()
        if self.keep:
            print(f"kept: {self.folder}", file=sys.stderr)

    def _make_folders(self) -> None:
        for name, mode, owner in (("etc", 0o755, "root"), ("spool", 0o755, "root"), ("data", 0o700, "postfix"),
                                  ("sbin", 0o755, "root"), ("mail", 0o755, "postfix"), ("mbox", 0o1777, "root"),
                                  ("tmp", 0o1777, "root")):
            path = self.folder / name
            path.mkdir()
            path.chmod(mode)
            shutil.chown(path, owner)
        for daemon in DAEMONS.iterdir():
            (self.folder / "sbin" / daemon.name).symlink_to(daemon)

    def link_qmgr(self, trace: bool = False) -> None:
        """Puts the binary under test into the private daemon directory, watched by strace if asked for."""
        place = self.folder / "sbin" / self.name
        place.unlink(missing_ok=True)
        if not trace:
            self.traced = None
            place.symlink_to(self.qmgr)
            return
        self.traced = self.folder / "trace"
        calls = "%file,%network,flock,fchmod,read,recvfrom,close,getdents64,fcntl,pwrite64,write"
        self._wrap(f"-ttt -s 200 -y -A -o {self.traced} -e trace={calls}")

    def count_calls(self, summary: Path) -> None:
        """Lets strace count the system calls of the queue manager; the table is written when that ends."""
        self._wrap(f"-f -c -U time-percent,total-time,avg-time,calls,errors,name -o {summary}")

    def _wrap(self, options: str) -> None:
        """Puts strace before the binary, as a detached watcher: the queue manager stays master's own child."""
        check(Path("/usr/bin/strace").exists(), "strace is missing: install Debian's strace package")
        real = self.folder / "sbin/real"
        real.mkdir(exist_ok=True)
        (real / self.name).unlink(missing_ok=True)
        (real / self.name).symlink_to(self.qmgr)
        place = self.folder / "sbin" / self.name
        place.unlink(missing_ok=True)
        place.write_text(f"#!/bin/sh\nexec /usr/bin/strace -D {options} {real}/{self.name} \"$@\"\n")
        place.chmod(0o755)

    def fill(self, text: str) -> str:
        """Puts this instance's folder, port and mailbox owner into a text."""
        values = {"folder": self.folder, "owner": owner()[0], "group": owner()[1], **self.ports}
        for name, value in values.items():
            text = text.replace("{" + name + "}", str(value))
        return text

    def write_configuration(self, past: bool = True) -> None:
        """main.cf, master.cf and the maps.  Dated back: a daemon reads a file twice that is being edited."""
        lines = [f"{name} = {value}" for name, value in self.settings.items()]
        services = [line for line in self.services.values() if line]
        services = [self._queue_manager(line) if line.startswith("qmgr ") else line for line in services]
        routes = [f"{domain} {route}" for domain, route in self.transport.items()]
        files = {"main.cf": lines, "master.cf": services, "transport": routes,
                 **{name: text.splitlines() for name, text in self.files.items()}}
        for name, content in files.items():
            path = self.etc / name
            path.write_text(self.fill("\n".join(content)) + "\n")
            path.chmod(0o644)
            if past:
                os.utime(path, (time.time() - 10,) * 2)

    def _queue_manager(self, line: str) -> str:
        """Its line in master.cf, written for the name qmgr, with the name and the options that it has here."""
        return f"{line.removesuffix('qmgr')}{self.name} {self.qmgr_arguments}".strip()

    def start(self, with_qmgr: bool = True) -> "PrivatePostfix":
        """Starts master; without a queue manager the mail stays in incoming/ (see enable_qmgr)."""
        line = self.services["qmgr"]
        if not with_qmgr:
            self.services["qmgr"] = None
        self.write_configuration()
        self.services["qmgr"] = line
        done = self.command("postfix", "start")
        check(done.returncode == 0, f"postfix start failed: {done.stderr.decode()}{self.log.lines()}")
        self.log.wait_for(r"master: daemon started", 10)
        return self

    def reload(self) -> None:
        """Writes the configuration again and lets master read it; that also replaces the queue manager."""
        self.write_configuration()
        done = self.command("postfix", "reload")
        check(done.returncode == 0, f"postfix reload failed: {done.stderr.decode()}")

    def enable_qmgr(self) -> None:
        """Gives a master that runs without queue manager one.  Not by `postfix reload`: its script also runs
        postsuper, which would rename files that a test has placed."""
        self.write_configuration()
        start = self.log.mark()
        os.kill(self.master_pid(), signal.SIGHUP)
        self.log.wait_for(r"master: reload -- version", 5, start)

    def stop(self) -> None:
        """The regular stop; for restarts within a case (the end of the instance needs no call)."""
        done = self.command("postfix", "stop")
        check(done.returncode == 0, f"postfix stop failed: {done.stderr.decode()}")

    # -- processes --------------------------------------------------------------------------------------------

    def command(self, name: str, *arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
        """Runs one of Postfix's commands on this instance's configuration."""
        line = [str(COMMANDS / name), "-c", str(self.etc), *arguments]
        return subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL if "input" not in options else None, **options)  # type: ignore

    def postsuper(self, *arguments: str) -> str:
        """postsuper's answer on standard error."""
        done = self.command("postsuper", *arguments)
        check(done.returncode == 0, f"postsuper {arguments}: {done.stderr.decode()}")
        return done.stderr.decode()

    def postqueue(self, *arguments: str) -> str:
        """postqueue's output."""
        done = self.command("postqueue", *arguments)
        check(done.returncode == 0, f"postqueue {arguments}: {done.stderr.decode()}")
        return done.stdout.decode()

    def master_pid(self) -> int:
        return int((self.spool / "pid/master.pid").read_text())

    def qmgr_pid(self, timeout: float = 10) -> int:
        """The queue manager that runs now (or soon); it is started by master when somebody wants it."""
        master = self.master_pid()
        pid: int = until(lambda: children_named(master, self.name), timeout, "a queue manager runs")[0]  # type: ignore
        if not self.traced:
            equal(os.readlink(f"/proc/{pid}/exe"), str(self.qmgr.resolve()), "the binary that runs")
        return pid

    def qmgr_pids(self) -> list[int]:
        return children_named(self.master_pid(), self.name)

    # -- mail -------------------------------------------------------------------------------------------------

    def token(self) -> str:
        """A word that no other message of this instance carries."""
        with self._lock:
            self._tokens += 1
            return f"t{self._tokens}x{os.urandom(3).hex()}"

    def sendmail(self, sender: str, recipients: Iterable[str], options: Iterable[str] = (), body: str = "hello",
                 token: str | None = None) -> str:
        """Submits with the sendmail command; gives the queue ID that cleanup assigned."""
        token = token or self.token()
        start = self.log.mark()
        line = [str(COMMANDS / "sendmail"), "-C", str(self.etc), "-i", "-f", sender, *options, "--", *recipients]
        text = f"From: <{sender}>\nSubject: {token}\nMessage-Id: <{token}@test.example>\n\n{body}\n"
        done = subprocess.run(line, input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        check(done.returncode == 0, f"sendmail: {done.stdout.decode()}")
        if "-bv" in options:  # a probe has no content of its own
            return self.log.wait_for(rf"pickup: (\w+): uid=\d+ from=<{re.escape(sender)}>$", 10, start)[1]
        return self.log.wait_for(rf"cleanup: (\w+): message-id=<{token}@", 10, start)[1]

    def smtp(self, sender: str, recipients: Iterable[str], body: str = "hello", token: str | None = None,
             mail_options: Iterable[str] = (), port: int | None = None) -> str:
        """Submits over SMTP; gives the queue ID of the answer."""
        token = token or self.token()
        text = f"From: <{sender}>\r\nSubject: {token}\r\nMessage-Id: <{token}@test.example>\r\n\r\n{body}\r\n"
        with smtplib.SMTP("127.0.0.1", port or self.smtp_port, timeout=30) as client:
            if "SMTPUTF8" in mail_options:
                client.command_encoding = "utf-8"
            client.ehlo("client.test.example")
            code, answer = client.mail(sender, tuple(mail_options))
            check(code == 250, f"MAIL FROM refused: {answer!r}")
            for recipient in recipients:
                code, answer = client.rcpt(recipient)
                check(code == 250, f"RCPT TO {recipient} refused: {answer!r}")
            code, answer = client.data(text.encode())
            match = re.search(rb"queued as (\w+)", answer)
            check(match, f"DATA refused: {code} {answer!r}")
            return match[1].decode()  # type: ignore

    def mailbox(self, address: str, text: str = "") -> list[str]:
        """Messages that contain a text in the mailbox of an address: of any name at box.example (one Maildir serves
        them all), or of a local account at test.example."""
        name, _, domain = address.rpartition("@")
        place = self.folder / ("mail/all/new" if domain == "box.example" else f"mbox/{name}/new")
        if not place.is_dir():
            return []
        contents = (path.read_text("utf-8", "replace") for path in sorted(place.iterdir()))
        return [content for content in contents if f"Delivered-To: {address}\n" in content and text in content]

    def wait_mail(self, address: str, text: str = "", count: int = 1, timeout: float = 10) -> list[str]:
        """Waits for messages in a Maildir."""
        until(lambda: len(self.mailbox(address, text)) >= count, timeout,
              lambda: f"{count} message(s) with {text!r} in the mailbox of {address} "
                      f"(there: {len(self.mailbox(address))})")
        return self.mailbox(address, text)

    def sink(self, port: int, *options: str) -> Sink:
        """Starts an SMTP server on a port, with options of smtp-sink(1)."""
        sink = Sink(self.folder / f"sink{len(self._sinks)}", port, options)
        self._sinks.append(sink)
        return sink.start()

    # -- queue ------------------------------------------------------------------------------------------------

    def queue(self, name: str) -> dict[str, Path]:
        """Files of a queue directory by ID, hash directories included."""
        found: dict[str, Path] = {}
        for folder, _, files in os.walk(self.spool / name):
            found.update((file, Path(folder) / file) for file in files)
        return found

    def find(self, queue_id: str) -> tuple[str, os.stat_result] | None:
        """The queue where a message is now, and its file's state."""
        for _ in range(3):  # a file that moves meanwhile may be missed once
            for queue in ("incoming", "active", "deferred", "hold", "corrupt", "maildrop"):
                path = self.queue(queue).get(queue_id)
                if path:
                    with contextlib.suppress(FileNotFoundError):
                        return queue, path.lstat()
        return None

    def wait_in(self, queue: str, queue_id: str, timeout: float = 10) -> os.stat_result:
        """Waits until a message is in a queue; gives its file's state."""
        def there() -> os.stat_result | None:
            found = self.find(queue_id)
            return found[1] if found and found[0] == queue else None
        state: os.stat_result = until(there, timeout, lambda: f"{queue_id} is in {queue}/ "  # type: ignore
                                      f"(found: {self.find(queue_id)})")
        return state

    def wait_gone(self, queue_id: str, timeout: float = 10) -> None:
        """Waits until no queue has a message."""
        until(lambda: self.find(queue_id) is None, timeout,
              lambda: f"{queue_id} has left the queue ({self.find(queue_id)})")

    def total(self) -> dict[str, int]:
        """Files per queue, only queues that have any."""
        queues = ("maildrop", "incoming", "active", "deferred", "corrupt", "hold")
        counts = {name: len(self.queue(name)) for name in queues}
        return {name: count for name, count in counts.items() if count}

    def wait_empty(self, timeout: float = 10) -> None:
        """Waits until no message is left."""
        until(lambda: not self.total(), timeout, lambda: f"the queue is empty ({self.total()})", 0.1)

    def listed(self) -> list[dict[str, object]]:
        """What `postqueue -j` tells, one object a message."""
        return [json.loads(line) for line in self.postqueue("-j").splitlines()]

    def path_of(self, queue: str, queue_id: str) -> Path:
        """Where a queue file belongs (short IDs; one level of hashing, as by default)."""
        hashed = queue in ("deferred", "defer")
        return self.spool / queue / (queue_id[0] if hashed else "") / queue_id

    @staticmethod
    def give(path: Path) -> None:
        """Makes mail_owner the owner, as of everything in the queue."""
        os.chown(path, *owner())

    def place(self, queue: str, queue_id: str, content: bytes, mtime: float | None = None, mode: int = 0o700) -> Path:
        """Puts a queue file into a directory as another program would: complete at once, owned by mail_owner."""
        path = self.path_of(queue, queue_id)
        if not path.parent.is_dir():
            folder = self.folder / "spool/.folder"
            folder.mkdir(mode=0o700)
            os.chown(folder, *owner())
            with contextlib.suppress(OSError):  # the queue manager may have made it meanwhile
                folder.rename(path.parent)
            with contextlib.suppress(FileNotFoundError):
                folder.rmdir()
        draft = self.folder / "spool/.draft"
        draft.write_bytes(content)
        os.chown(draft, *owner())
        draft.chmod(mode)
        moment = int(time.time() if mtime is None else mtime)
        os.utime(draft, (moment, moment))
        draft.rename(path)
        return path

    def trigger(self, data: bytes, wait: bool = True) -> None:
        """Sends bytes to the queue manager's trigger socket in one write and waits until it hangs up."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(str(self.spool / "public/qmgr"))
            if data:
                client.sendall(data)
            if wait:
                with contextlib.suppress(ConnectionResetError):
                    client.recv(1)


@contextlib.contextmanager
def running(qmgr: Path, *, with_qmgr: bool = True, trace: bool = False, keep: bool = False,
            **options: object) -> Iterator[PrivatePostfix]:
    """A started instance for the length of a with statement."""
    with PrivatePostfix(qmgr, keep=keep, **options) as instance:  # type: ignore
        if trace:
            instance.link_qmgr(trace=True)
        try:
            yield instance.start(with_qmgr)
        except TestFailed as error:
            tail = "\n        ".join(instance.log.lines()[-20:])
            raise TestFailed(f"{error}\n      log:\n        {tail}") from None
