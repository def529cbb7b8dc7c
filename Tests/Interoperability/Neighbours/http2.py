"""HTTP/2 for attackers: the bytes of frames, and a minimal connection.

It needs no package. It does not decode header blocks and discards content, so that it is fast enough to attack.
"""

import select
import socket
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM = ACK = 1
END_HEADERS = 4
INITIAL_WINDOW_SIZE = 4
DEFAULT_WINDOW, LARGEST_WINDOW = 65_535, 2**31 - 1
FRAME_HEADER = struct.Struct(">IBI")
FRAME_HEADER_SIZE = 9

Address = tuple[str, int]


class Ended(Exception):
    """The error for a connection that the server has ended."""


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    return FRAME_HEADER.pack(len(payload) << 8 | kind, flags, stream) + payload


def _integer(value: int, prefix: int, flags: int) -> bytes:
    """An integer of RFC 7541 section 5.1."""
    limit = (1 << prefix) - 1
    if value < limit:
        return bytes([flags | value])
    encoded, rest = [flags | limit], value - limit
    while rest >= 128:
        encoded.append(rest & 127 | 128)
        rest >>= 7
    return bytes(encoded + [rest])


def line(name: str, value: str, into_table: bool = False) -> bytes:
    """A header line as literal strings, which the decoder adds to its dynamic table if `into_table` is set."""
    strings = [text.encode("ascii") for text in (name, value)]
    return (b"\x40" if into_table else b"\0") + b"".join(_integer(len(text), 7, 0) + text for text in strings)


def reference(index: int) -> bytes:
    """A header line that is an entry of the tables (RFC 7541 section 6.1); 62 is the newest of the dynamic table."""
    return _integer(index, 7, 0x80)


def head(method: str, path: str) -> bytes:
    """The header block of a request, without a line that enters the table."""
    return line(":method", method) + line(":scheme", "http") + line(":path", path) + line(":authority", "localhost")


class Connection:
    """A connection that keeps to the server's flow control and answers frames that need an answer.

    `turn` drives it: it sends queued bytes and processes received ones, as far as possible.
    """

    def __init__(self, address: Address, initial_window: int = LARGEST_WINDOW, timeout: float = 5):
        self._socket = socket.create_connection(address, timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
        self._input = bytearray()
        self._output = bytearray()
        #: How many bytes of content may be sent, in all and on the streams with window updates.
        self.room = DEFAULT_WINDOW
        self._stream_room: dict[int, int] = {}
        self._initial_room = DEFAULT_WINDOW
        #: The number of streams that the server has ended.
        self.ended = 0
        self.queue(PREFACE)
        self.queue(frame(SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW_SIZE, initial_window)))
        self.queue(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", LARGEST_WINDOW - DEFAULT_WINDOW)))

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    @property
    def queued(self) -> int:
        """The number of bytes that wait to be sent."""
        return len(self._output)

    def queue(self, output: bytes) -> None:
        self._output += output

    def room_on(self, stream: int) -> int:
        """How many bytes of content may be sent on `stream`."""
        return min(self.room, self._stream_room.get(stream, 0) + self._initial_room)

    def queue_content(self, stream: int, frames: bytes, length: int) -> None:
        """Queues DATA frames that carry `length` bytes of content."""
        self.room -= length
        self._stream_room[stream] = self._stream_room.get(stream, 0) - length
        self.queue(frames)

    def turn(self, timeout: float = 0) -> None:
        """Sends and receives once, after waiting up to `timeout` seconds for either to be possible."""
        writers = [self._socket] if self._output else []
        readable, writable, _ = select.select([self._socket], writers, [], timeout)
        try:
            if readable:
                self._receive()
            if writable:
                del self._output[: self._socket.send(self._output)]
        except OSError as error:
            raise Ended from error

    def _receive(self) -> None:
        received = self._socket.recv(262_144)
        if not received:
            raise Ended
        self._input += received
        position, end = 0, len(self._input)
        while end - position >= FRAME_HEADER_SIZE:
            word, flags, stream = FRAME_HEADER.unpack_from(self._input, position)
            kind, following = word & 255, position + FRAME_HEADER_SIZE + (word >> 8)
            if following > end:
                break
            if kind == DATA:
                self.ended += flags & END_STREAM
            else:
                self._take(kind, flags, stream, bytes(self._input[position + FRAME_HEADER_SIZE : following]))
            position = following
        del self._input[:position]

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        """Processes a frame other than DATA."""
        if kind == HEADERS:
            self.ended += flags & END_STREAM
        elif kind == RST_STREAM:
            self.ended += 1
        elif kind == WINDOW_UPDATE:
            increment = int.from_bytes(payload, "big")
            if stream == 0:
                self.room += increment
            else:
                self._stream_room[stream] = self._stream_room.get(stream, 0) + increment
        elif kind == SETTINGS and not flags & ACK:
            for setting, value in struct.iter_unpack(">HI", payload):
                if setting == INITIAL_WINDOW_SIZE:
                    self._initial_room = value
            self.queue(frame(SETTINGS, ACK))
        elif kind == PING and not flags & ACK:
            self.queue(frame(PING, ACK, 0, payload))
        elif kind == GOAWAY:
            raise Ended
