"""The page's section on what goroutines wait for: kinds of waits, lock cycles, and the wait graph."""

from __future__ import annotations

from typing import Dict, List, Tuple

from ...analysis.things import CondWait, LockWait
from ...commands.report import Report
from ...commands.waitgroups import Node, Waiters, WaitGroups, WaitKind
from ...commands.waits import WaitList
from ...errors import Absent
from ..frames import short_place
from ..table import Column
from ..things import Things
from ..times import duration
from ..waits import cycle_text
from .blocks import ids, maybe_place, meter, missing, percent, plain_table, plural, section
from .graph import Box, Edge, draw
from .markup import Content, Markup, join, tag

_IDS = 3  # in a box of the graph
COLUMNS = (
    Column("COUNT", "right"), Column("SHARE", "right"), Column("KIND"), Column("WAITS FOR"), Column("CALLED FROM"),
    Column("BLOCKED", "right"), Column("IDS"),
)  # fmt: skip


def waits_section(report: Report) -> Markup:
    part, groups = report.parts["waits"], report.groups
    if isinstance(part, Absent) or not isinstance(part.body, WaitList):
        return section("waits", "Waits", missing(part) if isinstance(part, Absent) else None)
    if groups is None or isinstance(groups, Absent):
        return section("waits", "Waits", missing(groups) if isinstance(groups, Absent) else None)
    body, things = part.body, Things(part.body)
    rows = [_row(kind, things, body) for kind in groups.kinds]
    left = groups.total - len(groups.kinds)
    table = plain_table("Kinds of waits", COLUMNS, rows, f"{plural(left, 'more kind')}: go-waits" if left else "")
    return section("waits", "Waits", *_alarms(body, things), table, *_graph(groups, things))


def _alarms(body: WaitList, things: Things) -> List[Markup]:
    found = [tag("p", tag("strong", "Cycle: "), cycle_text(cycle, things), class_="card bad") for cycle in body.cycles]
    if body.asleep:
        words = "All asleep: no goroutine can run, and no timer is left that could wake one."
        found.append(tag("p", words, class_="card bad"))
    return found


def what(kind: WaitKind, things: Things) -> str:
    """The first thing, and how many more like it."""
    more = f", and {kind.things - 1:,} more like it" if kind.things > 1 else ""
    return things.text(kind.waits[0]) + more


def _row(kind: WaitKind, things: Things, body: WaitList) -> List[Content]:
    quarter = kind.waits[0].quarter
    return [
        f"{len(kind.waits):,}",
        join(meter(len(kind.waits) / max(1, body.total), css(quarter)), percent(len(kind.waits), body.total)),
        tag("span", quarter, class_=f"quarter {css(quarter)}"),
        tag("code", what(kind, things)),
        maybe_place(kind.caller),
        duration(kind.age),
        ids([wait.goroutine.id for wait in kind.waits[:6]], 5),
    ]


def css(quarter: str) -> str:
    """A quarter's class in the page's style: "q-network-poll"."""
    return "q-" + quarter.replace(" ", "-").replace("/", "-").lower()


def _graph(groups: WaitGroups, things: Things) -> List[Markup]:
    title = tag("h3", "What is waited for by several, or held")
    if not groups.nodes:
        return [title, tag("p", "Nothing: each waits for something of its own.", class_="calm")]
    boxes, edges = wait_graph(groups, things)
    left = f"{plural(groups.more, 'more thing')} like these: go-waits --sort what, or --dot" if groups.more else ""
    words = "Dotted: who seems to hold a lock, inferred from its stack and code; Go does not record it. "
    name = "What goroutines wait for, and who seems to hold it"
    drawing = tag("div", draw(boxes, edges, name), class_="wide", tabindex=0)
    return [title, drawing, tag("p", words + left, class_="note")]


def wait_graph(groups: WaitGroups, things: Things) -> Tuple[Dict[str, Box], List[Edge]]:
    """Boxes of goroutines lead to what they wait for, locks to who seems to hold them."""
    boxes: Dict[str, Box] = {}
    edges: List[Edge] = []
    for node in groups.nodes:
        bad = "bad" if node.cyclic else ""
        name = f"t{node.key:x}"
        for number, group in enumerate(node.waiters):
            at = f"g{group.alone}" if group.alone else f"{name}.{number}"
            boxes[at] = Box(_goroutines(group), "goroutines")
            edges.append(Edge(at, name, group.verb, bad if group.alone else ""))
        if node.left:
            boxes[f"{name}.more"] = Box([f"{node.left:,} more goroutines"], "goroutines")
            edges.append(Edge(f"{name}.more", name, ""))
        boxes[name] = Box(_lines(node, things), f"thing {bad}".strip())
        for holder in node.holders:
            # What it waits for itself is a box of its own, or said here.
            own = Box([*_goroutines(holder), things.text(holder.waits[0])], "goroutines")
            boxes.setdefault(f"g{holder.alone}", own)
            edges.append(Edge(name, f"g{holder.alone}", "held by", f"held {bad}".strip()))
    return boxes, edges


def _goroutines(group: Waiters) -> List[str]:
    """ "3 goroutines: 7, 8, 9", and where they are."""
    numbers = ", ".join(str(wait.goroutine.id) for wait in group.waits[:_IDS])
    more = ", …" if len(group.waits) > _IDS else ""
    count = len(group.waits)
    title = f"{count:,} goroutines: {numbers}{more}" if count > 1 else f"goroutine {numbers}"
    where = "?" if isinstance(group.caller, Absent) else short_place(group.caller)
    return [title, *where.rsplit(" ", 1)]


def _lines(node: Node, things: Things) -> List[str]:
    """ "sync.Mutex 0xc000012345" and what its words say."""
    if isinstance(node.thing, LockWait):
        text = things.lock(node.thing.lock)
    elif isinstance(node.thing, CondWait):
        text = f"sync.Cond {node.thing.address:#x}"
    else:
        text = things.channel(node.thing)
    head, _, rest = text.partition(" (")
    return [head, *([rest.rstrip(")")] if rest else []), f"{plural(node.total, 'goroutine')} at it"]
