"""Goroutine labels from bytes: the map of Go 1.23 and before, the list since Go 1.24."""

from __future__ import annotations

import struct
from typing import Dict, List, Optional, Tuple

import pytest

from shared_core.errors import Absent
from shared_core.layouts.model import Field, Layout, Struct
from shared_core.memory import Memory
from shared_core.runtime.labels import MAX_LABELS, read_labels
from tests.support.fake import FakeTarget

BASE = 0xC000000000
HEADER, MAP, NEW, OLD, STRINGS = BASE, BASE + 0x40, BASE + 0x1000, BASE + 0x8000, BASE + 0x10000
BUCKET = 8 + 8 * 16 + 8 * 16 + 8
EVACUATED, EMPTY, FULL = 2, 0, 77
MAPS = Layout(
    "1.23",
    "amd64",
    "made for a test",
    {
        "runtime.hmap": Struct(
            "runtime.hmap",
            48,
            {
                "count": Field(0, 8),
                "flags": Field(8, 1),
                "B": Field(9, 1),
                "buckets": Field(16, 8),
                "oldbuckets": Field(24, 8),
            },
        )
    },
    {},
    {},
)
LISTS = Layout("1.24", "amd64", "made for a test", {}, {}, {})

Cell = Optional[Tuple[str, str]]


class Heap:
    """Memory of 128 KiB at BASE, with strings put where there is room."""

    def __init__(self) -> None:
        self.data = bytearray(0x20000)
        self._next = STRINGS

    def put(self, address: int, data: bytes) -> None:
        self.data[address - BASE : address - BASE + len(data)] = data

    def string(self, text: str) -> bytes:
        """The header of a string that has been put somewhere."""
        at, self._next = self._next, self._next + len(text.encode())
        self.put(at, text.encode())
        return struct.pack("<QQ", at, len(text.encode()))

    def bucket(self, address: int, cells: List[Cell], overflow: int = 0, free: int = EMPTY) -> None:
        padded = cells + [None] * (8 - len(cells))
        tops = bytes(FULL if cell else free for cell in padded)
        keys, values = (b"".join(self.string(c[i]) if c else bytes(16) for c in padded) for i in (0, 1))
        self.put(address, tops + keys + values + struct.pack("<Q", overflow))

    def map(self, count: int, log: int, old: int = 0, flags: int = 0) -> None:
        self.put(HEADER, struct.pack("<Q", MAP))
        self.put(MAP, struct.pack("<QBB6xQQ", count, flags, log, NEW, old))

    def memory(self) -> Memory:
        return Memory(FakeTarget({BASE: bytes(self.data)}))


def labels(heap: Heap, layout: Layout = MAPS) -> object:
    return read_labels(heap.memory(), layout, HEADER)


def numbered(first: int, count: int) -> Dict[str, str]:
    return {f"key{i}": f"value {i}" for i in range(first, first + count)}


def test_no_labels() -> None:
    assert read_labels(Heap().memory(), MAPS, 0) == {}
    assert labels(Heap()) == {}
    heap = Heap()
    heap.map(0, 0)
    assert labels(heap) == {}


def test_one_bucket_with_holes() -> None:
    heap = Heap()
    heap.map(2, 0)
    heap.bucket(NEW, [("request", "42"), None, ("odd key", 'a"b\n'), None])
    assert labels(heap) == {"request": "42", "odd key": 'a"b\n'}


def test_overflow_buckets() -> None:
    heap, pairs = Heap(), list(numbered(0, 19).items())
    heap.map(19, 0)
    heap.bucket(NEW, list(pairs[:8]), NEW + 3 * BUCKET)
    heap.bucket(NEW + 3 * BUCKET, list(pairs[8:16]), NEW + BUCKET)
    heap.bucket(NEW + BUCKET, list(pairs[16:]))
    assert labels(heap) == dict(pairs)


def test_several_buckets() -> None:
    heap, pairs = Heap(), list(numbered(0, 20).items())
    heap.map(20, 2)
    for i in range(4):
        heap.bucket(NEW + i * BUCKET, list(pairs[5 * i : 5 * i + 5]))
    assert labels(heap) == dict(pairs)


@pytest.mark.parametrize(("flags", "old_count"), [(0, 2), (8, 4)])
def test_a_map_that_grows(flags: int, old_count: int) -> None:
    """Half as many old buckets, or as many when it grows to the same size; what has moved is marked in the old one."""
    heap, pairs = Heap(), list(numbered(0, 12).items())
    heap.map(12, 2, OLD, flags)
    heap.bucket(OLD, [], free=EVACUATED)
    heap.bucket(OLD + (old_count - 1) * BUCKET, list(pairs[:6]))
    for i in range(4):
        heap.bucket(NEW + i * BUCKET, list(pairs[6:]) if i == 1 else [])
    # What lies behind the old buckets is no bucket.
    heap.put(OLD + old_count * BUCKET, b"\xff" * BUCKET)
    assert labels(heap) == dict(pairs)


def test_the_list_of_later_versions() -> None:
    heap, pairs = Heap(), numbered(0, 5)
    rows = b"".join(heap.string(key) + heap.string(value) for key, value in pairs.items())
    heap.put(HEADER, struct.pack("<QQQ", OLD, 5, 5))
    heap.put(OLD, rows)
    assert labels(heap, LISTS) == pairs


@pytest.mark.parametrize("layout", [MAPS, LISTS])
def test_what_cannot_be_read_is_said(layout: Layout) -> None:
    heap = Heap()
    heap.put(HEADER, struct.pack("<QQQ", 0x1234, 3, 3))
    assert isinstance(labels(heap, layout), Absent)
    assert isinstance(read_labels(heap.memory(), layout, 0x5678), Absent)


def test_a_loop_of_overflow_buckets_ends() -> None:
    heap = Heap()
    heap.map(3, 0)
    heap.bucket(NEW, [("a", "b")], NEW)
    assert labels(heap) == {"a": "b"}


@pytest.mark.parametrize("log", [5, 40, 255])
def test_absurd_sizes_of_maps_end(log: int) -> None:
    heap = Heap()
    heap.map(1 << 60, log)
    found = labels(heap)
    assert isinstance(found, (dict, Absent))


def test_absurd_lengths_of_lists_are_cut() -> None:
    heap = Heap()
    heap.put(HEADER, struct.pack("<QQQ", MAP, 1 << 60, 1 << 60))
    found = labels(heap, LISTS)
    assert isinstance(found, Absent) or (isinstance(found, dict) and len(found) <= MAX_LABELS)
