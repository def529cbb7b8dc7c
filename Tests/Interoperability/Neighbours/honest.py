"""Honest clients, which make requests at a fixed rate and measure how long each answer takes.

A latency counts from when a request is due, not from when its connection is free. So a pause of the server for a second
shows in every request of that second, also in those of a connection that still waits for an answer.
"""

import collections
import dataclasses
import errno
import gc
import math
import multiprocessing
import multiprocessing.connection
import random
import re
import selectors
import socket
import time

from http2 import Address

#: How long clients wait for answers after the last request was due, in seconds. Requests without an answer then are lost.
PATIENCE = 3


@dataclasses.dataclass(frozen=True)
class Load:
    """Requests for `path` at `rate` a second, on kept-alive connections, or on a new one each if their number is 0."""

    name: str
    address: Address
    rate: float
    connections: int = 0
    path: str = "/plaintext"
    good_statuses: frozenset[int] = frozenset([200])

    @property
    def request(self) -> bytes:
        close = "" if self.connections else "Connection: close\r\n"
        return f"GET {self.path} HTTP/1.1\r\nHost: localhost\r\n{close}\r\n".encode()


@dataclasses.dataclass
class Sample:
    """The outcomes of a load's requests: seconds for each, including lost ones, and how many were lost."""

    latencies: list[float] = dataclasses.field(default_factory=list)
    lost: int = 0

    def percentile(self, part: float) -> float:
        """The latency that `part` of the requests, from 0 to 1, did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


class _Lane:
    """A connection, and the requests for it, of which one is in flight at a time. It connects for the first one.

    `sample` is where measurements go; requests that finish while it is None are not measured.
    """

    def __init__(self, load: Load, selector: selectors.BaseSelector):
        self.load, self._selector = load, selector
        self.sample: Sample | None = None
        #: The times since when unanswered requests have waited.
        self.waiting: collections.deque[float] = collections.deque()
        self._socket: socket.socket | None = None
        self._answer = b""

    def ask(self) -> None:
        self.waiting.append(time.monotonic())
        if len(self.waiting) == 1:
            self._begin()

    def _begin(self) -> None:
        self._answer = b""
        if self._socket:
            return self._send()
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(self._socket, selectors.EVENT_WRITE, self)
        if self._socket.connect_ex(self.load.address) not in (0, errno.EINPROGRESS):
            self._end(is_good=False, closes=True)

    def ready(self, events: int) -> None:
        """Handles `events`, which the selector has reported for the connection."""
        if events & selectors.EVENT_WRITE:
            assert self._socket
            self._selector.modify(self._socket, selectors.EVENT_READ, self)
            self._send()
        else:
            self._receive()

    def _send(self) -> None:
        assert self._socket
        try:
            self._socket.sendall(self.load.request)
        except OSError:
            self._end(is_good=False, closes=True)

    def _receive(self) -> None:
        assert self._socket
        try:
            received = self._socket.recv(65_536)
        except OSError:
            received = b""
        if not received:
            return self._end(is_good=False, closes=True)
        self._answer += received
        if answer := _WHOLE_ANSWER.match(self._answer):
            length = int(answer[2])
            if len(self._answer) >= answer.end() + length:
                self._end(is_good=int(answer[1]) in self.load.good_statuses, closes=not self.load.connections)

    def _end(self, *, is_good: bool, closes: bool) -> None:
        """Ends the request in flight, if there is one, and starts the next."""
        if closes:
            self.close()
        if self.waiting:
            self._record(time.monotonic() - self.waiting.popleft(), is_good)
        if self.waiting:
            self._begin()

    def _record(self, latency: float, is_good: bool) -> None:
        if self.sample:
            self.sample.latencies.append(latency)
            self.sample.lost += not is_good

    def give_up(self) -> None:
        """Counts all unanswered requests as lost."""
        now = time.monotonic()
        while self.waiting:
            self._record(now - self.waiting.popleft(), is_good=False)
        self.close()

    def close(self) -> None:
        if self._socket:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None


_WHOLE_ANSWER = re.compile(rb"HTTP/1\.1 (\d{3}) (?:.*\r\n)*?Content-Length: (\d+)\r\n(?:.+\r\n)*\r\n", re.IGNORECASE)


class _Clients:
    """The clients of several loads, in one loop."""

    def __init__(self, loads: list[Load]):
        self._loads = loads
        self._selector = selectors.DefaultSelector()
        self._kept = {load.name: [_Lane(load, self._selector) for _ in range(load.connections)] for load in loads}

    def connect(self) -> None:
        """Opens the kept-alive connections, each with a request that is not measured."""
        lanes = [lane for lanes in self._kept.values() for lane in lanes]
        for lane in lanes:
            lane.ask()
        self._run_until(time.monotonic() + PATIENCE, lanes)

    def measure(self, seconds: float) -> dict[str, Sample]:
        samples = {load.name: Sample() for load in self._loads}
        start = time.monotonic()
        lanes: list[_Lane] = []
        for due, load, number in self._schedule(seconds):
            self._run_until(start + due)
            kept = self._kept[load.name]
            lane = kept[number % len(kept)] if kept else _Lane(load, self._selector)
            lane.sample = samples[load.name]
            if not kept or number < len(kept):
                lanes.append(lane)
            lane.ask()
        self._run_until(start + seconds + PATIENCE, lanes)
        for lane in lanes:
            lane.give_up()
        return samples

    def _schedule(self, seconds: float) -> list[tuple[float, Load, int]]:
        """The time at which each request is due: random within its interval, but the same in each run."""
        dice = random.Random(1)
        schedule = [
            ((number + dice.random()) / load.rate, load, number)
            for load in self._loads for number in range(int(seconds * load.rate))
        ]
        return sorted(schedule, key=lambda request: request[0])

    def _run_until(self, end: float, lanes: list[_Lane] | None = None) -> None:
        """Handles the connections until `end`, or until none of `lanes`, if there are any, waits."""
        while (left := end - time.monotonic()) > 0 and (lanes is None or any(lane.waiting for lane in lanes)):
            for key, events in self._selector.select(left):
                key.data.ready(events)


class HonestClients:
    """Honest clients in a process of their own, whose kept-alive connections are open from the beginning."""

    def __init__(self, loads: list[Load], seconds: float):
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.Process(target=_serve, args=(theirs, loads, seconds), daemon=True)
        self._process.start()
        theirs.close()
        self._pipe.recv()

    def begin(self) -> None:
        self._pipe.send("begin")

    @property
    def result_is_there(self) -> bool:
        return self._pipe.poll()

    def result(self) -> dict[str, Sample]:
        samples: dict[str, Sample] = self._pipe.recv()
        return samples

    def __enter__(self) -> "HonestClients":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()


def _serve(pipe: multiprocessing.connection.Connection, loads: list[Load], seconds: float) -> None:
    # A garbage collection would show as a delay.
    gc.disable()
    clients = _Clients(loads)
    clients.connect()
    pipe.send("connected")
    pipe.recv()
    pipe.send(clients.measure(seconds))
