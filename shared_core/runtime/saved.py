"""The registers of a goroutine, frame by frame: what a debugger's own stack commands start from.

Sources: Go 1.27 runtime/asm_amd64.s, asm_arm64.s (mcall, gosave: pc, sp and the frame pointer are all that g.sched
keeps), cmd/internal/obj/x86/obj6.go and arm64/obj7.go (where a frame keeps its caller's frame pointer).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, List, NamedTuple, Optional, Tuple

from ..errors import Absent, ReadError, UserError
from .goroutine import Goroutine
from .signals import interrupted_context
from .unwind import Frame, Start, Stop

if TYPE_CHECKING:
    from ..session import Session

MAX_FRAMES = 10_000


class SavedFrame(NamedTuple):
    """A physical frame [sp, cfa): its pc, frame pointer (None where nothing tells), function, file and line."""

    pc: int
    sp: int
    cfa: int
    frame_pointer: Optional[int]
    entry: int
    function: str
    file: str
    line: int


def saved_frames(session: Session, goroutine: Goroutine, limit: int = MAX_FRAMES) -> List[SavedFrame]:
    """From the innermost out; UserError for a goroutine whose stack is lost."""
    found: List[SavedFrame] = []
    start = session.world.stacks.start(goroutine)
    pointer = None if isinstance(start, Absent) else _pointer_at(session, goroutine, start)
    for item in session.world.stacks.walk(goroutine, limit):
        if isinstance(item, Stop):
            if not found:
                raise UserError(f"goroutine {goroutine.id} has no stack to select: {item.reason}")
            break
        own, pointer = _pointers(session, item, pointer)
        logical = session.source_frames.facts(item.module, item.func, item.symbol_pc)[-1]
        found.append(SavedFrame(item.pc, item.sp, item.fp, own, item.func.entry, *logical[:3]))
    return found


def thread_of(session: Session, goroutine: Goroutine) -> Optional[int]:
    """The id of the thread that has its registers; None for one that is parked."""
    machine = session.world.machine_of(goroutine)
    if goroutine.condition.parked or machine is None or machine.thread is None:
        return None
    return machine.thread.tid


def _pointer_at(session: Session, goroutine: Goroutine, start: Start) -> Optional[int]:
    """The frame pointer register where a walk starts: g.sched.bp, or its thread's; in a system call neither tells."""
    if start.trap:
        return _interrupted_pointer(session, goroutine, start)
    if start.sp != goroutine.raw.sched_sp:
        return None
    return _word(session, goroutine.address + session.layout.struct("runtime.g").offset("sched.bp"))


def _interrupted_pointer(session: Session, goroutine: Goroutine, start: Start) -> Optional[int]:
    """That of the thread, or of what a signal interrupted on it."""
    world, arch = session.world, session.arch
    machine = world.machine_of(goroutine)
    if machine is None or machine.thread is None:
        return None
    registers = machine.thread.registers
    if (registers.get(arch.pc), registers.get(arch.sp)) == (start.pc, start.sp):
        return registers.get(arch.fp)
    context = interrupted_context(session, machine, world.bounds(machine.gsignal))
    return None if isinstance(context, Absent) else context.registers.get(arch.fp)


def _pointers(session: Session, frame: Frame, pointer: Optional[int]) -> Tuple[Optional[int], Optional[int]]:
    """(the frame pointer in this frame, that in its caller), where the callee left `pointer`."""
    if not frame.facts.delta:
        return pointer, pointer
    # arm64: the word below the frame; amd64: the one below the return address.
    place = frame.sp - 8 if session.arch.uses_lr else frame.fp - 16
    # Where a frame was interrupted it may not be set up yet.
    return pointer if frame.trap and pointer is not None else place, _word(session, place)


def _word(session: Session, address: int) -> Optional[int]:
    try:
        return session.memory.u64(address)
    except ReadError:
        return None
