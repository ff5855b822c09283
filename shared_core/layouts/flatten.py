"""Structures out of DWARF, flattened to the fields a layout holds."""

from __future__ import annotations

from typing import Dict, Iterator, Optional, Tuple

from .dwarf_index import Die, DwarfIndex, byte_size, die_name, members
from .wanted import FIELD_ALIASES, MAX_DEPTH, SHALLOW, STRUCT_VARIABLES, STRUCTS

Place = Tuple[int, int]
StructEntry = Dict[str, object]

_SLICE_PARTS = {"array": "ptr", "len": "len", "cap": "cap"}
_STRING_PARTS = {"str": "str", "len": "len"}


def struct_entries(index: DwarfIndex) -> Dict[str, StructEntry]:
    """Layout name -> {"size": bytes, "fields": {name: [offset, size]}} for every wanted structure that is there."""
    found: Dict[str, StructEntry] = {}
    for name, spellings in STRUCTS.items():
        die = next(filter(None, map(index.struct, spellings)), None)
        _add(found, name, die)
    for name in STRUCT_VARIABLES:
        variable = index.variable(name)
        if variable is not None and variable[1].tag == "DW_TAG_structure_type":
            _add(found, name, variable[1])
    return found


def _add(found: Dict[str, StructEntry], name: str, die: Optional[Die]) -> None:
    if die is None:
        return
    fields = dict(_fields(die, "", 0, SHALLOW.get(name, MAX_DEPTH)))
    for old, new in FIELD_ALIASES.get(name, {}).items():
        if old in fields:
            fields.setdefault(new, fields[old])
    ordered = sorted(fields.items(), key=lambda item: (item[1][0], -item[1][1], item[0]))
    found[name] = {"size": byte_size(die), "fields": {field: list(place) for field, place in ordered}}


def _fields(die: Die, prefix: str, base: int, depth: int) -> Iterator[Tuple[str, Place]]:
    """(dotted name, (offset, size)) of each field, the nested structures both whole and in parts."""
    for name, offset, kind in members(die):
        size = byte_size(kind)
        if name == "_" or size == 0:  # padding and markers such as sys.NotInHeap
            continue
        full = prefix + name
        yield full, (base + offset, size)
        if kind.tag == "DW_TAG_structure_type":
            yield from _parts(kind, full, base + offset, depth)


def _parts(kind: Die, full: str, base: int, depth: int) -> Iterator[Tuple[str, Place]]:
    name = die_name(kind)
    if name.startswith("[]"):
        yield from _renamed(kind, full, base, _SLICE_PARTS)
    elif name == "string":
        yield from _renamed(kind, full, base, _STRING_PARTS)
    elif depth > 0:
        yield from _fields(kind, full + ".", base, depth - 1)


def _renamed(kind: Die, full: str, base: int, parts: Dict[str, str]) -> Iterator[Tuple[str, Place]]:
    for name, offset, part in members(kind):
        if name in parts:
            yield f"{full}.{parts[name]}", (base + offset, byte_size(part))
