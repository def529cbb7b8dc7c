"""Stops the web app while h2load makes requests, and checks which of its streams are lost.

    python shutdown.py HOST:PORT PROCESS

h2load counts each stream without a response at the end of its connection as failed, and keeps opening streams after a
GOAWAY. So its connections go through a relay, which records the frames: streams up to the last one of the server's GOAWAY
have to be answered, and those above it cannot be (RFC 9113 section 6.8).
"""

import os
import re
import signal
import socket
import subprocess
import sys
import threading

from frames import DATA, END_STREAM, GOAWAY, HEADERS, PREFACE, RST_STREAM

HEADER = 9
CLIENTS, STREAMS = 8, 32
REQUESTS = 400_000
# The script stops the app after so many responses.
ENOUGH = 5000


class Connection:
    """A connection of h2load, and its counterpart to the app."""

    def __init__(self, near: socket.socket, address: tuple[str, int], note_response) -> None:
        self.near, self.far = near, socket.create_connection(address)
        self.opened, self.answered, self.reset = set(), set(), set()
        self.last = None
        self.note_response = note_response
        self.threads = [
            threading.Thread(target=self.relay, args=(self.near, self.far, len(PREFACE), self.note_request)),
            threading.Thread(target=self.relay, args=(self.far, self.near, 0, self.note_answer)),
        ]
        for thread in self.threads:
            thread.start()

    def relay(self, source: socket.socket, target: socket.socket, skipped: int, note) -> None:
        buffer, position = bytearray(), skipped
        try:
            while data := source.recv(65536):
                buffer += data
                while len(buffer) >= position + HEADER:
                    length = int.from_bytes(buffer[position:position + 3])
                    if len(buffer) < position + HEADER + length:
                        break
                    start = position + HEADER
                    stream = int.from_bytes(buffer[position + 5:start]) & 0x7FFF_FFFF
                    note(buffer[position + 3], buffer[position + 4], stream, buffer[start:start + length])
                    position = start + length
                done = min(position, len(buffer))
                del buffer[:done]
                position -= done
                target.sendall(data)
        except OSError:
            # One end has closed; the recorded frames count.
            pass
        try:
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def note_request(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == HEADERS:
            self.opened.add(stream)

    def note_answer(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            self.answered.add(stream)
            self.note_response()
        elif kind == RST_STREAM:
            self.reset.add(stream)
        elif kind == GOAWAY:
            self.last = int.from_bytes(payload[:4]) & 0x7FFF_FFFF


def main() -> None:
    host, port = sys.argv[1].rsplit(":", 1)
    process = int(sys.argv[2])
    lock, responses = threading.Lock(), 0

    def note_response() -> None:
        nonlocal responses
        with lock:
            responses += 1
            is_enough = responses == ENOUGH
        if is_enough:
            os.kill(process, signal.SIGTERM)

    connections = []
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        for _ in range(CLIENTS):
            connections.append(Connection(listener.accept()[0], (host, int(port)), note_response))

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    load = subprocess.run(
        ["h2load", f"--requests={REQUESTS}", f"--clients={CLIENTS}", f"--max-concurrent-streams={STREAMS}",
         f"http://127.0.0.1:{listener.getsockname()[1]}/plaintext"],
        stdout=subprocess.PIPE, text=True, timeout=50)
    acceptor.join()
    for connection in connections:
        for thread in connection.threads:
            thread.join()
    answered = sum(len(connection.answered) for connection in connections)
    if answered < ENOUGH:
        raise SystemExit(f"there were {answered} responses only")
    refused = 0
    for connection in connections:
        if connection.last is None:
            raise SystemExit("a connection has ended without GOAWAY")
        lost = {stream for stream in connection.opened if stream <= connection.last} - connection.answered
        if lost or connection.reset:
            raise SystemExit(f"lost up to {connection.last}: {sorted(lost)}; reset: {sorted(connection.reset)}")
        refused += len(connection.opened - connection.answered)
    succeeded = int(re.search(r"(\d+) succeeded", load.stdout)[1])
    if succeeded != answered:
        raise SystemExit(f"{answered} streams were answered, of which h2load has {succeeded}")
    print(f"{answered} streams answered, {refused} above the last one of their connection")


if __name__ == "__main__":
    main()
