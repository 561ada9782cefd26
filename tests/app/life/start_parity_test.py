#!/usr/bin/env python3
"""Starts the installed queue manager and ours in the same ways, good and bad, and compares what they log, report to
master and end with.

usage: start_parity_test.py OUR_BINARY [--only WORD] [--real BINARY]
Exit status 77: skipped (no root, or no Postfix). Cases in EXCUSED differ on purpose; each says why.
"""
import argparse
import concurrent.futures
import json
import multiprocessing
import os
import pty
import pwd
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import daemon_start  # noqa: E402

REAL = "/usr/lib/postfix/sbin/qmgr"
GOOD = ("-l", "-t", "unix", "-u")
CASES = {}


def case(title, args=GOOD, settings=None, text=None, **how):
    """One start; `settings` change a good main.cf, `text` replaces it; the rest is for Stage.run()."""
    assert title not in CASES, title
    CASES[title] = dict(args=args, settings=settings, text=text, **how)


def trigger(data):
    def act(stage, outcome):
        outcome.answers.append(stage.trigger(data))
    return act


def piped(data):
    def make():
        read, write = os.pipe()
        os.write(write, data)
        os.close(write)
        return read
    return make


def terminal():
    master, slave = pty.openpty()
    terminal.kept.append(master)
    return slave


terminal.kept = []


def master_leaves(stage, _):
    stage.status_socket.shutdown(socket.SHUT_RDWR)


def master_speaks(stage, _):
    stage.status_socket.send(b"x")


def empty_connection(stage, _):
    stage.connect().close()
    time.sleep(0.2)


def into_pipe(stage, _):
    fd = os.open(stage.queue + "/public/qmgr", os.O_WRONLY | os.O_NONBLOCK)
    os.write(fd, b"I")
    os.close(fd)
    time.sleep(0.3)


def pass_client(stage, outcome):
    with stage.connect() as carrier:
        ours, theirs = socket.socketpair()
        socket.send_fds(carrier, [b"\0"], [theirs.fileno()])
        theirs.close()
        ours.settimeout(3)
        ours.sendall(b"W\0")
        outcome.answers.append(ours.recv(10))


# --- good starts ---
case("good")
case("trigger", act=trigger(b"W\0"))
case("all triggers", act=trigger(b"FADIWxyz"))
case("large trigger", act=trigger(b"Z" * 5000))
case("empty connection", act=empty_connection)
case("master leaves", act=master_leaves, ends=True)
case("master speaks", act=master_speaks, ends=True)
case("chroot", GOOD + ("-c",), {"qmgr_message_recipient_limit": "1"}, act=trigger(b"W"))
case("stays root", ("-l", "-t", "unix"), act=trigger(b"W"))
case("named pipe", ("-l", "-t", "fifo", "-u"), listener="fifo", act=into_pipe)
case("passed client", ("-l", "-t", "pass", "-u"), act=pass_client)
case("options in one word", ("-lut", "unix"))
case("options joined", ("-ltunix", "-u", "-i5", "-m5", "-nxyz"))
case("two types", ("-l", "-t", "inet", "-t", "unix", "-u"))
case("limit zero too", GOOD + ("-z",))
case("socket count with text", GOOD + ("-s", "1x"))
case("dash dash", GOOD + ("--",))
case("service name", GOOD + ("-n", "xyz"), {"syslog_name": "$service_name-$process_name",
                                            "qmgr_message_recipient_limit": "1"})
case("recipient limit repair", settings={"qmgr_message_recipient_limit": "1"})
case("lifetime repair", settings={"bounce_queue_lifetime": "10d"})
case("nqmgr", name="nqmgr")
case("nqmgr and repairs", name="nqmgr", settings={"qmgr_message_recipient_limit": "1",
                                                  "bounce_queue_lifetime": "10d"})
case("oqmgr name", name="oqmgr", settings={"bounce_queue_lifetime": "10d"})
case("-V", GOOD + ("-V",), {"qmgr_message_recipient_limit": "1"})
case("-d at a terminal", GOOD + ("-d",), stdin=terminal)
case("overridden syslog_name", GOOD + ("-o", "syslog_name=other", "-o", "bounce_queue_lifetime = 10d"))
case("override refers", GOOD + ("-o", "syslog_name=$mail_name.x", "-o", "bounce_queue_lifetime=10d"))
case("debugger", GOOD + ("-D",), {"debugger_command": "echo hi $process_name >&2"})
case("debugger by environment", settings={"debugger_command": "echo hi $process_name >&2"}, env={"MAIL_DEBUG": ""})

