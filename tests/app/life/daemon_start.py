"""Plays master(8) for one start of a queue manager binary, and tells what came of it.

Gives the program what it would inherit: descriptors 3 to 6, the environment, a queue directory with a postlog
socket in it. Standard library only; needs root.
"""
import contextlib
import os
import pwd
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

QUEUE_FOLDERS = ("incoming active deferred bounce defer corrupt hold flush saved trace maildrop pid private "
                 "public").split()

GOOD_MAIN_CF = {
    "compatibility_level": "3.6",
    "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4",
    "mydestination": "",
    "myhostname": "mx.test.example",
    "mydomain": "test.example",
    "mynetworks": "127.0.0.0/8",
    "mail_owner": "postfix",
    "setgid_group": "postdrop",
    "maillog_file": "/var/log/start.log",
    "alias_maps": "",
    "alias_database": "",
    "local_recipient_maps": "",
}


class Outcome:
    """What one run showed. `lines`: log lines without date, host and pid; `status`: exit code, negative = signal."""

    def __init__(self):
        self.lines, self.raw_lines, self.records = [], [], []
        self.status, self.stderr, self.alive, self.seconds, self.pid = None, "", False, 0.0, 0
        self.answers = []

    def comparable(self):
        return {"lines": self.lines, "status": self.status, "stderr": self.stderr, "alive": self.alive,
                "records": self.records}


