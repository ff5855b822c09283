"""shared_core.memory: exact reads at the edges of mappings, bounded caches, typed values."""

from __future__ import annotations

import struct
from typing import Dict, List, Optional, Tuple

import pytest

from shared_core.errors import ReadError
from shared_core.memory import BLOCK, MAX_BLOCKS, PAGE, MappedMemory, Memory, memory_of


class Segments:
    """A target made of byte strings at addresses, which counts what is asked of it."""

    def __init__(self, segments: Dict[int, bytes]) -> None:
        self.segments = segments
        self.asked: List[Tuple[int, int]] = []

    def read(self, address: int, size: int) -> bytes:
        self.asked.append((address, size))
        for start, content in self.segments.items():
            if start <= address and address + size <= start + len(content):
                return content[address - start : address - start + size]
        raise ReadError(address, size)


def pattern(size: int) -> bytes:
    """Bytes in which every 8-byte word tells its own place."""
    return b"".join(struct.pack("<Q", at) for at in range(0, size, 8))[:size]


BASE = 0x400000


@pytest.fixture
def segments() -> Segments:
    """Three blocks and a bit: the end hangs into a block, and not at a page's end."""
    return Segments({BASE: pattern(3 * BLOCK + PAGE + 100)})


@pytest.mark.parametrize("offset", [0, 1, PAGE - 3, BLOCK - 1, BLOCK - 8, BLOCK, 2 * BLOCK - 5, 3 * BLOCK - 9])
@pytest.mark.parametrize("size", [0, 1, 8, 100, PAGE, BLOCK, BLOCK + 1])
def test_read_gives_the_very_bytes(segments: Segments, offset: int, size: int) -> None:
    content = segments.segments[BASE]
    expected = content[offset : offset + size]
    memory = Memory(segments)
    if len(expected) < size:
        with pytest.raises(ReadError):
            memory.read(BASE + offset, size)
        return
    assert memory.read(BASE + offset, size) == expected
    assert memory.read(BASE + offset, size) == expected, "a second time, from the cache"
    assert memory.read_direct(BASE + offset, size) == expected


def test_every_read_near_the_end_of_a_mapping(segments: Segments) -> None:
    content = segments.segments[BASE]
    memory = Memory(segments)
    for start in range(len(content) - 120, len(content) + 8):
        for size in (1, 8, 24):
            if start + size <= len(content):
                assert memory.read(BASE + start, size) == content[start : start + size]
            else:
                with pytest.raises(ReadError):
                    memory.read(BASE + start, size)


def test_a_read_over_a_hole_fails_and_each_side_is_readable() -> None:
    memory = Memory(Segments({BASE: pattern(PAGE), BASE + 2 * PAGE: pattern(PAGE)}))
    assert memory.u64(BASE + PAGE - 8) == PAGE - 8
    assert memory.u64(BASE + 2 * PAGE) == 0
    for address in (BASE + PAGE - 4, BASE + PAGE, BASE + 2 * PAGE - 4):
        with pytest.raises(ReadError) as caught:
            memory.u64(address)
        assert caught.value.size == 8


def test_neighbours_are_read_once(segments: Segments) -> None:
    memory = Memory(segments)
    for offset in range(0, BLOCK, 64):
        memory.u64(BASE + offset)
    assert len(segments.asked) == 1


def test_failed_reads_are_remembered_until_clear() -> None:
    segments = Segments({BASE: pattern(PAGE)})
    memory = Memory(segments)
    for _ in range(5):
        with pytest.raises(ReadError):
            memory.read(BASE + 4 * PAGE, 8)
    asked = len(segments.asked)
    assert asked <= 2 + 5, "one block, one page, and the read itself each time"
    segments.segments[BASE + 4 * PAGE] = pattern(PAGE)
    memory.clear()
    assert memory.u64(BASE + 4 * PAGE + 8) == 8


def test_clear_forgets_values(segments: Segments) -> None:
    memory = Memory(segments)
    assert memory.u64(BASE + 8) == 8
    segments.segments[BASE] = b"\xff" * len(segments.segments[BASE])
    assert memory.u64(BASE + 8) == 8, "within a stop the program does not change"
    memory.clear()
    assert memory.u64(BASE + 8) == (1 << 64) - 1


def test_the_cache_is_bounded() -> None:
    class Endless:
        def read(self, address: int, size: int) -> bytes:
            return bytes(size)

    memory = Memory(Endless())
    for block in range(MAX_BLOCKS + 50):
        memory.u8(block * BLOCK)
    assert len(memory._blocks) == MAX_BLOCKS


