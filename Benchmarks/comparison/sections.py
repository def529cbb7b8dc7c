"""The sections of the comparison. Each measures all servers in turn, several rounds over, so that a disturbance of the
machine affects all of them. A section returns its settings and its samples, a list for each subject."""

import ctypes.util
import dataclasses
import json
import tempfile
from dataclasses import dataclass

import loads
from servers import BENCHMARKS, DOWNLOAD, PEERS, SERVERS, WORK_TARGET, check_answer, running, time_to_start

# The server and the load have a core each: the figure is the cost of a request, not the throughput.
SERVER_CORE, LOAD_CORE = 0, 1


@dataclass(frozen=True)
class Effort:
    rounds: int
    seconds: int
    idle_connections: int
    latency_connections: tuple
    # Many short rounds: a pause of the machine for a tenth of a second spoils the 99th percentile of a whole sample, but
    # the median of samples only if half of them have such a pause.
    latency_rounds: int
    latency_seconds: int

    def settings(self, **more):
        return {"rounds": self.rounds, "seconds": self.seconds, **more}


THOROUGH = Effort(
    rounds=3, seconds=5, idle_connections=10_000, latency_connections=(64, 1000), latency_rounds=5, latency_seconds=2)
QUICK = Effort(
    rounds=1, seconds=1, idle_connections=200, latency_connections=(16,), latency_rounds=1, latency_seconds=1)


def say(text):
    print(text, flush=True)


def _cost(names, effort, make_load, http2=False, tls=None, unit="request"):
    samples = {name: [] for name in names}
    for number in range(effort.rounds):
        for name in names:
            server = SERVERS[name]
            with running(server, workers=1, core=SERVER_CORE, http2=http2, tls=tls) as process:
                if http2:
                    if not loads.speaks_http2(process):
                        say(f"  {server.title}: does not speak HTTP/2")
                        continue
                else:
                    check_answer(server, process)
                sample = loads.cost(process, make_load(process), effort.seconds, LOAD_CORE)
            samples[name].append(sample)
            say(f"  {number + 1}  {server.title:22} {sample['user'] + sample['system']:7.2f} us a {unit} "
                f"(user {sample['user']:.2f}), {sample['rate']:.0f} a second{_disturbed(sample)}")
    return {name: taken for name, taken in samples.items() if taken}


def request(names, effort):
    """Processor time a request: HTTP/1.1, one at a time on each of 64 connections."""
    samples = _cost(names, effort, lambda process: loads.wrk(process, 64))
    return effort.settings(connections=64), samples


def pipeline(names, effort):
    """Processor time a request: HTTP/1.1, 16 at a time on each of 64 connections."""
    samples = _cost(names, effort, lambda process: loads.wrk(process, 64, 16))
    return effort.settings(connections=64, pipeline=16), samples


def http2(names, effort):
    """Processor time a request: HTTP/2, 32 streams on each of 16 connections."""
    names = [name for name in names if SERVERS[name].speaks_http2]
    samples = _cost(names, effort, lambda process: loads.h2load(process, 16, 32), http2=True)
    return effort.settings(connections=16, streams=32), samples


def idle(names, effort):
    """Memory of connections that are kept alive and silent."""
    # The floor itself stores nothing for a connection; only the kernel does.
    return _idle([name for name in names if name != "floor"], effort)


def idle_http2(names, effort):
    """The same, of connections of HTTP/2."""
    return _idle([name for name in names if SERVERS[name].speaks_http2], effort, http2=True)


def _idle(names, effort, http2=False, tls=None):
    # A handshake takes a client as long as many requests.
    connections = effort.idle_connections // (2 if tls else 1)
    samples = {name: [] for name in names}
    for number in range(effort.rounds):
        for name in names:
            with running(SERVERS[name], workers=2, http2=http2, tls=tls) as process:
                sample = loads.idle(process, connections, http2)
            samples[name].append(sample)
            say(f"  {number + 1}  {SERVERS[name].title:22} {sample['connection']:7.0f} bytes a connection")
    return {"rounds": effort.rounds, "connections": connections}, samples


def _over_tls(names, key):
    """The servers that speak TLS, and the parameters that all of them negotiate with a client."""
    names = [name for name in names if SERVERS[name].speaks_tls]
    agreed = {}
    for name in names:
        with running(SERVERS[name], tls=key) as process:
            agreed.setdefault(loads.agreed(process), []).append(SERVERS[name].title)
    if len(agreed) > 1:
        raise SystemExit(f"compare: servers agree upon different things with a client: {agreed}")
    return names, {"agreed": "".join(agreed)}


