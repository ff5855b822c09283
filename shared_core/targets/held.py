"""What a core file holds of the memory. Debuggers fill up the rest with zeros, or from whatever file is at hand."""

from __future__ import annotations

from typing import Iterable, List, Tuple

from ..binary.elf import ElfImage

_TOP = 1 << 64
Range = Tuple[int, int]


def held_ranges(core: ElfImage) -> List[Range]:
    """[start, end) of the memory whose bytes are in the file: no more than that of a segment where the file is cut."""
    return [(s.address, s.address + len(core.segment_bytes(s))) for s in core.segments if len(core.segment_bytes(s))]


def remarks_on(core: ElfImage) -> List[str]:
    """What the user should know about the file as a whole."""
    missing = core.missing_bytes()
    return [f"the core file is cut off: {missing} of its bytes are missing at the end"] if missing else []


def left_out(held: Iterable[Range]) -> List[Range]:
    """The rest of the address space, ascending."""
    found, at = [], 0
    for start, end in sorted(held):
        if at < start:
            found.append((at, start))
        at = max(at, end)
    if at < _TOP:
        found.append((at, _TOP))
    return found
