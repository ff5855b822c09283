"""go-object as text and JSON."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from ..commands.object import ObjectView
from ..errors import Absent
from ..runtime.heap import HeapObject
from .escape import escape
from .sizes import size
from .table import Column, table

_SHOWN = 32
_COLUMNS = (Column("OFFSET", "right"), Column("VALUE"), Column("POINTS TO"))


def text(body: ObjectView) -> str:
    found = body.found
    if found is None:
        return f"{body.address:#x}  {escape(body.place)}\n"
    rows = [
        ("object", f"{found.start:#x}{_offset(body)}, number {found.number} of {found.span.slots}"),
        ("size", f"{found.size} bytes" + (f", {found.header} of them its type" if found.header else "")),
        ("state", found.state or "unknown"),
        ("span", _span(found)),
    ]
    if body.slots or isinstance(body.slots, Absent) or not isinstance(body.type, Absent) or body.type.detail:
        rows.append(("type", _type(body)))
    widest = max(len(name) for name, _ in rows)
    lines = [f"{name:{widest}}  {escape(value)}\n" for name, value in rows]
    return "".join(lines) + _pointers(body)


def _offset(body: ObjectView) -> str:
    offset = body.address - (body.found.start if body.found else 0)
    return f" {offset:+#x}" if offset else ""


def _span(found: HeapObject) -> str:
    span = found.span
    kind = "large" if span.large else f"class of {span.size} bytes"
    marks = [kind, *(["noscan"] if span.noscan else []), *(["chunk of a user arena"] if span.chunk else [])]
    return f"{span.start:#x} to {span.end:#x}, {size(span.end - span.start)}, {', '.join(marks)}"


def _type(body: ObjectView) -> str:
    if isinstance(body.type, Absent):
        return f"unknown: {body.type.detail}"
    return f"{body.type} ({body.how})"


def _pointers(body: ObjectView) -> str:
    if isinstance(body.slots, Absent):
        return f"pointers: {body.slots.detail}\n"
    if body.found is not None and body.found.state == "free":
        return ""
    limit = _SHOWN if body.limit is None else body.limit
    shown = body.pointers[:limit]
    if not shown:
        return f"no pointers, {body.slots} words that could be\n" if body.slots else "it holds no pointers\n"
    rows = [_row(each) for each in shown]
    rest = len(body.pointers) - len(shown)
    return (
        table(_COLUMNS, rows)
        + f"({body.slots} words could be pointers{f'; {rest} more are not nil' if rest else ''})\n"
    )


def _row(each: Any) -> Tuple[str, str, str]:
    value = f"? ({each.value.kind})" if isinstance(each.value, Absent) else f"{each.value:#x}"
    return f"{each.offset:+#x}", value, each.target


def object_document(found: HeapObject) -> Dict[str, Any]:
    """Of one object, for all commands that show some."""
    span = found.span
    return {
        "address": hex(found.start), "base": hex(found.base), "size": found.size, "state": found.state or None,
        "class": None if span.large else span.size, "noscan": span.noscan,
    }  # fmt: skip


def document(body: ObjectView) -> Dict[str, Any]:
    found = body.found
    if found is None:
        return {"address": hex(body.address), "place": body.place, "object": None}
    span = found.span
    pointers: List[Dict[str, Any]] = [
        {
            "offset": each.offset,
            "value": each.value if isinstance(each.value, Absent) else hex(each.value),
            "target": each.target or None,
        }
        for each in body.pointers
    ]
    return {
        "address": hex(body.address),
        "place": body.place,
        "object": {**object_document(found), "number": found.number, "header": found.header},
        "offset": body.address - found.start,
        "type": body.type,
        "type_known": body.how or None,
        "element_size": body.element_size,
        "pointer_slots": body.slots,
        "pointers": pointers,
        "span": {
            "start": hex(span.start), "end": hex(span.end), "slots": span.slots, "mspan": hex(span.address),
            "unswept": span.unswept,
        },
    }  # fmt: skip