def tls_request(names, effort):
    """Processor time a request over TLS: HTTP/1.1, one at a time on each of 64 connections."""
    names, settings = _over_tls(names, "ecdsa")
    samples = _cost(names, effort, lambda process: loads.wrk(process, 64), tls="ecdsa")
    return effort.settings(connections=64, **settings), samples


def tls_http2(names, effort):
    """Processor time a request over TLS: HTTP/2, 32 streams on each of 16 connections."""
    names, settings = _over_tls(names, "ecdsa")
    samples = _cost(names, effort, lambda process: loads.h2load(process, 16, 32), http2=True, tls="ecdsa")
    return effort.settings(connections=16, streams=32, **settings), samples


def tls_handshake(names, effort):
    """Processor time a connection over TLS with one request on it: a full handshake, ECDSA."""
    return _handshake(names, effort, "ecdsa", "full")


def tls_handshake_rsa(names, effort):
    """The same with an RSA key of 2048 bits."""
    return _handshake(names, effort, "rsa", "full")


def tls_resumption(names, effort):
    """The same where the session of an earlier connection is resumed by its ticket."""
    return _handshake(names, effort, "ecdsa", "resumed")


def _handshake(names, effort, key, kind):
    names, settings = _over_tls(names, key)
    samples = _cost(names, effort, lambda process: loads.handshakes(process, kind), tls=key, unit="connection")
    return effort.settings(**settings), samples


def tls_download(names, effort):
    """Processor time a megabyte over TLS, of a download of 100."""
    names, settings = _over_tls(names, "ecdsa")
    samples = _cost(names, effort, loads.download, tls="ecdsa", unit="megabyte")
    return effort.settings(bytes=DOWNLOAD, **settings), samples


def tls_idle(names, effort):
    """Memory of connections over TLS that are kept alive and silent."""
    names, settings = _over_tls(names, "ecdsa")
    about, samples = _idle(names, effort, tls="ecdsa")
    return about | settings, samples


def tls_idle_http2(names, effort):
    """The same, of connections of HTTP/2."""
    names, settings = _over_tls(names, "ecdsa")
    about, samples = _idle(names, effort, http2=True, tls="ecdsa")
    return about | settings, samples


# A start is short, and so are its disturbances.
STARTS = 7


def tls_start(names, effort):
    """How long the web app takes to start, without TLS and with it."""
    names = [name for name in names if SERVERS[name].is_ours]
    samples = {f"{name} {way}": [] for name in names for way in ("plain", "tls")}
    for number in range(effort.rounds * STARTS):
        for name in names:
            for way, key in {"plain": None, "tls": "ecdsa"}.items():
                samples[f"{name} {way}"].append(time_to_start(SERVERS[name], tls=key))
        say(f"  {number + 1}")
    return {"rounds": effort.rounds * STARTS, "names": names}, samples


def latency(names, effort):
    """How long a request takes, at half of the custom backend's peak, and at half of the server's own."""
    # The floor shows what the machine itself adds.
    names = [name for name in names if name != "nginx"]
    peaks = {}
    for name in dict.fromkeys(["custom", *names]):
        with running(SERVERS[name], workers=1, core=SERVER_CORE) as process:
            peaks[name] = loads.cost(process, loads.wrk(process, 64), effort.seconds, LOAD_CORE)["rate"]
    rates = {name: {"same": _half(peaks["custom"]), "own": _half(peaks[name])} for name in names}
    samples = {}
    for number in range(effort.latency_rounds):
        for connections in effort.latency_connections:
            for name in names:
                with running(SERVERS[name], workers=1, core=SERVER_CORE) as process:
                    for load, rate in rates[name].items():
                        sample = loads.open_loop(process, connections, rate, effort.latency_seconds, LOAD_CORE)
                        samples.setdefault(f"{name} {connections} {load}", []).append({"asked": rate, **sample})
                        say(f"  {number + 1}  {SERVERS[name].title:22} {connections:5} connections, {rate:6} a second: "
                            f"p50 {sample['p50']:.0f} us, p99 {sample['p99']:.0f} us"
                            + (f", {sample['late']:.0f} unanswered" if sample["late"] else "") + _disturbed(sample))
    settings = {"rounds": effort.latency_rounds, "seconds": effort.latency_seconds, "peaks": peaks, "names": names}
    return settings | {"connections": list(effort.latency_connections)}, samples


