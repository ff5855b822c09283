"""go-heap as text and JSON."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple, Union

from ..commands.heap import STATE, TYPE, ExportedHeap, HeapView, TypeTally
from ..runtime.heap.census import ClassTally, Tally
from ..runtime.heap.objects import STATES
from .escape import escape
from .sizes import size
from .table import Column, table

_SHOWN = 20
_COUNTS = (Column("OBJECTS", "right"), Column("BYTES", "right"))
_CLASSES = (
    Column("CLASS", "right"), Column(""), Column("SPANS", "right"), *_COUNTS, Column("SHARE", "right"),
    Column("FREE SLOTS", "right"),
)  # fmt: skip
_STATES = (Column("STATE"), *_COUNTS)
_TYPES = (*_COUNTS, Column("SHARE", "right"), Column("TYPE"))


def text(body: Union[HeapView, ExportedHeap]) -> str:
    if isinstance(body, ExportedHeap):
        return f"{escape(body.path)}: {body.objects} objects of {body.types} types, {size(body.bytes)}\n"
    total = body.census.total
    head = f"{total.objects} objects, {size(total.bytes)}\n"
    if body.by == STATE:
        rows = [(name, str(each.objects), size(each.bytes)) for name, each in _states(body)]
        return head + table(_STATES, rows)
    limit = _SHOWN if body.limit is None else body.limit
    if body.by == TYPE and body.types is not None and body.typed is not None:
        head += f"{_share(body.typed.objects, total.objects)} of the objects are of a known type, "
        head += f"{_share(body.typed.bytes, total.bytes)} of the bytes\n"
        shown = body.types[:limit]
        rest = f"({len(shown)} of {len(body.types)} types)\n" if len(shown) < len(body.types) else ""
        return head + table(_TYPES, [_type_cells(each, total) for each in shown]) + rest
    classes = body.census.classes
    shown_classes = classes[:limit]
    rest = f"({len(shown_classes)} of {len(classes)} classes)\n" if len(shown_classes) < len(classes) else ""
    return head + table(_CLASSES, [_class_cells(each, total) for each in shown_classes]) + rest


def _states(body: HeapView) -> List[Tuple[str, Tally]]:
    known = body.census.states
    return [(name, known[name]) for name in (*STATES, "unknown") if name in known and known[name].objects]


def _class_cells(each: ClassTally, total: Tally) -> Tuple[str, ...]:
    return (
        str(each.size) if each.size else "large",
        "noscan" if each.noscan else "",
        str(each.spans),
        str(each.objects),
        size(each.bytes),
        _share(each.bytes, total.bytes),
        str(each.slots - each.objects),
    )


def _type_cells(each: TypeTally, total: Tally) -> Tuple[str, ...]:
    return str(each.objects), size(each.bytes), _share(each.bytes, total.bytes), each.name or "(unknown)"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "0%"


def document(body: Union[HeapView, ExportedHeap]) -> Dict[str, Any]:
    if isinstance(body, ExportedHeap):
        return {
            "exported": "pprof",
            "path": body.path,
            "types": body.types,
            "objects": body.objects,
            "bytes": body.bytes,
        }
    types = None
    if body.types is not None:
        types = [
            {"type": each.name or None, "objects": each.objects, "bytes": each.bytes}
            for each in body.types[: body.limit]
        ]
    return {
        "objects": body.census.total.objects,
        "bytes": body.census.total.bytes,
        "classes": [_class(each) for each in body.census.classes],
        "states": {name: {"objects": each.objects, "bytes": each.bytes} for name, each in _states(body)},
        "types": types,
        "typed": None if body.typed is None else {"objects": body.typed.objects, "bytes": body.typed.bytes},
    }


def _class(each: ClassTally) -> Dict[str, Any]:
    return {
        "size": each.size or None, "noscan": each.noscan, "spans": each.spans, "span_bytes": each.span_bytes,
        "slots": each.slots, "objects": each.objects, "bytes": each.bytes,
    }  # fmt: skip
