"""go-report: what the other commands tell, together: as a page for a browser, as Markdown, or as one document."""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Callable, Dict, List, Optional, Sequence, Tuple, TypeVar

from .. import __version__
from ..errors import UNREADABLE, Absent, FormatError, GoxrayError, Maybe, UserError
from ..export.flame import Flame, flame
from ..export.samples import samples_of
from ..target import FILE
from . import find
from .arguments import parse
from .base import FINE, UNANSWERED, Command, Result, add_limit, duration
from .leaks import DEFAULT_WAIT
from .roll import Roll, roll
from .waitgroups import WaitGroups, wait_groups

if TYPE_CHECKING:
    from ..session import Session

T = TypeVar("T")
HTML, MARKDOWN, JSON = "html", "md", "json"
FORMATS = (HTML, MARKDOWN, JSON)
_ENDINGS = {".html": HTML, ".htm": HTML, ".md": MARKDOWN, ".markdown": MARKDOWN, ".json": JSON}
_LIMITS = {HTML: 200, MARKDOWN: 20, JSON: 200}


@dataclass
class Report:
    """parts: name -> the answer of a command, Absent with the reason where it has none.

    flame, roll and groups are for people alone: the stacks as a tree, all goroutines, and what they wait for.
    made: seconds since 1970. warnings: what holds for all parts, the target's own among them.
    """

    form: str
    limit: int
    by: str
    made: float
    parts: Dict[str, Maybe[Result]] = field(default_factory=dict)
    flame: Optional[Maybe[Flame]] = None
    roll: Optional[Maybe[Roll]] = None
    groups: Optional[Maybe[WaitGroups]] = None
    warnings: List[str] = field(default_factory=list)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=FORMATS, help="what to make; by default as FILE ends, else html")
    parser.add_argument(
        "--min-wait", metavar="TIME", type=duration, dest="long", default=DEFAULT_WAIT,
        help="how long a wait must be to speak for a leak: 90s, 1h (default 5m)",
    )  # fmt: skip
    add_limit(parser)


def run(session: Session, options: argparse.Namespace) -> Result:
    form = _form(options)
    program = session.program
    if session.target.kind == FILE or program.foreign:
        raise FormatError(program.foreign or "there is no process: a report is of a core or a process")
    limit = _LIMITS[form] if options.limit is None else options.limit
    report = Report(form, limit, f"goxray {__version__}", time.time())
    report.parts = {name: _answer(session, words) for name, words in _parts(limit, options.long)}
    if form != JSON:
        _for_people(session, report)
    report.warnings = list(dict.fromkeys(session.warnings))
    for part in report.parts.values():
        if isinstance(part, Result):
            part.warnings = [each for each in part.warnings if each not in report.warnings]
    options.json = form == JSON
    # A page and Markdown have them inside.
    return Result("go-report", report, list(report.warnings) if form == JSON else [], _status(report))


def _form(options: argparse.Namespace) -> str:
    if options.json and options.format not in (None, JSON):
        raise UserError(f"--json and --format {options.format}: one of them")
    if options.json or options.format:
        return JSON if options.json else str(options.format)
    if options.output is None:
        raise UserError("where to? -o report.html writes a page for a browser; --format md prints it here")
    return _ENDINGS.get(os.path.splitext(options.output)[1].lower(), HTML)


def _parts(limit: int, long: int) -> List[Tuple[str, Sequence[str]]]:
    """(name in the document, command line): the lists of each bounded."""
    some = ["--limit", str(limit)]
    return [
        ("info", ["go-info"]),
        ("args", ["go-args"]),
        ("crash", ["go-crash"]),
        ("goroutines", ["go-goroutines", "--group", "stack", *some]),
        ("stats", ["go-goroutines", "--stats"]),
        ("leaks", ["go-leaks", "--min-wait", f"{long}ns", *some]),
        ("waits", ["go-waits", "--sort", "wait", *some]),
        ("sched", ["go-sched"]),
        ("memory", ["go-memory"]),
    ]


def _answer(session: Session, words: Sequence[str]) -> Maybe[Result]:
    command = find(words[0])
    return _or_why(lambda: command.run(session, parse(command, words[1:])))


def _or_why(get: Callable[[], T]) -> Maybe[T]:
    """What cannot be had costs its place in the report, and not the report."""
    try:
        return get()
    except GoxrayError as error:
        return Absent(UNREADABLE, " ".join(str(error).split()))
    except Exception as error:
        what = " ".join(f"{type(error).__name__}: {error}".split())
        return Absent(UNREADABLE, f"internal error: {what}")


def _for_people(session: Session, report: Report) -> None:
    world = _or_why(lambda: session.world)
    if isinstance(world, Absent):
        report.flame = report.roll = report.groups = world
        return
    users = [each for each in world.goroutines if each.address not in world.system]
    report.groups = _or_why(lambda: wait_groups(session))
    if report.form == HTML:
        report.flame = _or_why(lambda: flame(samples_of(session, users)))
        groups = report.parts["goroutines"]
        report.roll = _or_why(lambda: roll(session, users, groups.body if isinstance(groups, Result) else None))


def _status(report: Report) -> int:
    """The worst of all parts', as if the commands had been run one after the other."""
    return max((FINE, *(UNANSWERED if isinstance(each, Absent) else each.status for each in report.parts.values())))


COMMAND = Command(
    name="go-report",
    help="Put what the other commands tell into one page.",
    run=run,
    arguments=arguments,
    details="""Writes one file that needs nothing else, no network either: what brought the program down, goroutines by
stack, a flame graph of all stacks, leaks, what is waited for and by whom, the scheduler, memory, and the build. In the
page, lists can be sorted and searched, and every goroutine is found by its id. It shows os.Args, not the environment.

--format md is for a ticket or a chat. --format json, or --json, is one document: its keys are the documents of go-info,
go-args, go-crash, go-goroutines --group stack (goroutines) and --stats (stats), go-leaks, go-waits --sort wait,
go-sched and go-memory; null, with the reason among the warnings, for one that could not be had.

Lists have at most --limit entries: 200 by default, 20 in Markdown. The status is the worst of those commands'.

  go-report -o report.html
  go-report --format md
  go-report --min-wait 30m -o report.json""",
)
