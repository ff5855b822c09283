"""ELF and program headers, read without the section headers that a stripped, cut or memory-only image lacks.

Source: the System V ABI, chapters 4 and 5 (Elf64_Ehdr, Elf64_Phdr, Elf64_Dyn); elf.h of Linux for PN_XNUM.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Iterator, List, NamedTuple, Tuple, Union

from elftools.elf.enums import ENUM_E_MACHINE

from ..arch import ARCHES
from ..errors import FormatError

Buffer = Union[bytes, memoryview]

PT_LOAD, PT_DYNAMIC, PT_NOTE = 1, 2, 4
ET_DYN, ET_CORE = 3, 4
_ARCHES = {arch.elf_machine: arch.name for arch in ARCHES}
_EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
_PHDR = struct.Struct("<IIQQQQQQ")
_DYNAMIC = struct.Struct("<qQ")
_PN_XNUM = 0xFFFF
_MAX_HEADERS = 1 << 20
_WRITABLE, _EXECUTABLE = 2, 1


@dataclass(frozen=True)
class Segment:
    """A PT_LOAD program header; addresses as linked."""

    address: int
    memory_size: int
    offset: int
    file_size: int
    writable: bool
    executable: bool

    def flags(self) -> str:
        """As in /proc/PID/maps: "r-xp"."""
        return f"r{'w' if self.writable else '-'}{'x' if self.executable else '-'}p"


class ProgramHeader(NamedTuple):
    """Elf64_Phdr, in its own order."""

    kind: int
    flags: int
    offset: int
    address: int
    physical: int
    file_size: int
    memory_size: int
    alignment: int


class ElfHeader(NamedTuple):
    """What counts of Elf64_Ehdr; `arch` is goxray's name for it, or ELF's ("EM_386") for one it does not read."""

    kind: int
    arch: str
    entry: int
    table: int
    table_entry: int
    table_count: int


def elf_header(data: Buffer) -> ElfHeader:
    """The header of a little-endian 64-bit ELF file; FormatError for anything else."""
    if len(data) < _EHDR.size or bytes(data[:4]) != b"\x7fELF":
        raise FormatError("it has no ELF header")
    if data[4] != 2:
        raise FormatError("32-bit programs are not supported, only amd64 and arm64")
    if data[5] != 1:
        raise FormatError("big-endian programs are not supported, only amd64 and arm64")
    _, kind, machine, _, entry, table, sections, _, _, size, count, _, _, _ = _EHDR.unpack_from(data)
    if count == _PN_XNUM and 0 < sections <= len(data) - 64:
        # More than fit 16 bits, as in a core of a program with many mappings: sh_info of the first section header.
        count = struct.unpack_from("<I", data, sections + 44)[0]
    return ElfHeader(kind, _arch_name(machine), entry, table, size, count)


def _arch_name(machine: int) -> str:
    names = {number: name for name, number in ENUM_E_MACHINE.items() if isinstance(number, int)}
    return _ARCHES.get(machine) or str(names.get(machine, machine))


def program_headers(data: Buffer, header: ElfHeader) -> List[ProgramHeader]:
    """All program headers; FormatError when they lie outside `data`."""
    if header.table_count and header.table_entry < _PHDR.size:
        raise FormatError(f"its program headers are {header.table_entry} bytes long")
    if header.table_count > _MAX_HEADERS or header.table + header.table_count * header.table_entry > len(data):
        raise FormatError(f"its {header.table_count} program headers are not all there")
    places = (header.table + header.table_entry * index for index in range(header.table_count))
    return [ProgramHeader(*_PHDR.unpack_from(data, place)) for place in places]


def loaded_segments(headers: List[ProgramHeader]) -> List[Segment]:
    """The PT_LOAD ones."""
    return [
        Segment(h.address, h.memory_size, h.offset, h.file_size, bool(h.flags & _WRITABLE), bool(h.flags & _EXECUTABLE))
        for h in headers
        if h.kind == PT_LOAD
    ]


def dynamic_tags(data: Buffer) -> Iterator[Tuple[int, int]]:
    """(d_tag, d_val) of a PT_DYNAMIC segment's bytes, up to DT_NULL."""
    for tag, value in _DYNAMIC.iter_unpack(data[: len(data) // _DYNAMIC.size * _DYNAMIC.size]):
        if tag == 0:
            return
        yield tag, value
