"""The runtime's list of all goroutines: where it is, and whether what it leads to are goroutines.

Source: Go 1.27 runtime/proc.go (allgs, allgptr, allglen, allgadd).
"""

from __future__ import annotations

from typing import Tuple

from ..errors import GoxrayError, LayoutError, ReadError
from ..layouts.globals import Globals
from ..memory import Memory
from .goroutine import MAX_GOROUTINES, Goroutine, GoroutineReader, plausible, read_goroutines

_SAMPLE = 16


def allgs_of(lookup: Globals, memory: Memory, reader: GoroutineReader) -> Tuple[int, int]:
    """(array, length) of runtime.allgs, whose entries look like goroutines; LayoutError when nothing does.

    allgptr and allglen, the copies that the runtime keeps for lock-free readers, serve where allgs is not found.
    ReadError where the memory that would tell is not there, as in a core that was cut.
    """
    for candidate in lookup.candidates("runtime.allgs")[:1]:
        _need_any(memory, reader, *memory.slice_header(candidate)[:2])
    try:
        header = lookup.find("runtime.allgs", lambda at: _is_allgs(memory, reader, *memory.slice_header(at)))
        return memory.slice_header(header)[:2]
    except LayoutError:
        pointer = lookup.find("runtime.allgptr", lambda at: _leads_to_goroutines(memory, reader, memory.u64(at), 1))
        array = memory.u64(pointer)
        length = lookup.find("runtime.allglen", lambda at: _fills(memory, reader, array, memory.u64(at)))
        return array, memory.u64(length)


def _need_any(memory: Memory, reader: GoroutineReader, array: int, length: int) -> None:
    """ReadError when the array, or every one of the goroutines at its start, cannot be read."""
    if not 0 < length <= MAX_GOROUTINES or array % 8:
        return
    memory.pointers(array, 1)
    found = list(read_goroutines(memory, reader, (array, min(length, _SAMPLE))))
    if found and not any(isinstance(g, Goroutine) for _, g in found):
        memory.read(found[0][0], reader.size)


def _is_allgs(memory: Memory, reader: GoroutineReader, array: int, length: int, capacity: int) -> bool:
    """The end of a long array may be missing in a core that was cut: it is no condition."""
    return length <= capacity and _leads_to_goroutines(memory, reader, array, length)


def _fills(memory: Memory, reader: GoroutineReader, array: int, length: int) -> bool:
    """Whether goroutines are at the array's start and a pointer at its end: a number alone could be any."""
    try:
        memory.pointers(array + 8 * (length - 1), 1)
    except ReadError:
        return False
    return _leads_to_goroutines(memory, reader, array, length)


def not_started(lookup: Globals, memory: Memory) -> bool:
    """Whether the runtime has no goroutine yet: the first instructions of a process, before runtime.schedinit."""
    found = lookup.candidates("runtime.allgs")[:1]
    try:
        return bool(found) and memory.slice_header(found[0]) == (0, 0, 0)
    except ReadError:
        return False


def _leads_to_goroutines(memory: Memory, reader: GoroutineReader, array: int, length: int) -> bool:
    try:
        if not 0 < length <= MAX_GOROUTINES or array % 8:
            return False
        memory.pointers(array, 1)
        sample = (array, min(length, _SAMPLE))
        found = [g for _, g in read_goroutines(memory, reader, sample) if isinstance(g, Goroutine)]
        return bool(found) and sum(not plausible(g) for g in found) * 4 >= len(found) * 3
    except GoxrayError:
        return False
