"""go-newproc as text and JSON."""

from __future__ import annotations

from typing import Any, Dict, List

from ..commands.newproc import Log
from ..errors import Absent
from ..runtime.creation import Creation
from .escape import escape
from .frames import frame_document, place_document, short_place


def text(body: Log) -> str:
    lines = [] if body.shown else [creation_text(each) for each in body.creations]
    others = f", {body.passed} others" if body.passed else ""
    lost = f", {len(body.lost)} that cannot be read ({body.lost[0]})" if body.lost else ""
    why = f"; {body.stopped}" if body.stopped else ""
    return "".join(lines) + escape(f"({len(body.creations)} goroutines made{others}{lost}{why})") + "\n"


def creation_text(made: Creation) -> str:
    """The lines of one, escaped."""
    function = made.function.detail if isinstance(made.function, Absent) else short_place(made.function)
    creator = made.creator.detail if isinstance(made.creator, Absent) else f"by goroutine {made.creator}"
    lines = [f"goroutine {made.id}: {function}, {creator}"]
    if isinstance(made.words, Absent):
        lines.append(f"    captured: ? ({made.words.detail})")
    elif made.words:
        lines.append(f"    captured: {' '.join(map(hex, made.words))}")
    if not made.stack and not isinstance(made.statement, Absent):
        lines.append(f"    at {short_place(made.statement)}")
    for frame in made.stack:
        lines.append(f"    {frame.function} {frame.file}:{frame.line}{' (inlined)' if frame.inlined else ''}")
    if made.problem:
        lines.append(f"    stopped: {made.problem}")
    return "".join(f"{escape(line)}\n" for line in lines)


def document(body: Log) -> Dict[str, Any]:
    return {
        "goroutines": [_document(each) for each in body.creations],
        "passed": body.passed,
        "lost": body.lost,
        "stopped": body.stopped or None,
    }


def _document(made: Creation) -> Dict[str, Any]:
    frames: List[Any] = [frame_document(frame) for frame in made.stack]
    return {
        "id": made.id,
        "address": hex(made.address),
        "function": made.function if isinstance(made.function, Absent) else place_document(made.function),
        "created_at": made.statement if isinstance(made.statement, Absent) else place_document(made.statement),
        "creator": made.creator,
        "thread": made.thread,
        "captured": made.words if isinstance(made.words, Absent) else [hex(word) for word in made.words],
        "frames": frames,
        "problem": made.problem or None,
    }
