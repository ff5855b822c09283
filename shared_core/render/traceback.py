"""go-traceback: the text that the Go runtime prints, and JSON.

Source: Go 1.27 runtime/traceback.go (goroutineheader, traceback2, printcreatedby1).
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional

from ..commands.stacks import StackPiece
from ..commands.traceback import Traceback, Tracebacks
from ..errors import Absent
from ..layouts.dialect import Printing
from ..runtime.ancestors import Ancestor, Call
from ..runtime.frames import SourceFrame, display_name
from ..runtime.nativeframes import NativeFrame
from .escape import escape
from .frames import args_text, place_document
from .stacks import any_document, native_name

_PLAIN = re.compile(r"[A-Za-z0-9_./]*")
_STACKS = {"system": "runtime stack:", "signal": "signal stack:", "c": "C stack:", "goroutine": "goroutine stack:"}
_MINUTE = 60_000_000_000
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", '"': '\\"'}


def text(body: Tracebacks) -> str:
    return "\n".join(_one(traceback, body.wording) for traceback in body.tracebacks)


def _one(traceback: Traceback, wording: Printing) -> str:
    return "".join(_inside(piece, wording) for piece in traceback.inside) + _goroutine(traceback, wording)


def _inside(piece: StackPiece, wording: Printing) -> str:
    """A block of its own, as the runtime prints the system stack (dopanic_m): the goroutine's stays as printed."""
    lines = [_STACKS[piece.stack]]
    for frame in piece.frames:
        if isinstance(frame, NativeFrame):
            lines += [native_name(frame), f"\tpc={frame.pc:#x}"]
        else:
            lines += frame_lines(frame, True, wording)
    if piece.problem:
        lines.append(f"\t(stopped: {escape(piece.problem)})")
    return "\n".join(lines) + "\n\n"


def _goroutine(traceback: Traceback, wording: Printing) -> str:
    lines = [_header(traceback, wording)]
    frames = traceback.frames
    for frame in frames.inner:
        lines += frame_lines(frame, traceback.exposed, wording)
    if frames.notice:
        lines.append(frames.notice)
    for frame in frames.outer:
        lines += frame_lines(frame, traceback.exposed, wording)
    if traceback.problem:
        lines.append(f"\t(stopped: {escape(traceback.problem)})")
    if traceback.created_by:
        parent = traceback.goroutine.parent_id
        lines += _created_by(traceback.created_by, wording, None if isinstance(parent, Absent) else parent)
    for ancestor in traceback.ancestors.list:
        lines += _ancestor(ancestor, wording)
    if traceback.ancestors.problem:
        lines.append(f"\t({escape(traceback.ancestors.problem)})")
    return "\n".join(lines) + "\n"


def _header(traceback: Traceback, wording: Printing) -> str:
    goroutine = traceback.goroutine
    where = ""
    if traceback.exposed and wording.names_g:
        where = f" gp={goroutine.address:#x} {_machine(traceback)}"
    leaked = goroutine.status == "leaked"
    state = goroutine.state + (" (leaked)" if leaked else "")
    state += " (scan)" if goroutine.condition.scanning else ""
    state += " (durable)" if traceback.durable else ""
    blocked = traceback.blocked_for
    minutes = 0 if isinstance(blocked, Absent) or leaked else blocked // _MINUTE
    state += f", {minutes} minutes" if minutes else ""
    state += ", locked to thread" if goroutine.locked else ""
    bubble = traceback.bubble
    state += "" if bubble is None else f", {wording.bubble} {'?' if isinstance(bubble, Absent) else bubble}"
    labels = _labels(traceback, wording)
    if wording.labels_in_brackets:
        return f"goroutine {goroutine.id}{where} [{state}{labels}]:"
    return f"goroutine {goroutine.id}{where} [{state}]{labels}:"


def _machine(traceback: Traceback) -> str:
    if traceback.machine is None:
        return "m=nil"
    number, address = traceback.machine
    return f"m={'?' if number is None else number} mp={address:#x}"


