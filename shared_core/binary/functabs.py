"""FUNCDATA contents: inline trees, argument descriptions, stack maps and stack objects.

Sources: Go 1.27 runtime/symtabinl.go (inlinedCall), runtime/traceback.go (printArgs), internal/abi/symtab.go
(TraceArgs...), runtime/symtab.go (stackmap), runtime/stack.go (stackObjectRecord).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from ..errors import FormatError, ReadError
from ..layouts.model import Layout, Struct
from .elf import Buffer
from .funcs import Func
from .moduledata import Module

_MAX_ARG_BYTES = 1 << 8
_MAX_LIVE_BYTES = 32
_MAX_BITMAPS = 1 << 20
_MAX_BITS = 1 << 20
_MAX_OBJECTS = 1 << 16
_MAX_DEPTH = 1 << 10
_END = 0xFF  # abi.TraceArgsEndSeq and its neighbours
_MARKS = {0xFE: "begin", 0xFD: "end", 0xFC: "dots", 0xFB: "too large"}


class InlinedCall(NamedTuple):
    """runtime.inlinedCall: a call that the compiler put into its caller; `parent_pc` is an offset from the entry."""

    name: str
    func_id: int
    parent_pc: int
    start_line: int


class ArgSlot(NamedTuple):
    """One step of FUNCDATA_ArgInfo. kind: "word", "begin" and "end" of an aggregate, "dots", "too large"."""

    kind: str
    offset: int = 0
    size: int = 0


@dataclass(frozen=True)
class StackMap:
    """runtime.stackmap: `bitmaps[i]` has one bit per word, True where the word is a live pointer at index i."""

    bits: int
    bitmaps: List[Tuple[bool, ...]]


class StackObject(NamedTuple):
    """runtime.stackObjectRecord: `offset` from varp when negative, from argp otherwise; sizes in bytes."""

    offset: int
    size: int
    pointer_bytes: int


class ArgStep(NamedTuple):
    """An ArgSlot, and whether a word there is live at the pc asked about."""

    kind: str
    offset: int
    size: int
    live: bool


class FuncTabs:
    """Reads the FUNCDATA of a module's functions; table numbers and record shapes come from the layout."""

    def __init__(self, module: Module, layout: Layout) -> None:
        self.module = module
        self.funcdata = layout.numbers("funcdata")
        self.pcdata = layout.numbers("pcdata")
        self._unsafe = layout.enums["unsafe_points"]
        self._assembly = layout.numbers("func_flags").get("asm", 0)
        self._arg_steps: Dict[Tuple[int, int], Optional[List[ArgStep]]] = {}
        self._inlined = layout.struct("runtime.inlinedCall")
        self._object = layout.struct("runtime.stackObjectRecord")

    def unsafe_name(self, value: int) -> str:
        """What a PCDATA_UnsafePoint value forbids; "" for a safe pc (UnsafePointSafe, -1)."""
        return "" if value == -1 else self._unsafe.get(value, f"value {value}")

    def is_assembly(self, func: Func) -> bool:
        """abi.FuncFlagAsm: written in assembly, not by the compiler."""
        return bool(func.flags & self._assembly)

    def inlined_at(self, func: Func, pc: int) -> List[Tuple[Optional[InlinedCall], int]]:
        """The calls folded into one at `pc`, innermost first, each with the pc its line is looked up at.

        The last entry is (None, pc): the function itself.
        """
        base = self.module.funcdata(func, self.funcdata["inl_tree"])
        found: List[Tuple[Optional[InlinedCall], int]] = []
        while base is not None and len(found) < _MAX_DEPTH:
            index = func.pcdata(self.pcdata["inl_tree_index"], pc)
            if index < 0:
                break
            call = self._inlined_call(base, index)
            found.append((call, pc))
            pc = func.entry + call.parent_pc
        return [*found, (None, pc)]

    def inlined_shape(self) -> Tuple[int, int, int, Optional[int]]:
        """runtime.inlinedCall: (its size, the offset of the name's offset, that of parentPc, that of startLine)."""
        kind = self._inlined
        # runtime.inlinedCall.nameOff was called func_ up to Go 1.20.
        name = kind.offset("nameOff" if "nameOff" in kind else "func_")
        return kind.size, name, kind.offset("parentPc"), kind.offset("startLine") if "startLine" in kind else None

    def _inlined_call(self, base: int, index: int) -> InlinedCall:
        kind = self._inlined
        data = self.module.image.constant(base + kind.size * index, kind.size)
        # runtime.inlinedCall.nameOff was called func_ up to Go 1.20.
        name = _int32(data, kind, "nameOff" if "nameOff" in kind else "func_")
        start = _int32(data, kind, "startLine") if "startLine" in kind else 0
        func_id = data[kind.offset("funcID")]
        return InlinedCall(self.module.table.name(name), func_id, _int32(data, kind, "parentPc"), start)

    def arg_slots(self, func: Func) -> Optional[List[ArgSlot]]:
        """FUNCDATA_ArgInfo as steps; None when the compiler wrote none (assembly)."""
        address = self.module.funcdata(func, self.funcdata["arg_info"])
        return None if address is None else _parse_args(self._bounded(address, _MAX_ARG_BYTES))

    def arg_steps(self, func: Func, live_at: int) -> Optional[List[ArgStep]]:
        """`arg_slots` with what is live at the pc `live_at`; kept, since a crowd of frames stands at the same pcs."""
        key = (func.entry, live_at)
        if key not in self._arg_steps:
            self._arg_steps[key] = self._read_arg_steps(func, live_at)
        return self._arg_steps[key]

    def _read_arg_steps(self, func: Func, live_at: int) -> Optional[List[ArgStep]]:
        slots = self.arg_slots(func)
        if slots is None:
            return None
        live, spill_start, spilled = self.live_slots(func, live_at), self.spill_start(func), 0
        steps: List[ArgStep] = []
        for slot in slots:
            word = slot.kind == "word"
            steps.append(ArgStep(*slot, word and live(slot.offset, spilled)))
            spilled += word and slot.offset >= spill_start
        return steps

    def live_slots(self, func: Func, pc: int) -> Callable[[int, int], bool]:
        """(offset, number among the spill slots) -> whether the slot holds a live value at `pc`.

        Source: traceback.go, printArgs, isLive: slots below the start offset are always live, and so are all where
        the function has no liveness info or none for this pc.
        """
        start = self.spill_start(func)
        index = func.pcdata(self.pcdata["arg_live_index"], pc)
        address = self.module.funcdata(func, self.funcdata["arg_live_info"])
        live = -1 if address is None else self.live_bits(address, index)
        return lambda offset, slot: offset < start or bool(live >> slot & 1)

    def live_bits(self, address: int, index: int) -> int:
        """A bit per spill slot, 1 where it is live at pcs with that PCDATA_ArgLiveIndex; all 1 (-1) without any."""
        if index <= 0:
            return -1
        data = self._bounded(address + index, _MAX_LIVE_BYTES)
        return int.from_bytes(data, "little") | -1 << 8 * len(data)

    def spill_start(self, func: Func) -> int:
        """The lowest offset of a slot with liveness; 255 without any."""
        address = self.module.funcdata(func, self.funcdata["arg_live_info"])
        return 255 if address is None else self.module.image.constant(address, 1)[0]

    def stack_map(self, func: Func, which: str) -> Optional[StackMap]:
        """The pointer maps of `which`, "args_pointer_maps" or "locals_pointer_maps"; None without one."""
        address = self.module.funcdata(func, self.funcdata[which])
        if address is None:
            return None
        count, bits = struct.unpack("<ii", self.module.image.constant(address, 8))
        if not (0 <= count <= _MAX_BITMAPS and 0 <= bits <= _MAX_BITS and count * bits <= 1 << 26):
            raise FormatError(f"a stack map of {count} bitmaps with {bits} bits")
        size = (bits + 7) // 8
        data = bytes(self.module.image.constant(address + 8, count * size))
        return StackMap(bits, [_bits(data[i * size : (i + 1) * size], bits) for i in range(count)])

    def stack_objects(self, func: Func) -> List[StackObject]:
        """FUNCDATA_StackObjects: address-taken locals that the GC scans as objects."""
        address = self.module.funcdata(func, self.funcdata["stack_objects"])
        if address is None:
            return []
        kind = self._object
        count = struct.unpack("<Q", self.module.image.constant(address, 8))[0]
        if count > _MAX_OBJECTS:
            raise FormatError(f"{count} stack objects in one frame")
        data = self.module.image.constant(address + 8, count * kind.size)
        pointers = "ptrBytes" if "ptrBytes" in kind else "_ptrdata"
        return [
            StackObject(*(_int32(data, kind, f, i * kind.size) for f in ("off", "size", pointers)))
            for i in range(count)
        ]

    def _bounded(self, address: int, size: int) -> bytes:
        """Up to `size` bytes at `address`, fewer where the image ends before; ReadError for under 8."""
        while size > 8:
            try:
                return bytes(self.module.image.constant(address, size))
            except ReadError:
                size //= 2
        return bytes(self.module.image.constant(address, size))


def _parse_args(data: bytes) -> List[ArgSlot]:
    """Slots up to the end mark; FormatError when the mark is missing."""
    slots: List[ArgSlot] = []
    at = 0
    while at < len(data):
        code = data[at]
        at += 1
        if code == _END:
            return slots
        if code in _MARKS:
            slots.append(ArgSlot(_MARKS[code]))
        elif at < len(data):
            slots.append(ArgSlot("word", code, data[at]))
            at += 1
    raise FormatError("an argument description without an end")


def _bits(data: bytes, count: int) -> Tuple[bool, ...]:
    return tuple(bool(data[i // 8] >> i % 8 & 1) for i in range(count))


def _int32(data: Buffer, kind: Struct, field: str, base: int = 0) -> int:
    return int(struct.unpack_from("<i", data, base + kind.offset(field))[0])
