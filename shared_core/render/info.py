"""go-info as text and JSON."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from ..binary.buildinfo import ModuleVersion
from ..commands.info import Counts, Info
from ..errors import Absent, Maybe
from .escape import escape
from .jsonout import address

_SHOWN_SETTINGS = ("-buildmode", "-ldflags", "-gcflags", "-tags", "-trimpath", "CGO_ENABLED", "GOAMD64", "GOARM64")


def text(info: Info) -> str:
    found = rows(info)
    size = max(len(name) for name, _ in found)
    return "".join(f"{name:{size}}  {escape(value)}\n" for name, value in found)


def rows(info: Info) -> List[Tuple[str, str]]:
    """(what, value), as the target has it."""
    return [
        ("Go version", info.go_version or "unknown: no build info in the program"),
        ("architecture", f"linux/{info.arch}"),
        ("target", {"core": "core file", "live": "live process", "file": "executable, no process"}[info.kind]),
        ("executable", info.executable or "not at hand: read from memory"),
        ("main package", info.main_path or "not recorded"),
        ("main module", _module(info.main_module)),
        *_settings(info.settings),
        ("layout", _or_reason(info.layout_source, "none: ")),
        ("pclntab", f"{info.pclntab:#x}, the form of Go {info.pclntab_layout}, {info.functions} functions"),
        *_modules(info),
        *_counts(info.counts),
    ]


def _or_reason(value: Maybe[str], prefix: str = "") -> str:
    return prefix + value.detail if isinstance(value, Absent) else value


def _module(module: Optional[ModuleVersion]) -> str:
    return f"{module.path} {module.version}" if module else "not recorded"


def _settings(settings: Dict[str, str]) -> List[Tuple[str, str]]:
    build = " ".join(f"{key}={value}" for key, value in settings.items() if key in _SHOWN_SETTINGS and value)
    revision = settings.get("vcs.revision", "")
    dirty = ", with local changes" if settings.get("vcs.modified") == "true" else ""
    rows = [("build", build)] if build else []
    return [*rows, ("revision", f"{revision} of {settings.get('vcs.time', '?')}{dirty}")] if revision else rows


def _modules(info: Info) -> List[Tuple[str, str]]:
    if isinstance(info.modules, Absent):
        return [("modules", info.modules.detail)]
    return [
        ("module" if m.name else "text", f"{m.text:#x} to {m.etext:#x}, {m.functions} functions {m.name}".rstrip())
        for m in info.modules
    ]


def _counts(counts: Maybe[Counts]) -> List[Tuple[str, str]]:
    if isinstance(counts, Absent):
        return [("goroutines", f"unknown: {counts.detail}")]
    procs = counts.gomaxprocs
    return [
        ("goroutines", f"{counts.goroutines}, and {counts.system_goroutines} of the runtime's own"),
        ("threads", f"{counts.threads}, of which {counts.machines} are known to the runtime"),
        ("GOMAXPROCS", f"unknown: {procs.detail}" if isinstance(procs, Absent) else str(procs)),
    ]


def document(info: Info) -> Dict[str, Any]:
    counts = info.counts
    return {
        "load_bias": address(info.load_bias),
        "pclntab": {"address": address(info.pclntab), "form": info.pclntab_layout, "functions": info.functions},
        "main_path": info.main_path,
        "main_module": info.main_module,
        "dependencies": info.dependencies,
        "settings": info.settings,
        "modules": info.modules
        if isinstance(info.modules, Absent)
        else [
            {"name": m.name, "address": address(m.address), "text": address(m.text), "etext": address(m.etext),
             "functions": m.functions}
            for m in info.modules
        ],
        "goroutines": counts if isinstance(counts, Absent) else counts.goroutines,
        "system_goroutines": counts if isinstance(counts, Absent) else counts.system_goroutines,
        "threads": counts if isinstance(counts, Absent) else counts.threads,
        "machines": counts if isinstance(counts, Absent) else counts.machines,
        "gomaxprocs": counts if isinstance(counts, Absent) else counts.gomaxprocs,
    }  # fmt: skip
