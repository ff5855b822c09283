"""Inline trees as DWARF has them: blocks within blocks, each with the pcs of its calls.

Sources: Go 1.27 runtime/symtabinl.go (inlinedCall, inlineUnwinder), cmd/internal/obj/dwarf (which blocks nest).
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from ..binary.funcs import Func
from ..binary.functabs import FuncTabs
from ..errors import ReadError
from .pctables import PcTable, PcTables

_MAX_CALLS = 1 << 16
_MAX_DEPTH = 200
_MAX_KNOWN = 1 << 12

Ranges = List[Tuple[int, int]]


class Call(NamedTuple):
    """Where an inlined call is: from which pc offset, over which: starts and ends in turn, [start, end) each.

    number: in the inline tree. Calls within it follow it: are there any (inner), and how many calls end with it, it
    itself not counted (closes). at: a pc offset at which the function itself is innermost or calls.
    """

    number: int
    call_at: int
    ranges: List[int]
    inner: bool
    closes: int
    at: int


class Block(NamedTuple):
    """An inlined call: of whom, where that is declared (0 if unknown), and where the call is."""

    name: str
    start_line: int
    call: Call


class InlineTrees:
    """Reads the inline trees of one module's functions."""

    def __init__(self, tabs: FuncTabs, tables: PcTables) -> None:
        self._module, self._tables = tabs.module, tables
        self._quantum = self._module.header.quantum
        self._tree, self._index = tabs.funcdata["inl_tree"], tabs.pcdata["inl_tree_index"]
        self._size, *fields = tabs.inlined_shape()
        self._columns = _Columns(self._size, fields)
        self._names: Dict[int, str] = {}
        self._known: Dict[Tuple[int, Tuple[int, ...]], List[Call]] = {}

    def blocks(self, func: Func) -> List[Block]:
        """The calls that are inlined into `func`; [] without any, and where the tree makes no sense."""
        table = self._tables.pcdata(func, self._index)
        base = None if table is None else self._module.funcdata(func, self._tree)
        if table is None or base is None:
            return []
        top = max(table.values)
        if not 0 <= top < _MAX_CALLS:
            return []
        try:
            data = bytes(self._module.image.constant(base, (top + 1) * self._size))
        except ReadError:
            return []
        names, call_pcs, lines = self._columns.of(data)
        # Functions that differ in what they call, and not where, are many: methods of one shape for many types.
        calls = self._known.get((id(table), call_pcs))
        if calls is None:
            if len(self._known) > _MAX_KNOWN:
                self._known.clear()
            calls = self._known[id(table), call_pcs] = self._calls(table, call_pcs)
        return [Block(self._name(func, names[call[0]]), max(lines[call[0]], 0), call) for call in calls]

    def _name(self, func: Func, offset: int) -> str:
        known = self._names.get(offset)
        if known is None:
            known = self._names[offset] = func.table.name(offset)
        return known

    def _calls(self, table: PcTable, call_pcs: Sequence[int]) -> List[Call]:
        parents, inner = self._nest(table, call_pcs)
        order = _ordered(inner)
        if len(order) < len(parents):
            # Those that are their own callers are under none at the top.
            parents = {index: parents[index] for index, _ in order}
        ranges = _ranges(table, parents, self._quantum)
        found: List[Call] = []
        for (index, depth), (_, after) in zip(order, [*order[1:], (0, 0)]):
            covered = ranges[index]
            at = self._at(table, index, call_pcs, inner[index]) if index in inner else covered[0]
            closes = depth - after if depth > after else 0
            found.append(Call(index, call_pcs[index], covered, after > depth, closes, at))
        return found

    def _at(self, table: PcTable, index: int, call_pcs: Sequence[int], inner: List[int]) -> int:
        """A pc offset at which a call that has others in it is innermost, or calls them."""
        if index in table.values:
            return table.starts[table.values.index(index)] * self._quantum
        return call_pcs[inner[0]]

    def _nest(self, table: PcTable, call_pcs: Sequence[int]) -> Tuple[Dict[int, int], Dict[int, List[int]]]:
        """The call that each call is in (-1 for none), and those in it; by their indexes."""
        starts, values, limit, quantum = table.starts, table.values, table.starts[-1], self._quantum
        parents: Dict[int, int] = {}
        inner: Dict[int, List[int]] = {}
        pending = [index for index in dict.fromkeys(values) if index >= 0]
        while pending:
            index = pending.pop()
            if index in parents:
                continue
            start = call_pcs[index] // quantum
            parent = values[bisect_right(starts, start) - 1] if 0 <= start < limit else -1
            if parent >= 0:
                pending.append(parent)
            parents[index] = parent = max(parent, -1)
            inner.setdefault(parent, []).append(index)
        return parents, inner


class _Columns:
    """The fields of inline trees, column by column.

    fields: the offsets of the name's offset, of parentPc and of startLine, None where that is not there.
    """

    def __init__(self, size: int, fields: Sequence[Optional[int]]) -> None:
        known = sorted(offset for offset in fields if offset is not None)
        gaps = [b - a - 4 for a, b in zip([-4, *known], [*known, size])]
        self._record = struct.Struct("<" + "i".join(f"{gap}x" for gap in gaps))
        self._order = [None if offset is None else known.index(offset) for offset in fields]

    def of(self, data: bytes) -> Tuple[Tuple[int, ...], ...]:
        """For each call: its name's offset, where it is called, where it is declared (0 where no tree says so)."""
        columns = list(zip(*self._record.iter_unpack(data)))
        # runtime.inlinedCall.startLine is there from Go 1.20 on.
        return tuple((0,) * len(columns[0]) if place is None else columns[place] for place in self._order)


def _ordered(inner: Dict[int, List[int]]) -> List[Tuple[int, int]]:
    """Each call before those in it, with how many it is in."""
    if len(inner) == 1:
        return [(index, 0) for index in inner.get(-1, ())]
    found: List[Tuple[int, int]] = []
    pending = [(index, 0) for index in reversed(inner.get(-1, ()))]
    while pending:
        index, depth = pending.pop()
        found.append((index, depth))
        if index in inner and depth < _MAX_DEPTH:
            pending += [(each, depth + 1) for each in reversed(inner[index])]
    return found


def _ranges(table: PcTable, parents: Dict[int, int], quantum: int) -> Dict[int, List[int]]:
    """The pc offsets of each call, with those of the calls in it, that touch made one."""
    starts = table.starts if quantum == 1 else [start * quantum for start in table.starts]
    found: Dict[int, List[int]] = {index: [] for index in parents}
    for start, end, index in zip(starts, starts[1:], table.values):
        while index in found:
            ranges = found[index]
            if ranges and ranges[-1] == start:
                ranges[-1] = end
            else:
                ranges += (start, end)
            index = parents[index]
    return found


def merged(ranges: Ranges) -> Ranges:
    """Sorted ranges, those that touch made one."""
    if len(ranges) < 2:
        return ranges
    found: Ranges = []
    for start, end in ranges:
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
