"""go-traceback: stacks in the text form of the Go runtime itself."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, List, Optional

from ..errors import Absent, Maybe
from ..layouts.dialect import names_g_in_header
from ..runtime.debugvars import traceback_labels
from ..runtime.frames import Place, SourceFrame
from ..runtime.goroutine import Goroutine
from ..runtime.traceback import SYSTEM, Elided, Rules
from .base import Command, Result, count
from .selection import one
from .views import Views

if TYPE_CHECKING:
    from ..session import Session

LEVELS = ("single", "all", SYSTEM)


@dataclass(frozen=True)
class Traceback:
    """One goroutine's traceback, of what the program's Go version would print.

    machine: (id, address) of its M, for a header that names g and M. created_by is None where none is printed, labels
    where they are not shown.
    created_entry: the entry of the function that created_by is in.
    """

    goroutine: Goroutine
    machine: Optional[tuple[int, int]]
    blocked_for: Maybe[int]
    labels: Optional[Maybe[Dict[str, str]]]
    frames: Elided[SourceFrame]
    problem: str
    created_by: Optional[Place]
    created_entry: int


@dataclass
class Tracebacks:
    """One traceback per goroutine; level is that of GOTRACEBACK, names_g whether headers tell g and M."""

    tracebacks: List[Traceback]
    level: str
    names_g: bool


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs="*", type=count, metavar="ID", help="default: the selected thread's goroutine")
    parser.add_argument("--all", action="store_true", help="all goroutines, the selected thread's first")
    parser.add_argument(
        "--level", choices=LEVELS, default="single", help="as GOTRACEBACK: system adds runtime frames, gp, fp, sp, pc"
    )


def run(session: Session, options: argparse.Namespace) -> Result:
    world = session.world
    if options.ids:
        chosen = [one(session, goid) for goid in options.ids]
    elif options.all or options.level == "all":
        selected = world.selected()
        others = [g for g in world.goroutines if g is not selected]
        if options.level != SYSTEM:
            others = [g for g in others if not world.is_system(g)]
        chosen = [selected, *others] if selected else others
    else:
        chosen = [one(session, None)]
    rules, views = Rules(session.layout, options.level), Views(session)
    labels = traceback_labels(session)
    tracebacks = [_traceback(views, rules, goroutine, labels) for goroutine in chosen]
    body = Tracebacks(tracebacks, options.level, options.level == SYSTEM and names_g_in_header(session.layout))
    return Result("go-traceback", body, list(session.warnings))


def _traceback(views: Views, rules: Rules, goroutine: Goroutine, labels: bool) -> Traceback:
    view, stack = views.goroutine(goroutine, full=labels), views.stack(goroutine, args=True)
    machine = views.world.machine_of(goroutine)
    creator = view.standing.created_by
    shown = not isinstance(creator, Absent) and rules.creator_shown(creator.function)
    return Traceback(
        goroutine,
        (machine.id, machine.address) if machine else None,
        view.standing.blocked_for,
        view.labels,
        rules.elide(rules.select(stack.frames, lambda frame: (frame.function, frame.func_id))),
        stack.problem,
        creator if shown and isinstance(creator, Place) else None,
        views.world.function_entry(goroutine.raw.gopc),
    )


COMMAND = Command(
    name="go-traceback",
    help="Print tracebacks in the Go runtime's own form.",
    run=run,
    arguments=arguments,
    details="""Argument words are in hex; one that is followed by ? is no longer live.

  go-traceback 1 18
  go-traceback --all --level system""",
)