# The load relative to what a server can take, and the number of connections.
OVERLOAD, OVERLOAD_CONNECTIONS = 5, 2000


def overload(names, effort):
    """What is left of a server at five times the load that it can take, with handlers of half a millisecond."""
    variants = {}
    for name in names:
        server = SERVERS[name]
        if server.is_ours:
            variants[name] = dataclasses.replace(server, arguments=("--demo",))
            variants[f"{name} refuse"] = dataclasses.replace(server, arguments=("--demo", "--overload", "refuse"))
        elif name in ("hyper", "nginx"):
            variants[name] = server
    samples = {name: [] for name in variants}
    for number in range(effort.rounds):
        for name, server in variants.items():
            with running(server, workers=1, core=SERVER_CORE) as process:
                sample = loads.overload(
                    process, WORK_TARGET, OVERLOAD_CONNECTIONS, OVERLOAD, effort.seconds, LOAD_CORE)
            samples[name].append(sample)
            say(f"  {number + 1}  {name:22} {sample['goodput']:.0%} of {sample['peak']:.0f} a second in time, "
                f"p99 {sample['p99'] / 1000:.1f} ms, well again after {sample['recovery']:.0f} ms{_disturbed(sample)}")
    return effort.settings(times=OVERLOAD, connections=OVERLOAD_CONNECTIONS, target=WORK_TARGET), samples


def _disturbed(sample):
    others = sample["others"]
    return f" (disturbed: others had {others:.0%} of the machine)" if others > loads.DISTURBED else ""


def _half(peak):
    """Half of a rate, to the nearest thousand."""
    return round(peak / 2000) * 1000


SCHEDULER = ["spawn", "chain", "yield", "pingpong", "sleep", "inject", "blocking", "blockinturn", "skewed"]


def scheduler(names, effort):
    """What running tasks costs: the backends, Swift's pool, Dispatch, and tokio, on two workers. The custom backend and
    Swift's pool are also measured with another allocator."""
    del names
    samples, figures, others = {}, {}, []
    for number in range(effort.rounds):
        for benchmark in SCHEDULER:
            ours = loads.undisturbed(None, lambda meter: {"results": _ours(benchmark, meter)})
            mimallocs = loads.undisturbed(None, lambda meter: {"results": _with_mimalloc(benchmark, meter)})
            for result in ours["results"] + mimallocs["results"]:
                figure = f"{benchmark} {result['figure']['name']}"
                figures[figure] = result["figure"]
                samples.setdefault(f"{result['subject']} {figure}", []).extend(result["samples"])
            tokios = loads.undisturbed(None, lambda meter: {"results": _tokios(benchmark, meter)})
            for figure, value in tokios["results"]:
                samples.setdefault(f"tokio {figure}", []).append(value)
            others += [ours["others"], mimallocs["others"], tokios["others"]]
            say(f"  {number + 1}  {benchmark}")
    return {"rounds": effort.rounds, "figures": figures, "order": list(figures), "others": max(others)}, samples


def _ours(benchmark, meter, *options, prefix=()):
    program = BENCHMARKS / ".build/release/Benchmarks"
    with tempfile.NamedTemporaryFile("r", suffix=".json") as file:
        command = [*prefix, program, f"scheduler/{benchmark}", "--rounds", 1, "--json", file.name, *options]
        loads.timed(command, meter=meter)
        return json.load(file)["results"]


def _with_mimalloc(benchmark, meter):
    # Preloaded, the library takes the place of the allocator of glibc, as it does in a program that links it.
    library = ctypes.util.find_library("mimalloc")
    if not library:
        # The dynamic linker would only warn, and glibc's allocator would be measured.
        raise SystemExit("compare: mimalloc is not installed; run Benchmarks/Peers/setup")
    preload = ["env", f"LD_PRELOAD={library}"]
    results = _ours(benchmark, meter, "--subject", "custom", "--subject", "Swift", prefix=preload)
    return [{**result, "subject": f"{result['subject']}-mimalloc"} for result in results]


def _tokios(benchmark, meter):
    lines = loads.timed([PEERS / "hyper/release/micro", benchmark], meter=meter).splitlines()
    return [(figure, float(value)) for figure, _, value in (line.rpartition(" ") for line in lines)]


SECTIONS = {
    one.__name__: one
    for one in (
        request, pipeline, http2, idle, idle_http2, latency, overload, scheduler, tls_request, tls_http2, tls_handshake,
        tls_handshake_rsa, tls_resumption, tls_download, tls_idle, tls_idle_http2, tls_start)
}
