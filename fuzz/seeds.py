#!/usr/bin/env python3
"""Raw seeds for every fuzz target, from what was observed (tests/vectors) and from a few texts by hand.

  fuzz/seeds.py FOLDER      writes FOLDER/TARGET/NAME

`./dev fuzz --merge` minimises them, with what was found since, into fuzz/corpus.
"""

import pathlib
import random
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
VECTORS = ROOT / "tests" / "vectors"
LARGEST = 6000  # bytes of a seed: small ones are mutated well

MAIN_CF = [
    "myhostname = mail.example.com\nmydomain = example.com\nqueue_directory = /var/spool/postfix\n",
    "# comment\n\n a stray line\nname = one\n  two\n  three\nempty =\nname = $empty ${name} $(name)\n",
    "a = $b$b$b\nb = $c$c$c\nc = $d$d$d\nd = x\n",
    "a = ${b?yes}${b:no}${b?{yes}:{no}}\nb = 1\n",
    "a = ${{$b} == {1} ? {yes} : {no}}\nb = 1\nc = ${{3.6} <=level {$compatibility_level}?{x}}\n",
    "a = $a\nbad line\n",
    "compatibility_level = 3.6\nsoft_bounce = yes\nqueue_run_delay = 5m\nminimal_backoff_time=300s\n",
]
PARAMETERS = [
    "default_destination_concurrency_limit = 7\nsmtp_destination_rate_delay = 1s\nsmtp_transport_rate_delay = 2\n",
    "default_destination_concurrency_positive_feedback = 1/concurrency\n"
    "default_destination_concurrency_negative_feedback = 0.5 / sqrt_concurrency\n",
    "qmgr_message_active_limit = 10\nqmgr_message_recipient_limit = 5\nbounce_queue_lifetime = 9d\n",
    "defer_transports = smtp, local\nfast_flush_domains = $relay_domains, !x.example, .y.example\n"
    "relay_domains = z.example\nin_flow_delay = 0\n",
    "smtp_initial_destination_concurrency = 0\nlocal_destination_recipient_limit = -1\n"
    "smtp_recipient_limit = 1\nsmtp_extra_recipient_limit=2\nsmtp_recipient_refill_delay=1w\n",
    "hash_queue_names = deferred, defer, active\nhash_queue_depth = 3\nsyslog_facility = local7\n"
    "maillog_file = /var/log/x\nweir_personality = oqmgr\nweir_brain = model\nqmgr_clog_warn_time = 0\n",
]
MASTER_CF = [
    "smtp inet n - y - - smtpd\n -o syslog_name=postfix/submission\n -o { name = with blanks }\n",
    "qmgr unix n - n 300 1 qmgr\nqmgr fifo n - n 300? 1 oqmgr -o x=y\n# comment\nrewrite unix - - y - - trivial-rewrite\n",
    "maildrop unix - n n - - pipe flags=DRXhu user=vmail\n argv=/usr/bin/maildrop -d ${recipient}\n",
    " stray\nbad\ninet inet - - - - - x\npostlog unix-dgram n - n - 1 postlogd\npass pass - - n - - y {a} {b c}\n",
]
OPTIONS = [
    ["qmgr", "-l", "-t", "fifo", "-u", "-c", "-v", "-v", "-o", "a=b", "-i", "100", "-m5", "-n", "qmgr"],
    ["/usr/lib/postfix/sbin/oqmgr", "-dDSVz", "-s", "2", "-oname=value", "--", "-x", "left"],
    ["nqmgr", "-o", "{ a = b }", "-i", "5s", "-s0", "-q"],
    ["3.7.11", "3.12-20260821", "3.9.1-RC2", "3.8.0-nonprod", "4.0", "017", "4294967296", "18"],
]
SCRIPT = "setup 4711\n# comment\narrive 17 4\ngreets 0 1\nserve_all 3 0\nadvance_far 4294967295 0\nrestart 0 0\n"


