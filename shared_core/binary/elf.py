"""The parts of an ELF executable that goxray needs, from the file or, when it is missing, from memory."""

from __future__ import annotations

import io
import mmap
import struct
from bisect import bisect_left
from dataclasses import dataclass
from typing import Dict, Iterator, List, Optional, Sequence, Tuple, Union

from elftools.common.exceptions import DWARFError, ELFError
from elftools.dwarf.dwarfinfo import DWARFInfo
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from ..errors import FormatError, ReadError
from ..memory import PAGE, Memory
from .elfheaders import (
    ET_CORE,
    ET_DYN,
    PT_DYNAMIC,
    PT_NOTE,
    Buffer,
    ProgramHeader,
    Segment,
    dynamic_tags,
    elf_header,
    loaded_segments,
    program_headers,
)
from .elfsymbols import ElfSymbol, all_symbols, symbol_address
from .relocations import relative_relocations

__all__ = ["PARSER_ERRORS", "Buffer", "ElfImage", "Section", "Segment", "image_from_memory"]

# What pyelftools raises over section headers and DWARF that make no sense.
PARSER_ERRORS = (
    *(ELFError, DWARFError, ValueError, KeyError, AttributeError, TypeError, IndexError, OverflowError, struct.error),
    *(AssertionError, OSError),
)


@dataclass(frozen=True)
class Section:
    address: int
    size: int
    offset: int


@dataclass(frozen=True)
class AllocatedSection:
    """A section that is loaded, with SHF_ flags; `note` is what is in it if it is one of notes.

    link: the name of the section that its header refers to, "" for none; info is what its sh_info is.
    """

    name: str
    address: int
    size: int
    flags: int
    align: int
    note: bytes
    link: str
    info: int
    entry_size: int


_WORD_MASK = (1 << 64) - 1


