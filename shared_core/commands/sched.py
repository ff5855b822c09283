"""go-sched: the scheduler's Ps, Ms and queues, and what has changed since it was last looked at."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Tuple

from ..analysis.quarters import Quarters
from ..errors import Absent, Maybe, UserError
from ..runtime.pacer import read_cycles
from ..runtime.scheduler import Hold, Processor, Scheduler, read_hold, read_processors, read_scheduler
from ..target import CORE, LIVE
from .base import Command, Result, duration
from .threads import ThreadView, views

if TYPE_CHECKING:
    from ..session import Session

_NAME = "go-sched"
_LONGEST = 3600 * 10**9
_LAST = -1  # --since without a time


class MachineView(NamedTuple):
    """An M with what its thread does, and what keeps it from being preempted."""

    thread: ThreadView
    hold: Maybe[Hold]


class ProcessorView(NamedTuple):
    """A P; machine: the number of its M, None without one; goroutine: the id of what that runs, None if nothing.

    queue: the ids of those that wait in its queue, next: of the one before them.
    """

    processor: Processor
    machine: Optional[int]
    goroutine: Optional[int]
    queue: Maybe[List[Maybe[int]]]
    next: Optional[Maybe[int]]


class Look(NamedTuple):
    """What is kept to compare with. at: seconds of our own clock. ticks: P -> its scheduler's and its system calls'."""

    at: float
    ticks: Dict[int, Tuple[int, int]]
    created: int
    goroutines: int
    machines: int
    cycles: Maybe[int]


class Change(NamedTuple):
    """From one look to the next. ended: goroutines that are no more. ticks: as in Look, of the Ps that both have."""

    seconds: float
    ticks: Dict[int, Tuple[int, int]]
    created: int
    ended: int
    machines: int
    cycles: Maybe[int]


@dataclass
class SchedulerState:
    """statuses: how many goroutines have each; quarters: how many that are not the runtime's own wait for what.

    now: ns of the program's clock.
    """

    scheduler: Scheduler
    processors: List[Maybe[ProcessorView]]
    machines: List[MachineView]
    statuses: Dict[str, int]
    quarters: Dict[str, int]
    global_queue: Maybe[List[Maybe[int]]]
    now: Maybe[int]
    change: Optional[Change]


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--since", nargs="?", type=duration, const=_LAST, metavar="TIME",
        help="live: what changed since the last look; with goxray --pid in that TIME (5, 500ms)",
    )  # fmt: skip


def run(session: Session, options: argparse.Namespace) -> Result:
    before = None if options.since is None else _earlier(session, options.since)
    state = _state(session)
    look = _look(session, state)
    if before is not None:
        state.change = _change(before, look)
    if session.target.kind == LIVE:
        session.looks[_NAME] = look
    return Result(_NAME, state, list(session.warnings))


def _earlier(session: Session, wait: int) -> Look:
    """The look to compare with: the session's last one, or one from `wait` ns ago where the program runs on."""
    if session.target.kind == CORE:
        raise UserError("--since is for live programs: nothing changes in a core")
    runs_on = getattr(session.target, "runs_on", False)
    if wait == _LAST:
        kept: Any = session.looks.get(_NAME)
        if kept is None:
            how = "give --since TIME" if runs_on else "let the program go on and stop again, then ask once more"
            # So that the next one has something to compare with.
            session.looks[_NAME] = _look(session, _state(session))
            raise UserError(f"this is the first look: {how}")
        found: Look = kept
        return found
    if not runs_on:
        raise UserError("the program stands still: let it go on between two looks, and ask with --since alone")
    look = _look(session, _state(session))
    time.sleep(min(wait, _LONGEST) / 10**9)
    session.invalidate()
    return look


def _state(session: Session) -> SchedulerState:
    world = session.world
    processors, ids_left = read_processors(session)
    scheduler = read_scheduler(session, ids_left)
    known = {g.address: g.id for g in world.goroutines}
    shown, _ = views(session, None, None)
    machines = [each for each in shown if each.machine is not None]
    by_address = {each.machine.address: each for each in machines if each.machine is not None}
    queue = scheduler.queue
    return SchedulerState(
        scheduler=scheduler,
        processors=[each if isinstance(each, Absent) else _processor(each, by_address, known) for each in processors],
        machines=sorted((_machine(session, each) for each in machines), key=_number),
        statuses=dict(Counter(str(g.status) for g in world.goroutines)),
        quarters=Quarters(session).count([g for g in world.goroutines if g.address not in world.system]),
        global_queue=queue if isinstance(queue, Absent) else _ids(queue, known),
        now=world.now,
        change=None,
    )


def _processor(found: Processor, machines: Dict[int, ThreadView], known: Dict[int, int]) -> ProcessorView:
    view = machines.get(found.machine)
    machine = view.machine if view is not None else None
    return ProcessorView(
        processor=found,
        machine=machine.id if machine is not None else None,
        goroutine=known.get(machine.curg) if machine is not None else None,
        queue=found.queue if isinstance(found.queue, Absent) else _ids(found.queue, known),
        next=_ids([found.next], known)[0] if found.next else None,
    )


def _ids(addresses: List[int], known: Dict[int, int]) -> List[Maybe[int]]:
    return [known.get(each) or Absent("unparsable", f"there is no goroutine at {each:#x}") for each in addresses]


def _machine(session: Session, view: ThreadView) -> MachineView:
    assert view.machine is not None
    return MachineView(view, read_hold(session, view.machine.address))


def _number(view: MachineView) -> int:
    return view.thread.machine.id if view.thread.machine is not None else 0


def _look(session: Session, state: SchedulerState) -> Look:
    ticks = {
        each.processor.id: (each.processor.sched_ticks, each.processor.syscall_ticks)
        for each in state.processors
        if not isinstance(each, Absent)
    }
    created, live = state.scheduler.created, sum(state.statuses.values())
    return Look(time.monotonic(), ticks, created, live, state.scheduler.threads, read_cycles(session))


def _change(before: Look, now: Look) -> Change:
    """Ticks are counters of 32 bits that wrap."""
    ticks = {
        number: ((now.ticks[number][0] - sched) % (1 << 32), (now.ticks[number][1] - calls) % (1 << 32))
        for number, (sched, calls) in before.ticks.items()
        if number in now.ticks
    }
    created = now.created - before.created
    cycles: Maybe[int] = now.cycles
    if not isinstance(cycles, Absent):
        cycles = before.cycles if isinstance(before.cycles, Absent) else cycles - before.cycles
    ended = before.goroutines + created - now.goroutines
    return Change(now.at - before.at, ticks, created, ended, now.machines - before.machines, cycles)


COMMAND = Command(
    name=_NAME,
    help="Show the scheduler: Ps, Ms, their queues, and what has changed.",
    run=run,
    arguments=arguments,
    details="""QUEUE is how many goroutines wait in a P's own queue, NEXT the one that goes before them. TIMERS are
those in its heap, DUE how long it is until the first one fires, negative when it should have: in a core that is counted
from the latest time its memory bears witness to, so that it may be sooner. TICKS count the time slices that the
P has begun, CALLS the system calls that have ended on it. LOCKS of an M keep it from being preempted.

--since shows what changed since the session's last look: stop the program, look, let it go on, stop, look again. With
`goxray sched --pid PID --since SECONDS` there are two looks with the time between.

  go-sched
  go-sched --since
  goxray sched --pid PID --since 5""",
)
