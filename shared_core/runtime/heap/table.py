"""All spans of a heap at once, their objects numbered from 0 to `total`: what passes over the whole heap go by."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from ...errors import Absent, FormatError, ReadError
from ...memory import MappedMemory
from .headers import flags
from .heap import Heap
from .objects import HeapObject
from .span import WORD, Span

MAX_SLOTS = 1 << 27
_MAX_COPIED = 2 << 30  # bytes that are read where the memory is not mapped
_AT_ONCE = 4 << 20
_MAX_PAGES = 1 << 25


class SpanTable:
    """Slot numbers count through all spans in the order of their addresses, free slots included.

    firsts[i]: the first slot of span i. page_of: page number -> span. lost: spans that could not be had.
    FormatError for a heap that is too large for this.
    """

    def __init__(self, heap: Heap) -> None:
        self.heap = heap
        self.spans, self.lost = heap.spans.all()
        self.starts = [span.start for span in self.spans]
        self.sizes = [span.size for span in self.spans]
        self.counts = [span.slots for span in self.spans]
        self.firsts: List[int] = []
        self.total = 0
        pages = 0
        for span in self.spans:
            self.firsts.append(self.total)
            self.total += span.slots
            pages += (span.end - span.start) // heap.spans.page
        if self.total > MAX_SLOTS or pages > _MAX_PAGES:
            raise FormatError(f"the heap has {self.total} slots in {pages} pages, which is too many to go through")
        self.shift = heap.spans.page.bit_length() - 1
        self.page_of: Dict[int, int] = {}
        for i, span in enumerate(self.spans):
            self.page_of.update(dict.fromkeys(range(span.start >> self.shift, span.end >> self.shift), i))
        self._views: Optional[List[Optional[memoryview]]] = None
        self.unreadable = 0
        self._allocated: Optional[bytearray] = None

    def slot(self, address: int) -> int:
        """The slot that holds `address`; -1 outside of all."""
        i = self.page_of.get(address >> self.shift)
        if i is None:
            return -1
        number = (address - self.starts[i]) // self.sizes[i]
        return self.firsts[i] + number if number < self.counts[i] else -1

    def span_of(self, slot: int) -> int:
        """The index of the span that the slot is in."""
        return bisect_right(self.firsts, slot) - 1

    def base(self, slot: int) -> int:
        i = self.span_of(slot)
        return self.starts[i] + (slot - self.firsts[i]) * self.sizes[i]

    def object(self, slot: int) -> HeapObject:
        i = self.span_of(slot)
        span, number = self.spans[i], slot - self.firsts[i]
        heap = self.heap
        return HeapObject(
            span.base(number), span.size, number, span, heap.bits.header_of(span), heap.state(span, number)
        )

    @property
    def allocated(self) -> bytearray:
        """A byte for each slot, 1 when it is allocated; what cannot be told counts as allocated."""
        if self._allocated is None:
            found = bytearray()
            for span in self.spans:
                bits = self.heap.bits.allocated(span)
                found += b"\1" * span.slots if isinstance(bits, Absent) else flags(bits, span.slots)
            self._allocated = found
        return self._allocated

    @property
    def views(self) -> List[Optional[memoryview]]:
        """The 8-byte words of each span's objects; None where they cannot be read. Kept: of a core that is mapped they
        cost nothing. FormatError where they are too many to copy."""
        if self._views is None:
            size = sum(span.end - span.start for span in self.spans)
            if size > _MAX_COPIED and not isinstance(self.heap.session.memory, MappedMemory):
                raise FormatError(
                    f"the heap has {size >> 20} MiB, too much to read through a debugger: `goxray` maps a core instead"
                )
            found: List[Optional[memoryview]] = []
            for group in self._groups():
                found += self._read(group)
            self.unreadable = sum(view is None for view in found)
            self._views = found
        return self._views

    def _groups(self) -> Iterator[List[Span]]:
        """Spans that lie together, for one read."""
        group: List[Span] = []
        for span in self.spans:
            if group and (span.start != group[-1].end or span.end - group[0].start > _AT_ONCE):
                yield group
                group = []
            group.append(span)
        if group:
            yield group

    def _read(self, group: Sequence[Span]) -> List[Optional[memoryview]]:
        start = group[0].start
        try:
            data, at = self.heap.session.memory.locate(start, group[-1].end - start)
        except ReadError:
            if len(group) == 1:
                return [None]
            return [view for span in group for view in self._read([span])]
        whole = memoryview(data)
        found: List[Optional[memoryview]] = []
        for span in group:
            first = at + span.start - start
            found.append(whole[first : first + span.slots * span.size].cast("Q"))
        return found

    def word_flags(self, index: int) -> Tuple[bytes, str]:
        """(a byte for each word of the span's objects: 1 for pointers of allocated ones, why that is not known)."""
        span = self.spans[index]
        mask = self.heap.bits.pointers(span)
        if isinstance(mask, Absent):
            return b"", mask.detail
        first = self.firsts[index]
        live = self.allocated[first : first + span.slots]
        if 0 not in live:
            return mask, ""
        width = span.size // WORD
        cells = (bytes(width), b"\1" * width)
        cover = b"".join([cells[each] for each in live])
        both = int.from_bytes(mask, "little") & int.from_bytes(cover, "little")
        return both.to_bytes(len(mask), "little"), ""


def numbers(count: int, value: int, code: str = "i") -> array[int]:
    """An array of `count` equal numbers."""
    return array(code, [value]) * count
