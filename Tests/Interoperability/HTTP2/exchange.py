"""A client on another implementation of HTTP/2, the package h2 from PyPI, that tests the web app at the given URL.

It tests what curl and nghttp do not show: the order of frames, when windows open, and the end of streams and connections.
"""

import socket
import sys
import urllib.parse

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings


class Client:
    """One connection; `events` holds received events that were not read yet, by stream."""

    def __init__(self, url, **options):
        self.authority = urllib.parse.urlsplit(url).netloc
        host, port = self.authority.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=30)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, **options))
        self.h2.initiate_connection()
        self.events = []
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def send(self, method, path, *fields, end=True):
        stream = self.h2.get_next_available_stream_id()
        head = [(":method", method), (":scheme", "http"), (":path", path), (":authority", self.authority)]
        self.h2.send_headers(stream, head + list(fields), end_stream=end)
        self.flush()
        return stream

    def receive(self):
        """Processes the next input; False at the end of the connection."""
        data = self.socket.recv(65536)
        if not data:
            return False
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.DataReceived):
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self.events.append(event)
        self.flush()
        return True

    def wait(self, kind, stream=None):
        """The first event of `kind`, on `stream` if one is given."""
        while True:
            for event in self.events:
                if isinstance(event, kind) and stream in (None, getattr(event, "stream_id", None)):
                    self.events.remove(event)
                    return event
            assert self.receive(), f"the server closed the connection without {kind.__name__}"

    def response(self, stream):
        """Fields, content and trailers of the response on `stream`."""
        fields = dict(self.wait(h2.events.ResponseReceived, stream).headers)
        self.wait(h2.events.StreamEnded, stream)
        content, trailers = b"", []
        for event in [event for event in self.events if getattr(event, "stream_id", None) == stream]:
            if isinstance(event, h2.events.DataReceived):
                content += event.data
            if isinstance(event, h2.events.TrailersReceived):
                trailers = event.headers
            self.events.remove(event)
        return fields, content, trailers

    def get(self, path):
        return self.response(self.send("GET", path))


def answers_many_at_once(url):
    with Client(url) as client:
        streams = [client.send("GET", "/plaintext") for _ in range(90)]
        for stream in reversed(streams):
            fields, content, _ = client.response(stream)
            assert fields[b":status"] == b"200" and content == b"Hello, World!", fields
            assert fields[b"content-length"] == b"13" and b"date" in fields, fields


def is_slow_for_none_but_the_slow(url):
    """A closed window delays only its own stream."""
    with Client(url) as client:
        client.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0})
        client.flush()
        client.wait(h2.events.SettingsAcknowledged)
        slow = client.send("GET", "/")
        client.wait(h2.events.ResponseReceived, slow)
        for _ in range(10):
            other = client.send("GET", "/plaintext")
            client.h2.increment_flow_control_window(13, other)
            client.flush()
            assert client.response(other)[1] == b"Hello, World!"
        client.h2.increment_flow_control_window(1 << 20, slow)
        client.flush()
        client.wait(h2.events.StreamEnded, slow)


def opens_windows_as_content_is_read(url):
    with Client(url) as client:
        client.get("/plaintext")
        sent = bytes(range(256)) * 4096
        stream = client.send("POST", "/echo", ("content-length", str(len(sent))), end=False)
        rest = sent
        while rest:
            room = min(client.h2.local_flow_control_window(stream), client.h2.max_outbound_frame_size)
            if room:
                client.h2.send_data(stream, rest[:room], end_stream=len(rest) <= room)
                client.flush()
                rest = rest[room:]
            else:
                client.receive()
        fields, content, _ = client.response(stream)
        assert fields[b":status"] == b"200" and content == sent


def lets_a_stream_be_given_up(url):
    with Client(url) as client:
        stream = client.send("GET", "/stream?ms=10")
        client.wait(h2.events.DataReceived, stream)
        client.h2.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
        client.flush()
        assert client.get("/plaintext")[1] == b"Hello, World!"


def answers_pings(url):
    with Client(url) as client:
        client.h2.ping(b"12345678")
        client.flush()
        assert client.wait(h2.events.PingAckReceived).ping_data == b"12345678"


def says_continue(url):
    with Client(url) as client:
        stream = client.send("POST", "/echo", ("expect", "100-continue"), end=False)
        client.wait(h2.events.InformationalResponseReceived, stream)
        client.h2.send_data(stream, b"at last", end_stream=True)
        client.flush()
        assert client.response(stream)[1] == b"at last"


def ends_streams_that_are_malformed(url):
    with Client(url, validate_outbound_headers=False, normalize_outbound_headers=False) as client:
        for field in [("Accept", "x"), ("connection", "close"), ("te", "gzip"), ("transfer-encoding", "chunked")]:
            stream = client.send("GET", "/plaintext", field)
            reset = client.wait(h2.events.StreamReset, stream)
            assert reset.error_code == h2.errors.ErrorCodes.PROTOCOL_ERROR, reset
        assert client.get("/plaintext")[1] == b"Hello, World!"


def ends_connections_that_are_wrong(url):
    for frame, code in [
        (b"\0\0\x04\x08\0\0\0\0\0" b"\0\0\0\0", h2.errors.ErrorCodes.PROTOCOL_ERROR),
        (b"\0\0\x05\x06\0\0\0\0\0" b"\0\0\0\0\0", h2.errors.ErrorCodes.FRAME_SIZE_ERROR),
        (b"\0\0\x01\x01\x05\0\0\0\x03" b"\xff", h2.errors.ErrorCodes.COMPRESSION_ERROR),
    ]:
        with Client(url) as client:
            client.get("/plaintext")
            client.socket.sendall(frame)
            assert client.wait(h2.events.ConnectionTerminated).error_code == code
            while client.receive():
                pass


def main():
    url = sys.argv[1]
    checks = [
        answers_many_at_once, is_slow_for_none_but_the_slow, opens_windows_as_content_is_read,
        lets_a_stream_be_given_up, answers_pings, says_continue, ends_streams_that_are_malformed,
        ends_connections_that_are_wrong,
    ]
    for check in checks:
        try:
            check(url)
        except (AssertionError, OSError, h2.exceptions.H2Error) as error:
            sys.exit(f"{check.__name__}: {error!r}")
    print(f"{len(checks)} checks by a client on h2")


if __name__ == "__main__":
    main()
