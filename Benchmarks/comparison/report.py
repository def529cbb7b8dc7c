"""Writes the report: README.md beside its samples."""

from results import SCHEDULERS, Results, rounded
from sections import SECTIONS
from servers import SERVERS

PREFACE = """\
# What was measured

`Benchmarks/compare` has written this page from the samples in the JSON files beside it. [The method](../README.md) says
what each figure means. Figures are medians; a line at the end of a bar goes from the least sample to the greatest.
"""


def write(directory):
    results = {section: Results(directory, section) for section in SECTIONS}
    results = {section: result for section, result in results.items() if result}
    parts = [PREFACE, *_conditions(results)]
    for section, result in results.items():
        parts += WRITERS[section](result)
    (directory / "README.md").write_text("\n".join(parts))


def _conditions(results):
    """The machine and the versions; of each section, when it was measured."""
    by_date = sorted(results.values(), key=lambda result: result.all["date"])
    if not by_date:
        return ["Nothing has been measured yet.\n"]
    machine, versions = by_date[-1].all["machine"], {}
    # A section that was measured by itself may lack some peers.
    for result in by_date:
        versions |= result.all["versions"]
    kind = "a virtual machine" if machine["virtual"] else "a machine"
    rows = [
        ("machine", f"{kind} with {machine['cores']} cores of {machine['processor']}, {machine['memory']}"),
        ("system", f"{machine['system']}, {machine['kernel']}"),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]
    for section, result in results.items():
        text = f"{result.all['date'][:16].replace('T', ' ')} UTC, rounds: {result.settings['rounds']}"
        if result.all["versions"]["Gearbox"] != versions["Gearbox"]:
            text += f", Gearbox {result.all['versions']['Gearbox']}"
        if result.others():
            text += f"; other processes had {result.others():.0%} of the machine at most"
        rows.append((section, text))
    return [_table(["", ""], rows)]


def _cost(heading, picture, unit="request"):
    plural = f"{unit}s"

    def write(result):
        floor, hyper, nginx, hummingbird = (result.total(name) for name in ("floor", "hyper", "nginx", "hummingbird"))
        rows = []
        for name, server in SERVERS.items():
            if (total := result.total(name)) is None:
                continue
            rows.append([
                server.title, f"{total:.2f}", f"{result.median(name, 'user'):.2f}",
                f"{result.median(name, 'system'):.2f}", _ratio(total, floor), _ratio(total, hyper),
                _ratio(total, nginx) if result.is_over_tls else "", _ratio(hummingbird, total),
                f"{result.median(name, 'resident') / 2**20:.1f}", f"{result.median(name, 'rate'):,.0f}",
            ])
        columns = ["", f"µs a {unit}", "user", "kernel", "× floor", "× hyper", "× nginx",
                   "times cheaper than Hummingbird", "resident after, MiB", f"{plural} a second"]
        kept = [index for index in range(len(columns)) if any(row[index] for row in rows)]
        table = _table([columns[index] for index in kept], [[row[index] for index in kept] for row in rows])
        return [f"## {heading}\n", *_agreed(result), f"![{heading}]({picture}.svg)\n", table]

    return write


def _agreed(result):
    return [f"Agreed upon with each: {result.settings['agreed']}.\n"] if result.is_over_tls else []


def _idle(subject, picture):
    def write(result):
        rows = []
        for name, server in SERVERS.items():
            if result.median(name, "connection") is None:
                continue
            rows.append([server.title, f"{result.median(name, 'connection'):,.0f}"]
                        + [f"{result.median(name, when) / 2**20:.1f}" for when in ("before", "after")])
        heading = f"{result.settings['connections']:,} idle {subject}"
        columns = ["", "bytes a connection", "resident before, MiB", "with all of them, MiB"]
        return [f"## {heading}\n", *_agreed(result), f"![{heading}]({picture}.svg)\n", _table(columns, rows)]

    return write


def _start(result):
    rows = []
    for name in result.settings["names"]:
        plain, tls = (result.median(f"{name} {way}") for way in ("plain", "tls"))
        rows.append([SERVERS[name].title, f"{plain:.1f}", f"{tls:.1f}", f"{tls - plain:.1f}"])
    columns = ["", "ms until it listens", "over TLS", "more"]
    return ["## Starting, without TLS and with it\n", _table(columns, rows)]


