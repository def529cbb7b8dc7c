"""The machine and the versions of a measurement."""

import datetime
import json
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from servers import BENCHMARKS, ROOT


def describe():
    kibibytes = int(_first(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text()))
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": {
            "processor": _first(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()),
            "cores": os.cpu_count(),
            "memory": f"{kibibytes / 2**20:.0f} GiB",
            "kernel": f"{platform.system()} {platform.release()}",
            "system": _first(r'PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text()),
            "virtual": "hypervisor" in Path("/proc/cpuinfo").read_text(),
        },
        "versions": _versions(),
    }


def _versions():
    versions = {
        "Gearbox": _output("git", "-C", str(ROOT), "describe", "--always", "--dirty"),
        "Swift": _first(r"Swift version (\S+)", _output("swift", "--version")),
        "gcc": _first(r"(\d+[\d.]+)$", _output("gcc", "-dumpfullversion")),
        "rustc": _first(r"rustc (\S+)", _output("rustc", "--version")),
        "nginx": _first(r"nginx/(\S+)", _output(shutil.which("nginx") or "/usr/sbin/nginx", "-v")),
        "OpenSSL": _first(r"OpenSSL (\S+)", _output("openssl", "version")),
        "wrk": _first(r"([\d.]+)", _output("wrk", "--version")),
        "h2load": _first(r"nghttp2/(\S+)", _output("h2load", "--version")),
    }
    for line in _output("cargo", "tree", "--offline", "--prefix=none", cwd=BENCHMARKS / "Peers/Hyper").splitlines():
        name, version = (line.split() + ["", ""])[:2]
        if name in ("hyper", "tokio"):
            versions[name] = version.removeprefix("v")
    resolved = BENCHMARKS / "Peers/Swift/Package.resolved"
    pins = json.loads(resolved.read_text())["pins"] if resolved.exists() else []
    for pin in pins:
        if pin["identity"] in ("swift-nio", "hummingbird"):
            versions[{"swift-nio": "SwiftNIO", "hummingbird": "Hummingbird"}[pin["identity"]]] = pin["state"]["version"]
    return {name: version for name, version in versions.items() if version}


def _output(*command, cwd=None):
    try:
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=cwd)
    except OSError:
        return ""
    return result.stdout.strip()


def _first(pattern, text):
    found = re.search(pattern, text, re.MULTILINE)
    return found[1].strip() if found else ""
