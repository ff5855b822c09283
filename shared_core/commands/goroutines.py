"""go-goroutines: all goroutines, what each waits for, since when, and who started it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Dict, List

from ..runtime.goroutine import Goroutine
from .base import Command, Result, add_limit, count
from .grouping import KEYS, STACK, grouped
from .selection import add_filters, add_sort, filtered, wait_key
from .views import GoroutineView, Views

if TYPE_CHECKING:
    from ..session import Session

DEFAULT_DEPTH = 10  # Delve's
STACK_DEPTH = 50  # frames shown of a stack that goroutines were grouped by, unless told otherwise


@dataclass
class Goroutines:
    """The goroutines listed; `total` is how many passed the filters, `hidden` how many system ones were left out."""

    goroutines: List[GoroutineView]
    total: int
    hidden: int


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-t", dest="depth", nargs="?", type=count, const=DEFAULT_DEPTH, metavar="DEPTH",
        help="with stacks, of at most DEPTH frames (default 10)",
    )  # fmt: skip
    add_filters(parser)
    add_sort(parser)
    parser.add_argument("--group", choices=KEYS, metavar="KEY", help=f"count those that share: {', '.join(KEYS)}")
    add_limit(parser)


def run(session: Session, options: argparse.Namespace) -> Result:
    views = Views(session)
    found = filtered(session, options)
    hidden = 0 if options.all else len(views.world.system)
    if options.group:
        depth = STACK_DEPTH if options.group == STACK and options.depth is None else options.depth
        groups = grouped(views, found, options.group, options.limit, depth)
        groups.hidden = hidden
        return Result("go-goroutines", groups, list(session.warnings))
    shown = _sorted(views, found, options.sort)[: options.limit]
    body = Goroutines([views.goroutine(g, options.json, options.depth) for g in shown], len(found), hidden)
    return Result("go-goroutines", body, list(session.warnings))


def _sorted(views: Views, found: List[Goroutine], order: str) -> List[Goroutine]:
    keys: Dict[str, Callable[[Goroutine], Any]] = {
        "id": lambda g: g.raw.goid,
        "wait": lambda g: (wait_key(views.world, g), g.id),
        "status": lambda g: (g.state, g.id),
        "function": lambda g: (getattr(views.world.stacks.users.place(g), "function", ""), g.id),
    }
    return sorted(found, key=keys[order])


COMMAND = Command(
    name="go-goroutines",
    help="List goroutines, and their stacks if asked.",
    run=run,
    arguments=arguments,
    details="""A * marks the goroutine of the selected thread. STATUS is the runtime's wait reason, or the status of a
goroutine that does not wait. BLOCKED is as in a traceback: counted from the garbage collection before the one that
first saw it wait, so it may be less; empty where none has. THREAD is the thread's id in the debugger. USER FRAME is
the first function outside the runtime, with the end of its file's path; --json has the whole. The runtime's own
goroutines are left out.

  go-goroutines -t 5 --wait-reason chan
  go-goroutines --function 'net/http' --sort wait --limit 20
  go-goroutines --group stack --limit 10
  go-goroutines --json --output goroutines.json""",
)
