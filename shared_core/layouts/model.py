"""A layout: where the fields of the runtime's structures are, for one Go minor version on one architecture."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ..errors import LayoutError

_INTEGER = {1: "B", 2: "H", 4: "I", 8: "Q"}


@dataclass(frozen=True)
class Field:
    """`offset` and `size` in bytes from the start of the structure."""

    offset: int
    size: int


@dataclass(frozen=True)
class Struct:
    """A Go structure; nested fields are spelled with dots ("sched.sp", "waiting", "stack.lo")."""

    name: str
    size: int
    fields: Mapping[str, Field]

    def __contains__(self, name: str) -> bool:
        return name in self.fields

    def field(self, name: str) -> Field:
        """The field called `name`; LayoutError if this version's structure has none."""
        try:
            return self.fields[name]
        except KeyError:
            raise LayoutError(f"{self.name} has no field {name} in this layout") from None

    def offset(self, name: str) -> int:
        return self.field(name).offset

    def unpacker(self, names: Sequence[str]) -> struct.Struct:
        """A little-endian struct.Struct that yields the named unsigned integer fields in the order asked for.

        `names` must be in ascending offset order, since a single unpack walks the bytes once.
        """
        code, at = ["<"], 0
        for name in names:
            place = self.field(name)
            if place.offset < at:
                raise LayoutError(f"{self.name}.{name} is out of offset order")
            code.append(f"{place.offset - at}x{_INTEGER[place.size]}")
            at = place.offset + place.size
        return struct.Struct("".join(code))


@dataclass(frozen=True)
class Anchor:
    """How one function leads to one global.

    Among the distinct data addresses that `function` touches, in the order of its instructions, the `access`-th
    (from 0) minus `offset` is the global's address.
    """

    function: str
    access: int
    offset: int


@dataclass(frozen=True)
class Layout:
    """Everything version-specific that the walkers ask for.

    enums: "wait_reasons" (number -> text), "statuses", "func_ids", "func_flags", "funcdata", "pcdata",
    "unsafe_points", ... each number -> name.
    source: how this layout was chosen, for the user ("table go1.27 amd64", "DWARF", ...).
    """

    go: str
    arch: str
    source: str
    structs: Mapping[str, Struct]
    enums: Mapping[str, Mapping[int, str]]
    globals: Mapping[str, Sequence[Anchor]]
    constants: Mapping[str, int] = field(default_factory=dict)  # single numbers: "trace_args_limit", ... (names.py)

    def struct(self, name: str) -> Struct:
        """The structure called `name` ("runtime.g"); LayoutError if this version has none."""
        try:
            return self.structs[name]
        except KeyError:
            raise LayoutError(f"{name} is not in the layout for go{self.go} {self.arch}") from None

    def numbers(self, enum: str) -> Dict[str, int]:
        """The enum turned round: name -> number."""
        return {name: number for number, name in self.enums[enum].items()}


def layout_from_document(document: Dict[str, object], source: str) -> Layout:
    """A Layout from its JSON document (schema goxray.layout/1); KeyError or TypeError on a malformed one."""
    structs: Dict[str, Struct] = {}
    for name, entry in _dict(document["structs"]).items():
        fields = {f: Field(*place) for f, place in entry["fields"].items()}
        structs[name] = Struct(name, entry["size"], fields)
    enums = {
        name: {int(number): text for number, text in values.items()}
        for name, values in _dict(document["enums"]).items()
    }
    anchors: Dict[str, List[Anchor]] = {
        name: [Anchor(*_triple(a)) for a in entries] for name, entries in _dict(document["globals"]).items()
    }
    constants = {name: int(value) for name, value in _dict(document.get("constants", {})).items()}
    return Layout(str(document["go"]), str(document["arch"]), source, structs, enums, anchors, constants)


def _dict(value: object) -> Dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


def _triple(value: Sequence[object]) -> Tuple[str, int, int]:
    function, access, offset = value
    return str(function), int(str(access)), int(str(offset))
