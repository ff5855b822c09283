"""What a span's bits say: which objects are allocated and marked, and which words may be pointers.

A version keeps the latter in one of three ways, which its structures tell apart. Up to Go 1.19 the arena has two bits
for each word, "pointer" and "more to come"; in 1.20 and 1.21 one bit, and one for each 64 words: "no more in this
object". Since Go 1.22 objects of up to 512 bytes have their bits at the end of their span, larger ones the address of
their type in front or in the mspan.

Sources: runtime/mbitmap.go of Go 1.19, 1.21 and 1.27, runtime/mgcmark_greenteagc.go (spanInlineMarkBits).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Dict, List, Tuple

from ...binary.types.masks import repeated
from ...errors import NOT_RECORDED, UNPARSABLE, UNREADABLE, Absent, Maybe, ReadError
from ...layouts import dialect
from .headers import HeaderTypes, flags
from .span import WORD, Span, SpanReader

if TYPE_CHECKING:
    from ...session import Session

_WORD_BITS = 64
_ROW = _WORD_BITS // 8  # bytes of bitmap for 512 bytes of heap, one bit per word
_MAX_BYTES = 1 << 33  # of a span that is looked at


class SpanBits:
    """Reads bits of spans of one stopped program."""

    def __init__(self, session: Session, spans: SpanReader, headers: HeaderTypes) -> None:
        self._memory = session.memory
        self._spans = spans
        self._headers = headers
        arena = session.layout.struct("runtime.heapArena")
        self._bitmap = arena.offset("bitmap") if "bitmap" in arena else None
        self._no_more = arena.offset("noMorePtrs") if "noMorePtrs" in arena else None
        inline = "pageUseSpanInlineMarkBits"
        self._inline_pages = arena.offset(inline) if inline in arena else None
        self._inline = dialect.inline_mark_bits(session.layout)
        self.header_size = WORD if self._bitmap is None else 0
        self._largest = WORD * _WORD_BITS  # MinSizeForMallocHeader
        self._rows: Dict[Tuple[int, int, int], int] = {}

    def header_of(self, span: Span) -> int:
        """Bytes before each object of the span that hold its type."""
        return self.header_size if span.size > self._largest and not (span.noscan or span.large) else 0

    def allocated(self, span: Span) -> Maybe[int]:
        """Bit i is set when object i is allocated (isFree)."""
        low = (1 << span.fresh) - 1
        if span.fresh == span.slots:
            return low
        found = self._bits(span.alloc_bits, span.slots)
        return found if isinstance(found, Absent) else found & ~low | low

    def survived(self, span: Span) -> Maybe[int]:
        """Of a span that was swept: bit i is set when object i was marked by the last collection."""
        return self._bits(span.alloc_bits, span.slots)

    def marked(self, span: Span) -> Maybe[int]:
        """Bit i is set when the collection that runs, or of an unswept span the last one, has marked object i."""
        if not self._has_inline_bits(span):
            return self._bits(span.mark_bits, span.slots)
        size, marks = self._inline
        # They are at the end of the span's only page; what was marked before the span was queued is among them.
        return self._bits(span.start + self._spans.page - size + marks, span.slots)

    def _bits(self, address: int, count: int) -> Maybe[int]:
        try:
            data = self._memory.read(address, (count + 7) // 8)
        except ReadError as error:
            return Absent(UNREADABLE, str(error))
        return int.from_bytes(data, "little") & (1 << count) - 1

    def _has_inline_bits(self, span: Span) -> bool:
        if self._inline_pages is None or span.size > self._largest:
            return False
        page = (span.start - self._spans.arena_start(span.start)) // self._spans.page
        try:
            arena = self._spans.arena(span.start)
            return bool(arena and self._memory.u8(arena + self._inline_pages + page // 8) >> page % 8 & 1)
        except ReadError:
            return False

    def pointers(self, span: Span) -> Maybe[bytes]:
        """A byte for each word of the span's objects: 1 where the collector takes it for a pointer.

        What it says of free objects means nothing. Of one whose type cannot be had no word counts: see `untold`.
        """
        if span.noscan:
            return bytes(span.slots * span.size // WORD)
        if span.end - span.start > _MAX_BYTES:
            return Absent(NOT_RECORDED, "the object is too large to be looked at")
        try:
            if self._bitmap is not None:
                return self._by_arena(span)
            if span.size <= self._largest or span.chunk:
                return flags(self._at_the_end(span), span.slots * span.size // WORD)
            return self._by_type(span)
        except (ReadError, struct.error) as error:
            return Absent(UNREADABLE, str(error))

    def _at_the_end(self, span: Span) -> int:
        size = (span.end - span.start) // WORD // 8
        at = span.end - size
        if self._has_inline_bits(span):
            at -= self._inline[0]
        return int.from_bytes(self._memory.read(at, size), "little")

    def _by_type(self, span: Span) -> Maybe[bytes]:
        words = span.size // WORD
        if span.large:
            # Up to Go 1.23 it is set after the object was cleared: one without it has nothing to look at yet.
            found = self._headers.at(span.large_type) if span.large_type else None
            return bytes(words) if found is None else found if isinstance(found, Absent) else found.tiled(words)
        pieces: List[bytes] = []
        tiles: Dict[int, bytes] = {}
        data, at = self._memory.locate(span.start, span.slots * span.size)
        for number in range(span.slots):
            address = struct.unpack_from("<Q", data, at + number * span.size)[0]
            tile = tiles.get(address)
            if tile is None:
                header = self._headers.at(address)
                unknown = isinstance(header, Absent)
                tile = tiles[address] = bytes(words) if unknown else b"\0" + header.tiled(words - 1)  # type: ignore[union-attr]
            pieces.append(tile)
        return b"".join(pieces)

    def type_address(self, span: Span, number: int) -> int:
        """Of the type that is recorded of an object; 0 where none is."""
        if span.large_type and not span.chunk:
            return span.large_type
        return self._memory.u64(span.base(number)) if self.header_of(span) else 0

    def _by_arena(self, span: Span) -> Maybe[bytes]:
        words, width = span.slots * span.size // WORD, span.size // WORD
        if self._no_more is None:
            bits = self._two_bits(span, width)
        else:
            bits = self._cut(span, self._arena_bits(span, self._bitmap or 0, _ROW), width)
        return flags(bits, words)

    def _arena_bits(self, span: Span, field: int, per_row: int) -> int:
        """The part of an arena's table for this span, which has `per_row` bytes for 512 bytes of heap."""
        return int.from_bytes(self._arena_bytes(span, field, per_row), "little")

    def _arena_bytes(self, span: Span, field: int, per_row: int) -> bytes:
        pieces, at, scale = [], span.start, WORD * _WORD_BITS
        while at < span.end:
            start = self._spans.arena_start(at)
            stop = min(span.end, start + self._spans.arena_size)
            arena = self._spans.arena(at)
            if not arena:
                raise ReadError(at, stop - at)
            first, last = (at - start) // scale * per_row, (stop - start) // scale * per_row
            pieces.append(self._memory.read(arena + field + first, last - first))
            at = stop
        return b"".join(pieces)

    def _two_bits(self, span: Span, width: int) -> int:
        """Each byte has the "more to come" bits of four words above their pointer bits."""
        digits = self._arena_bytes(span, self._bitmap or 0, 2 * _ROW)[::-1].hex()
        pointers, more = int(digits[1::2], 16), int(digits[0::2], 16)
        # An object ends at its first word without "more": what comes later is left over.
        step = 1
        while step < width:
            more &= more << step | self._starts(width, span.slots, step)
            step *= 2
        return pointers & more

    def _starts(self, width: int, count: int, step: int) -> int:
        """The lowest `step` bits of each of `count` objects of `width` words."""
        key = (width, count, step)
        found = self._rows.get(key)
        if found is None:
            found = self._rows[key] = repeated((1 << step) - 1, width, count)
        return found

    def _cut(self, span: Span, bits: int, width: int) -> int:
        """`bits` without those behind a row that says that there are no more in the object that goes on."""
        rows = (span.end - span.start) // (WORD * _WORD_BITS)
        first = (span.start - self._spans.arena_start(span.start)) // (WORD * _WORD_BITS)
        # One bit for each row: a span begins at a multiple of 16 rows.
        if first % 8:
            return bits
        ended = self._ended(span, rows)
        done = 0
        while ended:
            row = (ended & -ended).bit_length() - 1
            ended &= ended - 1
            at = (row + 1) * _WORD_BITS
            end = (at // width + 1) * width
            if at % width and at >= done:
                bits &= ~((1 << end) - (1 << at))
                done = end
                ended &= ~((1 << end // _WORD_BITS) - 1)
        return bits

    def _ended(self, span: Span, rows: int) -> int:
        pieces, at, scale = [], span.start, WORD * _WORD_BITS * 8
        while at < span.end:
            start = self._spans.arena_start(at)
            stop = min(span.end, start + self._spans.arena_size)
            first, last = (at - start) // scale, (stop - start) // scale
            pieces.append(self._memory.read(self._spans.arena(at) + (self._no_more or 0) + first, last - first))
            at = stop
        return int.from_bytes(b"".join(pieces), "little") & (1 << rows) - 1

    def untold(self, span: Span, number: int) -> str:
        """Why it is not known which words of an object are pointers, "" where it is."""
        address = self.type_address(span, number)
        found = self._headers.at(address) if address else None
        if isinstance(found, Absent):
            return found.detail
        if found is None and self.header_of(span):
            return str(Absent(UNPARSABLE, "it has no type in front of it"))
        return ""
