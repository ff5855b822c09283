"""go-heap: how many objects there are, by size class, state or type."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, List, Optional

from ..errors import UserError
from ..export.heapprofile import heap_profile
from ..runtime.heap.census import Census, take
from ..runtime.heap.spread import Spread
from ..runtime.heap.survey import Survey
from .base import Command, Result, add_limit
from .heapwork import surveyed
from .output import write_atomically

if TYPE_CHECKING:
    from ..session import Session

CLASS, TYPE, STATE = "class", "type", "state"
UNTYPED = ""


@dataclass
class TypeTally:
    """Objects of one type; name "": of no known one. size: of one value, 0 where that says nothing."""

    name: str
    objects: int
    bytes: int


@dataclass
class TypeShare:
    """What of the objects is of a known type."""

    objects: int
    bytes: int


@dataclass
class HeapView:
    """by: what the rows are. types: only when they were asked for; limit: how many rows to show."""

    census: Census
    by: str
    types: Optional[List[TypeTally]]
    typed: Optional[TypeShare]
    limit: Optional[int]


@dataclass
class ExportedHeap:
    """A profile that was written."""

    path: str
    types: int
    objects: int
    bytes: int


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--by", choices=(CLASS, TYPE, STATE), default=CLASS, help="what to count by (class)")
    parser.add_argument("--format", choices=("pprof",), help="write a profile of types instead, to -o FILE")
    add_limit(parser)


def run(session: Session, options: argparse.Namespace) -> Result:
    if options.format and options.output is None:
        raise UserError("--format pprof wants a file to write to, -o FILE: it is binary")
    with surveyed(session) as survey:
        census = take(survey.table)
        types = tallies(survey) if options.by == TYPE or options.format else None
        warnings = [*session.warnings, *survey.problems]
    if options.format and types is not None:
        return _export(options.output, types, warnings)
    typed = None
    if types is not None:
        known = [each for each in types if each.name != UNTYPED]
        typed = TypeShare(sum(each.objects for each in known), sum(each.bytes for each in known))
    return Result("go-heap", HeapView(census, options.by, types, typed, options.limit), warnings)


def tallies(survey: Survey) -> List[TypeTally]:
    """Every type with its objects, those with the most bytes first."""
    spread: Spread = survey.spread
    table = survey.table
    found: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    names = [kind.name for kind in spread.kinds.all]
    for i, first in enumerate(table.firsts):
        count, size = table.counts[i], table.sizes[i]
        kinds = Counter(spread.kind_of[first : first + count])
        free = table.allocated[first : first + count].count(0)
        kinds[0] -= free
        for kind, number in kinds.items():
            if number:
                found[names[kind]] += number
                sizes[names[kind]] += number * size
    return sorted((TypeTally(name, found[name], sizes[name]) for name in found), key=lambda t: (-t.bytes, t.name))


def _export(output: str, types: List[TypeTally], warnings: List[str]) -> Result:
    write_atomically(output, [heap_profile([(t.name or "(unknown)", t.objects, t.bytes) for t in types], warnings)])
    path = os.path.expanduser(output)
    body = ExportedHeap(path, len(types), sum(t.objects for t in types), sum(t.bytes for t in types))
    return Result("go-heap", body, warnings, written=True)


COMMAND = Command(
    name="go-heap",
    help="Count the objects of the heap, by size class, state or type.",
    run=run,
    arguments=arguments,
    details="""The totals are those that runtime.ReadMemStats has as HeapObjects and HeapAlloc. States: "survived" the
last collection, "new" since then, "garbage" that it found and has not swept yet; while one is at work "marked" and
"unmarked".

By type: what the allocator recorded of objects of more than 512 bytes (since Go 1.22), what interfaces hold, closures,
channels, and from there along typed pointers, as long as size class and pointers of an object are those of the type;
the rest is "(unknown)". [...]T is an array, of which only the room is known. --format pprof writes the same for
`go tool pprof` (inuse_objects, inuse_space).

  go-heap
  go-heap --by type --limit 50
  go-heap --format pprof -o heap.pb.gz""",
)
