"""go-threads: the program's threads, which M each is, and what it does there."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, List, NamedTuple, Optional, Sequence, Tuple

from ..errors import NOT_APPLICABLE, UNREADABLE, Absent, Maybe, ReadError
from ..runtime.activity import Activity, activity
from ..runtime.machines import Machine
from ..runtime.segments import Segment
from ..runtime.threadwalk import ThreadWalk
from ..target import Thread
from .base import Command, Result, add_limit, count
from .stacks import StackPiece, pieces

if TYPE_CHECKING:
    from ..runtime.world import World
    from ..session import Session

DEFAULT_DEPTH = 50
_TOP = 1


class ThreadView(NamedTuple):
    """A thread, an M, or mostly both.

    goroutine: the id of m.curg; processor: that of m.p; locked: that of m.lockedg. top: the innermost frame; frame: the
    same under whatever signal handlers. stacks: None where nobody asked for them.
    """

    thread: Optional[Thread]
    machine: Optional[Machine]
    goroutine: Maybe[int]
    processor: Maybe[int]
    locked: Maybe[int]
    activity: Activity
    top: Maybe[StackPiece]
    frame: Maybe[StackPiece]
    stacks: Optional[List[StackPiece]]


class Threads(NamedTuple):
    """The threads listed, of so many; `machines` counts the Ms of the runtime."""

    threads: List[ThreadView]
    total: int
    machines: int


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-t", dest="depth", nargs="?", type=count, const=DEFAULT_DEPTH, metavar="DEPTH",
        help="with all stacks, of at most DEPTH frames together (default 50)",
    )  # fmt: skip
    add_limit(parser)


def run(session: Session, options: argparse.Namespace) -> Result:
    shown, total = views(session, options.limit, options.depth)
    return Result("go-threads", Threads(shown, total, len(session.world.machines)), list(session.warnings))


def views(session: Session, limit: Optional[int], depth: Optional[int]) -> Tuple[List[ThreadView], int]:
    """(threads, then Ms without one, `limit` of them at most; how many in all). depth: of stacks, None without."""
    world, threads = session.world, session.target.threads()
    machines = {m.thread.tid: m for m in world.machines if m.thread is not None}
    rows = [(thread, machines.get(thread.tid)) for thread in threads]
    # Ms without a thread: kept for threads of C, or on a thread that the target does not show.
    bare = [m for m in world.machines if m.thread is None]
    total = len(rows) + len(bare)
    rows = rows[:limit]
    left = None if limit is None else limit - len(rows)
    shown = [_view(session, thread, machine, depth) for thread, machine in rows]
    return shown + [_bare(world, machine) for machine in bare[:left]], total


def _view(session: Session, thread: Thread, machine: Optional[Machine], depth: Optional[int]) -> ThreadView:
    world = session.world
    walk = ThreadWalk(session, world, thread, machine)
    segments = list(walk.segments())
    doing = activity(world, machine, walk.user, segments)
    return ThreadView(
        thread,
        machine,
        *_owned(world, machine),
        doing,
        _first(session, segments),
        _first(session, doing.under),
        None if depth is None else pieces(session, segments, depth),
    )


def _bare(world: World, machine: Machine) -> ThreadView:
    if machine.procid:
        state, text = "no thread", f"on thread {machine.procid}, which the target does not show"
    elif machine.extra or machine.curg:  # up to Go 1.19 only its goroutine tells
        state, text = "extra", "kept for a thread of C"
    else:
        state, text = "starting", "its thread has not begun"
    doing = Activity(state, text, "", [])
    nothing = Absent(NOT_APPLICABLE, "it is on no thread")
    return ThreadView(None, machine, *_owned(world, machine), doing, nothing, nothing, None)


def _owned(world: World, machine: Optional[Machine]) -> Tuple[Maybe[int], Maybe[int], Maybe[int]]:
    """The ids of m.curg, m.p and m.lockedg."""
    if machine is None:
        nothing = Absent(NOT_APPLICABLE, "it is no M")
        return nothing, nothing, nothing
    return world.goid(machine.curg), _processor(world, machine), world.goid(machine.lockedg)


def _processor(world: World, machine: Machine) -> Maybe[int]:
    if not machine.p:
        return Absent(NOT_APPLICABLE, "it has no P")
    try:
        return world.processor_id(machine.p)
    except ReadError as error:
        return Absent(UNREADABLE, str(error))


def _first(session: Session, segments: Sequence[Segment]) -> Maybe[StackPiece]:
    """The innermost frame, as a piece of its own."""
    for piece in pieces(session, segments, _TOP):
        if piece.frames:
            return piece
        if piece.problem:
            return Absent(UNREADABLE, piece.problem)
    return Absent(UNREADABLE, "no frame can be told")


COMMAND = Command(
    name="go-threads",
    help="List threads, which M each is, and what it does.",
    run=run,
    arguments=arguments,
    details="""A * marks the selected thread. M is the runtime's number, empty for a thread that is none of the
runtime's; P the number of the P that it holds. THREAD is the thread's id in the debugger. DOES says what it does,
and for which goroutine; FRAME is the innermost function, under the handler where a signal came in between.

With -t come all its stacks, from the innermost out: the signal stack, the system stack (the M's g0), frames of C, the
goroutine's own. How one was left for the next is said between them.

  go-threads -t
  go-threads --json --output threads.json""",
)
