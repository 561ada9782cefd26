#!/usr/bin/env python3
"""Memory of the queue manager for the mail that it holds: ours, and Debian's own in the same run, with the same mail.

The mail goes to a transport whose agents never greet, so that all of it stays in memory.  Counted is by how much the
process's own pages grow from an empty queue on, everything included, divided by what is held: by messages when each
has one recipient, by recipients when each message has many.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import socket
import statistics
import sys
import time
from pathlib import Path
from typing import Iterator

import live
import queue_file
from instance import STOCK_QMGR, PrivatePostfix, TestFailed, running, until

SHARE_MAX = 0.5  # of Postfix's, that we promise
SETTINGS = {"default_transport": "silent", "transport_maps": "", "qmgr_clog_warn_time": "0",
            "qmgr_message_active_limit": "50000", "qmgr_message_recipient_limit": "1000000"}
# What smtpd notes of a client.
CLIENT = [f"{family}{name}" for family in ("log_", "") for name in
          ("client_name=client.sender.example", "client_address=192.0.2.1", "client_port=45678", "protocol_name=ESMTP",
           "helo_name=client.sender.example")]


@contextlib.contextmanager
def silent_agent(post: PrivatePostfix, name: str) -> Iterator[None]:
    """A socket on which connections are never taken."""
    path = post.spool / "private" / name
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        os.chmod(path, 0o666)
        listener.listen(50)
        yield


def own_bytes(pid: int) -> int:
    """Memory that is this process's alone and no file's."""
    found = re.search(r"^Anonymous: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) * 1024


def place_all(post: PrivatePostfix, prefix: str, messages: int, recipients: int, domains: int) -> None:
    for number in range(messages):
        names = [f"user{number}x{each}@d{(number * recipients + each) % domains}.example" for each in range(recipients)]
        content = queue_file.message("somebody@sender.example", names, attributes=CLIENT)
        post.place("incoming", f"{prefix}{number:06X}", content)


def hold(post: PrivatePostfix, messages: int) -> None:
    """Lets the queue manager take so many into memory, and waits until it has come to rest."""
    active, incoming = post.spool / "active", post.spool / "incoming"
    post.trigger(b"I")
    until(lambda: not any(os.scandir(incoming)), 300, "incoming/ is empty", 0.05)
    until(lambda: sum(1 for _ in os.scandir(active)) == messages, 10, f"active/ has {messages} messages", 0.05)
    pid = post.qmgr_pid()

    def rests() -> bool:
        before = Path(f"/proc/{pid}/schedstat").read_text().split()[0]
        time.sleep(0.3)
        return before == Path(f"/proc/{pid}/schedstat").read_text().split()[0]
    until(rests, 60, "the queue manager has nothing to do")


def weigh(qmgr: Path, options: str, messages: int, recipients: int) -> int:
    """Bytes by which the process grows."""
    with running(qmgr, settings=SETTINGS, qmgr_arguments=options) as post, silent_agent(post, "silent"):
        pid = post.qmgr_pid()
        place_all(post, "A", 1, 1, 1)  # what is made at the first message is not counted
        hold(post, 1)
        before = own_bytes(pid)
        place_all(post, "B", messages, recipients, 50 if recipients == 1 else 20)
        hold(post, messages + 1)
        return own_bytes(pid) - before


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--qmgr", type=lambda text: Path(text).absolute(), default=live.default_qmgr(),
                        help="queue manager binary (default: %(default)s)")
    parser.add_argument("--qmgr-options", default="", metavar="TEXT", help="words for its line in master.cf")
    parser.add_argument("--runs", type=int, default=1, help="runs of each, an odd number (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help=f"fail when ours is more than {SHARE_MAX} of Postfix's")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> list[float]:
    """Prints the table; gives our share of Postfix's memory, for each kind of mail."""
    shares = []
    print(f"{'bytes held':44} {'ours':>8} {'Postfix':>8} {'ratio':>6}")
    for what, messages, recipients in (("a message, 10,000 of one recipient", 10000, 1),
                                       ("a recipient, 100 messages of 1,000", 100, 1000)):
        sizes = []
        for binary, words in ((options.qmgr, options.qmgr_options), (STOCK_QMGR, "")):
            grown = [weigh(binary, words, messages, recipients) for _ in range(options.runs)]
            sizes.append(statistics.median(grown) / (messages * recipients))
        shares.append(sizes[0] / sizes[1])
        print(f"{what:44} {sizes[0]:8.0f} {sizes[1]:8.0f} {shares[-1]:6.2f}", flush=True)
    return shares


def main() -> int:
    options = parse()
    if (code := live.cannot_run(options)) is not None:
        return code
    if options.runs % 2 == 0 or options.runs < 1:
        print("--runs must be odd and positive", file=sys.stderr)
        return 2
    try:
        shares = measure(options)
    except TestFailed as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    bad = [share for share in shares if share > SHARE_MAX]
    if bad:
        print(f"NOT KEPT: more than {SHARE_MAX} of what Postfix needs")
    return 1 if options.check and bad else 0


if __name__ == "__main__":
    sys.exit(main())
