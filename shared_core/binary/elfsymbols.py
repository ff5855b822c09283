"""Symbols of an ELF .symtab, taken from the bytes of the table and of its strings.

Source: the System V ABI, chapter 4 (Elf64_Sym).
"""

from __future__ import annotations

import re
import struct
from typing import Iterator, NamedTuple, Optional, Tuple

from .elfheaders import Buffer

STT_OBJECT, STT_FUNC = 1, 2
_SYMBOL = struct.Struct("<IBBHQQ")
_KIND = 0xF  # the low bits of st_info


class ElfSymbol(NamedTuple):
    """A defined symbol: its STT_ kind, its linked address and its size in bytes."""

    name: str
    kind: int
    address: int
    size: int


def all_symbols(table: Buffer, strings: Buffer) -> Iterator[ElfSymbol]:
    """Every defined symbol that has a name, in the table's order; a name that is not UTF-8 is mended."""
    names = bytes(strings)
    for at, info, section, address, size in _entries(table):
        end = names.find(b"\0", at)
        if section and at < end:
            yield ElfSymbol(names[at:end].decode("utf-8", "replace"), info & _KIND, address, size)


def symbol_address(table: Buffer, strings: Buffer, name: str) -> Optional[int]:
    """The linked address of `name`; None when it is not defined.

    Finds the name in the string table first: reading every symbol of a large program takes seconds.
    """
    found = re.search(b"\0" + re.escape(name.encode()) + b"\0", strings)
    if found is None:
        return None
    place = found.start() + 1
    return next((address for at, _, section, address, _ in _entries(table) if at == place and section), None)


def _entries(table: Buffer) -> Iterator[Tuple[int, int, int, int, int]]:
    """(st_name, st_info, st_shndx, st_value, st_size) of each."""
    whole = len(table) // _SYMBOL.size * _SYMBOL.size
    for name, info, _, section, value, size in _SYMBOL.iter_unpack(table[:whole]):
        yield name, info, section, value, size
