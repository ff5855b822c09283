"""pc-value tables: one value per range of pcs, as runs of varint pairs.

Source: Go 1.27 runtime/symtab.go, pcvalue and step; the format has been the same since Go 1.2.
"""

from __future__ import annotations

from typing import Iterator, Optional, Tuple

from ..errors import FormatError
from .elf import Buffer

_MAX_STEPS = 1 << 20
_SHORT = 128


def varint(data: Buffer, at: int) -> Tuple[int, int]:
    """(value, next position) of the unsigned varint at `at`; FormatError if it is cut or over 35 bits."""
    value = shift = 0
    try:
        while shift < 35:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, at
            shift += 7
    except IndexError:
        pass
    raise FormatError("a cut varint in a pc-value table")


def runs(data: Buffer, offset: int, quantum: int) -> Iterator[Tuple[int, int, int]]:
    """(start, end, value) for each range [start, end) of pc offsets from the function's entry; nothing at offset 0."""
    if not offset:
        return
    pc, value = 0, -1
    for delta, step in _pairs(data, offset):
        value += -(delta >> 1) - 1 if delta & 1 else delta >> 1
        yield pc, pc + step * quantum, value
        pc += step * quantum


def _pairs(data: Buffer, at: int) -> Iterator[Tuple[int, int]]:
    """The pairs (value's change in zigzag form, pc's step) of the table at `at`."""
    size, first = len(data), True
    for _ in range(_MAX_STEPS):
        # Nearly all varints are of one byte.
        delta = data[at] if at < size else 0x80
        at += 1
        if delta >= 0x80:
            delta, at = varint(data, at - 1)
        if not delta and not first:
            return
        step = data[at] if at < size else 0x80
        at += 1
        if step >= 0x80:
            step, at = varint(data, at - 1)
        first = first and not step
        yield delta, step
    raise FormatError("an endless pc-value table")


def value_at(data: Buffer, offset: int, quantum: int, pc_offset: int) -> Optional[int]:
    """The value for the pc `pc_offset` bytes into the function; None when there is no table or it ends before."""
    for _, end, value in runs(data, offset, quantum):
        if pc_offset < end:
            return value
    return None


def end_of(data: Buffer, offset: int, quantum: int) -> Optional[int]:
    """Where the table ends, in bytes from the entry: the function's size without padding; None without a table."""
    if not offset:
        return None
    try:
        # Most tables of files have one range, of a small value.
        if data[offset] < 0x80:
            step, at = data[offset + 1], offset + 2
            if step >= 0x80:
                step, at = varint(data, offset + 1)
            if step and not data[at]:
                return step * quantum
    except IndexError:
        pass
    # Many of the others are short. Only the first change may be 0, and no varint has a zero byte unless it is 0.
    piece = bytes(data[offset : offset + _SHORT])
    end = piece.find(0, 1)
    if end > 0 and not end & 1 and piece[:end].isascii():
        return sum(piece[1:end:2]) * quantum
    return sum([step for _, step in _pairs(data, offset)]) * quantum


def first_value(data: Buffer, offset: int) -> Optional[int]:
    """The value at the function's entry; None without a table."""
    if not offset:
        return None
    delta, _ = varint(data, offset)
    return (-(delta >> 1) - 1 if delta & 1 else delta >> 1) - 1
