"""The DWARF of one Go program by name: types, constants and package variables."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Optional, Tuple

from elftools.dwarf.dwarfinfo import DWARFInfo

from ..binary.elf import PARSER_ERRORS
from ..errors import FormatError

_STRUCT = "DW_TAG_structure_type"
_TYPEDEF = "DW_TAG_typedef"
_OP_ADDR = 0x03
_MAX_CHAIN = 16

# pyelftools gives types since 0.33 only, and not for these parts: a DIE is Any here.
Die = Any


class DwarfIndex:
    """Named entries of the DWARF in `info`, gathered in one pass over the compile units' top levels.

    FormatError where it cannot be parsed.
    """

    def __init__(self, info: DWARFInfo) -> None:
        self.structs: Dict[str, Die] = {}
        self.typedefs: Dict[str, Die] = {}
        self.constants: Dict[str, int] = {}
        self._variables: Dict[str, Die] = {}
        try:
            self._gather(info)
        except PARSER_ERRORS as error:
            raise FormatError(f"DWARF cannot be parsed: {error!r}") from None

    def _gather(self, info: Any) -> None:
        for unit in info.iter_CUs():
            for die in unit.get_top_DIE().iter_children():
                self._note(die)

    def _note(self, die: Die) -> None:
        tag = die.tag
        if tag == _STRUCT:
            self.structs.setdefault(die_name(die), die)
        elif tag == _TYPEDEF:
            self.typedefs.setdefault(die_name(die), die)
        elif tag == "DW_TAG_constant" and "DW_AT_const_value" in die.attributes:
            self.constants.setdefault(die_name(die), int(die.attributes["DW_AT_const_value"].value))
        elif tag == "DW_TAG_variable" and "DW_AT_location" in die.attributes:
            self._variables.setdefault(die_name(die), die)

    def struct(self, name: str) -> Optional[Die]:
        """The structure called `name`, through a typedef if need be; None if the program has none."""
        die = self.structs.get(name) or self.typedefs.get(name)
        die = resolve(die) if die is not None else None
        return die if die is not None and die.tag == _STRUCT else None

    def variable(self, name: str) -> Optional[Tuple[int, Die]]:
        """(address in the file, type) of the package variable `name`, or None."""
        die = self._variables.get(name)
        if die is None:
            return None
        location = die.attributes["DW_AT_location"].value
        if not isinstance(location, (list, bytes)) or len(location) != 9 or location[0] != _OP_ADDR:
            return None
        kind = resolve(die.get_DIE_from_attribute("DW_AT_type"))
        return int.from_bytes(bytes(location[1:]), "little"), kind


def die_name(die: Die) -> str:
    """DW_AT_name, "" for an entry without."""
    attribute = die.attributes.get("DW_AT_name")
    return attribute.value.decode("utf-8", "replace") if attribute is not None else ""


def byte_size(die: Die) -> int:
    """The size in bytes of a resolved type; pointers, functions, maps and channels are one word."""
    attribute = die.attributes.get("DW_AT_byte_size")
    if attribute is not None:
        return int(attribute.value)
    return 8


def members(die: Die) -> Iterator[Tuple[str, int, Die]]:
    """(name, offset, resolved type) of each member of a structure."""
    for child in die.iter_children():
        if child.tag == "DW_TAG_member" and isinstance(child.attributes["DW_AT_data_member_location"].value, int):
            offset = child.attributes["DW_AT_data_member_location"].value
            yield die_name(child), offset, resolve(child.get_DIE_from_attribute("DW_AT_type"))


def resolve(die: Die) -> Die:
    """The type behind any number of typedefs."""
    for _ in range(_MAX_CHAIN):
        if die.tag != _TYPEDEF or "DW_AT_type" not in die.attributes:
            break
        die = die.get_DIE_from_attribute("DW_AT_type")
    return die
