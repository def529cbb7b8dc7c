"""Has the web app take its certificate from its files again while requests are made.

    python reload.py HOST:PORT CERTIFICATE PROCESS
"""

import http.client
import os
import signal
import ssl
import sys
import time

PATIENCE = 30


def main() -> None:
    port = int(sys.argv[1].rsplit(":", 1)[1])
    with open(sys.argv[2]) as file:
        wanted = ssl.PEM_cert_to_DER_cert(file.read())
    # Nothing is verified: the certificate that it had is in no file any more.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def connect() -> http.client.HTTPSConnection:
        connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=PATIENCE)
        connection.connect()
        return connection

    def ask(connection: http.client.HTTPSConnection) -> None:
        connection.request("GET", "/plaintext")
        if connection.getresponse().read() != b"Hello, World!":
            raise SystemExit("a request has failed")

    kept = connect()
    old = kept.sock.getpeercert(binary_form=True)
    if old == wanted:
        raise SystemExit("it had the certificate before it was told to")
    ask(kept)
    os.kill(int(sys.argv[3]), signal.SIGHUP)
    end = time.monotonic() + PATIENCE
    while True:
        connection = connect()
        ask(connection)
        ask(kept)
        certificate = connection.sock.getpeercert(binary_form=True)
        connection.close()
        if certificate == wanted:
            return
        if certificate != old or time.monotonic() > end:
            raise SystemExit("it does not take the new certificate")


if __name__ == "__main__":
    main()