def _latency(result):
    parts = [
        "## Latency\n",
        "The usual p99 is the median of those of each tenth of a second. The p99 of a whole sample is that of the few tenths "
        "in which the machine paused, as it does for the floor too.\n"]
    for load, about in {
        "same": "All servers get the same load: half of what the custom backend answers at its peak.",
        "own": "Each server gets half of what it answers itself at its peak.",
    }.items():
        rows = []
        for connections in result.settings["connections"]:
            for name in result.settings["names"]:
                one = result.latency(name, connections, load)
                times = [f"{one[key]:,.0f}" if one["kept_up"] else "" for key in ("p50", "p90", "usual", "p99", "p99.9")]
                rows.append([connections, SERVERS[name].title, f"{one['asked']:,.0f}", f"{one['rate']:,.0f}", *times])
        columns = ["connections", "", "asked a second", "answered a second", "p50, µs", "p90", "usual p99", "p99", "p99.9"]
        parts += [about + "\n", f"![Latency](latency-{load}.svg)\n", _table(columns, rows)]
    return parts


def _overload(result):
    rows = []
    for subject in result.samples:
        name, _, response = subject.partition(" ")
        title = SERVERS[name].title + (f", --overload {response}" if response else "")
        parts = [f"{result.median(subject, part):.0%}" for part in ("goodput", "refused", "late", "lost")]
        # Without answers in time there is no latency.
        times = [f"{latency / 1000:,.1f}" if latency else "–"
                 for latency in (result.median(subject, time) for time in ("p50", "p99"))]
        rows.append([title, f"{result.median(subject, 'peak'):,.0f}", *parts, *times,
                     f"{result.median(subject, 'recovery'):,.0f}"])
    settings = result.settings
    heading = f"{settings['times']} times as many requests as the server can answer"
    about = (f"`GET {settings['target']}` on {settings['connections']:,} connections. Goodput is what is answered by a 200 "
             "within 100 ms of when it was due, as a part of the peak; the other parts are of all requests. Latencies are "
             "those of requests with a 200, in the median of all tenths of a second.\n")
    columns = ["", "peak, a second", "goodput", "refused", "late", "given up", "p50, ms", "p99, ms", "well again after, ms"]
    return [f"## {heading}\n", about, _table(columns, rows)]


def _scheduler(result):
    subjects = [name for name in SCHEDULERS if any(key.startswith(name + " ") for key in result.samples)]
    rows = []
    for name in result.settings["order"]:
        about = result.settings["figures"][name]
        values = [result.median(f"{subject} {name}") for subject in subjects]
        cells = ["" if value is None else rounded(value) for value in values]
        rows.append([result.title(name), result.unit(name), about["better"], *cells])
    columns = ["", "unit", "better"] + [SCHEDULERS[subject] for subject in subjects]
    return ["## The schedulers\n", "![The schedulers](scheduler.svg)\n", _table(columns, rows)]


def _ratio(value, reference):
    return f"{value / reference:.2f}" if value and reference else ""


def _table(columns, rows):
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


WRITERS = {
    "request": _cost("What a request costs", "request"),
    "pipeline": _cost("What a request costs, 16 in a pipeline", "pipeline"),
    "http2": _cost("What a request costs on HTTP/2", "http2"),
    "idle": _idle("connections", "idle"),
    "idle_http2": _idle("connections of HTTP/2", "idle_http2"),
    "latency": _latency,
    "overload": _overload,
    "scheduler": _scheduler,
    "tls_request": _cost("What a request costs over TLS", "tls_request"),
    "tls_http2": _cost("What a request costs over TLS and HTTP/2", "tls_http2"),
    "tls_handshake": _cost("What a full handshake costs, ECDSA", "tls_handshake", "connection"),
    "tls_handshake_rsa": _cost("What a full handshake costs, RSA", "tls_handshake_rsa", "connection"),
    "tls_resumption": _cost("What a resumed handshake costs", "tls_resumption", "connection"),
    "tls_download": _cost("What a download costs over TLS", "tls_download", "megabyte"),
    "tls_idle": _idle("connections over TLS", "tls_idle"),
    "tls_idle_http2": _idle("connections of HTTP/2 over TLS", "tls_idle_http2"),
    "tls_start": _start,
}
