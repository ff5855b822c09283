""".debug_ranges and .debug_loc: lists of pcs, and of where something is at them (DWARF 4, 2.17.3 and 2.6.2)."""

from __future__ import annotations

import struct
import sys
from array import array
from typing import Iterable, List, NamedTuple, Optional, Sequence, Tuple

_LOCATION = struct.Struct("<QQH")
_END = b"\0" * 16


class Ranged:
    """.debug_ranges."""

    def __init__(self) -> None:
        self._words = array("Q")

    def add(self, base: int, pcs: Iterable[int]) -> int:
        """The offset of a new list of starts and ends in turn, [start, end) each; `base` is added to all of it."""
        words = self._words
        at = len(words) * words.itemsize
        words.extend([base + pc for pc in pcs])
        words.extend((0, 0))
        return at

    def data(self) -> bytes:
        if sys.byteorder == "big":
            self._words.byteswap()
        return self._words.tobytes()


class Template:
    """Bytes that have numbers in them to all of which the same is added: as one long number, it is done at once."""

    def __init__(self, data: bytes, places: Iterable[int]) -> None:
        self._size = len(data)
        self._data = int.from_bytes(data, "little")
        self._ones = sum(1 << 8 * place for place in places)

    def plus(self, number: int) -> bytes:
        """The bytes; none of the numbers may become too long for its place."""
        return (self._data + number * self._ones).to_bytes(self._size, "little")


class Places(NamedTuple):
    """Lists of places: where each begins, None for what needs no list; and their bytes for a function at 0."""

    offsets: List[Optional[int]]
    template: Template


def places(lists: Sequence[Sequence[Tuple[int, int, bytes]]]) -> Places:
    """A list of (start, end, place) for each that has any."""
    data, offsets, pcs = bytearray(), [], []  # type: Tuple[bytearray, List[Optional[int]], List[int]]
    for entries in lists:
        offsets.append(len(data) if entries else None)
        for start, end, place in entries:
            pcs += (len(data), len(data) + 8)
            data += _LOCATION.pack(start, end, len(place)) + place
        data += _END if entries else b""
    return Places(offsets, Template(bytes(data), pcs))


class Located:
    """.debug_loc."""

    def __init__(self) -> None:
        self._parts: List[bytes] = []
        self._size = 0

    def add(self, found: Places, base: int) -> int:
        """The offset of new lists; `base` is added to all pcs."""
        at, data = self._size, found.template.plus(base)
        self._parts.append(data)
        self._size += len(data)
        return at

    def data(self) -> bytes:
        return b"".join(self._parts)
