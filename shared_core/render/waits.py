"""go-waits as text and JSON."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from ..analysis.holders import Cycle
from ..analysis.things import ChannelWait
from ..commands.waits import WaitList, WaitRow
from ..errors import Absent
from . import dot
from .frames import place_document, short_place
from .jsonout import Rows, address
from .quarters import quarters_document, quarters_line
from .queues import channel_document, lock_documents
from .table import Column, crowd
from .things import Things
from .times import duration, wait_seconds

_COLUMNS = (
    Column("ID", "right"), Column("BLOCKED", "right"), Column("WAITS FOR"), Column("ALSO THERE"), Column("CALLED FROM"),
)  # fmt: skip


def text(body: WaitList) -> str:
    if body.dot:
        return dot.text(body)
    things = Things(body)
    rows = [(f"{'*' * row.standing.selected}{row.wait.goroutine.id}", _cells(row, things)) for row in body.rows]
    return crowd(_COLUMNS, rows, _footer(body, things))


def _cells(row: WaitRow, things: Things) -> Tuple[str, ...]:
    return (
        duration(row.standing.blocked_for),
        things.text(row.wait),
        things.others(row.wait),
        f"? ({row.caller.detail})" if isinstance(row.caller, Absent) else short_place(row.caller),
    )


def _footer(body: WaitList, things: Things) -> str:
    lines = [f"cycle: {cycle_text(cycle, things)}\n" for cycle in body.cycles]
    if body.asleep:
        lines.append("all asleep: no goroutine can run, and no timer is left that could wake one\n")
    shown = len(body.rows)
    parts = [f"{shown} of {body.total} goroutines" if shown < body.total else f"{shown} goroutines"]
    if body.hidden:
        parts.append(f"{body.hidden} of the runtime's own not shown (--all)")
    return "".join([*lines, f"({'; '.join(parts)})\n", quarters_line(body.quarters, body.gc_phase)])


def cycle_text(cycle: Cycle, things: Things) -> str:
    steps = [f"goroutine {goid} waits for {things.lock(lock)}" for goid, lock in cycle.steps]
    if len(steps) == 1:
        return f"{steps[0]}, which it holds itself, it seems"
    return ", held, it seems, by ".join([*steps, f"goroutine {cycle.steps[0][0]}"])


def document(body: WaitList) -> Dict[str, Any]:
    things = Things(body)
    return {
        "total": body.total,
        "hidden_system": body.hidden,
        "quarters": quarters_document(body.quarters),
        "gc_phase": body.gc_phase or None,
        "all_asleep": body.asleep,
        "cycles": [_cycle_document(cycle) for cycle in body.cycles],
        "goroutines": Rows(lambda row: _row(row, things), body.rows),
        "channels": [channel_document(body, each) for each in _shown_channels(body)],
        "locks": lock_documents(body, [row.wait for row in body.rows]),
    }


def _cycle_document(cycle: Cycle) -> List[Dict[str, Any]]:
    return [{"goroutine": goid, "waits_for": lock.kind, "address": address(lock.address)} for goid, lock in cycle.steps]


def _shown_channels(body: WaitList) -> List[Any]:
    wanted = {
        case.channel.address
        for row in body.rows
        if isinstance(row.wait.thing, ChannelWait)
        for case in row.wait.thing.cases
        if not isinstance(case.channel, Absent)
    }
    return [each for each in body.channels if each.address in wanted]


def _row(row: WaitRow, things: Things) -> Dict[str, Any]:
    user = row.standing.user
    return {
        "id": row.wait.goroutine.id,
        "address": hex(row.wait.goroutine.address),
        "status": row.wait.goroutine.status,
        "quarter": row.wait.quarter,
        "wait_seconds": wait_seconds(row.standing.blocked_for),
        "user_frame": user if isinstance(user, Absent) else place_document(user),
        "called_from": row.caller if isinstance(row.caller, Absent) else place_document(row.caller),
        "waits_for": things.document(row.wait),
    }
