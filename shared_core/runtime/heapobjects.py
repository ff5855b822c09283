"""The heap's objects: which one an address is in, and where pointers to objects can be.

Sources: Go 1.27 runtime/mheap.go (mheap.allspans, mspan, spanClass, special, specialfinalizer), runtime/mbitmap.go
(isFree).
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from itertools import compress
from typing import TYPE_CHECKING, AbstractSet, Iterator, List, NamedTuple, Optional, Tuple

from ..errors import FormatError, ReadError
from .spans import mheap

if TYPE_CHECKING:
    from ..session import Session

MAX_SPANS = 1 << 21
_AT_ONCE = 1 << 13
_MAX_SPECIALS = 1 << 16  # of one span
_SPECIAL_WORDS = 6  # of specialfinalizer, the longest; the first is `next`
_FIELDS = (*("startAddr", "npages", "freeindex", "nelems", "allocBits", "spanclass", "state", "elemsize", "specials"),)


class HeapSpan(NamedTuple):
    """A span in use: [start, end) has `slots` objects of `size` bytes; noscan: they hold no pointers.

    Objects from number `fresh` on are free unless their bit of allocBits is set.
    """

    start: int
    end: int
    size: int
    slots: int
    noscan: bool
    fresh: int
    bits: int


class HeapObject(NamedTuple):
    """[base, base + size) is one object."""

    base: int
    size: int


class Heap:
    """The spans in use of one stopped program. Raises FormatError, LayoutError or ReadError where they are lost."""

    def __init__(self, session: Session) -> None:
        self._memory = session.memory
        self._page = session.layout.constants["page_size"]
        self._in_use = session.layout.numbers("span_states")["in_use"]
        self._kind = session.layout.struct("runtime.mspan")
        self._specials: List[int] = []
        heap = mheap(session)
        array, total = heap.unsigned("allspans.ptr"), heap.unsigned("allspans.len")
        if total > MAX_SPANS:
            raise FormatError(f"the heap has {total} spans, which is too many to look through")
        self.spans: List[HeapSpan] = sorted(self._read(array, total))
        self._starts = [span.start for span in self.spans]

    def _read(self, array: int, total: int) -> Iterator[HeapSpan]:
        names = sorted((name for name in _FIELDS if name in self._kind), key=self._kind.offset)
        unpack, record = self._kind.unpacker(names).unpack_from, self._kind.size
        for first in range(0, total, _AT_ONCE):
            for pointer in self._memory.pointers(array + 8 * first, min(_AT_ONCE, total - first)):
                found = dict(zip(names, unpack(*self._memory.locate(pointer, record))))
                start, end = found["startAddr"], found["startAddr"] + found["npages"] * self._page
                if found["state"] != self._in_use or not found["elemsize"] or end - start > 1 << 40:
                    continue
                if found["specials"]:
                    self._specials.append(found["specials"])
                size, count, noscan = found["elemsize"], found["nelems"], bool(found["spanclass"] & 1)
                yield HeapSpan(start, end, size, count, noscan, found["freeindex"], found["allocBits"])

    def specials(self) -> Iterator[int]:
        """The words of what the runtime keeps of objects with finalizers, cleanups and the like: roots among them."""
        for first in self._specials:
            at, seen = first, 0
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

    def in_span(self, span: HeapSpan, address: int) -> Optional[HeapObject]:
        """The same of an address in `span`."""
        number = (address - span.start) // span.size
        if number >= span.slots or self._is_free(span, number):
            return None
        return HeapObject(span.start + number * span.size, span.size)

    def _is_free(self, span: HeapSpan, number: int) -> bool:
        if number < span.fresh:
            return False
        try:
            return not self._memory.u8(span.bits + number // 8) >> number % 8 & 1
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