def _labels(traceback: Traceback, wording: Printing) -> str:
    labels = traceback.labels
    if isinstance(labels, Absent):
        pairs = f"? ({escape(labels.detail)})"
    elif labels:
        pairs = ", ".join(f"{_quoted(key, wording)}: {_quoted(value, wording)}" for key, value in labels.items())
    else:
        return ""
    return f" labels:{{{pairs}}}" if wording.labels_in_brackets else f" {{{pairs}}}"


def _quoted(text: str, wording: Printing) -> str:
    """printq: plain where nothing in it needs quoting (tracebackStringNeedsQuoting), else as printquoted does."""
    if not wording.labels_in_brackets and _PLAIN.fullmatch(text):
        return text
    return '"' + "".join(_quoted_char(char, wording) for char in text) + '"'


def _quoted_char(char: str, wording: Printing) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8 (surrogateescape)
        return f"\\x{code - 0xDC00:02x}" if wording.bad_bytes else "\\ufffd"
    if char in _SHORT or " " <= char <= "~":
        return _SHORT.get(char, char)
    if code < 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def frame_lines(frame: SourceFrame, exposed: bool, wording: Printing) -> List[str]:
    """The two lines of one frame."""
    place = f"\t{escape(frame.file)}:{frame.line}"
    if not frame.inlined:
        place += _offset(frame.pc, frame.physical.func.entry)
        place += f" fp={frame.physical.fp:#x} sp={frame.physical.sp:#x} pc={frame.pc:#x}" if exposed else ""
    return [f"{_name(frame.function, wording)}({args_text(frame)})", place]


def _name(function: str, wording: Printing) -> str:
    return "panic" if function == "runtime.gopanic" else escape(display_name(function, wording.two_brackets))


def _offset(pc: int, entry: int) -> str:
    return f" +{pc - entry:#x}" if pc > entry else ""


def _ancestor(ancestor: Ancestor, wording: Printing) -> List[str]:
    lines = [f"[originating from goroutine {ancestor.goroutine}]:"]
    for call in ancestor.calls:
        lines += [f"{_name(call.place.function, wording)}(...)", _place(call)]
    if ancestor.full:
        lines.append("...additional frames elided...")
    return lines + (_created_by(ancestor.created_by, wording) if ancestor.created_by else [])


def _created_by(call: Call, wording: Printing, parent: Optional[int] = None) -> List[str]:
    starter = "" if parent is None else f" in goroutine {parent}"
    return [f"created by {_name(call.place.function, wording)}{starter}", _place(call)]


def _place(call: Call) -> str:
    return f"\t{escape(call.place.file)}:{call.place.line}{_offset(call.place.pc, call.entry)}"


def document(body: Tracebacks) -> Dict[str, Any]:
    return {
        "level": body.level,
        "goroutines": [
            {
                "id": t.goroutine.id,
                "status": t.goroutine.status,
                "wait_reason": None if isinstance(t.goroutine.wait_reason, Absent) else t.goroutine.wait_reason,
                "bubble": t.bubble,
                "frames": _frames(t),
                "elided": t.frames.count,
                "problem": t.problem or None,
                "created_by": place_document(t.created_by.place) if t.created_by else None,
                "ancestors": [_ancestor_document(ancestor) for ancestor in t.ancestors.list],
            }
            for t in body.tracebacks
        ],
    }


def _frames(traceback: Traceback) -> List[Dict[str, Any]]:
    """Those on other stacks first; each tells the stack that it is on."""
    inside = [any_document(frame, piece.stack) for piece in traceback.inside for frame in piece.frames]
    own = (*traceback.frames.inner, *traceback.frames.outer)
    return [*inside, *[any_document(frame, "goroutine") for frame in own]]


def _ancestor_document(ancestor: Ancestor) -> Dict[str, Any]:
    return {
        "goroutine": ancestor.goroutine,
        "frames": [place_document(call.place) for call in ancestor.calls],
        "created_by": place_document(ancestor.created_by.place) if ancestor.created_by else None,
    }
