"""The page's sections on goroutines: groups by stack, the flame graph, and the list of all."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from ...commands.grouping import Group, Groups
from ...commands.report import Report
from ...commands.roll import Kind, Roll
from ...commands.tally import Tally
from ...commands.views import Standing
from ...errors import Absent, Maybe
from ...export.flame import Flame
from ...runtime.frames import Place, display_name
from ..goroutines import labels_text, status_text
from ..sizes import size
from ..table import Column
from ..times import duration
from .blocks import facts, ids, maybe_place, meter, missing, percent, place, plain_table, plural, section, stack
from .markup import Content, Markup, join, shown, tag

_GROUPS = (
    Column("COUNT", "right"), Column("SHARE", "right"), Column("STATE"), Column("STANDS IN"), Column("STARTED BY"),
    Column("BLOCKED", "right"), Column("IDS"),
)  # fmt: skip
_BASE = 36


def groups_section(report: Report) -> Markup:
    found, stats = report.parts["goroutines"], report.parts["stats"]
    content: List[Content] = []
    note = ""
    if isinstance(stats, Absent):
        content.append(missing(stats))
    elif isinstance(stats.body, Tally) and stats.body.total:
        content.append(facts(_stats(stats.body)))
    if isinstance(found, Absent):
        content.append(missing(found))
    elif isinstance(found.body, Groups):
        groups = found.body
        note = f"{plural(groups.goroutines, 'goroutine')} on {plural(groups.groups, 'different stack')}"
        content.append(plain_table("Goroutines by stack", _GROUPS, _rows(groups), _more(groups)))
    return section("goroutines", "Goroutines by stack", *content, note=note)


def _stats(body: Tally) -> List[Any]:
    rows = [
        ("stacks", f"{size(body.stack_bytes)}, {size(body.stack_bytes // body.total)} on average"),
        ("on threads", f"{body.on_threads}; locked to one: {body.locked}; with labels: {body.labelled}"),
    ]
    return [*rows, ("not shown", f"{body.hidden} of the runtime's own")] if body.hidden else rows


def _more(groups: Groups) -> str:
    left = groups.groups - len(groups.shown)
    return f"{plural(left, 'more stack')}: go-goroutines --group stack" if left else ""


def _rows(groups: Groups) -> List[List[Content]]:
    return [_row(number, group, groups.goroutines) for number, group in enumerate(groups.shown)]


def _row(number: int, group: Group, total: int) -> List[Content]:
    ranked = sorted(group.states.items(), key=lambda item: (-item[1], item[0]))
    states = ranked[0][0] if len(ranked) == 1 else ", ".join(f"{state} {count}" for state, count in ranked)
    creators = [place(each) for each in group.created_by if isinstance(each, Place)]
    where = maybe_place(group.key)
    if group.stack is not None:
        where = tag("details", tag("summary", where), stack(group.stack), id=f"stack{number}")
    return [
        f"{len(group.ids):,}",
        join(meter(len(group.ids) / total), percent(len(group.ids), total)),
        tag("span", states, class_="state"),
        where,
        creators,
        duration(group.blocked_for),
        ids(group.ids, 5),
    ]


def flame_section(found: Optional[Maybe[Flame]]) -> Markup:
    if found is None or isinstance(found, Absent):
        return section("flame", "Flame graph", missing(found) if isinstance(found, Absent) else None)
    hint = "Click or Enter zooms, Escape goes back, arrows move; width is how many goroutines are there."
    tools = tag(
        "div",
        tag("input", type="search", id="flame-search", placeholder="Search functions", aria_label="Search functions"),
        tag("button", "Reset zoom", type="button", id="flame-reset"),
        tag("span", id="flame-status", role="status"),
        class_="tools",
    )
    chart = tag("div", id="flame-chart", role="tree", aria_label="Stacks of all goroutines, merged")
    broken = f" The stacks of {plural(found.broken, 'goroutine')} end early." if found.broken else ""
    script = tag("noscript", tag("p", "The flame graph needs scripts; the groups above have the stacks."))
    return section("flame", "Flame graph", tools, chart, script, note=hint + broken)


def flame_data(found: Flame) -> Dict[str, Any]:
    """names and files: what `cells` index; cells: depth, name, file, line, count, whether it calls itself, and how many
    go on into what is not drawn, seven numbers each, callers before what they call."""
    names: Dict[str, int] = {}
    files: Dict[str, int] = {}
    cells: List[int] = []
    for cell in found.preorder():
        cells += [
            cell.depth, names.setdefault(shown(cell.name), len(names)), files.setdefault(shown(cell.file), len(files)),
            cell.line, cell.count, int(cell.repeated), cell.left,
        ]  # fmt: skip
    return {
        "total": found.root.count,
        "left": found.root.left,
        "names": list(names),
        "files": list(files),
        "cells": cells,
    }


def roll_section(found: Optional[Maybe[Roll]]) -> Markup:
    if found is None or isinstance(found, Absent):
        return section("all", "All goroutines", missing(found) if isinstance(found, Absent) else None)
    note = plural(found.total, "goroutine")
    if found.left:
        note += f"; {found.left:,} of them are not in this page: go-goroutines lists them"
    if found.unlabelled:
        note += "; without their labels, of which there are too many different ones: go-goroutines -l"
    tools = tag(
        "div",
        tag(
            "input", type="search", id="roll-search", placeholder="An id, a function, a state, a label",
            aria_label="Search goroutines",
        ),
        tag("span", id="roll-status", role="status"),
        class_="tools",
    )  # fmt: skip
    table = tag("div", id="roll-table", class_="wide", tabindex=0)
    script = tag("noscript", tag("p", "This list needs scripts; the groups above have ids."))
    return section("all", "All goroutines", tools, table, script, note=note)


def roll_data(found: Roll) -> Dict[str, Any]:
    """texts: what `kinds` index; kinds: [state, blocked, thread, place, creator, labels, group, ids], ids ascending
    as what each adds to the one before, in base 36."""
    texts: Dict[str, int] = {}

    def index(text: str) -> int:
        return texts.setdefault(shown(text), len(texts))

    return {"kinds": [_kind(kind, index) for kind in found.kinds], "texts": list(texts), "left": found.left}


def _kind(kind: Kind, index: Any) -> List[Any]:
    standing: Standing = kind.standing
    thread = standing.thread
    return [
        index(status_text(standing)),
        index(duration(standing.blocked_for)),
        index("" if isinstance(thread, Absent) else str(thread)),
        index(_place_text(standing.user)),
        index(_place_text(standing.created_by)),
        index(labels_text(kind.labels)),
        kind.group,
        _deltas(kind.ids),
    ]


def _place_text(found: Maybe[Place]) -> str:
    if isinstance(found, Absent):
        return "" if found.kind == "not applicable" else f"? ({found.detail})"
    return f"{display_name(found.function)} {'/'.join(found.file.split('/')[-2:])}:{found.line}"


def _deltas(found: List[int]) -> str:
    before, parts = 0, []
    for goid in found:
        parts.append(_digits(goid - before))
        before = goid
    return " ".join(parts)


def _digits(number: int) -> str:
    digits = ""
    while number >= _BASE:
        number, rest = divmod(number, _BASE)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return "0123456789abcdefghijklmnopqrstuvwxyz"[number] + digits
