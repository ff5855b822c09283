"""go-refs: who points to an object, and what keeps it alive."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Dict, List, Optional, Tuple

from ..errors import ReadError, UserError
from ..runtime.heap import HeapObject
from ..runtime.heap.graph import places_of
from ..runtime.heap.objects import FREE
from ..runtime.heap.rootset import STACK, Root
from ..runtime.heap.survey import Survey
from ..runtime.pointers import Pointers
from .base import Command, Result, add_limit, address, count
from .heapwork import surveyed

if TYPE_CHECKING:
    from ..session import Session

_SHOWN = 20
_MOST = 1 << 16


@dataclass
class RootView:
    """A root; text: what it is called; value: the word that it holds."""

    kind: str
    place: int
    value: int
    who: int
    text: str


@dataclass
class Referrer:
    """depth 1: it refers to the object itself, 2: to one that does, and so on; to: the base of what it refers to.

    Either an object or a root. places: of the words in it that do. kept: whether anything leads to it.
    """

    depth: int
    to: int
    object: Optional[HeapObject]
    type: str
    places: List[int]
    root: Optional[RootView]
    kept: bool = True


@dataclass
class PathStep:
    """An object on the way; place: the word of the one before it, or of the root, that refers to it."""

    object: HeapObject
    type: str
    place: int


@dataclass
class Path:
    root: RootView
    steps: List[PathStep]


@dataclass
class References:
    """Of the object that holds `address`. total: how many refer to it directly; cut: not all rows were looked for."""

    address: int
    object: HeapObject
    type: str
    kept: bool
    referrers: List[Referrer] = field(default_factory=list)
    paths: List[Path] = field(default_factory=list)
    total: int = 0
    limit: int = _SHOWN


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("address", metavar="ADDRESS", type=address, help="any address inside the object")
    parser.add_argument("--depth", metavar="N", type=count, default=1, help="referrers of referrers, N deep (1)")
    parser.add_argument("--paths", metavar="K", type=count, default=1, help="up to K ways from roots to it (1)")
    add_limit(parser)


def run(session: Session, options: argparse.Namespace) -> Result:
    with surveyed(session) as survey:
        body = _Finder(session, survey, options.limit).find(options.address, options.depth, options.paths)
        return Result("go-refs", body, [*session.warnings, *survey.problems])


class _Finder:
    def __init__(self, session: Session, survey: Survey, limit: Optional[int]) -> None:
        self._session = session
        self._survey = survey
        self._limit = _SHOWN if limit is None else limit
        self._pointers = Pointers(session)
        self._by_target: Dict[int, List[Root]] = {}

    def find(self, at: int, depth: int, paths: int) -> References:
        survey, table = self._survey, self._survey.table
        slot = table.slot(at)
        if slot < 0:
            what = self._pointers.detail(at)
            raise UserError(f"{at:#x} is in no object of the heap ({what}); go-find A..B looks for pointers anywhere")
        found = table.object(slot)
        if found.state == FREE:
            raise UserError(f"{at:#x} is in a free slot of {found.size} bytes")
        reach = survey.reach
        for root in survey.roots:
            target = table.slot(root.value)
            if target >= 0:
                self._by_target.setdefault(target, []).append(root)
        ways = self._paths(slot, paths)
        body = References(at, found, "", reach.parents[slot] != -1, limit=self._limit)
        body.paths = ways
        body.referrers, body.total = self._levels(slot, depth)
        body.type = survey.names.name(slot)
        return body

    def _levels(self, slot: int, depth: int) -> Tuple[List[Referrer], int]:
        """(rows, how many refer to the object itself)."""
        survey, rows, level, seen, total = self._survey, [], [slot], {slot}, 0
        reach = survey.reach
        for number in range(1, depth + 1):
            pairs = sorted(set(survey.graph.referrers(level)))
            pairs = [(source, target) for source, target in pairs if survey.table.allocated[source]]
            if number == 1:
                total = len(pairs) + len(self._by_target.get(slot, ()))
            found: List[Referrer] = []
            for target in level:
                base = survey.table.base(target)
                for root in self._by_target.get(target, ())[: self._limit]:
                    found.append(Referrer(number, base, None, "", [root.place], self._root(root)))
            following = []
            for source, target in pairs[: max(self._limit, 0) if number == 1 else _MOST]:
                if len(found) >= self._limit:
                    break
                survey.names.along([source])
                places = places_of(survey.table, source, target)
                kept = reach.parents[source] != -1
                found.append(
                    Referrer(
                        number, survey.table.base(target), survey.table.object(source), survey.names.name(source),
                        places, None, kept,
                    )
                )  # fmt: skip
                if source not in seen:
                    seen.add(source)
                    following.append(source)
            rows += found
            level = following
        return rows, total

    def _paths(self, slot: int, most: int) -> List[Path]:
        """The shortest way there is, then those through other referrers."""
        reach, found, firsts = self._survey.reach, [], set()
        best = reach.path(slot)
        if best is None or not most:
            return []
        ways = [best]
        firsts.add(best[1][-2] if len(best[1]) > 1 else -1)
        if most > 1:
            others = [(root, [slot]) for root in self._by_target.get(slot, ()) if root is not best[0]]
            for source, _ in self._survey.graph.referrers([slot]):
                if source in firsts or source == slot:
                    continue
                firsts.add(source)
                way = reach.path(source)
                if way is not None and slot not in way[1]:
                    others.append((way[0], [*way[1], slot]))
                if len(others) > _MOST:
                    break
            ways += sorted(others, key=lambda way: len(way[1]))
        for root, slots in ways[:most]:
            found.append(self._path(root, slots))
        return found

    def _path(self, root: Root, slots: List[int]) -> Path:
        survey, table = self._survey, self._survey.table
        survey.names.along(slots, self._before(root))
        steps, previous = [], -1
        for slot in slots:
            place = root.place
            if previous >= 0:
                place = next(iter(places_of(table, previous, slot)), 0)
            steps.append(PathStep(table.object(slot), survey.names.name(slot), place))
            previous = slot
        return Path(self._root(root), steps)

    def _before(self, root: Root) -> int:
        try:
            return self._session.memory.u64(root.place - 8) if root.place else 0
        except ReadError:
            return 0

    def _root(self, root: Root) -> RootView:
        if root.kind == STACK:
            frame = self._pointers.frame_at(root.place)
            text = f"stack of goroutine {root.who}" + (f", {frame}" if frame else "") + f", at {root.place:#x}"
        elif root.kind == "global":
            text = f"global {root.place:#x} ({self._pointers.detail(root.place)})"
        elif root.kind == "register":
            text = f"register {root.name} of thread {root.who}"
        elif root.who:
            text = f"{root.kind} of {root.who:#x}"
        else:
            text = f"{root.kind}, at {root.place:#x}"
        return RootView(root.kind, root.place, root.value, root.who, text)


COMMAND = Command(
    name="go-refs",
    help="Show who points to a heap object, and what keeps it alive.",
    run=run,
    arguments=arguments,
    details="""Referrers are objects with words that the collector follows into this one, and roots: variables of
packages, live words of stacks, registers, finalizers, cleanups. --depth N goes on with what refers to those. A path is
a shortest way from a root; with --paths K the others come in by another referrer each. "unreachable" ones are garbage,
or kept by what is not looked at.

  go-refs 0xc000012340
  go-refs 0xc000012340 --depth 3 --limit 100
  go-refs 0xc000012340 --paths 5""",
)
