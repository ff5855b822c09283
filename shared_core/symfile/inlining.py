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
    """An inlined call: whose, from which pc offset, over which [start, end) pc offsets; and the calls within.

    at: a pc offset at which the function itself is innermost or calls; start_line: where it is declared, 0 if unknown.
    """

    name: str
    call_at: int
    ranges: Ranges
    inner: List[Block]
    at: int
    start_line: int


class InlineTrees:
    """Reads the inline trees of one module's functions."""

    def __init__(self, tabs: FuncTabs, tables: PcTables) -> None:
        self._module, self._tables = tabs.module, tables
        self._quantum = self._module.header.quantum
        self._tree, self._index = tabs.funcdata["inl_tree"], tabs.pcdata["inl_tree_index"]
        self._size, self._name_at, self._parent_at, self._line_at = tabs.inlined_shape()
        self._names: Dict[int, str] = {}
        self._known: Dict[Tuple[int, int], List[Block]] = {}

    def blocks(self, func: Func) -> List[Block]:
        """The calls that are inlined into `func` itself; [] without any, and where the tree makes no sense."""
        table = self._tables.pcdata(func, self._index)
        if table is None:
            return []
        base = self._module.funcdata(func, self._tree)
        if base is None:
            return []
        # Tables and trees that are alike are one in the file.
        key = (id(table), base)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._read(table, base, func.table.name)
        return found

    def _read(self, table: PcTable, base: int, name: Callable[[int], str]) -> List[Block]:
        top = max(table.values)
        if not 0 <= top < _MAX_CALLS:
            return []
        try:
            data = self._module.image.constant(base, (top + 1) * self._size)
        except ReadError:
            return []
        return self._nest(table, bytes(data), name)

    def _nest(self, table: PcTable, data: bytes, name: Callable[[int], str]) -> List[Block]:
        quantum, size, parent_at = self._quantum, self._size, self._parent_at
        starts, values = table.starts, table.values
        own: Dict[int, Ranges] = {}
        for start, end, index in zip(starts, starts[1:], values):
            if index >= 0:
                if index in own:
                    own[index].append((start * quantum, end * quantum))
                else:
                    own[index] = [(start * quantum, end * quantum)]
        calls: Dict[int, int] = {}
        inner: Dict[int, List[int]] = {}
        pending, limit, unpack = list(own), starts[-1], _INT.unpack_from
        while pending:
            index = pending.pop()
            if index in calls:
                continue
            (calls[index],) = unpack(data, index * size + parent_at)
            start = calls[index] // quantum
            parent = values[bisect_right(starts, start) - 1] if 0 <= start < limit else -1
            if parent in inner:
                inner[parent].append(index)
            else:
                inner[parent] = [index]
            if parent >= 0:
                pending.append(parent)
        return [self._block(index, data, name, own, calls, inner, 0) for index in inner.get(-1, ())]

    def _block(
        self,
        index: int,
        data: bytes,
        name: Callable[[int], str],
        own: Dict[int, Ranges],
        calls: Dict[int, int],
        inner: Dict[int, List[int]],
        depth: int,
    ) -> Block:
        within: List[Block] = []
        ranges = own.get(index, [])
        at = ranges[0][0] if ranges else calls[index]
        # Calls that are their own callers are under none of those at the top.
        if index in inner and depth < _MAX_DEPTH:
            within = [self._block(each, data, name, own, calls, inner, depth + 1) for each in inner[index]]
            at = at if ranges else within[0].call_at
            ranges = merged(sorted([*ranges, *(each for b in within for each in b.ranges)]))
        place = index * self._size
        (offset,) = _INT.unpack_from(data, place + self._name_at)
        known = self._names.get(offset)
        if known is None:
            known = self._names[offset] = name(offset)
        # runtime.inlinedCall.startLine, from Go 1.20 on.
        line = 0 if self._line_at is None else _INT.unpack_from(data, place + self._line_at)[0]
        return Block(known, calls[index], ranges, within, at, line if line > 0 else 0)


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
