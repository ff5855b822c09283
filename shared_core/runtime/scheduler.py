"""The scheduler: its own state, the Ps with their queues and timers, and what Ms are held up by.

Source: Go 1.27 runtime/runtime2.go (schedt, p, m), runtime/proc.go (schedtrace, newproc1, runqput), runtime/time.go
(timers); Go 1.22 runtime/runtime2.go for the timers of a P before Go 1.23.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, List, Tuple

from ..errors import NOT_APPLICABLE, UNPARSABLE, UNREADABLE, Absent, GoxrayError, Maybe, ReadError
from .clock import processors, scheduler_address
from .record import Record

if TYPE_CHECKING:
    from ..session import Session

MAX_LISTED = 1024  # of the global queue
_MAX_DUE = 1 << 16  # timers of one P that are looked at
_WORD = 1 << 32
_FROZEN = 0x7FFFFFFF  # freezeStopWait: the program goes down; each P that stops then takes one off
_MAX_PROCESSORS = 1 << 20


@dataclass
class Timers:
    """A P's timers: how many, of them stopped but still in the heap, and due by now; next_due: ns of the monotonic
    clock, Absent without any."""

    count: int
    stopped: int
    due: Maybe[int]
    next_due: Maybe[int]


@dataclass
class Processor:
    """One P. status: in the runtime's words. machine: the address of its M, 0 without one. queue: the addresses of the
    goroutines in its run queue, in order; next: of the one that runs before them, 0 without one.

    sched_ticks: how many time slices it has begun; syscall_ticks: how many system calls have ended on it.
    free: dead goroutines that it keeps for reuse. preempt: what runs on it is to make room. worker: the mode of the
    collector's worker on it, "" when none is. ids_left: goroutine ids that it has taken and not given yet.
    """

    id: int
    address: int
    status: str
    machine: int
    queue: Maybe[List[int]]
    next: int
    sched_ticks: int
    syscall_ticks: int
    timers: Timers
    free: int
    preempt: bool
    worker: str
    ids_left: int


@dataclass
class Scheduler:
    """runtime.sched. threads: Ms that there are, now; idle_*: of them, and of Ps, parked; locked: idle Ms that wait for
    the goroutine they are locked to; system: Ms of the runtime's own, not counted for deadlocks.

    queued: how many goroutines wait in the global queue; queue: the addresses of the first of them; disabled: user
    goroutines that may not run, with the collector at work alone. gc_waiting: all Ps are to stop; stop_wait: how many
    of them have not yet; frozen: since the program goes down. created: goroutine ids that were handed out so far.
    polling: a thread is in the network poller; poll_until: ns of the monotonic clock. custom: GOMAXPROCS was set by
    the environment or the program, not by the number of processors.
    """

    gomaxprocs: int
    threads: int
    max_threads: int
    idle_machines: int
    locked: int
    system: int
    idle_processors: int
    spinning: int
    need_spinning: Maybe[int]
    queued: int
    queue: Maybe[List[int]]
    disabled: int
    gc_waiting: bool
    stop_wait: int
    frozen: bool
    sysmon_waits: bool
    safe_point_wait: int
    polling: bool
    poll_until: int
    created: int
    custom: Maybe[int]


@dataclass
class Hold:
    """What keeps an M from being preempted or from going on: counts and flags of runtime.m."""

    locks: int
    mallocing: int
    throwing: int
    dying: int
    preempt_off: str
    calls_of_c: int


def read_processors(session: Session) -> Tuple[List[Maybe[Processor]], int]:
    """(every P in the order of their ids, where it can be read; how many goroutine ids they hold in reserve)."""
    kind = session.layout.struct("runtime.p")
    found: List[Maybe[Processor]] = []
    for address in processors(session):
        try:
            found.append(_processor(session, Record(session.memory, kind, address)))
        except ReadError as error:
            found.append(Absent(UNREADABLE, str(error)))
    return found, sum(each.ids_left for each in found if not isinstance(each, Absent))


def _processor(session: Session, p: Record) -> Processor:
    statuses, modes = session.layout.enums["p_statuses"], session.layout.enums.get("gc_worker_modes", {})
    status = p.unsigned("status")
    return Processor(
        id=p.signed("id"),
        address=p.address,
        status=statuses.get(status, f"status {status}"),
        machine=p.unsigned("m"),
        queue=_local_queue(p),
        next=p.unsigned("runnext"),
        sched_ticks=p.unsigned("schedtick"),
        syscall_ticks=p.unsigned("syscalltick"),
        timers=_timers(session, p),
        free=p.moved("gFree.size", "gFree.n"),
        preempt=bool(p.unsigned("preempt")),
        worker=modes.get(p.unsigned("gcMarkWorkerMode"), ""),
        ids_left=p.unsigned("goidcacheend") - p.unsigned("goidcache"),
    )


def _local_queue(p: Record) -> Maybe[List[int]]:
    """runqgrab: from head to tail, two counters that wrap."""
    head, tail, slots = p.unsigned("runqhead"), p.unsigned("runqtail"), p.words("runq")
    count = (tail - head) % _WORD
    if count > len(slots):
        return Absent(UNPARSABLE, f"its queue would hold {count} goroutines, of {len(slots)} at most")
    return [slots[(head + index) % len(slots)] for index in range(count)]


def _timers(session: Session, p: Record) -> Timers:
    new = "timers.heap.ptr" in p
    array, count = (p.unsigned(f"timers.heap.{part}" if new else f"timers.{part}") for part in ("ptr", "len"))
    whens = [p.unsigned(n) for n in (_WHENS if new else _OLD_WHENS)]
    # timers.wakeTime: 0 is none; what was modified may be due before the head of the heap.
    next_due = min((when for when in whens if when), default=0)
    return Timers(
        count,
        p.moved("timers.zombies", "deletedTimers"),
        _due(session, array, count, new),
        next_due or Absent(NOT_APPLICABLE, "it has no timers"),
    )


_WHENS = ("timers.minWhenHeap", "timers.minWhenModified")
_OLD_WHENS = ("timer0When", "timerModifiedEarliest")


def _due(session: Session, array: int, count: int, new: bool) -> Maybe[int]:
    """Since Go 1.23 the heap has pairs of timer and when, before it had timers."""
    now = session.world.now
    if isinstance(now, Absent):
        return now
    if count > _MAX_DUE:
        return Absent(UNPARSABLE, f"{count} timers are too many to look at")
    try:
        words = session.memory.pointers(array, count * (2 if new else 1)) if count else ()
        when = session.layout.struct("runtime.timer").offset("when")
        whens = words[1::2] if new else [session.memory.u64(timer + when) for timer in words]
    except GoxrayError as error:
        return Absent(UNREADABLE, str(error))
    return sum(0 < each <= now for each in whens)


def read_scheduler(session: Session, ids_left: int) -> Scheduler:
    """ids_left: the goroutine ids that Ps hold in reserve."""
    sched = Record(session.memory, session.layout.struct("runtime.schedt"), scheduler_address(session))
    queued = sched.moved("runq.size", "runqsize")
    return Scheduler(
        gomaxprocs=len(processors(session)),
        threads=sched.unsigned("mnext") - sched.unsigned("nmfreed"),
        max_threads=sched.signed("maxmcount"),
        idle_machines=sched.signed("nmidle"),
        locked=sched.signed("nmidlelocked"),
        system=sched.signed("nmsys"),
        idle_processors=sched.signed("npidle"),
        spinning=sched.signed("nmspinning"),
        need_spinning=sched.maybe("needspinning"),
        queued=queued,
        queue=_global_queue(session, sched.unsigned("runq.head"), queued),
        disabled=sched.moved("disable.runnable.size", "disable.n"),
        gc_waiting=bool(sched.unsigned("gcwaiting")),
        stop_wait=sched.signed("stopwait"),
        frozen=_FROZEN - _MAX_PROCESSORS < sched.signed("stopwait") <= _FROZEN,
        sysmon_waits=bool(sched.unsigned("sysmonwait")),
        safe_point_wait=sched.signed("safePointWait"),
        polling=not sched.unsigned("lastpoll"),
        poll_until=sched.unsigned("pollUntil"),
        created=sched.unsigned("goidgen") - ids_left,
        custom=sched.maybe("customGOMAXPROCS"),
    )


def _global_queue(session: Session, head: int, size: int) -> Maybe[List[int]]:
    """The first goroutines of the list through g.schedlink; Absent where it is not as long as the runtime counts."""
    link = session.layout.struct("runtime.g").offset("schedlink")
    found: Dict[int, None] = {}
    try:
        while head and len(found) < min(size, MAX_LISTED) and head not in found:
            found[head] = None
            head = session.memory.u64(head + link)
    except ReadError as error:
        return Absent(UNREADABLE, f"the queue is cut after {len(found)}: {error}")
    if len(found) < min(size, MAX_LISTED) or (head and size <= MAX_LISTED):
        return Absent(UNPARSABLE, f"the queue has not the {size} goroutines that are counted")
    return list(found)


def read_hold(session: Session, machine: int) -> Maybe[Hold]:
    """Of the M at this address."""
    kind = session.layout.struct("runtime.m")
    try:
        m = Record(session.memory, kind, machine)
        why = session.memory.go_string(machine + kind.offset("preemptoff"), 64)
    except ReadError as error:
        return Absent(UNREADABLE, str(error))
    return Hold(
        locks=m.signed("locks"),
        mallocing=m.signed("mallocing"),
        throwing=m.signed("throwing"),
        dying=m.signed("dying"),
        preempt_off=why.decode("utf-8", "backslashreplace"),
        calls_of_c=m.unsigned("ncgocall"),
    )
