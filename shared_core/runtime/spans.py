"""The heap's spans: what each size class holds, by going through all of them.

Source: Go 1.27 runtime/mheap.go (mheap.allspans, mspan, spanClass).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, Iterator, List, Optional, Tuple

from ..errors import FormatError, LayoutError, ReadError
from .record import Record

if TYPE_CHECKING:
    from ..session import Session

MAX_SPANS = 1 << 22  # of 8 KiB at least: a heap of 32 GiB
_AT_ONCE = 1 << 13  # pointers in a read of 64 KiB
_MAX_PAGES = 1 << 35  # 48 bits of addresses
_SAMPLE = 16
# In the order of the runtime's structure in every version but for `nelems`, so: sorted by their offsets.
_FIELDS = ("startAddr", "npages", "nelems", "sweepgen", "allocCount", "spanclass", "state", "elemsize")


@dataclass
class SpanClass:
    """The spans in use of one class. size: of an object in bytes, 0 for spans of one large object each.

    noscan: its objects hold no pointers. bytes: of the spans themselves. objects: slots that are allocated, of so many;
    used: their bytes. unswept: spans that the collection before has not swept yet, in which objects may be dead.
    """

    number: int
    size: int
    noscan: bool
    spans: int = 0
    bytes: int = 0
    objects: int = 0
    slots: int = 0
    used: int = 0
    unswept: int = 0


@dataclass
class Spans:
    """manual: bytes of spans that hold stacks and the collector's buffers; lost: how many could not be read or are
    none; left: how many were not looked at, for their number."""

    classes: List[SpanClass]
    spans: int
    in_use: int
    manual: int
    lost: int
    left: int


def mheap(session: Session) -> Record:
    """runtime.mheap_; LayoutError where nothing that looks like it is found."""
    kind = session.layout.struct("runtime.mheap")
    return Record(session.memory, kind, session.globals.find("runtime.mheap_", lambda at: _is_mheap(session, at)))


def _is_mheap(session: Session, address: int) -> bool:
    """allspans leads to spans: each is of whole pages, and of a state that there is."""
    kind = session.layout.struct("runtime.mheap")
    try:
        array, length, capacity = session.memory.slice_header(address + kind.offset("allspans"))
        if not 0 < length <= capacity < 1 << 40 or array % 8:
            return False
        found = list(_read(session, session.memory.pointers(array, min(length, _SAMPLE))))
    except (ReadError, LayoutError, struct.error):
        return False
    return bool(found) and all(_plausible(span) for span in found)


def _read(session: Session, pointers: Tuple[int, ...]) -> Iterator[Dict[str, int]]:
    """The spans at these addresses; what cannot be read is {}."""
    kind = session.layout.struct("runtime.mspan")
    names = sorted(_FIELDS, key=kind.offset)
    unpack, size, locate = kind.unpacker(names).unpack_from, kind.size, session.memory.locate
    for pointer in pointers:
        try:
            yield dict(zip(names, unpack(*locate(pointer, size))))
        except ReadError:
            yield {}


def _plausible(span: Dict[str, int]) -> bool:
    return bool(span) and span["state"] <= 2 and span["startAddr"] % 4096 == 0 and span["npages"] < _MAX_PAGES


def read_spans(session: Session, heap: Record) -> Spans:
    """All spans of the heap by class, the ones that take most bytes first.

    The sum of `in_use` is the heap in use. FormatError when there are none, ReadError where their list is not there.
    """
    states = session.layout.numbers("span_states")
    page, sweepgen = session.layout.constants["page_size"], heap.unsigned("sweepgen")
    array, total = heap.unsigned("allspans.ptr"), heap.unsigned("allspans.len")
    classes: Dict[int, SpanClass] = {}
    spans = in_use = manual = lost = 0
    for pointers in _pointers(session, array, min(total, MAX_SPANS)):
        for span in _read(session, pointers):
            if not _plausible(span):
                lost += 1
                continue
            if span["state"] == states["manual"]:
                manual += span["npages"] * page
            if span["state"] != states["in_use"]:
                continue
            if not _add(classes, span, page, sweepgen):
                lost += 1
                continue
            spans += 1
            in_use += span["npages"] * page
    if not total:
        raise FormatError("the heap has no spans yet")
    found = sorted(classes.values(), key=lambda each: (-each.bytes, each.number))
    return Spans(found, spans, in_use, manual, lost, max(0, total - MAX_SPANS))


def _pointers(session: Session, array: int, count: int) -> Iterator[Tuple[int, ...]]:
    for start in range(0, count, _AT_ONCE):
        yield session.memory.pointers(array + 8 * start, min(_AT_ONCE, count - start))


def _add(classes: Dict[int, SpanClass], span: Dict[str, int], page: int, sweepgen: int) -> bool:
    """False for a span whose numbers cannot be."""
    size = span["npages"] * page
    if not span["npages"] or span["allocCount"] > span["nelems"] or span["elemsize"] * span["nelems"] > size:
        return False
    number = span["spanclass"]
    found = classes.get(number)
    if found is None:
        # spanClass: the size class, and in the lowest bit whether it is noscan; size class 0 is for large objects.
        found = classes[number] = SpanClass(number, span["elemsize"] if number >> 1 else 0, bool(number & 1))
    found.spans += 1
    found.bytes += size
    found.objects += span["allocCount"]
    found.slots += span["nelems"]
    found.used += span["allocCount"] * span["elemsize"]
    # mspan.sweepgen: two behind the heap's needs sweeping, one ahead was cached before the sweep began.
    found.unswept += span["sweepgen"] in ((sweepgen - 2) % (1 << 32), (sweepgen + 1) % (1 << 32))
    return True


def object_at(session: Session, heap: Record, address: int) -> Optional[Tuple[int, int]]:
    """(start, size in bytes) of the heap object that holds `address`; None outside the heap. findObject without marks.

    ReadError where the heap's own tables cannot be read.
    """
    constants, memory = session.layout.constants, session.memory
    arena = (address - constants["arena_base_offset"]) % (1 << 64) // constants["heap_arena_bytes"]
    bits = constants["arena_l2_bits"]
    # mheap.arenas is an array of pointers to arrays of pointers; without first-level bits it has one of them.
    if arena >> bits >= 1 << constants["arena_l1_bits"]:
        return None
    offset = session.layout.struct("runtime.mheap").offset("arenas")
    second = memory.u64(heap.address + offset + 8 * (arena >> bits))
    arena_address = memory.u64(second + 8 * (arena & ((1 << bits) - 1))) if second else 0
    if not arena_address:
        return None
    page = address // constants["page_size"] % constants["pages_per_arena"]
    span_address = memory.u64(arena_address + session.layout.struct("runtime.heapArena").offset("spans") + 8 * page)
    span = next(iter(_read(session, (span_address,)))) if span_address else {}
    if not _plausible(span) or session.layout.enums["span_states"].get(span["state"]) != "in_use":
        return None
    index = (address - span["startAddr"]) // max(span["elemsize"], 1)
    inside = 0 <= index < span["nelems"]
    return (span["startAddr"] + index * span["elemsize"], span["elemsize"]) if inside else None
