"""shared_core.errors: one-line texts, and absence that is not zero."""

from __future__ import annotations

from typing import Sequence

import pytest

from shared_core import errors
from shared_core.errors import Absent, GoxrayError, ReadError

KINDS = (errors.UNREADABLE, errors.UNPARSABLE, errors.NOT_APPLICABLE, errors.NOT_RECORDED, errors.NOT_IN_VERSION)


def test_read_error_says_where_and_how_much() -> None:
    error = ReadError(0xC000012000, 64)
    assert str(error) == "cannot read 64 bytes at 0xc000012000"
    assert (error.address, error.size) == (0xC000012000, 64)


@pytest.mark.parametrize("name", ["ReadError", "FormatError", "NotGoError", "LayoutError", "UserError"])
def test_every_error_can_be_caught_as_one(name: str) -> None:
    assert issubclass(getattr(errors, name), GoxrayError)


def test_absent_is_false_yet_unlike_zero_or_nothing() -> None:
    for kind in KINDS:
        absent = Absent(kind)
        assert not absent
        nothings: Sequence[object] = (0, "", None, [], False)
        assert absent not in nothings


def test_absent_says_why() -> None:
    assert str(Absent(errors.UNREADABLE)) == "unreadable"
    assert str(Absent(errors.UNREADABLE, "8 bytes at 0x10")) == "unreadable: 8 bytes at 0x10"


def test_absent_values_compare_by_reason() -> None:
    assert Absent(errors.NOT_RECORDED) == Absent(errors.NOT_RECORDED)
    assert Absent(errors.NOT_RECORDED) != Absent(errors.NOT_RECORDED, "no GC since")
    assert len({Absent(kind) for kind in KINDS} | {Absent(kind) for kind in KINDS}) == len(KINDS)


def test_absent_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Absent(errors.UNREADABLE).kind = errors.UNPARSABLE  # type: ignore[misc]
