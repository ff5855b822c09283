"""Stacks of goroutines: where each is walked from, and its frames.

Source: Go 1.27 runtime/traceback.go (traceback1, unwinder.initAt), runtime/asm_*.s (systemstack saves in g.sched).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, Tuple, Union

from ..errors import NOT_APPLICABLE, UNREADABLE, Absent, Maybe
from .frames import SourceFrame
from .goroutine import Goroutine
from .machines import Machine
from .signals import interrupted_context
from .steps import Steps
from .unwind import MAX_FRAMES, Frame, Start, Stop
from .userframes import UserFrames

if TYPE_CHECKING:
    from ..session import Session
    from .world import World

_GOGO = ("gogo", "runtime.gogo")


class Stacks:
    """Walks the stacks of one stopped program."""

    def __init__(self, session: Session, world: World) -> None:
        self._session = session
        self._world = world
        self.steps = Steps(session)
        self.users = UserFrames(session, self)

    def walk(self, goroutine: Goroutine, limit: int = MAX_FRAMES) -> Iterator[Union[Frame, Stop]]:
        """The goroutine's physical frames from the innermost out, then a Stop if something is wrong."""
        start = self.start(goroutine)
        if isinstance(start, Absent):
            yield Stop(start.detail, 0, 0)
        else:
            yield from self._session.unwinder.walk(start, limit)

    def frames(self, goroutine: Goroutine) -> Iterator[Union[SourceFrame, Stop]]:
        """Logical frames, inlined calls included."""
        for item in self.walk(goroutine):
            if isinstance(item, Stop):
                yield item
            else:
                yield from self._session.source_frames.expand(item)

    def start(self, goroutine: Goroutine) -> Maybe[Start]:
        """Where its stack is walked from; Absent where only its thread would know and there is none."""
        raw = goroutine.raw
        bounds = (raw.low, raw.high)
        if goroutine.status == "syscall" and raw.syscall_sp:
            return Start(raw.syscall_pc, raw.syscall_sp, 0, *bounds)
        if goroutine.status in ("running", "syscall") or self._waits_on_its_thread(goroutine):
            return self._running_start(goroutine, bounds)
        if goroutine.status == "copystack" and not bounds[0] <= raw.sched_sp <= bounds[1]:
            return Absent(NOT_APPLICABLE, "its stack is being moved")
        return self._saved_start(goroutine, bounds)

    def _waits_on_its_thread(self, goroutine: Goroutine) -> bool:
        """casGToWaiting: for the collector it is waiting, and yet it runs; g.sched is of another time."""
        machine = self._world.machine_of(goroutine) if goroutine.status == "waiting" else None
        return machine is not None and machine.curg == goroutine.address and machine.thread is not None

    def _saved_start(self, goroutine: Goroutine, bounds: Tuple[int, int]) -> Start:
        raw = goroutine.raw
        if raw.syscall_sp:
            return Start(raw.syscall_pc, raw.syscall_sp, 0, *bounds)
        return Start(raw.sched_pc, raw.sched_sp, raw.sched_lr, *bounds)

    def _running_start(self, goroutine: Goroutine, bounds: Tuple[int, int]) -> Maybe[Start]:
        machine = self._world.machine_of(goroutine)
        if machine is None or machine.thread is None:
            return Absent(UNREADABLE, "it runs on a thread that the target does not show")
        arch, registers = self._session.arch, machine.thread.registers
        pc, sp = registers.get(arch.pc), registers.get(arch.sp)
        if pc is None or sp is None:
            return Absent(UNREADABLE, f"thread {machine.thread.tid} has no pc and sp")
        if bounds[0] < machine.vdso_sp <= bounds[1] and not bounds[0] < sp <= bounds[1]:
            # As traceback1: the vdso, and what called it, are on another stack or have frames that no table records.
            return Start(machine.vdso_pc, machine.vdso_sp, 0, *bounds)
        if bounds[0] < sp <= bounds[1]:
            if self._half_switched(pc):
                lr = goroutine.raw.sched_lr or (registers.get(arch.lr) or 0 if arch.lr else 0)
                return Start(goroutine.raw.sched_pc, sp, lr, *bounds)
            if self._session.unwinder.facts(pc) is None and pc:
                if bounds[0] < machine.vdso_sp <= bounds[1]:  # getrandom of the vdso stays on this stack
                    return Start(machine.vdso_pc, machine.vdso_sp, 0, *bounds)
                return Absent(NOT_APPLICABLE, f"it runs code at {pc:#x} that is in no Go function")
            if not arch.uses_lr:
                return Start(pc, sp, 0, *bounds, trap=True)
            return Start(pc, sp, registers.get(arch.lr) or 0, *bounds, True, registers.get("x3") or 0)
        if self._on(machine.gsignal, sp):
            return self._signalled_start(goroutine, machine, bounds)
        if self._on(machine.g0, sp) or machine.g0 == 0:
            return self._saved_start(goroutine, bounds)
        return Absent(NOT_APPLICABLE, f"thread {machine.thread.tid} is on a stack that is not Go's")

    def _half_switched(self, pc: int) -> bool:
        """Whether gogo is about to jump to where the goroutine goes on, which it leaves in g.sched.pc."""
        facts = self._session.unwinder.facts(pc)
        return facts is not None and facts.func.name in _GOGO

    def _on(self, g: int, sp: int) -> bool:
        low, high = self._world.bounds(g)
        return low < sp <= high

    def _signalled_start(self, goroutine: Goroutine, machine: Machine, bounds: Tuple[int, int]) -> Maybe[Start]:
        """On the signal stack the goroutine's own registers are in the context that the kernel saved there."""
        context = interrupted_context(self._session, machine, self._world.bounds(machine.gsignal))
        if isinstance(context, Absent):
            return context
        if bounds[0] < context.sp <= bounds[1]:
            return Start(context.pc, context.sp, context.lr, *bounds, trap=True)
        return self._saved_start(goroutine, bounds)
