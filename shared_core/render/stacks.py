"""Pieces of a thread's stacks as text and JSON, for the commands that show them."""

from __future__ import annotations

from typing import Any, Dict, List

from ..commands.stacks import AnyFrame, StackPiece
from ..runtime.frames import display_name
from ..runtime.nativeframes import NativeFrame
from .escape import escape
from .frames import frame_document

_TITLES = {"system": "system stack", "signal": "signal stack", "c": "C"}


def native_name(frame: NativeFrame) -> str:
    """ "sleep+0x3a (libc.so.6)", or "libc.so.6+0x3fbf4" where no symbol tells; "?" outside every file."""
    if not frame.image:
        return "?"
    if not frame.function:
        return f"{escape(frame.image)}+{frame.offset:#x}"
    return f"{escape(frame.function)}+{frame.offset:#x} ({escape(frame.image)})"


def title(piece: StackPiece) -> str:
    return _TITLES.get(piece.stack) or f"goroutine {piece.goroutine}"


def piece_lines(pieces: List[StackPiece]) -> List[str]:
    """All pieces under a row of a listing, the frames numbered through."""
    lines: List[str] = []
    number, left = 0, ""
    for piece in pieces:
        lines.append(f"    {title(piece)}{left}:\n")
        for frame in piece.frames:
            lines += _frame(number, frame)
            number += 1
        if piece.more:
            lines.append(f"        {piece.more} more frame{'s' if piece.more > 1 else ''}\n")
        elif piece.problem:
            lines.append(f"        stopped: {escape(piece.problem)}\n")
        left = f", left by {escape(piece.left)}" if piece.left else ""
    return lines


def _frame(number: int, frame: AnyFrame) -> List[str]:
    if isinstance(frame, NativeFrame):
        return [f"    {number:3}  {frame.pc:#x} in {native_name(frame)}\n"]
    name = escape(display_name(frame.function)) + (" (inlined)" if frame.inlined else "")
    return [f"    {number:3}  {frame.pc:#x} in {name}\n", f"           at {escape(frame.file)}:{frame.line}\n"]


def any_document(frame: AnyFrame, stack: str) -> Dict[str, Any]:
    """A frame with the stack that it is on; of one of C there is no file, and no function without a symbol."""
    if not isinstance(frame, NativeFrame):
        return {**frame_document(frame), "stack": stack}
    return {
        "function": frame.function or None,
        "file": None,
        "line": None,
        "pc": hex(frame.pc),
        "sp": hex(frame.sp),
        "fp": None,
        "inlined": False,
        "image": frame.image or None,
        "offset": frame.offset,
        "stack": stack,
    }


def piece_document(piece: StackPiece) -> Dict[str, Any]:
    return {
        "stack": piece.stack,
        "goroutine": piece.goroutine,
        "frames": [any_document(frame, piece.stack) for frame in piece.frames],
        "left_by": piece.left or None,
        "problem": piece.problem or None,
        "more": piece.more,
    }
