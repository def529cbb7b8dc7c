"""The loads on a server. Each returns its measurements as a dictionary of numbers."""

import contextlib
import json
import os
import re
import shlex
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from servers import BENCHMARKS, DOWNLOAD_TARGET, PEERS, TARGET, allow_many_files, client_context

# A prefix of each timed command, for example to raise its priority or to wait for a quiet moment.
WRAPPER = shlex.split(os.environ.get("BENCH_WRAPPER", ""))

OPENLOOP = PEERS / "openloop"
METER = str(BENCHMARKS / "comparison/meter.py")
HANDSHAKES = str(BENCHMARKS / "comparison/handshakes.py")


# A sample is repeated, up to a number of times, if other processes used more than this part of the machine meanwhile.
DISTURBED = 0.03
ATTEMPTS = 4


class Meter:
    """The machine's activity while commands ran."""

    def __init__(self):
        self.elapsed = self.busy = self.own = 0

    def add(self, meter):
        self.elapsed += meter["elapsed"]
        self.busy += meter["busy"]
        self.own += meter["own"]

    def others(self, server):
        """The part of the machine that other processes used, besides the commands and `server` seconds of the server."""
        return max(0, self.busy - self.own - server) / (self.elapsed * os.cpu_count())


def timed(command, core=None, meter=None):
    """Runs a command that is timed, or that loads the timed server, on one core if one is given; returns its output."""
    prepare = (lambda: os.sched_setaffinity(0, {core})) if core is not None else None
    command = [str(word) for word in command]
    result = subprocess.run(
        [*WRAPPER, sys.executable, "-B", METER, *command], stdout=subprocess.PIPE, text=True, preexec_fn=prepare)
    text, _, metered = result.stdout.rstrip().rpartition("\n")
    if result.returncode:
        raise SystemExit(f"compare: {shlex.join(command)} failed:\n{text}")
    if meter:
        meter.add(json.loads(metered))
    return text


def undisturbed(running, measure):
    """Calls `measure` with a meter until nothing disturbs it, or a number of times, and returns the least disturbed sample.

    `running` is the measured server, or None if the commands themselves are measured.
    """
    best = None
    for _ in range(ATTEMPTS):
        before = sum(running.cpu()) if running else 0
        meter = Meter()
        sample = measure(meter)
        sample["others"] = meter.others(sum(running.cpu()) - before if running else 0)
        if best is None or sample["others"] < best["others"]:
            best = sample
        if best["others"] <= DISTURBED:
            break
    return best


def cost(running, load, seconds, core):
    """The cost of a request for the server under the greatest load that the load generator can make.

    `load` takes seconds, a core and a meter, and returns the number of requests and requests a second, or those of
    another unit that it counts.
    """

    def measure(meter):
        user, system = running.cpu()
        requests, rate = load(seconds, core, meter)
        if not requests:
            raise SystemExit(f"compare: nothing was done in {seconds} s: is the machine busy?")
        user_after, system_after = running.cpu()
        return {
            "user": (user_after - user) / requests * 1e6,
            "system": (system_after - system) / requests * 1e6,
            "rate": rate,
            "resident": running.resident(),
        }

    load(1, core, None)
    return undisturbed(running, measure)


def wrk(running, connections=64, pipeline=1):
    """HTTP/1.1: requests at full speed, so many at a time on each connection."""

    def load(seconds, core, meter):
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", running.url]
            if pipeline > 1:
                script.write(
                    "init = function() local one = wrk.format('GET', '%s') all = string.rep(one, %d) end\n"
                    "request = function() return all end\n" % (TARGET, pipeline))
                script.flush()
                command[1:1] = ["-s", script.name]
            text = timed(command, core, meter)
        if re.search(r"Non-2xx|Socket errors", text):
            raise SystemExit(f"compare: wrk met errors:\n{text}")
        requests = int(re.search(r"(\d+) requests in", text)[1])
        return requests, float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])

    return load


def h2load(running, connections=16, streams=32):
    """HTTP/2 with prior knowledge, or by ALPN: requests at full speed, on so many streams of so many connections."""

    def load(seconds, core, meter):
        command = ["h2load", "-t1", f"-c{connections}", f"-m{streams}", "-D", seconds, running.url]
        text = timed(command, core, meter)
        counts = {word: int(count) for count, word in re.findall(r"(\d+) (done|succeeded|failed)", text)}
        if counts["failed"] or not counts["succeeded"]:
            raise SystemExit(f"compare: h2load met errors:\n{text}")
        return counts["done"], float(re.search(r"([\d.]+) req/s", text)[1])

    return load


def handshakes(running, kind):
    """Connections over TLS at full speed, with a `full` or `resumed` handshake and one request on each."""

    def load(seconds, core, meter):
        command = [sys.executable, "-B", HANDSHAKES, running.port, TARGET, seconds, kind]
        count, rate = timed(command, core, meter).split()
        return int(count), float(rate)

    return load


def download(running):
    """Downloads of a large file, repeated on one connection; it counts megabytes."""

    def load(seconds, core, meter):
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            # Counts bytes, since the last download may be incomplete.
            script.write("done = function(summary) print('bytes', summary.bytes, 'us', summary.duration) end\n")
            script.flush()
            command = ["wrk", "-t1", "-c1", f"-d{seconds}s", "--timeout", "30", "-s", script.name]
            text = timed([*command, running.base + DOWNLOAD_TARGET], core, meter)
        if re.search(r"Non-2xx|Socket errors", text):
            raise SystemExit(f"compare: wrk met errors:\n{text}")
        count, microseconds = map(float, re.search(r"bytes\s+(\S+)\s+us\s+(\S+)", text).groups())
        return count / 1e6, count / microseconds

    return load