@pytest.mark.parametrize(
    "address,size", [(-1, 8), (-(1 << 40), 1), (8, -1), ((1 << 64) - 4, 8), (1 << 64, 1), (1 << 70, 8)]
)
def test_impossible_ranges_are_read_errors(segments: Segments, address: int, size: int) -> None:
    memory = Memory(segments)
    for read in (memory.read, memory.read_direct):
        with pytest.raises(ReadError):
            read(address, size)
    assert not segments.asked, "the target is not bothered with them"


def test_typed_values() -> None:
    memory = Memory(Segments({BASE: struct.pack("<BxHiIxxxxqQ", 0xFE, 0xFEDC, -5, 0xFEDCBA98, -7, 1 << 63)}))
    assert memory.u8(BASE) == 0xFE
    assert memory.u16(BASE + 2) == 0xFEDC
    assert memory.i32(BASE + 4) == -5
    assert memory.u32(BASE + 8) == 0xFEDCBA98
    assert memory.i64(BASE + 16) == -7
    assert memory.u64(BASE + 24) == 1 << 63
    assert memory.pointers(BASE + 16, 2) == ((1 << 64) - 7, 1 << 63)
    assert memory.pointers(BASE, 0) == ()


def test_slice_header_and_go_string() -> None:
    text = "naïve".encode()
    header = struct.pack("<QQQ", BASE + 64, len(text), 32)
    memory = Memory(Segments({BASE: header + bytes(40) + text}))
    assert memory.slice_header(BASE) == (BASE + 64, len(text), 32)
    assert memory.go_string(BASE) == text
    assert memory.go_string(BASE, limit=2) == text[:2]


def test_go_string_is_bounded_and_empty_ones_need_no_data() -> None:
    empty = struct.pack("<QQ", 0xDEAD0000, 0)
    huge = struct.pack("<QQ", BASE, 1 << 62)
    memory = Memory(Segments({BASE: empty + huge}))
    assert memory.go_string(BASE) == b""
    assert memory.go_string(BASE + 16, limit=16) == empty
    with pytest.raises(ReadError):
        memory.go_string(BASE + 16)


def test_c_string_within_and_across_pages() -> None:
    memory = Memory(Segments({BASE: b"x" * (PAGE - 3) + b"name.of(function)\0rest" + bytes(PAGE)}))
    assert memory.c_string(BASE + PAGE - 3) == b"name.of(function)"
    assert memory.c_string(BASE, limit=10) == b"x" * 10
    assert memory.c_string(BASE + PAGE + 20) == b""


def test_c_string_that_runs_into_a_hole_is_a_read_error() -> None:
    memory = Memory(Segments({BASE: b"a" * PAGE}))
    with pytest.raises(ReadError):
        memory.c_string(BASE + PAGE - 4)


class MappedSegments(Segments):
    """The same, whose segments can be looked at where they are."""

    def region(self, address: int) -> Optional[Tuple[int, memoryview]]:
        for start, content in self.segments.items():
            if start <= address < start + len(content):
                return start, memoryview(content)
        return None


@pytest.mark.parametrize("size", [0, 1, 8, 100, PAGE, BLOCK + 1])
def test_mapped_memory_gives_the_same_and_reads_nothing_within_a_region(size: int) -> None:
    """Two regions that touch, a hole, and one more."""
    places = {BASE: pattern(PAGE), BASE + PAGE: pattern(BLOCK), BASE + 4 * BLOCK: pattern(2 * BLOCK)}
    plain, mapped = Memory(Segments(places)), memory_of(MappedSegments(places), MappedSegments(places))
    assert isinstance(mapped, MappedMemory)
    edges = [at + edge for start, content in places.items() for at in (start, start + len(content)) for edge in (-8, 0)]
    for address in [*edges, BASE + 5 * BLOCK - 3, *reversed(edges)]:
        found = []
        for memory in (plain, mapped):
            try:
                found.append(memory.read(address, size))
            except ReadError as error:
                found.append((error.address, error.size))
        assert found[0] == found[1]
        if isinstance(found[0], bytes):
            buffer, at = mapped.locate(address, size)
            assert bytes(buffer[at : at + size]) == found[0]


def test_mapped_memory_looks_anew_when_cleared() -> None:
    target = MappedSegments({BASE: pattern(PAGE)})
    memory = memory_of(target, target)
    assert memory.u64(BASE + 8) == 8 and not target.asked
    target.segments[BASE] = bytes(PAGE)
    memory.clear()
    assert memory.u64(BASE + 8) == 0
