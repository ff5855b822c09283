""".debug_line: one program per compilation unit, one sequence per function (DWARF 4, 6.2).

A row is a special opcode wherever it can be. Rows come from pcln, files from pcfile, which change at different
instructions.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from typing import Dict, List, Optional, Sequence, Tuple

from .encode import SLEB, ULEB
from .pctables import Course, Lines, PcTable

_LINE_BASE, _LINE_RANGE, _OPCODE_BASE = -4, 10, 13
_COPY, _ADVANCE_PC, _ADVANCE_LINE, _SET_FILE, _CONST_ADD_PC = b"\1", b"\2", b"\3", b"\4", b"\x08"
_PROLOGUE_END = b"\n"
_END_SEQUENCE = b"\0\1\1"
_SET_ADDRESS = struct.Struct("<BBBQ")
_MAX_KNOWN = 1 << 12
_CONST_STEP = (255 - _OPCODE_BASE) // _LINE_RANGE
# How many operands each standard opcode has.
_OPERANDS = bytes((0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1))


class _Rows(Dict[Tuple[int, int], bytes]):
    """(pc step, line delta) -> the opcodes that make a row of it."""

    def __missing__(self, key: Tuple[int, int]) -> bytes:
        step, delta = key
        opcodes = b""
        if not _LINE_BASE <= delta < _LINE_BASE + _LINE_RANGE:
            opcodes, delta = _ADVANCE_LINE + SLEB[delta], 0
        code = delta - _LINE_BASE + _LINE_RANGE * step + _OPCODE_BASE
        if code > 255 and code - _LINE_RANGE * _CONST_STEP <= 255:
            opcodes, code = opcodes + _CONST_ADD_PC, code - _LINE_RANGE * _CONST_STEP
        if code > 255:
            opcodes, code = opcodes + _ADVANCE_PC + ULEB[step], delta - _LINE_BASE + _OPCODE_BASE
        found = self[key] = opcodes + bytes((code,))
        return found


_ROWS = _Rows()
_ROW = _ROWS.__getitem__


_Parts = Optional[Tuple[bytes, bytes]]


class Sequences:
    """Makes the sequences of one module; those that differ in address and first line alone are made once."""

    def __init__(self) -> None:
        self._known: Dict[Tuple[Course, int, int, Tuple[int, ...]], _Parts] = {}

    def of(self, entry: int, body: int, lines: Lines, files: PcTable, numbers: Dict[int, int]) -> bytes:
        """As `sequence`; `files` must live as long as this."""
        table = lines.table
        if _has_gaps(table, files):
            return _uneven(entry, body, table, files, numbers)
        own = _numbered(files, numbers)
        key = (lines.course, body, id(files), own)
        try:
            parts = self._known[key]
        except KeyError:
            if len(self._known) > _MAX_KNOWN:
                self._known.clear()
            parts = self._known[key] = _parts(body, table, files, own)
        return _uneven(entry, body, table, files, numbers) if parts is None else _joined(entry, table, parts)


def sequence(entry: int, body: int, lines: PcTable, files: PcTable, numbers: Dict[int, int]) -> bytes:
    """The line program of one function.

    body: where it goes on after the check of its stack, 0 where it has none: a breakpoint at its entry would be come to
    anew each time that the stack has grown.
    numbers: pcfile's numbers -> those of the unit's files, which begin with 1; new ones are added.
    """
    parts = None if _has_gaps(lines, files) else _parts(body, lines, files, _numbered(files, numbers))
    return _uneven(entry, body, lines, files, numbers) if parts is None else _joined(entry, lines, parts)


def _has_gaps(lines: PcTable, files: PcTable) -> bool:
    """Whether there is no line or no file somewhere."""
    return min(lines.values) < 0 or min(files.values) < 0 or lines.starts[-1] != files.starts[-1]


def _numbered(files: PcTable, numbers: Dict[int, int]) -> Tuple[int, ...]:
    return tuple([numbers.get(each) or numbers.setdefault(each, len(numbers) + 1) for each in files.values])


def _joined(entry: int, lines: PcTable, parts: Tuple[bytes, bytes]) -> bytes:
    return _SET_ADDRESS.pack(0, 9, 2, entry) + parts[0] + _ROWS[0, lines.values[0] - 1] + parts[1]


def _parts(body: int, lines: PcTable, files: PcTable, numbers: Sequence[int]) -> _Parts:
    """What is before the first row, and all behind it; None where a file begins within a row of lines. numbers: those
    of the unit for the rows of `files`."""
    starts, _, steps, deltas = lines
    rows = [b"", *map(_ROW, zip(steps, deltas[1:]))]
    before, file, end = b"", 1, starts[-1] - starts[-2]
    if 0 < body < starts[1]:
        rows[0] = _PROLOGUE_END + _ROWS[body, 0]
        if len(rows) > 1:
            rows[1] = _ROWS[starts[1] - body, deltas[1]]
        else:
            end -= body
    for start, number in zip(files.starts, numbers):
        if number != file:
            index = bisect_left(starts, start)
            if starts[index] != start:
                return None
            change = _SET_FILE + ULEB[number]
            before, rows[index] = (before, change + rows[index]) if index else (change, rows[0])
            file = number
    return before, b"".join((*rows, _ADVANCE_PC, ULEB[end], _END_SEQUENCE))


def _uneven(entry: int, body: int, lines: PcTable, files: PcTable, numbers: Dict[int, int]) -> bytes:
    """`sequence` for any tables."""
    starts, values, steps, deltas = lines if min(lines.values) >= 0 else _without_negatives(lines)
    parts = [_SET_ADDRESS.pack(0, 9, 2, entry)]
    file, line, pc, end = 1, 1, 0, min(starts[-1], files.starts[-1])
    for index, number in enumerate(files.values):
        start, stop = files.starts[index], min(files.starts[index + 1], end)
        if start >= stop:
            break
        if number < 0:
            parts.append(_ROW((start - pc, -line)))
            pc, line = start, 0
            continue
        known = numbers.get(number) or numbers.setdefault(number, len(numbers) + 1)
        if known != file:
            parts.append(_SET_FILE + ULEB[known])
            file = known
        first, last = bisect_right(starts, start) - 1, bisect_left(starts, stop)
        # The rows of this file: its first may be the rest of one that began in the file before.
        parts.append(_ROW((start - pc, values[first] - line)))
        if start == 0 < body < min(stop, starts[first + 1]):
            parts.append(_PROLOGUE_END + _ROW((body, 0)))
            start = body
        if last - first > 1:
            head = (starts[first + 1] - start, deltas[first + 1])
            parts.append(_ROW(head))
            parts.extend(map(_ROW, zip(steps[first + 1 : last - 1], deltas[first + 2 : last])))
            start = starts[last - 1]
        pc, line = start, values[last - 1]
    parts.append(_ADVANCE_PC + ULEB[end - pc] + _END_SEQUENCE)
    return b"".join(parts)


def _without_negatives(lines: PcTable) -> PcTable:
    """Where there is no line, line 0."""
    values = [max(value, 0) for value in lines.values]
    return lines._replace(values=values, deltas=[b - a for a, b in zip([0, *values], values)])


def unit(files: Sequence[str], sequences: List[bytes], quantum: int) -> bytes:
    """One unit's contribution; files are its source paths by number."""
    names = b"".join(path.encode("utf-8", "surrogateescape") + b"\0\0\0\0" for path in files)
    fields = struct.pack("<BBBbBB", quantum, 1, 1, _LINE_BASE, _LINE_RANGE, _OPCODE_BASE)
    header = fields + _OPERANDS + b"\0" + names + b"\0"
    program = b"".join(sequences)
    return struct.pack("<IHI", 6 + len(header) + len(program), 4, len(header)) + header + program
