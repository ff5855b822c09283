"""Argument words of a frame, as a traceback prints them.

Source: Go 1.27 runtime/traceback.go, printArgs.
"""

from __future__ import annotations

from typing import List, NamedTuple, Union

from ..binary.functabs import FuncTabs
from ..errors import NOT_APPLICABLE, UNREADABLE, Absent, Maybe, ReadError
from ..memory import Memory
from .unwind import Frame

_WORD = 8


class ArgWord(NamedTuple):
    """One argument word: its address, its offset from argp and size in bytes, the value, and whether it is live."""

    address: int
    offset: int
    size: int
    value: Maybe[int]
    live: bool


# A word, or a mark of the shape around it: "begin" and "end" of an aggregate, "dots", "too large".
ArgItem = Union[ArgWord, str]


def frame_args(tabs: FuncTabs, frame: Frame, memory: Memory, live_at: int) -> Maybe[List[ArgItem]]:
    """The arguments of a physical frame in printing order; Absent for assembly, which nobody has described.

    The compiler writes no description for a function without parameters: it has no words.
    live_at: the pc that liveness is looked up at.
    FormatError or ReadError when the description itself is broken.
    """
    steps = tabs.arg_steps(frame.func, live_at)
    if steps is None:
        return (
            Absent(NOT_APPLICABLE, "assembly: its arguments are not described") if tabs.is_assembly(frame.func) else []
        )
    items: List[ArgItem] = []
    argp = frame.argp
    for kind, offset, size, live in steps:
        if kind == "word":
            items.append(ArgWord(argp + offset, offset, size, _value(memory, argp + offset, size), live))
        else:
            items.append(kind)
    return items


def _value(memory: Memory, address: int, size: int) -> Maybe[int]:
    try:
        return int.from_bytes(memory.read(address, min(size, _WORD)), "little")
    except ReadError as error:
        return Absent(UNREADABLE, str(error))