# --- the command line ---
case("no -l", ("-t", "unix", "-u"))
case("no -t", ("-l", "-u"))
case("neither", ("-u",))
case("type inet", ("-l", "-t", "inet", "-u"))
case("type empty", ("-l", "-t", "", "-u"))
for letter in "wxaCe?:":
    case("option -" + letter, GOOD + ("-" + letter,))
case("long option", GOOD + ("--help",))
for letter in "oinmst":
    case("no argument for -" + letter, GOOD + ("-" + letter,))
case("-o without =", GOOD + ("-o", "foo"))
case("-o without name", GOOD + ("-o", "=foo"))
case("-o blank name", GOOD + ("-o", " = foo"))
case("-o empty", GOOD + ("-o", ""))
case("-o then bad option", GOOD + ("-o", "syslog_name=other", "-w"))
case("-s 0", GOOD + ("-s", "0"))
case("-s -1", GOOD + ("-s", "-1"))
case("-s x", GOOD + ("-s", "x"))
case("-i x", GOOD + ("-i", "x"))
case("-m x", GOOD + ("-m", "x"))
case("-V and bad option", GOOD + ("-V", "-w"))
case("bad option and -V", GOOD + ("-w", "-V"))
case("left-over argument", GOOD + ("junk", "two"), act=trigger(b"W"), ends=True)
case("left-over argument, no trigger", GOOD + ("junk", "two"))
case("-D without command", GOOD + ("-D",))
case("-D and bad generation", GOOD + ("-D",), env={"GENERATION": "9x"})
case("-D without -l", ("-t", "unix", "-u", "-D"))
case("terminal", stdin=terminal)
case("terminal and -V", GOOD + ("-V",), stdin=terminal)
case("terminal, no -l", ("-t", "unix"), stdin=terminal)
case("terminal, bad main.cf", stdin=terminal, settings={"syslog_facility": "foo"})

# --- stand-alone ---
case("-S", ("-S",), stdin=piped(b"W"))
case("-S as owner", ("-S", "-u"), stdin=piped(b"FADI\0"))
case("-S without descriptors", ("-S", "-u"), stdin=piped(b"W"), keep_fds=False)
case("-S with nothing to read", ("-S", "-u"), stdin=piped(b""))
case("-S and left-over", ("-S", "junk"), stdin=piped(b"W"))
case("-S at a bad folder", ("-S",), {"queue_directory": "@DIR@/e"}, stdin=piped(b"W"))

# --- the environment ---
case("generation not a number", env={"GENERATION": "9x"})
case("generation with text in front", env={"GENERATION": "x7"})
case("generation empty", env={"GENERATION": ""})
case("generation not octal", env={"GENERATION": "9"}, act=trigger(b"W"))
case("generation half octal", env={"GENERATION": "18"}, act=trigger(b"W"))
case("generation too large", env={"GENERATION": "77777777777777"}, act=trigger(b"W"))
case("no generation", env={"GENERATION": None}, act=trigger(b"W"))
case("bad generation, no -l", ("-t", "unix", "-u"), env={"GENERATION": "9x"})
case("no log tag", GOOD + ("-w",), env={"MAIL_LOGTAG": None})
case("no log host", GOOD + ("-w",), env={"POSTLOG_HOSTNAME": None})
case("no such configuration", env={"MAIL_CONFIG": "/nonexistent"})

