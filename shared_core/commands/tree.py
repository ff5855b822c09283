"""go-goroutines --tree: each goroutine under the one that started it (g.parentGoid, Go 1.21 and later)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, NamedTuple, Optional, Set, Tuple

from ..errors import NOT_IN_VERSION, NOT_RECORDED, Absent, Maybe, UserError
from ..runtime.frames import Place
from ..runtime.goroutine import Goroutine
from .views import GoroutineView, Views

_ALIKE = 4  # so many leaves that look the same are one line


class Node(NamedTuple):
    """A line of the tree, `depth` levels in.

    ids: one goroutine, or several without children that look alike; children: how many each started that are shown.
    view is None for a goroutine that has ended. chosen: it passed the filters, not just one below it. wrapped: start is
    what the compiler made of a `go` statement with arguments.
    """

    depth: int
    ids: List[int]
    view: Optional[GoroutineView]
    children: int
    chosen: bool
    start: Maybe[Place]
    wrapped: bool = False


@dataclass
class Tree:
    """The lines from the roots down, the first of `total`; `goroutines` that passed the filters are in it.

    quarters: how many of these wait for what.
    """

    nodes: List[Node] = field(default_factory=list)
    total: int = 0
    goroutines: int = 0
    hidden: int = 0
    quarters: Dict[str, int] = field(default_factory=dict)


def tree(
    views: Views,
    found: List[Goroutine],
    hidden: int,
    quarters: Dict[str, int],
    limit: Optional[int],
    one_by_one: bool,
) -> Tree:
    """The tree of `found` and all that led to them. one_by_one: those that look alike are not put together."""
    if any(isinstance(g.parent_id, Absent) and g.parent_id.kind == NOT_IN_VERSION for g in found[:1]):
        raise UserError("which goroutine started which is recorded since Go 1.21 (--group creator tells the places)")
    builder = _Builder(views, found, one_by_one)
    lines = builder.lines()
    return Tree([builder.node(*line) for line in lines[:limit]], len(lines), len(found), hidden, quarters)


class _Builder:
    """Parents first found, then the tree walked without recursion: a chain may be as long as there are goroutines."""

    def __init__(self, views: Views, found: List[Goroutine], one_by_one: bool) -> None:
        self._views = views
        self._one_by_one = one_by_one
        self._chosen = {g.raw.goid for g in found}
        self._alive = {g.raw.goid: g for g in views.world.goroutines}
        self._children: Dict[int, List[int]] = {}
        self._parents: Dict[int, int] = {}
        for goroutine in found:
            self._add(goroutine.raw.goid)
        for children in self._children.values():
            children.sort()

    def _add(self, goid: int) -> None:
        """`goid` with all above it, as far as that is known; 0 is above the roots."""
        while goid and goid not in self._parents:
            goroutine = self._alive.get(goid)
            parent = goroutine.raw.parent if goroutine is not None else 0
            self._parents[goid] = parent
            self._children.setdefault(parent, []).append(goid)
            goid = parent

    def lines(self) -> List[Tuple[int, List[int]]]:
        """(depth, ids) of each line."""
        found: List[Tuple[int, List[int]]] = []
        seen: Set[int] = set()
        self._walk(0, found, seen)
        # Parents that damaged memory makes a ring of: each is shown once.
        for goid in sorted(self._parents):
            if goid not in seen:
                seen.add(goid)
                found.append((0, [goid]))
                self._walk(goid, found, seen, 1)
        return found

    def _walk(self, top: int, found: List[Tuple[int, List[int]]], seen: Set[int], depth: int = 0) -> None:
        stack = [(depth, ids) for ids in reversed(self._together(self._children.get(top, [])))]
        while stack:
            depth, ids = stack.pop()
            if ids[0] in seen:
                continue
            seen.update(ids)
            found.append((depth, ids))
            below = self._children.get(ids[0], []) if len(ids) == 1 else []
            stack += [(depth + 1, each) for each in reversed(self._together(below))]

    def _together(self, goids: List[int]) -> List[List[int]]:
        """Siblings in the order of the first of each line."""
        alike: Dict[object, List[int]] = {}
        for goid in goids:
            alike.setdefault(self._look(goid), []).append(goid)
        lines: List[List[int]] = []
        for ids in alike.values():
            lines += [ids] if len(ids) >= _ALIKE else [[goid] for goid in ids]
        return sorted(lines)

    def _look(self, goid: int) -> object:
        """What lines of leaves are put together by; the number itself for what is no leaf."""
        goroutine = self._alive.get(goid)
        if self._one_by_one or goroutine is None or goid in self._children:
            return goid
        standing = self._views.standing(goroutine)
        if standing.selected:
            return goid
        return (standing.condition, standing.locked, standing.user, goroutine.raw.startpc, goid in self._chosen)

    def node(self, depth: int, ids: List[int]) -> Node:
        goroutine = self._alive.get(ids[0])
        children = len(self._children.get(ids[0], []))
        if goroutine is None:
            return Node(depth, ids, None, children, False, Absent(NOT_RECORDED, "it has ended"))
        view = GoroutineView(goroutine, self._views.standing(goroutine))
        wrapped = self._views.world.start_kind(goroutine) == "wrapper"
        return Node(depth, ids, view, children, ids[0] in self._chosen, self._views.start(goroutine), wrapped)
