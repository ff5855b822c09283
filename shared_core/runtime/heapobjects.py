"""The heap's objects: which one an address is in, and where pointers to objects can be.

Sources: Go 1.27 runtime/mheap.go (special, specialfinalizer), runtime/mbitmap.go (isFree).
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from itertools import compress
from typing import TYPE_CHECKING, AbstractSet, Iterator, NamedTuple, Optional, Tuple

from ..errors import FormatError, ReadError
from .heap.span import Span, SpanReader

if TYPE_CHECKING:
    from ..session import Session

_MAX_SPECIALS = 1 << 16  # of one span
_SPECIAL_WORDS = 6  # of specialfinalizer, the longest; the first is `next`


class HeapObject(NamedTuple):
    """[base, base + size) is one object."""

    base: int
    size: int


class Heap:
    """The spans in use of one stopped program. Raises FormatError, LayoutError or ReadError where they are lost."""

    def __init__(self, session: Session) -> None:
        self._memory = session.memory
        self.spans, lost = SpanReader(session).all()
        if lost:
            raise FormatError(f"{lost} spans of the heap cannot be read")
        self._starts = [span.start for span in self.spans]

    def specials(self) -> Iterator[int]:
        """The words of what the runtime keeps of objects with finalizers, cleanups and the like: roots among them."""
        for span in self.spans:
            at, seen = span.specials, 0
            while at and seen < _MAX_SPECIALS:
                words = self._memory.pointers(at, _SPECIAL_WORDS)
                yield from words
                at, seen = words[0], seen + 1

    def object_at(self, address: int) -> Optional[HeapObject]:
        """The object that holds `address`; None where there is none, or it is free."""
        at = bisect_right(self._starts, address) - 1
        if at < 0 or address >= self.spans[at].end:
            return None
        return self.in_span(self.spans[at], address)

    def in_span(self, span: Span, address: int) -> Optional[HeapObject]:
        """The same of an address in `span`."""
        number = span.number(address)
        if number >= span.slots or self._is_free(span, number):
            return None
        return HeapObject(span.base(number), span.size)

    def _is_free(self, span: Span, number: int) -> bool:
        if number < span.fresh:
            return False
        try:
            return not self._memory.u8(span.alloc_bits + number // 8) >> number % 8 & 1
        except ReadError:
            return False


class Scan:
    """Looks for words of a set; `left` is how many bytes may still be looked at."""

    def __init__(self, session: Session, budget: int) -> None:
        self._session = session
        self.left = budget

    def words(self, start: int, end: int, wanted: AbstractSet[int]) -> Iterator[Tuple[int, int]]:
        """(address, word) of each aligned word in [start, end) that is wanted; ReadError where memory is missing."""
        for at in range(start, end, _CHUNK):
            size = min(_CHUNK, end - at) & ~7
            self.left -= size
            if self.left < 0:
                raise FormatError("there is too much memory to look through")
            data, offset = self._session.memory.locate(at, size)
            found = struct.unpack_from(f"<{size // 8}Q", data, offset)
            if not wanted.isdisjoint(found):
                # A million stacks have a hundred million words: none of them is looked at in Python.
                yield from compress(zip(range(at, at + size, 8), found), map(wanted.__contains__, found))


_CHUNK = 1 << 16
