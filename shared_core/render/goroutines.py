"""go-goroutines as text and JSON."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import Any, Dict, List, Optional, Tuple

from ..commands.goroutines import Goroutines
from ..commands.views import GoroutineView, Standing
from ..errors import NOT_APPLICABLE, Absent, Maybe
from .escape import escape
from .frames import frame_document, place_document, short_place, stack_text
from .jsonout import Rows
from .quarters import quarters_document, quarters_line
from .sizes import size
from .table import Column, crowd
from .times import duration, wait_seconds

_COLUMNS = (
    Column("ID", "right"), Column("STATUS"), Column("BLOCKED", "right"), Column("THREAD", "right"),
    Column("USER FRAME"), Column("CREATED BY"),
)  # fmt: skip

# By the name of the answer's type: a module is imported when it has something to show.
_OTHERS = {"Groups": "groups", "Tree": "tree", "Tally": "tally", "Exported": "export", "ExportedFile": "export"}


def text(body: object) -> str:
    if not isinstance(body, Goroutines):
        return str(_other(body).text(body))
    rows = [(f"{'*' * view.standing.selected}{view.goroutine.raw.goid}", _row(view, body)) for view in body.goroutines]
    columns = list(_COLUMNS)
    columns += [Column("STACK", "right")] if body.sizes else []
    columns += [Column("LABELS")] if any(view.labels is not None for view in body.goroutines) else []
    if any(view.stack is not None for view in body.goroutines):
        return _with_stacks(crowd(columns, rows), body.goroutines) + _footer(body)
    return crowd(columns, rows, _footer(body))


def _other(body: object) -> Any:
    """The renderer of what else go-goroutines answers with: groups, a tree, counts, a file."""
    return import_module(f"{__package__}.{_OTHERS[type(body).__name__]}")


def _row(view: GoroutineView, body: Goroutines) -> Tuple[str, ...]:
    cells = _cells(view.standing)
    if body.sizes:
        cells = (*cells, size(view.goroutine.raw.high - view.goroutine.raw.low))
    return cells if view.labels is None else (*cells, labels_text(view.labels))


def labels_text(labels: Optional[Maybe[Dict[str, str]]]) -> str:
    """ "key=value, ..." by key; "" for none."""
    if isinstance(labels, Absent):
        return f"? ({labels.detail})"
    return ", ".join(f"{key}={value}" for key, value in sorted((labels or {}).items()))


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
    return f"({'; '.join(parts)})\n" + quarters_line(body.quarters)


def document(body: object) -> Dict[str, Any]:
    if not isinstance(body, Goroutines):
        found: Dict[str, Any] = _other(body).document(body)
        return found
    return {
        "total": body.total,
        "hidden_system": body.hidden,
        "quarters": quarters_document(body.quarters),
        "goroutines": Rows(goroutine_document, body.goroutines),
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
        "stack_bytes": goroutine.raw.high - goroutine.raw.low,
        **frames,
    }


def _quiet(value: Any, show: Any = None) -> Any:
    return None if isinstance(value, Absent) and value.kind == NOT_APPLICABLE else _known(value, show)


def _known(value: Any, show: Any) -> Any:
    return show(value) if show and value is not None and not isinstance(value, Absent) else value
