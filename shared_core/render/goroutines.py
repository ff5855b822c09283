"""go-goroutines as text and JSON."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Dict, List, Tuple, Union

from ..commands.goroutines import Goroutines
from ..commands.grouping import Groups
from ..commands.views import GoroutineView, Standing
from ..errors import NOT_APPLICABLE, Absent
from . import groups
from .escape import escape
from .frames import frame_document, place_document, short_place, stack_text
from .table import Column, crowd
from .times import duration, wait_seconds

_COLUMNS = (
    Column("ID", "right"), Column("STATUS"), Column("BLOCKED", "right"), Column("THREAD", "right"),
    Column("USER FRAME"), Column("CREATED BY"),
)  # fmt: skip


def text(body: Union[Goroutines, Groups]) -> str:
    if isinstance(body, Groups):
        return groups.text(body)
    rows = [(f"{'*' * s.selected}{g.raw.goid}", _cells(s)) for g, s, *_ in body.goroutines]
    if any(view.stack is not None for view in body.goroutines):
        return _with_stacks(crowd(_COLUMNS, rows), body.goroutines) + _footer(body)
    return crowd(_COLUMNS, rows, _footer(body))


@lru_cache(maxsize=4096)
def _cells(standing: Standing) -> Tuple[str, ...]:
    user, thread, creator = standing.user, standing.thread, standing.created_by
    return (
        status_text(standing),
        duration(standing.blocked_for),
        str(thread) if thread else "",
        f"? ({user.detail})" if isinstance(user, Absent) else short_place(user),
        short_place(creator) if creator else "",
    )


def status_text(standing: Standing) -> str:
    """The wait reason or status, with what a traceback's header adds to it."""
    text = standing.condition.state
    if standing.locked:
        text += ", locked to thread"
    if standing.condition.scanning:
        text += " (scan)"
    return text + " (system)" if standing.system else text


def _with_stacks(listing: str, views: List[GoroutineView]) -> str:
    head, *lines = listing.splitlines(keepends=True)
    parts = [head]
    for line, view in zip(lines, views):
        parts.append(line)
        parts.append(stack_text(view.stack) if view.stack else "")
    return "".join(parts)


def _footer(body: Goroutines) -> str:
    shown = len(body.goroutines)
    parts = [f"{shown} of {body.total} goroutines" if shown < body.total else f"{shown} goroutines"]
    if body.hidden:
        parts.append(f"{body.hidden} of the runtime's own not shown (--all)")
    return f"({'; '.join(parts)})\n"


def document(body: Union[Goroutines, Groups]) -> Dict[str, Any]:
    if isinstance(body, Groups):
        return groups.document(body)
    return {
        "total": body.total,
        "hidden_system": body.hidden,
        "goroutines": [goroutine_document(view) for view in body.goroutines],
    }


def goroutine_document(view: GoroutineView) -> Dict[str, Any]:
    """One goroutine as documents show it. What just does not apply is null without a reason among the warnings."""
    goroutine, standing = view.goroutine, view.standing
    frames = {} if view.stack is None else {"frames": [frame_document(f) for f in view.stack.frames]}
    if view.stack is not None and view.stack.problem:
        frames["frames_problem"] = escape(view.stack.problem)  # type: ignore[assignment]
    return {
        "id": goroutine.id,
        "address": hex(goroutine.address),
        "status": goroutine.status,
        "wait_reason": _quiet(goroutine.wait_reason),
        "wait_seconds": wait_seconds(standing.blocked_for),
        "thread": _quiet(standing.thread),
        "system": standing.system,
        "selected": standing.selected,
        "locked": goroutine.locked,
        "parent_id": _quiet(goroutine.parent_id),
        "created_by": _quiet(standing.created_by, place_document),
        "start": _quiet(view.start, place_document),
        "user_frame": _known(view.user_frame, frame_document),
        "labels": view.labels,
        **frames,
    }


def _quiet(value: Any, show: Any = None) -> Any:
    return None if isinstance(value, Absent) and value.kind == NOT_APPLICABLE else _known(value, show)


def _known(value: Any, show: Any) -> Any:
    return show(value) if show and value is not None and not isinstance(value, Absent) else value
