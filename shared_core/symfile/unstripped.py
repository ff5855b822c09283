"""The executable itself with what was rebuilt at its end: all its bytes where they were, and new section headers.

What runs is what the program headers say, and these are left alone. Source: System V ABI (gABI) chapter 4.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, List, Union

from ..binary.moduledata import Module
from ..errors import FormatError, UserError
from .build import added_sections
from .elfwriter import SECTION_HEADER, Section
from .info import GO
from .progress import Progress, no_progress
from .sectionheaders import Header, SectionTable, section_table, with_table

if TYPE_CHECKING:
    from ..session import Session

_MAX_SECTIONS = 0xFF00  # SHN_LORESERVE
_HEAD = 64

Pieces = List[Union[bytes, memoryview]]


def unstripped(session: Session, module: Module, language: int = GO, progress: Progress = no_progress) -> Pieces:
    """The file in pieces; UserError where there is no file, and for one that has DWARF of its own."""
    path = module.image.path
    if path is None:
        raise UserError("the executable is in memory alone: there is no file to add symbols to (--emit elf makes one)")
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None
    table = section_table(data, module)
    known = [table.name(each) for each in table.headers]
    if ".debug_info" in known or ".zdebug_info" in known:
        raise UserError(f"{path} has DWARF of its own: there is nothing to add")
    added = added_sections(session, module, table.loaded(), language, False, progress)
    if ".symtab" in known:
        added = [each for each in added if each.name not in (".symtab", ".strtab")]
    if len(known) + len(added) >= _MAX_SECTIONS:
        raise FormatError(f"{path} has {len(known)} sections, and a file can have no more")
    return _put_together(data, table, known, added)


def _put_together(data: bytes, table: SectionTable, known: List[str], added: List[Section]) -> Pieces:
    numbers = {name: number for number, name in enumerate([*known, *(each.name for each in added)])}
    headers, names = list(table.headers), table.names
    tail: Pieces = []
    size = len(data)

    def put(piece: bytes, align: int) -> int:
        nonlocal size
        padding = -size % align
        tail.extend((b"\0" * padding, piece))
        size += padding + len(piece)
        return size - len(piece)

    for each in added:
        place = put(each.data, each.align)
        link = numbers.get(each.link, 0)
        headers.append(
            Header(
                *(len(names), each.kind, each.flags, 0, place, len(each.data)),
                *(link, each.info, each.align, each.entry_size),
            )
        )
        names += each.name.encode() + b"\0"
    headers[table.strings] = headers[table.strings]._replace(offset=put(names, 1), size=len(names))
    place = put(b"".join(SECTION_HEADER.pack(*each) for each in headers), 8)
    head = with_table(data[:_HEAD], place, SectionTable(headers, table.strings, names))
    return [head, memoryview(data)[_HEAD:], *tail]