# --- main.cf ---
case("line without =", text="foo bar\n")
case("line without name", text="= bar\n")
case("line without = later", text="a = b\n# c\nfoo\n  bar\n")
case("leading blank", text="  a = b\nfoo bar\n")
case("overriding", text="a = 1\na = 2\nfoo bar\n")
for name, value in {
        "syslog_facility": "foo", "mail_owner": "nosuchuser", "setgid_group": "nosuchgroup",
        "default_privs": "nosuchuser", "queue_directory": "/nonexistent", "maillog_file": "/tmp/x",
        "default_verp_delimiters": "+", "relayhost": "mx.test.example", "myorigin": "a b", "myhostname": "a..b",
        "mydomain": "a b", "inet_protocols": "foo", "inet_interfaces": "nosuch.invalid", "compatibility_level": "abc", "qmgr_message_active_limit": "0",
        "qmgr_message_recipient_limit": "x", "default_delivery_slot_discount": "101",
        "default_destination_concurrency_positive_feedback": "", "queue_run_delay": "0",
        "minimal_backoff_time": "5 m", "maximal_queue_lifetime": "200d", "in_flow_delay": "11",
        "disable_verp_bounces": "maybe", "helpful_warnings": "1", "hash_queue_depth": "0", "daemon_timeout": "0",
        "qmgr_daemon_timeout": "0", "default_process_limit": "0", "bounce_service_name": "", "syslog_name": "",
        "confirm_delay_cleared": "$nothing", "transport_retry_time": "${foo", "smtputf8_enable": "perhaps"}.items():
    case(f"bad {name}", settings={name: value})
case("owner is root", settings={"mail_owner": "root"})
case("owner is nobody", settings={"mail_owner": "nobody"})
case("group of root", settings={"setgid_group": "root"})
case("group of the owner", settings={"setgid_group": "postfix"})
case("unprivileged is root", settings={"default_privs": "root"})
case("unprivileged is the owner", settings={"default_privs": "postfix"})
case("VERP first", settings={"default_verp_delimiters": "a="})
case("VERP second", settings={"default_verp_delimiters": "+a"})
case("host name with hyphen", settings={"myhostname": "-a"})
case("nested reference", settings={"queue_run_delay": "$a", "a": "$b", "b": "$a"})
case("value refers to a later default", settings={"queue_run_delay": "$minimal_backoff_time"})
case("value refers to an earlier default", settings={"minimal_backoff_time": "$queue_run_delay"})
case("facility before owner", settings={"syslog_facility": "foo", "mail_owner": "nosuchuser"})
case("facility before host name", settings={"syslog_facility": "foo", "myhostname": "a..b"})
case("own number before -l", ("-t", "unix", "-u"), settings={"qmgr_message_active_limit": "0"})
case("watchdog too small", settings={"qmgr_daemon_timeout": "2"}, ends=True)
case("queue without folders", settings={"queue_directory": "@DIR@/e", "maillog_file": ""})

# What differs on purpose, or is not met: name -> reason.
EXCUSED = {
    "debugger": "no other program is started (DV-27)",
    "debugger by environment": "no other program is started (DV-27)",
    "bad inet_interfaces": "a queue manager has no use for the machine's addresses, so the parameter is not looked at",
}


def run(binary, how):
    how = dict(how)
    settings, text = how.pop("settings"), how.pop("text")
    ends = how.pop("ends", False)
    stdin = how.pop("stdin", None)
    with daemon_start.Stage() as stage:
        stage.main_cf(settings, text)
        if stdin is not None:
            how["stdin"] = stdin()
        try:
            # One that ends is given time for it; one that lives has shown that soon enough.
            outcome = stage.run(binary, seconds=6 if ends else 2.2, **how)
        finally:
            if stdin is not None:
                os.close(how["stdin"])
        result = outcome.comparable()
        result["answers"] = [answer.decode("latin-1") for answer in outcome.answers]
        return result


def both(name, binaries):
    return [run(binary, CASES[name]) for binary in binaries]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--real", default=REAL)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    try:
        pwd.getpwnam("postfix")
    except KeyError:
        print("skipped: no Postfix")
        return 77
    if os.getuid() != 0 or not os.path.exists(options.real):
        print("skipped: needs root and an installed Postfix")
        return 77
    failed = 0
    names = [name for name in CASES if options.only in name]
    with concurrent.futures.ProcessPoolExecutor(6, multiprocessing.get_context("fork")) as pool:  # they mostly sleep
        pairs = pool.map(both, names, [(os.path.abspath(options.binary), options.real)] * len(names))
    for name, (ours, real) in zip(names, pairs):
        if ours == real:
            print("same     ", name, flush=True)
        elif name in EXCUSED:
            print("excused  ", name, "-", EXCUSED[name], flush=True)
        else:
            failed += 1
            print("DIFFERENT", name, f"(again: start_parity_test.py {options.binary} --only '{name}')")
            print("  Postfix:", json.dumps(real))
            print("  Weir:   ", json.dumps(ours), flush=True)
    print(f"{len(names)} cases, {failed} different")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
