"""go-traceback: the text that the Go runtime prints, and JSON.

Source: Go 1.27 runtime/traceback.go (goroutineheader, traceback2, printcreatedby1).
"""

from __future__ import annotations

import re
from typing import Any, Dict, List

from ..commands.traceback import Traceback, Tracebacks
from ..errors import Absent
from ..runtime.frames import SourceFrame, display_name
from ..runtime.traceback import SYSTEM
from .escape import escape
from .frames import args_text, frame_document, place_document

_PLAIN = re.compile(r"[A-Za-z0-9_./]*")
_MINUTE = 60_000_000_000


def text(body: Tracebacks) -> str:
    system = body.level == SYSTEM
    return "\n".join(_one(traceback, system, body.names_g) for traceback in body.tracebacks)


def _one(traceback: Traceback, system: bool, names_g: bool) -> str:
    lines = [_header(traceback, names_g)]
    frames = traceback.frames
    for frame in frames.inner:
        lines += frame_lines(frame, system)
    if frames.count:
        lines.append(f"...{frames.count} frames elided..." if frames.outer else "...additional frames elided...")
    for frame in frames.outer:
        lines += frame_lines(frame, system)
    if traceback.problem:
        lines.append(f"\t(stopped: {escape(traceback.problem)})")
    return "\n".join(lines + _created_by(traceback)) + "\n"


def _header(traceback: Traceback, names_g: bool) -> str:
    goroutine = traceback.goroutine
    where = ""
    if names_g:
        machine = traceback.machine
        where = f" gp={goroutine.address:#x} " + (f"m={machine[0]} mp={machine[1]:#x}" if machine else "m=nil")
    state = goroutine.state + (" (leaked)" if goroutine.status == "leaked" else "")
    state += " (scan)" if goroutine.condition.scanning else ""
    blocked = traceback.blocked_for
    minutes = 0 if isinstance(blocked, Absent) else blocked // _MINUTE
    state += f", {minutes} minutes" if minutes else ""
    state += ", locked to thread" if goroutine.locked else ""
    return f"goroutine {goroutine.id}{where} [{state}]{_labels(traceback)}:"


def _labels(traceback: Traceback) -> str:
    labels = traceback.labels
    if not labels or isinstance(labels, Absent):
        return ""
    pairs = [f"{_quoted(key)}: {_quoted(value)}" for key, value in labels.items()]
    return " {" + ", ".join(pairs) + "}"


def _quoted(text: str) -> str:
    """printq: plain where nothing in it needs quoting (tracebackStringNeedsQuoting), else as a Go string."""
    if _PLAIN.fullmatch(text):
        return text
    return '"' + escape(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def frame_lines(frame: SourceFrame, system: bool) -> List[str]:
    """The two lines of one frame."""
    name = "panic" if frame.function == "runtime.gopanic" else escape(display_name(frame.function))
    place = f"\t{escape(frame.file)}:{frame.line}"
    if not frame.inlined:
        place += f" +{frame.pc - frame.physical.func.entry:#x}" if frame.pc > frame.physical.func.entry else ""
        place += f" fp={frame.physical.fp:#x} sp={frame.physical.sp:#x} pc={frame.pc:#x}" if system else ""
    return [f"{name}({args_text(frame)})", place]


def _created_by(traceback: Traceback) -> List[str]:
    place = traceback.created_by
    if place is None:
        return []
    parent = traceback.goroutine.parent_id
    starter = "" if isinstance(parent, Absent) else f" in goroutine {parent}"
    offset = f" +{place.pc - traceback.created_entry:#x}" if place.pc > traceback.created_entry else ""
    return [
        f"created by {escape(display_name(place.function))}{starter}",
        f"\t{escape(place.file)}:{place.line}{offset}",
    ]


def document(body: Tracebacks) -> Dict[str, Any]:
    return {
        "level": body.level,
        "goroutines": [
            {
                "id": t.goroutine.id,
                "status": t.goroutine.status,
                "wait_reason": None if isinstance(t.goroutine.wait_reason, Absent) else t.goroutine.wait_reason,
                "frames": [frame_document(frame) for frame in (*t.frames.inner, *t.frames.outer)],
                "elided": t.frames.count,
                "problem": t.problem or None,
                "created_by": place_document(t.created_by) if t.created_by else None,
            }
            for t in body.tracebacks
        ],
    }
