"""go-args: what the process was started with, or the argument words of the functions on a stack."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, List, Optional

from ..errors import Absent, GoxrayError, LayoutError, Maybe, UserError
from ..runtime.process import find_strings, read_strings
from .base import FINE, UNANSWERED, Command, Result, count
from .frameargs import FrameArgsReader, FrameView
from .selection import add_goroutine, one
from .views import Views

if TYPE_CHECKING:
    from ..session import Session


@dataclass
class ProcessArgs:
    """os.Args and, where asked for, the environment ("NAME=value"); bytes as the kernel passed them."""

    args: List[Maybe[bytes]]
    env: Optional[List[Maybe[bytes]]]


@dataclass
class FrameArgs:
    """The stack of one goroutine with argument words; `first` is the number of its first frame.

    problem: why the walk ended early, "" when it did not.
    """

    goroutine_id: int
    frames: List[FrameView]
    problem: str = ""
    first: int = 0


_ALL = -1


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--env", action="store_true", help="the environment too")
    parser.add_argument(
        "--frame", nargs="?", type=count, const=_ALL, metavar="N",
        help="the arguments of the functions on a stack, or of its frame N alone",
    )  # fmt: skip
    add_goroutine(parser)


def run(session: Session, options: argparse.Namespace) -> Result:
    if options.frame is not None or options.goroutine is not None:
        body: object = _frame_args(session, options)
    else:
        env = _strings(session, "runtime.envs") if options.env else None
        body = ProcessArgs(_strings(session, "runtime.argslice"), env)
    return Result("go-args", body, list(session.warnings), _status(body))


def _status(body: object) -> int:
    """Arguments none of which can be read are no answer."""
    unread = isinstance(body, ProcessArgs) and body.args and all(isinstance(arg, Absent) for arg in body.args)
    return UNANSWERED if unread else FINE


def _strings(session: Session, name: str) -> List[Maybe[bytes]]:
    what = "os.Args" if name.endswith("argslice") else "the environment"
    try:
        return read_strings(session.memory, find_strings(session.globals, session.memory, name))
    except LayoutError as error:
        raise UserError(f"{what} cannot be found: {error}") from None
    except GoxrayError as error:
        raise UserError(f"{what} cannot be read: {error}") from None


def _frame_args(session: Session, options: argparse.Namespace) -> FrameArgs:
    goroutine = one(session, options.goroutine)
    stack = Views(session).stack(goroutine, args=True)
    reader, first, frames = FrameArgsReader(session, goroutine), 0, stack.frames
    if options.frame not in (None, _ALL):
        if options.frame >= len(frames):
            raise UserError(f"goroutine {goroutine.id} has {len(frames)} frames, numbered from 0")
        first, frames = options.frame, frames[options.frame : options.frame + 1]
    problem = stack.problem if not first and frames is stack.frames else ""
    return FrameArgs(goroutine.id, [reader.view(frame) for frame in frames], problem, first)


COMMAND = Command(
    name="go-args",
    help="Print os.Args and the environment, or the arguments of frames.",
    run=run,
    arguments=arguments,
    details="""Without options: os.Args, as the runtime keeps them (the program may have changed os.Args since).
With --frame: per function the words that the compiler describes (FUNCDATA_ArgInfo), with address, size and value, and
whether each is live at this pc. A dead word holds whatever the stack held there. Where a function was stopped before it
has stored its arguments, the registers that hold them: ~rax is a guess, its reason in --json.
A method's arguments have a TYPE, by its name and the descriptor of its receiver, and a value where all of their words
are live. What others look like follows after a ~: a string, a slice, an interface with what it holds, a func value, a
channel, a map. The compiler leaves no types of these in a program, so this is inferred.

  go-args --env
  go-args --frame
  go-args --frame 2 --goroutine 18""",
)
