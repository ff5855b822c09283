"""go-leaks: goroutines that look abandoned, in groups, with the evidence and how sure it is."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, List

from ..analysis.leaks import LEVELS, LIKELY, Leak, Leaks
from ..analysis.things import LockWait
from ..analysis.waits import Waits, waits_of
from ..errors import Maybe
from ..runtime.frames import Place
from ..runtime.goroutine import Goroutine
from .base import FINE, FOUND, Command, Result, add_limit, count, duration
from .selection import add_filters, filtered
from .views import Views
from .waits import WaitList, quarters

if TYPE_CHECKING:
    from ..session import Session

DEFAULT_WAIT = 5 * 60 * 1_000_000_000
DEFAULT_CROWD = 100


@dataclass
class LeakList:
    """leaks: those listed, of `groups` in all that are as sure; starts: the gopc of each -> the place.

    weaker: how many groups, and goroutines in them, are less sure than asked for. waits: what things are described by.
    searched: why nobody looked for who refers to channels and locks, "" where somebody did.
    """

    leaks: List[Leak]
    groups: int
    goroutines: int
    weaker: List[Leak]
    waits: WaitList
    starts: Dict[int, Maybe[Place]]
    searched: str


def arguments(parser: argparse.ArgumentParser) -> None:
    add_filters(parser, waits=False)
    parser.add_argument(
        "--min-wait", metavar="TIME", type=duration, dest="long", default=DEFAULT_WAIT,
        help="how long a wait must be to be evidence: 90s, 1h (default 5m)",
    )  # fmt: skip
    parser.add_argument(
        "--min-count", metavar="N", type=count, default=DEFAULT_CROWD, help="how many alike are a crowd (default 100)"
    )
    parser.add_argument("--sure", choices=LEVELS, default=LIKELY, help="the least sure that is listed (default likely)")
    add_limit(parser)


def run(session: Session, options: argparse.Namespace) -> Result:
    found = filtered(session, options)
    views, waits = Views(session), waits_of(session)
    leaks = Leaks(session, waits, options.long, options.min_count)
    everything = leaks.find(found)
    least = LEVELS.index(options.sure)
    sure = [leak for leak in everything if LEVELS.index(leak.sure) >= least]
    body = LeakList(
        sure[: options.limit],
        len(sure),
        sum(len(leak.waits) for leak in sure),
        [leak for leak in everything if LEVELS.index(leak.sure) < least],
        _described(views, waits, leaks, found),
        {pc: views.creator(pc) for pc in {leak.waits[0].goroutine.raw.gopc for leak in sure} if pc},
        leaks.reach.problem,
    )
    warnings = [*session.warnings, *waits.problems[:20], *leaks.holders.problems]
    if body.searched:
        warnings.append(body.searched)
    return Result("go-leaks", body, warnings, FOUND if sure else FINE)


def _described(views: Views, waits: Waits, leaks: Leaks, found: List[Goroutine]) -> WaitList:
    asked = [waits.of(goroutine) for goroutine in found]
    body = WaitList(
        [], len(found), 0, quarters(asked), waits.gc_phase(), {g.address: g.id for g in views.world.goroutines}
    )
    body.channels = waits.channels.known
    body.timers = {each.address: waits.timer_of(each) for each in body.channels}
    body.holders = {
        wait.thing.lock.semaphore: leaks.holders.of(wait.thing) for wait in asked if isinstance(wait.thing, LockWait)
    }
    return body


COMMAND = Command(
    name="go-leaks",
    help="Show goroutines that look abandoned, and why.",
    run=run,
    arguments=arguments,
    details="""Goroutines that wait in one way at one place, and were started at one, are a group. The worst come first.
Under each group is the evidence, with how sure it is:

  certain   nothing can wake them: a nil channel, a select with no cases, a timer that is never due, a channel or lock
            that nothing refers to which can still run (what the collector's own leak detection looks for), or the
            runtime has found them itself
  likely    a lock waited for longer than --min-wait, or in a cycle; senders without a receiver for as long; a timer
            that is stopped
  possible  a wait of --min-wait or more, which may be by design; many alike add to it

AGE is what a traceback shows: empty where no garbage collection has seen the wait. The main goroutine is left out. The
status is 1 when there are any as sure as asked for.

  go-leaks --min-wait 30m
  go-leaks --sure possible --limit 20
  go-leaks --without label app=db --json""",
)
