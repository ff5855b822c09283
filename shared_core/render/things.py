"""What goroutines wait for, in words and as parts of documents."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from ..analysis.things import ChannelWait, CondWait, LockWait, NilWait, NoWait, RuntimeWait, SleepWait, Thing, Wait
from ..commands.waits import WaitList
from ..errors import Absent, Maybe
from ..runtime.channels import RECEIVE, Case, Channel
from ..runtime.locks import CLOSE, FD, LOCK, READ, RUNTIME, RWMUTEX, WAIT, WAIT_GROUP, WRITE, Lock
from ..runtime.netpoll import Poll
from ..runtime.syscalls import Call
from ..runtime.timers import NEVER, Timer
from .jsonout import address
from .queues import goids, poll_document

_CASES = 3  # of a select, shown in a row
_IDS = 5  # of a queue
_VERBS = {LOCK: "to lock", READ: "to read", WRITE: "to write", WAIT: "to wait", CLOSE: "to close"}
_NS = 1_000_000_000


class Things:
    """Describes what the rows of one answer wait for; equal things once."""

    def __init__(self, body: WaitList) -> None:
        self._body = body
        self._texts: Dict[int, str] = {}
        self._others: Dict[int, Optional[str]] = {}

    def text(self, wait: Wait) -> str:
        """ "receive from chan int 0xc000012345 (0 of 0)"."""
        key = id(wait.thing)  # the rows keep it
        found = self._texts.get(key)
        if found is None:
            found = self._texts[key] = self._describe(wait.thing)
        return found

    def _describe(self, thing: Thing) -> str:
        if isinstance(thing, ChannelWait):
            return self._channels(thing)
        if isinstance(thing, NilWait):
            words = {"": "select with no cases", RECEIVE: "receive from a nil channel"}
            return words.get(thing.direction, "send to a nil channel")
        if isinstance(thing, LockWait):
            return self.lock(thing.lock) + self._holder(thing.lock)
        if isinstance(thing, CondWait):
            return f"sync.Cond {thing.address:#x}"
        if isinstance(thing, SleepWait):
            return f"sleep, {_left(thing.timer, thing.left)}"
        if isinstance(thing, Poll):
            return _poll(thing)
        if isinstance(thing, Call):
            return _call(thing)
        if isinstance(thing, RuntimeWait):
            return thing.reason
        return thing.status if isinstance(thing, NoWait) else f"? ({thing.detail or thing.kind})"

    def _channels(self, wait: ChannelWait) -> str:
        cases = [self._case(case) for case in wait.cases[:_CASES]]
        if len(wait.cases) > _CASES:
            cases.append(f"and {len(wait.cases) - _CASES} more")
        if wait.problem:
            cases.append(f"? ({wait.problem})")
        return ("select: " if wait.select else "") + ", ".join(cases)

    def _case(self, case: Case) -> str:
        channel = case.channel
        if isinstance(channel, Absent):
            return f"? ({channel.detail})"
        verb = "wait at" if isinstance(case.direction, Absent) else f"{case.direction} {_preposition(case.direction)}"
        return f"{verb} {self.channel(channel)}"

    def channel(self, channel: Channel) -> str:
        """ "chan int 0xc000012345 (0 of 0)"."""
        elem = "?" if isinstance(channel.elem, Absent) else channel.elem
        notes = [f"{channel.length} of {channel.capacity}"] + (["closed"] if channel.closed else [])
        timer = self._body.timers.get(channel.address)
        if isinstance(timer, tuple):
            notes.append(f"timer, {_left(*timer)}")
        return f"chan {elem} {channel.address:#x} ({', '.join(notes)})"

    def lock(self, lock: Lock) -> str:
        """ "sync.RWMutex 0xc000012345 to read (1 reads, a writer waits)"."""
        verb = f" {_VERBS[lock.wants]}" if lock.kind in (RWMUTEX, FD) else ""
        name = "semaphore of the runtime" if lock.kind == RUNTIME else lock.kind
        notes = [] if lock.locked is None else ["locked" if lock.locked else "not locked"]
        if lock.kind == WAIT_GROUP:
            notes.append(f"counter {lock.counter}")
        if lock.kind == RWMUTEX:
            held = "held by a writer" if lock.writer else f"held by {lock.readers} reader{'s' * (lock.readers != 1)}"
            notes += [held] + (["a writer is next"] if lock.writer_next else [])
        notes += [lock.problem] if lock.problem else []
        return f"{name} {lock.address:#x}{verb}" + (f" ({', '.join(notes)})" if notes else "")

    def _holder(self, lock: Lock) -> str:
        holder = self._body.holders.get(lock.semaphore)
        return "" if holder is None or not holder.ids else f", held, it seems, by goroutine {_ids(holder.ids)}"

    def others(self, wait: Wait) -> str:
        """The others in its queues: "2 receive: 8, 9; 1 send: 10"."""
        key = id(wait.thing)
        if key not in self._others:
            queues = _queues(wait.thing)
            small = all(len(queue) <= _IDS + 1 for _, queue in queues)
            self._others[key] = None if small and queues else self._beside(wait.thing, 0)
        known = self._others[key]
        return self._beside(wait.thing, wait.goroutine.address) if known is None else known

    def _beside(self, thing: Thing, own: int) -> str:
        """own: the goroutine itself, left out; 0 where a queue is so long that it is among the rest."""
        parts = []
        for verb, queue in _queues(thing):
            others = [self._body.ids.get(g, 0) for g in queue[: _IDS + 1] if g != own]
            left = len(queue) - (1 if own in queue else 0) if own else len(queue)
            if left:
                dots = ", ..." if left > _IDS else ""
                parts.append(f"{left} {verb}: {', '.join(str(goid or '?') for goid in others[:_IDS])}{dots}")
        return "; ".join(list(dict.fromkeys(parts))[: 2 * _CASES])

    def document(self, wait: Wait) -> Dict[str, Any]:
        """What one goroutine waits for; channels and locks by their addresses, which other lists have in full."""
        thing = wait.thing
        found: Dict[str, Any] = {"text": self.text(wait)}
        if isinstance(thing, ChannelWait):
            kind = "select" if thing.select else "channel"
            cases = [{"direction": c.direction, "channel": _channel_address(c.channel)} for c in thing.cases]
            return {"kind": kind, "cases": cases, "problem": thing.problem or None, **found}
        if isinstance(thing, NilWait):
            return {"kind": "nil channel" if thing.direction else "select", "cases": [], **found}
        if isinstance(thing, LockWait):
            lock = thing.lock
            return {"kind": lock.kind, "address": address(lock.address), "wants": lock.wants, **found}
        if isinstance(thing, CondWait):
            return {
                "kind": "sync.Cond",
                "address": address(thing.address),
                "waiters": goids(self._body, thing.queue),
                **found,
            }
        if isinstance(thing, SleepWait):
            return {"kind": "sleep", "seconds_left": _seconds(thing.left), **found}
        if isinstance(thing, Poll):
            return {**poll_document(thing), **found}
        if isinstance(thing, Call):
            return {"kind": "system call", "number": thing.number, "name": thing.name or None, **found}
        if isinstance(thing, Absent):
            return {"kind": thing, **found}
        return {"kind": "runtime" if isinstance(thing, RuntimeWait) else "none", **found}


def _queues(thing: Thing) -> List[Tuple[str, Sequence[int]]]:
    """(what they do, g addresses) of every queue that is worth showing."""
    if isinstance(thing, ChannelWait):
        known = [case.channel for case in thing.cases[:_CASES] if not isinstance(case.channel, Absent)]
        return [pair for each in known for pair in (("receive", each.receivers), ("send", each.senders))]
    if isinstance(thing, (LockWait, CondWait)):
        return [("wait", thing.queue)]
    return []


def _preposition(direction: Union[str, Absent]) -> str:
    return "from" if direction == RECEIVE else "to"


def _ids(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids[:_IDS])) + (", ..." if len(ids) > _IDS else "")


def _channel_address(channel: Maybe[Channel]) -> Any:
    return channel if isinstance(channel, Absent) else hex(channel.address)


def _seconds(left: Maybe[int]) -> Any:
    return left if isinstance(left, Absent) else round(left / _NS, 3)


def _left(timer: Timer, left: Maybe[int]) -> str:
    """ "12.0s left", "due 0.2s ago", "never due", "stopped"."""
    if not timer.when:
        return "stopped"
    if timer.when >= NEVER:
        return "never due"
    if isinstance(left, Absent):
        return "time left not known"
    words = f"{clock(abs(left))} left" if left >= 0 else f"due {clock(-left)} ago"
    return words + (f", every {clock(timer.period)}" if timer.period else "")


def clock(nanoseconds: int) -> str:
    """ "0.250s", "12s", "3m05s", "1h02m"."""
    if nanoseconds < 10 * _NS:
        return f"{nanoseconds / _NS:.3f}s"
    minutes, seconds = divmod(nanoseconds // _NS, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02}m"
    return f"{minutes}m{seconds:02}s" if minutes else f"{seconds}s"


def _poll(poll: Poll) -> str:
    what = f"{poll.direction} fd {poll.fd}"
    if poll.name:
        return f"{what}, {poll.name}"
    if not poll.network:
        return f"{what} (addresses not known)"
    local = poll.local or "?"
    return f"{what}, {poll.network} {local}" + (f" <-> {poll.remote}" if poll.remote else "")


def _call(call: Call) -> str:
    if isinstance(call.number, Absent):
        return call.runtime or f"? ({call.number.detail})"
    args = ", ".join("?" if value is None else f"{value:#x}" for value in call.args)
    return f"system call {call.number}{' ' if call.name else ''}{call.name}({args})"
