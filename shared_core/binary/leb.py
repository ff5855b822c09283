"""Numbers as DWARF and .eh_frame store them, read one after the other.

Sources: DWARF 5, 7.6 (LEB128); LSB Core 5.0, 10.5 (DW_EH_PE pointer encodings).
"""

from __future__ import annotations

import struct
from typing import Dict, Tuple

from ..errors import FormatError

OMITTED = 0xFF
_PCREL, _DATAREL, _INDIRECT = 0x10, 0x30, 0x80
_MAX_LEB = 10  # bytes that 64 bits take
_MASK = (1 << 64) - 1
# DW_EH_PE format -> (struct code, bytes); 1 and 9 are LEB128
_FIXED: Dict[int, Tuple[str, int]] = {0: ("<Q", 8), 2: ("<H", 2), 3: ("<I", 4), 4: ("<Q", 8)}
_FIXED.update({10: ("<h", 2), 11: ("<i", 4), 12: ("<q", 8)})


class Cursor:
    """Reads `data`, whose first byte is at `address`, from `at` on; FormatError where it ends too early."""

    def __init__(self, data: bytes, address: int = 0, at: int = 0) -> None:
        self.data = data
        self.address = address
        self.at = at

    @property
    def done(self) -> bool:
        return self.at >= len(self.data)

    def take(self, size: int) -> bytes:
        if size < 0 or self.at + size > len(self.data):
            raise FormatError("unwind information is cut off")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, code: str) -> int:
        """A fixed-size number by its struct code ("<H")."""
        return int(struct.unpack(code, self.take(struct.calcsize(code)))[0])

    def byte(self) -> int:
        return self.take(1)[0]

    def uleb(self) -> int:
        value, shift = 0, 0
        for _ in range(_MAX_LEB):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value & _MASK
        raise FormatError("a number in unwind information is longer than 64 bits")

    def sleb(self) -> int:
        start = self.at
        value = self.uleb()
        bits = 7 * (self.at - start)
        return value - (1 << bits) if bits < 64 and value >> (bits - 1) else _signed(value)

    def block(self) -> bytes:
        """Bytes behind their length."""
        return self.take(self.uleb())

    def text(self) -> str:
        """A NUL-terminated string."""
        end = self.data.find(b"\0", self.at)
        if end < 0:
            raise FormatError("unwind information is cut off")
        return self.take(end + 1 - self.at)[:-1].decode("ascii", "replace")

    def pointer(self, encoding: int, base: int = 0) -> int:
        """A pointer in a DW_EH_PE `encoding`; `base` is what data-relative ones count from."""
        if encoding & _INDIRECT:
            raise FormatError(f"pointer encoding {encoding:#x} is indirect")
        place, form = self.address + self.at, encoding & 0x0F
        if form in _FIXED:
            value = self.number(_FIXED[form][0])
        elif form in (1, 9):
            value = self.uleb() if form == 1 else self.sleb()
        else:
            raise FormatError(f"pointer encoding {encoding:#x}")
        relative = {0: 0, _PCREL: place, _DATAREL: base}.get(encoding & 0x70)
        if relative is None:
            raise FormatError(f"pointer encoding {encoding:#x}")
        return (value + relative) & _MASK


def fixed_size(encoding: int) -> int:
    """The bytes that a pointer in this encoding takes; FormatError where they vary."""
    try:
        return _FIXED[encoding & 0x0F][1]
    except KeyError:
        raise FormatError(f"a table of pointers in encoding {encoding:#x}") from None


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
