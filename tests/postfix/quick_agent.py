"""Delivery agents that answer at once, thousands of connections in one thread, for measurements.

A delivery to a next hop that begins with `dead` is refused as a mail server that cannot be reached is: trouble of the
destination as a whole.  All others go well.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading

from agents import GREETING, one_list, reply
from instance import PrivatePostfix

LATER = reply(1)  # some recipient must be tried again; nothing is said of the destination
DONE = reply()


def refusal(nexthop: str) -> bytes:
    """As the SMTP client words it: the name of the host stands in it."""
    return reply(1, "4.4.1", f"connect to mx.{nexthop}[192.0.2.1]:25: Connection refused")


class QuickAgent:
    """Serves private/NAME.  `served` and `refused` count deliveries; read them only."""

    def __init__(self, instance: PrivatePostfix, name: str, good: bytes = DONE) -> None:
        self.good = good
        self.served = self.refused = 0
        self.refusing = True
        path = instance.spool / "private" / name
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        os.chmod(path, 0o666)
        self._listener.listen(500)
        self._listener.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._data: dict[socket.socket, bytes | None] = {}
        self._ended = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended:
            for key, _ in self._selector.select(0.2):
                if key.fileobj is self._listener:
                    self._accept()
                else:
                    self._readable(key.fileobj)  # type: ignore

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                connection, _ = self._listener.accept()
                connection.setblocking(False)
                with contextlib.suppress(OSError):
                    connection.sendall(GREETING)
                self._data[connection] = b""
                self._selector.register(connection, selectors.EVENT_READ)

    def _readable(self, connection: socket.socket) -> None:
        block = b""
        with contextlib.suppress(OSError):
            block = connection.recv(65536)
        if not block:  # the queue manager has hung up
            self._drop(connection)
            return
        data = self._data[connection]
        if data is None:
            return
        self._data[connection] = data + block
        nexthop = self._nexthop_if_whole(data + block)
        if nexthop is not None:
            self._answer(connection, nexthop)

    @staticmethod
    def _nexthop_if_whole(data: bytes) -> str | None:
        first = one_list(data)
        if first is None:
            return None
        fields, place = first
        for _ in range(int(fields["recipient_count"])):
            further = one_list(data[place:])
            if further is None:
                return None
            place += further[1]
        return fields["nexthop"]

    def _answer(self, connection: socket.socket, nexthop: str) -> None:
        self._data[connection] = None
        dead = self.refusing and nexthop.startswith("dead")
        self.refused += dead
        self.served += not dead
        with contextlib.suppress(OSError):
            connection.sendall(refusal(nexthop) if dead else self.good)

    def _drop(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        del self._data[connection]
        connection.close()

    def close(self) -> None:
        self._ended = True
        self._thread.join()
        for connection in list(self._data):
            self._drop(connection)
        self._selector.close()
        self._listener.close()

