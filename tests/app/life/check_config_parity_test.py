#!/usr/bin/env python3
"""Starts our queue manager with the configurations of start_parity_test.py, and asks `weir check-config` about the same
ones: what is logged at start and what is foretold must be the same warnings and errors in the same order.

usage: check_config_parity_test.py QMGR WEIR [--only WORD]
Exit status 77: skipped (no root, or no account of Postfix).
"""
import argparse
import concurrent.futures
import json
import multiprocessing
import os
import pwd
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import daemon_start  # noqa: E402
from start_parity_test import CASES, GOOD, case  # noqa: E402

# Of no interest to the real program, or too slow to be cases there.
case("Weir: word", settings={"weir_brain": "enigma"})
case("Weir: number", settings={"weir_trace_limit": "0"})
case("Weir: unknown name", settings={"weir_nothing": "1"})
case("Weir: personality", settings={"weir_personality": "oqmgr", "qmgr_fudge_factor": "9"})
case("Weir: profile", settings={"weir_personality": "nqmgr-2003", "qmgr_message_recipient_limit": "1"})
case("Weir: negative", settings={"default_delivery_slot_cost": "-1", "smtp_recipient_limit": "-1",
                                 "smtp_destination_rate_delay": "5 m", "x_initial_destination_concurrency": "0"})
case("Weir: overridden", GOOD + ("-o", "queue_run_delay=0"), {"queue_run_delay": "7s"})
case("Weir: overridden in braces", GOOD + ("-o", "queue_run_delay = 0"))

# What a configuration does not show: the environment, and what the caller does.
NOT_CONFIGURATION = {"env", "stdin", "keep_fds", "listener", "close"}

# What differs on purpose: name -> reason.
EXCUSED = {
    "bad queue_directory": "the daemon says it, too, but its log is a socket in that directory",
}


def word(argument):
    """One argument as master.cf has it; None: it cannot be written there."""
    if argument and not re.search(r"[\s{}]", argument):
        return argument
    return None if argument != argument.strip() else "{ " + argument + " }"


def master_line(how):
    """The line that makes master start the program with these arguments; None: there is none."""
    if NOT_CONFIGURATION & set(how):
        return None
    name, args = how.get("name", "qmgr"), tuple(how["args"])
    for limit, unprivileged, own in ("1", "-", GOOD), ("-", "-", ("-t", "unix", "-u")), ("1", "n", ("-l", "-t", "unix")):
        own += ("-n", "qmgr") if name != "qmgr" else ()
        if args[:len(own)] == own or (name != "qmgr" and args == GOOD):
            extra = [word(argument) for argument in args[len(own):]] if args[:len(own)] == own else []
            if None in extra:
                return None
            return f"qmgr unix n {unprivileged} n 300 {limit} {name} {' '.join(extra)}\n"
    return None


def logged(stage, binary, how):
    options = {key: value for key, value in how.items() if key in ("args", "name", "act")}
    outcome = stage.run(binary, seconds=6 if how.get("ends") else 2.2, **options)
    found = [re.match(r"\S+ \S+\[PID\]: (warning|error|fatal|panic): (.*)", line, re.S) for line in outcome.lines]
    return [list(match.groups()) for match in found if match]


def foretold(stage, tool, how):
    run = subprocess.run([tool, "check-config", "--json", "-c", stage.etc], capture_output=True, text=True, timeout=60,
                         env={"PATH": os.environ["PATH"]})
    report = json.loads(run.stdout)
    assert report["status"] == run.returncode, run
    name = how.get("name", "qmgr")
    return [[remark["severity"], remark["text"].replace(stage.dir, "@DIR@")] for remark in report["remarks"]
            if remark["who"] == name and (remark["when"] == "start" or "act" in how)]


def both(name, binary, tool):
    how = dict(CASES[name])
    with daemon_start.Stage() as stage:
        stage.main_cf(how["settings"], how["text"])
        with open(stage.etc + "/master.cf", "w") as file:
            file.write(master_line(how))
        return logged(stage, binary, how), foretold(stage, tool, how)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("tool")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    try:
        pwd.getpwnam("postfix")
    except KeyError:
        print("skipped: no Postfix")
        return 77
    if os.getuid() != 0:
        print("skipped: needs root")
        return 77
    binary, tool = os.path.abspath(options.binary), os.path.abspath(options.tool)
    names = [name for name in CASES if options.only in name and master_line(CASES[name])]
    failed = spoken = 0
    with concurrent.futures.ProcessPoolExecutor(6, multiprocessing.get_context("fork")) as pool:  # they mostly sleep
        pairs = pool.map(both, names, [binary] * len(names), [tool] * len(names))
        for name, (log, told) in zip(names, pairs):
            spoken += bool(log)
            if log == told:
                print("same     ", name, flush=True)
            elif name in EXCUSED:
                print("excused  ", name, "-", EXCUSED[name], flush=True)
            else:
                failed += 1
                print("DIFFERENT", name, f"(again: check_config_parity_test.py {options.binary} {options.tool} --only '{name}')")
                print("  logged:  ", json.dumps(log))
                print("  foretold:", json.dumps(told), flush=True)
    print(f"{len(names)} configurations, {spoken} with something to say, {failed} different")
    return 1 if failed or (not options.only and spoken < 60) else 0


if __name__ == "__main__":
    sys.exit(main())
