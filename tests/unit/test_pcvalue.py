"""pc-value tables: what was encoded comes out, and broken ones end with a FormatError."""

from __future__ import annotations

import random
from typing import List, Tuple

import pytest

from shared_core.binary.pcvalue import end_of, first_value, runs, value_at, varint
from shared_core.errors import FormatError
from tests.support.gotables import pcvalue, uvarint


def _random_runs(chooser: random.Random, quantum: int) -> List[Tuple[int, int]]:
    found: List[Tuple[int, int]] = []
    last = -1
    for _ in range(chooser.randrange(1, 30)):
        value = chooser.choice((0, -1, 1, 8, 4096, chooser.randrange(-(1 << 20), 1 << 20)))
        if value != last or not found:
            found.append((quantum * chooser.choice((1, 2, 100, 127, 128, 20000)), value))
            last = value
    return found


@pytest.mark.parametrize("quantum", [1, 4])
@pytest.mark.parametrize("seed", range(20))
def test_every_pc_has_the_value_that_was_encoded(seed: int, quantum: int) -> None:
    chooser = random.Random(seed)
    expected = _random_runs(chooser, quantum)
    data = b"\0" * 5 + pcvalue(expected, quantum) + b"\x55" * 3
    found = list(runs(data, 5, quantum))
    assert [(end - start, value) for start, end, value in found] == expected
    assert end_of(data, 5, quantum) == sum(size for size, _ in expected)
    assert first_value(data, 5) == expected[0][1]
    for start, end, value in found:
        assert {value_at(data, 5, quantum, pc) for pc in (start, end - 1)} == {value}
    assert value_at(data, 5, quantum, sum(size for size, _ in expected)) is None


def test_offset_zero_is_no_table() -> None:
    data = pcvalue([(10, 3)])
    assert list(runs(data, 0, 1)) == []
    assert (value_at(data, 0, 1, 0), end_of(data, 0, 1), first_value(data, 0)) == (None, None, None)


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, (1 << 32) - 1])
def test_varints(value: int) -> None:
    data = b"\xff" + uvarint(value) + b"\xff"
    assert varint(data, 1) == (value, 1 + len(uvarint(value)))
    assert varint(memoryview(data), 1) == (value, 1 + len(uvarint(value)))


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x80" * 4, b"\xff" * 100])
def test_cut_and_endless_varints(data: bytes) -> None:
    with pytest.raises(FormatError):
        varint(data, 0)
    with pytest.raises(FormatError):
        varint(data, len(data) + 7)


def test_every_cut_of_a_table_is_told() -> None:
    whole = b"\0" + pcvalue([(10, 3), (300, -5), (20000, 70000)])
    for size in range(1, len(whole)):
        with pytest.raises(FormatError):
            list(runs(whole[:size], 1, 1))
    for size in range(2):
        with pytest.raises(FormatError):
            first_value(whole[:size], 1)


def test_a_table_that_never_moves_on_ends() -> None:
    """A zero value step ends a table only behind its first pc, so zeros alone would go on for as long as there are."""
    with pytest.raises(FormatError):
        list(runs(bytes(1 << 22), 1, 1))


@pytest.mark.parametrize("seed", range(10))
def test_noise_raises_nothing_else(seed: int) -> None:
    chooser = random.Random(seed)
    for _ in range(200):
        data = bytes(chooser.choices(range(256), k=chooser.randrange(1, 60)))
        for read in (end_of, lambda d, at, q: value_at(d, at, q, chooser.randrange(1 << 20))):
            try:
                read(data, chooser.randrange(len(data) + 2), 1)
            except FormatError:
                continue
