"""go-waits: what each goroutine waits for, and who else waits for the same."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Dict, List, NamedTuple

from ..analysis.holders import Cycle, Holder, cycles, holders_of
from ..analysis.quarters import QUARTERS, ordered
from ..analysis.things import LockWait, Wait
from ..analysis.waits import all_asleep, waits_of
from ..errors import Absent, Maybe
from ..runtime.channels import Channel
from ..runtime.frames import Place
from .base import FINE, FOUND, Command, Result, add_limit
from .selection import add_filters, filtered
from .views import Standing, Views

if TYPE_CHECKING:
    from ..session import Session

ORDERS = ("id", "wait", "what")
_MAX_PROBLEMS = 20


class WaitRow(NamedTuple):
    """One goroutine as listed; caller: where it left its own code."""

    wait: Wait
    standing: Standing
    caller: Maybe[Place]


@dataclass
class WaitList:
    """Those listed; total: how many passed the filters, hidden: how many of the runtime's own were left out.

    quarters: how many of the total wait for what, by analysis.quarters.QUARTERS. ids: of goroutines by their address.
    holders: who seems to hold a lock, by its semaphore. asleep: nothing in the program can wake any of them.
    """

    rows: List[WaitRow]
    total: int
    hidden: int
    quarters: Dict[str, int]
    gc_phase: str
    ids: Dict[int, int]
    channels: List[Channel] = field(default_factory=list)
    timers: Dict[int, object] = field(default_factory=dict)
    holders: Dict[int, Holder] = field(default_factory=dict)
    cycles: List[Cycle] = field(default_factory=list)
    asleep: bool = False
    dot: bool = False


def arguments(parser: argparse.ArgumentParser) -> None:
    add_filters(parser)
    parser.add_argument(
        "--sort", choices=ORDERS, default="id", help="order: id, wait (longest first), what (same things together)"
    )
    parser.add_argument("--dot", action="store_true", help="as a graph for Graphviz's dot")
    add_limit(parser)


def run(session: Session, options: argparse.Namespace) -> Result:
    found = filtered(session, options)
    views, waits = Views(session), waits_of(session)
    asked = [waits.of(goroutine) for goroutine in found]
    holders = holders_of(session)
    body = WaitList(
        [
            WaitRow(wait, views.standing(wait.goroutine), waits.called_from(wait.goroutine))
            for wait in _sorted(asked, options.sort)[: options.limit]
        ],
        len(found),
        0 if options.all else len(views.world.system),
        quarters(asked),
        waits.gc_phase(),
        {g.address: g.id for g in views.world.goroutines},
        waits.channels.known,
        asleep=all_asleep(waits),
        dot=options.dot,
    )
    body.timers = {each.address: waits.timer_of(each) for each in body.channels}
    locks = [wait.thing for wait in asked if isinstance(wait.thing, LockWait)]
    body.holders = {each.lock.semaphore: holders.of(each) for each in locks}
    body.cycles = cycles(waits, holders)
    warnings = [*session.warnings, *waits.problems[:_MAX_PROBLEMS], *holders.problems]
    return Result("go-waits", body, warnings, FOUND if body.asleep or body.cycles else FINE)


def quarters(waits: List[Wait]) -> Dict[str, int]:
    """How many wait for what, in the order of QUARTERS."""
    return ordered(wait.quarter for wait in waits)


def _sorted(waits: List[Wait], order: str) -> List[Wait]:
    if order == "wait":
        return sorted(waits, key=lambda wait: (_since(wait), wait.goroutine.id))
    if order == "what":
        return sorted(waits, key=lambda wait: (QUARTERS.index(wait.quarter), wait.about, wait.goroutine.id))
    return sorted(waits, key=lambda wait: wait.goroutine.id)


def _since(wait: Wait) -> int:
    since = wait.goroutine.wait_since
    return 1 << 62 if isinstance(since, Absent) else since


COMMAND = Command(
    name="go-waits",
    help="Show what goroutines wait for, and who waits for the same.",
    run=run,
    arguments=arguments,
    details="""WAITS FOR is read from the runtime's own queues: a channel with the type of its elements, its address,
and how much of its buffer is in use; each case of a select; a lock, wait group or condition by its address, with what
its words say; a descriptor of the network poller, with its addresses; a system call by its number. ALSO THERE are the
others in the same queues. CALLED FROM is the first function outside sync, time, os, net and their like. What memory
does not tell is "?", with the reason.

A lock does not know who holds it. "held, it seems, by" is inferred: that goroutine's frame has the lock's address, and
by its lines the function called Lock and has not called Unlock. Where nothing shows that, nobody is named. A cycle is
made of such holders. "All asleep" is what the runtime means by a deadlock: no goroutine can run, and no timer is left.

The last line counts what they wait for: channel, network poll, system call, runtime/GC, and the rest. The status is 1
when there is a cycle, or all are asleep.

  go-waits --sort what
  go-waits --wait-reason chan --limit 50
  go-waits --dot --output waits.dot""",
)
