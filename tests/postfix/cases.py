"""The end-to-end cases: real mail through a private Postfix whose queue manager is the binary under test.

A case sends something, waits until everything has happened, checks it, and tells in a few words what was sent and
what happened.  Cases that do not disturb each other share an instance: a group.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import signal
import threading
import time
from pathlib import Path
from typing import Callable, Iterator, NamedTuple

import queue_file
from instance import PERSONALITIES, PrivatePostfix, Sink, TestFailed, check, equal, until


class Outcome(NamedTuple):
    """A case in two short texts, for the table."""

    sent: str
    happened: str


@dataclasses.dataclass
class World:
    """What a case works with: a running instance and the SMTP servers of its group."""

    post: PrivatePostfix
    sinks: dict[str, Sink]

    @property
    def log(self):  # type: ignore
        return self.post.log


@dataclasses.dataclass(frozen=True)
class Group:
    """An instance's configuration; `sinks` are SMTP servers with their smtp-sink options (None: a dead port)."""

    settings: dict[str, str]
    services: dict[str, str | None] = dataclasses.field(default_factory=dict)
    transport: dict[str, str] = dataclasses.field(default_factory=dict)
    files: dict[str, str] = dataclasses.field(default_factory=dict)
    sinks: dict[str, tuple[str, ...] | None] = dataclasses.field(default_factory=dict)
    ports: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    group: str
    run: Callable[[World], Outcome]
    only: tuple[str, ...]  # the personalities of which it is true


# A delivery agent that takes as long and ends as its recipient says: ok05@ takes 0.5 s and succeeds, tm05@ fails for
# now, ba05@ for good.  What it took is in {folder}/tmp/slow.  One at a time: its process limit is 1.
SLOW = """\
user=${1%@*}
word=${user%%[0-9]*}
tenths=${user#$word}
sleep $(( ${tenths#0} / 10 )).$(( ${tenths#0} % 10 ))
echo "$1" >> {folder}/tmp/slow
case $word in
ok*) exit 0 ;;
tm*) echo "try later"; exit 75 ;;
*) echo "no such"; exit 67 ;;
esac
"""
SLOW_SERVICE = "slow unix - n n - 1 pipe flags=Rq user=nobody argv=/bin/sh {folder}/etc/slow.sh ${recipient}"

# An agent that waits for a gate, and then takes whoever comes, as SLOW does.
TURN = """\
until [ -e {folder}/tmp/open ]; do sleep 0.1; done
printf '%s\\n' "$@" >> {folder}/tmp/slow
"""

# A content filter of the simple kind: takes a message from pipe(8), adds a header, and gives it back over SMTP.
FILTER = """\
umask 077
draft=$(mktemp {folder}/tmp/filter.XXXXXX)
{ echo "X-Filtered: yes"; cat; } > "$draft"
/usr/sbin/smtp-source -f "$1" -t "$2" -F "$draft" 127.0.0.1:{smtp_port} || exit 75
rm -f "$draft"
"""
FILTER_SERVICE = ("scan unix - n n - 10 pipe flags=Rq user=nobody "
                  "argv=/bin/sh {folder}/etc/filter.sh ${sender} ${recipient}")

