"""How many objects there are: by size class and by state, out of the spans' bits alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List

from ...errors import Absent
from .objects import FREE, GARBAGE, MARKED, NEW, SURVIVED, UNMARKED
from .table import SpanTable

UNKNOWN = "unknown"


@dataclass
class Tally:
    """objects of `bytes` altogether."""

    objects: int = 0
    bytes: int = 0

    def add(self, objects: int, size: int) -> None:
        self.objects += objects
        self.bytes += objects * size


@dataclass
class ClassTally(Tally):
    """Of one size class, or of all large objects; slots: places for objects, span_bytes: of its spans."""

    size: int = 0
    noscan: bool = False
    slots: int = 0
    spans: int = 0
    span_bytes: int = 0


@dataclass
class Census:
    """total: of what is allocated. states: as HeapObject.state has them; UNKNOWN where bits cannot be read."""

    total: Tally = field(default_factory=Tally)
    classes: List[ClassTally] = field(default_factory=list)
    states: Dict[str, Tally] = field(default_factory=dict)


def take(table: SpanTable) -> Census:
    """Count all objects."""
    found = Census()
    classes: Dict[int, ClassTally] = {}
    for span in table.spans:
        tally = classes.get(span.class_number)
        if tally is None:
            size = 0 if span.large else span.size
            tally = classes[span.class_number] = ClassTally(size=size, noscan=span.noscan)
        tally.slots += span.slots
        tally.spans += 1
        tally.span_bytes += span.end - span.start
        bits = table.heap.bits.allocated(span)
        if isinstance(bits, Absent):
            found.states.setdefault(UNKNOWN, Tally()).add(span.slots, span.size)
            continue
        count = _ones(bits)
        tally.add(count, span.size)
        found.total.add(count, span.size)
        found.states.setdefault(FREE, Tally()).add(span.slots - count, span.size)
        _states(table, found, span, bits, count)
    found.classes = sorted(classes.values(), key=lambda each: (-each.bytes, each.size, each.noscan))
    return found


def _states(table: SpanTable, found: Census, span, bits: int, count: int) -> None:  # type: ignore[no-untyped-def]
    heap = table.heap
    by_marks = heap.marking or span.unswept
    old = heap.bits.marked(span) if by_marks else heap.bits.survived(span)
    if isinstance(old, Absent):
        found.states.setdefault(UNKNOWN, Tally()).add(count, span.size)
        return
    one, other = (MARKED, UNMARKED) if heap.marking else (SURVIVED, GARBAGE if span.unswept else NEW)
    kept = _ones(bits & old)
    found.states.setdefault(one, Tally()).add(kept, span.size)
    found.states.setdefault(other, Tally()).add(count - kept, span.size)


def _ones(bits: int) -> int:
    return bin(bits).count("1")
