"""What a queue manager does to files and sockets, read from its system-call trace.

The events have the form of tests/vectors/queue-cycle: one dictionary an event, paths relative to the queue directory,
hash directories written as `<h>`.  Any way to make a call (open or openat, utime or utimensat) gives the same event.
"""

from __future__ import annotations

import re
import time
from typing import Any, Callable, Iterable

from instance import PrivatePostfix, TestFailed

Event = dict[str, Any]

LINE = re.compile(r"^(?:\d+ +)?(\d+\.\d+) (\w+)\((.*)\) += (-?\d+|\?)(.*)$")
QUEUES = "active|incoming|deferred|corrupt|hold|bounce|defer|trace|maildrop|saved"
LOOKS = frozenset(("lstat", "stat", "open", "flock"))  # events that change nothing for anybody else


class Trace:
    """Reads an instance's trace; marks separate the steps of a test."""

    def __init__(self, instance: PrivatePostfix) -> None:
        assert instance.traced, "the queue manager is not traced"
        self.path, self.spool, self.place = instance.traced, instance.spool, 0
        self._accepted: set[str] = set()

    def take(self, settle: float = 0.25, timeout: float = 20) -> list[Event]:
        """Events since the last call, once nothing new has been written for a while."""
        end, size = time.monotonic() + timeout, -1
        while size != (size := self._size()):
            if time.monotonic() > end:
                raise TestFailed(f"the queue manager is still busy after {timeout} s")
            time.sleep(settle)
        with open(self.path, "rb") as file:
            file.seek(self.place)
            text = file.read()
        text = text[:text.rfind(b"\n") + 1]
        self.place += len(text)
        events = (self._event(line) for line in text.decode("utf-8", "replace").splitlines())
        return [event for event in events if event]

    def _size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def _event(self, line: str) -> Event | None:
        match = LINE.match(line)
        if not match:
            return None
        moment, call, arguments, result, rest = match.groups()
        event = self._read(call, arguments, result)
        if event is None:
            return None
        event["at"] = float(moment)
        if result.startswith("-") and (error := re.match(r" (E\w+)", rest)):
            event["err"] = error[1]
        return event

    def _read(self, call: str, arguments: str, result: str) -> Event | None:
        if call in ("rename", "renameat", "renameat2"):
            return self._rename(arguments)
        if call == "connect":
            peer = re.search(r'sun_path="((?:private|public)/[^"]*)"', arguments)
            return {"op": "connect", "to": peer[1]} if peer else None
        if call in ("accept", "accept4"):
            self._accepted.add(re.sub(r"<.*", "", result))
            return None
        if call in ("read", "recvfrom"):
            return self._trigger(arguments)
        if call == "close":
            self._accepted.discard(re.match(r"\d*", arguments)[0])  # type: ignore
            return None
        reader: dict[str, Callable[[str], Event | None]] = {
            "open": self._open, "openat": self._open, "stat": self._stat, "lstat": self._lstat, "statx": self._stat,
            "newfstatat": self._stat, "unlink": self._unlink, "unlinkat": self._unlink, "utime": self._utime,
            "utimes": self._utime, "futimesat": self._utime, "utimensat": self._utime, "flock": self._flock,
            "fchmod": self._chmod, "chmod": self._chmod, "fchmodat": self._chmod}
        return reader[call](arguments) if call in reader else None

    # -- paths ----------------------------------------------------------------------------------------------------

    def _relative(self, folder: str | None, name: str) -> str | None:
        """A path below the queue directory with `<h>` for a hash directory; None for anything else."""
        path = name if name.startswith("/") or not folder else f"{folder}/{name}" if name else folder
        if path.startswith(f"{self.spool}/"):
            path = path[len(str(self.spool)) + 1:]
        if not re.match(rf"(?:{QUEUES})(?:/|$)", path):
            return None
        return re.sub(r"^(\w+)/./(?=.)", r"\1/<h>/", path)

    def _path(self, arguments: str) -> str | None:
        """The first path of a call: a descriptor with a name, a name alone, or a descriptor alone."""
        match = re.match(r'(?:(?:AT_FDCWD|\d+)(?:<([^>]*)>)?, )?"([^"]*)"', arguments)
        if match:
            return self._relative(match[1], match[2])
        descriptor = re.match(r"\d+<([^>]*)>", arguments)
        return self._relative(None, descriptor[1]) if descriptor else None

    # -- one call each --------------------------------------------------------------------------------------------

    def _rename(self, arguments: str) -> Event | None:
        names = re.findall(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"([^"]*)"', arguments)
        if len(names) != 2:
            return None
        source, target = (self._relative(*name) for name in names)
        return {"op": "rename", "src": source, "dst": target} if source and target else None

    def _open(self, arguments: str) -> Event | None:
        path = self._path(arguments)
        if not path:
            return None
        if "O_DIRECTORY" in arguments:
            return {"op": "opendir", "dir": path} if path in ("active", "incoming", "deferred") else None
        return {"op": "open", "path": path}

    def _stat(self, arguments: str) -> Event | None:
        path = self._path(arguments)
        if not path or "AT_EMPTY_PATH" in arguments or "/" not in path or path.endswith("/<h>"):
            return None
        event: Event = {"op": "lstat" if "AT_SYMLINK_NOFOLLOW" in arguments else "stat", "path": path}
        if event["op"] == "stat" and not path.startswith(("bounce/", "defer/", "trace/")):
            return None  # what follows a failed rename is left out of the observations
        if mode := re.search(r"st[x]?_mode=S_IF(\w+)\|(?:S_\w+\|)*(\d+)", arguments):
            event["mode"] = f"{int(mode[2], 8):04o}"
            if mode[1] != "REG":
                event["type"] = mode[1]
        return event

    def _lstat(self, arguments: str) -> Event | None:
        return self._stat(arguments + ", AT_SYMLINK_NOFOLLOW")

    def _unlink(self, arguments: str) -> Event | None:
        path = self._path(arguments)
        return {"op": "unlink", "path": path} if path else None

    def _utime(self, arguments: str) -> Event | None:
        path = self._path(arguments)
        stamps = re.findall(r"(?:tv_sec|modtime)=(\d+)", arguments)
        return {"op": "utime", "path": path, "mtime": int(stamps[-1]) if stamps else None} if path else None

    def _flock(self, arguments: str) -> Event | None:
        path = self._path(arguments)
        how = arguments.rpartition(", ")[2]
        return {"op": "flock", "path": path, "how": how} if path and "LOCK_UN" not in how else None

    def _chmod(self, arguments: str) -> Event | None:
        path = self._path(arguments)
        mode = re.search(r", (0\d+)", arguments)
        return {"op": "fchmod", "path": path, "mode": f"{int(mode[1], 8) & 0o7777:04o}"} if path and mode else None

    def _trigger(self, arguments: str) -> Event | None:
        match = re.match(r'(\d+)(?:<[^>]*>)?, "(.*)"(?:\.\.\.)?, \d+', arguments)
        if not match or match[1] not in self._accepted:
            return None
        return {"op": "trigger", "data": match[2]}


