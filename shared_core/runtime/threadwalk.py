"""All stacks of one thread: from its registers over signal, system and C stacks to the goroutine's, and down that.

Source: Go 1.27 runtime/traceback.go (unwinder with unwindJumpStack, tracebackPCs of sigprof in runtime/proc.go).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, Iterator, List, Optional, Tuple, Union

from ..errors import Absent, ReadError
from ..memory import PAGE
from ..target import Thread
from .goroutine import Goroutine
from .machines import Machine
from .nativeframes import Machine as CMachine
from .nativeframes import NativeFrame, NativeUnwinder
from .segments import GOROUTINE, SIGNAL, SYSTEM, C, Leave, Place, Segment, ThreadFrame
from .signals import SIGTRAMP, saved_context
from .signames import signal_name
from .switches import Switches
from .unwind import Frame, Start, Stop

if TYPE_CHECKING:
    from ..session import Session
    from .world import World

_MAX_SEGMENTS = 64
_MAX_FRAMES = 10_000
_MAX_STACK = 8 << 20  # of a thread whose stack no M describes
_NO_MACHINE = Machine(0, 0, 0, 0, 0, 0)
Bounds = Tuple[int, int]


class ThreadWalk:
    """One thread; `machine` is the M that it runs, None for a thread that is no M."""

    def __init__(self, session: Session, world: World, thread: Thread, machine: Optional[Machine]) -> None:
        self._session, self._world, self._thread = session, world, thread
        self._machine = machine or _NO_MACHINE
        scheduler, user = self._g(self._machine.g0), self._g(self._machine.curg)
        # The runtime follows a switch only while the two are each other's.
        self.user = user if user is not None and user.raw.m == self._machine.address else None
        self._g0 = scheduler
        self._switches = Switches(session, self._machine, scheduler, self.user)
        self._native = NativeUnwinder(session, world)

    def _g(self, address: int) -> Optional[Goroutine]:
        reader = self._world.reader
        try:
            return reader.parse(address, self._world.memory.read(address, reader.size)) if address else None
        except ReadError:
            return None

    def segments(self) -> Iterator[Segment]:
        """Every piece; the last one says if there should be more."""
        place = self._registers()
        if isinstance(place, Absent):
            yield Segment(SYSTEM, [], problem=place.detail)
            return
        for segment, over in self._outwards(place):
            yield segment
            if over:
                return
        if self.user is not None:
            yield from self._user_segments(self.user)

    def before_the_goroutine(self) -> List[Segment]:
        """The pieces inside its goroutine's own stack: what the thread does elsewhere for it."""
        place = self._registers()
        return [] if isinstance(place, Absent) else [segment for segment, _ in self._outwards(place)]

    def _registers(self) -> Union[Place, Absent]:
        arch, values = self._session.arch, self._thread.registers
        known = {name: value for name, value in values.items() if value is not None}
        if arch.pc not in known or arch.sp not in known:
            return Absent("unreadable", f"thread {self._thread.tid} has no pc and sp")
        return Place(known[arch.pc], known[arch.sp], known.get(arch.lr, 0), True, True, known)

    def _outwards(self, place: Optional[Place]) -> Iterator[Tuple[Segment, bool]]:
        """(piece, whether nothing follows) until the goroutine's own stack is come to."""
        seen = set()
        for _ in range(_MAX_SEGMENTS):
            if place is None or (self._on(place.sp)[0] == GOROUTINE and self._is_go(place.pc)):
                return
            if (place.pc, place.sp) in seen:
                yield Segment(SYSTEM, [], problem="it leads back to where it was"), True
                return
            seen.add((place.pc, place.sp))
            segment, leave = self._go(place) if self._is_go(place.pc) else self._c(place)
            if leave.base is not None:
                base, leave = self._go(leave.base)
                segment.frames.extend(base.frames)
            yield segment._replace(left=leave.why, problem=leave.problem), leave.over
            if leave.over:
                return
            place = leave.to

    def _is_go(self, pc: int) -> bool:
        return pc == 0 or self._session.unwinder.facts(pc) is not None

    def _on(self, sp: int) -> Tuple[str, Bounds]:
        """Which stack `sp` is on, and its bounds; one that no g describes is a thread's own, for C or an M's g0."""
        machine, user = self._machine, self.user
        for name, bounds in (
            (SIGNAL, self._world.bounds(machine.gsignal)),
            (GOROUTINE, (user.raw.low, user.raw.high) if user is not None else (0, 0)),
            (SYSTEM, self._world.bounds(machine.g0)),
        ):
            if bounds[0] < sp <= bounds[1]:
                # A thread's own stack goes on above the g0's: mstart0 takes the place of a local of its for the end.
                return name, (bounds[0], bounds[1] + (PAGE if name == SYSTEM else 0))
        mapping = next((m for m in self._session.target.mappings() if m.start <= sp < m.end), None)
        high = min(mapping.end, sp + _MAX_STACK) if mapping else sp + _MAX_STACK
        return SYSTEM, (sp - 1, high)

    def _go(self, place: Place) -> Tuple[Segment, Leave]:
        stack, bounds = self._on(place.sp)
        start = Start(place.pc, place.sp, place.lr, *bounds, trap=place.trap)
        frames: List[ThreadFrame] = []
        callee, inner = "", place.innermost
        for item in self._session.unwinder.walk(start, _MAX_FRAMES):
            if isinstance(item, Stop):
                return Segment(stack, frames), self._stopped(item, frames)
            frames.append(item)
            leave = self._sigpanic(item) or self._switches.after(item, callee, inner)
            if leave is not None:
                return Segment(stack, frames), leave
            callee, inner = item.func.name, False
        return Segment(stack, frames), self._ended(frames, bounds)

    def _stopped(self, stop: Stop, frames: List[ThreadFrame]) -> Leave:
        """The walk met what is no Go code: C code that called Go, if there is any at that pc."""
        last = frames[-1] if frames else None
        outside = isinstance(last, Frame) and stop.pc != last.pc and not self._is_go(stop.pc)
        if outside and self._world.native_code.image(stop.pc) is not None:
            return Leave(Place(stop.pc, stop.sp, registers={}), "a call from C")
        return Leave(None, "", stop.reason, over=True)

    def _sigpanic(self, frame: Frame) -> Optional[Leave]:
        """A fault in C code: the handler made up a call of sigpanic, which kept the registers that frames are found by.

        preparePanic of runtime/signal_amd64.go and signal_arm64.go.
        """
        if not frame.facts.sigpanic:
            return None
        word, uses_lr = self._session.memory.u64, self._session.arch.uses_lr
        try:
            pc = word(frame.sp) if uses_lr else word(frame.fp - 8)
            if self._is_go(pc) or self._world.native_code.image(pc) is None:
                return None
            if uses_lr:
                registers = {"x29": word(frame.sp - 8), "x30": word(frame.fp)}
                return Leave(Place(pc, frame.fp + 16, 0, True, True, registers), "a fault in C code")
            return Leave(Place(pc, frame.fp, 0, True, True, {"rbp": word(frame.fp - 16)}), "a fault in C code")
        except ReadError as error:
            return Leave(None, "", str(error), over=True)

    def _ended(self, frames: List[ThreadFrame], bounds: Bounds) -> Leave:
        last = frames[-1] if frames else None
        if not isinstance(last, Frame) or last.func.name not in SIGTRAMP:
            return Leave(None, "", "" if last else "no frame can be told", over=True)
        context = saved_context(self._session, last.fp, bounds)
        if isinstance(context, Absent):
            return Leave(None, "", context.detail, over=True)
        place = Place(context.pc, context.sp, context.lr, True, True, context.registers)
        return Leave(place, f"signal {signal_name(context.signal)}")

    def _c(self, place: Place) -> Tuple[Segment, Leave]:
        numbers = self._native.number
        registers = {numbers[name]: value for name, value in (place.registers or {}).items() if name in numbers}
        registers[self._native.sp] = place.sp
        frames: List[ThreadFrame] = []
        for item in self._native.walk(CMachine(place.pc, registers, place.trap)):
            if isinstance(item, NativeFrame):
                frames.append(item)
            elif isinstance(item, Stop):
                return Segment(C, frames), self._lost_in_c(item)
            else:
                to = Place(item.pc, item.registers[self._native.sp], trap=item.trap)
                return Segment(C, frames), Leave(to, "a call of C")
        return Segment(C, frames), Leave(None, "", "", over=True)

    def _lost_in_c(self, stop: Stop) -> Leave:
        """C code that leads no further; the goroutine that waits for it is known all the same, and so is the vdso's."""
        if not stop.reason:
            return Leave(None, "", "", over=True)
        user, machine = self.user, self._machine
        if machine.vdso_sp:
            leave = self._switches.vdso()
            return leave._replace(problem=stop.reason)
        if user is not None and (machine.in_c or user.status == "syscall"):
            return Leave(None, "a call of C", stop.reason)
        return Leave(None, "", stop.reason, over=True)

    def _user_segments(self, user: Goroutine) -> Iterator[Segment]:
        """The goroutine's own frames, and at each callback from C the frames of that C code."""
        items = list(self._world.stacks.walk(user, _MAX_FRAMES))
        walked = [item for item in items if isinstance(item, Frame)]
        problem = next((item.reason for item in items if isinstance(item, Stop)), "")
        noted = self._g0.raw.sched_sp if self._g0 is not None else 0
        first = 0
        for index, frame in enumerate(walked):
            if frame.func.name != "runtime.cgocallback":
                continue
            # A goroutine made for a thread of C has nothing but goexit there.
            end = index + 2 if [f.facts.top for f in walked[index + 1 :]] == [True] else index + 1
            yield Segment(GOROUTINE, list(walked[first:end]), "a call from C", "", user)
            sp = self._switches.callback(frame, walked[index - 1] if index else None, noted)
            yield from self._calling_c(frame.pc, sp)
            noted, first = self._switches.noted_before(sp), end
        if walked[first:] or problem:
            yield Segment(GOROUTINE, list(walked[first:]), "", problem, user)

    def _calling_c(self, pc: int, sp: int) -> Iterator[Segment]:
        if not sp:
            yield Segment(
                SYSTEM,
                [],
                problem="the C code that called Go is no longer on its stack: a panic that it led to has unwound it",
            )
            return
        for segment, _ in self._outwards(Place(pc, sp)):
            yield segment


def walk_thread(session: Session, world: World, thread: Thread) -> ThreadWalk:
    """The walk of `thread`, with the M that it runs."""
    machines: Dict[int, Machine] = {m.thread.tid: m for m in world.machines if m.thread is not None}
    return ThreadWalk(session, world, thread, machines.get(thread.tid))
