"""What the garbage collector follows besides variables, stacks and objects: registers, and parts of a g and a P.

Source: Go 1.27 runtime/runtime2.go (g, p).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, FrozenSet, List, Set, Tuple

from ..errors import Absent, FormatError
from .clock import processors
from .signals import interrupted_context

if TYPE_CHECKING:
    from ..session import Session

# The fields that are pointers to objects of a program.
_G_POINTERS = (
    *("_panic", "_defer", "sched.ctxt", "param", "labels", "ancestors", "waiting", "cgoCtxt.ptr", "timer", "coroarg"),
    *("bubble", "syncGroup"),
)
_P_POINTERS = ("deferpool", "deferpoolbuf", "sudogcache", "sudogbuf", "timers", "pinnerCache", "cleanups", "runnext")


def g_pointers(session: Session) -> FrozenSet[int]:
    """The offsets of a g's pointers. The bounds of its stack are none, and may be where an object begins or ends."""
    kind = session.layout.struct("runtime.g")
    return frozenset(kind.offset(name) for name in _G_POINTERS if name in kind)


def registers(session: Session) -> Set[int]:
    """What is in the registers of all threads, and was in them when a signal came.

    FormatError where they are not all there: a pointer may be in no other place.
    """
    world, arch = session.world, session.arch
    if world.lost:
        raise FormatError("not all goroutines can be read")
    found: Set[int] = set()
    for thread in session.target.threads():
        if thread.registers.get(arch.pc) is None or thread.registers.get(arch.sp) is None:
            raise FormatError("the program runs on")
        found.update(value for value in thread.registers.values() if value is not None)
    for machine in world.machines:
        if machine.thread is None:
            continue
        context = interrupted_context(session, machine, world.bounds(machine.gsignal))
        if not isinstance(context, Absent):
            found.update(context.registers.values())
    for goroutine in world.goroutines:
        running = world.machine_of(goroutine) if goroutine.status == "running" else None
        thread_of = running.thread if running is not None else None
        if goroutine.status == "running" and (thread_of is None or thread_of.registers.get(arch.int_args[0]) is None):
            raise FormatError(f"goroutine {goroutine.id} runs, and its registers cannot be had")
    return found


def processor_pointers(session: Session) -> Dict[int, List[Tuple[int, int]]]:
    """Base of the object that holds a P -> [start, end) of its pointers. The rest is lists of the collector's, saved
    registers and the like, which hold addresses, some of them long done with."""
    kind = session.layout.struct("runtime.p")
    fields = [kind.field(name) for name in _P_POINTERS if name in kind]
    found = {}
    for p in processors(session):
        # Since Go 1.22 objects of this size begin with a word about their type.
        for base in (p, p - 8):
            found[base] = [(p + each.offset, p + each.offset + each.size) for each in fields]
    return found
