"""Reads what runtime/debug.WriteHeapDump wrote: the heap as the runtime itself sees it.

Format: runtime/heapdump.go (the same records from Go 1.7 to 1.27); numbers are unsigned varints.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

_MAGIC = b"go1.7 heap dump\n"
_POINTER = 1


class Object(NamedTuple):
    """slots: the offsets of the words that are pointers."""

    size: int
    slots: Tuple[int, ...]


@dataclass
class HeapDump:
    """objects: by address. segments: start of data and of bss -> the offsets of pointers in it.

    finalizers: of objects, by (object, function). itabs: address -> its type's descriptor. goroutines: id -> g.
    """

    objects: Dict[int, Object] = field(default_factory=dict)
    segments: Dict[int, Tuple[int, ...]] = field(default_factory=dict)
    finalizers: List[Tuple[int, int]] = field(default_factory=list)
    itabs: Dict[int, int] = field(default_factory=dict)
    goroutines: Dict[int, int] = field(default_factory=dict)
    memstats: List[int] = field(default_factory=list)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = len(_MAGIC)

    def number(self) -> int:
        data, at = self.data, self.at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                self.at = at
                return value
            shift += 7

    def numbers(self, count: int) -> List[int]:
        return [self.number() for _ in range(count)]

    def skip(self) -> int:
        size = self.number()
        self.at += size
        return size

    def fields(self) -> Tuple[int, ...]:
        found = []
        while self.number() == _POINTER:
            found.append(self.number())
        return tuple(found)


def read_dump(path: Path) -> HeapDump:
    """The whole dump; AssertionError for what is none."""
    data = path.read_bytes()
    assert data.startswith(_MAGIC)
    reader, dump = _Reader(data), HeapDump()
    while True:
        tag = reader.number()
        if tag == 0:
            return dump
        _RECORDS[tag](reader, dump)


def _object(reader: _Reader, dump: HeapDump) -> None:
    address = reader.number()
    size = reader.skip()
    dump.objects[address] = Object(size, reader.fields())


def _type(reader: _Reader, _: HeapDump) -> None:
    reader.numbers(2)
    reader.skip()
    reader.number()


def _goroutine(reader: _Reader, dump: HeapDump) -> None:
    g, _, goid = reader.numbers(3)
    dump.goroutines[goid] = g
    reader.numbers(5)
    reader.skip()
    reader.numbers(4)


def _frame(reader: _Reader, _: HeapDump) -> None:
    reader.numbers(3)
    reader.skip()
    reader.numbers(3)
    reader.skip()
    reader.fields()


def _params(reader: _Reader, _: HeapDump) -> None:
    reader.numbers(4)
    reader.skip()
    reader.skip()
    reader.number()


def _finalizer(reader: _Reader, dump: HeapDump) -> None:
    found = reader.numbers(5)
    dump.finalizers.append((found[0], found[1]))


def _itab(reader: _Reader, dump: HeapDump) -> None:
    itab, kind = reader.numbers(2)
    dump.itabs[itab] = kind


def _segment(reader: _Reader, dump: HeapDump) -> None:
    address = reader.number()
    reader.skip()
    dump.segments[address] = reader.fields()


def _stats(reader: _Reader, dump: HeapDump) -> None:
    dump.memstats = reader.numbers(24 + 256 + 1)


def _profile(reader: _Reader, _: HeapDump) -> None:
    _, _, depth = reader.numbers(3)
    for _ in range(depth):
        reader.skip()
        reader.skip()
        reader.number()
    reader.numbers(2)


def _plain(count: int):  # type: ignore[no-untyped-def]
    def read(reader: _Reader, _: HeapDump) -> None:
        reader.numbers(count)

    return read


def _other_root(reader: _Reader, _: HeapDump) -> None:
    reader.skip()
    reader.number()


_RECORDS = {
    1: _object, 2: _other_root, 3: _type, 4: _goroutine, 5: _frame, 6: _params, 7: _finalizer, 8: _itab,
    9: _plain(3), 10: _stats, 11: _plain(5), 12: _segment, 13: _segment, 14: _plain(7), 15: _plain(6), 16: _profile,
    17: _plain(2),
}  # fmt: skip