GROUPS: dict[str, Group] = {
    "plain": Group(
        settings={"slow_destination_recipient_limit": "1", "scan_destination_recipient_limit": "1",
                  "initial_destination_concurrency": "1"},
        services={"slow": SLOW_SERVICE, "scan": FILTER_SERVICE,
                  "filtered": "127.0.0.1:{filtered} inet n - n - - smtpd -o content_filter=scan:dummy"},
        transport={"sink.example": "smtp:[127.0.0.1]:{ok}", ".sink.example": "smtp:[127.0.0.1]:{ok}",
                   "soft.example": "smtp:[127.0.0.1]:{soft}", "hard.example": "smtp:[127.0.0.1]:{hard}",
                   "down.example": "smtp:[127.0.0.1]:{down}", "dead.example": "nosuch:",
                   "slow.example": "slow:", ".slow.example": "slow:"},
        files={"slow.sh": SLOW, "filter.sh": FILTER},
        sinks={"ok": (), "soft": ("-r", "RCPT"), "hard": ("-f", "RCPT"), "down": None},
        ports=("filtered",)),
    "turn": Group(
        settings={"turn_destination_recipient_limit": "2", "turn_destination_concurrency_limit": "1",
                  "initial_destination_concurrency": "1"},
        services={"turn": "turn unix - n n - 1 pipe flags=Rq user=nobody argv=/bin/sh {folder}/etc/turn.sh ${recipient}"},
        transport={"turn.example": "turn:"}, files={"turn.sh": TURN}),
    "refill": Group(
        settings={"qmgr_message_active_limit": "10", "qmgr_message_recipient_limit": "30",
                  "relay_recipient_limit": "20", "relay_extra_recipient_limit": "10",
                  "relay_recipient_refill_limit": "5", "relay_recipient_refill_delay": "1s",
                  "relay_destination_recipient_limit": "3", "qmgr_clog_warn_time": "0"},
        transport={".many.example": "relay:[127.0.0.1]:{ok}"},
        sinks={"ok": ()}),
    "aging": Group(
        settings={"minimal_backoff_time": "1s", "maximal_backoff_time": "3s", "queue_run_delay": "1s",
                  "maximal_queue_lifetime": "7s", "bounce_queue_lifetime": "7s", "delay_warning_time": "3s",
                  "default_destination_concurrency_failed_cohort_limit": "1"},
        transport={"later.example": "retry:4.2.0 not today", "never.example": "retry:4.2.1 not in this life"}),
    "load": Group(
        settings={"qmgr_message_active_limit": "40"},
        transport={".sink.example": "smtp:[127.0.0.1]:{ok}"},
        sinks={"ok": ("-w", "1")}),
}

CASES: list[Case] = []


def case(name: str, group: str, only: tuple[str, ...] = PERSONALITIES) -> Callable[[Callable[[World], Outcome]], Callable[[World], Outcome]]:
    """Registers a case."""
    def register(function: Callable[[World], Outcome]) -> Callable[[World], Outcome]:
        CASES.append(Case(name, group, function, only))
        return function
    return register


@contextlib.contextmanager
def world(qmgr: Path, group_name: str, keep: bool = False, qmgr_arguments: str = "") -> Iterator[World]:
    """A running instance of a group."""
    group = GROUPS[group_name]
    with PrivatePostfix(qmgr, group.settings, group.services, group.transport, group.files,
                        (*group.sinks, *group.ports), qmgr_arguments, keep) as post:
        sinks = {name: post.sink(post.ports[name], *options)
                 for name, options in group.sinks.items() if options is not None}
        post.start()
        yield World(post, sinks)


# ---------------------------------------------------------------------------------------------------------------
# Plain delivery


#= R-QUE-01, R-PAR-007, R-PAR-082 test
@case("smtp-sink", "plain")
def smtp_sink(w: World) -> Outcome:
    """Twenty messages, both ways in; each recipient is served exactly once, and the log tells the whole life."""
    tokens, wanted, ids = [], {}, []
    for number in range(20):
        names = [f"u{number}r{index}@sink.example" for index in range(3)]
        token = w.post.token()
        submit = w.post.smtp if number % 2 else w.post.sendmail
        ids.append(submit("alice@box.example", names, token=token))
        tokens.append(token)
        wanted.update({name: 1 for name in names})
    for queue_id in ids:
        w.log.wait_for(rf"qmgr: {queue_id}: removed", 10)
        life = [line for line in w.log.lines() if line.startswith(f"qmgr: {queue_id}: ")]
        check(len(life) == 2 and re.fullmatch(
            rf"qmgr: {queue_id}: from=<alice@box\.example>, size=\d+, nrcpt=3 \(queue active\)", life[0]) and
            life[1] == f"qmgr: {queue_id}: removed", f"unexpected log: {life}")
    counts: dict[str, int] = {}
    for token in tokens:
        counts.update(w.sinks["ok"].count(f"\nSubject: {token}\n"))
    equal(counts, wanted, "recipients at the sink")
    return Outcome("20 messages, 3 recipients each", "each recipient once at the sink, all removed")


