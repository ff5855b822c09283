"""The pclntab: finding it by structure, its header, and the tables that it leads to.

Sources: Go 1.27 runtime/symtab.go (pcHeader), cmd/link/internal/ld/pcln.go; Go 1.16 and 1.18 for the older headers.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from itertools import chain
from typing import Iterator, List, Optional

from ..arch import ARCHES
from ..errors import FormatError, ReadError
from .elf import Buffer
from .image import LoadedImage

MAGIC_12 = 0xFFFFFFFB
MAGIC_116 = 0xFFFFFFFA
MAGIC_118 = 0xFFFFFFF0
MAGIC_120 = 0xFFFFFFF1
KNOWN_MAGICS = {MAGIC_12: "1.2", MAGIC_116: "1.16", MAGIC_118: "1.18", MAGIC_120: "1.20"}

MAX_FUNCTIONS = 1 << 24
_MAX_OFFSET = 1 << 32
_QUANTA = {arch.name: arch.pc_quantum for arch in ARCHES}
_TOO_OLD = "its pclntab is of the form that Go 1.2 to 1.15 wrote; goxray reads Go 1.16 and later"
_SECTIONS = (".gopclntab", ".data.rel.ro.gopclntab")
_LOOK_AT = 16
# Newest first; an obfuscator may change the magic, but not what the runtime of that version reads.
_FORMS = (MAGIC_120, MAGIC_118, MAGIC_116)
# runtime._func: entry, name, args, deferreturn, pcsp, pcfile, pcln, npcdata, cu [, start line], func id, flags,
# nfuncdata
FUNC_RECORDS = {
    MAGIC_116: struct.Struct("<QiiIIIIIIBBxB"),
    MAGIC_118: struct.Struct("<IiiIIIIIIBBxB"),
    MAGIC_120: struct.Struct("<IiiIIIIIIiBBxB"),
}


@dataclass(frozen=True)
class PcHeader:
    """runtime.pcHeader. Offsets are in bytes from `address`, the header's own place in memory.

    text_start is 0 before Go 1.18, which had no such field, and since Go 1.26, which zeroes it.
    """

    address: int
    magic: int
    quantum: int
    functions: int
    files: int
    text_start: int
    names: int
    cutab: int
    filetab: int
    pctab: int
    pclntable: int

    @property
    def layout(self) -> str:
        """Which Go first wrote this form of the tables: "1.16", "1.18" or "1.20"."""
        return KNOWN_MAGICS[self.magic]

    def offsets(self) -> List[int]:
        return [self.names, self.cutab, self.filetab, self.pctab, self.pclntable]


def possible_headers(data: Buffer, address: int, arch: str) -> List[PcHeader]:
    """What the bytes at `address` (at least 72) can be: one header for a known magic, one for each form that fits when
    an obfuscator has changed it. FormatError when the fields do not fit each other."""
    if len(data) < 72:
        raise FormatError("too short for a pclntab header")
    magic, pad, quantum, pointer_size = struct.unpack_from("<IHBB", data)
    if pad or quantum != _QUANTA.get(arch) or pointer_size != 8:
        raise FormatError("no pclntab header")
    if magic == MAGIC_12:
        raise FormatError(_TOO_OLD)
    words = struct.unpack_from("<8Q", data, 8)
    found = [
        PcHeader(address, kind, quantum, *(words if kind != MAGIC_116 else _without_text_start(words)))
        for kind in ([magic] if magic in KNOWN_MAGICS else _FORMS)
    ]
    found = [header for header in found if _fits(header)]
    if not found:
        raise FormatError("no pclntab header: its offsets do not fit each other")
    return found


def _without_text_start(words: tuple[int, ...]) -> tuple[int, ...]:
    return (words[0], words[1], 0, *words[2:7])


def _fits(header: PcHeader) -> bool:
    offsets = header.offsets()
    in_order = all(a < b for a, b in zip(offsets, offsets[1:]))
    first = 64 if header.magic == MAGIC_116 else 72
    bounded = 0 < header.functions < MAX_FUNCTIONS and offsets[-1] < _MAX_OFFSET
    return in_order and bounded and first <= offsets[0] <= 128


def named_header(image: LoadedImage) -> Optional[PcHeader]:
    """The header at the start of the section that the linker has for it; None without such a section."""
    for name in _SECTIONS:
        section = image.elf.sections().get(name)
        header = _header_at(image, section.address + image.bias) if section is not None else None
        if header is not None:
            return header
    return None


def scanned_headers(image: LoadedImage) -> Iterator[PcHeader]:
    """Every place in the image that has the structure of a pclntab."""
    seen = set()
    for address in _scan(image):
        header = _header_at(image, address) if address not in seen else None
        if header is not None:
            seen.add(address)
            yield header


def old_or_foreign(image: LoadedImage) -> Optional[str]:
    """Why there is no usable pclntab though something like one is there: too old, or big-endian."""
    pattern = re.compile(rb"\xfb\xff\xff\xff\0\0[\1\4]\x08|\xff\xff\xff[\xfb\xfa\xf0\xf1]\0\0[\1\4]\x08")
    _, found = next(image.search(pattern, False, True), (0, b""))
    if found.startswith(b"\xfb"):
        return _TOO_OLD
    return "its pclntab is big-endian; goxray reads little-endian programs" if found else None


def _scan(image: LoadedImage) -> Iterator[int]:
    """Addresses whose bytes 4..8 are those of a header: pad, quantum, pointer size. The magic is not asked for."""
    quantum = _QUANTA.get(image.elf.arch)
    if quantum is None:
        return
    pattern = re.compile(re.escape(bytes([0, 0, quantum, 8])))
    # Externally linked, it is in a segment that the loader writes to, which a core that was cut may not hold.
    for address, _ in chain(image.search(pattern, False, True, align=4), image.search_file(pattern, align=4)):
        if address % 8:
            yield address - 4


def _header_at(image: LoadedImage, address: int) -> Optional[PcHeader]:
    try:
        return read_header(image, address)
    except (FormatError, ReadError):
        return None


def read_header(image: LoadedImage, address: int) -> PcHeader:
    """The header at `address`, its form told by the tables it leads to; FormatError or ReadError without one."""
    found = possible_headers(image.constant(address, 72), address, image.elf.arch)
    for header in found[:-1]:
        try:
            check_tables(image, header, by_structure=True)
            return header
        except (FormatError, ReadError):
            continue
    check_tables(image, found[-1], by_structure=len(found) > 1)
    return found[-1]


def check_tables(image: LoadedImage, header: PcHeader, by_structure: bool) -> None:
    """FormatError unless the first functions ascend and their records agree with them.

    by_structure: the magic does not tell the form, so each record must also end where the next one begins: the forms of
    Go 1.18 and 1.20 differ in its length only.
    """
    wide = header.magic == MAGIC_116
    base, size = header.address + header.pclntable, 16 if wide else 8
    count = min(header.functions, _LOOK_AT)
    table = struct.unpack(f"<{2 * count}{'Q' if wide else 'I'}", image.constant(base, size * count))
    entries, records = table[::2], table[1::2]
    if any(a > b for a, b in zip(entries, entries[1:])):
        raise FormatError("the function table does not ascend")
    ends = [_check_record(image, header, base + at, entry) - base for at, entry in zip(records, entries)]
    if by_structure and any(not end <= at < end + 8 for end, at in zip(ends, records[1:])):
        raise FormatError("a function's record does not end where the next one begins")
    # The last entry holds the end of the text alone.
    image.constant(base + size * header.functions, size // 2)


def _check_record(image: LoadedImage, header: PcHeader, address: int, entry: int) -> int:
    """Where the _func at `address` ends; FormatError when it is not that of the function at `entry`."""
    record = FUNC_RECORDS[header.magic]
    values = record.unpack(image.constant(address, record.size))
    # Go 1.16's entries are addresses, and in a position-independent file they are still to be written.
    if values[0] != entry and header.magic != MAGIC_116:
        raise FormatError("a _func names another entry than the function table")
    if not 0 <= values[1] < header.cutab - header.names:
        raise FormatError("a _func has its name outside the name table")
    end, funcdata = address + record.size + 4 * int(values[7]), int(values[-1])
    return end + 4 * funcdata if header.magic != MAGIC_116 else (end + 7 & -8) + 8 * funcdata
