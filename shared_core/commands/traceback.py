"""go-traceback: stacks in the text form of the Go runtime itself."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, List, Optional, Sequence, Tuple

from ..errors import Maybe, UserError
from ..layouts.dialect import Printing, printing
from ..runtime.ancestors import Ancestors, Call, ancestors_of, creator_of
from ..runtime.bubble import bubble_of, is_durable
from ..runtime.debugvars import traceback_labels
from ..runtime.frames import SourceFrame
from ..runtime.goroutine import Goroutine
from ..runtime.threadwalk import ThreadWalk
from ..runtime.throwing import throwing
from ..runtime.traceback import SYSTEM, Elided, Rules
from ..runtime.unwind import Frame
from .base import Command, Result, add_limit, count
from .selection import add_filters, add_sort, one, ordered, picks, select
from .stacks import StackPiece, pieces
from .views import Views

if TYPE_CHECKING:
    from ..session import Session

LEVELS = ("single", "all", SYSTEM)
_PHYSICAL, _ARGS = SourceFrame._fields.index("physical"), SourceFrame._fields.index("args")


@dataclass(frozen=True)
class Traceback:
    """One goroutine's traceback, of what the program's Go version would print.

    exposed: its g, M and stack addresses are told. machine: (id, address) of its M, the id None where it is unknown;
    None: it has no M. created_by is None where none is printed, labels where they are not shown, bubble outside of one.
    inside: what its thread runs for it on other stacks, at level system.
    """

    goroutine: Goroutine
    exposed: bool
    machine: Optional[Tuple[Optional[int], int]]
    blocked_for: Maybe[int]
    durable: bool
    bubble: Optional[Maybe[int]]
    labels: Optional[Maybe[Dict[str, str]]]
    frames: Elided[SourceFrame]
    problem: str
    created_by: Optional[Call]
    ancestors: Ancestors
    inside: Sequence[StackPiece] = ()


@dataclass
class Tracebacks:
    """One traceback per goroutine; level is that of GOTRACEBACK."""

    tracebacks: List[Traceback]
    level: str
    wording: Printing


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs="*", type=count, metavar="ID", help="default: the selected thread's goroutine")
    parser.add_argument("--all", action="store_true", help="all goroutines, the selected thread's first")
    parser.add_argument(
        "--level", choices=LEVELS, default="single", help="as GOTRACEBACK: system adds runtime frames, gp, fp, sp, pc"
    )
    add_filters(parser, everything=False)
    add_sort(parser, default=None)
    add_limit(parser)


def run(session: Session, options: argparse.Namespace) -> Result:
    notes: List[str] = []
    if options.ids:
        if picks(options) or options.all:
            raise UserError("IDs say which goroutines are meant: they go without options that pick others")
        chosen = [one(session, goid) for goid in options.ids]
    elif options.all or options.level == "all" or picks(options):
        chosen, notes = _picked(session, options)
    else:
        chosen = [one(session, None)]
    body, silent = tracebacks(session, chosen, options.level)
    return Result("go-traceback", body, [*session.warnings, *notes, *silent])


def _picked(session: Session, options: argparse.Namespace) -> Tuple[List[Goroutine], List[str]]:
    """Those that pass the filters, the selected thread's first; the runtime's own at level system alone."""
    selection = select(session, options, system=options.level == SYSTEM)
    chosen = selected_first(session, selection.goroutines, keep=not picks(options))
    return ordered(session.world, chosen, options.sort)[: options.limit], selection.notes


def selected_first(session: Session, found: List[Goroutine], keep: bool) -> List[Goroutine]:
    """As the runtime prints them. keep: the selected thread's is among them whatever it is."""
    selected = session.world.selected()
    if selected is None or not (keep or any(g is selected for g in found)):
        return found
    return [selected, *[g for g in found if g is not selected]]


def tracebacks(session: Session, chosen: List[Goroutine], level: str) -> Tuple[Tracebacks, List[str]]:
    """The tracebacks of `chosen`, and what is to be said of them."""
    printer = _Printer(session, level)
    found = [printer.traceback(goroutine) for goroutine in chosen]
    silent = [str(t.goroutine.id) for t in found if t.frames.count and not t.frames.notice]
    notes = [f"Go {session.layout.go} says nothing of frames left out of goroutine {', '.join(silent)}"]
    return Tracebacks(found, level, printer.wording), notes if silent else []


