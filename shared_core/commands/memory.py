"""go-memory: what the program's memory is used for, by the runtime's own books and by the system's."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Callable, List, NamedTuple, Optional, TypeVar

from ..errors import UNREADABLE, Absent, GoxrayError, Maybe
from ..runtime.memstats import MemStats, read_memstats
from ..runtime.pacer import Collector, gc_controller, read_collector
from ..runtime.regions import Region, read_regions
from ..runtime.spans import Spans, mheap, read_spans
from .base import Command, Result, add_limit

if TYPE_CHECKING:
    from ..session import Session

T = TypeVar("T")


class MemoryUse(NamedTuple):
    """limit: how many size classes to show; None for the default of text, and all in JSON."""

    stats: Maybe[MemStats]
    collector: Maybe[Collector]
    spans: Maybe[Spans]
    regions: List[Region]
    limit: Optional[int]


def run(session: Session, options: argparse.Namespace) -> Result:
    heap, pacer = mheap(session), gc_controller(session)
    stats = _or_why(lambda: read_memstats(session, heap, pacer))
    spans = _or_why(lambda: read_spans(session, heap))
    use = MemoryUse(
        stats, _or_why(lambda: read_collector(session, pacer)), spans, read_regions(session, heap), options.limit
    )
    return Result("go-memory", use, [*session.warnings, *_warnings(stats, spans)])


def _or_why(get: Callable[[], T]) -> Maybe[T]:
    try:
        return get()
    except GoxrayError as error:
        return Absent(UNREADABLE, str(error))


def _warnings(stats: Maybe[MemStats], spans: Maybe[Spans]) -> List[str]:
    found = []
    if not isinstance(stats, Absent) and stats.problems:
        what = "; ".join(stats.problems)
        found.append(f"the runtime's books do not agree, as when it is just changing them: {what}")
    if isinstance(spans, Absent):
        return found
    if spans.lost:
        found.append(f"{spans.lost} spans cannot be read, or are none")
    if spans.left:
        found.append(f"{spans.left} spans were not looked at: there are too many")
    if not isinstance(stats, Absent) and spans.in_use != stats.heap_inuse and not (spans.lost or spans.left):
        found.append(f"the spans in use have {spans.in_use} bytes, where the runtime counts {stats.heap_inuse}")
    return found


COMMAND = Command(
    name="go-memory",
    help="Show what the heap, stacks and mappings take, and when the collector runs next.",
    run=run,
    arguments=add_limit,
    details="""The numbers are those that runtime.ReadMemStats would give now, under the same names in JSON, but that
stacks which Ps keep for reuse count as in use. "marked" is what the last collection found alive, "live" adds what was
allocated since; a cycle starts when live reaches the trigger, and aims to end before it reaches the goal.

Size classes come with the most bytes first, --limit of them (10 by default, all with --json); "noscan" are those of
objects without pointers, "large" spans hold one object each. WASTE is what spans hold and objects do not use.

Mappings are put together by what they are for; RESIDENT is what of them is in RAM, known of a process on this machine.

  go-memory --limit 30
  go-memory --json --output memory.json""",
)
