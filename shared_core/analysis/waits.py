"""What each goroutine waits for, and who waits for the same.

Source: Go 1.27 runtime/runtime2.go (waitReason), runtime/proc.go (checkdead).
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Dict, List, Optional, Set, Tuple

from ..errors import Absent, GoxrayError, LayoutError, Maybe
from ..runtime.channels import Channel, Channels
from ..runtime.conditions import Conditions
from ..runtime.frames import Place, SourceFrame
from ..runtime.goroutine import Goroutine
from ..runtime.locks import Locks
from ..runtime.netpoll import Poller
from ..runtime.semaphores import Semaphores
from ..runtime.syscalls import Calls
from ..runtime.timers import Timer, Timers
from .quarters import (
    BUSY,
    CHANNEL,
    CHANNEL_REASONS,
    COND_REASON,
    GC,
    LOCK_REASONS,
    LOCKS,
    NIL_REASONS,
    POLL_REASON,
    SLEEP_REASON,
    SYSCALL,
    Quarters,
)  # fmt: skip
from .things import ChannelWait, CondWait, LockWait, NilWait, NoWait, RuntimeWait, SleepWait, Thing, Wait

if TYPE_CHECKING:
    from ..session import Session

_WAITING_PACKAGES = ("runtime.", "sync.", "time.", "os.", "net.", "io.", "bufio.", "syscall.", "internal/", "runtime/")
_DEPTH = 64


class Waits:
    """Looks up what goroutines of one stopped program wait for; what is shared is read once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.world = session.world
        self.by_address: Dict[int, Goroutine] = {g.address: g for g in self.world.goroutines}
        self.channels = Channels(session)
        self.timers = Timers(session)
        self.locks = Locks(session)
        self._quarters = Quarters(session, self.locks)
        self._semaphores: Optional[Semaphores] = None
        self._conditions: Optional[Conditions] = None
        self._poller = Poller(session)
        self._calls = Calls(session)
        self._known: Dict[int, Wait] = {}
        self._callers: Dict[Tuple[int, ...], Maybe[Place]] = {}
        self._all: Optional[List[Wait]] = None
        self._things: Dict[Tuple[object, ...], Thing] = {}

    @property
    def semaphores(self) -> Semaphores:
        if self._semaphores is None:
            self._semaphores = Semaphores(self._session)
        return self._semaphores

    @property
    def queued(self) -> Set[int]:
        """The addresses of the sudogs that wait for semaphores and conditions."""
        semaphores, conditions = self._semaphores, self._conditions
        return (semaphores.sudogs if semaphores else set()) | (conditions.sudogs if conditions else set())

    @property
    def problems(self) -> List[str]:
        """What of the queues could not be followed."""
        found = list(self.timers.problems) + (self._semaphores.problems if self._semaphores else [])
        for channel in self.channels.known:
            found += [f"the channel at {channel.address:#x}, {problem}" for problem in channel.problems]
        return found

    def of(self, goroutine: Goroutine) -> Wait:
        """What one goroutine waits for."""
        found = self._known.get(goroutine.address)
        if found is None:
            quarter = self._quarters.of(goroutine)
            found = self._known[goroutine.address] = Wait(goroutine, quarter, self._look_up(goroutine, quarter))
        return found

    def all(self) -> List[Wait]:
        """Those of every goroutine that is not the runtime's own."""
        if self._all is None:
            system = self.world.system
            self._all = [self.of(g) for g in self.world.goroutines if g.address not in system]
        return self._all

    def _one(self, thing: Thing, *key: object) -> Thing:
        """`thing`, or the one that came before it with this key: what goroutines share is one object."""
        return self._things.setdefault(key, thing)

    def _look_up(self, goroutine: Goroutine, quarter: str) -> Thing:
        if quarter == SYSCALL:
            return self._calls.of(goroutine)
        if quarter == BUSY:
            status = str(goroutine.status or "???")
            return self._one(NoWait(status), BUSY, status)
        reason = self._quarters.reason(goroutine)
        if reason in CHANNEL_REASONS:
            return self._channel(goroutine, CHANNEL_REASONS[reason])
        if reason in NIL_REASONS:
            return self._one(NilWait(NIL_REASONS[reason]), reason)
        if reason in LOCK_REASONS:
            return self._lock(goroutine)
        if reason == COND_REASON:
            return self._cond(goroutine)
        if reason == SLEEP_REASON:
            timer = self.timers.of_sleeper(goroutine)
            return timer if isinstance(timer, Absent) else SleepWait(timer, self.timers.left(timer))
        if reason == POLL_REASON:
            return self._poller.of(goroutine)
        return self._one(RuntimeWait(goroutine.state), GC, goroutine.state)

    def _channel(self, goroutine: Goroutine, direction: str) -> Thing:
        cases, problem = self.channels.cases(goroutine)
        known = self._things.get((id(cases), direction, problem))  # Channels keeps the tuples
        if known is not None:
            return known
        key = (id(cases), direction, problem)
        if direction and not problem and any(case.direction not in (direction, None) for case in cases):
            problem = cases[0].problem or f"it waits to {direction}, and is in another queue"
        return self._one(ChannelWait(cases, not direction, problem), *key)

    def _lock(self, goroutine: Goroutine) -> Thing:
        semaphore = self.semaphores.of(goroutine)
        if isinstance(semaphore, Absent):
            return semaphore
        lock = self.locks.of(goroutine, semaphore)
        return self._one(LockWait(lock, self.semaphores.queues[semaphore]), lock)

    def _cond(self, goroutine: Goroutine) -> Thing:
        try:
            if self._conditions is None:
                self._conditions = Conditions(self._session, self.by_address)
        except LayoutError as error:
            return Absent("not recorded", str(error))
        found = self._conditions.of(goroutine)
        if isinstance(found, Absent):
            return found
        if ("cond", found) not in self._things:
            offset = self._session.layout.struct("sync.Cond").offset("notify")
            self._things["cond", found] = CondWait(found - offset, list(self._conditions.at(found)[0]))
        return self._things["cond", found]

    def timer_of(self, channel: Channel) -> Optional[Tuple[Timer, Maybe[int]]]:
        """The timer that sends to a channel, with the ns left; None where none is known to."""
        if channel.capacity > 1 or channel.elem not in ("time.Time", "?"):
            return None
        timer = self.timers.of_channel(channel.address, channel.timer)
        return None if timer is None or isinstance(timer, Absent) else (timer, self.timers.left(timer))

    def pcs(self, goroutine: Goroutine) -> Optional[Tuple[int, ...]]:
        """The pcs of a parked goroutine's frames, one tuple for all that are equal; None where that takes a walk."""
        return self.world.stacks.steps.kept_pcs(goroutine)

    def called_from(self, goroutine: Goroutine) -> Maybe[Place]:
        """Where its stack comes out of the packages that things are waited for in: sync, time, os, net and the like."""
        pcs = self.pcs(goroutine)
        found = self._callers.get(pcs) if pcs is not None else None
        if found is None:
            found = self._caller(goroutine)
            if pcs is not None:
                self._callers[pcs] = found
        return found

    def _caller(self, goroutine: Goroutine) -> Maybe[Place]:
        for frame in islice(self.world.stacks.frames(goroutine), _DEPTH):
            if isinstance(frame, SourceFrame) and not frame.function.startswith(_WAITING_PACKAGES):
                return Place(*frame[:3], frame.pc)
        return self.world.stacks.users.place(goroutine)

    def gc_phase(self) -> str:
        """The collector's phase by its constant's name ("off", "mark"); "" where it is not known."""
        phases = self._session.layout.enums.get("gc_phases", {})
        for address in self._session.globals.candidates("runtime.gcphase")[:1]:
            try:
                return phases.get(self._session.memory.u32(address), "")
            except GoxrayError:
                return ""
        return ""


def waits_of(session: Session) -> Waits:
    """The one that everything about this stop shares."""
    found = session.world.kept.get("waits")
    if not isinstance(found, Waits):
        found = session.world.kept["waits"] = Waits(session)
    return found


def all_asleep(waits: Waits) -> bool:
    """checkdead: every goroutine of the user's waits for another one, and no timer is left that could wake any.

    Not where goroutines are lost: one of these may run.
    """
    found = waits.all()
    if waits.world.lost:
        return False
    if not found or any(each.quarter not in (CHANNEL, LOCKS) or isinstance(each.thing, Absent) for each in found):
        return False
    return not waits.timers.pending and not waits.timers.problems
