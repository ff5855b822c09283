"""go-goroutines --group as text and JSON."""

from __future__ import annotations

from typing import Any, Dict, List

from ..commands.grouping import LABEL, STACK, Group, Groups
from ..errors import Absent
from .escape import escape
from .frames import place_document, short_place, stack_text
from .quarters import quarters_document, quarters_line
from .table import Column, table
from .times import duration, wait_seconds

_IDS = 8
_TITLES = {
    "user": "USER FRAME", "creator": "CREATED BY", "start": "START", "reason": "WAIT REASON", "status": "STATUS",
}  # fmt: skip


def text(body: Groups) -> str:
    if body.by == STACK:
        parts = [_stack_group(group, body) for group in body.shown]
    else:
        title = _TITLES.get(body.by) or f"LABEL {body.by[len(LABEL) :]}"
        columns = [Column("COUNT", "right"), Column("SHARE", "right"), Column(title)]
        columns += [] if body.by == "reason" else [Column("STATES")]
        rows = [_row(group, body) for group in body.shown]
        parts = table([*columns, Column("BLOCKED", "right"), Column("IDS")], rows).splitlines(keepends=True)
        for number, group in enumerate(body.shown, 1):
            parts[number] += stack_text(group.stack) if group.stack else ""
    return "".join(parts) + _footer(body)


def _row(group: Group, body: Groups) -> List[str]:
    states = [] if body.by == "reason" else [_states(group)]
    key = "(without)" if group.key is None else _key(group)
    return [str(len(group.ids)), _share(group, body), key, *states, duration(group.blocked_for), _ids(group)]


def _share(group: Group, body: Groups) -> str:
    return f"{100 * len(group.ids) / body.goroutines:.1f}%"


def _stack_group(group: Group, body: Groups) -> str:
    blocked = duration(group.blocked_for)
    head = f"{len(group.ids)} goroutine{'s' if len(group.ids) > 1 else ''} [{escape(_states(group))}]"
    head += f", {_share(group, body)}"
    head += f", blocked for up to {blocked}" if blocked else ""
    lines = [f"{head}: {_ids(group)}\n"]
    lines += [stack_text(group.stack)] if group.stack else []
    lines += [f"        created by {escape(short_place(place))}\n" for place in group.created_by if place]
    return "".join([*lines, "\n"])


def _key(group: Group) -> Any:
    key = group.key
    if isinstance(key, Absent):
        return f"? ({key.detail})" if key.detail else ""
    return key if key is None or isinstance(key, str) else short_place(key)


def _states(group: Group) -> str:
    """The commonest first: "chan receive", or "select 12, runnable 1"."""
    if len(group.states) == 1:
        return next(iter(group.states))
    ranked = sorted(group.states.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{state} {count}" for state, count in ranked)


def _ids(group: Group) -> str:
    shown = ", ".join(map(str, group.ids[:_IDS]))
    return shown + (", ..." if len(group.ids) > _IDS else "")


def _footer(body: Groups) -> str:
    groups = f"{len(body.shown)} of {body.groups} groups" if len(body.shown) < body.groups else f"{body.groups} groups"
    hidden = f"; {body.hidden} of the runtime's own not shown (--all)" if body.hidden else ""
    return f"({groups}, {body.goroutines} goroutines{hidden})\n" + quarters_line(body.quarters)


def document(body: Groups) -> Dict[str, Any]:
    return {
        "group": body.by,
        "total": body.goroutines,
        "total_groups": body.groups,
        "hidden_system": body.hidden,
        "quarters": quarters_document(body.quarters),
        "groups": [_group_document(group, body) for group in body.shown],
    }


def _group_document(group: Group, body: Groups) -> Dict[str, Any]:
    key = group.key
    creators: List[Any] = [place if isinstance(place, Absent) else place_document(place) for place in group.created_by]
    found: Dict[str, Any] = {
        "key": key if isinstance(key, Absent) else _key(group),
        "count": len(group.ids),
        "share_percent": round(100 * len(group.ids) / body.goroutines, 2),
        "ids": group.ids,
        "states": group.states,
        "wait_seconds": wait_seconds(group.blocked_for),
        "created_by": creators,
    }
    if group.stack is not None:
        # Pcs are what they share; each has its own sp.
        places = ((f.function, f.file, f.line, f.pc, f.inlined) for f in group.stack.frames)
        names = ("function", "file", "line", "pc", "inlined")
        found["frames"] = [{**dict(zip(names, place)), "pc": hex(place[3])} for place in places]
        if group.stack.problem:
            found["frames_problem"] = escape(group.stack.problem)
    return found
