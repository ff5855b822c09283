"""go-find: where a value, a text or pointers into a range are, in heap, stacks and variables."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, List, Optional, Tuple

from ..errors import UserError
from ..runtime.heap.search import GLOBALS, HEAP, STACKS, Match, Search
from ..runtime.pointers import Pointers
from .base import Command, Result, add_limit
from .heapwork import surveyed

if TYPE_CHECKING:
    from ..session import Session

_SHOWN = 100


@dataclass
class Found:
    """match, and what it is part of."""

    match: Match
    place: str


@dataclass
class Finds:
    """what: in words, what was looked for. more: there are others than these."""

    what: str
    found: List[Found]
    more: bool


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="VALUE|TEXT|A..B", help="a number, a text, or a range that words are in")
    parser.add_argument("--text", action="store_true", help="it is a text, although it looks like a number")
    parser.add_argument("--in", dest="where", choices=(HEAP, STACKS, GLOBALS), help="look there alone")
    add_limit(parser)


def run(session: Session, options: argparse.Namespace) -> Result:
    limit: Optional[int] = options.limit
    most = _SHOWN if limit is None else limit
    wanted = (options.where,) if options.where else (GLOBALS, STACKS, HEAP)
    bounds = None if options.text else _bounds(options.what)
    if not options.what:
        raise UserError("go-find wants something to look for")
    with surveyed(session) as survey:
        search = Search(session, survey.progress)
        ranges = search.ranges(survey.table, wanted)
        if bounds is None:
            what, matches = (
                f"the text {options.what!r}",
                search.texts(ranges, options.what.encode("utf-8", "surrogateescape")),
            )
        else:
            what = f"{bounds[0]:#x}" if bounds[1] == bounds[0] + 1 else f"words from {bounds[0]:#x} to {bounds[1]:#x}"
            matches = search.words(ranges, *bounds)
        found = list(islice(matches, most + 1))
        pointers = Pointers(session)
        rows = [Found(match, pointers.detail(match.address)) for match in found[:most]]
        warnings = [*session.warnings]
        if survey.table.lost:
            warnings.append(f"{survey.table.lost} spans cannot be read, or are none")
        if search.missing:
            warnings.append(f"{search.missing} bytes of what was to be looked through cannot be read")
    return Result("go-find", Finds(what, rows, len(found) > most), warnings)


def _bounds(text: str) -> Optional[Tuple[int, int]]:
    """[low, high) of a number or a range; None for what is a text."""
    first, dots, last = text.partition("..")
    try:
        low = int(first, 0)
        high = int(last, 0) if dots else low + 1
    except ValueError:
        return None
    if not dots and -(1 << 63) <= low < 0:
        low += 1 << 64
        high = low + 1
    if not 0 <= low < high <= 1 << 64:
        raise UserError(f"{text} is no word of 8 bytes, and no range of them: write A..B with A below B")
    return low, high


COMMAND = Command(
    name="go-find",
    help="Find a value, a text or pointers into a range in heap, stacks and variables.",
    run=run,
    arguments=arguments,
    details="""Numbers are looked for as aligned words of 8 bytes; A..B finds each word with A <= word < B, that is
pointers into the range. A text is looked for anywhere, in constants too. What is found may be left over from before: in
free slots, on dead parts of stacks.

  go-find 0xc000012340
  go-find 0xc000012000..0xc000014000 --in heap
  go-find "some text"
  go-find --text 42""",
)
