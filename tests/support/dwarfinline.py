"""Inlined calls as DWARF describes them: the functions, and where each was called, at a pc."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

from elftools.dwarf.die import DIE
from elftools.dwarf.ranges import BaseAddressEntry
from elftools.elf.elffile import ELFFile

Range = Tuple[int, int]


class Call(NamedTuple):
    """An inlined call, or a function itself; `line` is that of the call in its caller, None for a function."""

    name: str
    line: Optional[int]
    ranges: List[Range]
    calls: List[Call]

    def holds(self, pc: int) -> bool:
        return any(low <= pc < high for low, high in self.ranges)

    def at(self, pc: int) -> List[Tuple[str, Optional[int]]]:
        """(function, line that it was called at in the next) innermost first, the function itself last."""
        inner = next((call.at(pc) for call in self.calls if call.holds(pc)), [])
        return [*inner, (self.name, self.line)]


def functions_with_inlining(program: Path, limit: int) -> Iterator[Call]:
    """Up to `limit` functions that something was inlined into."""
    with open(program, "rb") as stream:
        dwarf = ELFFile(stream).get_dwarf_info()
        reader = _Reader(dwarf.range_lists())
        for unit in dwarf.iter_CUs():
            for die in unit.get_top_DIE().iter_children():
                if die.tag == "DW_TAG_subprogram" and "DW_AT_low_pc" in die.attributes:
                    call = reader.call(die)
                    if call.calls:
                        yield call
                        limit -= 1
            if limit <= 0:
                return


class _Reader:
    def __init__(self, lists: object) -> None:
        self._lists = lists
        self._names: Dict[int, str] = {}

    def call(self, die: DIE) -> Call:
        line = die.attributes.get("DW_AT_call_line")
        inner = [self.call(child) for child in _inlined(die)]
        return Call(self._name(die), line.value if line else None, list(self._ranges(die)), inner)

    def _name(self, die: DIE) -> str:
        if "DW_AT_abstract_origin" in die.attributes:
            return self._name(die.get_DIE_from_attribute("DW_AT_abstract_origin"))
        return str(die.attributes["DW_AT_name"].value.decode())

    def _ranges(self, die: DIE) -> Iterator[Range]:
        if "DW_AT_ranges" in die.attributes:
            base = _base(die)
            for entry in self._lists.get_range_list_at_offset(  # type: ignore[attr-defined]
                die.attributes["DW_AT_ranges"].value, die.cu
            ):
                if isinstance(entry, BaseAddressEntry):
                    base = entry.base_address
                else:
                    start = 0 if entry.is_absolute else base
                    yield start + entry.begin_offset, start + entry.end_offset
        elif "DW_AT_low_pc" in die.attributes:
            low, high = die.attributes["DW_AT_low_pc"].value, die.attributes["DW_AT_high_pc"]
            yield low, high.value if high.form == "DW_FORM_addr" else low + high.value


def _inlined(die: DIE) -> Iterator[DIE]:
    """Inlined calls right below `die`, those in its blocks too."""
    for child in die.iter_children():
        if child.tag == "DW_TAG_inlined_subroutine":
            yield child
        elif child.tag == "DW_TAG_lexical_block":
            yield from _inlined(child)


def _base(die: DIE) -> int:
    low = die.cu.get_top_DIE().attributes.get("DW_AT_low_pc")
    return low.value if low is not None else 0