class Stage:
    """A scratch instance. Use as a context manager."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="wl", dir="/tmp")
        os.chmod(self.dir, 0o755)
        self.queue, self.etc = self.dir + "/q", self.dir + "/e"
        owner = pwd.getpwnam("postfix")
        for folder in (self.queue, self.etc):
            os.mkdir(folder, 0o755)
        for name in QUEUE_FOLDERS:
            os.mkdir(f"{self.queue}/{name}", 0o755)
            os.chown(f"{self.queue}/{name}", 0 if name == "pid" else owner.pw_uid, -1)
        self.log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.log.bind(self.queue + "/public/postlog")
        os.chmod(self.queue + "/public/postlog", 0o666)
        self.log.setblocking(False)
        # ./binaries: each program under the names it is to be started by
        os.mkdir(self.dir + "/bin")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def main_cf(self, settings=None, text=None):
        """Good settings, changed by `settings` (None removes one); or exactly `text`."""
        if text is None:
            values = dict(GOOD_MAIN_CF, queue_directory=self.queue, data_directory=self.dir, **{})
            values.update(settings or {})
            text = "".join(f"{k} = {v}\n" for k, v in values.items() if v is not None)
        path = self.etc + "/main.cf"
        with open(path, "w") as file:
            file.write(text.replace("@QUEUE@", self.queue).replace("@DIR@", self.dir))
        os.utime(path, (time.time() - 100, time.time() - 100))  # not "just edited": that makes a start wait

    def run(self, binary, args=("-l", "-t", "unix", "-u"), name="qmgr", env=None, seconds=1.2, act=None, stdin=None,
            close=(), listener="unix", keep_fds=True):
        """Starts `binary` under `name`; `act(stage, outcome)` may talk to it; ends it after `seconds` if it lives."""
        with contextlib.ExitStack() as stack:
            return self._run(stack, binary, args, name, env, seconds, act, stdin, close, listener, keep_fds)

    def _run(self, stack, binary, args, name, env, seconds, act, stdin, close, listener, keep_fds):
        outcome = Outcome()
        path = f"{self.dir}/bin/{name}"
        if os.path.lexists(path):
            os.unlink(path)
        os.symlink(binary, path)
        flow_read, flow_write = os.pipe()
        os.set_blocking(flow_read, False)
        os.set_blocking(flow_write, False)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        trigger = self.queue + "/public/qmgr"
        if os.path.lexists(trigger):
            os.unlink(trigger)
        if listener == "fifo":
            os.mkfifo(trigger)
            public = os.open(trigger, os.O_RDWR | os.O_NONBLOCK)
        else:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.bind(trigger)
            os.chmod(trigger, 0o666)
            sock.listen(100)
            sock.setblocking(False)
            public = sock.detach()
        inherited = {3: flow_read, 4: flow_write, 5: theirs.fileno(), 6: public}
        high = {target: os.dup2(fd, 200 + target) for target, fd in inherited.items()}
        for fd in (flow_read, flow_write, public):
            os.close(fd)
        theirs.close()
        err_read, err_write = os.pipe()
        started = time.monotonic()
        pid = os.fork()
        if pid == 0:
            try:
                self._child(high, close, err_write, stdin, path, name, args, env, keep_fds)
            finally:
                os._exit(98)
        self.pid = outcome.pid = pid
        self.status_socket, self.flow = ours, high
        os.close(err_write)
        for fd in (high[5], high[6]):
            os.close(fd)
        stack.callback(ours.close)
        for fd in (high[3], high[4]):
            stack.callback(os.close, fd)
        try:
            if act:
                self.wait_idle(0.4)
                act(self, outcome)
            outcome.status = self._wait(seconds)
            outcome.seconds = time.monotonic() - started
        finally:
            if outcome.status is None:
                outcome.alive = True
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        outcome.stderr = self._read_all(err_read).replace(self.dir, "@DIR@").replace(f"[{pid}]", "[PID]")
        self.collect(outcome)
        return outcome

    def _child(self, high, close, err_write, stdin, path, name, args, env, keep_fds):
        null = os.open("/dev/null", os.O_RDWR)
        os.dup2(null if stdin is None else stdin, 0)
        os.dup2(null, 1)
        os.dup2(err_write, 2)
        if keep_fds:
            for target, fd in high.items():
                os.dup2(fd, target, inheritable=True)
        os.closerange(7 if keep_fds else 3, 1024)
        for fd in close:
            os.close(fd)
        os.chdir(self.queue)
        os.umask(0o077)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        environment = {"MAIL_CONFIG": self.etc, "MAIL_LOGTAG": "tagged", "LANG": "C", "GENERATION": "72", "TZ": "UTC",
                       "POSTLOG_SERVICE": self.queue + "/public/postlog", "POSTLOG_HOSTNAME": "early.test.example"}
        environment.update(env or {})
        os.execve(path, [name, *args], {k: v for k, v in environment.items() if v is not None})

    def _wait(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        return None

    def wait_idle(self, seconds):
        time.sleep(seconds)

    @staticmethod
    def _read_all(fd):
        data = b""
        while chunk := os.read(fd, 65536):
            data += chunk
        os.close(fd)
        return data.decode("latin-1")

    def collect(self, outcome):
        """Takes in what has been logged and reported to master so far."""
        while True:
            try:
                raw = self.log.recv(65536).decode("latin-1")
            except BlockingIOError:
                break
            outcome.raw_lines.append(raw)
            text = raw.replace(self.dir, "@DIR@").replace(f"[{outcome.pid}]", "[PID]")
            outcome.lines.append(re.sub(r"^\w{3} \d\d \d\d:\d\d:\d\d ", "", text))
        while select.select([self.status_socket], [], [], 0)[0]:
            try:
                data = self.status_socket.recv(12)
            except OSError:
                break
            if len(data) < 12:
                break
            pid, generation, state = struct.unpack("iIi", data)
            outcome.records.append(("self" if pid == outcome.pid else pid, generation, state))

    def connect(self):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.settimeout(15)
        client.connect(self.queue + "/public/qmgr")
        return client

    def trigger(self, data):
        """Sends one buffer; returns what came back until the daemon closed."""
        with self.connect() as client:
            client.sendall(data)
            answer = b""
            with contextlib.suppress(ConnectionError):
                while chunk := client.recv(100):
                    answer += chunk
            return answer
