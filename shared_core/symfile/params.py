"""Formal parameters from FUNCDATA_ArgInfo: one per component, on the stack, at the pcs where the runtime calls it live.

Source: Go 1.27 runtime/traceback.go, printArgs. See binary/functabs.py.
"""

from __future__ import annotations

from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

from ..binary.funcs import Func
from ..binary.functabs import ArgSlot, FuncTabs
from ..errors import GoxrayError
from .inlining import Ranges, merged
from .pctables import PcTable, PcTables
from .stackcheck import StackCheck


class Parameter(NamedTuple):
    """A component: its name by position ("a2", the second word of an aggregate "a2_1"), offset from argp, size.

    live: the pc offsets at which it is there; None for all of the function.
    register: DWARF's number of the register that it comes in; it is there up to the pc offset `until`.
    """

    name: str
    offset: int
    size: int
    live: Optional[Ranges]
    register: int = -1
    until: int = 0


class Parameters:
    """Reads the parameters of one module's functions."""

    def __init__(self, tabs: FuncTabs, tables: PcTables) -> None:
        self._tabs, self._tables = tabs, tables
        self._quantum = tabs.module.header.quantum
        self._index = tabs.pcdata["arg_live_index"]
        self._slots: Dict[int, List[Tuple[str, ArgSlot]]] = {}

    def of(self, func: Func, check: StackCheck, lines: Optional[PcTable]) -> List[Parameter]:
        """In order; [] where nothing describes them, or only nonsense does. lines: of the function."""
        address = self._tabs.module.funcdata(func, self._tabs.funcdata["arg_info"])
        if address is None:
            return []
        try:
            slots = self._slots.get(address)
            if slots is None:
                slots = self._slots[address] = list(_named(self._tabs.arg_slots(func) or []))
            return self._located(func, slots, check, lines) if slots else []
        except GoxrayError:
            return []

    def _located(
        self, func: Func, slots: List[Tuple[str, ArgSlot]], check: StackCheck, lines: Optional[PcTable]
    ) -> List[Parameter]:
        live = self._liveness(func)
        start = self._tabs.spill_start(func) if live else 255
        settled = 0 if live or not check.spills else self._settled(check.body, lines)
        found, spilled = [], 0
        for name, slot in slots:
            ranges: Optional[Ranges] = None
            register, size = check.spills.get(slot.offset, (-1, 0))
            if slot.offset >= start:
                ranges = [(a, b) for a, b, bits in live if bits >> spilled & 1]
                spilled += 1
                ranges = None if len(ranges) == len(live) else merged(ranges)
            elif register >= 0:
                ranges = [(settled, func.end - func.entry)]
            if size != slot.size:
                found.append(Parameter(name, slot.offset, slot.size, ranges))
            else:
                found.append(Parameter(name, slot.offset, size, ranges, register, check.body + 1))
        return found

    def _liveness(self, func: Func) -> List[Tuple[int, int, int]]:
        """(start, end, a bit per spill slot: is it live) by pc offsets; [] where all always are.

        The runtime takes all for live where the table says nothing. It never looks at the pcs at which the function
        begins, where nothing is stored yet.
        """
        address = self._tabs.module.funcdata(func, self._tabs.funcdata["arg_live_info"])
        table = self._tables.pcdata(func, self._index)
        if address is None or table is None:
            return []
        bits = {value: self._tabs.live_bits(address, value) for value in set(table.values)}
        rows = zip(table.starts, table.starts[1:], table.values)
        found = [(a * self._quantum, b * self._quantum, bits[value]) for a, b, value in rows]
        return [(*found[0][:2], 0), *found[1:]] if table.values[0] < 0 else found

    def _settled(self, body: int, lines: Optional[PcTable]) -> int:
        """Where the code of the first line is done: without optimization it stores all arguments."""
        if lines is None:
            return body
        starts, values = lines.starts, lines.values
        other = (start for start, value in zip(starts, values) if start * self._quantum > body and value != values[0])
        return next(other, starts[-1]) * self._quantum


def _named(slots: List[ArgSlot]) -> Iterator[Tuple[str, ArgSlot]]:
    """The words of the description with their names."""
    numbers = [0]
    for slot in slots:
        if slot.kind == "begin":
            numbers.append(0)
        elif slot.kind == "end" and len(numbers) > 1:
            numbers.pop()
            numbers[-1] += 1
        else:
            if slot.kind == "word":
                yield "a" + "_".join(map(str, numbers)), slot
            numbers[-1] += 1
