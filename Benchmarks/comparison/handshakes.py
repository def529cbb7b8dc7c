"""Connects over TLS repeatedly, in several threads: handshakes.py PORT TARGET SECONDS full|resumed.

Each connection does a handshake, sends one request and reads to the end; with `resumed` it resumes the session of the
previous one. Prints the number of connections, and connections a second."""

import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from servers import client_context

THREADS = 8


def main():
    port, target, seconds, resumes = int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4] == "resumed"
    context = client_context()
    request = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()

    def exchange(session):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as plain:
            # The request must not wait for the acknowledgement of the last handshake message.
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with context.wrap_socket(plain, session=session) as secure:
                secure.sendall(request)
                received = b""
                while more := secure.recv(65536):
                    received += more
                assert received.startswith(b"HTTP/1.1 200"), "no answer"
                assert secure.session_reused == (session is not None), "the handshake is not of the requested kind"
                # In TLS 1.3 tickets follow the handshake, so the read above has processed them.
                return secure.session

    def exchanges(_):
        count, session = 0, exchange(None) if resumes else None
        while time.monotonic() < end:
            latest = exchange(session)
            session = latest if resumes else None
            count += 1
        return count

    start = time.monotonic()
    end = start + seconds
    with ThreadPoolExecutor(THREADS) as pool:
        count = sum(pool.map(exchanges, range(THREADS)))
    print(count, count / (time.monotonic() - start))


if __name__ == "__main__":
    main()
