"""Which object refers to which, by the words that the collector follows, and how each is reached from the roots."""

from __future__ import annotations

from array import array
from itertools import accumulate, compress
from typing import Callable, Iterable, List, Optional, Sequence, Tuple

from ...errors import Absent, ReadError
from .rootset import Root
from .span import WORD
from .table import SpanTable, numbers

Progress = Callable[[int, int], None]
UNREACHED = -1
_STEP = 512  # spans between two looks at the clock


class Graph:
    """The references between the slots of a SpanTable, in the order of the slots that they come from.

    sources[k] refers to targets[k]. blind: spans of which it is not known which of their words are pointers.
    """

    def __init__(self, table: SpanTable, progress: Progress) -> None:
        self.table = table
        self.sources: array[int] = array("I")
        self.targets: array[int] = array("I")
        self.blind: List[str] = []
        views = table.views
        spans = list(zip(table.starts, table.sizes, table.counts, table.firsts))
        # One look-up for each word instead of five.
        self._pages = {page: spans[i] for page, i in table.page_of.items()}
        for index, view in enumerate(views):
            if not index % _STEP:
                progress(index, len(views))
            if view is not None and not table.spans[index].noscan:
                self._add(index, view)
        self._pages = {}
        heads = numbers(table.total + 1, 0, "I")
        for source in self.sources:
            heads[source + 1] += 1
        self._heads = array("I", accumulate(heads))

    def _add(self, index: int, view: memoryview) -> None:
        table = self.table
        flags, why = table.word_flags(index)
        if why:
            self.blind.append(why)
            return
        width, first = table.sizes[index] // WORD, table.firsts[index]
        find, shift = self._pages.get, table.shift
        words = list(compress(view, flags))
        if not any(words):
            return
        places = compress(range(len(view)), flags)
        sources, targets = self.sources.append, self.targets.append
        for place, word in zip(places, words):
            found = find(word >> shift)
            if found is None:
                continue
            start, size, count, slot = found
            number = (word - start) // size
            if number < count:
                sources(first + place // width)
                targets(slot + number)

    def referred(self, slot: int) -> array[int]:
        """The slots that an object refers to, as often as it does."""
        return self.targets[self._heads[slot] : self._heads[slot + 1]]

    def referrers(self, slots: Iterable[int]) -> List[Tuple[int, int]]:
        """(source, target) of each reference to one of these."""
        wanted = set(slots)
        if len(wanted) == 1:
            only = next(iter(wanted))
            found = [k for k, target in enumerate(self.targets) if target == only]
        else:
            found = [k for k, target in enumerate(self.targets) if target in wanted]
        return [(self.sources[k], self.targets[k]) for k in found]

    def reach(self, roots: Sequence[Root]) -> Reach:
        """Shortest paths from these roots to all objects."""
        return Reach(self, roots)


class Reach:
    """parents[slot]: the slot before it on a shortest path, -2 - i for root i itself, or UNREACHED."""

    def __init__(self, graph: Graph, roots: Sequence[Root]) -> None:
        table = graph.table
        self.graph, self.roots = graph, roots
        self.parents = parents = numbers(table.total, UNREACHED)
        allocated = table.allocated
        frontier: List[int] = []
        for number, root in enumerate(roots):
            slot = table.slot(root.value)
            if slot >= 0 and parents[slot] == UNREACHED and allocated[slot]:
                parents[slot] = -2 - number
                frontier.append(slot)
        heads, targets = graph._heads, graph.targets
        while frontier:
            found: List[int] = []
            add = found.append
            for source in frontier:
                for slot in targets[heads[source] : heads[source + 1]]:
                    if parents[slot] == UNREACHED and allocated[slot]:
                        parents[slot] = source
                        add(slot)
            frontier = found

    def path(self, slot: int) -> Optional[Tuple[Root, List[int]]]:
        """(root, the slots from it to this one); None for what nothing leads to."""
        if self.parents[slot] == UNREACHED:
            return None
        path = [slot]
        while self.parents[path[-1]] >= 0:
            path.append(self.parents[path[-1]])
        return self.roots[-2 - self.parents[path[-1]]], path[::-1]


def places_of(table: SpanTable, source: int, target: int) -> List[int]:
    """The addresses of the words of one object that point into another."""
    found = table.object(source)
    slots = table.heap.pointer_slots(found)
    to = table.object(target)
    places = []
    for place in () if isinstance(slots, Absent) else slots:
        try:
            word = table.heap.session.memory.u64(place)
        except ReadError:
            continue
        if to.base <= word < to.end:
            places.append(place)
    return places
