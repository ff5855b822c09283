"""Which executables are loaded, and where: from gdb's object files, the auxiliary vector and the ELF headers."""

from __future__ import annotations

import os
import re
import struct
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

import gdb

from shared_core.errors import ReadError
from shared_core.target import FILE, Image, Mapping

from . import inferior as inferiors

_PAGE = 1 << 12
_AT_PHDR, _AT_ENTRY = 3, 9
_ET_EXEC = 2
_PT_LOAD = 1
_MAX_PHDRS = 1 << 12
_SEARCH = 16  # pages below the program headers in which the ELF header must be

Read = Callable[[int, int], bytes]


class Header(NamedTuple):
    """What of an ELF file tells where it was loaded; `phdr` is the linked address of the program headers."""

    fixed: bool
    entry: int
    phdr: int
    base: int


def of_inferior(inferior: Any, mappings: Sequence[Mapping], read: Read) -> List[Image]:
    """The main executable first, then the shared objects that gdb has opened."""
    path = inferiors.executable(inferior)
    live = inferiors.kind(inferior) != FILE
    auxv = parse_auxv(inferiors.ask("info auxv")) if live else {}
    header = header_of(path) if path else None
    if path and header:
        bias = _load_bias(header, auxv) if live else 0
        return [Image(path, bias, _build_id(path)), *_shared(path, mappings)]
    start = _memory_image(auxv, mappings, read)
    return [Image(None, start)] if start is not None else []


_AUXV = re.compile(r"^(\d+)\s+\S+\s.*?\s(0x[0-9a-f]+|\d+)(?:\s+\".*)?$", re.M)


def parse_auxv(text: str) -> Dict[int, int]:
    """`info auxv`: type -> value."""
    return {int(kind): int(value, 0) for kind, value in _AUXV.findall(text)}


def header_of(path: str) -> Optional[Header]:
    """The ELF header of the file at `path`; None when it is not at hand or no 64-bit little-endian ELF file.

    gdb may name a file that is on another machine ("target:/usr/bin/prog").
    """
    try:
        with open(path, "rb") as stream:
            start = stream.read(64)
            if start[:6] != b"\x7fELF\x02\x01" or len(start) < 64:
                return None
            kind, entry, phoff, size, count = _fields(start)
            stream.seek(phoff)
            table = stream.read(size * min(count, _MAX_PHDRS))
    except (OSError, ValueError):
        return None
    return _header(kind, entry, phoff, size, table)


def _fields(start: bytes) -> Sequence[int]:
    """(e_type, e_entry, e_phoff, e_phentsize, e_phnum) of an ELF64 header."""
    return struct.unpack_from("<H6xQQ", start, 16) + struct.unpack_from("<HH", start, 54)


def _header(kind: int, entry: int, phoff: int, size: int, table: bytes) -> Optional[Header]:
    if size < 56:
        return None
    loads = []
    for at in range(0, len(table) - 55, size):
        p_type, offset, address, file_size = struct.unpack_from("<I4xQQ8xQ", table, at)
        if p_type == _PT_LOAD:
            loads.append((offset, address, file_size))
    if not loads:
        return None
    phdr = next((a + phoff - o for o, a, n in loads if o <= phoff < o + n), 0)
    return Header(kind == _ET_EXEC, entry, phdr, min(a for _, a, _ in loads) & -_PAGE)


def _load_bias(header: Header, auxv: Dict[int, int]) -> int:
    """What to add to the file's addresses. The kernel says where the entry point and the program headers came to be."""
    if header.fixed:
        return 0
    if _AT_ENTRY in auxv and (auxv[_AT_ENTRY] - header.entry) % _PAGE == 0:
        return auxv[_AT_ENTRY] - header.entry
    if auxv.get(_AT_PHDR) and header.phdr:
        return auxv[_AT_PHDR] - header.phdr
    # No auxiliary vector (a bare remote stub): gdb shows the entry point where it holds it to be.
    found = re.search(r"Entry point: 0x([0-9a-f]+)", inferiors.ask("info files"))
    return int(found.group(1), 16) - header.entry if found else 0


def _build_id(path: str) -> Optional[str]:
    for objfile in gdb.objfiles():
        if objfile.filename == path:
            return objfile.build_id or None
    return None


def _shared(main: str, mappings: Sequence[Mapping]) -> List[Image]:
    """Shared objects: gdb names the files, the mappings say where each one starts."""
    starts = {mapping.path: mapping.start for mapping in reversed(mappings) if mapping.path and mapping.offset == 0}
    found = []
    for objfile in gdb.objfiles():
        name = objfile.filename
        start = starts.get(name, starts.get(os.path.realpath(name))) if name and name != main else None
        header = header_of(name) if start is not None else None
        if header and start is not None:
            found.append(Image(name, start - header.base, objfile.build_id or None))
    return found


def _memory_image(auxv: Dict[int, int], mappings: Sequence[Mapping], read: Read) -> Optional[int]:
    """Where the ELF header of an executable without a file is: a little below its program headers."""
    phdr = auxv.get(_AT_PHDR, 0)
    pages = [(phdr & -_PAGE) - i * _PAGE for i in range(_SEARCH)] if phdr else []
    holding = [mapping.start for mapping in mappings if mapping.offset == 0 and "x" in mapping.flags]
    for start in [*pages, *holding]:
        if start >= 0 and _is_elf(read, start):
            return start
    return None


def _is_elf(read: Read, start: int) -> bool:
    try:
        return read(start, 4) == b"\x7fELF"
    except ReadError:
        return False
