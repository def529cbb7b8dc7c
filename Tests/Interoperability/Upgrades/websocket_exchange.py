"""Tests websocket-echo at the given address with the package websockets from PyPI, over HTTP/1.1 and over HTTP/2.

The package's client uses HTTP/1.1. For tests of frames, its sans-I/O protocol runs over a stream of either version, as do
frames that a client must not send.
"""

import os
import struct
import sys

import websockets.sync.client
from websockets.frames import Opcode
from websockets.protocol import Protocol, Side, State

from streams import HTTP1Stream, HTTP2Connection, HTTP2Stream, Reset, opened, receive_to_end

KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 section 1.3
LIMIT = 16 << 20


# Opening WebSockets


def http1(address, *fields, start="GET / HTTP/1.1"):
    return HTTP1Stream(address, [start, *fields])


def open_http1(address):
    stream = http1(
        address, "Connection: keep-alive, Upgrade", "Upgrade: WebSocket", "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {KEY}")
    assert stream.status == "101" and stream.fields["sec-websocket-accept"] == ACCEPT, stream.fields
    assert (stream.fields["upgrade"], stream.fields["connection"]) == ("websocket", "Upgrade"), stream.fields
    return stream


def http2(connection, *fields, method="CONNECT"):
    head = [(":method", method), (":scheme", "http"), (":path", "/"), (":authority", connection.address)]
    return HTTP2Stream(connection, head + list(fields), ends=method != "CONNECT")


def open_http2(address, connection=None):
    offer = (":protocol", "websocket"), ("sec-websocket-version", "13")
    stream = http2(connection or HTTP2Connection(address), *offer)
    assert stream.status == "200" and "sec-websocket-accept" not in stream.fields, stream.fields
    return stream


# Messages


class Peer:
    """The protocol of websockets over a stream."""

    def __init__(self, stream):
        self.stream = stream
        self.protocol = Protocol(Side.CLIENT, state=State.OPEN, max_size=None)
        self.frames = []

    def flush(self):
        for data in self.protocol.data_to_send():
            # An empty piece stands for the end, which the server has to send first.
            self.stream.send(data)

    def frame(self):
        """The next frame."""
        while not self.frames:
            data = self.stream.receive()
            assert data, "the server closed the stream"
            self.protocol.receive_data(data)
            self.frames += self.protocol.events_received()
        return self.frames.pop(0)

    def expect(self, opcode, data):
        frame = self.frame()
        assert (frame.opcode, frame.fin) == (opcode, True), frame
        assert bytes(frame.data) == data, f"{len(frame.data)} bytes instead of {len(data)}, or different ones"

    def say(self, data, opcode=Opcode.BINARY):
        send = self.protocol.send_text if opcode is Opcode.TEXT else self.protocol.send_binary
        send(data)
        self.flush()


def frame(opcode, payload=b"", *, fin=1, reserved=0, mask=b"\x01\x02\x03\x04", length=None, form=None):
    """The bytes of a valid or invalid frame: `length` is the length in its header, in the form of 7, 16 or 64 bits."""
    length = len(payload) if length is None else length
    form = form or (7 if length <= 125 else 16 if length <= 0xFFFF else 64)
    short = {7: length, 16: 126, 64: 127}[form]
    head = bytes([fin << 7 | reserved << 4 | opcode, (0x80 if mask else 0) | short])
    head += {7: b"", 16: struct.pack("!H", length & 0xFFFF), 64: struct.pack("!Q", length)}[form]
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload)) if mask else payload
    return head + (mask or b"") + masked


def check_sizes(open_one):
    with opened(open_one()) as stream:
        peer = Peer(stream)
        for size in (0, 1, 125, 126, 127, 65535, 65536, 5_000_000):
            data = os.urandom(size)
            peer.say(data)
            peer.expect(Opcode.BINARY, data)
        for text in ("", "Grüße, 世界 🚀", "é" * 1_500_000):
            peer.say(text.encode(), Opcode.TEXT)
            peer.expect(Opcode.TEXT, text.encode())


