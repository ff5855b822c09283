"""The whole page: one file with its own style, scripts and data, which asks for nothing else.

Its policy (Content-Security-Policy) lets run what is named by its hash and nothing more; no network, no style
attributes. What the target says is text, or data that scripts show as text.
"""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple, TypeVar

from ...commands.crash import CrashCard
from ...commands.info import Info
from ...commands.leaks import LeakList
from ...commands.memory import MemoryUse
from ...commands.report import Report
from ...commands.sched import SchedulerState
from ...errors import Absent
from ...export.flame import Flame
from .blocks import missing, section
from .crash import crash_section
from .goroutines import flame_data, flame_section, groups_section, roll_data, roll_section
from .leaks import leaks_section
from .machine import build_section, memory_section, sched_section
from .markup import Markup, raw, tag
from .summary import headline, program, quarters_bar, tiles
from .waits import waits_section

T = TypeVar("T")
_HERE = Path(__file__).parent
_SCRIPTS = ("tables.js", "flame.js", "roll.js")


def page(report: Report) -> str:
    """The HTML document."""
    style = (_HERE / "page.css").read_text(encoding="utf-8")
    script = "".join((_HERE / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    sections = _sections(report)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content=report.by),
        tag("title", headline(report)),
        tag("style", raw(style)),
    )
    body = tag(
        "body",
        tag("a", "Skip to the report", href="#top", class_="skip"),
        tag("nav", tag("ul", *[_link(key, title) for key, title, _ in sections]), aria_label="Sections"),
        tag("main", _header(report), *[content for _, _, content in sections], _footer(report), id="top"),
        _data(report),
        tag("script", raw(script)),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _policy(style: str, script: str) -> str:
    allowed = ["default-src 'none'", f"style-src '{_hash(style)}'", f"script-src '{_hash(script)}'"]
    return "; ".join([*allowed, "base-uri 'none'", "form-action 'none'"])


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _link(key: str, title: str) -> Markup:
    return tag("li", tag("a", title, href=f"#{key}"))


def _sections(report: Report) -> List[Tuple[str, str, Markup]]:
    """(id, title, content)."""
    notes = [("notes", "Warnings", _notes(report))] if _warnings(report) else []
    return [
        ("crash", "Crash", _part(report, "crash", "Crash", CrashCard, crash_section)),
        ("goroutines", "Goroutines", groups_section(report)),
        ("flame", "Flame graph", flame_section(report.flame)),
        ("waits", "Waits", waits_section(report)),
        ("leaks", "Leaks", _part(report, "leaks", "Leaks", LeakList, leaks_section)),
        ("all", "All goroutines", roll_section(report.roll)),
        ("sched", "Scheduler", _part(report, "sched", "Scheduler", SchedulerState, sched_section)),
        ("memory", "Memory", _part(report, "memory", "Memory", MemoryUse, memory_section)),
        ("build", "Build", _part(report, "info", "Build", Info, lambda body: build_section(report, body), "build")),
        *notes,
    ]


def _part(
    report: Report, name: str, title: str, kind: Callable[..., T], show: Callable[[T], Markup], key: str = ""
) -> Markup:
    part = report.parts[name]
    if isinstance(part, Absent):
        return section(key or name, title, missing(part))
    body: Any = part.body
    return show(body)


def _header(report: Report) -> Markup:
    made = datetime.fromtimestamp(report.made, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    info = report.parts["info"]
    what: List[str] = []
    if not isinstance(info, Absent) and isinstance(info.body, Info):
        kind = {"core": "core file", "live": "live process"}.get(info.body.kind, info.body.kind)
        what = [info.body.go_version or "unknown Go", f"linux/{info.body.arch}", kind]
    facts = tag("p", " · ".join([*what, f"made {made}"]), class_="note")
    return tag("header", tag("h1", program(report)), facts, tiles(report), quarters_bar(report), class_="top")


def _warnings(report: Report) -> List[Tuple[str, str]]:
    """(part, warning); "" for what is about all."""
    found = [("", each) for each in report.warnings]
    for name, part in report.parts.items():
        found += [] if isinstance(part, Absent) else [(name, each) for each in part.warnings]
    return found


def _notes(report: Report) -> Markup:
    rows = [tag("li", tag("strong", f"{name}: ") if name else None, text) for name, text in _warnings(report)]
    return section("notes", "Warnings", tag("ul", *rows))


def _footer(report: Report) -> Markup:
    return tag("footer", tag("p", f"{report.by}, from memory and the program's own tables; nothing was run."))


def _data(report: Report) -> Markup:
    """What scripts draw. "<" is spelled so that no text can end the element."""
    data: Dict[str, Any] = {}
    if isinstance(report.flame, Flame):
        data["flame"] = flame_data(report.flame)
    roll: Optional[Any] = report.roll
    if roll is not None and not isinstance(roll, Absent):
        data["roll"] = roll_data(roll)
    text = json.dumps(data, separators=(",", ":"))
    return tag("script", raw(text.replace("<", "\\u003c")), type="application/json", id="data")
