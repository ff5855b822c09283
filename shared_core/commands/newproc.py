"""go-newproc: lets the program run, and logs each goroutine as it is made."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, List, NamedTuple, Optional, cast

from ..errors import Absent, UserError
from ..runtime.creation import Creation, at_creation, places
from ..target import CORE, LIVE, Watcher
from .base import Command, Result, count

if TYPE_CHECKING:
    from ..session import Session

_NAME = "go-newproc"
DEFAULT_COUNT = 20
DEFAULT_DEPTH = 5


class Log(NamedTuple):
    """Goroutines in the order they were made; passed: how many others were made meanwhile; lost: why some are not
    known. stopped: why it ended before there were enough, "" otherwise. shown: the lines are on the screen already."""

    creations: List[Creation]
    passed: int
    lost: List[str]
    stopped: str
    shown: bool


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--count", type=count, default=DEFAULT_COUNT, metavar="N", help="end after N (default 20)")
    parser.add_argument("--function", metavar="REGEX", help="only those that start in a function that matches")
    parser.add_argument(
        "--depth", type=count, default=DEFAULT_DEPTH, metavar="N", help="frames of the creator's stack (default 5)"
    )


def run(session: Session, options: argparse.Namespace) -> Result:
    watcher, wanted = _watcher(session), _pattern(options.function)
    shown = not options.json and options.output is None
    log = _log(session, watcher, options, wanted, shown)
    return Result(_NAME, log, list(session.warnings))


def _watcher(session: Session) -> Watcher:
    if not hasattr(session.target, "watch"):
        raise UserError("go-newproc lets the program run from one `go` to the next: it takes gdb or lldb")
    if session.target.kind == CORE:
        raise UserError("go-newproc is for live programs: nothing is made in a core")
    if session.target.kind != LIVE:
        raise UserError("there is no process: attach to one, or run the program up to some point")
    return cast(Watcher, session.target)


def _pattern(text: Optional[str]) -> Optional[re.Pattern[str]]:
    try:
        return re.compile(text) if text is not None else None
    except re.error as error:
        raise UserError(f"--function {text}: {error}") from None


def _log(
    session: Session, watcher: Watcher, options: argparse.Namespace, wanted: Optional[re.Pattern[str]], shown: bool
) -> Log:
    from ..render.newproc import creation_text

    found: List[Creation] = []
    lost: List[str] = []
    passed, stopped = 0, ""
    with watcher.watch(places(session)) as go_on:
        while len(found) < options.count:
            threads, stopped = go_on()
            session.invalidate()
            if stopped:
                break
            by_tid = {thread.tid: thread for thread in session.target.threads()}
            for tid in threads:
                made = at_creation(session, by_tid[tid], options.depth) if tid in by_tid else None
                if made is None or isinstance(made, Absent):
                    lost.append("its thread is gone" if made is None else made.detail)
                elif wanted is not None and not _matches(made, wanted):
                    passed += 1
                else:
                    found.append(made)
                    if shown:
                        watcher.write(creation_text(made))
    return Log(found, passed, lost, stopped, shown)


def _matches(made: Creation, wanted: re.Pattern[str]) -> bool:
    return not isinstance(made.function, Absent) and wanted.search(made.function.function) is not None


COMMAND = Command(
    name=_NAME,
    help="Let the program run, and log each goroutine as it is made.",
    run=run,
    arguments=arguments,
    details="""The program goes on from where it stands, and is stopped for a moment at each `go`: by a breakpoint of
the debugger's own, which is gone when the command ends: after --count goroutines, at Ctrl-C, or where the program stops
for another reason. It stays stopped then. In gdb and lldb only, and the one command that lets the program run.

CAPTURED are the words of the function value that it starts with: the arguments of the `go` statement, and variables
of a closure. The last of them may be beyond its end.

  go-newproc --count 100 --function main
  go-newproc --count 1000 --json --output made.json""",
)
