"""How to unwind machine code that is not Go's: the .eh_frame of an image, found through its .eh_frame_hdr.

Sources: LSB Core 5.0, 10.6 (.eh_frame, .eh_frame_hdr); DWARF 5, 6.4.1.
"""

from __future__ import annotations

from typing import Callable, NamedTuple, Optional

from ..errors import FormatError, GoxrayError
from .cfirows import Row, Rules, run
from .leb import OMITTED, Cursor, fixed_size

PT_GNU_EH_FRAME = 0x6474E550
_MAX_ENTRY = 1 << 16  # the longest in Debian's libraries has some 2,000 bytes
_MAX_TABLE = 1 << 24

Read = Callable[[int, int], bytes]


class Cie(NamedTuple):
    """What the entries of many functions share."""

    code_factor: int
    data_factor: int
    return_register: int
    pointers: int  # the DW_EH_PE encoding of addresses
    augmented: bool  # its entries have augmentation data
    signal: bool  # frames that a signal made: the pc is the interrupted instruction's
    program: bytes


class CallFrames:
    """The unwind information of one image, by the table at `header`; every address is as `read` takes it.

    FormatError where there is no such table, or one of a form that no linker makes.
    """

    def __init__(self, read: Read, header: int) -> None:
        self._read = read
        self._header = header
        cursor = Cursor(read(header, 4), header)
        version, _, count_form, self._form = (cursor.byte() for _ in range(4))
        if version != 1 or OMITTED in (count_form, self._form):
            raise FormatError("its unwind information has no table to search")
        head = Cursor(read(header, 32), header, 4)
        head.pointer(cursor.data[1], header)
        self._count = head.pointer(count_form, header)
        self._table = header + head.at
        self._step = 2 * fixed_size(self._form)
        if self._count > _MAX_TABLE:
            raise FormatError(f"its unwind information claims {self._count} functions")

    def row(self, pc: int) -> Row:
        """The rules at `pc`; FormatError where no entry covers it or one makes no sense, ReadError as `read`."""
        entry = self._search(pc)
        if entry is None:
            raise FormatError(f"no unwind information for {pc:#x}")
        cie, start, size, program = self._fde(entry)
        if not start <= pc < start + size:
            raise FormatError(f"no unwind information for {pc:#x}")
        first = run(cie.program, cie.code_factor, cie.data_factor, None, start, start, Rules())
        rules = run(program, cie.code_factor, cie.data_factor, first, start, pc, first.copy())
        return Row(rules, cie.return_register, cie.signal)

    def _entry(self, index: int) -> Cursor:
        place = self._table + index * self._step
        return Cursor(self._read(place, self._step), place)

    def _search(self, pc: int) -> Optional[int]:
        """The address of the FDE of the last function that starts at or before `pc`."""
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            if self._entry(middle).pointer(self._form, self._header) <= pc:
                low = middle + 1
            else:
                high = middle
        if not low:
            return None
        found = self._entry(low - 1)
        found.pointer(self._form, self._header)
        return found.pointer(self._form, self._header)

    def _record(self, address: int) -> Cursor:
        """The content of the CIE or FDE at `address`, after its length."""
        size = Cursor(self._read(address, 4)).number("<I")
        if not 4 <= size <= _MAX_ENTRY:
            raise FormatError(f"unwind information of {size} bytes")
        return Cursor(self._read(address + 4, size), address + 4)

    def _fde(self, address: int) -> tuple[Cie, int, int, bytes]:
        cursor = self._record(address)
        back = cursor.number("<I")
        if back == 0:
            raise FormatError("unwind information leads to a CIE where an FDE should be")
        cie = self._cie(address + 4 - back)
        start = cursor.pointer(cie.pointers)
        size = cursor.pointer(cie.pointers & 0x0F)
        if cie.augmented:
            cursor.block()
        return cie, start, size, cursor.take(len(cursor.data) - cursor.at)

    def _cie(self, address: int) -> Cie:
        cursor = self._record(address)
        if cursor.number("<I"):
            raise FormatError("unwind information leads to no CIE")
        version, augmentation = cursor.byte(), cursor.text()
        if version not in (1, 3) or not (augmentation == "" or augmentation.startswith("z")):
            raise FormatError(f"unwind information of version {version}, augmented {augmentation!r}")
        code, data = cursor.uleb(), cursor.sleb()
        column = cursor.byte() if version == 1 else cursor.uleb()
        pointers, signal = 0, False
        if augmentation:
            extra = Cursor(cursor.block())
            for letter in augmentation[1:]:
                if letter == "R":
                    pointers = extra.byte()
                elif letter == "P":
                    form = extra.byte()
                    extra.take(fixed_size(form))
                elif letter == "L":
                    extra.byte()
                elif letter == "S":
                    signal = True
                elif letter != "B":  # arm64: return addresses are signed with the B key
                    raise FormatError(f"unwind information augmented {augmentation!r}")
        program = cursor.take(len(cursor.data) - cursor.at)
        return Cie(code, data, column, pointers, bool(augmentation), signal, program)


def frames_of(read: Read, header: Optional[int]) -> Optional[CallFrames]:
    """The unwind information behind the .eh_frame_hdr at `header`; None where there is none of use."""
    if header is None:
        return None
    try:
        return CallFrames(read, header)
    except GoxrayError:
        return None
