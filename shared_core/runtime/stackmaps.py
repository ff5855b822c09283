"""Which words of a frame the garbage collector treats as pointers.

Source: Go 1.27 runtime/stkframe.go, stkframe.getStackMap and argMapInternal; methodValueCallFrameObjs in
runtime/stkframe.go for the two reflect stubs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Tuple

from ..binary.funcs import Func
from ..binary.functabs import FuncTabs, StackMap, StackObject
from ..errors import UNREADABLE, Absent, Maybe, ReadError
from ..memory import Memory
from .unwind import Frame

WORD = 8
_REFLECT_STUBS = ("reflect.makeFuncStub", "reflect.methodValueCall")
_ARGS_UNKNOWN = -(1 << 31)  # abi.ArgsSizeUnknown


@dataclass(frozen=True)
class Slot:
    """One word of a frame that a stack map covers; `pointer` is what the map says of it."""

    address: int
    offset: int
    value: Maybe[int]
    pointer: bool


@dataclass(frozen=True)
class LiveObject:
    """A stack object at its address; its words count only while something points to it."""

    address: int
    size: int
    pointer_bytes: int


@dataclass(frozen=True)
class PcMaps:
    """The stack maps of a function and which bitmap counts at one pc.

    index: PCDATA_StackMapIndex, -1 where there is none; unsafe: the name of a non-zero PCDATA_UnsafePoint value.
    assembly: the function is no compiler's, so its maps, if any, were written by hand.
    """

    func: Func
    pc: int
    index: int
    unsafe: str
    args: Optional[StackMap]
    locals: Optional[StackMap]
    objects: List[StackObject]
    assembly: bool


@dataclass(frozen=True)
class FrameMap:
    """A frame's words by its maps; offsets are from argp for arguments and from varp for locals."""

    frame: Frame
    maps: PcMaps
    args: List[Slot]
    locals: List[Slot]
    objects: List[LiveObject]
    notes: List[str]


def maps_at(tabs: FuncTabs, func: Func, pc: int, return_address: bool) -> PcMaps:
    """The maps that count at `pc`; for a return address those of the call before it."""
    at = pc - 1 if return_address and pc > func.entry else pc
    index = func.pcdata(tabs.pcdata["stack_map_index"], at) if pc != func.entry else -1
    unsafe = func.pcdata(tabs.pcdata["unsafe_point"], at)
    return PcMaps(
        func,
        pc,
        index,
        tabs.unsafe_name(unsafe),
        tabs.stack_map(func, "args_pointer_maps"),
        tabs.stack_map(func, "locals_pointer_maps"),
        tabs.stack_objects(func),
        tabs.is_assembly(func),
    )


def frame_map(tabs: FuncTabs, frame: Frame, memory: Memory) -> FrameMap:
    """The words of `frame` that its stack maps cover, as the collector would see them.

    FormatError or ReadError when the tables are broken; a word that cannot be read is Absent in its slot.
    """
    if frame.continpc == 0:
        maps = maps_at(tabs, frame.func, frame.pc, False)
        return FrameMap(frame, maps, [], [], [], ["the frame is dead: it panicked and nothing returns to it"])
    interrupted = frame.symbol_pc == frame.pc
    maps = maps_at(tabs, frame.func, frame.continpc, not interrupted)
    notes = _notes(maps, interrupted)
    args, note = _select(maps.args, maps, "arguments")
    notes += note
    local_bits, note = _select(maps.locals, maps, "locals") if frame.varp - frame.sp > 0 else ((), [])
    notes += note
    local_base = frame.varp - len(local_bits) * WORD
    return FrameMap(
        frame,
        maps,
        [_slot(memory, frame.argp, i * WORD, bit) for i, bit in enumerate(args)],
        [_slot(memory, frame.varp, local_base + i * WORD - frame.varp, bit) for i, bit in enumerate(local_bits)],
        [
            LiveObject((frame.varp if o.offset < 0 else frame.argp) + o.offset, o.size, o.pointer_bytes)
            for o in maps.objects
        ],
        notes,
    )


def _notes(maps: PcMaps, interrupted: bool) -> List[str]:
    notes = []
    if maps.args is None and maps.locals is None:
        notes.append("no stack maps: it is assembly" if maps.assembly else "no stack maps: its frame holds no pointers")
    elif maps.index < 0:
        what = "the function's entry" if maps.pc == maps.func.entry else "this pc"
        kind = "assembly, " if maps.assembly else ""
        notes.append(f"{kind}no stack map index (-1) at {what}: the runtime would take bitmap 0, the entry's")
    if interrupted and maps.unsafe:
        notes.append(f"this pc is an unsafe point ({maps.unsafe}): the runtime never scans a stack that stands here")
    if maps.func.name in _REFLECT_STUBS:
        notes.append("a reflect stub: its argument map belongs to the call that it makes")
    elif maps.func.arguments == _ARGS_UNKNOWN:
        notes.append("the size of its arguments is not recorded")
    return notes


def _select(stack_map: Optional[StackMap], maps: PcMaps, what: str) -> Tuple[Tuple[bool, ...], List[str]]:
    if stack_map is None or not stack_map.bitmaps or not stack_map.bits:
        return (), []
    index = max(maps.index, 0)
    if index >= len(stack_map.bitmaps):
        count = len(stack_map.bitmaps)
        return (), [f"the {what} map has {count} bitmaps and the pc asks for number {index}: the tables do not agree"]
    return stack_map.bitmaps[index], []


def _slot(memory: Memory, base: int, offset: int, pointer: bool) -> Slot:
    value: Maybe[int]
    try:
        value = memory.u64(base + offset)
    except ReadError as error:
        value = Absent(UNREADABLE, str(error))
    return Slot(base + offset, offset, value, pointer)
