"""What a thread is doing, in the runtime's terms, by its M and by what is on which of its stacks.

Source: Go 1.27 runtime/proc.go (stopm, stoplockedm, gcstopm, findRunnable, schedule, sysmon, templateThread, mstart1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, List, NamedTuple, Optional, Sequence, Tuple

from ..errors import Absent
from .goroutine import Goroutine
from .machines import Machine
from .nativeframes import NativeFrame
from .segments import GOROUTINE, SIGNAL, SYSTEM, C, Segment
from .unwind import Frame

if TYPE_CHECKING:
    from .world import World

# Functions of a g0 that no goroutine is on, the first that is on the stack tells: (function, state, words).
_SYSTEM_WORK: Tuple[Tuple[str, str, str], ...] = (
    ("runtime.sysmon", "sysmon", "sysmon"),
    ("runtime.templateThread", "template thread", "template thread"),
    ("runtime.stoplockedm", "locked", "idle, locked to goroutine {locked}"),
    ("runtime.gcstopm", "stopped", "stopped for the collector"),
    ("runtime.stopm", "idle", "idle"),
    ("runtime.netpoll", "polling", "polling the network"),
    ("runtime.findRunnable", "spinning", "looking for a goroutine to run"),
    ("runtime.findrunnable", "spinning", "looking for a goroutine to run"),
    ("runtime.schedule", "scheduler", "scheduler"),
    ("runtime.mexit", "ended", "its M has ended"),
)
_SWITCHES = {"morestack": "its stack grows", "mcall": "the scheduler takes over"}


class Activity(NamedTuple):
    """state: one word for scripts; text: the same for people. signal: whose handler is at work, "" for none.

    under: the pieces that the handler interrupted, all where there is none.
    """

    state: str
    text: str
    signal: str
    under: Sequence[Segment]


def activity(world: World, machine: Optional[Machine], user: Optional[Goroutine], segments: List[Segment]) -> Activity:
    """What the thread does that has these pieces; `user` is its M's current goroutine."""
    under, signal = segments, ""
    while under and under[0].stack == SIGNAL:
        signal = under[0].left.rpartition("signal ")[2] if under[0].left.startswith("signal ") else "?"
        under = under[1:]
    state, text = _state(world, machine, user, under)
    if signal:
        text = f"handles {signal}, interrupting: {text}" if signal != "?" else f"handles a signal, interrupting: {text}"
    return Activity(state, text, signal, under)


def _state(
    world: World, machine: Optional[Machine], user: Optional[Goroutine], under: Sequence[Segment]
) -> Tuple[str, str]:
    if machine is None:
        return ("not go", "no thread of the runtime's")
    first = under[0] if under else None
    if first is None or (first.problem and not first.frames):
        return "unknown", f"unknown: {first.problem if first else 'nothing can be read of it'}"
    if user is not None:
        return _for_goroutine(world, user, first)
    if first.stack == C:
        return "c", "C code"
    return _system_work(world, machine, first)


def _for_goroutine(world: World, user: Goroutine, first: Segment) -> Tuple[str, str]:
    name = f"goroutine {user.id}"
    kind = world.start_kind(user)
    if kind == "gcBgMarkWorker":
        return "gc worker", f"GC worker, {name}"
    if first.stack == C:
        frame = first.frames[0] if first.frames else None
        in_vdso = isinstance(frame, NativeFrame) and frame.image == "[vdso]"
        return ("vdso", f"the vdso, for {name}") if in_vdso else ("c", f"C code, for {name}")
    if first.stack == SYSTEM:
        why = _SWITCHES.get(first.left)
        return "runtime", f"the runtime, for {name}" + (f": {why}" if why else "")
    if first.stack == GOROUTINE and user.status == "syscall":
        return "syscall", f"a system call, for {name}"
    return "goroutine", name if user.status == "running" else f"{name}, {user.state}"


def _system_work(world: World, machine: Machine, first: Segment) -> Tuple[str, str]:
    names = [frame.func.name for frame in first.frames if isinstance(frame, Frame)]
    for function, state, words in _SYSTEM_WORK:
        if function in names:
            if state == "spinning" and not machine.spinning:
                return "scheduler", words
            return state, words.format(locked=_locked(world, machine))
    return "runtime", "the runtime, for no goroutine"


def _locked(world: World, machine: Machine) -> str:
    goid = world.goid(machine.lockedg)
    return "?" if isinstance(goid, Absent) else str(goid)
