"""Inline trees as DWARF has them: blocks within blocks, each with the pcs of its calls.

Sources: Go 1.27 runtime/symtabinl.go (inlinedCall, inlineUnwinder), cmd/internal/obj/dwarf (which blocks nest).
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from typing import Callable, Dict, List, NamedTuple, Tuple

from ..binary.funcs import Func
from ..binary.functabs import FuncTabs
from ..errors import ReadError
from .pctables import PcTable, PcTables

_MAX_CALLS = 1 << 16
_MAX_DEPTH = 200
_INT = struct.Struct("<i")

Ranges = List[Tuple[int, int]]


class Block(NamedTuple):
    """An inlined call: whose, from which pc offset, over which pc offsets: starts and ends in turn, [start, end) each.

    Calls within it follow it: are there any (inner), and how many blocks end with it, it itself not counted (closes).
    at: a pc offset at which the function itself is innermost or calls; start_line: where it is declared, 0 if unknown.
    """

    name: str
    call_at: int
    ranges: List[int]
    inner: bool
    closes: int
    at: int
    start_line: int


class InlineTrees:
    """Reads the inline trees of one module's functions."""

    def __init__(self, tabs: FuncTabs, tables: PcTables) -> None:
        self._module, self._tables = tabs.module, tables
        self._quantum = self._module.header.quantum
        self._tree, self._index = tabs.funcdata["inl_tree"], tabs.pcdata["inl_tree_index"]
        # runtime.inlinedCall.startLine is there from Go 1.20 on.
        self._size, self._name_at, self._parent_at, self._line_at = tabs.inlined_shape()
        self._names: Dict[int, str] = {}

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
        return self._blocks(table, data, func.table.name)

    def _blocks(self, table: PcTable, data: bytes, name: Callable[[int], str]) -> List[Block]:
        calls, parents, inner = self._nest(table, data)
        order = _ordered(inner)
        if len(order) < len(calls):
            # Those that are their own callers are under none at the top.
            parents = {index: parents[index] for index, _ in order}
        ranges = _ranges(table, parents, self._quantum)
        size, name_at, line_at, names, unpack = self._size, self._name_at, self._line_at, self._names, _INT.unpack_from
        found: List[Block] = []
        line = 0
        for (index, depth), (_, after) in zip(order, [*order[1:], (0, 0)]):
            (offset,) = unpack(data, index * size + name_at)
            known = names.get(offset)
            if known is None:
                known = names[offset] = name(offset)
            if line_at is not None:
                (line,) = unpack(data, index * size + line_at)
            covered = ranges[index]
            at = self._at(table, index, calls, inner[index]) if index in inner else covered[0]
            closes = depth - after if depth > after else 0
            found.append(Block(known, calls[index], covered, after > depth, closes, at, line if line > 0 else 0))
        return found

    def _at(self, table: PcTable, index: int, calls: Dict[int, int], inner: List[int]) -> int:
        """A pc offset at which a call that has others in it is innermost, or calls them."""
        if index in table.values:
            return table.starts[table.values.index(index)] * self._quantum
        return calls[inner[0]]

    def _nest(self, table: PcTable, data: bytes) -> Tuple[Dict[int, int], Dict[int, int], Dict[int, List[int]]]:
        """Where each call is in the code, the call that it is in (-1 for none), and those in it; by their indexes."""
        starts, values, limit = table.starts, table.values, table.starts[-1]
        quantum, size, parent_at, unpack = self._quantum, self._size, self._parent_at, _INT.unpack_from
        calls: Dict[int, int] = {}
        parents: Dict[int, int] = {}
        inner: Dict[int, List[int]] = {}
        pending = [index for index in dict.fromkeys(values) if index >= 0]
        while pending:
            index = pending.pop()
            if index in calls:
                continue
            (calls[index],) = unpack(data, index * size + parent_at)
            start = calls[index] // quantum
            parent = values[bisect_right(starts, start) - 1] if 0 <= start < limit else -1
            if parent >= 0:
                pending.append(parent)
            else:
                parent = -1
            parents[index] = parent
            if parent in inner:
                inner[parent].append(index)
            else:
                inner[parent] = [index]
        return calls, parents, inner


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
