"""One object of the heap."""

from __future__ import annotations

from typing import NamedTuple

from .span import Span

FREE, SURVIVED, NEW, GARBAGE, MARKED, UNMARKED = "free", "survived", "new", "garbage", "marked", "unmarked"
STATES = (SURVIVED, NEW, GARBAGE, MARKED, UNMARKED, FREE)


class HeapObject(NamedTuple):
    """[base, base + size) is one slot of `span`, of this number there; `header` bytes at its start hold its type.

    state: FREE; SURVIVED the last collection; NEW since then; GARBAGE, which it found dead and has not swept; while
    one is at work MARKED, or UNMARKED so far. "" where that cannot be told.
    """

    base: int
    size: int
    number: int
    span: Span
    header: int
    state: str

    @property
    def start(self) -> int:
        """Where what the program sees of it begins."""
        return self.base + self.header

    @property
    def end(self) -> int:
        return self.base + self.size