def agreed(running):
    """The version, cipher, key and curve that openssl negotiates with a server."""
    result = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{running.port}", "-brief"], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=30)
    found = dict(re.findall(r"^([^:\n]+): (.*)$", result.stderr, re.MULTILINE))
    try:
        return ", ".join(found[name] for name in (
            "Protocol version", "Ciphersuite", "Signature type", "Server Temp Key"))
    except KeyError:
        raise SystemExit(f"compare: openssl agrees upon nothing:\n{result.stderr}") from None


def speaks_http2(running):
    """Whether the server answers HTTP/2 with prior knowledge, or by ALPN."""
    result = subprocess.run(["h2load", "-n1", "-c1", "-t1", running.url], capture_output=True, text=True, timeout=30)
    return "1 succeeded" in result.stdout and "status codes: 1 2xx" in result.stdout


def open_loop(running, connections, rate, seconds, core):
    """Requests at a given rate, independent of the answers: microseconds from when each was due to its answer."""

    def measure(meter):
        words = timed([OPENLOOP, running.port, TARGET, connections, rate, seconds], core, meter).split()
        return {name: float(value) for name, value in zip(words[::2], words[1::2])}

    return undisturbed(running, measure)


OVERLOAD = PEERS / "overload"
# Seconds at half of the peak before the overload, of the overload, and at half of the peak after it.
CALM, STORM, AFTER = 2, 5, 3
# Milliseconds of one part of the result.
PART = 100


def overload(running, target, connections, times, seconds, core):
    """The outcomes of requests at several times the rate that the server can answer, and how soon afterwards the server
    recovers. Latencies are in microseconds from when a request was due; a `good` request has a 200 within a tenth of
    a second of that."""

    def measure(meter):
        # Few connections, so that no request waits long enough for the server to refuse it.
        text = timed(
            ["wrk", "-t1", "-c4", f"-d{seconds}s", "-H", "Accept-Encoding: gzip", running.base + target], core, meter)
        assert "Non-2xx" not in text, f"not all requests of a moderate load were answered:\n{text}"
        peak = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
        phases = [peak / 2, CALM, peak * times, STORM, peak / 2, AFTER]
        lines = timed([OVERLOAD, running.port, target, connections, PART, *map(round, phases)], core, meter).splitlines()
        names = ("begin", "due", "good", "late", "refused", "lost", "p50", "p99", "longest")
        parts = [dict(zip(names, map(float, line.split()))) for line in lines]
        # Leaves out the first second of the overload, in which the server detects it.
        storm = [part for part in parts if (CALM + 1) * 1000 <= part["begin"] < (CALM + STORM) * 1000]
        due = sum(part["due"] for part in storm)
        good = [part for part in storm if part["good"]]
        after = [part for part in parts if part["begin"] >= (CALM + STORM) * 1000]
        ill = [part["begin"] for part in after if part["good"] < 0.95 * part["due"]]
        return {
            "peak": peak,
            "goodput": sum(part["good"] for part in storm) / (STORM - 1) / peak,
            **{name: sum(part[name] for part in storm) / due for name in ("late", "refused", "lost")},
            "p50": statistics.median(part["p50"] for part in good) if good else 0,
            "p99": statistics.median(part["p99"] for part in good) if good else 0,
            "recovery": max(ill) + PART - (CALM + STORM) * 1000 if ill else 0,
        }

    return undisturbed(running, measure)


def _ask(one):
    """Sends a request by HTTP/1.1, and reads the response."""
    one.sendall(f"GET {TARGET} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    received = b""
    while not received.endswith(b"\r\n\r\nHello, World!"):
        more = one.recv(65536)
        assert more, "no answer"
        received += more


def _ask_http2(one):
    """Opens HTTP/2 with prior knowledge, sends a request, and reads to the end of its stream (RFC 9113)."""
    data, settings, end_stream, end_headers, acknowledgement = 0, 4, 1, 4, 1
    # In HPACK (RFC 7541): GET and http indexed, the path and the authority as literals.
    head = b"\x82\x86\x04" + bytes([len(TARGET)]) + TARGET.encode() + b"\x01\x09127.0.0.1"
    one.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(settings) + _frame(settings, acknowledgement)
                + _frame(1, end_stream | end_headers, 1, head))
    received = b""
    while True:
        more = one.recv(65536)
        assert more, "no answer"
        received += more
        while len(received) >= 9 and len(received) >= (end := 9 + int.from_bytes(received[:3], "big")):
            kind, flags = received[3:5]
            if kind == data and flags & end_stream:
                return
            received = received[end:]


def _frame(kind, flags=0, stream=0, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def idle(running, connections, http2=False):
    """The resident memory, in bytes, of a connection that has sent one request and then nothing.

    At the end each connection of HTTP/1.1 has to answer another request.
    """
    ask = _ask_http2 if http2 else _ask
    context = client_context(["h2"] if http2 else [])

    def connect():
        one = socket.create_connection(("127.0.0.1", running.port), timeout=30)
        if running.is_secure:
            one = context.wrap_socket(one)
        ask(one)
        return one

    allow_many_files()
    with contextlib.ExitStack() as open_sockets:
        open_sockets.enter_context(connect())
        time.sleep(0.5)
        before = running.resident()
        all_of_them = [open_sockets.enter_context(connect()) for _ in range(connections)]
        # The server may still work on the last connections for a while after its answers.
        time.sleep(3)
        after = running.resident()
        if not http2:
            for one in all_of_them:
                ask(one)
    return {"connection": (after - before) / connections, "before": before, "after": after}
