"""Reads results back: medians of samples."""

import json
import statistics
from pathlib import Path

# The subjects of the section `scheduler`, in order.
SCHEDULERS = {
    "custom": "custom", "dispatch": "dispatch", "concurrency": "concurrency", "no stealing": "custom, no stealing",
    "Swift": "Swift's pool", "adopted": "Swift's pool, adopted", "Dispatch": "Dispatch alone",
    "custom-mimalloc": "custom, mimalloc", "Swift-mimalloc": "Swift's pool, mimalloc", "tokio": "tokio",
}
# The figures of the section `latency` for each server.
LATENCY_FIGURES = ["asked", "requests", "answered", "rate", "p50", "p90", "p99", "p99.9", "usual"]


class Results:
    """The results of one section; false if there are none."""

    def __init__(self, directory, section):
        file = Path(directory) / f"{section}.json"
        self.all = json.loads(file.read_text()) if file.exists() else {}
        self.samples = self.all.get("samples", {})
        self.settings = self.all.get("settings", {})

    def __bool__(self):
        return bool(self.samples)

    @property
    def is_over_tls(self):
        return "agreed" in self.settings

    def median(self, subject, figure=None):
        """The median of a figure, or of plain numbers; None if there are no samples."""
        samples = self.samples.get(subject)
        if not samples:
            return None
        return statistics.median(sample if figure is None else sample[figure] for sample in samples)

    def total(self, subject):
        """The median processor time per request, in microseconds."""
        samples = self.samples.get(subject)
        return statistics.median(sample["user"] + sample["system"] for sample in samples) if samples else None

    def others(self):
        """The largest part of the machine that other processes used during one of the samples."""
        parts = [
            sample["others"]
            for samples in self.samples.values()
            for sample in samples
            if isinstance(sample, dict) and "others" in sample
        ]
        return max([*parts, self.settings.get("others", 0)])

    def title(self, figure):
        """The title of a figure of the section `scheduler`."""
        return self.settings["figures"][figure]["title"].strip().replace(" us ", " µs ")

    def unit(self, figure):
        """A median of the section `scheduler`."""
        return self.settings["figures"][figure]["unit"].replace("us", "µs")

    def latency(self, name, connections, load):
        """The medians of the load `same` or `own`, and whether the server kept up with the requests."""
        subject = f"{name} {connections} {load}"
        if subject not in self.samples:
            return None
        figures = {key: self.median(subject, key) for key in LATENCY_FIGURES}
        # A hundredth may still be in flight when the last request has been sent.
        return figures | {"kept_up": figures["answered"] > 0.99 * figures["requests"]}


def rounded(value):
    """A number with three significant digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
