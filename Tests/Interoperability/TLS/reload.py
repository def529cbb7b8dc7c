"""Makes the web app reload its certificate several times while clients make requests: over both versions of HTTP, on
kept-alive connections and on new ones.

    python reload.py HOST:PORT CERTIFICATE KEY PROCESS
"""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

import httpx

PATIENCE = 30
ROUNDS = 5
# The number of clients of each kind, enough that one is always in the middle of a handshake or of a request.
CLIENTS = 2


def unverified() -> ssl.SSLContext:
    """A context without verification, since the server's previous certificate is not in a file any more."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Client(threading.Thread):
    """Makes one request after another, until it is stopped or one fails."""

    def __init__(self, url: str, is_http2: bool, keeps: bool) -> None:
        super().__init__(daemon=True)
        self.url, self.is_http2, self.keeps = url, is_http2, keeps
        self.requests = self.connections = 0
        self.is_stopped = threading.Event()
        self.failure: Exception | None = None

    def __str__(self) -> str:
        return f"HTTP/{'2' if self.is_http2 else '1.1'} over {'a connection that is kept' if self.keeps else 'new ones'}"

    def run(self) -> None:
        try:
            while not self.is_stopped.is_set():
                with httpx.Client(
                    verify=unverified(), http1=not self.is_http2, http2=self.is_http2, timeout=PATIENCE, trust_env=False
                ) as client:
                    self.ask(client)
                    while self.keeps and not self.is_stopped.is_set():
                        self.ask(client)
        except Exception as failure:  # The main thread reports every error.
            self.failure = failure

    def ask(self, client: httpx.Client) -> None:
        response = client.get(self.url + "/plaintext", extensions={"trace": self.note})
        if response.status_code != 200 or response.text != "Hello, World!":
            raise RuntimeError(f"a request was answered with {response.status_code}")
        if response.http_version != ("HTTP/2" if self.is_http2 else "HTTP/1.1"):
            raise RuntimeError(f"{response.http_version} was spoken")
        self.requests += 1

    def note(self, event: str, _: object) -> None:
        self.connections += event == "connection.connect_tcp.complete"


def make_certificate(directory: str, number: int) -> tuple[str, str]:
    """Makes a certificate and its key, and returns the paths of both."""
    certificate, key = f"{directory}/{number}.pem", f"{directory}/{number}-key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
         "-subj", f"/CN=number {number}", "-addext", "subjectAltName=DNS:localhost"],
        check=True, stderr=subprocess.DEVNULL,
    )
    return certificate, key


def shown(port: int) -> bytes:
    """The certificate of a new connection."""
    with socket.create_connection(("localhost", port), timeout=PATIENCE) as raw:
        with unverified().wrap_socket(raw, server_hostname="localhost") as stream:
            return stream.getpeercert(binary_form=True)


def wait_for(what: str, is_so, clients: list[Client]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        for client in clients:
            if client.failure:
                raise SystemExit(f"{client}: {client.failure!r}")
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {PATIENCE} s")
        time.sleep(0.01)


def main() -> None:
    port = int(sys.argv[1].rsplit(":", 1)[1])
    files, process = (sys.argv[2], sys.argv[3]), int(sys.argv[4])
    kinds = [(is_http2, keeps) for is_http2 in (False, True) for keeps in (False, True)] * CLIENTS
    clients = [Client(f"https://localhost:{port}", is_http2, keeps) for is_http2, keeps in kinds]
    with tempfile.TemporaryDirectory() as directory:
        made = [make_certificate(directory, number) for number in range(ROUNDS)]
        for client in clients:
            client.start()
        for sources in made:
            # Each client has completed a request since the last reload, and makes the next.
            before = [client.requests for client in clients]
            wait_for(
                "requests", lambda: all(c.requests > count for c, count in zip(clients, before)), clients)
            for source, file in zip(sources, files):
                shutil.copyfile(source, file)
            with open(files[0]) as file:
                wanted = ssl.PEM_cert_to_DER_cert(file.read())
            if shown(port) == wanted:
                raise SystemExit("it had the certificate before it was told to")
            os.kill(process, signal.SIGHUP)
            wait_for("the new certificate", lambda: shown(port) == wanted, clients)
        before = [client.requests for client in clients]
        wait_for("requests", lambda: all(c.requests > count for c, count in zip(clients, before)), clients)
    for client in clients:
        client.is_stopped.set()
    for client in clients:
        client.join(PATIENCE)
        if client.failure:
            raise SystemExit(f"{client}: {client.failure!r}")
        if client.keeps and client.connections != 1:
            raise SystemExit(f"{client}: there were {client.connections}")
    print(f"{ROUNDS} reloads during {sum(client.requests for client in clients)} requests")


if __name__ == "__main__":
    main()
