"""The servers of the comparison, and how one is started and observed."""

import contextlib
import http.client
import os
import resource
import shutil
import socket
import ssl
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent.parent
ROOT = BENCHMARKS.parent
PEERS = BENCHMARKS / ".build/peers"
TARGET = "/plaintext"
# A request that takes a server half a millisecond, where the server takes the time as a parameter; nginx compresses 16 KB.
WORK_TARGET = "/work?us=500"
# The bytes of a download, and its target.
DOWNLOAD = 100_000_000
DOWNLOAD_TARGET = f"/bytes?count={DOWNLOAD}"
# The standard error of the running server, or of the last one.
LOG = PEERS / "server.log"
# The kinds of key of certificates.
KEYS = ("ecdsa", "rsa")


@dataclass(frozen=True)
class Server:
    """A program that answers GET /plaintext. It listens on PORT and has WORKERS threads."""

    name: str
    title: str
    program: Path
    environment: dict = field(default_factory=dict)
    arguments: tuple = ()
    speaks_http2: bool = False
    speaks_tls: bool = False

    @property
    def is_ours(self):
        return self.program == WEB_APP


# The benchmarks depend on it, so their build includes it.
WEB_APP = BENCHMARKS / ".build/release/WebApp"
# The same routes over TLS, built in the package that depends on OpenSSL.
WEB_APP_TLS = ROOT / "TLS/.build/release/WebAppTLS"


def _hummingbird(runtime):
    return Server(
        f"hummingbird_{runtime}", f"Hummingbird's router on Gearbox, {runtime}",
        PEERS / "swift/release/HummingbirdOnGearbox", {"RUNTIME": runtime}, speaks_http2=True)


def _web_app(runtime):
    return Server(runtime, f"Gearbox, {runtime}", WEB_APP, {"RUNTIME": runtime}, speaks_http2=True, speaks_tls=True)


SERVERS = {
    server.name: server
    for server in [
        Server("floor", "floor (C)", PEERS / "floor"),
        _web_app("custom"),
        _web_app("dispatch"),
        _web_app("concurrency"),
        Server("hyper", "hyper on tokio", PEERS / "hyper/release/hello", speaks_http2=True),
        Server("nginx", "nginx", Path(shutil.which("nginx") or "/usr/sbin/nginx"), speaks_http2=True, speaks_tls=True),
        Server("nio", "SwiftNIO, bare", PEERS / "swift/release/NIOHello"),
        Server("hummingbird", "Hummingbird", PEERS / "swift/release/HummingbirdHello"),
        _hummingbird("custom"),
        _hummingbird("concurrency"),
    ]
}


