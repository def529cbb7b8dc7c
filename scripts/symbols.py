"""The public symbols of the libraries, from the debug build. Used by scripts/docs and scripts/check-api.

It needs the output of `swift build`. Symbols behind `@_spi` are not public, and are left out.
"""

import json
import platform
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: The libraries in the order of their imports, so that each comes after those that it imports.
MODULES = [
    "Runtime", "RuntimeKit", "RuntimeConcurrency", "RuntimeDispatch", "RuntimeCustom", "RuntimeHTTP", "RuntimeConsole",
    "RuntimeTesting", "RuntimeSimulation", "RuntimeSelection", "WebApp",
]
#: Implicit conformances, which say nothing about a type.
IMPLICIT = {"Copyable", "Escapable", "SendableMetatype", "BitwiseCopyable"}


def extract(module, directory):
    """Writes the symbol graphs of `module` into `directory`."""
    extractor = Path(shutil.which("swiftc")).resolve().parent / "swift-symbolgraph-extract"
    build = ROOT / ".build/debug"
    if not (build / f"Modules/{module}.swiftmodule").exists():
        raise SystemExit(f"{module} has not been built: run swift build")
    directory.mkdir(parents=True, exist_ok=True)
    maps = [option for name in ("CRuntime", "CSimulation")
            for option in ("-Xcc", f"-fmodule-map-file={build}/{name}.build/module.modulemap")]
    subprocess.run(
        [extractor, "-module-name", module, "-target", f"{platform.machine()}-unknown-linux-gnu",
         "-I", build / "Modules", *maps, "-minimum-access-level", "public", "-skip-synthesized-members",
         "-skip-inherited-docs", "-emit-extension-block-symbols", "-output-dir", directory], check=True)


def graphs(directory):
    """The symbol graphs in `directory`."""
    return [json.loads(path.read_text()) for path in sorted(directory.glob("*.symbols.json"))]


def name(symbol):
    return ".".join(symbol["pathComponents"])


def undocumented(graph):
    """The symbols without a documentation comment. Symbols that implement a requirement of a protocol, whose
    documentation applies to them, are not counted."""
    implementations = {
        relationship["source"] for relationship in graph["relationships"]
        if relationship["kind"] == "defaultImplementationOf" or "sourceOrigin" in relationship}
    return [symbol for symbol in graph["symbols"]
            if "docComment" not in symbol and symbol["identifier"]["precise"] not in implementations
            and symbol["kind"]["identifier"] != "swift.extension"]


def interface(graph):
    """The lines of a module's interface: one per declaration, and the conformances of each type."""
    names = {symbol["identifier"]["precise"]: name(symbol) for symbol in graph["symbols"]}
    lines = set()
    for symbol in graph["symbols"]:
        if symbol["kind"]["identifier"] == "swift.extension":
            continue
        declaration = "".join(fragment["spelling"] for fragment in symbol.get("declarationFragments", []))
        lines.add(f"{name(symbol)} | {' '.join(declaration.split())}")
    for relationship in graph["relationships"]:
        source = names.get(relationship["source"])
        target = names.get(relationship["target"]) or relationship.get("targetFallback", relationship["target"])
        target = target.split(".")[-1]
        if relationship["kind"] == "conformsTo" and source and target not in IMPLICIT:
            lines.add(f"{source} | conforms to {target}")
    return sorted(lines)