@case("mailbox", "plain")
def mailbox(w: World) -> Outcome:
    """local(8) and virtual(8) write into Maildirs."""
    token = w.post.token()
    queue_id = w.post.sendmail("alice@box.example", ["man@test.example", "bob@box.example"], token=token)
    w.post.wait_gone(queue_id)
    for address in ("man@test.example", "bob@box.example"):
        equal(len(w.post.mailbox(address, token)), 1, f"messages for {address}")
    return Outcome("1 message to local and virtual", "one in each Maildir")


@case("unknown-recipient", "plain")
def unknown_recipient(w: World) -> Outcome:
    """What local(8) refuses comes back to the sender, with the reason and the original message."""
    token = w.post.token()
    queue_id = w.post.sendmail("unknown@box.example", ["nosuch@test.example"], token=token)
    w.post.wait_gone(queue_id)
    [bounce] = w.post.wait_mail("unknown@box.example", token)
    for text in ("Return-Path: <>", "Status: 5.1.1", "unknown user: \"nosuch\"", "Action: failed"):
        check(text in bounce, f"not in the bounce: {text}")
    return Outcome("1 message to no such user", "bounce with the reason in the sender's mailbox")


#= R-REP-04, R-STR-10 test
@case("sink-down", "plain")
def sink_down(w: World) -> Outcome:
    """A refused connection defers for minimal_backoff_time; `postqueue -f` tries again at once."""
    token = w.post.token()
    queue_id = w.post.sendmail("alice@box.example", ["x@down.example"], token=token)
    state = w.post.wait_in("deferred", queue_id)
    check(int(state.st_ctime) + 300 - state.st_mtime in (0, 1),
          f"next attempt {state.st_mtime - state.st_ctime:.2f} s after the deferral, not 300")
    [entry] = [entry for entry in w.post.listed() if entry["queue_id"] == queue_id]
    check("Connection refused" in str(entry["recipients"]), f"mailq shows no reason: {entry}")
    start = w.log.mark()
    w.post.trigger(b"D")
    time.sleep(0.3)
    check(not w.log.matching(rf"qmgr: {queue_id}: from=", start), "a plain scan took a message that is not due")
    sink = w.post.sink(w.post.ports["down"])
    try:
        w.post.postqueue("-f")
        w.post.wait_gone(queue_id)
        equal(sink.count(token), {"x@down.example": 1}, "recipients at the sink")
    finally:
        sink.stop()
    return Outcome("1 message, server down", "deferred, mtime = now + 300 s; flushed: delivered")


@case("4xx-5xx", "plain")
def soft_and_hard(w: World) -> Outcome:
    """One message, three fates: delivered, refused for now, refused for good."""
    token = w.post.token()
    queue_id = w.post.smtp("mixed@box.example", ["a@sink.example", "b@soft.example", "c@hard.example"], token=token)
    w.post.wait_in("deferred", queue_id)
    equal(w.sinks["ok"].count(token), {"a@sink.example": 1}, "recipients at the sink")
    [bounce] = w.post.wait_mail("mixed@box.example", token)
    check("c@hard.example" in bounce and "500 5.3.0 Error" in bounce, "the bounce does not tell the 5xx answer")
    check("b@soft.example" not in bounce, "the bounce names a recipient that is only delayed")
    [entry] = [entry for entry in w.post.listed() if entry["queue_id"] == queue_id]
    [left] = entry["recipients"]  # type: ignore
    check(left["address"] == "b@soft.example" and "450 4.3.0" in left["delay_reason"], f"mailq: {left}")
    w.post.postsuper("-d", queue_id)
    return Outcome("1 message: accepted, 4xx, 5xx", "one delivered, one bounced, one deferred with its reason")


