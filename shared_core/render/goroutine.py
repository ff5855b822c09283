"""go-goroutine as text and JSON."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from ..commands.frameargs import FrameView
from ..commands.goroutine import GoroutineInFull
from ..errors import Absent, Maybe
from ..runtime.frames import Place, display_name
from .args import context_text, frame_of, shape_text, typed_text, untyped
from .escape import escape
from .frames import args_text
from .goroutines import goroutine_document, labels_text, status_text
from .times import duration


def text(body: GoroutineInFull) -> str:
    rows = _facts(body)
    size = max(len(name) for name, _ in rows)
    lines = [f"goroutine {body.view.goroutine.id} [{status_text(body.view.standing)}]\n"]
    lines += [f"  {name:{size}}  {escape(value)}\n" for name, value in rows]
    return "".join(lines + ["\n", *_stack(body)])


def _facts(body: GoroutineInFull) -> List[Tuple[str, str]]:
    view, goroutine = body.view, body.view.goroutine
    standing, labels = view.standing, view.labels
    return [
        ("g", f"{goroutine.address:#x}"),
        ("status", _or_reason(goroutine.status)),
        ("wait reason", _or_reason(goroutine.wait_reason)),
        ("blocked for", duration(standing.blocked_for) or _or_reason(standing.blocked_for)),
        ("thread", _or_reason(standing.thread)),
        ("locked", "to its thread" if goroutine.locked else "no"),
        ("parent", f"goroutine {body.parent}" if isinstance(body.parent, int) else _or_reason(body.parent)),
        ("created by", _place(standing.created_by)),
        ("start", _place(view.start) if view.start is not None else ""),
        ("stack", f"{body.bounds[0]:#x} to {body.bounds[1]:#x}"),
        ("labels", labels_text(labels) or "none"),
    ]


def _or_reason(value: Maybe[Any]) -> str:
    return f"- ({value.detail or value.kind})" if isinstance(value, Absent) else str(value)


def _place(place: Maybe[Place]) -> str:
    if isinstance(place, Absent):
        return _or_reason(place)
    return f"{display_name(place.function)} at {place.file}:{place.line}"


def _stack(body: GoroutineInFull) -> List[str]:
    lines = []
    for number, (frame, view) in enumerate(zip(body.stack.frames, body.words)):
        lines.append(f"  {number:2}  {frame.pc:#x} in {escape(display_name(frame.function))}({args_text(frame)})\n")
        lines.append(f"        at {escape(frame.file)}:{frame.line}\n")
        lines += [f"          {line}\n" for line in _known(view)]
    if body.stack.problem:
        lines.append(f"      stopped: {escape(body.stack.problem)}\n")
    return lines


def _known(view: FrameView) -> List[str]:
    """What is known of the arguments, a line for each."""
    found = [context_text(view.context)] if view.context is not None else []
    if isinstance(view.words, Absent):
        return found
    for word, shape in zip(view.words, untyped(view.words)):
        text = typed_text(word.typed) or shape_text(shape) or (f"-> {escape(word.target)}" if word.target else "")
        if text:
            found.append(f"arg+{word.word.offset:#x}  {text}")
    return found


def document(body: GoroutineInFull) -> Dict[str, Any]:
    return {
        "goroutine": {
            **goroutine_document(body.view),
            "stack": {"low": hex(body.bounds[0]), "high": hex(body.bounds[1])},
            "frames": [frame_of(view) for view in body.words],
            "frames_problem": body.stack.problem or None,
        }
    }
