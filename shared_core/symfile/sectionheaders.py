"""The section headers of an executable as they stand in its file, or made up for one that has lost them."""

from __future__ import annotations

import struct
from typing import Iterator, List, NamedTuple, Optional, Tuple

from ..binary.elf import ElfImage
from ..binary.moduledata import Module
from .elfwriter import ALLOC, EXECUTE, NOBITS, NOTE, NULL, PROGBITS, SECTION_HEADER, STRTAB, WRITE, Section

_TLS = 0x400  # SHF_TLS: what it has at an address is only an image of it
_PLACE, _COUNTS = struct.Struct("<Q"), struct.Struct("<HHH")  # e_shoff; e_shentsize, e_shnum, e_shstrndx
_PLACE_AT, _COUNTS_AT, _ELF_HEADER = 0x28, 0x3A, 64


class Header(NamedTuple):
    """Elf64_Shdr, in its own order."""

    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entry_size: int


class SectionTable(NamedTuple):
    """All headers, the null section's first; `strings` is the number of the one with the names, `names` what it has."""

    headers: List[Header]
    strings: int
    names: bytes

    def name(self, header: Header) -> str:
        return self.names[header.name :].partition(b"\0")[0].decode("utf-8", "replace")

    def loaded(self) -> List[Section]:
        """The sections as symbols see them, but for the null section; without a size where no address is in it."""
        return [
            Section("", each.kind, b"", each.address, each.flags, each.size if _holds_addresses(each) else 0)
            for each in self.headers[1:]
        ]


def _holds_addresses(header: Header) -> bool:
    return bool(header.flags & ALLOC) and not header.flags & _TLS


def section_table(data: bytes, module: Module) -> SectionTable:
    """That of the file `data` of a module."""
    return _read(data) or _of_segments(module)


def with_table(head: bytes, place: int, table: SectionTable) -> bytes:
    """The ELF header `head`, made to say that `table` is at `place`."""
    changed = bytearray(head)
    _PLACE.pack_into(changed, _PLACE_AT, place)
    _COUNTS.pack_into(changed, _COUNTS_AT, SECTION_HEADER.size, len(table.headers), table.strings)
    return bytes(changed)


def _read(data: bytes) -> Optional[SectionTable]:
    """None where the headers are gone or make no sense."""
    (at,) = _PLACE.unpack_from(data, _PLACE_AT)
    size, count, strings = _COUNTS.unpack_from(data, _COUNTS_AT)
    if size != SECTION_HEADER.size or not 0 < strings < count or not _ELF_HEADER <= at <= len(data) - size * count:
        return None
    headers = [Header(*each) for each in SECTION_HEADER.iter_unpack(data[at : at + size * count])]
    within = all(each.offset + each.size <= len(data) for each in headers if each.kind not in (NULL, NOBITS))
    if not within or headers[0].kind != NULL or headers[strings].kind != STRTAB:
        return None
    return SectionTable(headers, strings, data[headers[strings].offset :][: headers[strings].size])


def _of_segments(module: Module) -> SectionTable:
    """What each segment holds, with code, pclntab and notes apart."""
    elf, bias, fields = module.image.elf, module.image.bias, module.fields
    end = fields["pclntable.ptr"] + fields["pclntable.len"]
    places = [(at, at + size, f".note.{i}", NOTE) for i, (at, size) in enumerate(elf.note_places())]
    places.append((fields["text"] - bias, fields["etext"] - bias, ".text", PROGBITS))
    places.append((module.header.address - bias, end - bias, ".gopclntab", PROGBITS))
    headers, names = [Header(*[0] * len(Header._fields))], b"\0"
    for name, header in _pieces(elf, sorted(places)):
        headers.append(header._replace(name=len(names)))
        names += name.encode() + b"\0"
    headers.append(Header(len(names), STRTAB, 0, 0, 0, 0, 0, 0, 1, 0))
    return SectionTable(headers, len(headers) - 1, names + b".shstrtab\0")


def _pieces(elf: ElfImage, places: List[Tuple[int, int, str, int]]) -> Iterator[Tuple[str, Header]]:
    """Sections with their names: `places`, (start, end, name, kind), where they do not overlap, and what is between."""
    for number, segment in enumerate(sorted(elf.segments, key=lambda each: each.address)):
        flags = ALLOC | EXECUTE * segment.executable | WRITE * segment.writable
        shift, at, filled = segment.offset - segment.address, segment.address, segment.address + segment.file_size
        for start, end, name, kind in [*places, (filled, filled, "", NULL)]:
            if not at <= start <= end <= filled:
                continue
            if at < start:
                between = f".segment{number}.{at:x}"
                yield between, Header(0, PROGBITS, flags, at, at + shift, start - at, 0, 0, 1, 0)
            if start < end:
                align = 4 if kind == NOTE else 1
                yield name, Header(0, kind, flags, start, start + shift, end - start, 0, 0, align, 0)
            at = end
        rest = segment.memory_size - segment.file_size
        if rest > 0:
            yield f".bss{number}", Header(0, NOBITS, flags, filled, filled + shift, rest, 0, 0, 1, 0)