class Seeds:
    def __init__(self, folder):
        self.folder = folder
        self.random = random.Random(1)

    def add(self, target, name, data):
        if isinstance(data, str):
            data = data.encode()
        place = self.folder / target
        place.mkdir(parents=True, exist_ok=True)
        if len(data) <= LARGEST:
            (place / name).write_bytes(data)

    def queue_files(self):
        for file in sorted(VECTORS.glob("queue-files/**/*.queue")):
            data = file.read_bytes()
            for target, front in [("queue_file", b""), ("record", b""), ("weir_cat", b""), ("queue_refill", b"\0\2")]:
                self.add(target, file.stem, front + data)

    def wire(self):
        for file in sorted(VECTORS.glob("wire/*.bin")):
            data = file.read_bytes()
            number = int(file.name[:2])
            from_client = ".c2s." in file.name
            self.add("attr", file.stem, bytes([3, number % 6]) + data)
            if from_client:
                for who in range(16):
                    self.add("stand_in", f"{file.stem}-{who}", bytes([3, who]) + data)
            if number < 10:
                # The session's greeting is its own; with 0x20 the capture brings it.
                self.add("resolve", file.stem, b"\3\0" + (data if from_client else data[35:]))
                self.add("resolve", file.stem + "-greeting", b"\0\x20" + data)
            elif number < 30:
                greeting = data.find(b"\0\0") + 2
                self.add("delivery", file.stem, b"\3\2" + data if from_client else b"\3\1" + data[greeting:])
                self.add("delivery", file.stem + "-greeting", b"\3\0" + data[:greeting])
                if from_client:
                    self.add("delivery", file.stem + "-whole", b"\0\6" + data)
            elif number < 50:
                greeting = 0 if from_client else data.find(b"\0\0") + 2
                for service in range(5):
                    self.add("notify", f"{file.stem}-{service}", bytes([3, service]) + data[greeting:])
            else:
                self.add("trigger", file.stem, data)
                self.add("log_line", file.stem, data)

    def texts(self):
        for i, text in enumerate(MAIN_CF + PARAMETERS):
            self.add("main_cf", f"text-{i}", text)
            self.add("check_config", f"text-{i}", text.encode() + b"\0" + MASTER_CF[1].encode())
            for personality in range(3):
                self.add("parameters", f"text-{i}-{personality}", bytes([personality]) + text.encode())
        for i, text in enumerate(MASTER_CF):
            self.add("master_cf", f"text-{i}", text)
            self.add("check_config", f"master-{i}", b"\0" + text.encode())
        addresses = ["user@example.com", '"a b"@example.com', "@r1,@r2:user@x", 'a"b\\c@d@e', "4jXPF86npxz1bcHh"]
        for i, text in enumerate(addresses):
            self.add("address", f"text-{i}", text)
        for i, words in enumerate(OPTIONS):
            self.add("options", f"words-{i}", "\n".join(words))
        self.add("script", "text", SCRIPT)
        self.add("canary", "short", "abc")
        self.add("canary", "long", "abcdefgh")

    def scenarios(self):
        for file in sorted((ROOT / "tests/scenarios").glob("*.txt")):
            for i, text in enumerate(("\n" + file.read_text()).split("\n=== ")[1:]):
                self.add("scenario", f"{file.stem}-{i}", "=== " + text)

    def traces(self):
        for i, line in enumerate((ROOT / "tests/trace/every_line.trace").read_text().splitlines()):
            self.add("trace", f"line-{i}", line)
        page = (ROOT / "spec/trace.md").read_text()
        example = page[page.index('{"weir_trace":1,'):]
        example = example[: example.index("```")]
        self.add("judge", "example", example)
        self.add("trace", "example", example)
        lines = example.splitlines(keepends=True)
        for i in range(1, len(lines)):
            self.add("judge", f"without-{i}", "".join(lines[:i] + lines[i + 1 :]))
            self.add("judge", f"cut-{i}", "".join(lines[:i]))

    def noise(self):
        for i in range(44):
            script = bytearray(self.random.randbytes(4 + 9 * self.random.randrange(4, 60)))
            script[0] = (script[0] & 0xF0) | i % 11  # the aim of the setup
            self.add("lockstep", f"random-{i}", bytes(script))
            self.add("script", f"random-{i}", bytes(script[: 4 + 9 * 6]))
            words = b"\7queueid\x10user@example.com"
            self.add("log_line", f"random-{i}", bytes([i, i % 14]) + words + self.random.randbytes(60))


def main():
    seeds = Seeds(pathlib.Path(sys.argv[1]))
    seeds.queue_files()
    seeds.wire()
    seeds.texts()
    seeds.traces()
    seeds.scenarios()
    seeds.noise()


if __name__ == "__main__":
    main()
