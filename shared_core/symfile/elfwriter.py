"""Writes ELF files: a header, sections, their headers. Sources: System V ABI (gABI) chapter 4."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import List, Sequence, Tuple

from .encode import Strings

NULL, PROGBITS, SYMTAB, STRTAB, NOTE, NOBITS = 0, 1, 2, 3, 7, 8
WRITE, ALLOC, EXECUTE, MERGED_STRINGS = 1, 2, 4, 0x30
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SECTION_HEADER = struct.Struct("<IIQQQQIIQQ")
_IDENT = b"\x7fELF\2\1\1" + b"\0" * 9
_SYMBOL = struct.Struct("<IBBHQQ")
FUNC, OBJECT, _GLOBAL = 2, 1, 1
SEGMENT = struct.Struct("<IIQQQQQQ")


@dataclass
class Section:
    """A section; `size` counts where there is no data (NOBITS)."""

    name: str
    kind: int
    data: bytes = b""
    address: int = 0
    flags: int = 0
    size: int = 0
    align: int = 1
    link: str = ""
    info: int = 0
    entry_size: int = 0


def elf_file(kind: int, machine: int, entry: int, segments: bytes, sections: Sequence[Section]) -> bytes:
    """A whole file; `segments` are program headers as they shall stand there."""
    names = Strings()
    every = [Section("", NULL, align=0), *sections, Section(".shstrtab", STRTAB)]
    numbers = {section.name: number for number, section in enumerate(every)}
    offsets = [names.add(section.name) for section in every]
    every[-1].data = names.data()
    parts = [b"\0" * _HEADER.size + segments]
    at, headers = len(parts[0]), []
    for name, section in zip(offsets, every):
        padding = -at % max(section.align, 1) if section.data else 0
        parts += [b"\0" * padding, section.data]
        at += padding
        headers.append(
            SECTION_HEADER.pack(
                *(name, section.kind, section.flags, section.address, at if section.kind else 0),
                *(section.size or len(section.data), numbers.get(section.link, 0), section.info),
                *(section.align, section.entry_size),
            )
        )
        at += len(section.data)
    table = at + -at % 8
    count = len(segments) // SEGMENT.size
    parts[0] = (
        _HEADER.pack(
            *(_IDENT, kind, machine, 1, entry, _HEADER.size if count else 0, table, 0, _HEADER.size),
            *(SEGMENT.size, count, SECTION_HEADER.size, len(every), len(every) - 1),
        )
        + segments
    )
    return b"".join([*parts, b"\0" * (table - at), *headers])


def symbol_table(symbols: Sequence[Tuple[str, int, int, int, int]]) -> List[Section]:
    """.symtab and .strtab of global (name, address, size, FUNC or OBJECT, section number)."""
    strings = Strings()
    add, pack = strings.add, _SYMBOL.pack
    entries = [pack(add(name), _GLOBAL << 4 | kind, 0, where, at, size) for name, at, size, kind, where in symbols]
    table = b"\0" * _SYMBOL.size + b"".join(entries)
    return [
        Section(".symtab", SYMTAB, table, align=8, link=".strtab", info=1, entry_size=_SYMBOL.size),
        Section(".strtab", STRTAB, strings.data()),
    ]
