"""Streams with a protocol other than HTTP: a connection after HTTP/1.1, and a stream of HTTP/2."""

import contextlib
import select
import socket
import struct

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings

# The time limit of each operation, in seconds.
PATIENCE = 20


class Reset(Exception):
    """The error for a stream that did not end properly."""


class Connection:
    """A TCP connection. It buffers input while it sends, so that neither side waits for the other."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.inbox = b""
        self.has_ended = False

    def send(self, data):
        left = memoryview(data)
        while left:
            readers = [] if self.has_ended else [self.socket]
            readable, writable, _ = select.select(readers, [self.socket], [], PATIENCE)
            assert readable or writable, "the server does not read"
            if readable:
                self.take_in()
            if writable:
                left = left[self.socket.send(left):]

    def take_in(self):
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionResetError:
            raise Reset
        self.has_ended = not data
        self.inbox += data

    def receive(self):
        """The received bytes; empty at the end."""
        if not self.inbox and not self.has_ended:
            self.take_in()
        data, self.inbox = self.inbox, b""
        return data

    def finish(self):
        self.socket.shutdown(socket.SHUT_WR)

    def abort(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()


class HTTP1Stream(Connection):
    """The connection of a request; `status` and `fields` are those of the response."""

    def __init__(self, address, head, behind=b""):
        super().__init__(address)
        self.send("\r\n".join([*head, f"Host: {address}", "", ""]).encode() + behind)
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.receive()
            assert more, f"the server closed the connection after {data}"
            data += more
        head, self.inbox = data.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        self.status = lines[0].split(" ")[1]
        self.fields = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}


class HTTP2Connection:
    """A connection of HTTP/2 to the server at `address`."""

    def __init__(self, address):
        self.address = address
        self.wire = Connection(address)
        # The package rejects a CONNECT without a path, which is the valid form.
        options = h2.config.H2Configuration(client_side=True, validate_outbound_headers=False)
        self.h2 = h2.connection.H2Connection(options)
        self.h2.initiate_connection()
        self.streams = {}
        self.is_ready = False
        self.flush()
        while not self.is_ready:
            self.take_in()
        allows_connect = self.h2.remote_settings.get(h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL)
        assert allows_connect == 1, "the server's settings do not allow an extended CONNECT"

    def flush(self):
        self.wire.send(self.h2.data_to_send())

    def take_in(self):
        data = self.wire.receive()
        if not data:
            raise Reset
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.RemoteSettingsChanged):
                self.is_ready = True
            stream = self.streams.get(getattr(event, "stream_id", None))
            if isinstance(event, h2.events.DataReceived):
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if stream:
                stream.note(event)
        self.flush()

    def close(self):
        self.wire.close()


class HTTP2Stream:
    """The stream of a request; `status` and `fields` are those of the response."""

    def __init__(self, connection, fields, behind=b"", ends=False):
        self.connection, self.h2 = connection, connection.h2
        self.inbox, self.fields = b"", None
        self.has_ended, self.error = False, None
        self.id = self.h2.get_next_available_stream_id()
        connection.streams[self.id] = self
        self.h2.send_headers(self.id, fields, end_stream=ends)
        connection.flush()
        if behind:
            self.send(behind)
        while self.fields is None:
            self.wait()
        self.status = self.fields[":status"]

    def note(self, event):
        match event:
            case h2.events.ResponseReceived():
                self.fields = {name.decode(): value.decode() for name, value in event.headers}
            case h2.events.DataReceived():
                self.inbox += event.data
            case h2.events.StreamEnded():
                self.has_ended = True
            case h2.events.StreamReset() if not (self.has_ended and event.error_code == h2.errors.ErrorCodes.NO_ERROR):
                self.error = event.error_code

    def wait(self):
        if self.error is not None:
            raise Reset(self.error)
        self.connection.take_in()

    def send(self, data):
        left = memoryview(data)
        while left:
            if self.error is not None:
                raise Reset(self.error)
            room = min(self.h2.local_flow_control_window(self.id), self.h2.max_outbound_frame_size)
            if room == 0:
                self.wait()
                continue
            self.h2.send_data(self.id, bytes(left[:room]))
            left = left[room:]
            self.connection.flush()

    def receive(self):
        """The received bytes; empty at the end."""
        while not self.inbox and not self.has_ended:
            self.wait()
        data, self.inbox = self.inbox, b""
        return data

    def finish(self):
        self.h2.end_stream(self.id)
        self.connection.flush()

    def abort(self):
        self.h2.reset_stream(self.id, h2.errors.ErrorCodes.CANCEL)
        self.connection.flush()

    def close(self):
        self.connection.close()


def opened(stream):
    """`stream`, closed at the end of the block."""
    return contextlib.closing(stream)


def receive_exactly(stream, count):
    data = b""
    while len(data) < count:
        more = stream.receive()
        assert more, f"the stream ended after {len(data)} of {count} bytes"
        data += more
    assert len(data) == count, f"received {len(data)} bytes instead of {count}"
    return data


def receive_to_end(stream):
    pieces = []
    while piece := stream.receive():
        pieces.append(piece)
    return b"".join(pieces)
