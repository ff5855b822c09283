""".debug_frame: how to find each function's caller at every instruction, from the pcsp tables.

Sources: DWARF 4, 6.4; Go 1.27 cmd/link/internal/ld/dwarf.go (writeframes) for what the tables mean. Where it says less
than is known, this says more: a function that runs on another stack than its caller ends the walk instead of going on
with whatever lies there, and the return from a signal handler leads back into what was interrupted.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from typing import Dict, List, NamedTuple, Optional, Tuple

from .encode import SLEB, ULEB
from .pctables import PcTable

_NOP, _ADVANCE_1, _ADVANCE_2, _ADVANCE_4 = b"\0", b"\2", b"\3", b"\4"
_UNDEFINED, _SAME_VALUE, _DEF_CFA, _DEF_CFA_OFFSET, _DEF_CFA_EXPRESSION = b"\7", b"\x08", b"\x0c", b"\x0e", b"\x0f"
_EXPRESSION = b"\x10"
_NO_DATA = b"\0"  # of the augmentation, which lldb wants said; an operation that does nothing to those who do not
_ADVANCE, _OFFSET, _RESTORE = 0x40, 0x80, 0xC0
_BREG, _DEREF = 0x70, b"\6"
_FDE = struct.Struct("<IIQQ")

Row = Tuple[int, Optional[int]]  # (pc offset in quanta, the frame's size there; None where its caller is lost)


class Registers(NamedTuple):
    """DWARF's numbers of an architecture's registers.

    link: the register that calls put the return address into; None where they push it.
    pointer: the frame pointer, where a frame's highest word may be the caller's; None where that is not so.
    saved: on the stack at a signal handler's return, register -> bytes from sp (the kernel's rt_sigframe).
    """

    sp: int
    pc: int
    link: Optional[int]
    pointer: Optional[int]
    saved: Dict[int, int]


_SIGCONTEXT_AMD64 = (8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16)  # sigcontext's order, from r8 on
REGISTERS = {
    # arch/x86/include/uapi/asm/{ucontext,sigcontext}.h: uc_mcontext is 40 bytes into the ucontext at sp.
    "amd64": Registers(7, 16, None, 6, {number: 40 + 8 * i for i, number in enumerate(_SIGCONTEXT_AMD64)}),
    # arch/arm64: siginfo (128 bytes), then ucontext, whose uc_mcontext is at 176 and begins with fault_address.
    "arm64": Registers(31, 32, 30, None, {number: 128 + 176 + 8 + 8 * number for number in range(33)}),
}


class FrameTable:
    """Collects the .debug_frame of one module."""

    def __init__(self, arch: str, quantum: int) -> None:
        self._registers = REGISTERS[arch]
        self._quantum = quantum
        self._parts: List[bytes] = []
        self._size = 0
        self._known: Dict[Tuple[int, bool, Optional[int]], bytes] = {}
        self._plain = self._add(self._common(b"", self._initial()))
        self._signal = -1

    def add(
        self, entry: int, size: int, key: int, table: PcTable, outermost: bool, saved_from: Optional[int] = None
    ) -> None:
        """A function whose frame is as `table` says; `key` names the table. The caller of an `outermost` is nobody.

        saved_from: the offset from which on the highest word of a frame is the caller's frame pointer.
        """
        known = self._known.get((key, outermost, saved_from))
        if known is None:
            rows = [(start, value if value >= 0 else None) for start, value in zip(table.starts, table.values)]
            known = self._known[key, outermost, saved_from] = self._program(rows, outermost, saved_from)
        self._describe(self._plain, entry, size, known)

    def add_rows(self, entry: int, size: int, rows: List[Row]) -> None:
        """A function whose frame is as `rows` say."""
        self._describe(self._plain, entry, size, self._program(rows, False, None))

    def add_signal_return(self, entry: int, size: int) -> None:
        """The code that a signal handler returns to: everything is as it was when the signal came.

        It seems to have been called by the instruction before it, where readers look for return addresses.
        """
        if self._signal < 0:
            self._signal = self._add(self._common(b"zS", _NO_DATA + self._interrupted()))
        self._describe(self._signal, entry - 1, size + 1, _NO_DATA)

    def data(self) -> bytes:
        return b"".join(self._parts)

    def _add(self, record: bytes) -> int:
        at = self._size
        self._parts.append(record)
        self._size += len(record)
        return at

    def _describe(self, common: int, entry: int, size: int, program: bytes) -> None:
        program += _NOP * (-len(program) % 8)
        self._add(_FDE.pack(20 + len(program), common, entry, size) + program)

    def _common(self, augmentation: bytes, program: bytes) -> bytes:
        registers = self._registers
        column = registers.pc if augmentation or registers.link is None else registers.link
        head = b"\3" + augmentation + b"\0" + ULEB[self._quantum] + SLEB[-8] + ULEB[column]
        body = struct.pack("<I", 0xFFFFFFFF) + head + program
        body += _NOP * ((4 - len(body)) % 8)
        return struct.pack("<I", len(body)) + body

    def _initial(self) -> bytes:
        registers = self._registers
        if registers.link is None:
            return _DEF_CFA + ULEB[registers.sp] + ULEB[8] + bytes((_OFFSET | registers.pc,)) + ULEB[1]
        return _DEF_CFA + ULEB[registers.sp] + ULEB[0] + _SAME_VALUE + ULEB[registers.link]

    def _interrupted(self) -> bytes:
        registers = self._registers
        cfa = bytes((_BREG + registers.sp,)) + SLEB[registers.saved[registers.sp]] + _DEREF
        parts = [_DEF_CFA_EXPRESSION + ULEB[len(cfa)] + cfa]
        for number, offset in registers.saved.items():
            place = bytes((_BREG + registers.sp,)) + SLEB[offset]
            if number != registers.sp:
                parts.append(_EXPRESSION + ULEB[number] + ULEB[len(place)] + place)
        return b"".join(parts)

    def _program(self, rows: List[Row], outermost: bool, saved_from: Optional[int]) -> bytes:
        registers = self._registers
        column = registers.pc if registers.link is None else registers.link
        parts = [_UNDEFINED + ULEB[column]] if outermost else []
        pc, size, lost, kept = 0, 0, outermost, False
        for start, value in _split_at(rows, saved_from):
            keeps = saved_from is not None and start >= saved_from and bool(value)
            if value == size and keeps == kept and not (lost and not outermost):
                continue
            parts.append(_advance(start - pc))
            pc = start
            if value is None:
                parts.append(_UNDEFINED + ULEB[column])
                size, lost = -1, True
                continue
            if registers.link is None:
                parts.append(_DEF_CFA_OFFSET + ULEB[value + 8])
                if lost and not outermost:
                    parts.append(bytes((_RESTORE | column,)))
            else:
                parts.append(_DEF_CFA_OFFSET + ULEB[value])
                if not outermost:
                    # A frame has the return address in its lowest word; without one it is in the register still.
                    saved = bytes((_OFFSET | column,)) + ULEB[value // 8]
                    parts.append(saved if value else _SAME_VALUE + ULEB[column])
            if keeps != kept and registers.pointer is not None:
                pointer = registers.pointer
                parts.append(bytes((_OFFSET | pointer,)) + ULEB[2] if keeps else _SAME_VALUE + ULEB[pointer])
            size, lost, kept = value, outermost, keeps
        return b"".join(parts)


def _split_at(rows: List[Row], start: Optional[int]) -> List[Row]:
    """The rows, one of which begins at `start`."""
    if start is None:
        return rows
    index = bisect_left([row[0] for row in rows], start)
    if not index or (index < len(rows) and rows[index][0] == start):
        return rows
    return [*rows[:index], (start, rows[index - 1][1]), *rows[index:]]


def _advance(step: int) -> bytes:
    if not step:
        return b""
    if step < 0x40:
        return bytes((_ADVANCE | step,))
    if step < 1 << 8:
        return _ADVANCE_1 + struct.pack("<B", step)
    if step < 1 << 16:
        return _ADVANCE_2 + struct.pack("<H", step)
    return _ADVANCE_4 + struct.pack("<I", step)
