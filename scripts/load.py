"""Shared by the checks of restarts and crashes: the web app as a process, and clients that distinguish how a request can
fail.

Load generators alone do not suffice. wrk counts a connection that is closed while idle as a read error. h2load opens no new
connection after `Connection: close` or GOAWAY and counts unsent requests as failed. These clients do exactly what RFC 9112
(section 9.3) and RFC 9113 (section 6.8) ask of a client: they never repeat a request.
"""

import collections
import contextlib
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNTIMES = ("custom", "dispatch", "concurrency")
#: The time limit of steps that take a moment on a quiet machine, in seconds.
PATIENCE = 60


class App:
    """The web app as a process. A file keeps its standard error."""

    def __init__(self, program, runtime, *flags, listener=None, environment=None):
        self.errors = tempfile.TemporaryFile("w+")
        # A backtrace takes seconds, during which the process does not serve but has not ended either.
        environment = os.environ | {"RUNTIME": runtime, "SWIFT_BACKTRACE": "enable=no"} | (environment or {})
        command = [str(program), *flags]
        descriptors = ()
        if listener:
            descriptors = (listener.fileno(),)
            command = ["bash", "-c", f'exec 3<&{listener.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@"', *command]
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=self.errors, text=True, pass_fds=descriptors)
        line = self.process.stdout.readline()
        match = re.search(r"http://([\d.]+):(\d+)", line)
        if not match:
            raise AssertionError(f"it did not start: {line!r}\n{self.log()}")
        self.address = (match[1], int(match[2]))

    def signal(self, number):
        self.process.send_signal(number)

    def end(self, status=0):
        """Waits for the end of a process that was told to end."""
        found = self.process.wait(PATIENCE)
        self.process.stdout.close()
        if found != status:
            raise AssertionError(f"it ended with {found} and not with {status}\n{self.log()}")

    def stop(self):
        self.signal(signal.SIGTERM)
        self.end()

    def log(self):
        self.errors.seek(0)
        return self.errors.read()

    def complaints(self):
        """The lines of standard error, except reports of stalls, which a busy machine may cause."""
        return "\n".join(line for line in self.log().splitlines() if "stall: " not in line)

    def children(self):
        """The child processes that it has not waited for yet."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return {int(number) for number in path.read_text().split()}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        children = set() if self.process.poll() is not None else self.children()
        self.process.kill()
        self.process.wait()
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


def listen():
    """A listening socket, to be handed over."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    return listener


def wait_until(what, holds):
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"not so after {PATIENCE} s: {what}")
        time.sleep(0.01)


