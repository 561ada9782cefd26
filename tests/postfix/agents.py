"""Delivery agents played by the test: a socket in private/ whose answers the test decides.

No process limit, no delay of a process start, and the test can answer late, wrongly, in part or never.
The attribute protocol is written down in spec/attributes.md; this is an implementation apart from the project's.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import threading
from typing import Callable

from instance import PrivatePostfix, until

# A real agent (pipe): the letters of a recipient's name say how its delivery ends, the digits after them after how
# many tenths of a second.
SLOW = """\
user=${1%@*}
word=${user%%[0-9]*}
tenths=${user#$word}
sleep $(( ${tenths#0} / 10 )).$(( ${tenths#0} % 10 ))
case $word in
ok*) exit 0 ;;
t*) echo "4.2.0 try later"; exit 75 ;;
*) echo "5.1.1 no such"; exit 67 ;;
esac
"""
SLOW_SERVICE = "slow unix - n n - 40 pipe flags=Rq user=nobody argv=/bin/sh {folder}/etc/slow.sh ${recipient}"


def attributes(*pairs: tuple[str, object]) -> bytes:
    """A list of attributes: name NUL value NUL ..., and a NUL at the end."""
    return b"".join(f"{name}\0{value}\0".encode() for name, value in pairs) + b"\0"


GREETING = attributes(("protocol", "delivery_request_protocol"))


def reply(status: int = 0, dsn: str = "", reason: str = "") -> bytes:
    """The end of a delivery: `dsn` and `reason` only for trouble of the destination as a whole."""
    return attributes(("status", dsn), ("diag_type", ""), ("diag_text", ""), ("mta_type", ""), ("mta_mname", ""),
                      ("action", ""), ("reason", reason), ("status", status if status >= 0 else 2**32 + status))


@dataclasses.dataclass
class Request:
    """One delivery that the queue manager handed over; it stays open until finish() is called."""

    connection: socket.socket
    fields: dict[str, str]
    recipients: list[dict[str, str]]

    @property
    def queue_id(self) -> str:
        return self.fields["queue_id"]

    def names(self) -> list[str]:
        return [one["recipient"] for one in self.recipients]

    def finish(self, answer: bytes | None = None) -> None:
        """Sends the answer (success if none is given) and waits for the queue manager to hang up; the empty answer
        hangs up at once, like an agent that dies."""
        with contextlib.suppress(OSError):
            self.connection.sendall(reply() if answer is None else answer)
            self.connection.settimeout(10)
            if answer != b"":
                self.connection.recv(1)
        self.connection.close()


class FakeAgent:
    """Listens as private/NAME.  Requests wait in `requests` unless `answer` is given, which then ends each at once."""

    def __init__(self, instance: PrivatePostfix, name: str, greeting: bytes = GREETING,
                 answer: Callable[[Request], bytes | None] | None = None) -> None:
        self.name, self.greeting, self.answer = name, greeting, answer
        self.connections = 0
        self.requests: list[Request] = []
        path = instance.spool / "private" / name
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        os.chmod(path, 0o666)
        self._listener.listen(200)
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(self.greeting)
            request = self._read(connection)
            if not request:
                connection.close()
                return
            self.requests.append(request)
            if self.answer:
                request.finish(self.answer(request))

    @staticmethod
    def _read(connection: socket.socket) -> Request | None:
        """Reads the common list and one list a recipient (requests to other services have just the first); None if
        the queue manager hangs up before."""
        data, lists = b"", []
        wanted = 1
        while len(lists) < wanted:
            end = data.find(b"\0\0")
            # An empty value also shows as two NULs; walk the attributes to find the real end.
            parsed = one_list(data) if end >= 0 else None
            if parsed is None:
                block = connection.recv(65536)
                if not block:
                    return None
                data += block
                continue
            fields, used = parsed
            data = data[used:]
            lists.append(fields)
            wanted = 1 + int(lists[0].get("recipient_count", 0))
        return Request(connection, lists[0], lists[1:])

    def wait(self, count: int, timeout: float = 10) -> list[Request]:
        """Waits for requests; gives all so far."""
        until(lambda: len(self.requests) >= count, timeout,
              f"{count} deliveries reached {self.name} (so far {len(self.requests)})")
        return self.requests

    def close(self) -> None:
        """Nobody listens any more; open deliveries are dropped."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()


def one_list(data: bytes) -> tuple[dict[str, str], int] | None:
    """Splits one list off; None if it is not complete yet."""
    fields: dict[str, str] = {}
    place = 0
    while True:
        name_end = data.find(b"\0", place)
        if name_end < 0:
            return None
        if name_end == place:
            return fields, place + 1
        value_end = data.find(b"\0", name_end + 1)
        if value_end < 0:
            return None
        fields[data[place:name_end].decode()] = data[name_end + 1:value_end].decode("utf-8", "replace")
        place = value_end + 1
