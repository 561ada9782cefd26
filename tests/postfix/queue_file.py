"""Builds queue files by hand, so that a test can put any message with any history into a queue directory.

Written from the description in spec/queue_file.md, apart from the project's own reader on purpose.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Iterable


def record(letter: str, payload: bytes | str = b"") -> bytes:
    """One record: type, length in base 128 with the low group first, payload."""
    data = payload.encode() if isinstance(payload, str) else payload
    length, head = len(data), bytearray()
    while True:
        group, length = length & 0x7F, length >> 7
        head.append(group | (0x80 if length else 0))
        if not length:
            return letter.encode() + bytes(head) + data


def size_record(segment: int, offset: int, recipients: int, flags: int, length: int) -> bytes:
    """The C record: six numbers, each 15 wide."""
    return record("C", " ".join(f"{number:15d}" for number in (segment, offset, recipients, flags, length, 0)))


def message(sender: str, recipients: Iterable[str], *, arrival: float | None = None, created: float | None = None,
            attributes: Iterable[str] = (), warn_at: int | None = None, body: Iterable[str] = ("hello",),
            token: str = "placed") -> bytes:
    """A whole, good queue file.  `attributes` go before the sender, as cleanup writes them."""
    arrival = time.time() if arrival is None else arrival
    created = arrival if created is None else created
    names = list(recipients)
    head = record("T", f"{int(arrival)} {int(arrival % 1 * 1e6)}") + record("A", f"create_time={int(created)}")
    head += record("A", "rewrite_context=local")
    head += b"".join(record("A", attribute) for attribute in attributes)
    head += record("S", sender)
    if warn_at is not None:
        head += record("W", f"{warn_at:15d}")
    for name in names:
        head += record("A", f"dsn_orig_rcpt=rfc822;{name}") + record("O", name) + record("R", name)
    head += record("M")
    lines = [f"Message-Id: <{token}@test.example>", f"From: <{sender}>", f"Subject: {token}", "", *body]
    content = b"".join(record("N", line) for line in lines)
    offset = len(size_record(0, 0, 0, 0, 0)) + len(head)
    size = size_record(len(content), offset, len(names), 0, len(content))
    return size + head + content + record("X") + record("E")


def times_of(path: Path) -> tuple[float, float]:
    """Arrival time and create time of a queue file, read from its first records."""
    data = path.read_bytes()[:4096]
    arrival = re.search(rb"T.(\d+) (\d+)", data, re.DOTALL)
    created = re.search(rb"create_time=(\d+)", data)
    assert arrival and created
    return int(arrival[1]) + int(arrival[2]) / 1e6, float(created[1])
