#!/usr/bin/env python3
"""The queue manager of 2003 (weir_personality = nqmgr-2003, spec/personalities.md) under today's master(8): it runs and
delivers, and what a habit changes shows from outside.

Needs our own queue manager.
"""

from __future__ import annotations

import re
import sys
import time
from typing import Any

from instance import PrivatePostfix, check, equal, running, until
from live import Context, live, main

ROUTES = {"sink.example": "smtp:[127.0.0.1]:{ok}", "down.example": "smtp:[127.0.0.1]:{down}",
          "hard.example": "smtp:[127.0.0.1]:{hard}", "dead.example": "nosuch:"}


def profile(context: Context, **settings: str) -> Any:
    return running(context.qmgr, keep=context.keep, transport=ROUTES, ports=("ok", "down", "hard"),
                   settings={"weir_personality": "nqmgr-2003", "initial_destination_concurrency": "1",
                             "transport_retry_time": "3s", **settings})


def own_lines(post: PrivatePostfix, queue_id: str) -> list[str]:
    return [line for line in post.log.lines() if re.match(rf"qmgr: (warning: )?{queue_id}: ", line)]


def ours_only(context: Context) -> bool:
    if context.stock:
        context.notes.append("not for this binary")
    return not context.stock


@live("profile-delivers")
def delivers(context: Context) -> None:
    if not ours_only(context):
        return
    with profile(context) as post:
        sink, refusing = post.sink(post.ports["ok"]), post.sink(post.ports["hard"], "-f", "RCPT")
        tokens = [post.token() for _ in range(10)]
        ids = [post.sendmail("alice@box.example", [f"r{n}@sink.example" for n in range(4)], token=token)
               for token in tokens]
        for queue_id, token in zip(ids, tokens):
            post.wait_gone(queue_id)
            equal(sink.count(token), {f"r{n}@sink.example": 1 for n in range(4)}, "recipients at the sink")
            lines = own_lines(post, queue_id)
            check(len(lines) == 1 and lines[0].endswith("nrcpt=4 (queue active)"), f"unexpected log: {lines}")

        # A bounce is bounce(8)'s, and comes as ever; what was asked for with -v does not.
        token = post.token()
        asked = [post.sendmail("bob@box.example", ["x@hard.example"], ["-v"], token=token),
                 post.sendmail("carol@box.example", ["y@sink.example"], ["-v"])]
        post.wait_mail("bob@box.example", token)
        for queue_id in asked:
            post.wait_gone(queue_id)
        records = {path.name for path in (post.spool / "trace").glob("*")}
        equal(records, set(asked), "records of agents that nobody asks to be sent")
        check(not post.log.matching(r"bounce: \w+: sender delivery status notification"), "a trace report")

        # Silent is silent: the message is gone, and no line tells of its end.
        queue_id = post.sendmail("", ["double-bounce@test.example"])
        post.wait_gone(queue_id)
        check(len(own_lines(post, queue_id)) == 1, f"unexpected log: {own_lines(post, queue_id)}")
        refusing.stop()
        sink.stop()


@live("profile-defers")
def defers(context: Context) -> None:
    """Dead destinations and transports: own records, old texts, old times."""
    if not ours_only(context):
        return
    with profile(context) as post:
        first = post.sendmail("alice@box.example", ["x@down.example"])
        state = post.wait_in("deferred", first)
        check(int(state.st_ctime) + 1000 - state.st_mtime in (0, 1), "the next attempt is not 1000 s away")
        # One text for every kind of damage.
        post.place("incoming", "BAD1", b"no record of any kind", time.time() - 5)
        post.trigger(b"I")
        post.log.wait_for(r"qmgr: warning: saving corrupt file \"BAD1\"")
        equal([line for line in post.log.lines() if "BAD1: " in line],
              ["qmgr: warning: BAD1: envelope records out of order"], "lines about the damage")
        # One failure takes the window from 1 to 0.  The next message meets a dead destination.
        second = post.sendmail("alice@box.example", ["y@down.example"])
        post.wait_in("deferred", second)
        [line] = own_lines(post, second)[1:]
        check(re.fullmatch(rf"qmgr: {second}: to=<y@down\.example>, relay=none, delay=\d+, status=deferred "
                           r"\(connect to .*: Connection refused\)", line), f"unexpected log: {line}")

        # Waiting mail waits for its transport; new mail is deferred.
        kept = post.sendmail("alice@box.example", ["z@dead.example"])
        post.log.wait_for(r"qmgr: warning: connect to transport nosuch: No such file or directory")
        check(post.find(kept)[0] == "active", f"{kept} is not in active/")  # type: ignore
        late = post.sendmail("alice@box.example", ["z@dead.example"])
        post.wait_in("deferred", late)
        check("status=deferred (transport is unavailable)" in own_lines(post, late)[1], f"{own_lines(post, late)}")
        time.sleep(4)  # transport_retry_time: it is tried again, in vain
        check(post.find(kept)[0] == "active", f"{kept} is not in active/")  # type: ignore
        check(len(post.log.matching("connect to transport nosuch")) > 1, "the transport was not tried again")
        equal(own_lines(post, kept)[1:], [], "lines about it")


@live("profile-but-one")
def all_but_one(context: Context) -> None:
    """A habit of its own, and the profile without one."""
    if not ours_only(context):
        return
    for settings, removed, short in (({"weir_silent_removal": "no"}, True, True),
                                     ({"weir_personality": "qmgr", "weir_defers_itself": "yes"}, True, False)):
        with profile(context, **settings) as post:
            sink = post.sink(post.ports["ok"])
            queue_id = post.sendmail("alice@box.example", ["a@sink.example"])
            post.wait_gone(queue_id)
            until(lambda: bool(post.log.matching(rf"qmgr: {queue_id}: removed")) == removed, 5, "removed or not")
            post.wait_in("deferred", post.sendmail("alice@box.example", ["x@down.example"]))
            second = post.sendmail("alice@box.example", ["y@down.example"])
            post.wait_in("deferred", second)
            line = own_lines(post, second)[1]
            equal("delays=" not in line, short, f"the old text: {line}")
            check(", relay=none, " in line and "temporarily suspended" not in line, f"unexpected log: {line}")
            sink.stop()


if __name__ == "__main__":
    sys.exit(main(__doc__))