@case("dead-transport", "plain")
def dead_transport(w: World) -> Outcome:
    """A transport without a listener is the mail's delay, not its end."""
    start = w.log.mark()
    queue_id = w.post.sendmail("alice@box.example", ["x@dead.example", "y@dead.example"])
    w.post.wait_in("deferred", queue_id)
    w.log.wait_for(r"qmgr: warning: connect to transport private/nosuch: No such file or directory", 5, start)
    lines = w.log.matching(rf"error: {queue_id}: to=<\w@dead\.example>, relay=none, .*, dsn=4\.3\.0, "
                           r"status=deferred \(mail transport unavailable\)$", start)
    equal(len(lines), 2, "deferred by the retry service")
    w.post.postsuper("-d", queue_id)
    return Outcome("1 message, transport without listener", "warning, both recipients deferred (4.3.0)")


# ---------------------------------------------------------------------------------------------------------------
# Reports and rewriting


#= R-STD-02 test
@case("dsn-success", "plain")
def dsn_success(w: World) -> Outcome:
    """NOTIFY=SUCCESS: the queue manager asks trace(8) for the report when the message is done."""
    token = w.post.token()
    queue_id = w.post.sendmail("dsn@box.example", ["bob@box.example"], ["-N", "success", "-R", "hdrs", "-V", token],
                               token=token)
    [report] = w.post.wait_mail("dsn@box.example", token)
    w.post.wait_gone(queue_id)
    for text in ("Successful Mail Delivery Report", "Action: delivered", f"Original-Envelope-Id: {token}"):
        check(text in report, f"not in the report: {text}")
    w.log.wait_for(rf"bounce: {queue_id}: sender delivery status notification: \w+", 5)
    return Outcome("1 message with NOTIFY=SUCCESS", "delivery report in the sender's mailbox")


@case("verp", "plain")
def verp(w: World) -> Outcome:
    """Each recipient is delivered alone under a sender of its own; the bounce goes to that sender."""
    token = w.post.token()
    names = ["x@sink.example", "y@sink.example", "nosuch@test.example"]
    queue_id = w.post.sendmail("list@box.example", names, ["-XV+="], token=token)
    w.post.wait_gone(queue_id)
    seen = sorted((message.sender, message.recipients) for message in w.sinks["ok"].received(token))
    equal(seen, [("list+x=sink.example@box.example", ("x@sink.example",)),
                 ("list+y=sink.example@box.example", ("y@sink.example",))], "transactions at the sink")
    w.post.wait_mail("list+nosuch=test.example@box.example", token)
    return Outcome("1 VERP message, 3 recipients", "2 senders at the sink, bounce to the third")


@case("content-filter", "plain")
def content_filter(w: World) -> Outcome:
    """All recipients go to the filter first, and through the system a second time after it."""
    token = w.post.token()
    queue_id = w.post.smtp("alice@box.example", ["f@sink.example", "filtered@box.example"], token=token,
                           port=w.post.ports["filtered"])
    w.post.wait_gone(queue_id)
    w.log.wait_for(rf"pipe: {queue_id}: to=<f@sink\.example>, relay=scan, .* status=sent", 5)
    [stored] = w.post.wait_mail("filtered@box.example", token)
    until(lambda: w.sinks["ok"].received(token), 10, "the filtered message is at the sink")
    [relayed] = w.sinks["ok"].received(token)
    check("X-Filtered: yes" in stored and "X-Filtered: yes" in relayed.text, "not filtered")
    return Outcome("1 message, 2 recipients", "filtered, injected again, delivered")


@case("smtputf8", "plain")
def smtputf8(w: World) -> Outcome:
    """Addresses beyond ASCII travel to a mailbox; a server without SMTPUTF8 makes them bounce."""
    token = w.post.token()
    name = "j\u00fcrgen@box.example"
    queue_id = w.post.smtp("utf@box.example", [name, "\u00e9@sink.example"], token=token, mail_options=["SMTPUTF8"])
    w.post.wait_gone(queue_id)
    equal(len(w.post.wait_mail(name, token)), 1, f"messages for {name}")
    w.log.wait_for(rf"smtp: {queue_id}: to=<\u00e9@sink\.example>, .* dsn=5\.6\.7, status=bounced", 5)
    w.post.wait_mail("utf@box.example", token)
    return Outcome("1 message to UTF-8 addresses", "one in its Maildir, one bounced (5.6.7)")


