"""The measurements of honest clients, and the rules to judge them."""

import dataclasses
from collections.abc import Callable

from attacks import Attack
from honest import Sample
from server import MEGABYTE

#: The loads of honest clients. Those of the control have its prefix.
KEPT, NEW, BLOCKING = "kept-alive", "new", "blocking"
CONTROL = "control "
QUIET = Attack("quiet", lambda workers: [])

#: The p99 that is always allowed, in seconds; the same if one of several workers is blocked; the limit of `/block?ms=10`.
ALLOWANCE, ALLOWANCE_BESIDE_BLOCKED_WORKER, ALLOWANCE_OF_BLOCKING = 0.020, 0.010, 1.0
#: The allowed p99 relative to that of a quiet server, and to that of the control.
QUIET_FACTOR, CONTROL_FACTOR = 5, 2
#: The p99 of the control in seconds above which a measurement says more about the machine than about the server. The
#: limit for a quiet server is lower, so that it does not raise the bounds.
DISTURBANCE, DISTURBANCE_OF_QUIET = 0.025, ALLOWANCE / QUIET_FACTOR


@dataclasses.dataclass(frozen=True)
class Setting:
    """A backend and its number of workers."""

    runtime: str
    workers: int


@dataclasses.dataclass
class Measurement:
    """The measurements of honest clients of a server under an attack, or of a quiet one, and the server's state afterwards."""

    attack: Attack
    setting: Setting
    samples: dict[str, Sample]
    #: In bytes; the growth is from before the attack to the peak.
    peak_memory: int
    memory_growth: int
    #: The faults of the server after the attack.
    complaints: list[str]

    def p99(self, load: str) -> float:
        return self.samples[load].percentile(0.99)

    def worst(self, load: str) -> float:
        return self.samples[load].percentile(1)

    @property
    def lost(self) -> int:
        return self.samples[KEPT].lost + self.samples[NEW].lost

    @property
    def is_disturbed(self) -> bool:
        """Whether the machine was too busy for meaningful figures."""
        if self.attack is QUIET:
            return max(self.p99(KEPT), self.p99(NEW)) > DISTURBANCE_OF_QUIET
        return any(
            self.p99(CONTROL + load) > DISTURBANCE or self.samples[CONTROL + load].lost for load in (KEPT, NEW))

    def failures(self, quiet: "Measurement", slack: float) -> list[str]:
        """The violations of the rules, by comparison with the same server when it was quiet."""
        found = list(self.complaints)
        for load in (KEPT, NEW):
            bound = slack * self._bound(load, quiet)
            if self.p99(load) > bound:
                found.append(f"{load} p99 > {milliseconds(bound)} ms")
        if self.lost:
            found.append(f"{self.lost} lost")
        if blocking := self.samples.get(BLOCKING):
            if self.worst(BLOCKING) > ALLOWANCE_OF_BLOCKING or blocking.lost:
                found.append(f"/block took {milliseconds(self.worst(BLOCKING))} ms, {blocking.lost} lost")
        return found

    def _bound(self, load: str, quiet: "Measurement") -> float:
        of_control = CONTROL_FACTOR * self.p99(CONTROL + load)
        if self.attack.blocks_one_worker and self.setting.workers > 1:
            return max(ALLOWANCE_BESIDE_BLOCKED_WORKER, of_control)
        return max(ALLOWANCE, QUIET_FACTOR * quiet.p99(load), of_control)

    def verdict(self, quiet: "Measurement", slack: float) -> str:
        failures = self.failures(quiet, slack)
        judged = "FAILED: " + ", ".join(failures) if failures else "ok"
        if self.is_disturbed:
            judged = "unclear, the machine was busy: " + judged
        return "; ".join([judged, *self._remarks()])

    def _remarks(self) -> list[str]:
        if self.attack is QUIET:
            return [f"p50 {self.pair(lambda load: self.samples[load].percentile(0.5))}"]
        if connections := self.attack.connections:
            least = "at least " if self.complaints else ""
            return [f"{least}{self.memory_growth / connections / MEGABYTE:.1f} MB a connection"]
        return []

    def pair(self, latency: Callable[[str], float]) -> str:
        """The latencies on kept-alive and on new connections."""
        return f"{milliseconds(latency(KEPT))} / {milliseconds(latency(NEW))}"


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f}" if seconds < 0.1 else f"{seconds * 1000:.0f}"
