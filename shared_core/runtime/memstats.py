"""runtime.MemStats out of memory: what runtime.ReadMemStats would answer now, without a call.

Source: Go 1.27 runtime/mstats.go (readmemstats_m, consistentHeapStats), runtime/mcache.go (releaseAll).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Dict, List, Tuple

from ..errors import GoxrayError, ReadError
from .clock import processors
from .record import Record

if TYPE_CHECKING:
    from ..session import Session

_GENERATIONS = 3
_LIMIT = 1 << 56
_PAUSES = 256


@dataclass
class SizeCount:
    """One line of MemStats.BySize: a size class in bytes, and how many objects of it were ever made and freed."""

    size: int
    mallocs: int
    frees: int


@dataclass
class MemStats:
    """The fields of runtime.MemStats by the same names; bytes, counts and ns.

    problems: where the runtime's own books disagree, as they may in a program that was changing them.
    """

    alloc: int
    total_alloc: int
    sys: int
    mallocs: int
    frees: int
    heap_sys: int
    heap_idle: int
    heap_inuse: int
    heap_released: int
    heap_objects: int
    stack_inuse: int
    stack_sys: int
    mspan_inuse: int
    mspan_sys: int
    mcache_inuse: int
    mcache_sys: int
    buck_hash_sys: int
    gc_sys: int
    other_sys: int
    last_gc: int
    pause_total_ns: int
    last_pause_ns: int
    num_gc: int
    num_forced_gc: int
    gc_cpu_fraction: float
    by_size: List[SizeCount]
    problems: List[str] = field(default_factory=list)


class _Totals:
    """heapStatsDelta, summed over its generations, and what Ps keep in their caches counted in."""

    def __init__(self, session: Session, base: int) -> None:
        kind = session.layout.struct("runtime.heapStatsDelta")
        deltas = [Record(session.memory, kind, base + kind.size * index) for index in range(_GENERATIONS)]
        self._deltas = deltas
        self.small_allocs = self._array("smallAllocCount")
        self.small_frees = self._array("smallFreeCount")
        self.tiny = self.number("tinyAllocCount")

    def number(self, name: str) -> int:
        """A delta of one generation may be negative; the sum is not. 0 for what a version does not count."""
        return sum(delta.signed(name) for delta in self._deltas if name in delta) % (1 << 64)

    def _array(self, name: str) -> List[int]:
        return [sum(values) % (1 << 64) for values in zip(*(delta.words(name) for delta in self._deltas))]

    def flush(self, session: Session) -> None:
        """Count in what each P's mcache has handed out of its spans, as flushallmcaches does first of all."""
        cache_kind, p = session.layout.struct("runtime.mcache"), session.layout.struct("runtime.p")
        for processor in processors(session):
            cache = session.memory.u64(processor + p.offset("mcache"))
            if cache:
                record = Record(session.memory, cache_kind, cache)
                self.tiny += record.unsigned("tinyAllocs")
                self._count_in(session, record.words("alloc"))

    def _count_in(self, session: Session, cached: Tuple[int, ...]) -> None:
        span, memory = session.layout.struct("runtime.mspan"), session.memory
        allocated, before = span.offset("allocCount"), span.offset("allocCountBeforeCache")
        for number, address in enumerate(cached):
            # Of emptymspan, which stands for none, both are 0.
            handed_out = memory.u16(address + allocated) - memory.u16(address + before) if address else 0
            if handed_out and number >> 1 < len(self.small_allocs):
                self.small_allocs[number >> 1] += handed_out


def memstats(session: Session) -> Record:
    """runtime.memstats; LayoutError where nothing that looks like it is found."""
    kind = session.layout.struct("runtime.mstats")
    return Record(session.memory, kind, session.globals.find("runtime.memstats", lambda at: _is_memstats(session, at)))


def _is_memstats(session: Session, address: int) -> bool:
    """A generation that there is, and sums of bytes that fit an address space."""
    kind = session.layout.struct("runtime.mstats")
    try:
        record = Record(session.memory, kind, address)
        totals = _Totals(session, address + kind.offset("heapStats.stats"))
    except (ReadError, OverflowError):
        return False
    sums = [totals.number(name) for name in ("committed", "released", "inHeap", "inStacks", "inWorkBufs")]
    return record.unsigned("heapStats.gen") < _GENERATIONS and max(sums) < _LIMIT and totals.number("inHeap") > 0


