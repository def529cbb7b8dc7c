"""Tests the tunnel at the first address given: curl, websockets to websocket-echo at the second address, and streams of
HTTP/1.1 and HTTP/2 to peers that end in every way."""

import contextlib
import http.server
import os
import queue
import socket
import struct
import subprocess
import sys
import threading

import h2.errors
import websockets.sync.client

from streams import (
    PATIENCE, HTTP1Stream, HTTP2Connection, HTTP2Stream, Reset, opened, receive_exactly, receive_to_end)


@contextlib.contextmanager
def server(serve, host="127.0.0.1"):
    """The port of a server that calls `serve` with each connection."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        def accept():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connection.settimeout(PATIENCE)
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def echo(connection):
    with connection:
        while data := connection.recv(65536):
            connection.sendall(data)


def count(connection):
    """Reads to the end, and then sends the number of received bytes."""
    with connection:
        total = 0
        while data := connection.recv(65536):
            total += len(data)
        connection.sendall(b"%d" % total)


def http1(address, target, behind=b""):
    return HTTP1Stream(address, [f"CONNECT {target} HTTP/1.1"], behind)


def http2(address, target, behind=b"", connection=None):
    head = [(":method", "CONNECT"), (":authority", target)]
    return HTTP2Stream(connection or HTTP2Connection(address), head, behind)


def tunnel(connect, address, port, behind=b"", host="127.0.0.1"):
    stream = connect(address, f"{host}:{port}", behind)
    assert stream.status == "200", (stream.status, stream.fields)
    assert "content-length" not in stream.fields and "transfer-encoding" not in stream.fields, stream.fields
    return opened(stream)


def check_copying(connect, address):
    data = os.urandom(5_000_000)
    with server(echo) as port:
        for host in ("127.0.0.1", "localhost"):
            with tunnel(connect, address, port, b"behind", host) as stream:
                assert receive_exactly(stream, 6) == b"behind"
        with tunnel(connect, address, port) as stream:
            stream.send(data)
            stream.finish()
            assert receive_to_end(stream) == data, "the echo differs from the sent bytes"
    if socket.has_ipv6:
        with contextlib.suppress(OSError), server(echo, "::1") as port:
            with tunnel(connect, address, port, b"six", "[::1]") as stream:
                assert receive_exactly(stream, 3) == b"six"


def check_half_close(connect, address):
    with server(count) as port, tunnel(connect, address, port) as stream:
        stream.send(b"x" * 300_000)
        stream.finish()
        assert receive_to_end(stream) == b"300000"

    received = queue.Queue()

    def finish_first(connection):
        with connection:
            connection.sendall(b"that is all")
            connection.shutdown(socket.SHUT_WR)
            total = 0
            while data := connection.recv(65536):
                total += len(data)
            received.put(total)

    with server(finish_first) as port, tunnel(connect, address, port) as stream:
        assert receive_to_end(stream) == b"that is all"
        stream.send(b"x" * 300_000)
        stream.finish()
        assert received.get(timeout=PATIENCE) == 300_000


def check_resets(connect, address):
    def reset(connection):
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    with server(reset) as port, tunnel(connect, address, port) as stream:
        stream.send(b"x")
        try:
            assert receive_to_end(stream) == b""
            assert connect is http1, "HTTP/2 does not report the peer's reset"
        except Reset as error:
            assert connect is http1 or error.args == (h2.errors.ErrorCodes.CONNECT_ERROR,), error

    ended = queue.Queue()

    def wait(connection):
        with connection, contextlib.suppress(ConnectionResetError):
            while connection.recv(65536):
                pass
        ended.put(True)

    with server(wait) as port, tunnel(connect, address, port, b"x") as stream:
        stream.abort()
        assert ended.get(timeout=PATIENCE)


def check_refusals(connect, address):
    # A port that is in use but has no listener.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        for target, status in [
            (f"127.0.0.1:{taken.getsockname()[1]}", "502"), ("example.org:443", "403"), ("127.0.0.2:80", "403"),
            ("[::2]:80", "403"),
        ]:
            with opened(connect(address, target)) as stream:
                assert stream.status == status, (target, stream.status)


def check_others(address):
    with opened(HTTP1Stream(address, ["GET / HTTP/1.1"])) as stream:
        assert (stream.status, stream.fields["allow"]) == ("405", "CONNECT")
    with opened(HTTP2Connection(address)) as connection:
        extended = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/")]
        assert HTTP2Stream(connection, extended + [(":authority", address)]).status == "405"
        with server(echo) as port:
            # Many streams at once, each with its own peer.
            streams = [http2(address, f"127.0.0.1:{port}", connection=connection) for _ in range(20)]
            for number, stream in enumerate(streams):
                stream.send(b"%02d" % number * 20_000)
                stream.finish()
            for number, stream in enumerate(streams):
                assert receive_to_end(stream) == b"%02d" % number * 20_000


def check_curl(address):
    data = os.urandom(3_000_000)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            content = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    def curl(url, *options):
        command = ["curl", "--silent", "--max-time", str(PATIENCE), "--noproxy", "", "--proxytunnel"]
        return subprocess.run(
            [*command, "--proxy", f"http://{address}", *options, url], input=data, capture_output=True)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{site.server_port}/"
        # Both requests go through one tunnel.
        outcome = curl(url, "--data-binary", "@-", "-H", "Expect:", url)
        assert (outcome.returncode, outcome.stdout) == (0, data * 2), outcome.returncode
        site.shutdown()
    outcome = curl("http://example.org/", "--write-out", "%{http_connect}")
    assert (outcome.returncode, outcome.stdout) == (56, b"403"), (outcome.returncode, outcome.stdout)


def check_websocket(address, websocket):
    with websockets.sync.client.connect(f"ws://{websocket}/", proxy=f"http://{address}", max_size=None) as client:
        for message in ("hello", os.urandom(2_000_000)):
            client.send(message)
            assert client.recv(timeout=PATIENCE) == message
    assert client.close_code == 1000, client.close_code


def main(address, websocket):
    for connect in (http1, http2):
        for check in (check_copying, check_half_close, check_resets, check_refusals):
            try:
                check(connect, address)
            except Exception as error:
                raise AssertionError(f"{check.__name__} by {connect.__name__}: {error!r}") from error
    check_others(address)
    check_curl(address)
    check_websocket(address, websocket)


if __name__ == "__main__":
    main(*sys.argv[1:])