class ElfImage:
    """A little-endian 64-bit ELF image; every address here is as linked, before any load bias.

    entry: where it starts.  headers_address: the program headers, None where no segment holds them.
    Raises FormatError when the bytes are no such ELF image.
    """

    def __init__(self, data: Union[mmap.mmap, bytes], path: Optional[str]) -> None:
        self.path = path
        self._data = memoryview(data)
        try:
            header = elf_header(self._data)
            self._headers = program_headers(self._data, header)
        except FormatError as error:
            raise FormatError(f"{path or 'the image in memory'} is not a usable ELF file: {error}") from None
        self.segments = loaded_segments(self._headers)
        self.arch = header.arch
        self.entry = header.entry
        self.headers_address = _linked(self.segments, header.table)
        self.position_independent = header.kind == ET_DYN
        self.is_core = header.kind == ET_CORE
        self._sections: Optional[Dict[str, Section]] = None
        self._relocations: Optional[List[Tuple[int, int]]] = None

    @classmethod
    def open(cls, path: str) -> ElfImage:
        """The image in the file at `path`, mapped, not read; FormatError if there is none to be had."""
        try:
            with open(path, "rb") as stream:
                return cls(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ), path)
        except (OSError, ValueError) as error:
            raise FormatError(f"cannot open {path}: {error}") from None

    def sections(self) -> Dict[str, Section]:
        """Sections by name; empty when the section headers are gone or broken."""
        if self._sections is None:
            try:
                self._sections = dict(self._read_sections())
            except PARSER_ERRORS:
                self._sections = {}
        return self._sections

    def _read_sections(self) -> Iterator[Tuple[str, Section]]:
        for section in self._elf_file().iter_sections():
            h = section.header
            if h.sh_type != "SHT_NOBITS":
                yield section.name, Section(h.sh_addr, h.sh_size, h.sh_offset)

    def allocated_sections(self) -> List[AllocatedSection]:
        """The sections that are loaded, in the file's order; [] when the section headers are gone or broken."""
        try:
            elf = self._elf_file()
            return [
                AllocatedSection(
                    *(section.name, h.sh_addr, h.sh_size, h.sh_flags, h.sh_addralign),
                    section.data() if h.sh_type == "SHT_NOTE" else b"",
                    *(elf.get_section(h.sh_link).name if h.sh_link else "", h.sh_info, h.sh_entsize),
                )
                for section in elf.iter_sections()
                for h in [section.header]
                if h.sh_flags & SH_FLAGS.SHF_ALLOC
            ]
        except PARSER_ERRORS:
            return []

    def _elf_file(self) -> ELFFile:
        """pyelftools' view, made only when section headers are asked for: PARSER_ERRORS where they are broken."""
        source = self._data.obj
        return ELFFile(io.BytesIO(source) if isinstance(source, bytes) else source)  # type: ignore[arg-type]

    def base(self) -> int:
        """The lowest linked address, page-aligned."""
        return min((s.address for s in self.segments), default=0) & -PAGE

    def bytes(self, address: int, size: int) -> memoryview:
        """`size` file bytes at the linked `address`, not copied; ReadError outside what the file holds."""
        for segment in self.segments:
            start = address - segment.address
            if start >= 0 and start + size <= segment.file_size:
                piece = self._data[segment.offset + start : segment.offset + start + size]
                if len(piece) == size:
                    return piece
        raise ReadError(address, size)

    def segment_bytes(self, segment: Segment) -> memoryview:
        """What the file holds of a segment; short when the file is cut."""
        return self._data[segment.offset : segment.offset + segment.file_size]

    def missing_bytes(self) -> int:
        """How many bytes the file would have to be longer to hold all its segments."""
        return max(0, max((s.offset + s.file_size for s in self.segments), default=0) - len(self._data))

    def pieces(self, kind: int) -> Iterator[Buffer]:
        """What the file holds of each program header of a PT_ `kind`; short when the file is cut."""
        for header in self._headers:
            if header.kind == kind:
                yield self._data[header.offset : header.offset + header.file_size]

    def notes(self) -> Iterator[Tuple[int, Buffer]]:
        """(linked address, bytes) of each PT_NOTE."""
        for header in self._headers:
            if header.kind == PT_NOTE:
                yield header.address, self._data[header.offset : header.offset + header.file_size]

    def note_places(self) -> List[Tuple[int, int]]:
        """(linked address, size) of each PT_NOTE."""
        return [(header.address, header.file_size) for header in self._headers if header.kind == PT_NOTE]

    def program_headers(self) -> Sequence[ProgramHeader]:
        """All of them, in the file's order."""
        return self._headers

    def header_addresses(self, kind: int) -> Iterator[int]:
        """The linked address of each program header of a PT_ `kind`."""
        return (header.address for header in self._headers if header.kind == kind)

    def relocated(self, address: int, size: int, bias: int = 0) -> Buffer:
        """Like `bytes`, with the loader's relative relocations applied as for a load at `bias`.

        A position-independent file holds zeros where the loader will write pointers.
        """
        piece = self.bytes(address, size)
        if not self.position_independent:
            return piece
        patched = bytearray(piece)
        relocations = self._relative_relocations()
        first = bisect_left(relocations, (address, -1 << 64))
        for index in range(first, len(relocations)):
            place, addend = relocations[index]
            if place + 8 > address + size:
                break
            struct.pack_into("<Q", patched, place - address, addend + bias & _WORD_MASK)
        return bytes(patched)

    def relocations_to(self, address: int) -> List[int]:
        """Linked places where the loader will write `address`."""
        return [place for place, addend in self._relative_relocations() if addend == address]

    def _relative_relocations(self) -> List[Tuple[int, int]]:
        """(linked place, addend) of each, by place."""
        if self._relocations is None:
            tags = dict(dynamic_tags(next(self.pieces(PT_DYNAMIC), b"")))
            self._relocations = sorted(relative_relocations(self.arch, tags, self.bytes))
        return self._relocations

    def symbol(self, name: str) -> Optional[int]:
        """The linked address of `name` from .symtab; None when there is none."""
        return symbol_address(self._section_bytes(".symtab"), self._section_bytes(".strtab"), name)

    def symbols(self) -> Iterator[ElfSymbol]:
        """Every named and defined symbol of .symtab; none where the image has no such table."""
        return all_symbols(self._section_bytes(".symtab"), self._section_bytes(".strtab"))

    def dynamic_symbols(self) -> Iterator[ElfSymbol]:
        """The same of .dynsym: what an image exports or takes from others."""
        return all_symbols(self._section_bytes(".dynsym"), self._section_bytes(".dynstr"))

    def dwarf_info(self) -> Optional[DWARFInfo]:
        """The image's DWARF as pyelftools parses it, when asked; None without any.

        Raises FormatError where its sections cannot be read.
        """
        try:
            elf = self._elf_file()
            return elf.get_dwarf_info(relocate_dwarf_sections=False) if elf.has_dwarf_info() else None
        except PARSER_ERRORS as error:
            raise FormatError(f"DWARF cannot be read: {error!r}") from None

    def _section_bytes(self, name: str) -> memoryview:
        section = self.sections().get(name)
        return self._data[section.offset : section.offset + section.size] if section else memoryview(b"")


def _linked(segments: List[Segment], offset: int) -> Optional[int]:
    """The linked address of the byte at `offset` of the file; None when no segment holds it."""
    found = (s.address + offset - s.offset for s in segments if 0 <= offset - s.offset < s.file_size)
    return next(found, None)


def image_from_memory(memory: Memory, base: int) -> ElfImage:
    """The ELF header and program headers at `base`; its segments' bytes must then be read from memory."""
    try:
        header = memory.read(base, 64)
        phoff, phsize, phnum = struct.unpack_from("<Q", header, 32)[0], *struct.unpack_from("<HH", header, 54)
        return ElfImage(header + _program_headers(memory, base, phoff, phsize * phnum), None)
    except ReadError as error:
        raise FormatError(f"no ELF header in memory at {base:#x}: {error}") from None


def _program_headers(memory: Memory, base: int, offset: int, size: int) -> bytes:
    if not 64 <= offset <= PAGE or size > PAGE:
        raise FormatError(f"no ELF header in memory at {base:#x}")
    return memory.read(base + 64, offset - 64 + size)
