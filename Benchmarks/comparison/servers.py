"""The servers that are compared, and how one is started and watched."""

import contextlib
import http.client
import os
import resource
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent.parent
ROOT = BENCHMARKS.parent
PEERS = BENCHMARKS / ".build/peers"
TARGET = "/plaintext"


@dataclass(frozen=True)
class Server:
    """A program that answers GET /plaintext. It is told by PORT where, and by WORKERS on how many threads."""

    name: str
    title: str
    program: Path
    environment: dict = field(default_factory=dict)
    arguments: tuple = ()
    speaks_http2: bool = False

    @property
    def is_ours(self):
        return self.program == WEB_APP


# Built with the benchmarks, which depend on it.
WEB_APP = BENCHMARKS / ".build/release/WebApp"


def _web_app(runtime):
    return Server(runtime, f"Gearbox, {runtime}", WEB_APP, {"RUNTIME": runtime}, speaks_http2=True)


SERVERS = {
    server.name: server
    for server in [
        Server("floor", "floor (C)", PEERS / "floor"),
        _web_app("custom"),
        _web_app("dispatch"),
        _web_app("concurrency"),
        Server("hyper", "hyper on tokio", PEERS / "hyper/release/hello", speaks_http2=True),
        Server("nginx", "nginx", Path(shutil.which("nginx") or "/usr/sbin/nginx"), speaks_http2=True),
        Server("nio", "SwiftNIO, bare", PEERS / "swift/release/NIOHello"),
        Server("hummingbird", "Hummingbird", PEERS / "swift/release/HummingbirdHello"),
    ]
}


class Running:
    """A server that runs."""

    def __init__(self, process, port):
        self.process = process
        self.port = port

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}{TARGET}"

    def _processes(self):
        """The process and its children: nginx works in those."""
        pid = self.process.pid
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]

    def cpu(self):
        """Seconds of processor time so far, in user space and in the kernel."""
        user = system = 0
        for pid in self._processes():
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            user, system = user + int(fields[11]), system + int(fields[12])
        tick = os.sysconf("SC_CLK_TCK")
        return user / tick, system / tick

    def resident(self):
        """Bytes of memory that are resident."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self._processes())
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def running(server, workers=1, core=None, http2=False):
    """Runs a server while the block does, on one core if one is named."""
    port, other_port = _free_port(), _free_port()
    environment = dict(os.environ, **server.environment, PORT=str(port), WORKERS=str(workers))
    environment |= {"RUNTIME_WORKERS": str(workers), "HOST": "127.0.0.1", "LOG_LEVEL": "error"}
    environment.pop("HTTP2", None)
    arguments = list(server.arguments)
    if server.name == "nginx":
        arguments += _configure_nginx(port, other_port, workers)
        if http2:
            port = other_port
    elif http2 and not server.is_ours:
        environment["HTTP2"] = "1"
    process = subprocess.Popen(
        [server.program, *arguments], env=environment, stdout=subprocess.DEVNULL, preexec_fn=_prepare(core))
    try:
        _await_port(server, process, port)
        yield Running(process, port)
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _prepare(core):
    def prepare():
        allow_many_files()
        if core is not None:
            os.sched_setaffinity(0, {core})

    return prepare


def allow_many_files():
    """As many open files as this process may have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _configure_nginx(port, http2_port, workers):
    directory = PEERS / "nginx"
    directory.mkdir(parents=True, exist_ok=True)
    text = (BENCHMARKS / "Peers/Nginx/nginx.conf").read_text()
    for name, value in {"PORT": port, "HTTP2_PORT": http2_port, "WORKERS": workers}.items():
        text = text.replace(f"@{name}@", str(value))
    (directory / "nginx.conf").write_text(text)
    return ["-p", str(directory), "-c", str(directory / "nginx.conf"), "-e", "stderr"]


def _await_port(server, process, port):
    end = time.monotonic() + 15
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"compare: {server.title} ended with status {process.returncode} at its start")
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.05)
    raise SystemExit(f"compare: {server.title} does not listen on port {port}")


def check_answer(server, running_server):
    """Sees that the server says over HTTP/1.1 what all are asked for."""
    connection = http.client.HTTPConnection("127.0.0.1", running_server.port, timeout=5)
    with contextlib.closing(connection):
        connection.request("GET", TARGET)
        response = connection.getresponse()
        body = response.read()
    if (response.status, body) != (200, b"Hello, World!"):
        raise SystemExit(f"compare: {server.title} answers {response.status} {body!r}")
