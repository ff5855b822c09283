"""go-leaks as text and JSON."""

from __future__ import annotations

from typing import Any, Dict, List

from ..analysis.leaks import Leak
from ..commands.leaks import LeakList
from ..errors import Absent
from ..runtime.frames import Place
from .escape import escape
from .frames import place_document, short_place
from .quarters import quarters_document, quarters_line
from .table import Column, table
from .things import Things
from .times import duration, wait_seconds

_COLUMNS = (
    Column("COUNT", "right"), Column("SURE"), Column("AGE", "right"), Column("BLOCKED ON"), Column("CALLED FROM"),
    Column("STARTED BY"), Column("IDS"),
)  # fmt: skip
_IDS = 5


def text(body: LeakList) -> str:
    things = Things(body.waits)
    parts = []
    if body.leaks:
        parts = table(_COLUMNS, [_row(leak, body, things) for leak in body.leaks]).splitlines(keepends=True)
        for number, leak in enumerate(body.leaks, 1):
            parts[number] += "".join(_evidence(leak))
    return "".join(parts) + _footer(body)


def _row(leak: Leak, body: LeakList, things: Things) -> List[str]:
    first = leak.waits[0]
    others = len({id(wait.thing) for wait in leak.waits}) - 1
    what = things.text(first) + (f", and {others} more like it" if others else "")
    started = body.starts.get(first.goroutine.raw.gopc)
    ids = [str(wait.goroutine.id) for wait in leak.waits[:_IDS]] + (["..."] if len(leak.waits) > _IDS else [])
    return [
        str(len(leak.waits)), leak.sure, duration(leak.age), what,
        f"? ({leak.caller.detail})" if isinstance(leak.caller, Absent) else short_place(leak.caller),
        short_place(started) if started else "", ", ".join(ids),
    ]  # fmt: skip


def _evidence(leak: Leak) -> List[str]:
    lines = []
    for evidence, number in leak.evidence:
        some = f" ({number} of {len(leak.waits)})" if number < len(leak.waits) else ""
        lines.append(f"       {evidence.sure}: {escape(evidence.why)}{some}\n")
    return lines


def _footer(body: LeakList) -> str:
    if not body.groups:
        first = "no goroutine looks abandoned"
    else:
        shown = f"{len(body.leaks)} of " if len(body.leaks) < body.groups else ""
        first = f"{shown}{body.groups} group{'s' * (body.groups != 1)}, {body.goroutines} goroutines"
    weaker = sum(len(leak.waits) for leak in body.weaker)
    more = f"; {weaker} less sure, in {len(body.weaker)} groups, not shown (--sure)" if weaker else ""
    return f"({first}; {body.waits.total} looked at{more})\n" + quarters_line(body.waits.quarters, body.waits.gc_phase)


def document(body: LeakList) -> Dict[str, Any]:
    things = Things(body.waits)
    return {
        "total": body.waits.total,
        "total_groups": body.groups,
        "total_leaked": body.goroutines,
        "less_sure": sum(len(leak.waits) for leak in body.weaker),
        "quarters": quarters_document(body.waits.quarters),
        "groups": [_group(leak, body, things) for leak in body.leaks],
    }


def _group(leak: Leak, body: LeakList, things: Things) -> Dict[str, Any]:
    started = body.starts.get(leak.waits[0].goroutine.raw.gopc)
    caller = leak.caller
    return {
        "count": len(leak.waits),
        "ids": [wait.goroutine.id for wait in leak.waits],
        "sure": leak.sure,
        "wait_seconds": wait_seconds(leak.age),
        "blocked_on": things.document(leak.waits[0]),
        "called_from": caller if isinstance(caller, Absent) else place_document(caller),
        "started_by": place_document(started) if isinstance(started, Place) else None,
        "evidence": [{"kind": e.kind, "sure": e.sure, "why": e.why, "count": n} for e, n in leak.evidence],
    }