def check_many(open_one):
    """Messages without waiting for answers: many per read, and some split between reads."""
    messages = [b"%d" % number * (number % 40) for number in range(5000)]
    with opened(open_one()) as stream:
        peer = Peer(stream)
        for message in messages:
            peer.protocol.send_binary(message)
        stream.send(b"".join(peer.protocol.data_to_send()))
        for message in messages:
            peer.expect(Opcode.BINARY, message)


def check_fragments(open_one):
    text = "in Stücken".encode()
    with opened(open_one()) as stream:
        peer = Peer(stream)
        protocol = peer.protocol
        # The second letter of two bytes is split, and control frames come between the pieces.
        protocol.send_text(text[:6], fin=False)
        protocol.send_ping(b"between")
        protocol.send_continuation(text[6:8], fin=False)
        protocol.send_pong(b"unasked")
        protocol.send_continuation(b"", fin=False)
        protocol.send_continuation(text[8:], fin=True)
        peer.flush()
        peer.expect(Opcode.PONG, b"between")
        peer.expect(Opcode.TEXT, text)
        for ping in (b"", b"x" * 125):
            protocol.send_ping(ping)
            peer.flush()
            peer.expect(Opcode.PONG, ping)
        # A byte at a time.
        for byte in frame(Opcode.BINARY, b"slow" * 50):
            stream.send(bytes([byte]))
        peer.expect(Opcode.BINARY, b"slow" * 50)


def check_closing(open_one):
    for payload in (b"", struct.pack("!H", 1000) + b"bye", struct.pack("!H", 4321) + "Grüße".encode()):
        with opened(open_one()) as stream:
            stream.send(frame(Opcode.CLOSE, payload))
            stream.send(frame(Opcode.TEXT, b"too late"))
            peer = Peer(stream)
            peer.expect(Opcode.CLOSE, payload[:2])
            assert receive_to_end(stream) == b"", "something came after the close"


VIOLATIONS = [
    ("no mask", frame(Opcode.TEXT, b"x", mask=None), 1002),
    ("a reserved bit", frame(Opcode.TEXT, b"x", reserved=4), 1002),
    ("an unknown opcode", frame(3, b"x"), 1002),
    ("an unknown control opcode", frame(11), 1002),
    ("a fragmented ping", frame(Opcode.PING, fin=0), 1002),
    ("a long ping", frame(Opcode.PING, b"x" * 126), 1002),
    ("a continuation of nothing", frame(Opcode.CONT, b"x"), 1002),
    ("a message inside another", frame(Opcode.TEXT, b"x", fin=0) + frame(Opcode.TEXT, b"y"), 1002),
    ("a short length in 16 bits", frame(Opcode.TEXT, b"x", form=16), 1002),
    ("a short length in 64 bits", frame(Opcode.TEXT, b"x" * 200, form=64), 1002),
    ("a length with its highest bit set", frame(Opcode.TEXT, length=1 << 63), 1002),
    ("a close of one byte", frame(Opcode.CLOSE, b"x"), 1002),
    *(
        (f"a close with {code}", frame(Opcode.CLOSE, struct.pack("!H", code)), 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000)),
    ("a close whose reason is no text", frame(Opcode.CLOSE, struct.pack("!H", 1000) + b"\xff"), 1007),
    ("a text that is none", frame(Opcode.TEXT, b"a\xffb"), 1007),
    ("a text with a surrogate", frame(Opcode.TEXT, b"\xed\xa0\x80"), 1007),
    ("a text that ends too soon", frame(Opcode.TEXT, b"\xe4", fin=0) + frame(Opcode.CONT, b"\xb8"), 1007),
    ("a message that is too long", frame(Opcode.BINARY, length=LIMIT + 1), 1009),
    ("fragments that are too long", frame(Opcode.BINARY, b"x", fin=0) + frame(Opcode.CONT, length=LIMIT), 1009),
]


def check_violations(open_one):
    for name, data, code in VIOLATIONS:
        with opened(open_one()) as stream:
            # More bytes follow that the server does not read, and the client still gets the reason: as many as a window of
            # HTTP/2 allows, or more than the server reads at once.
            stream.send(data + b"x" * (40_000 if isinstance(stream, HTTP2Stream) else 300_000))
            peer = Peer(stream)
            try:
                peer.expect(Opcode.CLOSE, struct.pack("!H", code))
                assert receive_to_end(stream) == b"", "something came after the close"
            except (AssertionError, Reset) as error:
                raise AssertionError(f"after {name}: {error!r}") from error


