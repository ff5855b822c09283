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

_NO_SPILL = (-1, 0)


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


class Formals:
    """The parameters of functions that have them alike: one object for them all."""

    __slots__ = ("parameters",)

    def __init__(self, parameters: List[Parameter]) -> None:
        self.parameters = parameters


NO_FORMALS = Formals([])


class Parameters:
    """Reads the parameters of one module's functions."""

    def __init__(self, tabs: FuncTabs, tables: PcTables) -> None:
        self._tabs, self._tables = tabs, tables
        self._quantum = tabs.module.header.quantum
        self._index = tabs.pcdata["arg_live_index"]
        self._info, self._live_info = tabs.funcdata["arg_info"], tabs.funcdata["arg_live_info"]
        self._slots: Dict[int, List[Tuple[str, ArgSlot]]] = {}
        self._live: Dict[int, int] = {}
        self._known: Dict[Tuple[Optional[int], ...], Optional[Formals]] = {}

    def of(self, func: Func, check: StackCheck, lines: Optional[PcTable]) -> Formals:
        """In order; NO_FORMALS where nothing describes them, or only nonsense does. lines: of the function."""
        address = self._tabs.module.funcdata(func, self._info)
        if address is None:
            return NO_FORMALS
        try:
            slots = self._slots.get(address)
            if slots is None:
                slots = self._slots[address] = list(_named(self._tabs.arg_slots(func) or []))
            return self._located(func, slots, check, lines) if slots else NO_FORMALS
        except GoxrayError:
            return NO_FORMALS

    def _located(
        self, func: Func, slots: List[Tuple[str, ArgSlot]], check: StackCheck, lines: Optional[PcTable]
    ) -> Formals:
        spills = check.spills
        live_at = self._tabs.module.funcdata(func, self._live_info)
        table = None if live_at is None else self._tables.pcdata(func, self._index)
        # What describes functions with arguments alike is one in the file.
        key: Tuple[Optional[int], ...] = (id(slots), live_at, id(table), check.body, id(spills) if spills else 0)
        known = self._known.get(key)
        if known is not None:
            return known
        settled, size = 0, 0
        if key in self._known or self._ends_with_function(func, slots, check, live_at, table):
            self._known[key] = None
            settled = 0 if table is not None or not spills else self._settled(check.body, lines)
            size = func.end - func.entry
            key = (*key, settled, size)
            known = self._known.get(key)
            if known is not None:
                return known
        found = self._known[key] = Formals(self._read(func, slots, check, live_at, table, (settled, size)))
        return found

    def _ends_with_function(
        self,
        func: Func,
        slots: List[Tuple[str, ArgSlot]],
        check: StackCheck,
        live_at: Optional[int],
        table: Optional[PcTable],
    ) -> bool:
        """Whether a slot is there up to the function's end, having been stored from a register."""
        start = 255 if live_at is None or table is None else self._tabs.spill_start(func)
        return any(slot.offset < start and slot.offset in check.spills for _, slot in slots)

    def _read(
        self,
        func: Func,
        slots: List[Tuple[str, ArgSlot]],
        check: StackCheck,
        live_at: Optional[int],
        table: Optional[PcTable],
        stored: Tuple[int, int],
    ) -> List[Parameter]:
        """stored: where those are on the stack that have no liveness."""
        live = [] if live_at is None or table is None else self._liveness(live_at, table)
        start = self._tabs.spill_start(func) if live else 255
        found: List[Parameter] = []
        spilled = 0
        for name, (_, offset, size) in slots:
            ranges: Optional[Ranges] = None
            register, length = check.spills.get(offset, _NO_SPILL)
            if offset >= start:
                bit = 1 << spilled
                ranges = [(a, b) for a, b, bits in live if bits & bit]
                spilled += 1
                ranges = None if len(ranges) == len(live) else merged(ranges)
            elif register >= 0:
                ranges = [stored]
            if length != size:
                found.append(Parameter(name, offset, size, ranges))
            else:
                found.append(Parameter(name, offset, size, ranges, register, check.body + 1))
        return found

    def _liveness(self, address: int, table: PcTable) -> List[Tuple[int, int, int]]:
        """(start, end, a bit per spill slot: is it live) by pc offsets.

        The runtime takes all for live where the table says nothing. It never looks at the pcs at which the function
        begins, where nothing is stored yet.
        """
        quantum, starts, values = self._quantum, table.starts, table.values
        bits = {value: self._bits(address, value) for value in set(values)}
        found = [(a * quantum, b * quantum, bits[value]) for a, b, value in zip(starts, starts[1:], values)]
        if values[0] < 0:
            found[0] = (*found[0][:2], 0)
        return found

    def _bits(self, address: int, value: int) -> int:
        """FuncTabs.live_bits, kept: functions with arguments alike share what describes them."""
        if value <= 0:
            return -1
        found = self._live.get(address + value)
        if found is None:
            found = self._live[address + value] = self._tabs.live_bits(address, value)
        return found

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
