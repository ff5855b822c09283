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

_OFFSET_EXTENDED, _REGISTER, _OFFSET_SIGNED, _VALUE_OFFSET_SIGNED = b"\x05", b"\x09", b"\x11", b"\x15"
_MORESTACK_LINK = 3  # x3 has the link register's value while morestack runs: Go 1.27 cmd/internal/obj/arm64/obj7.go
KEPT = -1  # no frame, and the return address in that register

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
        self._known: Dict[Tuple[int, bool, Optional[int], Optional[int]], bytes] = {}
        self._pushed = 8 if self._registers.link is None else 0  # by a call, above the frame
        self._plain = self._add(self._common(b"", self._initial()))
        self._signal = self._handler = self._injected = -1

    def add(
        self,
        entry: int,
        size: int,
        key: int,
        table: PcTable,
        outermost: bool,
        saved_from: Optional[int] = None,
        call: Optional[int] = None,
    ) -> None:
        """A function whose frame is as `table` says; `key` names the table. The caller of an `outermost` is nobody.

        saved_from: the offset from which on the highest word of a frame is the caller's frame pointer.
        call: that of the call of morestack, where the return address is in another register during that.
        """
        known = self._known.get((key, outermost, saved_from, call))
        if known is None:
            rows = [(start, value if value >= 0 else None) for start, value in zip(table.starts, table.values)]
            if call is not None:
                rows = [(start, KEPT if start == call else size) for start, size in _split_at(rows, call, call + 1)]
            known = self._known[key, outermost, saved_from, call] = self._program(rows, outermost, saved_from)
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

    def add_handler(self, entry: int, size: int, table: PcTable) -> None:
        """arm64's sigtramp, with the kernel's frame above its own: what it interrupted is its caller.

        That it returns to code of the kernel's is passed over. gdb 13 knows that code too, and reads the frame without
        end when it is of a processor with SVE and the core file is not.
        """
        if self._handler < 0:
            self._handler = self._add(self._common(b"zS", _NO_DATA + self._above()))
        rows = zip([0, *table.starts], table.starts, table.values)
        program = [_advance(start - before) + _DEF_CFA_OFFSET + ULEB[max(value, 0)] for before, start, value in rows]
        self._describe(self._handler, entry, size, _NO_DATA + b"".join(program))

    def add_injected(self, entry: int, size: int, table: PcTable) -> None:
        """A function that a signal handler has made a call of, at any instruction: to a reader, a signal's frame.

        Source: Go 1.27 runtime/traceback.go (next, injectedCall); signal_arm64.go (preparePanic, pushCall).
        """
        if self._injected < 0:
            self._injected = self._add(self._common(b"zS", _NO_DATA + self._initial() + self._pushed_link()))
        parts = [_NO_DATA]
        for before, start, value in zip([0, *table.starts], table.starts, table.values):
            changed = self._returns_to(value)
            if value >= 0:
                changed += _DEF_CFA_OFFSET + ULEB[value + self._pushed]
            parts.append(_advance(start - before) + changed)
        self._describe(self._injected, entry, size, b"".join(parts))

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

    def _above(self) -> bytes:
        """Every register is in the kernel's frame, which begins at the CFA."""
        registers = self._registers
        saved = (_OFFSET_SIGNED + ULEB[number] + SLEB[-offset // 8] for number, offset in registers.saved.items())
        return _DEF_CFA + ULEB[registers.sp] + ULEB[0] + b"".join(saved)

    def _returns_to(self, value: int) -> bytes:
        """Where a function with a frame of `value` bytes has the pc that it returns to."""
        link, column = self._registers.link, self._registers.pc
        if value < 0:
            return _UNDEFINED + ULEB[column]
        if link is None:
            return bytes((_RESTORE | column,))
        return _OFFSET_EXTENDED + ULEB[column] + ULEB[value // 8] if value else _REGISTER + ULEB[column] + ULEB[link]

    def _pushed_link(self) -> bytes:
        """arm64: the link register is on top of what was interrupted, 16 bytes below its sp."""
        registers = self._registers
        if registers.link is None:
            return b""
        link = _OFFSET_SIGNED + ULEB[registers.link] + SLEB[0]
        return link + _VALUE_OFFSET_SIGNED + ULEB[registers.sp] + SLEB[-2]

    def _program(self, rows: List[Row], outermost: bool, saved_from: Optional[int]) -> bytes:
        pointer = self._registers.pointer
        parts: List[bytes] = []
        pc, size, rule, kept = 0, 0, self._rule(0), False
        for start, value in rows if saved_from is None else _split_at(rows, saved_from):
            changed = b""
            if value is not None and value != size and value != KEPT:
                changed, size = _DEF_CFA_OFFSET + ULEB[value + self._pushed], value
            wanted = self._rule(None if outermost else value)
            if wanted != rule:
                changed, rule = changed + wanted, wanted
            keeps = saved_from is not None and start >= saved_from and bool(value)
            if keeps != kept and pointer is not None:
                changed += bytes((_OFFSET | pointer,)) + ULEB[2] if keeps else _SAME_VALUE + ULEB[pointer]
                kept = keeps
            if changed:
                parts.append(_advance(start - pc) + changed)
                pc = start
        return b"".join(parts)

    def _rule(self, value: Optional[int]) -> bytes:
        """Where the return address is, with a frame of `value` bytes."""
        link = self._registers.link
        column = self._registers.pc if link is None else link
        if value is None:
            return _UNDEFINED + ULEB[column]
        if link is None:
            return bytes((_RESTORE | column,))
        if value == KEPT:
            return _REGISTER + ULEB[column] + ULEB[_MORESTACK_LINK]
        # A frame has the return address in its lowest word; without one it is in the register still.
        return bytes((_OFFSET | column,)) + ULEB[value // 8] if value else _SAME_VALUE + ULEB[column]


def _split_at(rows: List[Row], *starts: int) -> List[Row]:
    """The rows, one of which begins at each of `starts`."""
    for start in starts:
        index = bisect_left([row[0] for row in rows], start)
        if index and (index == len(rows) or rows[index][0] != start):
            rows = [*rows[:index], (start, rows[index - 1][1]), *rows[index:]]
    return rows


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
