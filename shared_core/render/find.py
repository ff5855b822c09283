"""go-find as text and JSON."""

from __future__ import annotations

from typing import Any, Dict

from ..commands.findmemory import Finds
from .escape import escape
from .table import Column, table

_COLUMNS = (Column("ADDRESS"), Column("VALUE"), Column("IN"), Column("PLACE"))


def text(body: Finds) -> str:
    if not body.found:
        return f"{escape(body.what)}: nowhere\n"
    rows = [
        (f"{f.match.address:#x}", f"{f.match.value:#x}" if f.match.value else "", f.match.where, f.place)
        for f in body.found
    ]
    return table(_COLUMNS, rows) + (f"({len(rows)} shown; there are more: --limit N)\n" if body.more else "")


def document(body: Finds) -> Dict[str, Any]:
    return {
        "looked_for": body.what,
        "more": body.more,
        "found": [
            {
                "address": hex(f.match.address),
                "value": hex(f.match.value) if f.match.value else None,
                "in": f.match.where,
                "place": f.place,
            }
            for f in body.found
        ],
    }
