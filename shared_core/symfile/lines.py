""".debug_line: one program per compilation unit, one sequence per function (DWARF 4, 6.2).

A row is a special opcode wherever it can be. Rows come from pcln, files from pcfile, which change at different
instructions.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from typing import Dict, List, Sequence, Tuple

from .encode import SLEB, ULEB
from .pctables import PcTable

_LINE_BASE, _LINE_RANGE, _OPCODE_BASE = -4, 10, 13
_COPY, _ADVANCE_PC, _ADVANCE_LINE, _SET_FILE, _CONST_ADD_PC = b"\1", b"\2", b"\3", b"\4", b"\x08"
_PROLOGUE_END = b"\n"
_END_SEQUENCE = b"\0\1\1"
_SET_ADDRESS = struct.Struct("<BBBQ")
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


def sequence(entry: int, body: int, lines: PcTable, files: PcTable, numbers: Dict[int, int]) -> bytes:
    """The line program of one function.

    body: where it goes on after the check of its stack, 0 where it has none: a breakpoint at its entry would be come to
    anew each time that the stack has grown.
    numbers: pcfile's numbers -> those of the unit's files, which begin with 1; new ones are added.
    """
    starts, values, steps, deltas = lines
    if min(values) < 0 or min(files.values) < 0 or starts[-1] != files.starts[-1]:
        return _uneven(entry, body, lines, files, numbers)
    rows = [_ROWS[0, values[0] - 1], *map(_ROW, zip(steps, deltas[1:]))]
    end = starts[-1] - starts[-2]
    if 0 < body < starts[1]:
        rows[0] += _PROLOGUE_END + _ROWS[body, 0]
        if len(rows) > 1:
            rows[1] = _ROWS[starts[1] - body, deltas[1]]
        else:
            end -= body
    file = 1
    for start, number in zip(files.starts, files.values):
        known = numbers.get(number) or numbers.setdefault(number, len(numbers) + 1)
        if known != file:
            index = bisect_left(starts, start)
            if starts[index] != start:
                return _uneven(entry, body, lines, files, numbers)
            rows[index] = _SET_FILE + ULEB[known] + rows[index]
            file = known
    return b"".join((_SET_ADDRESS.pack(0, 9, 2, entry), *rows, _ADVANCE_PC, ULEB[end], _END_SEQUENCE))


def _uneven(entry: int, body: int, lines: PcTable, files: PcTable, numbers: Dict[int, int]) -> bytes:
    """The same where a file begins within a row of lines, where there is no line or no file, and of tables that end at
    different pcs."""
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
