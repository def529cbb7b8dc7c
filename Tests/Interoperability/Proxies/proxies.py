"""nginx and HAProxy in front of the web app, each listening on sockets in a directory of its own."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

#: How long a proxy may take to start, to reload, or to report a server as healthy, in seconds.
PATIENCE = 30.0

NGINX = """
{user}
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log stderr error;
events {{ worker_connections 2000; }}
http {{
  access_log off;
  client_max_body_size 100m;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  upstream app {{
    server {app};
    keepalive 16;
  }}
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  server {{
    listen unix:{directory}/buffered;
    location / {{ proxy_pass http://app; }}
    location /stream {{
      proxy_pass http://app;
      proxy_buffering off;
    }}
  }}
  server {{
    listen unix:{directory}/unbuffered;
    proxy_request_buffering off;
    proxy_buffering off;
    location / {{ proxy_pass http://app; }}
  }}
}}
"""

HAPROXY = """
global
  stats socket {directory}/stats
  maxconn 2000
  log stderr format raw local0
defaults
  mode http
  log global
  option dontlog-normal
  option log-health-checks
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout check 5s
  option httpchk
  option abortonclose
  http-reuse always
frontend http1
  bind unix@{directory}/http1
  default_backend http1
frontend http2
  bind unix@{directory}/http2
  default_backend http2
backend http1
  server app {app} check inter 1s fall 3
backend http2
  server app {app} check inter 1s fall 3 proto h2
backend http1-with-host
  http-check send meth GET uri /healthz ver HTTP/1.1 hdr Host localhost
  http-check expect status 200
  server app {app} check inter 1s fall 3
backend http2-with-host
  http-check send meth GET uri /healthz ver HTTP/2.0 hdr Host localhost
  http-check expect status 200
  server app {app} check inter 1s fall 3 proto h2
"""


class Proxy:
    """A running proxy."""

    def __init__(self, process: subprocess.Popen[bytes], directory: Path, reload_signal: signal.Signals, log: Path):
        self._process, self._directory = process, directory
        self._reload_signal, self._log = reload_signal, log

    def connect(self, name: str, timeout: float = 60) -> socket.socket:
        """A connection to the socket called `name`."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        try:
            connection.connect(str(self._directory / name))
        except OSError:
            connection.close()
            raise
        return connection

    def reload(self) -> None:
        """Makes the proxy reload its configuration, with new processes for new connections."""
        before = self._children()
        self._process.send_signal(self._reload_signal)
        # The old processes finish their connections first.
        wait_until("it has reloaded", lambda: bool(self._children()) and not self._children() & before)

    def _children(self) -> set[str]:
        pid = self._process.pid
        return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())

    def log(self) -> str:
        """Its log."""
        return self._log.read_text(errors="replace")

    def health(self) -> dict[str, dict[str, str]]:
        """HAProxy's status of its servers, by backend."""
        with self.connect("stats") as connection:
            connection.sendall(b"show stat\n")
            text = b""
            while piece := connection.recv(65_536):
                text += piece
        names, *rows = text.decode().lstrip("# ").splitlines()
        found = [dict(zip(names.split(","), row.split(","))) for row in rows if row]
        return {row["pxname"]: row for row in found if row["svname"] == "app"}


@contextlib.contextmanager
def nginx(app: str, directory: Path) -> Iterator[Proxy]:
    """nginx with kept-alive connections to `app`: `buffered` reads a request before it passes it on, `unbuffered` does not."""
    with _running("nginx", NGINX, app, directory, ["nginx", "-p", str(directory), "-c"], signal.SIGHUP) as proxy:
        yield proxy


@contextlib.contextmanager
def haproxy(app: str, directory: Path) -> Iterator[Proxy]:
    """HAProxy that connects to `app` with the version of HTTP in the socket's name."""
    command = ["haproxy", "-W", "-db", "-f"]
    with _running("haproxy", HAPROXY, app, directory, command, signal.SIGUSR2) as proxy:
        yield proxy


@contextlib.contextmanager
def _running(
    name: str, template: str, app: str, directory: Path, command: list[str], reload_signal: signal.Signals
) -> Iterator[Proxy]:
    directory.mkdir()
    configuration, log = directory / "configuration", directory / "log"
    # If the master is root, its workers need access to the sockets of this directory.
    user = "user root;" if os.geteuid() == 0 else ""
    configuration.write_text(template.format(app=app, directory=directory, user=user))
    with log.open("wb") as output:
        process = subprocess.Popen([*command, str(configuration)], stdout=output, stderr=output)
    try:
        proxy = Proxy(process, directory, reload_signal, log)
        first = {"nginx": "buffered", "haproxy": "http1"}[name]
        wait_until(f"{name} listens", lambda: _listens(proxy, first), lambda: process.poll() is None, proxy.log)
        yield proxy
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listens(proxy: Proxy, name: str) -> bool:
    try:
        proxy.connect(name).close()
    except OSError:
        return False
    return True


def wait_until(
    what: str, holds: Callable[[], bool], may_still: Callable[[], bool] = lambda: True,
    explain: Callable[[], str] = lambda: "",
) -> None:
    """Waits until `holds` returns true, and fails if that takes too long or cannot happen any more."""
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end or not may_still():
            raise AssertionError(f"not so after {PATIENCE:g} s: {what}. {explain()}")
        time.sleep(0.02)
