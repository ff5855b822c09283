"""Type descriptors in memory that holds none, or broken ones."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any, Dict

import pytest

from shared_core.binary.types import Type, Types
from shared_core.binary.types.masks import pointer_offsets, repeated
from shared_core.errors import Absent
from shared_core.layouts.resolve import resolve
from shared_core.memory import Memory
from tests.support.fake import FakeTarget

BASE, SIZE = 0x500000, 0x1000
NAME, PROGRAM, OTHER = 0x200, 0x300, 0x400
ARRAY, FUNC, STRUCT, POINTER = 17, 19, 25, 22
LAYOUTS = {version: resolve(f"go{version}", "amd64", None, lambda layout: None).layout for version in ("1.24", "1.23")}


def reader(parts: Dict[int, bytes], version: str = "1.24") -> Types:
    """The types of a module that holds `parts`, offset in its section -> bytes."""
    data = bytearray(SIZE)
    for at, part in parts.items():
        data[at : at + len(part)] = part
    memory = Memory(FakeTarget({BASE: bytes(data)}))
    image = SimpleNamespace(in_file=False, data=memory.read, contains=lambda address: False)
    table = SimpleNamespace(by_name=lambda name: [])
    module: Any = SimpleNamespace(fields={"types": BASE, "etypes": BASE + SIZE}, image=image, table=table)
    return Types([module], memory, LAYOUTS[version])


def header(
    size: int = 8, ptrdata: int = 0, flags: int = 4, align: int = 8, kind: int = 2, gcdata: int = 0, name: int = NAME
) -> bytes:
    """By default that of int."""
    return struct.pack("<QQIBBBBQQII", size, ptrdata, 0x1234, flags, align, align, kind, 0, gcdata, name, 0)


def types(name: bytes = b"\x01\x03int", **changed: int) -> Types:
    """One descriptor at the start of the section."""
    return reader({0: header(**changed), NAME: name})


def test_a_type() -> None:
    found = types().at(BASE)
    assert isinstance(found, Type) and (found.name, found.kind, found.size, found.hash) == ("int", "Int", 8, 0x1234)
    starred = types(b"\x01\x04*int", flags=6).at(BASE)
    assert isinstance(starred, Type) and starred.name == "int"
    long = types(b"\x01\xc8\x01" + b"x" * 200).at(BASE)
    assert isinstance(long, Type) and long.name == "x" * 200
    for missing in (found.elem, found.key, found.fields, found.signature, found.length, found.map_layout):
        assert isinstance(missing, Absent)
    assert found.methods == ()


@pytest.mark.parametrize(
    "changed",
    [
        *[{"size": 4}, {"ptrdata": 16}, {"ptrdata": 3}, {"flags": 0x80}, {"align": 3}, {"align": 0}, {"kind": 0}],
        *[{"kind": 27}, {"name": b"\x01\x00"}, {"name": b"\x41\x03int"}, {"name": b"\x01\xff\xff\xff\xff\x0fint"}],
        *[{"name": b"\x01\xff\x7fint"}, {"name": b"\x01\x03\xff\xff\xff"}, {"flags": 6}],
        *[{"flags": 0, "kind": POINTER}, {"flags": 0, "kind": FUNC}],
    ],
)
def test_no_type(changed: Any) -> None:
    assert isinstance(types(**changed).at(BASE), Absent)


def test_places_without_types() -> None:
    none = types()
    for address in (0, 1, BASE - 8, BASE + 4, BASE + SIZE - 8, BASE + SIZE, (1 << 64) - 8, (1 << 64) + 8):
        assert isinstance(none.at(address), Absent)
        assert isinstance(none.itab(address), Absent)


@pytest.mark.parametrize("offset", [0, 0xFFFFFFFF, 0x80000010, 0x7FFFFFF0])
def test_offsets_that_lead_to_no_type(offset: int) -> None:
    one = types()
    assert isinstance(one.at_offset(one.sections[0], offset), Absent)


def test_a_type_that_holds_itself() -> None:
    """An array of one element that is the array: nothing that is asked of it goes on for ever."""
    record = header(8, 8, 0x10, 8, ARRAY) + struct.pack("<QQQ", BASE, BASE, 1)
    found = reader({0: record, NAME: b"\x00\x04[1]a"}).at(BASE)
    assert isinstance(found, Type) and found.elem is found
    assert isinstance(found.pointer_mask, Absent) and isinstance(found.full_name, Absent)


def test_wild_lengths() -> None:
    record = header(24, 8, 0, 8, STRUCT) + struct.pack("<QQQQ", 0, BASE + OTHER, 1 << 40, 1 << 40)
    found = reader({0: record, NAME: b"\x00\x09struct {}"}).at(BASE)
    assert isinstance(found, Type) and isinstance(found.fields, Absent) and isinstance(found.full_name, Absent)
    wide = header(8, 8, 0, 8, FUNC) + struct.pack("<HH", 0xFFFF, 0xFFFF)
    function = reader({0: wide, NAME: b"\x00\x06func()"}).at(BASE)
    assert isinstance(function, Type) and isinstance(function.signature, Absent)


def program(code: bytes, size: int, ptrdata: int) -> Any:
    """The mask of a structure whose gcdata is this GC program (Go 1.23)."""
    record = header(size, ptrdata, 4, 8, STRUCT | 64, BASE + PROGRAM) + bytes(32)
    found = reader({0: record, NAME: b"\x01\x03a.b", PROGRAM: bytes(4) + code}, "1.23").at(BASE)
    assert isinstance(found, Type)
    return found.pointer_mask


def test_gc_programs() -> None:
    """runtime/mbitmap.go: literal bits, then repeats with their width in the byte or after it."""
    assert program(b"\x03\x05\x83\x02\x00", 72, 72) == 0b101101101
    assert program(b"\x01\x01\x80\x01\x05\x00", 48, 48) == 0b111111
    assert program(b"\x0a\x01\x02\x00", 80, 80) == 0b1000000001


@pytest.mark.parametrize(
    "code", [b"\x03\x05\x83\x7f\x00", b"\x83\x02", b"\x7f" * 64, b"\x01\x01\x80\x00\x05", b"\x01\x01" * 99]
)
def test_broken_gc_programs(code: bytes) -> None:
    assert isinstance(program(code, 72, 72), Absent)


def test_repeated() -> None:
    for count in range(9):
        assert repeated(0b101, 4, count) == sum(0b101 << 4 * i for i in range(count))
    assert pointer_offsets(0b1011) == (0, 8, 24) and pointer_offsets(0) == ()