def about(events: Iterable[Event], queue_id: str) -> list[Event]:
    """The events that concern one message's files."""
    def mentions(event: Event) -> bool:
        return any(str(event.get(key, "")).rpartition("/")[2] == queue_id for key in ("path", "src", "dst"))
    return [event for event in events if mentions(event)]


def plain(event: Event) -> tuple[str, ...]:
    """The comparable part of an event: no times, no notes."""
    keys = ("op", "path", "src", "dst", "dir", "to", "mode", "type", "how", "err", "data")
    text = dict(event)
    if event["op"] == "fchmod":
        text["mode"] = f"{int(str(event['mode']), 8) & 0o7777:04o}"
    return tuple(f"{key}={text[key]}" for key in keys if text.get(key) is not None)


def effects(events: Iterable[Event]) -> list[tuple[str, ...]]:
    """Only what others can see: no look-ups, nothing that failed for want of a file."""
    return [plain(event) for event in events if event["op"] not in LOOKS and not event.get("err")]


def rename_id(event: Event, names: dict[str, str]) -> Event:
    """An event with other queue IDs (those of a recorded observation)."""
    result = dict(event)
    for key in ("path", "src", "dst"):
        if key in result:
            head, _, tail = str(result[key]).rpartition("/")
            result[key] = f"{head}/{names.get(tail, tail)}"
    return result


def compare(seen: list[Event], wanted: list[Event], what: str, notes: list[str], strict: bool) -> None:
    """Both lists must have the same effects in the same order; look-ups too if `strict`, else a note tells."""
    if effects(seen) != effects(wanted):
        raise TestFailed(f"{what}:\n{side_by_side(effects(seen), effects(wanted))}")
    if [plain(event) for event in seen] != [plain(event) for event in wanted]:
        table = side_by_side([plain(event) for event in seen], [plain(event) for event in wanted])
        if strict:
            raise TestFailed(f"{what}, with look-ups:\n{table}")
        notes.append(f"{what}: other look-ups")


def side_by_side(seen: list[tuple[str, ...]], wanted: list[tuple[str, ...]]) -> str:
    """Both lists, the first difference marked."""
    rows, marked = [], False
    for index in range(max(len(seen), len(wanted))):
        left = " ".join(wanted[index]) if index < len(wanted) else "-"
        right = " ".join(seen[index]) if index < len(seen) else "-"
        mark = "  "
        if left != right and not marked:
            mark, marked = "! ", True
        rows.append(f"      {mark}wanted {left}\n        seen   {right}" if left != right else f"        {left}")
    return "\n".join(rows)
