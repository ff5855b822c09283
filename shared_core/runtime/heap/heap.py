"""The heap of one stopped program: objects by address, and what is to be known of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, Optional, Tuple, cast

from ...binary.types import Types
from ...errors import NOT_RECORDED, Absent, FormatError, GoxrayError, Maybe
from .bits import SpanBits
from .headers import HeaderType, HeaderTypes
from .objects import FREE, GARBAGE, MARKED, NEW, SURVIVED, UNMARKED, HeapObject
from .span import WORD, Span, SpanReader

if TYPE_CHECKING:
    from ...session import Session

_KEY = "heap"
_OTHER_BITMAPS = "noallocheaders"  # Go 1.22 with the bitmaps of 1.21


def heap_of(session: Session) -> Heap:
    """The Heap of this stop. FormatError, LayoutError or ReadError where there is none to be found."""
    kept: Dict[str, object] = session.world.kept
    if _KEY not in kept:
        kept[_KEY] = Heap(session)
    return cast(Heap, kept[_KEY])


class Heap:
    """Finds objects without going through the others."""

    def __init__(self, session: Session) -> None:
        self.session = session
        if _OTHER_BITMAPS in session.program.go_version:
            raise FormatError(f"it was built with GOEXPERIMENT={_OTHER_BITMAPS}, whose heap is another")
        self.spans = SpanReader(session)
        self.types: Types = session.types
        self.headers = HeaderTypes(session, self.types)
        self.bits = SpanBits(session, self.spans, self.headers)
        self.marking = self._is_marking()
        self._masks: Dict[int, Tuple[Span, Maybe[bytes]]] = {}

    def _is_marking(self) -> bool:
        """Whether a collection is at work, and mark bits are its own."""
        session = self.session
        try:
            phases = session.layout.enums["gc_phases"]
            at = session.globals.find("runtime.gcphase", lambda place: session.memory.u32(place) in phases)
            return phases[session.memory.u32(at)] != "off"
        except (GoxrayError, KeyError):
            return False

    def object_at(self, address: int) -> Optional[HeapObject]:
        """The slot that holds `address`, free or not; None outside the heap's spans and in what they leave over.

        ReadError or FormatError where the heap's own records of it are not there or make no sense.
        """
        span = self.spans.span_at(address)
        if span is None:
            return None
        number = span.number(address)
        if number >= span.slots:
            return None
        return self.in_span(span, number)

    def in_span(self, span: Span, number: int) -> HeapObject:
        """The slot of this number."""
        state = self.state(span, number)
        return HeapObject(span.base(number), span.size, number, span, self.bits.header_of(span), state)

    def state(self, span: Span, number: int) -> str:
        """See HeapObject.state."""
        allocated = self.bits.allocated(span)
        if isinstance(allocated, Absent):
            return ""
        if not allocated >> number & 1:
            return FREE
        if self.marking or span.unswept:
            marked = self.bits.marked(span)
            if isinstance(marked, Absent):
                return ""
            is_marked = marked >> number & 1
            if self.marking:
                return MARKED if is_marked else UNMARKED
            return SURVIVED if is_marked else GARBAGE
        survived = self.bits.survived(span)
        return "" if isinstance(survived, Absent) else SURVIVED if survived >> number & 1 else NEW

    def pointers(self, span: Span) -> Maybe[bytes]:
        """SpanBits.pointers, kept for the span that was asked for last."""
        found = self._masks.get(span.start)
        if found is None or found[0] != span:
            self._masks.clear()
            found = self._masks[span.start] = (span, self.bits.pointers(span))
        return found[1]

    def pointer_slots(self, found: HeapObject) -> Maybe[Tuple[int, ...]]:
        """The addresses of its words that may be pointers, ascending."""
        why = "" if found.span.noscan else self.bits.untold(found.span, found.number)
        if why:
            return Absent(NOT_RECORDED, f"which of its words are pointers is not known: {why}")
        mask = self.pointers(found.span)
        if isinstance(mask, Absent):
            return mask
        first = (found.base - found.span.start) // WORD
        piece, base = mask[first : first + found.size // WORD], found.base
        slots, at = [], piece.find(1)
        while at >= 0:
            slots.append(base + WORD * at)
            at = piece.find(1, at + 1)
        return tuple(slots)

    def recorded_type(self, found: HeapObject) -> Maybe[HeaderType]:
        """The type that the allocator recorded of it: of its elements, where it is an array."""
        try:
            address = self.bits.type_address(found.span, found.number)
        except GoxrayError as error:
            return Absent(NOT_RECORDED, str(error))
        if not address:
            return Absent(NOT_RECORDED, "the allocator records no type of such an object")
        return self.headers.at(address)
