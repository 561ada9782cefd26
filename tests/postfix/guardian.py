"""Waits until its parent closes standard input, however it ends, and then clears one private instance away.

Runs as a process of its own so that a killed test leaves neither daemons nor files behind.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

from instance import end_processes


def main() -> None:
    folder = Path(sys.argv[1])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    order = b""
    while block := os.read(0, 64):
        order += block
    end_processes(folder)
    if b"keep" not in order:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