class Running:
    """A running server."""

    def __init__(self, process, port, is_secure=False):
        self.process = process
        self.port = port
        self.is_secure = is_secure

    @property
    def base(self):
        """The common beginning of its URLs."""
        return f"{'https' if self.is_secure else 'http'}://127.0.0.1:{self.port}"

    @property
    def url(self):
        return self.base + TARGET

    def _processes(self):
        """The process and its children: nginx serves in its children."""
        pid = self.process.pid
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]

    def cpu(self):
        """The processor time so far in user space and in the kernel, in seconds."""
        user = system = 0
        for pid in self._processes():
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            user, system = user + int(fields[11]), system + int(fields[12])
        tick = os.sysconf("SC_CLK_TCK")
        return user / tick, system / tick

    def resident(self):
        """The resident memory, in bytes."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self._processes())
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def running(server, workers=1, core=None, http2=False, tls=None):
    """Runs a server during the block, on one core if one is given, and over TLS if a kind of key is given."""
    command, environment, port = _command(server, workers, http2, tls)
    # Over TLS wrk opens one more connection and closes it at once, which logs a line each time.
    with LOG.open("w") as log:
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=log, preexec_fn=_prepare(core))
    try:
        _await_port(server, process, port, tls)
        yield Running(process, port, is_secure=tls is not None)
    finally:
        _end(process)


def time_to_start(server, core=None, tls=None):
    """Milliseconds until our server reports that it listens."""
    command, environment, _ = _command(server, workers=1, tls=tls)
    start = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, preexec_fn=_prepare(core))
    try:
        line = process.stdout.readline()
        elapsed = time.monotonic() - start
    finally:
        _end(process)
        process.stdout.close()
    if b" on http" not in line:
        raise SystemExit(f"compare: {server.title} does not start")
    return elapsed * 1000


def certificate(key):
    """The files of the certificate and of the key, for this kind of key."""
    return PEERS / f"tls/{key}.pem", PEERS / f"tls/{key}-key.pem"


def _command(server, workers, http2=False, tls=None):
    """The command, the environment and the port of a server."""
    port, other_port = _free_port(), _free_port()
    environment = dict(os.environ, **server.environment, PORT=str(port), WORKERS=str(workers))
    environment |= {"RUNTIME_WORKERS": str(workers), "HOST": "127.0.0.1", "LOG_LEVEL": "error"}
    environment.pop("HTTP2", None)
    program, arguments = server.program, list(server.arguments)
    if server.name == "nginx":
        if tls:
            arguments += _configure_nginx_tls(port, workers, tls)
        else:
            work = PEERS / "work"
            if not work.exists():
                # Neither uniform, which compresses too fast, nor random, which does not compress.
                work.write_text(" ".join(str(number * number) for number in range(2200)))
            arguments += _configure_nginx(
                "nginx.conf", PORT=port, HTTP2_PORT=other_port, WORKERS=workers, WORK=work)
            if http2:
                port = other_port
    elif tls:
        path, key_path = certificate(tls)
        program, arguments = WEB_APP_TLS, ["--certificate", path, "--key", key_path]
    elif http2 and not server.is_ours:
        environment["HTTP2"] = "1"
    return [program, *arguments], environment, port


def _end(process):
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
    """Raises the limit of open files of this process to its maximum."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _configure_nginx(name, **values):
    directory = PEERS / "nginx"
    directory.mkdir(parents=True, exist_ok=True)
    text = (BENCHMARKS / "Peers/Nginx" / name).read_text()
    for placeholder, value in values.items():
        text = text.replace(f"@{placeholder}@", str(value))
    (directory / name).write_text(text)
    return ["-p", str(directory), "-c", str(directory / name), "-e", "stderr"]


def _configure_nginx_tls(port, workers, key):
    path, key_path = certificate(key)
    content = PEERS / "bytes"
    if not content.exists() or content.stat().st_size != DOWNLOAD:
        content.write_bytes(b"." * DOWNLOAD)
    return _configure_nginx(
        "nginx-tls.conf", PORT=port, WORKERS=workers, CERTIFICATE=path, KEY=key_path, BYTES=content)


def client_context(protocols=()):
    """The TLS context of our clients. It does not verify the certificate, which is the same for all servers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(protocols)
    return context


def _await_port(server, process, port, tls):
    end = time.monotonic() + 15
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"compare: {server.title} ended with status {process.returncode} at its start; see {LOG}")
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", port), timeout=1) as one:
                if tls:
                    # A connection that ends before its handshake would log a line.
                    client_context().wrap_socket(one).close()
            return
        time.sleep(0.05)
    raise SystemExit(f"compare: {server.title} does not listen on port {port}; see {LOG}")


def check_answer(server, running_server):
    """Checks that the server sends the expected response over HTTP/1.1."""
    address = ("127.0.0.1", running_server.port)
    if running_server.is_secure:
        connection = http.client.HTTPSConnection(*address, timeout=5, context=client_context())
    else:
        connection = http.client.HTTPConnection(*address, timeout=5)
    with contextlib.closing(connection):
        connection.request("GET", TARGET)
        response = connection.getresponse()
        body = response.read()
    if (response.status, body) != (200, b"Hello, World!"):
        raise SystemExit(f"compare: {server.title} answers {response.status} {body!r}")
