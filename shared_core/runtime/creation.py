"""Goroutines at the moment they are made: where the runtime's code has just made one, and what it is.

Source: Go 1.27 runtime/proc.go (newproc, newproc1 gives the new g in the first result register), runtime/stack.go
(gostartcallfn leaves the func value in g.sched.ctxt), cmd/compile/internal/walk (a `go` statement with arguments calls
a closure that has captured them).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, List, NamedTuple, Optional, Tuple

from ..arch.refs import disassemble
from ..errors import NOT_APPLICABLE, UNREADABLE, Absent, GoxrayError, LayoutError, Maybe, ReadError
from .frames import Place, SourceFrame
from .goroutine import Goroutine, plausible
from .spans import mheap, object_at
from .unwind import Stop

if TYPE_CHECKING:
    from ..session import Session
    from ..target import Thread

_MAKER = "runtime.newproc1"
_STATEMENT = ("runtime.newproc", "runtime.systemstack", "runtime.systemstack_switch", "runtime.newproc.func1")
MAX_WORDS = 16


class Creation(NamedTuple):
    """function: where it will start; statement: the `go` statement. creator: the goroutine that has made it.

    words: what its function value has captured, the arguments of the `go` statement among it; the last of them may be
    beyond its end, since only the size class of the value is known. stack: of the creator, from the `go` statement out.
    """

    id: int
    address: int
    function: Maybe[Place]
    statement: Maybe[Place]
    creator: Maybe[int]
    thread: int
    words: Maybe[List[int]]
    stack: List[SourceFrame]
    problem: str


def places(session: Session) -> List[int]:
    """The addresses of the instructions that return from newproc1; LayoutError where there are none."""
    found = session.modules.code(_MAKER)
    lines = disassemble(session.arch, found[1], found[0]) if found is not None else ()
    returns = [pc for pc, _, mnemonic, _ in lines if mnemonic in ("ret", "retq")]
    if not returns:
        raise LayoutError(f"{_MAKER} is not in the program, or never returns")
    return returns


def at_creation(session: Session, thread: Thread, depth: int) -> Maybe[Creation]:
    """What the thread, which stands at one of the `places`, has made; Absent with the reason where that is lost."""
    address = thread.registers.get(session.arch.int_args[0])
    world = session.world
    try:
        made = world.reader.parse(address or 0, session.memory.read(address or 0, world.reader.size))
    except ReadError as error:
        return Absent(UNREADABLE, f"the goroutine that was made: {error}")
    wrong = plausible(made)
    if wrong:
        return Absent(UNREADABLE, f"what was made is no goroutine: {wrong}")
    creator = _creator(session, thread)
    stack, problem = ([], creator.detail) if isinstance(creator, Absent) else _stack(session, creator, depth)
    return Creation(
        id=made.id,
        address=made.address,
        function=_place(world.entry_at(made.raw.startpc), made.raw.startpc),
        statement=_place(world.code_at(made.raw.gopc), made.raw.gopc),
        creator=creator if isinstance(creator, Absent) else creator.id,
        thread=thread.tid,
        words=_captured(session, made),
        stack=stack,
        problem=problem,
    )


def _place(found: Optional[Tuple[str, str, int]], pc: int) -> Maybe[Place]:
    return Absent(NOT_APPLICABLE, f"{pc:#x} is in no Go function") if found is None else Place(*found, pc)


def _creator(session: Session, thread: Thread) -> Maybe[Goroutine]:
    world = session.world
    machine = next((m for m in world.machines if m.thread is not None and m.thread.tid == thread.tid), None)
    if machine is None or not machine.curg:
        return Absent(NOT_APPLICABLE, "no goroutine has made it")
    try:
        return world.reader.parse(machine.curg, session.memory.read(machine.curg, world.reader.size))
    except ReadError as error:
        return Absent(UNREADABLE, str(error))


def _stack(session: Session, creator: Goroutine, depth: int) -> Tuple[List[SourceFrame], str]:
    """(frames from the `go` statement out, why they end early)."""
    found: List[SourceFrame] = []
    try:
        for item in session.world.stacks.frames(creator):
            if isinstance(item, Stop):
                return found, item.reason
            if found or item.function not in _STATEMENT:
                found.append(item)
            if len(found) >= depth:
                break
    except GoxrayError as error:
        return found, str(error)
    return found, ""


def _captured(session: Session, made: Goroutine) -> Maybe[List[int]]:
    """The words after the code pointer of the func value that it starts with, up to the end of its object."""
    context = session.layout.struct("runtime.g").offset("sched.ctxt")
    try:
        value = session.memory.u64(made.address + context)
        if not value or session.memory.u64(value) != made.raw.startpc:
            return Absent(NOT_APPLICABLE, "it starts with no func value")
        found = object_at(session, mheap(session), value)
        if found is None or found[0] != value:
            return []  # A function of the program's own, that captures nothing
        count = min(found[1] // 8 - 1, MAX_WORDS)
        return list(session.memory.pointers(value + 8, count)) if count > 0 else []
    except GoxrayError as error:
        return Absent(UNREADABLE, str(error))
