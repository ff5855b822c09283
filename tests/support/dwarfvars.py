"""Variables of functions as DWARF describes them: where each lies in the frame, which of its words hold pointers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from elftools.dwarf.die import DIE
from elftools.dwarf.dwarf_expr import DWARFExprParser
from elftools.dwarf.locationlists import BaseAddressEntry, LocationParser
from elftools.elf.elffile import ELFFile

WORD = 8
_POINTERS = ("DW_TAG_pointer_type", "DW_TAG_subroutine_type")


class Variable(NamedTuple):
    """`places`: (first pc, pc behind the last, offset from the frame's CFA, which is the runtime's fp).

    `pointers` are offsets of the pointer words in it.
    """

    name: str
    places: List[Tuple[int, int, int]]
    size: int
    pointers: Set[int]

    def offset_at(self, pc: int) -> Optional[int]:
        """Where it is in the frame at `pc`; None when it is elsewhere or nowhere."""
        return next((offset for low, high, offset in self.places if low <= pc < high), None)


class Variables:
    """The variables of functions in one package; meant for programs built with -N -l, whose variables have homes."""

    def __init__(self, program: Path, package: str) -> None:
        self._pointers: Dict[int, Set[int]] = {}
        self.by_function: Dict[str, List[Variable]] = {}
        with open(program, "rb") as stream:
            dwarf = ELFFile(stream).get_dwarf_info()
            self._locations = LocationParser(dwarf.location_lists())
            for unit in dwarf.iter_CUs():
                top = unit.get_top_DIE()
                if _name(top) == package:
                    self._base = top.attributes["DW_AT_low_pc"].value
                    for die in top.iter_children():
                        if die.tag == "DW_TAG_subprogram" and "DW_AT_low_pc" in die.attributes:
                            self.by_function[_name(die)] = list(self._variables(die))

    def _variables(self, die: DIE) -> Iterator[Variable]:
        for child in die.iter_children():
            if child.tag in ("DW_TAG_variable", "DW_TAG_formal_parameter"):
                places = list(self._places(child))
                if places:
                    kind = child.get_DIE_from_attribute("DW_AT_type")
                    yield Variable(_name(child), places, _size(kind), self._pointer_words(kind))
            elif child.tag == "DW_TAG_lexical_block":
                yield from self._variables(child)

    def _places(self, die: DIE) -> Iterator[Tuple[int, int, int]]:
        attribute = die.attributes.get("DW_AT_location")
        if attribute is None:
            return
        if attribute.form in ("DW_FORM_exprloc", "DW_FORM_block1"):
            offset = _frame_offset(die, attribute.value)
            if offset is not None:
                yield 0, 1 << 64, offset
            return
        found: Any = self._locations.parse_from_attribute(attribute, die.cu["version"], die)
        base = self._base
        for entry in found:
            if isinstance(entry, BaseAddressEntry):
                base = entry.base_address
                continue
            start = 0 if entry.is_absolute else base
            offset = _frame_offset(die, entry.loc_expr)
            if offset is not None:
                yield start + entry.begin_offset, start + entry.end_offset, offset

    def _pointer_words(self, kind: DIE) -> Set[int]:
        found = self._pointers.get(kind.offset)
        if found is None:
            self._pointers[kind.offset] = set()
            found = self._pointers[kind.offset] = set(self._words(kind))
        return found

    def _words(self, kind: DIE) -> Iterator[int]:
        if kind.tag in _POINTERS:
            yield 0
        elif kind.tag == "DW_TAG_typedef":
            yield from self._pointer_words(kind.get_DIE_from_attribute("DW_AT_type"))
        elif kind.tag == "DW_TAG_structure_type":
            for member in kind.iter_children():
                if member.tag == "DW_TAG_member":
                    start = member.attributes["DW_AT_data_member_location"].value
                    words = self._pointer_words(member.get_DIE_from_attribute("DW_AT_type"))
                    yield from (start + word for word in words)
        elif kind.tag == "DW_TAG_array_type":
            element = kind.get_DIE_from_attribute("DW_AT_type")
            words, size = self._pointer_words(element), _size(element)
            yield from (at + word for at in range(0, _size(kind), size or 1) for word in words)


def _frame_offset(die: DIE, expression: List[int]) -> Optional[int]:
    """Of an expression that is one place in the frame; None for any other."""
    steps = DWARFExprParser(die.cu.structs).parse_expr(expression)
    names = [step.op_name for step in steps]
    if names == ["DW_OP_fbreg"]:
        return int(steps[0].args[0])
    if names == ["DW_OP_call_frame_cfa"]:
        return 0
    if names == ["DW_OP_call_frame_cfa", "DW_OP_consts", "DW_OP_plus"]:
        return int(steps[1].args[0])
    return None


def _name(die: DIE) -> str:
    name = die.attributes.get("DW_AT_name")
    return name.value.decode() if name is not None else ""


def _size(kind: DIE) -> int:
    if kind.tag in _POINTERS:
        return WORD
    if "DW_AT_byte_size" in kind.attributes:
        return int(kind.attributes["DW_AT_byte_size"].value)
    return _size(kind.get_DIE_from_attribute("DW_AT_type")) if "DW_AT_type" in kind.attributes else 0
