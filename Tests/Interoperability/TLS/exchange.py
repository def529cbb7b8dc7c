"""Tests the web app over TLS with Python's ssl and http.client.

    python exchange.py HOST:PORT CERTIFICATE
"""

import http.client
import socket
import ssl
import sys


def expect(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise SystemExit(f"{what}: {found!r} instead of {wanted!r}")


def main() -> None:
    host, port = sys.argv[1].rsplit(":", 1)
    context = ssl.create_default_context(cafile=sys.argv[2])
    connection = http.client.HTTPSConnection("localhost", int(port), context=context, timeout=30)
    for _ in range(3):
        connection.request("GET", "/plaintext")
        expect("a page", connection.getresponse().read(), b"Hello, World!")
    content = bytes(range(256)) * 8192
    connection.request("POST", "/echo/whole", content)
    expect("an echo", connection.getresponse().read() == content, True)
    connection.close()

    # A close_notify marks the end, which distinguishes it from truncation.
    with socket.create_connection((host, int(port)), timeout=30) as raw:
        with context.wrap_socket(raw, server_hostname="localhost", suppress_ragged_eofs=False) as stream:
            stream.sendall(b"GET /plaintext HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            response = b""
            while data := stream.recv(65536):
                response += data
            expect("a response up to the end", response.endswith(b"Hello, World!"), True)
    try:
        with socket.create_connection((host, int(port)), timeout=30) as raw:
            context.wrap_socket(raw, server_hostname="example.com")
        raise SystemExit("a certificate for localhost is taken for one of example.com")
    except ssl.SSLCertVerificationError:
        pass


if __name__ == "__main__":
    main()
