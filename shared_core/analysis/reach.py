"""Which waits can end: what no goroutine that may still run refers to, nothing will ever be sent to or unlocked.

As the runtime's own goroutine leak detection does it, but from the blocked ends: who refers to their channels and
locks, who refers to that, and so on, a few steps far. What cannot be told counts as alive; objects are looked at word
by word, as if every word were a pointer.

Source: Go 1.27 runtime/mgc.go (findGoroutineLeaks, gcPrepareMarkRoots: a goroutine is a root once what it is blocked on
has been reached).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, AbstractSet, Container, Dict, Iterable, List, Optional, Set, Tuple

from ..errors import Absent, GoxrayError
from ..runtime.goroutine import Goroutine
from ..runtime.heapobjects import Heap, Scan
from ..runtime.liveslots import Slots, live_slots
from ..runtime.roots import g_pointers, processor_pointers, registers
from .things import ChannelWait, CondWait, LockWait, NilWait, Thing, Wait
from .waits import Waits

if TYPE_CHECKING:
    from ..session import Session

_ROUNDS = 4
_BYTES = 1 << 30
_MAX_TARGETS = 1 << 21
_MAX_OBJECT = 1 << 13  # what refers from a larger object counts as alive
_ROOT = -1


class Reach:
    """dead: the addresses of the goroutines whose waits nothing can end; problem: why that is not known, or ""."""

    def __init__(self, session: Session, waits: Waits) -> None:
        self.dead: Set[int] = set()
        self.problem = ""
        try:
            self.dead = _Search(session, waits).run()
        except GoxrayError as error:
            self.problem = f"who refers to channels and locks was not looked for: {error}"


class _Search:
    """Nodes are objects by their base, and goroutines by their g; edges lead from what refers to what it refers to."""

    def __init__(self, session: Session, waits: Waits) -> None:
        self._session = session
        self._waits = waits
        self._heap = Heap(session)
        self._scan = Scan(session, _BYTES)
        self._edges: Dict[int, Set[int]] = {_ROOT: set()}
        self._owner: Dict[int, int] = {}  # word -> the base of the object that it points into
        self._nodes: Set[int] = set()
        self._stuck: Dict[int, List[int]] = {}  # g -> the bases of what it waits for
        self._looked_at: Set[int] = set()  # goroutines that are stuck, and yet can be woken
        self._registers = registers(session)
        self._slots: Dict[Tuple[int, ...], Slots] = {}
        self._g_pointers = g_pointers(session)
        self._processors = processor_pointers(session)
        self._skipped: Set[int] = set()  # sudogs: how the runtime itself refers to what is waited for

    def run(self) -> Set[int]:
        wanted = self._suspects(self._waits.all())
        for _ in range(_ROUNDS):
            if not wanted:
                break
            found = self._referrers(wanted)
            alive = self._alive()
            if self._stuck.keys() <= alive:
                return set()
            wanted = self._targets(base for base in found if base not in self._nodes and base not in alive)
        else:
            # Who refers to the rest has not been looked for.
            self._edges[_ROOT].update(self._owner[word] for word in wanted)
        return self._stuck.keys() - self._alive()

    def _suspects(self, waits: Iterable[Wait]) -> Set[int]:
        bases: Set[int] = set()
        channels: Set[int] = set()
        known: Dict[int, Optional[List[int]]] = {}  # by thing, which goroutines share
        for wait in waits:
            thing = wait.thing
            if id(thing) not in known:
                known[id(thing)] = self._bases(thing)
                if isinstance(thing, ChannelWait):
                    channels.update(_places(thing) or ())
            found = known[id(thing)]
            if found is not None:
                self._stuck[wait.goroutine.address] = found
                bases.update(found)
        for channel in self._waits.channels.known:
            self._skipped.update(channel.sides)
        self._skipped.update(self._waits.queued)
        return self._targets(bases, channels)

    def _bases(self, thing: Thing) -> Optional[List[int]]:
        """The objects that could be how one that waits for this is woken; None where that cannot be told."""
        places = _places(thing)
        found = [self._heap.object_at(place) for place in places or ()]
        if places is None or any(each is None or each.size > _MAX_OBJECT for each in found):
            return None  # or a variable of a package, or part of something large: any code may have it
        return [each.base for each in found if each is not None]

    def _targets(self, bases: Iterable[int], exact: Container[int] = ()) -> Set[int]:
        """The words that point into objects at `bases`, which become nodes; into those in `exact` only to the start."""
        words: Set[int] = set()
        for base in bases:
            self._nodes.add(base)
            known = self._heap.object_at(base)
            if known is None or known.size > _MAX_OBJECT:
                self._edges[_ROOT].add(base)
                continue
            span = (base,) if base in exact else range(base, base + known.size, 8)
            for word in span:
                self._owner[word] = base
            words.update(span)
            if len(self._owner) > _MAX_TARGETS:
                self._edges[_ROOT].update(self._nodes)
                return set()
        return words

    def _referrers(self, wanted: Set[int]) -> Set[int]:
        """The bases of the objects that refer to what is wanted; edges from them, from goroutines and from roots."""
        found: Set[int] = set()
        goroutines = self._waits.by_address
        for span in self._heap.spans:
            if span.noscan:
                continue
            for place, word in self._scan.words(span.start, span.end, wanted):
                owner = self._heap.in_span(span, place)
                if owner is None or owner.base in self._skipped or owner.base == self._owner[word]:
                    continue
                if self._is_stale(owner.base, place):
                    continue
                if owner.base in goroutines:
                    # What its g holds, such as its timer, is the goroutine's own.
                    node = owner.base if owner.base in self._stuck else _ROOT
                    self._edges.setdefault(node, set()).add(self._owner[word])
                    continue
                self._edges.setdefault(owner.base, set()).add(self._owner[word])
                found.add(owner.base)
        for goroutine in self._session.world.goroutines:
            # What one that is stuck refers to matters once it turns out that it can be woken.
            if goroutine.address not in self._stuck or goroutine.address in self._looked_at:
                self._on_stack(goroutine, wanted)
        self._elsewhere(wanted)
        return found

    def _is_stale(self, base: int, place: int) -> bool:
        """Whether a word of a g or a P is none that the collector follows."""
        if base in self._waits.by_address:
            # Its stack's bounds may be where an object begins or ends.
            return place - base not in self._g_pointers
        pointers = self._processors.get(base)
        return pointers is not None and not any(low <= place < high for low, high in pointers)

    def _on_stack(self, goroutine: Goroutine, wanted: AbstractSet[int]) -> None:
        raw, settled = goroutine.raw, goroutine.condition.parked and not goroutine.raw.m
        low = raw.sched_sp
        if not settled:
            # It runs, is in a system call, or does something for the collector: any word may count.
            start = self._session.world.stacks.start(goroutine)
            low = raw.low if isinstance(start, Absent) else min(start.sp, low or start.sp)
        places = list(self._scan.words(low, raw.high, wanted))
        if settled and places:
            live = self._live_slots(goroutine)
            places = [(place, word) for place, word in places if live.has(place - low)]
        if places:
            node = goroutine.address if goroutine.address in self._stuck else _ROOT
            self._edges.setdefault(node, set()).update(self._owner[word] for _, word in places)

    def _live_slots(self, goroutine: Goroutine) -> Slots:
        """The words of its frames that the collector takes for pointers.

        Goroutines that are parked at equal pcs have equal frames.
        """
        pcs = self._waits.pcs(goroutine)
        if pcs is None:
            return live_slots(self._session, goroutine)
        found = self._slots.get(pcs)
        if found is None:
            found = self._slots[pcs] = live_slots(self._session, goroutine)
        return found

    def _elsewhere(self, wanted: Set[int]) -> None:
        """The collector's other roots: variables of packages and what finalizers hold; and what is in registers."""
        root, owner = self._edges[_ROOT], self._owner
        root.update(owner[value] for value in self._registers if value in wanted)
        for module in self._session.modules.all:
            for low, high in (("data", "edata"), ("bss", "ebss")):
                found = self._scan.words(module.fields.get(low, 0), module.fields.get(high, 0), wanted)
                root.update(owner[word] for _, word in found)
        root.update(owner[word] for word in self._heap.specials() if word in wanted)

    def _alive(self) -> Set[int]:
        """The nodes that can be come to from what is alive; goroutines are once what they wait for is."""
        wakes: Dict[int, List[int]] = {}
        for g, bases in self._stuck.items():
            for base in bases:
                wakes.setdefault(base, []).append(g)
        alive: Set[int] = set()
        todo = [_ROOT]
        while todo:
            node = todo.pop()
            if node in alive:
                continue
            alive.add(node)
            if node in self._stuck and node not in self._looked_at:
                self._looked_at.add(node)
                self._on_stack(self._waits.by_address[node], self._owner.keys())
            todo += [*self._edges.get(node, ()), *wakes.get(node, ())]
        return alive


def _places(thing: Thing) -> Optional[Tuple[int, ...]]:
    """The addresses of all that could wake one that waits for this; None for what is not the program's own."""
    if isinstance(thing, NilWait):
        return ()
    if isinstance(thing, LockWait):
        return (thing.lock.address,)
    if isinstance(thing, CondWait):
        return (thing.address,)
    if not isinstance(thing, ChannelWait) or thing.problem or not thing.cases:
        return None
    found = [case.channel.address for case in thing.cases if not isinstance(case.channel, Absent)]
    return tuple(found) if len(found) == len(thing.cases) else None