@case("sendmail-bv", "plain")
def sendmail_bv(w: World) -> Outcome:
    """Address probes deliver nothing and end in one report."""
    token = w.post.token()
    start = w.log.mark()
    queue_id = w.post.sendmail("probe@box.example", ["p@sink.example", "q@hard.example"], ["-bv"], token=token)
    w.post.wait_gone(queue_id)
    [report] = w.post.wait_mail("probe@box.example", "Mail Delivery Status Report")
    for text in ("p@sink.example", "Action: deliverable", "q@hard.example", "Action: undeliverable"):
        check(text in report, f"not in the report: {text}")
    w.log.wait_for(rf"smtp: {queue_id}: to=<p@sink\.example>, .* status=deliverable", 5, start)
    equal(w.sinks["ok"].received(token), [], "messages at the sink")
    return Outcome("sendmail -bv, 2 recipients", "report: deliverable, undeliverable; nothing sent")


# ---------------------------------------------------------------------------------------------------------------
# Time


@case("delay-warning", "aging")
def delay_warning(w: World) -> Outcome:
    """One warning, at the first failed attempt that is late enough, and no second one."""
    token = w.post.token()
    queue_id = w.post.sendmail("warned@box.example", ["x@later.example"], token=token)
    [warning] = w.post.wait_mail("warned@box.example", token, timeout=12)
    arrival, _ = queue_file.times_of(until(lambda: w.post.queue("deferred").get(queue_id), 5,  # type: ignore
                                           "the message is deferred again"))
    w.log.wait_for(rf"bounce: {queue_id}: sender delay notification: (\w+)", 5)
    check("Delayed Mail (still being retried)" in warning and "not today" in warning, "no delay notice")
    check(int(time.time()) - int(arrival) >= 2, "the warning came too early")  # whole seconds, one before the time
    start = w.log.mark()
    w.log.wait_for(rf"qmgr: {queue_id}: from=", 10, start)
    w.post.wait_in("deferred", queue_id)
    equal(len(w.log.matching(rf"bounce: {queue_id}: sender delay notification: \w+")), 1, "warnings")
    w.post.postsuper("-d", queue_id)
    return Outcome("1 message that stays undelivered", "one delay notice, retried without a second one")


@case("expiry", "aging")
def expiry(w: World) -> Outcome:
    """After maximal_queue_lifetime the next failed attempt returns the mail."""
    token = w.post.token()
    queue_id = w.post.sendmail("old@box.example", ["x@never.example"], token=token)
    begin = time.time()
    w.log.wait_for(rf"qmgr: {queue_id}: from=<old@box\.example>, status=expired, returned to sender$", 20)
    age = time.time() - begin
    w.post.wait_gone(queue_id)
    def bounces() -> list[str]:
        return [text for text in w.post.mailbox("old@box.example", token) if "Action: failed" in text]
    until(bounces, 5, "the bounce is in the sender's mailbox")
    check("not in this life" in bounces()[0] and len(bounces()) == 1, f"the bounces: {bounces()}")
    check(6 <= age <= 13, f"expired after {age:.1f} s instead of 7 to 11")
    return Outcome("1 message, lifetime 7 s", f"expired after {age:.0f} s, bounce in the mailbox")


# ---------------------------------------------------------------------------------------------------------------
# Other hands on the queue


def served(w: World, text: str) -> list[str]:
    """What the slow agent has delivered, in order."""
    path = w.post.folder / "tmp/slow"
    return [line for line in path.read_text().splitlines() if text in line] if path.exists() else []


