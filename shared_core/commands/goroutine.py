"""go-goroutine ID: one goroutine in full."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, List, Sequence, Tuple

from ..errors import NOT_APPLICABLE, Absent, Maybe
from .base import Command, Result, count
from .frameargs import FrameArgsReader, FrameView
from .selection import one
from .views import GoroutineView, StackView, Views

if TYPE_CHECKING:
    from ..session import Session


_KNOWN = 256  # frames whose arguments are looked at
_MORE = Absent(NOT_APPLICABLE, "go-args --frame N shows it")


@dataclass
class GoroutineInFull:
    """`view` with everything; `stack` has the arguments; `bounds` are the stack's [low, high).

    words: what is known of the arguments of each of its frames, as go-args --frame has it.
    """

    view: GoroutineView
    stack: StackView
    bounds: Tuple[int, int]
    parent: Maybe[int]
    words: List[FrameView] = field(default_factory=list)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="?", type=count, metavar="ID", help="default: the selected thread's")


def run(session: Session, options: argparse.Namespace) -> Result:
    goroutine = one(session, options.id)
    views = Views(session)
    stack = views.stack(goroutine, args=True)
    reader = FrameArgsReader(session, goroutine)
    body = GoroutineInFull(
        views.goroutine(goroutine, full=True),
        stack,
        (goroutine.raw.low, goroutine.raw.high),
        goroutine.parent_id,
        [reader.view(frame) if at < _KNOWN else FrameView(frame, _MORE) for at, frame in enumerate(stack.frames)],
    )
    return Result("go-goroutine", body, list(session.warnings))


def complete(session: Session, words: Sequence[str], word: str) -> List[str]:
    return [str(g.id) for g in session.world.goroutines]


COMMAND = Command(
    name="go-goroutine",
    help="Show one goroutine in full.",
    run=run,
    arguments=arguments,
    details="""Status, wait reason, thread, who started it, labels, and its stack with argument words: what is known of
their types and values, and after a ~ what they look like (see go-args --help).

In gdb and lldb also, on cores too:
  go-goroutine ID select       the debugger's own bt, frame, up, down, registers and x work on its stack
  go-goroutine ID -- COMMAND   one command of the debugger there, and back
  go-goroutine 0               the thread's own frames again; moving the program does it too""",
    complete=complete,
)
