"""Sizes of types and offsets of fields as the toolchain's DWARF has them."""

from __future__ import annotations

from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, Iterator, List, NamedTuple, Optional, Tuple

from elftools.dwarf.die import DIE
from elftools.elf.elffile import ELFFile

RUNTIME_TYPE: Any = 0x2904  # cmd/internal/dwarf: DW_AT_go_runtime_type


class Layout(NamedTuple):
    """descriptor: its address, or in newer versions its offset from the start of the types; fields: (name, offset)."""

    name: str
    descriptor: int
    size: Optional[int]
    fields: List[Tuple[str, int]]


def rebuilt_layouts(debug_file: bytes) -> Iterator[Layout]:
    """The same of a rebuilt debug file, whose first unit has all types."""
    unit = next(ELFFile(BytesIO(debug_file)).get_dwarf_info().iter_CUs())
    yield from filter(None, map(_layout, unit.get_top_DIE().iter_children()))


def struct_layouts(program: Path) -> Iterator[Layout]:
    """Every type that DWARF says has a descriptor."""
    with open(program, "rb") as stream:
        for unit in ELFFile(stream).get_dwarf_info().iter_CUs():
            # The linker puts all types into one unit, after this first: the others are slow to go through.
            first = islice(unit.get_top_DIE().iter_children(), 8)
            if any(die.tag == "DW_TAG_unspecified_type" for die in first):
                yield from filter(None, map(_layout, unit.get_top_DIE().iter_children()))


def _layout(die: DIE) -> Optional[Layout]:
    if RUNTIME_TYPE not in die.attributes or not die.attributes[RUNTIME_TYPE].value:
        return None
    size = die.attributes.get("DW_AT_byte_size")
    members = [child for child in die.iter_children() if child.tag == "DW_TAG_member"]
    fields = [(_text(m), int(m.attributes["DW_AT_data_member_location"].value)) for m in members]
    at = int(die.attributes[RUNTIME_TYPE].value)
    return Layout(_text(die), at, None if size is None else int(size.value), fields)


def _text(die: DIE) -> str:
    name = die.attributes.get("DW_AT_name")
    return name.value.decode() if name is not None else ""
