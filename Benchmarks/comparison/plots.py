"""Draws the results as SVG: plots.py DIRECTORY. The same samples make the same files.

The page sets the background, so text and lines have a grey that shows on white and on black.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot
from matplotlib.ticker import MaxNLocator

from results import SCHEDULERS, Results, rounded
from servers import SERVERS

INK = "#768390"
# The two parts of a bar: the time of a request in user space, and in the kernel.
OURS, OURS_LIGHT = "#0a8f83", "#6fd0c3"
PEERS, PEERS_LIGHT = "#66728a", "#aeb8c9"

pyplot.rcParams.update({
    "svg.hashsalt": "gearbox",
    # Text stays text: smaller, sharp at any size, and searchable.
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica Neue", "Helvetica", "Arial", "DejaVu Sans"],
    "font.size": 12,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
})


def colours(name):
    return (OURS, OURS_LIGHT) if name in SERVERS and SERVERS[name].is_ours else (PEERS, PEERS_LIGHT)


def save(figure, directory, name):
    nothing = {"Date": None, "Creator": None}
    figure.savefig(directory / f"{name}.svg", metadata=nothing, bbox_inches="tight", pad_inches=0.1)
    pyplot.close(figure)


def bare(axes, names):
    """Lays out rows with names at the left, the first on top, without a frame."""
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", colors=INK, length=0, labelsize=10)
    axes.set_ylim(len(names) - 0.4, -0.6)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    # Each bar is labelled with its value: a grid would only run through the labels.
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter("{x:,g}")


def title(axes, text, note=None):
    axes.set_title(text, loc="left", fontsize=13, fontweight="bold", color=INK, pad=26 if note else 10)
    if note:
        axes.text(0, 1.0, note, transform=axes.transAxes, fontsize=10.5, va="bottom", color=INK)


def cost(results, directory, name, heading, unit="request"):
    """Processor time per request: user space and kernel, and the ratio to the floor, or to nginx over TLS."""
    names = [one for one in SERVERS if results.total(one) is not None]
    reference = "nginx" if results.is_over_tls else "floor"
    least = results.total(reference)
    figure, axes = pyplot.subplots(figsize=(8.6, 0.42 * len(names) + 0.9))
    bare(axes, [SERVERS[one].title for one in names])
    widest = max(results.total(one) for one in names)
    for row, one in enumerate(names):
        total = results.total(one)
        samples = results.samples[one]
        # The bar's length is the median of sums; its parts have the ratio of their medians.
        user, system = results.median(one, "user"), results.median(one, "system")
        user = total * user / (user + system)
        dark, light = colours(one)
        axes.barh(row, user, height=0.62, color=dark)
        axes.barh(row, total - user, left=user, height=0.62, color=light)
        low, high = (pick(sample["user"] + sample["system"] for sample in samples) for pick in (min, max))
        if len(samples) > 1:
            axes.plot([low, high], [row, row], color=INK, linewidth=1.2, solid_capstyle="butt")
        text = f"{total:.2f} µs" + (f" ({total / least:.2f} × {reference})" if least and one != reference else "")
        axes.text(max(total, high) + widest * 0.012, row, text, va="center", fontsize=11)
    if least:
        axes.axvline(least, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_xlim(0, widest * 1.26)
    axes.set_xlabel(f"processor time a {unit}, µs", fontsize=10.5)
    note = "dark: in user space · light: in the kernel"
    line = {"floor": "the floor", "nginx": "nginx"}[reference]
    title(axes, heading, note + (f" · dashed line: {line}" if least else ""))
    save(figure, directory, name)


def idle(results, directory, subject, name):
    names = [one for one in SERVERS if results.median(one, "connection") is not None]
    figure, axes = pyplot.subplots(figsize=(8.6, 0.42 * len(names) + 0.9))
    bare(axes, [SERVERS[one].title for one in names])
    widest = max(results.median(one, "connection") for one in names)
    for row, one in enumerate(names):
        value = results.median(one, "connection")
        axes.barh(row, value / 1024, height=0.62, color=colours(one)[0])
        axes.text((value + widest * 0.012) / 1024, row, f"{value / 1024:.1f} KiB", va="center", fontsize=11)
    axes.set_xlim(0, widest / 1024 * 1.14)
    axes.set_xlabel("resident memory a connection, KiB", fontsize=10.5)
    title(axes, f"An idle {subject}, of {results.settings['connections']:,}")
    save(figure, directory, name)


def latency(results, directory, load, heading):
    """A row per server: from the median to the usual 99th percentile."""
    names, counts = results.settings["names"], results.settings["connections"]
    figure, panels = pyplot.subplots(
        len(counts), 1, figsize=(8.6, len(counts) * (0.38 * len(names) + 1.1)), squeeze=False, layout="constrained")
    for axes, count in zip(panels[:, 0], counts):
        found = {name: results.latency(name, count, load) for name in names}
        bare(axes, [SERVERS[name].title for name in names])
        widest = max([one["usual"] for one in found.values() if one["kept_up"]], default=1)
        for row, name in enumerate(names):
            one = found[name]
            if not one["kept_up"]:
                text = f"cannot keep up: answered {one['rate']:,.0f} of {one['asked']:,.0f} a second"
                axes.text(widest * 0.01, row, text, va="center", fontsize=10.5, style="italic")
                continue
            dark, light = colours(name)
            axes.plot([one["p50"], one["usual"]], [row, row], color=light, linewidth=5, solid_capstyle="butt", zorder=2)
            axes.plot(one["p50"], row, "o", color=dark, markersize=8, zorder=3)
            axes.plot(one["usual"], row, "|", color=dark, markersize=13, markeredgewidth=3, zorder=3)
            text = f"{one['p50']:,.0f} · {one['usual']:,.0f} µs"
            if load == "own":
                text += f", at {one['asked']:,.0f} a second"
            axes.text(one["usual"] + widest * 0.015, row, text, va="center", fontsize=10.5)
        axes.set_xlim(0, widest * (1.5 if load == "own" else 1.25))
        rate = f", {found[names[0]]['asked']:,.0f} requests a second" if load == "same" else ""
        about = "dot: half are answered within · bar: 99 of a hundred, in a usual tenth of a second"
        title(axes, f"{count:,} connections{rate}", about)
    panels[-1, 0].set_xlabel("µs from when a request is due to its answer", fontsize=10.5)
    figure.suptitle(heading, x=0.01, ha="left", fontsize=14, fontweight="bold", color=INK)
    save(figure, directory, f"latency-{load}")


def scheduler(results, directory):
    """A panel per figure, each with an axis of its own."""
    figures = {name: results.settings["figures"][name] for name in results.settings["order"]}
    rows = -(-len(figures) // 2)
    figure, panels = pyplot.subplots(rows, 2, figsize=(11, 2.5 * rows), layout="constrained")
    for axes in panels.flat[len(figures):]:
        axes.set_visible(False)
    for axes, (name, about) in zip(panels.flat, figures.items()):
        found = [(one, results.median(f"{one} {name}")) for one in SCHEDULERS]
        found = [(one, value) for one, value in found if value is not None]
        bare(axes, [SCHEDULERS[one] for one, _ in found])
        widest = max(value for _, value in found)
        for row, (one, value) in enumerate(found):
            dark = OURS if one.removesuffix("-mimalloc") in SERVERS or one == "no stealing" else PEERS
            axes.barh(row, value, height=0.62, color=dark, alpha=0.55 if one == "no stealing" else 1)
            axes.text(value + widest * 0.015, row, rounded(value), va="center", fontsize=10.5)
        axes.set_xlim(0, widest * 1.15)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        title(axes, results.title(name).capitalize(), f"{results.unit(name)}, {about['better']} is better")
    save(figure, directory, "scheduler")


def main(directory):
    # The README of the project uses these headings, too.
    for section, heading in {
        "request": "What a request costs",
        "pipeline": "What a request costs, 16 in a pipeline",
        "http2": "What a request costs on HTTP/2, 32 streams a connection",
    }.items():
        if results := Results(directory, section):
            cost(results, directory, section, heading)
    for section, (heading, unit) in {
        "tls_request": ("What a request costs over TLS", "request"),
        "tls_http2": ("What a request costs over TLS and HTTP/2, 32 streams a connection", "request"),
        "tls_handshake": ("What a full handshake costs, ECDSA", "connection"),
        "tls_handshake_rsa": ("What a full handshake costs, RSA", "connection"),
        "tls_resumption": ("What a resumed handshake costs", "connection"),
        "tls_download": ("What a download costs over TLS", "megabyte"),
    }.items():
        if results := Results(directory, section):
            cost(results, directory, section, heading, unit)
    for name, subject in {
        "idle": "connection", "idle_http2": "connection of HTTP/2", "tls_idle": "connection over TLS",
        "tls_idle_http2": "connection of HTTP/2 over TLS",
    }.items():
        if results := Results(directory, name):
            idle(results, directory, subject, name)
    if results := Results(directory, "latency"):
        latency(results, directory, "same", "Latency, the same load for all")
        latency(results, directory, "own", "Latency, each at half of what it can bear")
    if results := Results(directory, "scheduler"):
        scheduler(results, directory)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
