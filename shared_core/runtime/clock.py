"""What time it was in the program when it stopped, as far as its memory tells.

Source: Go 1.27 runtime/proc.go (sysmon and findRunnable store sched.lastpoll; sysmontick holds when sysmon last saw a
P change), runtime/mstats.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, List, Tuple

from ..errors import NOT_RECORDED, Absent, GoxrayError, Maybe, ReadError
from .goroutine import Goroutine

if TYPE_CHECKING:
    from ..session import Session

_MAX_PROCESSORS = 1 << 16
_LIMIT = 1 << 62


def latest_time(session: Session, goroutines: List[Goroutine]) -> Maybe[int]:
    """The present of a live program; of another, the latest nanotime() in its scheduler, Ps and goroutines.

    That is a lower bound of the present: how far off depends on when the program last scheduled or collected.
    """
    now = session.target.monotonic_time()
    if now is not None:
        return now
    times = {g.raw.wait_since for g in goroutines}
    times |= {getattr(g.raw, "tracking_stamp", 0) for g in goroutines}
    for source in (_scheduler_times, _processor_times):
        try:
            times.update(source(session))
        except GoxrayError:
            continue
    return max((t for t in times if 0 < t < _LIMIT), default=0) or Absent(NOT_RECORDED, "no time is recorded in memory")


def _scheduler_times(session: Session) -> Iterator[int]:
    kind = session.layout.struct("runtime.schedt")
    base = scheduler_address(session)
    for name in ("lastpoll", "procresizetime"):
        if name in kind:
            yield session.memory.u64(base + kind.offset(name))


def scheduler_address(session: Session) -> int:
    """The address of runtime.sched; LayoutError when it is not found."""
    return session.globals.find("runtime.sched", lambda at: _is_sched(session, at))


def _is_sched(session: Session, address: int) -> bool:
    """goidgen is not below any goroutine's id that was handed out, and the M count is what a program can have."""
    kind = session.layout.struct("runtime.schedt")
    try:
        last_id = session.memory.u64(address + kind.offset("goidgen"))
        machines = session.memory.u64(address + kind.offset("mnext"))
    except ReadError:
        return False
    highest = max([g.raw.goid for g in session.world.goroutines], default=0)
    return highest <= last_id < 1 << 56 and 0 < machines < 1 << 20


def processors(session: Session) -> Tuple[int, ...]:
    """The addresses of the Ps; their number is GOMAXPROCS. LayoutError when allp is not found."""
    header = session.globals.find("runtime.allp", lambda at: _is_allp(session, at))
    array, count, _ = session.memory.slice_header(header)
    return session.memory.pointers(array, min(count, _MAX_PROCESSORS))


def _processor_times(session: Session) -> Iterator[int]:
    kind = session.layout.struct("runtime.p")
    names = [name for name in ("sysmontick.schedwhen", "sysmontick.syscallwhen") if name in kind]
    for processor in processors(session):
        for name in names:
            yield session.memory.u64(processor + kind.offset(name))


def _is_allp(session: Session, address: int) -> bool:
    """A slice of Ps, each of which knows its own index."""
    kind = session.layout.struct("runtime.p")
    try:
        array, count, capacity = session.memory.slice_header(address)
        if not 0 < count <= capacity <= _MAX_PROCESSORS:
            return False
        return all(
            session.memory.i32(processor + kind.offset("id")) == index
            for index, processor in enumerate(session.memory.pointers(array, min(count, 16)))
        )
    except ReadError:
        return False
