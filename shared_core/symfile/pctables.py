"""pc-value tables decoded whole and fast: a program's line tables have millions of entries.

The format is that of binary/pcvalue.py; here a table becomes lists in a few passes that run at C speed.
"""

from __future__ import annotations

import re
import struct
from itertools import accumulate
from typing import Dict, List, NamedTuple, Optional

from ..binary.elf import Buffer
from ..binary.funcs import Func

_VARINT = re.compile(rb"[\x80-\xff]{0,4}[\x00-\x7f]", re.DOTALL)
_U32 = struct.Struct("<I")
_MAX_TABLE = 1 << 24
_MAX_COURSES = 1 << 12
_ONE = b"\2"  # the first change, from -1: to line 0


class PcTable(NamedTuple):
    """Row i holds from starts[i] to starts[i + 1], pc offsets from the entry in units of the quantum.

    starts has one entry more than values, where the table ends; steps are their differences, deltas those of values
    (the first: from 0).
    """

    starts: List[int]
    values: List[int]
    steps: List[int]
    deltas: List[int]


class Course:
    """What tables of lines have in common that begin with another line: one object for them all, whose line is 0."""

    __slots__ = ("table",)

    def __init__(self, table: PcTable) -> None:
        self.table = table


class Lines(NamedTuple):
    """A table of lines, and its course."""

    table: PcTable
    course: Course


# A byte's zigzag form -> the number, as a byte with a sign.
_SIGNED = bytes((-(z >> 1) - 1 if z & 1 else z >> 1) & 0xFF for z in range(256))


class _Varints(Dict[bytes, int]):
    """A varint's bytes -> its number."""

    def __missing__(self, token: bytes) -> int:
        value = 0
        for place, byte in enumerate(token):
            value |= (byte & 0x7F) << 7 * place
        self[token] = value
        return value


class _Zigzags(_Varints):
    """A varint's bytes -> the number that it is the zigzag form of."""

    def __missing__(self, token: bytes) -> int:
        value = super().__missing__(token)
        found = self[token] = -(value >> 1) - 1 if value & 1 else value >> 1
        return found


class PcTables:
    """The tables of one pctab, by offset. None for offset 0, and for a table that is broken."""

    def __init__(self, pctab: Buffer) -> None:
        self._data = bytes(pctab)
        self._known: Dict[int, Optional[PcTable]] = {}
        self._courses: Dict[bytes, Course] = {}
        self._number, self._change = _Varints(), _Zigzags()

    def shared(self, offset: int) -> Optional[PcTable]:
        """`table`, kept: for those that many functions share (files, stack depths)."""
        try:
            return self._known[offset]
        except KeyError:
            found = self._known[offset] = self.table(offset)
            return found

    def pcdata(self, func: Func, number: int) -> Optional[PcTable]:
        """PCDATA table `number` of a function, kept."""
        if number >= func.pcdata_count:
            return None
        return self.shared(_U32.unpack_from(func.table.pclntable, func.tables_at + 4 * number)[0])

    def lines(self, offset: int) -> Optional[Lines]:
        """The table at `offset`, one of lines. Code that was generated has many functions that are alike."""
        end = self._end(offset)
        first = _VARINT.match(self._data, offset, end) if end > 0 else None
        if first is None:
            return None
        rest = self._data[first.end() : end]
        course = self._courses.get(rest)
        if course is None:
            table = self._decoded(_ONE + rest)
            if table is None:
                return None
            if len(self._courses) > _MAX_COURSES:
                self._courses.clear()
            course = self._courses[rest] = Course(table)
        line = self._change[first.group()] - 1
        starts, values, steps, deltas = course.table
        return Lines(PcTable(starts, [line + value for value in values], steps, [line, *deltas[1:]]), course)

    def table(self, offset: int) -> Optional[PcTable]:
        """The table at `offset`."""
        end = self._end(offset)
        return self._decoded(self._data[offset:end]) if end > 0 else None

    def _end(self, offset: int) -> int:
        """Where the table at `offset` has its zero; -1 without one."""
        # Only the very first change may be 0, and no varint has a zero byte unless it is 0.
        return self._data.find(b"\0", offset + 1, offset + _MAX_TABLE) if offset else -1

    def _decoded(self, piece: bytes) -> Optional[PcTable]:
        """The table that is encoded so, without the zero behind it."""
        if piece.isascii():
            deltas, steps = memoryview(piece[::2].translate(_SIGNED)).cast("b").tolist(), list(piece[1::2])
        else:
            tokens = _VARINT.findall(piece)
            deltas = list(map(self._change.__getitem__, tokens[::2]))
            steps = list(map(self._number.__getitem__, tokens[1::2]))
        if not steps or len(deltas) != len(steps):
            return None
        deltas[0] -= 1
        return PcTable([0, *accumulate(steps)], list(accumulate(deltas)), steps, deltas)
