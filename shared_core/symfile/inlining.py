"""Inline trees as DWARF has them: blocks within blocks, each with the pcs of its calls.

Sources: Go 1.27 runtime/symtabinl.go (inlinedCall, inlineUnwinder), cmd/internal/obj/dwarf (which blocks nest).
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from typing import Dict, List, NamedTuple, Tuple

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

    def blocks(self, func: Func) -> List[Block]:
        """The calls that are inlined into `func` itself; [] without any, and where the tree makes no sense."""
        table = self._tables.pcdata(func, self._index)
        base = self._module.funcdata(func, self._tree)
        if table is None or base is None:
            return []
        top = max(table.values)
        if not 0 <= top < _MAX_CALLS:
            return []
        try:
            data = self._module.image.constant(base, (top + 1) * self._size)
        except ReadError:
            return []
        return self._nest(func, table, bytes(data))

    def _nest(self, func: Func, table: PcTable, data: bytes) -> List[Block]:
        quantum, size = self._quantum, self._size
        own: Dict[int, Ranges] = {}
        for start, end, index in zip(table.starts, table.starts[1:], table.values):
            if index >= 0:
                own.setdefault(index, []).append((start * quantum, end * quantum))
        calls: Dict[int, int] = {}
        inner: Dict[int, List[int]] = {}
        pending = list(own)
        while pending:
            index = pending.pop()
            if index in calls:
                continue
            at = index * size + self._parent_at
            calls[index] = _INT.unpack_from(data, at)[0]
            parent = _value_at(table, calls[index] // quantum)
            inner.setdefault(parent, []).append(index)
            if parent >= 0:
                pending.append(parent)

        def block(index: int, depth: int) -> Block:
            # Calls that are their own callers are under none of those at the top.
            within = [block(each, depth + 1) for each in inner.get(index, ())] if depth < _MAX_DEPTH else []
            mine = own.get(index, ())
            ranges = merged(sorted([*mine, *(each for b in within for each in b.ranges)]))
            at = mine[0][0] if mine else within[0].call_at if within else calls[index]
            return Block(self._name(func, data, index), calls[index], ranges, within, at, self._line(data, index))

        return [block(index, 0) for index in inner.get(-1, ())]

    def _name(self, func: Func, data: bytes, index: int) -> str:
        offset = _INT.unpack_from(data, index * self._size + self._name_at)[0]
        name = self._names.get(offset)
        if name is None:
            name = self._names[offset] = func.table.name(offset)
        return name

    def _line(self, data: bytes, index: int) -> int:
        """runtime.inlinedCall.startLine, from Go 1.20 on."""
        if self._line_at is None:
            return 0
        line: int = _INT.unpack_from(data, index * self._size + self._line_at)[0]
        return max(line, 0)


def merged(ranges: Ranges) -> Ranges:
    """Sorted ranges, those that touch made one."""
    found: Ranges = []
    for start, end in ranges:
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _value_at(table: PcTable, start: int) -> int:
    """The row's value at `start`; -1 where there is none."""
    if not 0 <= start < table.starts[-1]:
        return -1
    return table.values[bisect_right(table.starts, start) - 1]
