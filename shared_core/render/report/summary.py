"""What is at the top: one line for the whole, figures that lead to their sections, and what goroutines wait for."""

from __future__ import annotations

import os
from typing import Dict, List, Optional, Tuple

from ...commands.base import Result
from ...commands.crash import CrashCard
from ...commands.info import Info
from ...commands.leaks import LeakList
from ...commands.memory import MemoryUse
from ...commands.report import Report
from ...commands.sched import SchedulerState
from ...commands.waits import WaitList
from ...errors import Absent
from ..sizes import size
from .blocks import percent, plural
from .markup import Markup, tag
from .waits import css

Tile = Tuple[str, str, str, str, str]  # section, what, figure, more of it, class


def _body(report: Report, name: str) -> Optional[object]:
    part = report.parts.get(name)
    return part.body if isinstance(part, Result) else None


def program(report: Report) -> str:
    info = _body(report, "info")
    if not isinstance(info, Info):
        return "a Go program"
    return os.path.basename(info.executable or "") or info.main_path or "a Go program"


def headline(report: Report) -> str:
    """ "memory:nil-deref: server, 18 goroutines"."""
    crash, waits = _body(report, "crash"), _body(report, "waits")
    parts = [program(report)]
    if isinstance(waits, WaitList):
        parts.append(plural(waits.total, "goroutine"))
    what = crash.crash.label if isinstance(crash, CrashCard) and crash.crash.kind else "goxray report"
    return f"{what}: {', '.join(parts)}"


def tiles(report: Report) -> Markup:
    shown = [tile for tile in (_crash(report), _goroutines(report), _stuck(report), _leaks(report)) if tile]
    shown += [tile for tile in (_heap(report), _threads(report)) if tile]
    return tag("div", *[_tile(*tile) for tile in shown], class_="tiles")


def _tile(key: str, what: str, figure: str, more: str, kind: str) -> Markup:
    long = "long" if len(figure) > 12 else ""
    return tag(
        "a", tag("span", what, class_="what"), tag("strong", figure, class_=long or None),
        tag("span", more, class_="note") if more else None,
        href=f"#{key}", class_=f"tile {kind}".strip(),
    )  # fmt: skip


def _crash(report: Report) -> Tile:
    body = _body(report, "crash")
    if not isinstance(body, CrashCard):
        return "crash", "Crash", "?", "not available", "warn"
    if not body.crash.kind:
        return "crash", "Crash", "none", "", "good"
    return "crash", "Crash", body.crash.label, body.crash.kind, "bad"


def _goroutines(report: Report) -> Optional[Tile]:
    body = _body(report, "waits")
    if not isinstance(body, WaitList):
        return None
    hidden = f"+ {body.hidden} of the runtime" if body.hidden else ""
    return "goroutines", "Goroutines", f"{body.total:,}", hidden, ""


def _stuck(report: Report) -> Optional[Tile]:
    body = _body(report, "waits")
    if not isinstance(body, WaitList):
        return None
    if body.asleep:
        return "waits", "Deadlock", "all asleep", plural(len(body.cycles), "lock cycle") if body.cycles else "", "bad"
    if body.cycles:
        return "waits", "Deadlock", plural(len(body.cycles), "lock cycle"), "by who seems to hold what", "bad"
    return "waits", "Deadlock", "none seen", "", "good"


def _leaks(report: Report) -> Tile:
    body = _body(report, "leaks")
    if not isinstance(body, LeakList):
        return "leaks", "Leaked", "?", "not available", "warn"
    weaker = sum(len(leak.waits) for leak in body.weaker)
    less = f"{weaker:,} less sure" if weaker else ""
    if not body.goroutines:
        return "leaks", "Leaked", "none seen", less, "good"
    return "leaks", "Leaked", f"{body.goroutines:,}", f"in {plural(body.groups, 'group')}", "warn"


def _heap(report: Report) -> Optional[Tile]:
    body = _body(report, "memory")
    if not isinstance(body, MemoryUse) or isinstance(body.stats, Absent):
        return None
    return "memory", "Heap in use", size(body.stats.heap_inuse), f"{size(body.stats.stack_inuse)} of stacks", ""


def _threads(report: Report) -> Optional[Tile]:
    body = _body(report, "sched")
    if not isinstance(body, SchedulerState):
        return None
    return "sched", "Threads", str(body.scheduler.threads), f"GOMAXPROCS {body.scheduler.gomaxprocs}", ""


def quarters_bar(report: Report) -> Optional[Markup]:
    """All goroutines by what they wait for."""
    body = _body(report, "waits")
    if not isinstance(body, WaitList) or not body.total:
        return None
    counts = {name: number for name, number in body.quarters.items() if number}
    phase = f"; the collector's phase: {body.gc_phase}" if body.gc_phase else ""
    return tag(
        "figure",
        tag("figcaption", f"What goroutines wait for{phase}"),
        tag("svg", *_slices(counts, body.total), class_="bar", role="img", aria_label=_spoken(counts, body.total)),
        tag("ul", *[_key(name, number, body.total) for name, number in body.quarters.items()], class_="legend"),
        class_="quarters",
    )  # fmt: skip


def _slices(counts: Dict[str, int], total: int) -> List[Markup]:
    found, at = [], 0.0
    for name, number in counts.items():
        share = 100 * number / total
        about = tag("title", f"{name}: {number:,}, {percent(number, total)}")
        found.append(tag("rect", about, x=f"{at:.3f}%", width=f"{share:.3f}%", height="100%", class_=css(name)))
        at += share
    return found


def _spoken(counts: Dict[str, int], total: int) -> str:
    return ", ".join(f"{name} {percent(number, total)}" for name, number in counts.items())


def _key(name: str, number: int, total: int) -> Markup:
    share = tag("small", percent(number, total)) if number else None
    return tag(
        "li", tag("span", class_=f"dot {css(name)}"), f"{name} ", tag("strong", f"{number:,}"), " ", share,
        class_=None if number else "none",
    )  # fmt: skip