def read_memstats(session: Session, heap: Record, pacer: Record) -> MemStats:
    """The statistics; `heap` is runtime.mheap_, `pacer` runtime.gcController.

    One difference: ReadMemStats also gives back the stacks that Ps have cached, which count as in use here.
    """
    stats = memstats(session)
    totals = _Totals(session, stats.address + session.layout.struct("runtime.mstats").offset("heapStats.stats"))
    problems = _disagreements(totals, pacer, _sizes(session))
    try:
        totals.flush(session)
    except GoxrayError as error:
        problems.append(f"what Ps have in their caches is not counted in: {error}")
    by_size = [SizeCount(*each) for each in zip(_sizes(session), totals.small_allocs, totals.small_frees)]
    large_allocs, large_frees = totals.number("largeAlloc"), totals.number("largeFree")
    total_alloc = large_allocs + sum(each.size * each.mallocs for each in by_size)
    total_free = large_frees + sum(each.size * each.frees for each in by_size)
    mallocs = totals.number("largeAllocCount") + sum(each.mallocs for each in by_size) + totals.tiny
    frees = totals.number("largeFreeCount") + sum(each.frees for each in by_size) + totals.tiny
    heap_parts = {name: pacer.unsigned(name) for name in ("heapInUse", "heapFree", "heapReleased")}
    stacks = totals.number("inStacks")
    buffers = totals.number("inWorkBufs") + totals.number("inPtrScalarBits")
    own = {name: stats.unsigned(name) for name in _OWN}
    count = stats.unsigned("numgc")
    pauses = stats.words("pause_ns")
    return MemStats(
        alloc=total_alloc - total_free,
        total_alloc=total_alloc,
        sys=sum(heap_parts.values()) + sum(own.values()) + stacks + buffers,
        mallocs=mallocs,
        frees=frees,
        heap_sys=sum(heap_parts.values()),
        heap_idle=heap_parts["heapFree"] + heap_parts["heapReleased"],
        heap_inuse=heap_parts["heapInUse"],
        heap_released=heap_parts["heapReleased"],
        heap_objects=mallocs - frees,
        stack_inuse=stacks,
        stack_sys=stacks + own["stacks_sys"],
        mspan_inuse=heap.unsigned("spanalloc.inuse"),
        mspan_sys=own["mspan_sys"],
        mcache_inuse=heap.unsigned("cachealloc.inuse"),
        mcache_sys=own["mcache_sys"],
        buck_hash_sys=own["buckhash_sys"],
        gc_sys=own["gcMiscSys"] + buffers,
        other_sys=own["other_sys"],
        last_gc=stats.unsigned("last_gc_unix"),
        pause_total_ns=stats.unsigned("pause_total_ns"),
        last_pause_ns=pauses[(count - 1) % _PAUSES] if count else 0,
        num_gc=count,
        num_forced_gc=stats.unsigned("numforcedgc"),
        gc_cpu_fraction=stats.float64("gc_cpu_fraction"),
        by_size=by_size,
        problems=problems,
    )


_OWN = ("stacks_sys", "mspan_sys", "mcache_sys", "buckhash_sys", "gcMiscSys", "other_sys")


def _sizes(session: Session) -> List[int]:
    """Size class -> bytes of an object; 0 for class 0, which has none."""
    known: Dict[int, str] = dict(session.layout.enums.get("size_classes", {}))
    return [int(known.get(number, 0)) for number in range(max(known, default=-1) + 1)]


def _disagreements(totals: _Totals, pacer: Record, sizes: List[int]) -> List[str]:
    """What the runtime itself checks if it doubts its books (doubleCheckReadMemStats), before caches are counted in."""
    kept = totals.number("inStacks") + totals.number("inWorkBufs") + totals.number("inPtrScalarBits")
    allocated = totals.number("largeAlloc") + sum(map(int.__mul__, sizes, totals.small_allocs))
    freed = totals.number("largeFree") + sum(map(int.__mul__, sizes, totals.small_frees))
    pairs = {
        "the heap in use": (pacer.unsigned("heapInUse"), totals.number("inHeap")),
        "the heap that was given back": (pacer.unsigned("heapReleased"), totals.number("released")),
        "the heap that is kept": (
            pacer.unsigned("heapInUse") + pacer.unsigned("heapFree"),
            totals.number("committed") - kept,
        ),
        "what was allocated": (pacer.unsigned("totalAlloc"), allocated),
        "what was freed": (pacer.unsigned("totalFree"), freed),
    }
    return [f"{what}: {one} bytes, or {other}" for what, (one, other) in pairs.items() if one != other]
