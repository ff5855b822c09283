"""What argument words are taken for, and what they are not: memory as hostile as it may be."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Dict, List, Optional, Sequence

import pytest

from shared_core.errors import NOT_APPLICABLE, Absent
from shared_core.memory import Memory
from shared_core.runtime.args import ArgItem, ArgWord
from shared_core.runtime.shapes import Shape, Shapes, groups
from tests.support.fake import FakeTarget

HEAP = 0xC000000000
TEXT = "grüße, 世界\n"


def word(offset: int = 0, size: int = 8) -> ArgWord:
    return ArgWord(0x1000 + offset, offset, size, 0, True)


def words(count: int) -> List[ArgItem]:
    return ["begin", *(word(8 * i) for i in range(count)), "end"]


def find(data: bytes, items: Sequence[ArgItem], values: Sequence[Optional[int]]) -> Dict[int, Shape]:
    """The shapes in a program whose memory is `data`, and which has neither functions nor types."""
    absent = Absent(NOT_APPLICABLE)
    shapes: Any = Shapes.__new__(Shapes)
    shapes._memory = Memory(FakeTarget({HEAP: data}))
    shapes._session = SimpleNamespace(modules=SimpleNamespace(find=lambda pc: None))
    shapes._types = SimpleNamespace(at=lambda address: absent, itab=lambda address: absent)
    shapes._pointers = SimpleNamespace(describe=lambda address: "memory")
    found: Dict[int, Shape] = shapes.find(items, values)
    return found


def test_a_string() -> None:
    data = TEXT.encode()
    assert find(data, words(2), [HEAP, len(data)]) == {0: Shape("string", 2, TEXT, len(data))}
    # One that is cut keeps whole characters.
    long = "é".encode() * 4000
    found = find(long, words(2), [HEAP, len(long) - 1])[0]
    assert found.length == 7999 and set(found.text) == {"é"} and len(found.text) == 128


@pytest.mark.parametrize(
    "pointer,length",
    [
        *[(HEAP, 0), (HEAP, 1 << 63), (HEAP, 1 << 39), (HEAP, 17), (HEAP + 16, 1), (0, 3), (8, 3)],
        *[((1 << 64) - 8, 16), ((1 << 64) - 1, 1), (HEAP, None), (None, 4)],
    ],
)
def test_no_string(pointer: Optional[int], length: Optional[int]) -> None:
    assert find(b"sixteen letters.", words(2), [pointer, length]) == {}


@pytest.mark.parametrize("data", [b"\0\0\0\0", b"ab\0c", b"\xff\xfe\xfd\xfc", b"\x01\x02\x03a", b"abc\xc3"])
def test_bytes_that_are_no_text(data: bytes) -> None:
    assert find(data, words(2), [HEAP, 4]) == {}


def test_slices() -> None:
    data = bytes(64)
    assert find(data, words(3), [HEAP, 3, 8])[0] == Shape("slice", 3, "len 3 cap 8", 3, 8)
    for values in ([HEAP, 9, 8], [HEAP, 0, 0], [HEAP, 3, 65], [HEAP, 1, 1 << 62], [0, 0, 0], [HEAP, None, 8]):
        assert find(data, words(3), values) == {}


def test_words_must_be_neighbours_in_an_aggregate_of_their_own() -> None:
    data = TEXT.encode()
    values = [HEAP, len(data)]
    assert find(data, [word(), word(8)], values) == {}
    assert find(data, ["begin", word(), word(16), "end"], values) == {}
    assert find(data, ["begin", word(), word(8, 4), "end"], values) == {}
    assert find(data, ["begin", word(), word(8), "dots", "end"], values) == {}


def test_groups() -> None:
    inner: List[ArgItem] = ["begin", word(), "begin", word(8), word(16), "end", "begin", "end", word(24), "end"]
    assert groups([word(), *inner, "dots"]) == [(2, 3)]
    # Marks that do not match are no reason to fail.
    assert groups(["end", word(), "end", "begin", word()]) == []
