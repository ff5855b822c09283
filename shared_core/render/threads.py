"""go-threads as text and JSON."""

from __future__ import annotations

from typing import Any, Dict, Tuple

from ..commands.stacks import StackPiece
from ..commands.threads import Threads, ThreadView
from ..errors import NOT_APPLICABLE, Absent, Maybe
from ..runtime.frames import Place
from ..runtime.nativeframes import NativeFrame
from .frames import short_place
from .stacks import any_document, native_name, piece_document, piece_lines
from .table import Column, table

_COLUMNS = (
    Column("M", "right"), Column("THREAD", "right"), Column("GOROUTINE", "right"), Column("P", "right"),
    Column("DOES"), Column("FRAME"),
)  # fmt: skip


def text(body: Threads) -> str:
    head, *lines = table(_COLUMNS, [_cells(view) for view in body.threads]).splitlines(keepends=True)
    parts = [head]
    for line, view in zip(lines, body.threads):
        parts += [line, *piece_lines(view.stacks or [])]
    return "".join(parts) + _footer(body)


def _footer(body: Threads) -> str:
    shown = len(body.threads)
    counted = f"{shown} of {body.total} threads" if shown < body.total else f"{shown} threads"
    return f"({counted}; {body.machines} Ms)\n"


def _cells(view: ThreadView) -> Tuple[str, ...]:
    machine, thread = view.machine, view.thread
    mark = "*" if thread is not None and thread.selected else ""
    return (
        mark + (str(machine.id) if machine else ""),
        _thread(view),
        _number(view.goroutine),
        _number(view.processor),
        view.activity.text,
        _frame(view.frame),
    )


def _thread(view: ThreadView) -> str:
    """As a debugger shows it: its own number, and the system's."""
    thread = view.thread
    if thread is None:
        return ""
    return str(thread.tid) if thread.number is None else f"{thread.number} ({thread.tid})"


def _number(value: Maybe[int]) -> str:
    if isinstance(value, Absent):
        return "" if value.kind == NOT_APPLICABLE else "?"
    return str(value)


def _frame(piece: Maybe[StackPiece]) -> str:
    if isinstance(piece, Absent):
        return "" if piece.kind == NOT_APPLICABLE else f"? ({piece.detail})"
    frame = piece.frames[0]
    if isinstance(frame, NativeFrame):
        return native_name(frame)
    return short_place(Place(frame.function, frame.file, frame.line, frame.pc))


def document(body: Threads) -> Dict[str, Any]:
    return {"total": body.total, "machines": body.machines, "threads": [_document(view) for view in body.threads]}


def _document(view: ThreadView) -> Dict[str, Any]:
    machine, thread = view.machine, view.thread
    found: Dict[str, Any] = {
        "m": machine.id if machine else None,
        "address": hex(machine.address) if machine else None,
        "thread": thread.tid if thread else None,
        "number": thread.number if thread else None,
        "name": (thread.name or None) if thread else None,
        "selected": thread is not None and thread.selected,
        "goroutine": _quiet(view.goroutine),
        "p": _quiet(view.processor),
        "locked_goroutine": _quiet(view.locked),
        "state": view.activity.state,
        "doing": view.activity.text,
        "signal": view.activity.signal or None,
        "spinning": machine.spinning if machine else None,
        "blocked": machine.blocked if machine else None,
        "in_c": machine.in_c if machine else None,
        "extra": machine.extra if machine else None,
        "top_frame": _any(view.top),
        "frame": _any(view.frame),
    }
    if view.stacks is not None:
        found["stacks"] = [piece_document(piece) for piece in view.stacks]
    return found


def _any(piece: Maybe[StackPiece]) -> Any:
    return _quiet(piece) if isinstance(piece, Absent) else any_document(piece.frames[0], piece.stack)


def _quiet(value: Maybe[Any]) -> Any:
    return None if isinstance(value, Absent) and value.kind == NOT_APPLICABLE else value
