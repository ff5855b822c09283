"""go-goroutines: all goroutines, what each waits for, since when, and who started it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, List

from ..analysis.quarters import Quarters
from ..errors import UserError
from .base import Command, Result, add_limit, count
from .grouping import STACK, add_group, group_key, grouped
from .selection import Selection, add_filters, add_sort, ordered, select
from .views import GoroutineView, Views

if TYPE_CHECKING:
    from ..session import Session

DEFAULT_DEPTH = 10  # Delve's
STACK_DEPTH = 50  # frames shown of a stack that goroutines were grouped by, unless told otherwise
FORMATS = ("pprof", "folded", "speedscope", "traceback")  # see export.py


@dataclass
class Goroutines:
    """The goroutines listed; `total` is how many passed the filters, `hidden` how many system ones were left out.

    quarters: how many of the total wait for what. sizes: whether their stacks' sizes are what it is about.
    """

    goroutines: List[GoroutineView]
    total: int
    hidden: int
    quarters: Dict[str, int]
    sizes: bool = False


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-t", dest="depth", nargs="?", type=count, const=DEFAULT_DEPTH, metavar="DEPTH",
        help="with stacks, of at most DEPTH frames (default 10)",
    )  # fmt: skip
    parser.add_argument("-l", "--labels", action="store_true", help="with their profiler labels")
    add_filters(parser)
    add_sort(parser)
    add_group(parser)
    parser.add_argument("--tree", action="store_true", help="under the goroutine that started each")
    parser.add_argument("--stats", action="store_true", help="how many in which status and wait, and their stacks")
    parser.add_argument("--format", choices=FORMATS, help="for other tools: see below (-o FILE)")
    add_limit(parser)


def run(session: Session, options: argparse.Namespace) -> Result:
    _only_one(options)
    selection = select(session, options)
    if options.format:
        from .export import export

        return export(session, options, selection)
    body = _body(Views(session), selection, options, Quarters(session).count(selection.goroutines))
    return Result("go-goroutines", body, [*session.warnings, *selection.notes])


def _only_one(options: argparse.Namespace) -> None:
    asked = [name for name in ("group", "tree", "stats", "format") if getattr(options, name)]
    if len(asked) > 1:
        raise UserError(f"one of --{' and --'.join(asked)}, not both")


def _body(views: Views, selection: Selection, options: argparse.Namespace, quarters: Dict[str, int]) -> object:
    found, hidden = selection.goroutines, selection.hidden
    if options.group:
        by = group_key(options.group)
        depth = STACK_DEPTH if by == STACK and options.depth is None else options.depth
        groups = grouped(views, found, by, options.limit, depth)
        groups.hidden, groups.quarters = hidden, quarters
        return groups
    if options.tree:
        from .tree import tree

        return tree(views, found, hidden, quarters, options.limit, options.json)
    if options.stats:
        from .tally import tally

        return tally(views.world, found, hidden, quarters)
    shown = ordered(views.world, found, options.sort)[: options.limit]
    rows = [views.goroutine(g, options.json, options.depth, options.labels) for g in shown]
    return Goroutines(rows, len(found), hidden, quarters, options.sort == "stack-size")


COMMAND = Command(
    name="go-goroutines",
    help="List goroutines, and their stacks if asked.",
    run=run,
    arguments=arguments,
    details="""A * marks the goroutine of the selected thread. STATUS is the runtime's wait reason, or the status of a
goroutine that does not wait. BLOCKED is as in a traceback: counted from the garbage collection before the one that
first saw it wait, so it may be less; empty where none has. THREAD is the thread's id in the debugger. USER FRAME is
the first function outside the runtime, with the end of its file's path; --json has the whole. The runtime's own
goroutines are left out. The last line counts what they wait for: channel, network poll, system call, runtime/GC, and
the rest.

KIND is one of: user, system, running (on a thread), label K[=V], func REGEX (on the stack), start REGEX and creator
REGEX (function or FILE:LINE), reason TEXT (part of it), status S; and as in Delve userloc, curloc, goloc, startloc TEXT
(part of "FILE:LINE in FUNCTION"). What cannot be told of a goroutine it neither has nor lacks: a warning counts these.

--format pprof writes a profile for `go tool pprof`, as the program's own pprof.Lookup("goroutine") would have, with
labels. folded: a line per stack, for flame graphs. speedscope: JSON for speedscope.app. traceback: as
go-traceback --all.

  go-goroutines -t 5 --wait-reason chan
  go-goroutines --with func 'net/http' --without label user --sort wait --limit 20
  go-goroutines --group stack --min-wait 5m
  go-goroutines --group label:tenant
  go-goroutines --format pprof -o goroutines.pb.gz
  go-goroutines --json --output goroutines.json""",
)
