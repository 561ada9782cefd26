#!/usr/bin/env python3
"""The same seed gives the same report: the oracle judges a program twice, and every file it leaves is compared byte for
byte. The program is judged as a personality that it is not, so that departures are shrunk and reported as well.

    same_report.py WEIR PROGRAM
"""

import filecmp
import subprocess
import sys
import tempfile
from pathlib import Path

SCENARIOS, SHRINK = 12, 40


def judge(weir: str, program: str, folder: Path) -> list[Path]:
    command = [weir, "oracle", "run", "--subject", program, "--personality", "oqmgr", "--seed", "7", "--scenarios",
               str(SCENARIOS), "--shrink", str(SHRINK), "--report", str(folder)]
    status = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode
    if status != 1:
        sys.exit(f"exit status {status}: a qmgr that is judged as oqmgr departs")
    return sorted(file.relative_to(folder) for file in folder.rglob("*") if file.is_file())


def main() -> int:
    weir, program = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        folders = [Path(scratch) / name for name in ("one", "two")]
        files = [judge(weir, program, folder) for folder in folders]
        if files[0] != files[1]:
            sys.exit(f"different files: {set(files[0]) ^ set(files[1])}")
        if not any(file.parts[0] == "departures" for file in files[0]):
            sys.exit("no script of a departure")
        differing = [str(file) for file in files[0] if not filecmp.cmp(folders[0] / file, folders[1] / file, shallow=False)]
    if differing:
        sys.exit(f"not the same: {', '.join(differing)}")
    print(f"{len(files[0])} files, each the same twice")
    return 0


if __name__ == "__main__":
    sys.exit(main())
