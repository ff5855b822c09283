"""Relative relocations of a position-independent ELF file: where the loader will write pointers, and which.

Sources: the System V ABI (Elf64_Rela), the generic ABI's SHT_RELR proposal as implemented by glibc (DT_RELR).
"""

from __future__ import annotations

import struct
from typing import Callable, Dict, Iterator, Tuple

from ..errors import ReadError
from .elfheaders import Buffer

DT_RELA, DT_RELASZ, DT_RELRSZ, DT_RELR = 7, 8, 35, 36
_KINDS = {"amd64": 8, "arm64": 1027}  # R_X86_64_RELATIVE, R_AARCH64_RELATIVE
_RELA = struct.Struct("<QQq")
_WORD = 8

ReadLinked = Callable[[int, int], Buffer]


def relative_relocations(arch: str, tags: Dict[int, int], read: ReadLinked) -> Iterator[Tuple[int, int]]:
    """(linked place, addend) of each; `read` gives the file's bytes at a linked address.

    Tables that lie outside the file are passed over.
    """
    entries = _RELA.iter_unpack(_table(tags, DT_RELA, DT_RELASZ, read, _RELA.size))
    kind = _KINDS.get(arch)
    for place, info, addend in entries:
        if info == kind:
            yield place, addend
    for place in _packed_places(_table(tags, DT_RELR, DT_RELRSZ, read, _WORD)):
        try:
            yield place, struct.unpack("<q", read(place, _WORD))[0]
        except ReadError:
            continue


def _table(tags: Dict[int, int], start: int, size: int, read: ReadLinked, entry: int) -> Buffer:
    try:
        data = read(tags[start], tags[size])
    except (KeyError, ReadError):
        return b""
    return data[: len(data) // entry * entry]


def _packed_places(table: Buffer) -> Iterator[int]:
    """An even word is a place; an odd one has a bit for each of the 63 words after the last place."""
    at = 0
    for (word,) in struct.iter_unpack("<Q", table):
        if word & 1:
            yield from (at + _WORD * bit for bit in range(63) if word >> bit + 1 & 1)
            at += 63 * _WORD
        else:
            yield word
            at = word + _WORD
