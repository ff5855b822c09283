"""What goroutines wait for, as things of their own: goroutines that wait for the same share one.

Source: Go 1.27 runtime/runtime2.go (waitReason).
"""

from __future__ import annotations

from typing import List, NamedTuple, Sequence, Tuple, Union

from ..errors import Absent, Maybe
from ..runtime.channels import Case
from ..runtime.goroutine import Goroutine
from ..runtime.locks import Lock
from ..runtime.netpoll import Poll
from ..runtime.syscalls import Call
from ..runtime.timers import Timer


class ChannelWait(NamedTuple):
    """cases: one, or those of a select, in the order that their channels are locked in; problem: why some miss."""

    cases: Tuple[Case, ...]
    select: bool
    problem: str = ""


class NilWait(NamedTuple):
    """A nil channel, with the direction; "": a select without cases."""

    direction: str


class LockWait(NamedTuple):
    """queue: the g addresses of those that wait at the same semaphore."""

    lock: Lock
    queue: List[int]


class CondWait(NamedTuple):
    """address: of the sync.Cond; queue: the g addresses of those that wait for it."""

    address: int
    queue: Sequence[int]


class SleepWait(NamedTuple):
    """left: ns until it is due, negative when that is over."""

    timer: Timer
    left: Maybe[int]


class RuntimeWait(NamedTuple):
    """The runtime's own words for it."""

    reason: str


class NoWait(NamedTuple):
    status: str


Thing = Union[ChannelWait, NilWait, LockWait, CondWait, SleepWait, Poll, Call, RuntimeWait, NoWait, Absent]


class Wait(NamedTuple):
    """quarter: one of quarters.QUARTERS; thing: what it waits for, Absent where memory does not tell."""

    goroutine: Goroutine
    quarter: str
    thing: Thing

    @property
    def about(self) -> Tuple[object, ...]:
        """What tells things apart: equal for goroutines that wait for the same in the same way."""
        thing = self.thing
        if isinstance(thing, ChannelWait):
            places = [(str(case.direction), getattr(case.channel, "address", 0)) for case in thing.cases]
            return ("channel", str(thing.select), *(part for place in places for part in place), thing.problem)
        if isinstance(thing, LockWait):
            return ("lock", thing.lock.kind, thing.lock.semaphore, thing.lock.wants)
        if isinstance(thing, CondWait):
            return ("lock", "cond", thing.address)
        if isinstance(thing, (NilWait, RuntimeWait, NoWait)):
            return (type(thing).__name__, *thing)
        return (self.quarter, type(thing).__name__, self.goroutine.id)