def check_disconnects(open_one):
    whole = frame(Opcode.BINARY, b"x" * 100_000)
    for sent in (b"", whole[:1], whole[:3], whole[:50_000], whole * 20):
        with opened(open_one()) as stream:
            stream.send(sent)
            stream.abort()
        if sent == whole * 20:
            continue
        with opened(open_one()) as stream:
            stream.send(sent)
            stream.finish()
            try:
                assert receive_to_end(stream) == b"", "the server answers an incomplete message"
            except Reset:
                pass  # The reset is how HTTP/2 signals an improper end.
    check_closing(open_one)


def check_neighbours(address):
    """Several WebSockets of one HTTP/2 connection, one of which fails."""
    with opened(HTTP2Connection(address)) as connection:
        peers = [Peer(open_http2(address, connection)) for _ in range(10)]
        for number, peer in enumerate(peers):
            peer.say(b"%d" % number * 10_000)
        peers[3].stream.abort()
        peers[4].stream.send(VIOLATIONS[0][1])
        for number, peer in enumerate(peers):
            if number != 3:
                peer.expect(Opcode.BINARY, b"%d" % number * 10_000)
        peers[4].expect(Opcode.CLOSE, struct.pack("!H", 1002))
        peers[9].say(b"still here")
        peers[9].expect(Opcode.BINARY, b"still here")


def check_refusals(address):
    upgrade = "Connection: Upgrade", "Upgrade: websocket"
    key = f"Sec-WebSocket-Key: {KEY}"
    for fields, status, version in [
        ((), "426", None),
        (("Connection: Upgrade", "Upgrade: h3"), "426", None),
        (("Upgrade: websocket", "Sec-WebSocket-Version: 13", key), "426", None),
        ((*upgrade, key), "426", "13"),
        ((*upgrade, key, "Sec-WebSocket-Version: 8"), "426", "13"),
        ((*upgrade, "Sec-WebSocket-Version: 13"), "400", None),
        ((*upgrade, "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: short"), "400", None),
    ]:
        with opened(http1(address, *fields)) as stream:
            assert stream.status == status, (fields, stream.status)
            assert stream.fields.get("sec-websocket-version") == version, (fields, stream.fields)
            if status == "426":
                assert (stream.fields["upgrade"], stream.fields["connection"]) == ("websocket", "Upgrade"), stream.fields
    with opened(http1(address, "Content-Length: 0", start="POST / HTTP/1.1")) as stream:
        assert stream.status == "405", stream.status
    with opened(HTTP2Connection(address)) as connection:
        for stream, version in [
            (http2(connection, method="GET"), None),
            (http2(connection, (":protocol", "other"), ("sec-websocket-version", "13")), None),
            (http2(connection, (":protocol", "websocket")), "13"),
            (http2(connection, (":protocol", "websocket"), ("sec-websocket-version", "12")), "13"),
        ]:
            assert (stream.status, stream.fields.get("sec-websocket-version")) == ("426", version), stream.fields
            assert "upgrade" not in stream.fields, stream.fields
        check_sizes(lambda: open_http2(address, connection))


def check_client(address):
    """The client of the package, as programs use it."""
    large = os.urandom(6_000_000)
    with websockets.sync.client.connect(f"ws://{address}/", max_size=None, proxy=None) as client:
        for message in ("hello", "", "Grüße", b"\x00\xff", large):
            client.send(message)
            assert client.recv(timeout=20) == message
        client.send(["in ", "three ", "pieces"])
        assert client.recv(timeout=20) == "in three pieces"
        assert client.ping().wait(20), "no pong arrived"
    assert (client.close_code, client.close_reason) == (1000, ""), client.close_code


def main(address):
    check_client(address)
    check_refusals(address)
    for open_one in (open_http1, open_http2):
        for check in (check_sizes, check_many, check_fragments, check_closing, check_violations, check_disconnects):
            try:
                check(lambda: open_one(address))
            except Exception as error:
                raise AssertionError(f"{check.__name__} by {open_one.__name__}: {error!r}") from error
    check_neighbours(address)
    check_client(address)


if __name__ == "__main__":
    main(sys.argv[1])
