"""Tests the web app with widely used clients, by common requests and some rare ones.

    python exchange.py HOST:PORT

Each client makes the same requests, and reuses connections by its own rules: pages, content of several sizes with a length
and in chunks, answers that come before the request's content has been sent, and streams of events, read to their end or
cancelled. No request may fail, since clients would have to retry it.
"""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import httpx
import requests

KILOBYTE, MEGABYTE = 1024, 1024 * 1024
SIZES = 0, 5, 64 * KILOBYTE, MEGABYTE
#: The server reads and discards this much unread content (`ServerOptions.maximumDrainedLength`).
DRAINED = MEGABYTE
#: More than the server discards, and more than the limit of /echo/whole.
HUGE = 50 * MEGABYTE
PAGES = [("/", 200), ("/plaintext", 200), ("/headers", 200), ("/healthz", 200), ("/runtime", 200), ("/nowhere", 404)]
EVENTS_GIVEN_UP = 20

#: Makes a request by method, path, content and whether to send it in chunks. It returns status and content.
Ask = Callable[[str, str, bytes, bool], tuple[int, bytes]]


def content(size: int) -> bytes:
    return bytes(range(256)) * (size // 256) + bytes(size % 256)


def pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), 16 * KILOBYTE):
        yield data[start:start + 16 * KILOBYTE]


def expect(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise SystemExit(f"{what}: {str(found)[:200]} instead of {str(wanted)[:200]}")


def check(name: str, ask: Ask, heeds_reset: bool = True) -> None:
    """Makes all requests.

    heeds_reset: whether the client notices the reset of an HTTP/2 stream for which it has more to send. A client that does
    not waits for a window, with any server, unless the server reads all that it sends.
    """
    def expect_next(what: str) -> None:
        expect(f"{name}: the next request after {what}", ask("GET", "/plaintext", b"", False), (200, b"Hello, World!"))

    for path, status in PAGES:
        expect(f"{name}: {path}", ask("GET", path, b"", False)[0], status)
    expect(f"{name}: HEAD", ask("HEAD", "/plaintext", b"", False), (200, b""))
    for size in SIZES:
        for is_chunked in False, True:
            what = f"{size} bytes{' in chunks' if is_chunked else ''}"
            data = content(size)
            status, echoed = ask("POST", "/echo/whole", data, is_chunked)
            expect(f"{name}: {what}", (status, echoed == data), (200, True))
            if size > DRAINED and not heeds_reset:
                continue
            for path, status in [("/nowhere", 404), ("/plaintext", 405)]:
                expect(f"{name}: {what} to {path}", ask("POST", path, data, is_chunked)[0], status)
                expect_next(f"{what} to {path}")
    if heeds_reset:
        for is_chunked in False, True:
            for path, status in [("/nowhere", 404), ("/echo/whole", 413)]:
                expect(f"{name}: far too much to {path}", ask("POST", path, content(HUGE), is_chunked)[0], status)
                expect_next(f"far too much to {path}")
    status, events = ask("GET", "/stream?count=3&ms=1", b"", False)
    expect(f"{name}: events", (status, events.count(b"event: tick")), (200, 3))


def with_requests(base: str) -> None:
    with requests.Session() as session:
        def ask(method: str, path: str, data: bytes, is_chunked: bool) -> tuple[int, bytes]:
            body = pieces(data) if is_chunked and data else data or None
            response = session.request(method, base + path, data=body, timeout=30)
            return response.status_code, response.content

        check("requests", ask)
        for _ in range(EVENTS_GIVEN_UP):
            with session.get(base + "/stream?ms=1", stream=True, timeout=30) as response:
                next(response.iter_lines())
        expect("requests: after events", session.get(base + "/plaintext", timeout=30).text, "Hello, World!")


def with_httpx(base: str, is_http2: bool) -> None:
    version = "HTTP/2" if is_http2 else "HTTP/1.1"
    with httpx.Client(http1=not is_http2, http2=is_http2, timeout=30) as client:
        def ask(method: str, path: str, data: bytes, is_chunked: bool) -> tuple[int, bytes]:
            body = pieces(data) if is_chunked and data else data or None
            response = client.request(method, base + path, content=body)
            expect("httpx: version", response.http_version, version)
            return response.status_code, response.content

        check(f"httpx, {version}", ask, heeds_reset=not is_http2)
        for _ in range(EVENTS_GIVEN_UP):
            with client.stream("GET", base + "/stream?ms=1") as response:
                next(response.iter_lines())
        expect(f"httpx, {version}: after events", client.get(base + "/plaintext").text, "Hello, World!")


def with_aiohttp(base: str) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
            async def exchange(method: str, path: str, data: bytes, is_chunked: bool) -> tuple[int, bytes]:
                async def produce():
                    for piece in pieces(data):
                        yield piece

                body = produce() if is_chunked and data else data or None
                async with session.request(method, base + path, data=body) as response:
                    return response.status, await response.read()

            def ask(*arguments) -> tuple[int, bytes]:
                return asyncio.run_coroutine_threadsafe(exchange(*arguments), loop).result(60)

            await asyncio.to_thread(check, "aiohttp", ask)
            for _ in range(EVENTS_GIVEN_UP):
                async with session.get(base + "/stream?ms=1") as response:
                    await response.content.readline()
            async with session.get(base + "/plaintext") as response:
                expect("aiohttp: after events", await response.text(), "Hello, World!")

    asyncio.run(run())


def with_curl(base: str, is_http2: bool) -> None:
    name = "curl, HTTP/2" if is_http2 else "curl, HTTP/1.1"
    with tempfile.TemporaryDirectory() as directory:
        sent, got = Path(directory) / "sent", Path(directory) / "got"
        # Without `Expect`, so that curl does not wait for a 100.
        curl = ["curl", "--silent", "--max-time", "60", "--output", got, "--header", "Expect:"]
        curl.append("--http2-prior-knowledge" if is_http2 else "--http1.1")

        def ask(method: str, path: str, data: bytes, is_chunked: bool) -> tuple[int, bytes]:
            sent.write_bytes(data)
            got.write_bytes(b"")
            command = [*curl, "--write-out", "%{http_code}"]
            command += ["--head"] if method == "HEAD" else ["--request", method]
            if method == "POST":
                command += ["--data-binary", f"@{sent}"]
                command += ["--header", "Transfer-Encoding: chunked"] if is_chunked and not is_http2 else []
            status = subprocess.run([*command, base + path], stdout=subprocess.PIPE, text=True).stdout
            return int(status), b"" if method == "HEAD" else got.read_bytes()

        check(name, ask)
        # curl reads while it sends, so that /echo works with any size.
        sent.write_bytes(content(HUGE))
        ended = subprocess.run([*curl, "--request", "POST", "--upload-file", sent, base + "/echo"]).returncode
        expect(f"{name}: a large echo", (ended, got.read_bytes() == sent.read_bytes()), (0, True))


def main() -> None:
    base = f"http://{sys.argv[1]}"
    with_requests(base)
    with_httpx(base, is_http2=False)
    with_httpx(base, is_http2=True)
    with_aiohttp(base)
    with_curl(base, is_http2=False)
    with_curl(base, is_http2=True)


if __name__ == "__main__":
    main()
