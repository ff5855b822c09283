"""Argument words of a frame, as a traceback prints them.

Source: Go 1.27 runtime/traceback.go, printArgs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Union

from ..binary.functabs import FuncTabs
from ..errors import NOT_APPLICABLE, UNREADABLE, Absent, Maybe, ReadError
from ..memory import Memory
from .unwind import Frame

_WORD = 8


@dataclass(frozen=True)
class ArgWord:
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
    slots = tabs.arg_slots(frame.func)
    if slots is None:
        return (
            Absent(NOT_APPLICABLE, "assembly: its arguments are not described") if tabs.is_assembly(frame.func) else []
        )
    live = tabs.live_slots(frame.func, live_at)
    spill_start = tabs.spill_start(frame.func)
    items: List[ArgItem] = []
    spilled = 0
    for slot in slots:
        if slot.kind != "word":
            items.append(slot.kind)
            continue
        address = frame.argp + slot.offset
        value = _value(memory, address, slot.size)
        items.append(ArgWord(address, slot.offset, slot.size, value, live(slot.offset, spilled)))
        spilled += slot.offset >= spill_start
    return items


def _value(memory: Memory, address: int, size: int) -> Maybe[int]:
    try:
        return int.from_bytes(memory.read(address, min(size, _WORD)), "little")
    except ReadError as error:
        return Absent(UNREADABLE, str(error))
