"""go-crash: what brought the program down."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Dict, List, NamedTuple, Optional, Tuple

from ..analysis.crash import NONE, Crash, diagnose
from ..analysis.quarters import Quarters
from ..errors import Maybe
from ..runtime.instructions import Instruction, instruction_at
from .base import FINE, FOUND, Command, Result, count
from .stacks import StackPiece, pieces
from .views import StackView, Views

if TYPE_CHECKING:
    from ..session import Session

DEFAULT_DEPTH = 50


class CrashCard(NamedTuple):
    """A Crash with what is shown of it.

    stack: of its goroutine, with arguments; more: whether it goes on. inside: what its thread runs on other stacks,
    where the crash is there. instruction: that of the signal's pc, None without a signal. quarters: how many goroutines
    that are not the runtime's own wait for what.
    """

    crash: Crash
    stack: Optional[StackView]
    more: bool
    inside: List[StackPiece]
    instruction: Optional[Maybe[Instruction]]
    quarters: Dict[str, int]


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--depth", metavar="N", type=count, default=DEFAULT_DEPTH, help="show at most N frames (default 50)"
    )


def run(session: Session, options: argparse.Namespace) -> Result:
    crash = diagnose(session)
    stack, more = _stack(session, crash, options.depth)
    instruction = None
    if crash.signal is not None:
        instruction = instruction_at(session, crash.signal.pc, dict(crash.signal.registers))
    inside = pieces(session, crash.inside, options.depth, Views(session))
    world = session.world
    quarters = Quarters(session).count([each for each in world.goroutines if each.address not in world.system])
    card = CrashCard(crash, stack, more, inside, instruction, quarters)
    return Result("go-crash", card, list(session.warnings), FINE if crash.label == NONE else FOUND)


def _stack(session: Session, crash: Crash, depth: int) -> Tuple[Optional[StackView], bool]:
    if crash.goroutine is None:
        return None, False
    found = Views(session).stack(crash.goroutine, crash.reporting + depth + 1, args=True)
    frames = found.frames[crash.reporting :]
    more = len(frames) > depth
    return StackView(frames[:depth], "" if more else found.problem), more


COMMAND = Command(
    name="go-crash",
    help="Show what brought the program down, and of which class that is.",
    run=run,
    arguments=arguments,
    details="""Looks for the thread that reports a panic, a fatal error of the runtime's, or a signal that it dies of.

The class and its labels say what kind of crash that is (memory:nil-deref, concurrency:deadlock, network:refused,
signal:external, none, ...), each with the evidence. The signature is the same for equal crashes, also in other builds
of the program. The stack is that of the runtime's own traceback.

Panics come as printed, the oldest first, with the types of their values, the values, and the errors that they wrap.
The status is 1 when there is a crash, and 0 when there is none.

  go-crash
  go-crash --json --output crash.json""",
)
