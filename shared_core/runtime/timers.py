"""Timers: what is due when, for sleeping goroutines and for the channels of package time.

Sources: Go 1.27 runtime/time.go (timer, timers, timerWhen, timeSleep, sendTime by way of hchan.timer); Go 1.22
runtime/time.go and runtime2.go (p.timers, timer.nextwhen).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, NamedTuple, Optional, Set

from ..errors import NOT_RECORDED, UNPARSABLE, UNREADABLE, Absent, GoxrayError, Maybe, ReadError
from .clock import processors
from .goroutine import Goroutine

if TYPE_CHECKING:
    from ..session import Session

MAX_TIMERS = 1 << 22  # on one P
NEVER = 1 << 62  # 146 years: what time.Duration's maximum, added to the present, comes to


class Timer(NamedTuple):
    """when: in ns of the monotonic clock, 0 for one that is stopped. period: of a ticker, else 0.

    waiting: whether it is in a P's heap, and so will fire.
    """

    address: int
    when: int
    period: int
    waiting: bool


class Timers:
    """The timers of one stopped program."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._memory = session.memory
        self._kind = session.layout.struct("runtime.timer")
        self.problems: List[str] = []
        self._heaps: Optional[Set[int]] = None
        self._of_channel: Dict[int, int] = {}

    @property
    def pending(self) -> Set[int]:
        """The addresses of the timers in all heaps."""
        if self._heaps is None:
            self._heaps = set()
            try:
                for processor in processors(self._session):
                    self._heap(processor)
            except GoxrayError as error:
                self.problems.append(f"the timers of the Ps: {error}")
        return self._heaps

    def _heap(self, processor: int) -> None:
        p = self._session.layout.struct("runtime.p")
        # Since Go 1.23 the heap has pairs of timer and when.
        new = "timers.heap.ptr" in p
        array, length, capacity = self._memory.slice_header(
            processor + p.offset("timers.heap.ptr" if new else "timers.ptr")
        )
        if not length <= capacity or length > MAX_TIMERS:
            self.problems.append(f"a P has {length} timers, of {capacity}")
            return
        words = self._memory.pointers(array, length * (2 if new else 1)) if length else ()
        found = words[::2] if new else words
        self.pending.update(found)

    def at(self, address: int) -> Maybe[Timer]:
        """The timer at `address`."""
        kind = self._kind
        try:
            when, period = (self._memory.i64(address + kind.offset(name)) for name in ("when", "period"))
        except ReadError as error:
            return Absent(UNREADABLE, str(error))
        if when < 0 or period < 0:
            return Absent(UNPARSABLE, f"what {address:#x} holds is no timer")
        return Timer(address, when, period, address in self.pending)

    def of_sleeper(self, goroutine: Goroutine) -> Maybe[Timer]:
        """The timer that wakes a goroutine in time.Sleep."""
        try:
            address = self._memory.u64(goroutine.address + self._session.layout.struct("runtime.g").offset("timer"))
        except ReadError as error:
            return Absent(UNREADABLE, str(error))
        return self.at(address) if address else Absent(NOT_RECORDED, "it has no timer")

    @property
    def known_to_channels(self) -> bool:
        """Whether a channel leads to its timer, as since Go 1.23."""
        return "timer" in self._session.layout.struct("runtime.hchan")

    def of_channel(self, channel: int, timer: int) -> Optional[Maybe[Timer]]:
        """The timer that sends to a channel, whose hchan.timer is `timer`; None where none is known to.

        Up to Go 1.22 a channel does not know: of those, only the timers that are in a heap are found.
        """
        if timer:
            return self.at(timer)
        if self.known_to_channels:
            return None
        if not self._of_channel:
            self._of_channel = {0: 0}
            for each in self.pending:
                try:
                    self._of_channel[self._memory.u64(each + self._kind.offset("arg.data"))] = each
                except ReadError:
                    continue
        found = self._of_channel.get(channel)
        return self.at(found) if found else None

    def left(self, timer: Timer) -> Maybe[int]:
        """ns until it is due, negative where it should have fired: from the present as far as memory tells."""
        now = self._session.world.now
        return now if isinstance(now, Absent) else timer.when - now
