"""Valid and invalid HTTP/2 frames as bytes, and a connection that sends them unchanged."""

import socket
import struct

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
PRIORITY_UPDATE, UNKNOWN = 16, 22
END_STREAM = ACK = 1
END_HEADERS, PADDED, WITH_PRIORITY = 4, 8, 32
PROTOCOL, FLOW_CONTROL, CLOSED, FRAME_SIZE, REFUSED, CANCEL, COMPRESSION, ENHANCE_YOUR_CALM = 1, 3, 5, 6, 7, 8, 9, 11
TABLE_SIZE, ENABLE_PUSH, INITIAL_WINDOW, MAX_FRAME_SIZE = 1, 2, 4, 5
QUESTION = b"are you?"


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    length = len(payload) if length is None else length
    return struct.pack(">I", length)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def string(text):
    text = text.encode("latin-1")
    rest, head = len(text) - 127, bytes([min(len(text), 127)])
    while rest >= 128:
        head, rest = head + bytes([rest & 127 | 128]), rest >> 7
    return head + (bytes([rest]) if rest >= 0 else b"") + text


def block(*fields):
    """Encodes each field as a literal, independent of the tables."""
    return b"".join(b"\0" + string(name) + string(value) for name, value in fields)


def head(method="GET", path="/plaintext", *fields, scheme="http", authority="x"):
    pseudo = [(":method", method), (":scheme", scheme), (":path", path), (":authority", authority)]
    return block(*[(name, value) for name, value in pseudo if value is not None], *fields)


def headers(block, stream=1, flags=END_STREAM | END_HEADERS):
    return frame(HEADERS, flags, stream, block)


def get(stream=1, path="/plaintext", *fields):
    return headers(head("GET", path, *fields), stream)


def post(*fields, stream=1):
    """A request without its content yet, which the server cannot answer completely before the content."""
    return headers(head("POST", "/echo", *fields), stream, END_HEADERS)


def data(content=b"", flags=END_STREAM, stream=1):
    return frame(DATA, flags, stream, content)


def priority(stream, parent=0):
    return frame(PRIORITY, 0, stream, struct.pack(">IB", parent, 15))


def reset(stream=1):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", CANCEL))


def settings(*pairs):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in pairs))


def window(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def ping(stream=0):
    return frame(PING, 0, stream, QUESTION)


def priority_update(stream, value=b"u=0"):
    return frame(PRIORITY_UPDATE, 0, 0, struct.pack(">I", stream) + value)


class Connection:
    """One connection, with the received answers by stream, and in `words` the received errors."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer, self.decoder = b"", hpack.Decoder()
        self.words, self.status, self.fields, self.content, self.ended = [], {}, {}, {}, set()
        self.pongs = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, sent, piece=None):
        try:
            for start in range(0, len(sent), piece or len(sent) or 1):
                self.socket.sendall(sent[start:start + (piece or len(sent))])
        except OSError:
            pass  # The server has closed the connection; its output is still read.

    def open(self, *pairs):
        self.send(PREFACE + settings(*pairs) + frame(SETTINGS, ACK))
        self.ping()

    def receive(self):
        """Processes a frame; False at the end of the connection."""
        while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                assert not self.buffer, "the connection ended within a frame"
                return False
            self.buffer += more
        length, kind, flags = int.from_bytes(self.buffer[:3], "big"), self.buffer[3], self.buffer[4]
        stream, payload = int.from_bytes(self.buffer[5:9], "big"), self.buffer[9:9 + length]
        self.buffer = self.buffer[9 + length:]
        if kind == HEADERS:
            assert flags & END_HEADERS
            fields = dict(self.decoder.decode(payload))
            self.status[stream], self.fields[stream] = int(fields.get(":status", 0)), fields
        elif kind == DATA:
            self.content[stream] = self.content.get(stream, b"") + payload
        elif kind == RST_STREAM:
            self.words.append(f"RST_STREAM {stream} {int.from_bytes(payload, 'big')}")
        elif kind == GOAWAY:
            self.words.append(f"GOAWAY {int.from_bytes(payload[4:8], 'big')}")
        elif kind == PING and flags & ACK:
            self.pongs += payload == QUESTION
        elif kind == PING:
            self.send(frame(PING, ACK, 0, payload))
        else:
            assert kind in (SETTINGS, WINDOW_UPDATE), f"unexpected frame of type {kind}"
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            self.ended.add(stream)
        self.last = kind
        return True

    def wait(self, condition):
        while not condition():
            assert self.receive(), f"the server closed the connection: {self.words}"

    def ping(self):
        pongs = self.pongs
        self.send(ping())
        self.wait(lambda: self.pongs > pongs)

    def settle(self):
        """Waits for all pending frames: the second answer follows the frames that the first one released."""
        self.ping()
        self.ping()
