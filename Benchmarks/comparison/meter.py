"""Runs a command and adds a last line to its output, as JSON: the elapsed seconds, and the seconds of processor time that
the command and that all processes together have used."""

import json
import resource
import subprocess
import sys
import time


def _busy():
    # The first line sums up all cores: user, nice, system, idle, iowait, irq, softirq, steal, in hundredths of a
    # second. The time of interrupts is left out, since it belongs to no process.
    with open("/proc/stat") as stat:
        user, nice, system, _, _, _, _, steal = map(int, stat.readline().split()[1:9])
    return (user + nice + system + steal) / 100


def main():
    before, start = _busy(), time.monotonic()
    status = subprocess.run(sys.argv[1:], check=False).returncode
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    meter = {"elapsed": time.monotonic() - start, "busy": _busy() - before, "own": usage.ru_utime + usage.ru_stime}
    print(json.dumps(meter), flush=True)
    raise SystemExit(status)


if __name__ == "__main__":
    main()
