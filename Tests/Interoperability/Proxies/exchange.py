"""Tests the web app through nginx and HAProxy.

    python3 exchange.py ADDRESS [--short]

Everything that works without a proxy has to work. The script ends with 1 at the first failure, and prints it.
"""

import contextlib
import http.client
import json
import os
import socket
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from proxies import Proxy, haproxy, nginx, wait_until

#: The sockets of each proxy.
ROUTES = {"nginx": ["buffered", "unbuffered"], "haproxy": ["http1", "http2"]}
STREAMS = 100
MEGABYTE = 1024 * 1024


class Client(http.client.HTTPConnection):
    """A client of HTTP/1.1 that connects to a proxy's socket, and keeps its connection if the proxy does."""

    def __init__(self, proxy: Proxy, name: str):
        super().__init__("localhost")
        self._proxy, self._name = proxy, name

    def connect(self) -> None:
        self.sock = self._proxy.connect(self._name)

    def exchange(
        self, method: str, path: str, body: bytes | Iterator[bytes] | None = None
    ) -> tuple[int, bytes, http.client.HTTPMessage]:
        """Makes a request, and reads the response."""
        self.request(method, path, body, encode_chunked=True)
        response = self.getresponse()
        return response.status, response.read(), response.headers


def expect(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise AssertionError(f"{what}: {found!r} and not {wanted!r}")


def chunks(content: bytes) -> Iterator[bytes]:
    """`content` in pieces, without a known length."""
    for start in range(0, len(content), 16_384):
        yield content[start:start + 16_384]


def check_pages(proxy: Proxy, name: str) -> None:
    with contextlib.closing(Client(proxy, name)) as client:
        for _ in range(3):
            expect("/plaintext", client.exchange("GET", "/plaintext")[:2], (200, b"Hello, World!"))
            status, page, head = client.exchange("HEAD", "/plaintext")
            expect("HEAD /plaintext", (status, page, head["Content-Length"]), (200, b"", "13"))
            expect("/nowhere", client.exchange("GET", "/nowhere")[0], 404)
            expect("/favicon.ico", client.exchange("GET", "/favicon.ico")[:2], (204, b""))
            expect("BREW /", client.exchange("BREW", "/")[0], 501)


def check_uploads(proxy: Proxy, name: str) -> None:
    """Content comes back whole, chunked or not. The sizes are small for a client that reads only after it has sent all."""
    with contextlib.closing(Client(proxy, name)) as client:
        for size in 0, 1, 20_000, 60_000:
            content = os.urandom(size)
            expect(f"/echo of {size}", client.exchange("POST", "/echo", content)[:2], (200, content))
            expect(f"/echo of {size} in chunks", client.exchange("POST", "/echo", chunks(content))[:2], (200, content))
    content = os.urandom(3 * MEGABYTE)
    expect("/echo of 3 MiB", echo(proxy, name, content) == content, True)


def echo(proxy: Proxy, name: str, content: bytes) -> bytes:
    """The response of `/echo` to `content`, for a client that reads while it sends."""
    with proxy.connect(name) as connection:
        head = f"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {len(content)}\r\n\r\n"
        sender = threading.Thread(target=send_all, args=(connection, head.encode() + content))
        sender.start()
        response = http.client.HTTPResponse(connection)
        response.begin()
        received = response.read()
        sender.join()
        return received


def send_all(connection: socket.socket, data: bytes) -> None:
    # If the proxy closes early, the reading side sees it.
    with contextlib.suppress(OSError):
        connection.sendall(data)


def check_early_answers(proxy: Proxy, name: str) -> None:
    """Answers that come before the request's content are not lost, nor is the next request that the proxy passes on.

    The proxy decides about the client's own connection. Some proxies close it without announcing it.
    """
    with contextlib.closing(Client(proxy, name)) as client:
        for size in 1, 60_000, MEGABYTE:
            for path, status in [("/nowhere", 404), ("/plaintext", 405)]:
                for body in bytes(size), chunks(bytes(size)):
                    expect(f"{size} bytes to {path}", early(client, path, body), status)
                    client.close()
                    expect("the next request", client.exchange("GET", "/plaintext")[:2], (200, b"Hello, World!"))


def early(client: Client, path: str, body: bytes | Iterator[bytes]) -> int:
    """The status of the answer to an upload, even if it comes before the whole upload is sent."""
    try:
        client.request("POST", path, body, encode_chunked=True)
    except (BrokenPipeError, ConnectionResetError):
        # The proxy has stopped reading: it has answered, and closed the connection.
        response = http.client.HTTPResponse(client.sock)
        response.begin()
        client.close()
        return response.status
    response = client.getresponse()
    response.read()
    return response.status


def check_cancelled_streams(proxy: Proxy, name: str, rounds: int, in_flight: Callable[[], int]) -> None:
    """Hundreds of cancelled event streams do not affect other streams, and leave no requests behind."""
    with others_served(proxy, name):
        for _ in range(rounds):
            streams = [proxy.connect(name) for _ in range(STREAMS)]
            for stream in streams:
                stream.sendall(b"GET /stream?ms=50 HTTP/1.1\r\nHost: a\r\n\r\n")
            for number, stream in enumerate(streams):
                received = b""
                while b"event: tick" not in received:
                    piece = stream.recv(4096)
                    expect(f"stream {number} goes on", bool(piece), True)
                    received += piece
                expect(f"stream {number}", received.split()[1], b"200")
            for stream in streams:
                stream.close()
    # The one is the request for the number itself.
    wait_until("the streams have ended", lambda: in_flight() <= 1)


def check_impatience(proxy: Proxy, name: str, in_flight: Callable[[], int]) -> None:
    """Hundreds of clients that give up waiting do not affect other clients either."""
    with others_served(proxy, name):
        for _ in range(4):
            clients = [proxy.connect(name) for _ in range(STREAMS)]
            for client in clients:
                client.sendall(b"GET /sleep?ms=60000 HTTP/1.1\r\nHost: a\r\n\r\n")
            wait_until("they wait", lambda: in_flight() > STREAMS)
            # A client that disconnects sooner counts as an attacker. The server's ticks are a second long.
            time.sleep(2.2)
            for client in clients:
                client.close()
            wait_until("they have gone", lambda: in_flight() < STREAMS)


def check_reload(proxy: Proxy, name: str) -> None:
    """A reload interrupts no answer that has begun. The old processes may close new connections."""
    with others_served(proxy, name, forgives=http.client.RemoteDisconnected):
        proxy.reload()


@contextlib.contextmanager
def others_served(
    proxy: Proxy, name: str, forgives: type[Exception] | tuple[()] = ()
) -> Iterator[None]:
    """Makes small requests, each on a connection of its own, and expects successful answers until the end.

    `forgives` is the error that does not count.
    """
    is_over, failures, count = threading.Event(), [], 0

    def ask() -> None:
        nonlocal count
        while not failures and not (is_over.is_set() and count > 0):
            try:
                with contextlib.closing(Client(proxy, name)) as client:
                    expect("a request beside", client.exchange("GET", "/plaintext")[:2], (200, b"Hello, World!"))
            except forgives:
                pass
            except (AssertionError, OSError, http.client.HTTPException) as error:
                failures.append(error)
            count += 1
            is_over.wait(0.005)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
    if failures:
        raise AssertionError(f"after {count} requests beside: {failures[0]!r}")


def check_health(proxy: Proxy) -> None:
    """HAProxy reports the app as healthy by each kind of check, and has never taken it out of service."""
    wait_until(
        "every check has passed",
        lambda: all(row["status"] == "UP" and row["check_status"].startswith("L7OK") for row in proxy.health().values()),
        explain=lambda: str({name: (row["status"], row["check_status"]) for name, row in proxy.health().items()}))
    # One check may be late on a busy machine; three in a row take the app out of service.
    for name, row in proxy.health().items():
        expect(f"times that {name} was out of service", row["chkdown"], "0")


def check(proxy: Proxy, kind: str, address: str, is_short: bool) -> None:
    rounds = 3 if is_short else 40

    def in_flight() -> int:
        with contextlib.closing(http.client.HTTPConnection(address, timeout=20)) as client:
            client.request("GET", "/runtime")
            return json.load(client.getresponse())["requests"]["inFlight"]

    if kind == "haproxy":
        check_health(proxy)
    for name in ROUTES[kind]:
        try:
            check_pages(proxy, name)
            check_uploads(proxy, name)
            check_early_answers(proxy, name)
            check_cancelled_streams(proxy, name, rounds, in_flight)
            if not is_short and name == "http2":
                check_impatience(proxy, name, in_flight)
            check_pages(proxy, name)
            if kind == "haproxy":
                check_health(proxy)
            check_reload(proxy, name)
            check_pages(proxy, name)
        except (AssertionError, OSError, http.client.HTTPException) as error:
            trace = "".join(traceback.format_exception(error))
            raise SystemExit(f"{proxy.log()}\n{trace}\n{kind}, {name}: {error!r}") from None
    if kind == "haproxy":
        check_health(proxy)


def main() -> None:
    address, is_short = sys.argv[1], "--short" in sys.argv
    # A short path: that of a socket may have at most 107 bytes.
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        for start in nginx, haproxy:
            with start(address, Path(directory) / start.__name__) as proxy:
                check(proxy, start.__name__, address, is_short)


main()
