"""The web app as a process with limits and memory measurements."""

import contextlib
import os
import re
import resource
import select
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from http2 import Address

MEGABYTE = 1024 * 1024


class Server:
    """A running web app."""

    def __init__(self, process: subprocess.Popen[bytes], address: Address, jam: int | None):
        self.process, self.address = process, address
        self.peak_memory = 0
        self._jam = jam

    def logs_after_jam(self, text: bytes, patience: float) -> bool:
        """Reads the pipe of its standard error, and returns whether `text` appears within `patience` seconds."""
        assert self._jam is not None
        end, output = time.monotonic() + patience, b""
        while text not in output and (left := end - time.monotonic()) > 0:
            if select.select([self._jam], [], [], left)[0]:
                output += os.read(self._jam, 65_536)
        return text in output

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def memory(self) -> int:
        """The resident memory in bytes; 0 if the process has ended. It also updates `peak_memory`."""
        status = self._status()
        self.peak_memory = max(self.peak_memory, status.get("VmHWM", 0))
        return status.get("VmRSS", 0)

    def _status(self) -> dict[str, int]:
        try:
            text = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return {}
        return {name: int(size) * 1024 for name, size in re.findall(r"^(Vm\w+):\s+(\d+) kB$", text, re.MULTILINE)}


@contextlib.contextmanager
def running(
    program: Path, runtime: str, workers: int, *, address_space: int | None = None, stderr_is_jammed: bool = False
) -> Iterator[Server]:
    """Starts the web app on a free port, and kills it at the end.

    `address_space` is its limit in bytes, as `ulimit -v` sets it. With `stderr_is_jammed` its standard error is a full pipe
    without a reader.
    """
    settings = {"RUNTIME": runtime, "RUNTIME_WORKERS": str(workers), "PORT": "0", "SWIFT_BACKTRACE": "enable=no"}
    with contextlib.ExitStack() as cleanup:
        jam, errors = _full_pipe(cleanup) if stderr_is_jammed else (None, subprocess.DEVNULL)
        process = subprocess.Popen(
            [program, "--demo"], env={**os.environ, **settings}, stdout=subprocess.PIPE, stderr=errors,
            preexec_fn=lambda: _limit_address_space(address_space))
        cleanup.callback(_kill, process)
        assert process.stdout
        cleanup.enter_context(process.stdout)
        first_line = process.stdout.readline().decode()
        address = re.search(r"http://([0-9.]+):(\d+) \(runtime " + re.escape(runtime) + ",", first_line)
        if not address:
            raise SystemExit(f"check-neighbours: {program} did not start on {runtime}: {first_line!r}")
        yield Server(process, (address[1], int(address[2])), jam)


def _limit_address_space(size: int | None) -> None:
    if size is not None:
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def _full_pipe(cleanup: contextlib.ExitStack) -> tuple[int, int]:
    """The reading and the writing end of a full pipe."""
    reader, writer = os.pipe()
    for descriptor in (reader, writer):
        cleanup.callback(os.close, descriptor)
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(65_536))
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(1))
    os.set_blocking(writer, True)
    return reader, writer


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
