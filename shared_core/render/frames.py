"""Frames and places in the forms that several renderers share."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Dict, List

from ..commands.views import StackView
from ..errors import Absent, Maybe
from ..runtime.args import ArgItem, ArgWord
from ..runtime.frames import Place, SourceFrame, display_name
from .escape import escape

_OPEN, _CLOSE = "begin", "end"
_MARKS = {"dots": "...", "too large": "_"}


@lru_cache(maxsize=65536)
def short_place(place: Place) -> str:
    """ "main.worker app/main.go:17": the end of the path tells files apart in a list; JSON has the whole of it."""
    tail = "/".join(place.file.split("/")[-2:])
    return f"{display_name(place.function)} {tail}:{place.line}"


@lru_cache(maxsize=4096)
def stack_text(stack: StackView) -> str:
    """A stack under a row of a listing: number, pc, function, and the file and line in full."""
    lines = []
    for number, frame in enumerate(stack.frames):
        name = escape(display_name(frame.function)) + (" (inlined)" if frame.inlined else "")
        lines.append(f"    {number:2}  {frame.pc:#x} in {name}\n")
        lines.append(f"          at {escape(frame.file)}:{frame.line}\n")
    if stack.problem:
        lines.append(f"        stopped: {escape(stack.problem)}\n")
    return "".join(lines)


def frame_document(frame: SourceFrame) -> Dict[str, Any]:
    found = {
        "function": frame.function,
        "file": frame.file,
        "line": frame.line,
        "pc": hex(frame.pc),
        "sp": hex(frame.physical.sp),
        "fp": hex(frame.physical.fp),
        "inlined": frame.inlined,
    }
    if frame.args is not None:
        found["args"] = _quiet_args(frame.args)
    return found


def _quiet_args(args: Maybe[List[ArgItem]]) -> Any:
    if isinstance(args, Absent):
        return None if args.kind == "not applicable" else args
    return [
        {"slot": hex(item.address), "offset": item.offset, "size": item.size, "value": _hex(item.value),
         "live": item.live}
        for item in args
        if isinstance(item, ArgWord)
    ]  # fmt: skip


def _hex(value: Maybe[int]) -> Any:
    return value if isinstance(value, Absent) else hex(value)


def place_document(place: Place) -> Dict[str, Any]:
    return {
        "function": place.function,
        "file": place.file,
        "line": place.line,
        "pc": hex(place.pc),
        "inlined": False,
    }


def args_text(frame: SourceFrame) -> str:
    """What a traceback prints between the parentheses (runtime's printArgs)."""
    if frame.inlined:
        return "..."
    if frame.args is None or isinstance(frame.args, Absent):
        return ""
    text, separate = "", False
    for item in frame.args:
        if item == _CLOSE:
            text += "}"
        else:
            text += (", " if separate else "") + _item(item)
        separate = item != _OPEN
    return text


def _item(item: ArgItem) -> str:
    if isinstance(item, ArgWord):
        value = "<unreadable>" if isinstance(item.value, Absent) else f"{item.value:#x}"
        return value + ("" if item.live else "?")
    return "{" if item == _OPEN else _MARKS[item]
