"""The loads that are put on a server. Each returns what it measured as a dictionary of numbers."""

import contextlib
import os
import re
import shlex
import socket
import subprocess
import tempfile
import time

from servers import PEERS, TARGET, allow_many_files

# Goes before each command that is timed, so that one can, say, raise its priority, or wait for a quiet moment.
WRAPPER = shlex.split(os.environ.get("BENCH_WRAPPER", ""))

OPENLOOP = PEERS / "openloop"


def timed(command, core=None):
    """Runs a command that is timed, or that loads what is timed, on one core if one is named; gives what it prints."""
    prepare = (lambda: os.sched_setaffinity(0, {core})) if core is not None else None
    result = subprocess.run(
        [*WRAPPER, *map(str, command)], stdout=subprocess.PIPE, text=True, preexec_fn=prepare, check=False)
    if result.returncode:
        raise SystemExit(f"compare: {shlex.join(map(str, command))} failed:\n{result.stdout}")
    return result.stdout


def cost(running, load, seconds, core):
    """What a request costs the server under a load that keeps it as busy as the load generator can.

    `load` is called with seconds and a core, and gives the number of requests and requests a second.
    """
    load(min(seconds, 1), core)
    user, system = running.cpu()
    requests, rate = load(seconds, core)
    user_after, system_after = running.cpu()
    return {
        "user": (user_after - user) / requests * 1e6,
        "system": (system_after - system) / requests * 1e6,
        "rate": rate,
        "resident": running.resident(),
    }


def wrk(running, connections=64, pipeline=1):
    """HTTP/1.1: as many requests as come, so many at a time on each connection."""

    def load(seconds, core):
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", running.url]
            if pipeline > 1:
                script.write(
                    "init = function() local one = wrk.format('GET', '%s') all = string.rep(one, %d) end\n"
                    "request = function() return all end\n" % (TARGET, pipeline))
                script.flush()
                command[1:1] = ["-s", script.name]
            text = timed(command, core)
        if re.search(r"Non-2xx|Socket errors", text):
            raise SystemExit(f"compare: wrk met errors:\n{text}")
        requests = int(re.search(r"(\d+) requests in", text)[1])
        return requests, float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])

    return load


def h2load(running, connections=16, streams=32):
    """HTTP/2 with prior knowledge: as many requests as come, on so many connections with so many streams each."""

    def load(seconds, core):
        text = timed(["h2load", "-t1", f"-c{connections}", f"-m{streams}", "-D", seconds, running.url], core)
        done, succeeded, failed = (int(re.search(rf"(\d+) {word}", text)[1]) for word in ("done", "succeeded", "failed"))
        if failed or not succeeded:
            raise SystemExit(f"compare: h2load met errors:\n{text}")
        return done, float(re.search(r"([\d.]+) req/s", text)[1])

    return load


def speaks_http2(running):
    """Whether the server answers HTTP/2 with prior knowledge."""
    result = subprocess.run(["h2load", "-n1", "-c1", "-t1", running.url], capture_output=True, text=True, timeout=30)
    return "1 succeeded" in result.stdout and "status codes: 1 2xx" in result.stdout


def open_loop(running, connections, rate, seconds, core):
    """Requests at a given rate, whatever becomes of them: microseconds from when each was due to its answer."""
    words = timed([OPENLOOP, running.port, TARGET, connections, rate, seconds], core).split()
    return {name: float(value) for name, value in zip(words[::2], words[1::2])}


def idle(running, connections):
    """Bytes of resident memory that a connection costs which has sent one request and then nothing."""
    request = f"GET {TARGET} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()

    def connect():
        one = socket.create_connection(("127.0.0.1", running.port), timeout=30)
        one.sendall(request)
        assert one.recv(65536).startswith(b"HTTP/1.1 200"), "no answer"
        return one

    allow_many_files()
    with contextlib.ExitStack() as open_sockets:
        open_sockets.enter_context(connect())
        time.sleep(0.5)
        before = running.resident()
        for _ in range(connections):
            open_sockets.enter_context(connect())
        # What the server does about the last of them may follow its answer.
        time.sleep(1)
        after = running.resident()
    return {"connection": (after - before) / connections, "before": before, "after": after}
