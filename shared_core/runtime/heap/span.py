"""Spans, as the heap's own records have them: which one holds an address, and all of them.

Sources: Go 1.27 runtime/mheap.go (mheap.arenas, heapArena, mspan, spanClass), runtime/malloc.go (arenaIndex).
"""

from __future__ import annotations

import struct
from operator import itemgetter
from typing import TYPE_CHECKING, Dict, Iterator, List, NamedTuple, Optional, Tuple

from ...errors import FormatError, ReadError
from ..spans import mheap

if TYPE_CHECKING:
    from ...session import Session

WORD = 8
MAX_SPANS = 1 << 21
_AT_ONCE = 1 << 13
_MAX_SPAN = 1 << 40
_NEEDED = (
    *("startAddr", "npages", "freeindex", "nelems", "allocBits", "gcmarkBits", "sweepgen", "spanclass", "state"),
    "elemsize",
)
_OPTIONAL = ("specials", "isUserArenaChunk", "largeType")


class Span(NamedTuple):
    """A span in use: [start, end) has `slots` objects of `size` bytes, numbered from 0.

    noscan: they hold no pointers. large: one object, of no size class. Objects from number `fresh` on are free unless
    their bit at alloc_bits is set; mark_bits: where those of the collection are that runs, or that was the last.
    unswept: what the last collection did not mark is still there. large_type: the descriptor of what a large object
    holds, 0 where that is not recorded. chunk: of a user arena. address: of the mspan.
    """

    start: int
    end: int
    size: int
    slots: int
    class_number: int
    noscan: bool
    fresh: int
    alloc_bits: int
    mark_bits: int
    unswept: bool
    specials: int
    large_type: int
    chunk: bool
    address: int

    @property
    def large(self) -> bool:
        return self.class_number < 2

    def number(self, address: int) -> int:
        """Of the object that holds `address`, which may be past the last one."""
        return (address - self.start) // self.size

    def base(self, number: int) -> int:
        return self.start + number * self.size


class SpanReader:
    """Reads spans of one stopped program. LayoutError or ReadError where the heap itself is not to be found."""

    def __init__(self, session: Session) -> None:
        self._memory = session.memory
        constants, layout = session.layout.constants, session.layout
        self.page = constants["page_size"]
        self.arena_size, self._arena_offset = constants["heap_arena_bytes"], constants["arena_base_offset"]
        self._l1, self._l2 = constants["arena_l1_bits"], constants["arena_l2_bits"]
        self._in_use = layout.numbers("span_states")["in_use"]
        self._sizes = {number: int(size) for number, size in layout.enums.get("size_classes", {}).items()}
        self.heap = mheap(session)
        self._arenas_at = self.heap.address + layout.struct("runtime.mheap").offset("arenas")
        self._spans_at = layout.struct("runtime.heapArena").offset("spans")
        self._arenas: Dict[int, int] = {}
        generation = self.heap.unsigned("sweepgen")
        # Two behind the heap's: it needs sweeping; one ahead: it was cached before the sweep began, and needs it too.
        self._unswept = ((generation - 2) % (1 << 32), (generation + 1) % (1 << 32))
        kind = layout.struct("runtime.mspan")
        names = sorted((name for name in (*_NEEDED, *_OPTIONAL) if name in kind or name in _NEEDED), key=kind.offset)
        self._kind, self._unpack = kind, kind.unpacker(names).unpack_from
        # An optional field that this version lacks is the 0 that is put behind the others.
        self._pick = itemgetter(*(names.index(n) if n in names else len(names) for n in (*_NEEDED, *_OPTIONAL)))

    def arena(self, address: int) -> int:
        """Where the heapArena is of the arena that holds `address`; 0 outside the heap."""
        index = (address - self._arena_offset) % (1 << 64) // self.arena_size
        found = self._arenas.get(index)
        if found is None:
            found = 0
            if index >> self._l2 < 1 << self._l1:
                second = self._memory.u64(self._arenas_at + WORD * (index >> self._l2))
                found = self._memory.u64(second + WORD * (index & (1 << self._l2) - 1)) if second else 0
            self._arenas[index] = found
        return found

    def arena_start(self, address: int) -> int:
        """Where the arena that holds `address` begins."""
        return address - (address - self._arena_offset) % self.arena_size

    def span_at(self, address: int) -> Optional[Span]:
        """The span in use that holds `address`; None outside of any. ReadError where the records cannot be read."""
        arena = self.arena(address)
        if not arena:
            return None
        page = (address - self.arena_start(address)) // self.page
        pointer = self._memory.u64(arena + self._spans_at + WORD * page)
        found = self.read(pointer) if pointer else None
        return found if found is not None and found.start <= address < found.end else None

    def read(self, pointer: int) -> Optional[Span]:
        """The span that the mspan at `pointer` describes, None for one that is not in use or no span.

        FormatError for one whose numbers cannot be, ReadError for what cannot be read.
        """
        fields = self._pick((*self._unpack(*self._memory.locate(pointer, self._kind.size)), 0))
        start, pages, fresh, slots, alloc, marks, sweepgen, spanclass, state, size, specials, chunk, large = fields
        if state != self._in_use:
            return None
        end = start + pages * self.page
        known = self._sizes.get(spanclass >> 1, 0)
        if start % self.page or not start < end < start + _MAX_SPAN or not size or size % WORD:
            raise FormatError(f"the span at {pointer:#x} has impossible bounds")
        if slots * size > end - start or not slots or fresh > slots or (spanclass > 1 and size != known):
            raise FormatError(f"the span at {pointer:#x} has objects that do not fit into it")
        return Span(
            start, end, size, slots, spanclass, bool(spanclass & 1), fresh, alloc, marks, sweepgen in self._unswept,
            specials, large if spanclass < 2 else 0, bool(chunk), pointer,
        )  # fmt: skip

    def all(self) -> Tuple[List[Span], int]:
        """(the spans in use by address, how many could not be read or lie over others). FormatError for too many."""
        array, total = self.heap.unsigned("allspans.ptr"), self.heap.unsigned("allspans.len")
        if total > MAX_SPANS:
            raise FormatError(f"the heap has {total} spans, which is too many to look through")
        found, lost, end = [], 0, 0
        read, known = self.read, []
        for pointer in self._pointers(array, total):
            try:
                span = read(pointer)
            except (ReadError, FormatError, struct.error):
                lost += 1
                continue
            if span is not None:
                known.append(span)
        for span in sorted(known):
            if span.start < end:
                lost += 1
                continue
            end = span.end
            found.append(span)
        return found, lost

    def _pointers(self, array: int, total: int) -> Iterator[int]:
        for first in range(0, total, _AT_ONCE):
            yield from self._memory.pointers(array + WORD * first, min(_AT_ONCE, total - first))
