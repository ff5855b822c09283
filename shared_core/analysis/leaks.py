"""Goroutines that look abandoned: the evidence against each, and how sure it makes us.

Certain: the runtime has found it, or nothing can ever wake it. Likely: it can be woken, and somebody should have long
since. Possible: it has waited long, which many goroutines do by design.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Dict, Hashable, Iterator, List, NamedTuple, Set, Tuple

from ..errors import Absent, Maybe
from ..runtime.channels import RECEIVE, SEND, Channel
from ..runtime.frames import Place
from ..runtime.goroutine import Goroutine
from ..runtime.locks import MUTEX, ONCE, RWMUTEX
from ..runtime.timers import NEVER
from .holders import cycles, holders_of
from .quarters import CHANNEL, LOCKS
from .reach import Reach
from .things import ChannelWait, CondWait, LockWait, NilWait, SleepWait, Thing, Wait
from .waits import Waits

if TYPE_CHECKING:
    from ..session import Session

CERTAIN, LIKELY, POSSIBLE = "certain", "likely", "possible"
LEVELS = (POSSIBLE, LIKELY, CERTAIN)
MAIN = 1  # nobody is waiting for it to end: programs park it on purpose
_SECOND = 1_000_000_000


class Evidence(NamedTuple):
    """kind: one word for scripts; sure: one of LEVELS; why: for people."""

    kind: str
    sure: str
    why: str


@dataclass(eq=False)
class Leak:
    """Goroutines that wait in the same way at the same place, started at the same one. age: the longest known, in ns.

    evidence: the strongest first, with how many of them it holds for.
    """

    waits: List[Wait]
    caller: Maybe[Place]
    age: Maybe[int]
    sure: str
    evidence: List[Tuple[Evidence, int]] = field(default_factory=list)


class Leaks:
    """Judges the goroutines of one stopped program.

    least: from how many ns of waiting on that is evidence; crowd: from how many alike on.
    """

    def __init__(self, session: Session, waits: Waits, least: int, crowd: int) -> None:
        self._world = session.world
        self._waits = waits
        self._least = least
        self._crowd = crowd
        waits.all()  # what one refers to may be another's
        self.reach = Reach(session, waits)
        self.holders = holders_of(session)
        self._in_cycles: Set[int] = {goid for cycle in cycles(waits, self.holders) for goid, _ in cycle.steps}

    def find(self, goroutines: List[Goroutine]) -> List[Leak]:
        """Groups of those that look abandoned, the worst first: the surest, the largest, the oldest."""
        groups: Dict[Hashable, List[Wait]] = {}
        for goroutine in goroutines:
            if goroutine.id == MAIN:
                continue
            wait = self._waits.of(goroutine)
            if wait.quarter in (CHANNEL, LOCKS) or isinstance(wait.thing, SleepWait) or goroutine.status == "leaked":
                groups.setdefault(self._alike(wait), []).append(wait)
        found = [leak for waits in groups.values() for leak in self._judged(waits)]
        return sorted(found, key=_badness, reverse=True)

    def _alike(self, wait: Wait) -> Hashable:
        """What a group has in common: the stack, who started them, and the kind of wait."""
        goroutine = wait.goroutine
        pcs = self._waits.pcs(goroutine)
        stack: Hashable = self._waits.called_from(goroutine) if pcs is None else pcs
        return stack, goroutine.raw.gopc, type(wait.thing).__name__, goroutine.state

    def _judged(self, waits: List[Wait]) -> Iterator[Leak]:
        """One leak for each level that some of the group come to."""
        by_level: Dict[str, List[Tuple[Wait, List[Evidence]]]] = {}
        for wait in waits:
            found = list(self._evidence(wait))
            if found:
                by_level.setdefault(max((each.sure for each in found), key=LEVELS.index), []).append((wait, found))
        for sure, members in by_level.items():
            counts: Dict[Evidence, int] = {}
            for _, evidence in members:
                for each in evidence:
                    counts[each] = counts.get(each, 0) + 1
            if len(waits) >= self._crowd:
                crowd = Evidence("crowd", POSSIBLE, f"{len(waits)} goroutines have one stack and one creator")
                counts[crowd] = len(members)
            ranked = sorted(counts.items(), key=lambda item: (-LEVELS.index(item[0].sure), -item[1]))
            alike = [wait for wait, _ in members]
            yield Leak(alike, self._waits.called_from(alike[0].goroutine), self._age(alike), sure, ranked)

    def _age(self, waits: List[Wait]) -> Maybe[int]:
        known = [self._world.blocked_for(wait.goroutine) for wait in waits]
        ages = [each for each in known if not isinstance(each, Absent)]
        return max(ages) if ages else known[0]

    def _evidence(self, wait: Wait) -> Iterator[Evidence]:
        thing, goroutine = wait.thing, wait.goroutine
        if goroutine.status == "leaked":
            yield Evidence("runtime", CERTAIN, "the runtime's own leak detection has found it")
        if isinstance(thing, NilWait):
            what = f"a nil channel, to {thing.direction}" if thing.direction else "a select with no cases"
            yield Evidence("nil", CERTAIN, f"{what}: nothing ends that")
            return
        if isinstance(thing, SleepWait):
            if thing.timer.when >= NEVER:
                yield Evidence("timer", CERTAIN, "it sleeps for more than a hundred years")
            return
        if goroutine.address in self.reach.dead:
            yield Evidence("unreachable", CERTAIN, f"nothing that can still run refers to {_what(wait)}")
        long = self._is_long(goroutine)
        if isinstance(thing, ChannelWait):
            yield from self._channel(thing, long)
        if goroutine.id in self._in_cycles:
            yield Evidence("cycle", LIKELY, "it waits in a cycle of locks, by who seems to hold them")
        if isinstance(thing, LockWait) and thing.lock.kind in (MUTEX, RWMUTEX, ONCE) and long:
            yield Evidence("lock", LIKELY, f"{len(thing.queue)} in the lock's queue, for longer than --min-wait")
        if long and not self._timer_is_pending(thing):
            yield Evidence("long", POSSIBLE, "it has waited for longer than --min-wait")

    def _channel(self, wait: ChannelWait, long: bool) -> Iterator[Evidence]:
        if wait.select or len(wait.cases) != 1:
            return
        direction, channel, _ = wait.cases[0]
        if isinstance(channel, Absent):
            return
        if direction == RECEIVE:
            yield from self._timer(channel, long)
        if direction == SEND and long and not channel.receivers:
            number, room = len(channel.senders), channel.capacity - channel.length
            senders = f"{number} sender{'s' * (number != 1)}"
            why = f"{senders}, room for {room}, and no receiver, for longer than --min-wait"
            yield Evidence("senders", LIKELY, why)

    def _timer(self, channel: Channel, long: bool) -> Iterator[Evidence]:
        timer = self._waits.timer_of(channel)
        if timer is not None and not 0 < timer[0].when < NEVER:
            yield Evidence("timer", LIKELY, "the channel's timer is stopped, or never due")
        alike = channel.elem == "time.Time" and channel.capacity == 1
        if alike and timer is None and long and not self._waits.timers.known_to_channels:
            yield Evidence("timer", LIKELY, "a channel as timers have it, and no timer that is due sends to it")

    def _timer_is_pending(self, thing: Thing) -> bool:
        channels = [case.channel for case in thing.cases] if isinstance(thing, ChannelWait) else []
        timers = [self._waits.timer_of(each) for each in channels if not isinstance(each, Absent)]
        return any(timer is not None and 0 < timer[0].when < NEVER for timer in timers)

    def _is_long(self, goroutine: Goroutine) -> bool:
        age = self._world.blocked_for(goroutine)
        return not isinstance(age, Absent) and age >= self._least


def _badness(leak: Leak) -> Tuple[int, int, int]:
    return LEVELS.index(leak.sure), len(leak.waits), 0 if isinstance(leak.age, Absent) else leak.age


def _what(wait: Wait) -> str:
    if isinstance(wait.thing, ChannelWait):
        return "the channels of its cases" if len(wait.thing.cases) > 1 else "its channel"
    return "the condition" if isinstance(wait.thing, CondWait) else "the lock or wait group"
