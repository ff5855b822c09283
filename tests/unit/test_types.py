"""Type descriptors in memory that holds none, or broken ones."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import pytest

from shared_core.binary.types import GoType, Types
from shared_core.errors import Absent
from shared_core.layouts.resolve import resolve
from shared_core.memory import Memory
from tests.support.fake import FakeTarget

BASE, SIZE = 0x500000, 0x400
NAME = 0x200
LAYOUT = resolve("go1.24", "amd64", None, lambda layout: None).layout


def types(size: int = 8, ptrdata: int = 0, flags: int = 4, align: int = 8, kind: int = 2, name: bytes = b"") -> Types:
    """The types of a module with one descriptor at its start, by default that of int."""
    record = struct.pack("<QQIBBBBQQII", size, ptrdata, 0x1234, flags, align, align, kind, 0, 0, NAME, 0)
    data = bytearray(record.ljust(NAME, b"\0") + (name or b"\x01\x03int"))
    module: Any = SimpleNamespace(fields={"types": BASE, "etypes": BASE + SIZE})
    return Types([module], Memory(FakeTarget({BASE: bytes(data.ljust(SIZE, b"\0"))})), LAYOUT)


def test_a_type() -> None:
    found = types().at(BASE)
    assert isinstance(found, GoType) and (found.name, found.kind, found.size, found.hash) == ("int", "Int", 8, 0x1234)
    starred = types(flags=6, name=b"\x01\x04*int").at(BASE)
    assert isinstance(starred, GoType) and starred.name == "int"
    long = types(name=b"\x01\xc8\x01" + b"x" * 200).at(BASE)
    assert isinstance(long, GoType) and long.name == "x" * 200


@pytest.mark.parametrize(
    "changed",
    [
        *[{"size": 4}, {"ptrdata": 16}, {"ptrdata": 3}, {"flags": 0x80}, {"align": 3}, {"align": 0}, {"kind": 0}],
        *[{"kind": 27}, {"name": b"\x01\x00"}, {"name": b"\x41\x03int"}, {"name": b"\x01\xff\xff\xff\xff\x0fint"}],
        *[{"name": b"\x01\xff\x7fint"}, {"name": b"\x01\x03\xff\xff\xff"}, {"flags": 6}],
    ],
)
def test_no_type(changed: Any) -> None:
    assert isinstance(types(**changed).at(BASE), Absent)


def test_places_without_types() -> None:
    reader = types()
    for address in (0, 1, BASE - 8, BASE + 4, BASE + SIZE - 8, BASE + SIZE, (1 << 64) - 8, (1 << 64) + 8):
        assert isinstance(reader.at(address), Absent)
        assert isinstance(reader.itab(address), Absent)