class _Printer:
    """Gathers what the runtime of this program prints at one level."""

    def __init__(self, session: Session, level: str) -> None:
        self._session = session
        self._system = level == SYSTEM
        self._rules, self._views = Rules(session.layout, level), Views(session)
        self._labels = traceback_labels(session)
        self._throwing = throwing(session)
        self._known: Dict[Tuple[Tuple[int, ...], bool], Tuple[int, Elided[SourceFrame]]] = {}
        self._creators: Dict[Tuple[int, bool], Optional[Call]] = {}
        self.wording = printing(session.layout)

    def traceback(self, goroutine: Goroutine) -> Traceback:
        session, rules = self._session, self._rules
        shown = goroutine.address in self._throwing.shown
        bubble = bubble_of(session, goroutine)
        frames, problem = self._frames(goroutine, shown)
        return Traceback(
            goroutine,
            self._system or goroutine.address in self._throwing.exposed,
            self._machine(goroutine),
            session.world.blocked_for(goroutine),
            bubble is not None and is_durable(session, goroutine, self.wording),
            bubble,
            self._labels_of(goroutine),
            Elided(self._with_args(frames.inner), frames.count, frames.notice, self._with_args(frames.outer)),
            problem,
            self._creator(goroutine.raw.gopc, shown) if goroutine.id != 1 else None,
            ancestors_of(session, goroutine, rules),
            self._inside(goroutine) if self._system else (),
        )

    def _frames(self, goroutine: Goroutine, shown: bool) -> Tuple[Elided[SourceFrame], str]:
        """What is printed of its stack, and why that ends early.

        The stacks of goroutines that are parked at the same pcs differ in their addresses alone.
        """
        pcs, sp = self._session.world.stacks.steps.pcs(goroutine), goroutine.raw.sched_sp
        if pcs is None:
            stack = self._views.stack(goroutine)
            return self._rules.choose(stack.frames, shown), stack.problem
        if (pcs, shown) not in self._known:
            stack = self._views.stack(goroutine)
            if stack.problem:
                return self._rules.choose(stack.frames, shown), stack.problem
            self._known[pcs, shown] = sp, self._rules.choose(stack.frames, shown)
        first, found = self._known[pcs, shown]
        if first == sp:
            return found, ""
        return Elided(_moved(found.inner, sp - first), found.count, found.notice, _moved(found.outer, sp - first)), ""

    def _with_args(self, frames: List[SourceFrame]) -> List[SourceFrame]:
        args = self._views.args
        return [SourceFrame._make((*frame[:_ARGS], args(frame))) for frame in frames]

    def _creator(self, pc: int, shown: bool) -> Optional[Call]:
        key = (pc, shown)
        if key not in self._creators:
            self._creators[key] = creator_of(self._session, pc, self._rules, shown)
        return self._creators[key]

    def _inside(self, goroutine: Goroutine) -> List[StackPiece]:
        """The runtime prints a part of it under "runtime stack:", and that only where it throws there."""
        machine = self._session.world.machine_of(goroutine)
        if machine is None or machine.thread is None or machine.curg != goroutine.address:
            return []
        walk = ThreadWalk(self._session, self._session.world, machine.thread, machine)
        return pieces(self._session, walk.before_the_goroutine(), views=self._views)

    def _machine(self, goroutine: Goroutine) -> Optional[Tuple[Optional[int], int]]:
        machine = self._session.world.machine_of(goroutine)
        if machine is not None:
            return machine.id, machine.address
        return (None, goroutine.raw.m) if goroutine.raw.m else None

    def _labels_of(self, goroutine: Goroutine) -> Optional[Maybe[Dict[str, str]]]:
        if not self._labels:
            return None
        return self._session.world.labels.of(goroutine.raw)


def _moved(frames: List[SourceFrame], by: int) -> List[SourceFrame]:
    """The same frames on a stack that is `by` bytes away; inlined calls still share their physical frame."""
    found: List[SourceFrame] = []
    old: Optional[Frame] = None
    new: Optional[Frame] = None
    for frame in frames:
        if frame.physical is not old:
            old = frame.physical
            new = old._replace(sp=old.sp + by, fp=old.fp + by)
        found.append(SourceFrame._make((*frame[:_PHYSICAL], new, None)))
    return found


COMMAND = Command(
    name="go-traceback",
    help="Print tracebacks in the Go runtime's own form.",
    run=run,
    arguments=arguments,
    details="""Argument words are in hex; one that is followed by ? is no longer live. A goroutine that
went down in an error of the runtime itself hides nothing, at any level.
Options that pick goroutines are those of go-goroutines; of all that pass, with no --all needed.
With --level system, what its thread runs on the signal stack, on the system stack and in C comes first.

  go-traceback 1 18
  go-traceback --all --level system
  go-traceback --with label tenant=acme --min-wait 1m --sort wait --limit 10""",
)