def two_slow(w: World, domain: str) -> str:
    """A message with two recipients of which the first is being delivered now (the agent takes one at a time)."""
    start = w.log.mark()
    queue_id = w.post.sendmail("slow@box.example", [f"ok08@{domain}", f"ok09@{domain}"])
    w.log.wait_for(rf"qmgr: {queue_id}: from=", 10, start)
    time.sleep(0.2)
    return queue_id


#= R-QUE-07 test
@case("hold-release", "plain")
def hold_release(w: World) -> Outcome:
    """Held during its delivery: what is running ends, the rest waits in hold/ until it is released."""
    domain = "hold.slow.example"
    queue_id = two_slow(w, domain)
    start = w.log.mark()
    w.post.postsuper("-h", queue_id)
    w.post.wait_in("hold", queue_id)
    w.log.wait_for(rf"pipe: {queue_id}: to=<ok08@{domain}>, .* status=sent", 10, start)
    time.sleep(1.2)
    equal(served(w, domain), [f"ok08@{domain}"], "delivered while on hold")
    check(w.post.find(queue_id)[0] == "hold", "the message left hold/ by itself")  # type: ignore
    w.post.postsuper("-H", queue_id)
    w.post.trigger(b"D")
    w.post.wait_gone(queue_id)
    equal(served(w, domain), [f"ok08@{domain}", f"ok09@{domain}"], "delivered in the end")
    return Outcome("1 message held during delivery", "second recipient only after the release, each once")


@case("requeue", "plain")
def requeue(w: World) -> Outcome:
    """`postsuper -r` of an active message: it comes back under a new ID and everybody gets it."""
    domain = "requeue.slow.example"
    queue_id = two_slow(w, domain)
    start = w.log.mark()
    w.post.postsuper("-r", queue_id)
    w.log.wait_for(rf"pipe: {queue_id}: to=<ok08@{domain}>, .* status=sent", 10, start)
    w.post.sendmail("alice@box.example", ["bob@box.example"])  # wakes the pickup service
    new_id = w.log.wait_for(rf"pickup: (\w+): uid=\d+ from=<slow@box\.example> orig_id={queue_id}$", 10, start)[1]
    check(new_id != queue_id, "the same ID again")
    w.post.wait_gone(queue_id)
    w.post.wait_gone(new_id)
    equal(set(served(w, domain)), {f"ok08@{domain}", f"ok09@{domain}"}, "delivered in the end")
    return Outcome("1 message requeued during delivery", "new ID, both recipients served")


@case("delete", "plain")
def delete(w: World) -> Outcome:
    """`postsuper -d` of an active message: nothing new is delivered, and the queue manager forgets it."""
    domain = "delete.slow.example"
    queue_id = two_slow(w, domain)
    start = w.log.mark()
    pid = w.post.qmgr_pid()
    w.post.postsuper("-d", queue_id)
    w.post.wait_gone(queue_id)
    w.log.wait_for(rf"pipe: {queue_id}: to=<ok08@{domain}>, .* status=sent", 10, start)
    time.sleep(1.2)
    equal(served(w, domain), [f"ok08@{domain}"], "delivered")
    equal(w.post.qmgr_pid(), pid, "the queue manager's pid")
    return Outcome("1 message deleted during delivery", "running delivery ends, the other one never starts")


# The preemptive scheduler lets a letter pass a long list once that has earned the slots; round robin lets messages
# stand in line.
LONG_LIST = 60


def list_then_letter(w: World) -> tuple[list[str], int]:
    """A long list, and a letter behind it, for one destination and an agent that takes two recipients at a time, none
    before both are waiting; gives who was served, in order, and where the letter stands in it."""
    start = w.log.mark()
    w.post.sendmail("list@box.example", [f"r{number:02}@turn.example" for number in range(LONG_LIST)])
    w.log.wait_for(r"qmgr: \w+: from=<list@", 10, start)
    w.post.sendmail("letter@box.example", ["letter@turn.example"])
    w.log.wait_for(r"qmgr: \w+: from=<letter@", 10, start)
    (w.post.folder / "tmp/open").write_text("")
    until(lambda: len(served(w, "@turn.")) == LONG_LIST + 1, 30, "all have been served")
    order = served(w, "@turn.")
    equal(len(set(order)), LONG_LIST + 1, "recipients served")
    return order, order.index("letter@turn.example")


