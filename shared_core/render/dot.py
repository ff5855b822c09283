"""go-waits --dot: goroutines that wait alike, and what they wait for, as a graph for Graphviz."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, Tuple

from ..analysis.things import ChannelWait, CondWait, LockWait
from ..errors import Absent
from .escape import escape
from .frames import short_place
from .things import Things

if TYPE_CHECKING:
    from ..commands.waits import WaitList, WaitRow

_IDS = 5
MAX_NODES = 2000


def text(body: WaitList) -> str:
    """Boxes are goroutines, ellipses channels and locks.

    An edge goes to what is waited for, a dotted one from a lock to who seems to hold it.
    """
    things = Things(body)
    groups: Dict[Tuple[object, ...], List[WaitRow]] = {}
    for row in body.rows:
        # Those that a lock leads to must be nodes of their own.
        held = any(row.wait.goroutine.id in holder.ids for holder in body.holders.values())
        alone = not isinstance(row.wait.thing, (ChannelWait, LockWait, CondWait))
        about = (row.wait.quarter, type(row.wait.thing).__name__) if alone else row.wait.about
        key = (about, row.caller, row.wait.goroutine.id if held else 0)
        groups.setdefault(key, []).append(row)
    lines, nodes = [], {}
    for rows in list(groups.values())[:MAX_NODES]:
        lines.append(_goroutines(rows, things))
        nodes.update({row.wait.goroutine.id: _name(rows) for row in rows})
        for name, label, verb in _things(rows[0], things):
            lines.append(f"  {name} [shape=ellipse, label={_quoted(label)}];\n")
            lines.append(f"  {_name(rows)} -> {name} [label={_quoted(verb)}];\n")
    for semaphore, holder in body.holders.items():
        for goid in holder.ids:
            if goid in nodes:
                lines.append(f'  t{semaphore:x} -> {nodes[goid]} [style=dotted, label="held, it seems, by"];\n')
    if len(groups) > MAX_NODES:
        lines.append(f"  // {len(groups) - MAX_NODES} more groups of goroutines are left out\n")
    return "".join(["digraph waits {\n  rankdir=LR;\n  node [shape=box];\n", *dict.fromkeys(lines), "}\n"])


def _name(rows: List[WaitRow]) -> str:
    return f"g{rows[0].wait.goroutine.id}"


def _goroutines(rows: List[WaitRow], things: Things) -> str:
    ids = [str(row.wait.goroutine.id) for row in rows]
    more = ", ..." if len(ids) > _IDS else ""
    label = f"{len(ids)} goroutines: " if len(ids) > 1 else "goroutine "
    user, wait = rows[0].caller, rows[0].wait
    place = "?" if isinstance(user, Absent) else short_place(user)
    label += f"{', '.join(ids[:_IDS])}{more}\n{place}"
    if not isinstance(wait.thing, (ChannelWait, LockWait, CondWait)):
        label += f"\n{things.text(wait) if len(ids) == 1 else wait.quarter}"
    return f"  {_name(rows)} [label={_quoted(label)}];\n"


def _things(row: WaitRow, things: Things) -> List[Tuple[str, str, str]]:
    """(node, label, what is written on the edge)."""
    thing = row.wait.thing
    if isinstance(thing, ChannelWait):
        known = [(case, case.channel) for case in thing.cases if not isinstance(case.channel, Absent)]
        return [
            (f"t{channel.address:x}", things.channel(channel), str(case.direction or "wait")) for case, channel in known
        ]
    if isinstance(thing, LockWait):
        return [(f"t{thing.lock.semaphore:x}", things.lock(thing.lock), thing.lock.wants)]
    if isinstance(thing, CondWait):
        return [(f"t{thing.address:x}", things.text(row.wait), "wait")]
    return []


def _quoted(text: str) -> str:
    lines = [escape(line).replace("\\", "\\\\").replace('"', '\\"') for line in text.split("\n")]
    return '"' + "\\n".join(lines) + '"'
