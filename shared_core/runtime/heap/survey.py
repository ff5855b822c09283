"""What is known of the heap as a whole at one stop: each part is worked out when it is first asked for, and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, Optional, cast

from .graph import Graph, Progress, Reach
from .heap import Heap, heap_of
from .rootset import Root, Roots
from .spread import Spread
from .table import SpanTable

if TYPE_CHECKING:
    from ...session import Session

_KEY = "heap survey"


class Survey:
    """progress: told how far the passes over all objects have come."""

    def __init__(self, session: Session) -> None:
        self.heap: Heap = heap_of(session)
        self.table = SpanTable(self.heap)
        self.progress: Progress = lambda done, total: None
        self._roots = Roots(self.heap)
        self._found: Optional[List[Root]] = None
        self._graph: Optional[Graph] = None
        self._reach: Optional[Reach] = None
        self._local: Optional[Spread] = None
        self._spread: Optional[Spread] = None

    @property
    def roots(self) -> List[Root]:
        if self._found is None:
            self._found = self._roots.all(self.table.spans)
        return self._found

    @property
    def graph(self) -> Graph:
        """Who refers to whom."""
        if self._graph is None:
            self._graph = Graph(self.table, self.progress)
        return self._graph

    @property
    def reach(self) -> Reach:
        """How each object is kept."""
        if self._reach is None:
            self._reach = self.graph.reach(self.roots)
        return self._reach

    @property
    def spread(self) -> Spread:
        """The types of all objects."""
        if self._spread is None:
            found = Spread(self.table)
            found.everywhere(self._roots, self.progress)
            self._spread = found
        return self._spread

    @property
    def names(self) -> Spread:
        """`spread` if it has been asked for; else one that has found out about nothing but what it was led along."""
        if self._spread is not None:
            return self._spread
        if self._local is None:
            self._local = Spread(self.table)
        return self._local

    @property
    def problems(self) -> List[str]:
        """Why answers may not be complete."""
        found = list(self._roots.problems)
        if self.table.lost:
            found.append(f"{self.table.lost} spans cannot be read, or are none")
        if self.table.unreadable:
            found.append(f"the objects of {self.table.unreadable} spans cannot be read")
        if self._graph is not None and self._graph.blind:
            blind = self._graph.blind
            found.append(f"which words are pointers is not known of {len(blind)} spans: {blind[0]}")
        return found


def survey_of(session: Session) -> Survey:
    """The Survey of this stop. FormatError, LayoutError or ReadError where the heap is not to be found."""
    kept: Dict[str, object] = session.world.kept
    if _KEY not in kept:
        kept[_KEY] = Survey(session)
    return cast(Survey, kept[_KEY])