def require(*packages):
    """Installs the Debian packages of missing programs. Each argument is a program and its package."""
    missing = [package for program, package in packages if not shutil.which(program)]
    if missing:
        subprocess.run(["apt-get", "update"], check=True)
        subprocess.run(
            ["apt-get", "install", "--yes", "--no-install-recommends", *missing], check=True,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"})


class Refused(Exception):
    """The connection was refused."""


class Unheard(Exception):
    """The first request of a connection was not answered: the server may never have accepted the connection."""


class Lost(Exception):
    """A request was not answered, or not completely, on a connection that had served others."""


class HTTP1:
    """A client of HTTP/1.1 that keeps its connection as long as the server does, or opens one for each request."""

    def __init__(self, address, target, keeps=True):
        self.address, self.target, self.keeps = address, target, keeps
        self.connection = None
        self.answer = b""

    def exchange(self):
        """Makes a request, and stores the response in `answer`."""
        if self.connection and select.select([self.connection], [], [], 0)[0]:
            self.close()  # Readable before the request was sent: the server has closed the connection.
        is_first = self.connection is None
        if is_first:
            self.connection = connect(self.address)
        fields = "" if self.keeps else "Connection: close\r\n"
        answer = b""
        try:
            self.connection.sendall(f"GET {self.target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n".encode())
            while not (whole := self.is_whole(answer)):
                received = self.connection.recv(65536)
                if not received:
                    break
                answer += received
        except OSError:
            whole = False
        if not whole:
            self.close()
            raise Unheard() if is_first and not answer else Lost()
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise AssertionError(f"not what was asked for: {answer[:200]!r}")
        self.answer = answer
        if re.search(rb"\r\nConnection: close\r\n", answer, re.IGNORECASE):
            self.close()
        return 1

    @staticmethod
    def is_whole(answer):
        head, end, content = answer.partition(b"\r\n\r\n")
        length = re.search(rb"\r\nContent-Length: (\d+)", head, re.IGNORECASE)
        return bool(end and length) and len(content) >= int(length[1])

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


class HTTP2:
    """A client of HTTP/2 that makes a few requests at once, and starts none on a connection after GOAWAY."""

    STREAMS = 8
    DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8

    def __init__(self, address, target):
        self.address, self.target = address, target
        self.connection = None

    def exchange(self):
        """Makes some requests, and returns the number of answered ones."""
        is_first = self.connection is None
        if is_first:
            self.connection = connect(self.address)
            self.buffer, self.next, self.last, self.has_served = b"", 1, None, False
        streams = set(range(self.next, self.next + 2 * self.STREAMS, 2))
        self.next += 2 * self.STREAMS
        # Indexed: GET, http; literal without indexing: :path, :authority (RFC 7541).
        path = self.target.encode()
        block = b"\x82\x86\x04" + bytes([len(path)]) + path + b"\x01\x01a"
        answered = 0
        try:
            start = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self.frame(self.SETTINGS, 0, 0) if is_first else b""
            self.connection.sendall(start + b"".join(self.frame(self.HEADERS, 5, stream, block) for stream in sorted(streams)))
            taken = 0
            while streams:
                kind, flags, stream, payload = self.receive()
                if kind == self.SETTINGS and not flags & 1:
                    self.connection.sendall(self.frame(self.SETTINGS, 1, 0))
                elif kind == self.PING and not flags & 1:
                    self.connection.sendall(self.frame(self.PING, 1, 0, payload))
                elif kind == self.GOAWAY:
                    self.last = struct.unpack(">I", payload[:4])[0]
                    # The server did not process those (RFC 9113 section 6.8), so they count as unsent.
                    streams = {stream for stream in streams if stream <= self.last}
                elif kind == self.RST_STREAM:
                    raise AssertionError(f"a stream was reset: {payload!r}")
                elif kind in (self.HEADERS, self.DATA):
                    if kind == self.HEADERS and payload[:1] != b"\x88":
                        raise AssertionError(f"not a 200: {payload!r}")
                    taken += len(payload) if kind == self.DATA else 0
                    if flags & 1:
                        streams.discard(stream)
                        answered += 1
            if taken:
                self.connection.sendall(self.frame(self.WINDOW_UPDATE, 0, 0, struct.pack(">I", taken)))
        except OSError:
            if streams:
                self.close()
                raise (Lost() if self.has_served or answered else Unheard()) from None
        self.has_served = True
        if self.last is not None:
            self.close()
        return answered

    @staticmethod
    def frame(kind, flags, stream, payload=b""):
        return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload

    def receive(self):
        def need(count):
            while len(self.buffer) < count:
                received = self.connection.recv(65536)
                if not received:
                    raise ConnectionResetError()
                self.buffer += received
        need(9)
        length = int.from_bytes(self.buffer[:3])
        kind, flags, stream = struct.unpack(">BBI", self.buffer[3:9])
        need(9 + length)
        payload, self.buffer = self.buffer[9:9 + length], self.buffer[9 + length:]
        return kind, flags, stream, payload

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


def connect(address):
    try:
        return socket.create_connection(address, timeout=PATIENCE)
    except OSError as error:
        raise Refused() from error


class Load:
    """Clients that make one request after another until stopped, and the outcomes of their requests."""

    def __init__(self, address, target="/plaintext", kept=4, single=3, http2=2, pause=0.002):
        self.address, self.pause = address, pause
        self.counts = collections.Counter()
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        makers = (
            [lambda: HTTP1(address, target)] * kept + [lambda: HTTP1(address, target, keeps=False)] * single
            + [lambda: HTTP2(address, target)] * http2)
        self._threads = [threading.Thread(target=self._run, args=(make(),)) for make in makers]

    def _run(self, client):
        while not self._is_over.is_set():
            try:
                what, count = "answered", client.exchange()
            except (Refused, Unheard, Lost) as failure:
                what, count = type(failure).__name__.lower(), 1
            except AssertionError as failure:
                what, count = str(failure), 1
                client.close()
            with self._lock:
                self.counts[what] += count
            self._is_over.wait(self.pause)
        client.close()

    @property
    def answered(self):
        with self._lock:
            return self.counts["answered"]

    def goes_on(self, count=200):
        """Waits until so many more requests have been answered."""
        goal = self.answered + count
        wait_until("more requests are answered", lambda: self.answered >= goal)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def expect(self, *allowed):
        """Expects no failures except those of the kinds in `allowed`."""
        wrong = {what: count for what, count in self.counts.items() if what not in ("answered", *allowed)}
        if wrong or not self.counts["answered"]:
            raise AssertionError(f"of the requests, beside {self.counts['answered']} that were answered: {wrong}")
        return ", ".join(f"{count} {what}" for what, count in sorted(self.counts.items()))


@contextlib.contextmanager
def wrk(address):
    """Runs wrk while the body runs. The list it yields has wrk's connection errors afterwards."""
    errors = []
    command = ["wrk", "--threads=1", "--connections=16", "--duration=600s", "http://%s:%d/plaintext" % address]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield errors
    finally:
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=60)[0]
        match = re.search(r"Socket errors: (.*)", output)
        errors += [match[1]] if match else []
        assert re.search(r"[1-9]\d* requests in", output), output
        assert "Non-2xx" not in output, output


def main(check, name, short):
    """Runs `check(program, runtime)` on each runtime, or on one with --short, and reports the outcome."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--short"]
    is_short = "--short" in sys.argv
    program = Path(arguments[0]) if arguments else ROOT / ".build/release/WebApp"
    for runtime in short if is_short else RUNTIMES:
        try:
            check(program, runtime, is_short)
        except AssertionError as error:
            raise SystemExit(f"{name}: {runtime}: {error}") from None