@case("small-message", "turn", only=("qmgr", "nqmgr"))
def small_message(w: World) -> Outcome:
    """A letter overtakes a long list that has earned enough slots."""
    order, place = list_then_letter(w)
    check(place < LONG_LIST // 2, f"the letter was served as number {place + 1} of {len(order)}")
    return Outcome(f"a list of {LONG_LIST}, then a letter", f"the letter overtook: number {place + 1}")


@case("in-line", "turn", only=("oqmgr",))
def in_line(w: World) -> Outcome:
    """A letter waits until the list that came before it is done."""
    order, place = list_then_letter(w)
    equal(place, LONG_LIST, "recipients served before the letter")
    return Outcome(f"a list of {LONG_LIST}, then a letter", "the letter waited for its turn: the last one")


@case("damaged-file", "plain")
def damaged_file(w: World) -> Outcome:
    """Damaged files go to corrupt/ with a line each, and the mail behind them is delivered."""
    good = queue_file.message("alice@box.example", ["d@sink.example"], token="behind-damage")
    start = w.log.mark()
    w.post.place("incoming", "BAD1", good[:200])
    w.post.place("incoming", "BAD2", b"this is no queue file")
    w.post.place("deferred", "BAD3", b"")
    w.post.place("incoming", "GOOD1", good)
    w.post.trigger(b"ID")
    for queue_id in ("BAD1", "BAD2", "BAD3"):
        w.post.wait_in("corrupt", queue_id)
        w.log.wait_for(rf"qmgr: warning: {queue_id}: message rejected: missing end record$", 5, start)
        w.log.wait_for(rf'qmgr: warning: saving corrupt file "{queue_id}" from queue "active" to queue "corrupt"$', 5,
                       start)
    w.post.wait_gone("GOOD1")
    equal(w.sinks["ok"].count("behind-damage"), {"d@sink.example": 1}, "recipients at the sink")
    for queue_id in ("BAD1", "BAD2", "BAD3"):
        (w.post.spool / "corrupt" / queue_id).unlink()
    return Outcome("3 damaged files, 1 good one", "3 in corrupt/ and logged, the good one delivered")


# ---------------------------------------------------------------------------------------------------------------
# Many recipients, load


@case("refill", "refill")
def refill(w: World) -> Outcome:
    """1,000 recipients with limits so small that the queue file is read again and again: by oqmgr whenever a batch of
    thirty is done (its own share of qmgr_message_recipient_limit), by the others as soon as five have gone."""
    token = w.post.token()
    start = w.log.mark()
    names = [f"u{number}@d{number % 125}.many.example" for number in range(1000)]
    queue_id = w.post.smtp("alice@box.example", names, token=token)
    w.log.wait_for(rf"qmgr: {queue_id}: from=<alice@box\.example>, size=\d+, nrcpt=1000 \(queue active\)$", 20)
    w.post.wait_gone(queue_id, 60)
    messages = w.sinks["ok"].received(token)
    equal(w.sinks["ok"].count(token), {name: 1 for name in names}, "recipients at the sink")
    check(all(len(message.recipients) <= 3 for message in messages), "a delivery with more recipients than allowed")
    check(not w.log.matching(r"qmgr: (warning|fatal|panic)", start), "warnings of the queue manager")
    return Outcome("1,000 recipients, 125 destinations", f"each once, in {len(messages)} deliveries")


def send_load(w: World, prefix: str, count: int) -> tuple[threading.Thread, list[str], list[str]]:
    """Starts to submit messages, each for the sink and for a mailbox; gives the wanted addresses and any errors."""
    wanted = [f"{prefix}{number}@{domain}" for number in range(count)
              for domain in (f"d{number % 7}.sink.example", "box.example")]
    errors: list[str] = []

    def submit() -> None:
        for number in range(count):
            try:
                w.post.smtp(f"{prefix}@test.example", wanted[2 * number:2 * number + 2], token=f"{prefix}-{number}-")
            except (OSError, TestFailed) as error:
                errors.append(f"{number}: {error}")
    thread = threading.Thread(target=submit)
    thread.start()
    return thread, wanted, errors


def deliveries(w: World, prefix: str) -> dict[str, int]:
    """How often each address of a load was served, at the sink and in the mailboxes."""
    counts = {name: number for name, number in w.sinks["ok"].count(f"\nSubject: {prefix}-").items()}
    folder = w.post.folder / "mail/all/new"
    for path in folder.iterdir() if folder.is_dir() else ():
        text = path.read_text("utf-8", "replace")
        match = re.search(rf"^Delivered-To: ({prefix}\d+@box\.example)$", text, re.MULTILINE)
        if match:
            counts[match[1]] = counts.get(match[1], 0) + 1
    return counts


def finish_load(w: World, thread: threading.Thread, prefix: str, wanted: list[str], errors: list[str]) -> int:
    """Waits until the queue is empty, checks that nobody was left out; gives how many got a copy more."""
    thread.join()
    equal(errors, [], "refused submissions")
    end = time.monotonic() + 60
    while w.post.total():
        # A file that an agent still held while the queue was taken over has been put off by a minute: flush.
        w.post.trigger(b"FADI")
        time.sleep(0.3)
        check(time.monotonic() < end, f"the queue does not drain: {w.post.total()}")
    until(lambda: len(deliveries(w, prefix)) >= len(wanted), 5, "all deliveries have arrived")
    counts = deliveries(w, prefix)
    equal(sorted(set(wanted) - set(counts)), [], "recipients without mail")
    return sum(counts.values()) - len(wanted)


@case("reload-under-load", "load")
def reload_under_load(w: World) -> Outcome:
    """`postfix reload` replaces the queue manager in the middle of its work, three times."""
    thread, wanted, errors = send_load(w, "reload", 250)
    pids, active = set(), 0
    for _ in range(3):
        time.sleep(0.7)
        pids.add(w.post.qmgr_pid())
        active += len(w.post.queue("active"))
        start = w.log.mark()
        w.post.reload()
        w.log.wait_for("master: reload -- version", 5, start)
    until(lambda: set(w.post.qmgr_pids()) - pids, 10, "a new queue manager runs")
    extra = finish_load(w, thread, "reload", wanted, errors)
    equal(len(pids), 3, "queue managers that were replaced")
    check(not w.log.matching(r"master: warning: process .*/\w*qmgr pid"), "a queue manager ended abnormally")
    check(active >= 3, "no load when it was reloaded")
    return Outcome("250 messages, 3 reloads",
                   f"{len(wanted)} recipients, {active} messages active, none lost, {extra} twice")


@case("kill-under-load", "load")
def kill_under_load(w: World) -> Outcome:
    """kill -9 of the queue manager: the next one finds everything again."""
    thread, wanted, errors = send_load(w, "kill", 250)
    killed, active = [], 0
    for _ in range(3):
        time.sleep(0.7)
        w.post.trigger(b"W")  # a process that never served a request would throttle the service for a minute
        active += len(w.post.queue("active"))
        killed.append(w.post.qmgr_pid())
        os.kill(killed[-1], signal.SIGKILL)
        w.log.wait_for(rf"master: warning: process .*/\w*qmgr pid {killed[-1]} killed by signal 9", 5)
    extra = finish_load(w, thread, "kill", wanted, errors)
    equal(len(set(killed)), 3, "queue managers killed")
    check(not w.log.matching(r"/\w*qmgr: bad command startup"), "the service was throttled")
    check(active >= 3, "no load when it was killed")
    return Outcome("250 messages, 3 times kill -9",
                   f"{len(wanted)} recipients, {active} messages active, none lost, {extra} twice")
