"""go-goroutines as text and JSON."""

from __future__ import annotations

from typing import Any, Dict, List

from ..commands.goroutines import Goroutines
from ..commands.views import GoroutineView, StackView
from ..errors import Absent, Maybe
from .escape import escape
from .frames import frame_document, place_document, short_place, stack_lines
from .table import Column, table

_COLUMNS = (
    Column("ID", "right"), Column("STATUS"), Column("BLOCKED", "right"), Column("THREAD", "right"),
    Column("USER FRAME"), Column("CREATED BY"),
)  # fmt: skip
_NS = 1_000_000_000


def text(body: Goroutines) -> str:
    listing = table(_COLUMNS, [_row(view) for view in body.goroutines])
    if any(view.stack is not None for view in body.goroutines):
        listing = _with_stacks(listing, body.goroutines)
    return listing + _footer(body)


def _row(view: GoroutineView) -> List[str]:
    user = view.user_frame
    return [
        f"*{view.goroutine.id}" if view.selected else str(view.goroutine.id),
        status_text(view),
        duration(view.blocked_for),
        "" if isinstance(view.thread, Absent) else str(view.thread),
        f"? ({user.detail})" if isinstance(user, Absent) else short_place(user),
        "" if isinstance(view.created_by, Absent) else short_place(view.created_by),
    ]


def status_text(view: GoroutineView) -> str:
    """The wait reason or status, with what a traceback's header adds to it."""
    goroutine = view.goroutine
    text = goroutine.state
    if goroutine.locked:
        text += ", locked to thread"
    if goroutine.scanning:
        text += " (scan)"
    return text + " (system)" if view.system else text


def duration(blocked: Maybe[int]) -> str:
    """What the runtime noted, in ns, as "~1h02m", "~3m05s", "~12s" or "~0.3s"; "" when unknown.

    No bound: it counts from the collection before the one that first saw the goroutine wait (work.tstart).
    """
    if isinstance(blocked, Absent):
        return ""
    seconds = blocked / _NS
    if seconds < 10:
        return f"~{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"~{hours}h{minutes:02}m"
    return f"~{minutes}m{rest:02}s" if minutes else f"~{rest}s"


def _with_stacks(listing: str, views: List[GoroutineView]) -> str:
    head, *lines = listing.splitlines(keepends=True)
    parts = [head]
    for line, view in zip(lines, views):
        parts.append(line)
        parts += stack_lines(view.stack or StackView([]))
    return "".join(parts)


def _footer(body: Goroutines) -> str:
    shown = len(body.goroutines)
    parts = [f"{shown} of {body.total} goroutines" if shown < body.total else f"{shown} goroutines"]
    if body.hidden:
        parts.append(f"{body.hidden} of the runtime's own not shown (--all)")
    return f"({'; '.join(parts)})\n"


def document(body: Goroutines) -> Dict[str, Any]:
    return {
        "total": body.total,
        "hidden_system": body.hidden,
        "goroutines": [goroutine_document(view) for view in body.goroutines],
    }


def goroutine_document(view: GoroutineView) -> Dict[str, Any]:
    """One goroutine as documents show it. What just does not apply is null without a reason among the warnings."""
    goroutine = view.goroutine
    frames = {} if view.stack is None else {"frames": [frame_document(f) for f in view.stack.frames]}
    if view.stack is not None and view.stack.problem:
        frames["frames_problem"] = escape(view.stack.problem)  # type: ignore[assignment]
    return {
        "id": goroutine.id,
        "address": hex(goroutine.address),
        "status": goroutine.status,
        "wait_reason": _quiet(goroutine.wait_reason),
        "wait_seconds": _seconds(view.blocked_for),
        "thread": _quiet(view.thread),
        "system": view.system,
        "selected": view.selected,
        "locked": goroutine.locked,
        "parent_id": _quiet(goroutine.parent_id),
        "created_by": _quiet(view.created_by, place_document),
        "start": _quiet(view.start, place_document),
        "user_frame": view.user_frame if isinstance(view.user_frame, Absent) else frame_document(view.user_frame),
        "labels": view.labels,
        **frames,
    }


def _quiet(value: Any, show: Any = None) -> Any:
    if isinstance(value, Absent):
        return None if value.kind == "not applicable" else value
    return show(value) if show and value is not None else value


def _seconds(blocked: Maybe[int]) -> Any:
    return _quiet(blocked) if isinstance(blocked, Absent) else round(blocked / _NS, 3)
