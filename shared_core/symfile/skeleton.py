"""The sections of the program as its debug file repeats them: where they are, without what is in them."""

from __future__ import annotations

from typing import List, Sequence

from ..binary.elf import ElfImage
from .elfwriter import ALLOC, EXECUTE, NOBITS, NOTE, SEGMENT, WRITE, Section

_SHN_ABS = 0xFFF1
_LOADED = (1, 7)  # PT_LOAD, PT_TLS


def program_sections(image: ElfImage) -> List[Section]:
    """All that is loaded, notes (build ids) with their contents; by the segments where no section is known."""
    found = []
    for each in image.allocated_sections():
        kind, size = (NOTE, 0) if each.note else (NOBITS, each.size)
        more = each.link, each.info, each.entry_size
        found.append(Section(each.name, kind, each.note, each.address, each.flags, size, max(each.align, 1), *more))
    return found or _from_segments(image)


def _from_segments(image: ElfImage) -> List[Section]:
    found = []
    names = {".text": 0, ".data": 0, ".rodata": 0}
    for segment in image.segments:
        name = ".text" if segment.executable else ".data" if segment.writable else ".rodata"
        names[name] += 1
        flags = ALLOC | EXECUTE * segment.executable | WRITE * segment.writable
        unique = name if names[name] == 1 else f"{name}.{names[name]}"
        found.append(Section(unique, NOBITS, b"", segment.address, flags, segment.memory_size, 16))
    return found


def program_headers(image: ElfImage) -> bytes:
    """Those of what is loaded, with nothing of theirs in the file, and empty ones for all others.

    elfutils finds their like in the program by their numbers.
    """
    return b"".join(
        SEGMENT.pack(each.kind, each.flags, each.address % (each.alignment or 1), *each[3:5], 0, *each[6:])
        if each.kind in _LOADED
        else bytes(SEGMENT.size)
        for each in image.program_headers()
    )


def number_at(sections: Sequence[Section], address: int) -> int:
    """The number of the section that holds `address`, the null section counted; SHN_ABS for none."""
    for number, section in enumerate(sections, 1):
        size = section.size or len(section.data)
        if section.address <= address < section.address + size:
            return number
    return _SHN_ABS
