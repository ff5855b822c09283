"""The pclntab: finding it by structure, its header, and the tables that it leads to.

Sources: Go 1.27 runtime/symtab.go (pcHeader), cmd/link/internal/ld/pcln.go; Go 1.16 and 1.18 for the older headers.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Iterator, List, Optional

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
_QUANTA = {"amd64": 1, "arm64": 4}
_SECTIONS = (".gopclntab", ".data.rel.ro.gopclntab", ".data.rel.ro")


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


def parse_header(data: Buffer, address: int, arch: str) -> PcHeader:
    """The header in `data` (at least 72 bytes); FormatError when its fields do not fit each other."""
    if len(data) < 72:
        raise FormatError("too short for a pclntab header")
    magic, pad, quantum, pointer_size = struct.unpack_from("<IHBB", data)
    if pad or quantum != _QUANTA.get(arch) or pointer_size != 8:
        raise FormatError("no pclntab header")
    if magic == MAGIC_12:
        raise FormatError("its pclntab is of the form that Go 1.2 to 1.15 wrote; goxray reads Go 1.16 and later")
    words = struct.unpack_from("<8Q", data, 8)
    for kind in _forms(magic):
        header = PcHeader(address, kind, quantum, *(words if kind != MAGIC_116 else _without_text_start(words)))
        if _fits(header):
            return header
    raise FormatError("no pclntab header: its offsets do not fit each other")


def _forms(magic: int) -> List[int]:
    # An obfuscator may change the magic; then the newest form that fits is taken, and the tables are checked anyhow.
    return [magic] if magic in KNOWN_MAGICS else [MAGIC_120, MAGIC_118, MAGIC_116]


def _without_text_start(words: tuple[int, ...]) -> tuple[int, ...]:
    return (words[0], words[1], 0, *words[2:7])


def _fits(header: PcHeader) -> bool:
    offsets = header.offsets()
    in_order = all(a < b for a, b in zip(offsets, offsets[1:]))
    first = 64 if header.magic == MAGIC_116 else 72
    bounded = 0 < header.functions < MAX_FUNCTIONS and offsets[-1] < _MAX_OFFSET
    return in_order and bounded and first <= offsets[0] <= 128


def find_headers(image: LoadedImage) -> Iterator[PcHeader]:
    """Every place in the image that has the structure of a pclntab, the likely one first."""
    seen = set()
    for name in _SECTIONS[:2]:
        section = image.elf.sections().get(name)
        if section is not None:
            header = _header_at(image, section.address + image.bias)
            if header is not None:
                seen.add(header.address)
                yield header
    for address in _scan(image):
        header = _header_at(image, address) if address not in seen else None
        if header is not None:
            seen.add(address)
            yield header


def old_or_foreign(image: LoadedImage) -> Optional[str]:
    """Why there is no usable pclntab though something like one is there: too old, or big-endian."""
    pattern = re.compile(rb"\xfb\xff\xff\xff\0\0[\1\4]\x08|\xff\xff\xff[\xfb\xfa\xf0\xf1]\0\0[\1\4]\x08")
    for writable in (False, True):
        for _, data in image.chunks(writable):
            found = pattern.search(data)
            if found is not None and found.group()[0] == 0xFB:
                return "its pclntab is of the form that Go 1.2 to 1.15 wrote; goxray reads Go 1.16 and later"
            if found is not None:
                return "its pclntab is big-endian; goxray reads little-endian programs"
    return None


def _scan(image: LoadedImage) -> Iterator[int]:
    """Addresses whose bytes 4..8 are those of a header: pad, quantum, pointer size. The magic is not asked for."""
    quantum = _QUANTA.get(image.elf.arch)
    if quantum is None:
        return
    pattern = re.compile(re.escape(bytes([0, 0, quantum, 8])))
    for writable in (False, True):
        for start, data in image.chunks(writable):
            for match in pattern.finditer(data):
                address = start + match.start() - 4
                if address % 8 == 0 and match.start() >= 4:
                    yield address


def _header_at(image: LoadedImage, address: int) -> Optional[PcHeader]:
    try:
        header = parse_header(image.constant(address, 72), address, image.elf.arch)
        FirstEntries(image, header).check()
    except (FormatError, ReadError):
        return None
    return header


class FirstEntries:
    """The beginning and the end of the function table, read to tell a pclntab from bytes that look like a header."""

    def __init__(self, image: LoadedImage, header: PcHeader) -> None:
        self.image = image
        self.header = header
        self.wide = header.magic == MAGIC_116

    def check(self) -> None:
        """FormatError unless the first entries ascend and their _func agrees with them."""
        base, size = self.header.address + self.header.pclntable, 16 if self.wide else 8
        count = min(self.header.functions, 16)
        table = struct.unpack(f"<{2 * count}{'Q' if self.wide else 'I'}", self.image.constant(base, size * count))
        entries, funcs = table[::2], table[1::2]
        if any(a > b for a, b in zip(entries, entries[1:])):
            raise FormatError("the function table does not ascend")
        for entry, func in zip(entries, funcs):
            self._check_func(base + func, entry)
        # The last entry holds the end of the text alone.
        self.image.constant(base + size * self.header.functions, size // 2)

    def _check_func(self, address: int, entry: int) -> None:
        code = "<Qi" if self.wide else "<Ii"
        start, name = struct.unpack(code, self.image.constant(address, struct.calcsize(code)))
        if start != entry and not self.wide:
            raise FormatError("a _func names another entry than the function table")
        if not 0 <= name < self.header.cutab - self.header.names:
            raise FormatError("a _func has its name outside the name table")
