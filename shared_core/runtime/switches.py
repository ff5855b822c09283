"""Where the runtime's assembly leaves one stack for another, and how to get back.

Sources: Go 1.19 to 1.27 runtime/asm_amd64.s, asm_arm64.s (systemstack, mcall, morestack, asmcgocall, cgocallback),
sys_linux_*.s (nanotime1), runtime/cgo/asm_*.s, abi_*.h (crosscall2), runtime/traceback.go (resolveInternal).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, Optional, Tuple

from ..errors import ReadError
from .goroutine import Goroutine
from .machines import Machine
from .segments import Leave, Place
from .unwind import Frame

if TYPE_CHECKING:
    from ..session import Session

_ENDED = "the goroutine that it came from is no longer this thread's"
# asmcgocall leaves (the old g, its depth in that stack or the old sp) here, with room for Windows up to Go 1.21
_CALL_SLOTS = {"amd64": ((8, 0), (48, 40)), "arm64": ((0, 8),)}
_MAX_ALIGNMENT = 256
# cgocallback keeps the g0.sched.sp before it here
_CALLBACK_SLOT = {"amd64": 0, "arm64": 16}
# crosscall2 when it calls cgocallback: its frame size -> where its return address is, and what it saved for C
_SAVED_AMD64 = {"rbx": 0x18, "r12": 0x20, "r13": 0x28, "r14": 0x30, "r15": 0x38}
_CROSSCALL: Dict[str, Dict[int, Tuple[int, Dict[str, int]]]] = {
    "amd64": {
        0x48: (0x48, {**_SAVED_AMD64, "rbp": 0x40}),
        0x50: (0x50, {**_SAVED_AMD64, "rbp": 0x48}),  # with a frame pointer of its own
    },
    "arm64": {192: (184, {**{f"x{19 + i}": 32 + 8 * i for i in range(10)}, "x29": 176})},
}


class Switches:
    """The rules for one M; `scheduler` is its g0."""

    def __init__(self, session: Session, machine: Machine, scheduler: Optional[Goroutine], user: Optional[Goroutine]):
        self._session, self._machine = session, machine
        self._g0, self._user = scheduler, user
        self._word = session.memory.u64
        numbers = session.layout.numbers("func_ids")
        rules = {
            "systemstack": self._systemstack, "mcall": self._mcall, "morestack": self._morestack,
            "asmcgocall": self._asmcgocall,
        }  # fmt: skip
        self._rules = {numbers[name]: rule for name, rule in rules.items() if name in numbers}

    def after(self, frame: Frame, callee: str, innermost: bool) -> Optional[Leave]:
        """How `frame`, which is on the system or the signal stack, was come to; None when it was simply called."""
        try:
            if frame.func.name == "crosscall2" and not innermost:
                return self._crosscall(frame)
            rule = self._rules.get(frame.func.func_id)
            if rule is not None:
                return rule(frame, callee, innermost)
            if frame.facts.sp_write and self._machine.vdso_sp:
                return self.vdso()
        except ReadError as error:
            return Leave(None, "", str(error), over=True)
        return None

    def to_user(self, why: str) -> Leave:
        """Back to the goroutine's own stack."""
        return Leave(None, why) if self._user is not None else Leave(None, "", _ENDED, over=True)

    def _scheduler_sp(self) -> int:
        return int(self._g0.raw.sched_sp) if self._g0 is not None else 0

    def _systemstack(self, frame: Frame, callee: str, innermost: bool) -> Optional[Leave]:
        if innermost and frame.sp != self._scheduler_sp():
            return None  # called on the system stack, where it switches nothing
        return self.to_user("systemstack")

    def _mcall(self, frame: Frame, callee: str, innermost: bool) -> Leave:
        return self._scheduled("mcall")

    def _scheduled(self, why: str) -> Leave:
        """From the goroutine; where the scheduler has let it go meanwhile, on to where its own stack begins."""
        if self._user is not None:
            return self.to_user(why)
        if self._g0 is None or not self._g0.raw.sched_pc:
            return Leave(None, "", "the goroutine that called the scheduler has been let go", over=True)
        # What mstart1 noted: where the scheduler's own stack begins.
        return Leave(None, "", base=Place(self._g0.raw.sched_pc, self._g0.raw.sched_sp))

    def _morestack(self, frame: Frame, callee: str, innermost: bool) -> Optional[Leave]:
        if not callee.startswith("runtime.badmorestack"):
            return None if innermost and frame.sp != self._scheduler_sp() else self._scheduled("morestack")
        if not self._session.arch.uses_lr:
            return Leave(Place(self._word(frame.sp), frame.sp + 8), "morestack")
        raw = self._g0.raw if self._g0 is not None else None
        if raw is None or raw.sched_sp != frame.sp:
            return Leave(None, "", "morestack was called on this very stack, and has lost who called it", over=True)
        return Leave(Place(raw.sched_pc, raw.sched_sp, raw.sched_lr, innermost=True), "morestack")

    def _asmcgocall(self, frame: Frame, callee: str, innermost: bool) -> Optional[Leave]:
        if innermost:
            return self.to_user("asmcgocall") if self._user is not None else None
        for g_slot, depth_slot in _CALL_SLOTS[self._session.arch.name]:
            g, depth = self._word(frame.sp + g_slot), self._word(frame.sp + depth_slot)
            if self._user is not None and g == self._user.address and 0 < depth < self._user_size():
                return self.to_user("asmcgocall")
            if g == 0 and 0 < depth - frame.sp < _MAX_ALIGNMENT:
                return self._called_in_place(frame, depth)
        return Leave(None, "", "asmcgocall has not left a goroutine here", over=True)

    def _user_size(self) -> int:
        return int(self._user.raw.high - self._user.raw.low) if self._user is not None else 0

    def _called_in_place(self, frame: Frame, sp: int) -> Leave:
        """C called on the system stack itself: only the stack pointer was aligned."""
        size = frame.facts.delta
        if self._session.arch.uses_lr:
            return Leave(Place(self._word(sp), sp + size), "asmcgocall")
        return Leave(Place(self._word(sp + size), sp + size + 8), "asmcgocall")

    def vdso(self) -> Leave:
        """To the caller of the function that called the vdso, which noted it for sigprof."""
        machine = self._machine
        if self._user is not None and self._user.raw.low < machine.vdso_sp <= self._user.raw.high:
            return Leave(None, "a call of the vdso")
        return Leave(Place(machine.vdso_pc, machine.vdso_sp), "a call of the vdso")

    def _crosscall(self, frame: Frame) -> Leave:
        """To the C code that called Go, with the registers that crosscall2 saved for it."""
        shapes = _CROSSCALL[self._session.arch.name]
        if frame.facts.delta not in shapes:
            return Leave(None, "", "crosscall2 has a frame of a size that is not known", over=True)
        link, saved = shapes[frame.facts.delta]
        registers = {name: self._word(frame.sp + offset) for name, offset in saved.items()}
        return Leave(Place(self._word(frame.sp + link), frame.fp, registers=registers), "a call from C")

    def callback(self, frame: Frame, inside: Optional[Frame], noted: int) -> int:
        """Where cgocallback's frame on the system stack is, whose twin on the goroutine's stack is `frame`; 0 if lost.

        The frame `inside` it, cgocallbackg's, saved the frame pointer, which led to the system stack still; `noted` is
        g0.sched.sp at that time, which a panic restores before it ends. crosscall2 must have called what is there.
        """
        size = frame.facts.delta
        for sp in (self._by_frame_pointer(inside, size), noted):
            try:
                back = self._word(sp if self._session.arch.uses_lr else sp + size) if sp else 0
            except ReadError:
                continue
            caller = self._session.unwinder.facts(back)
            if caller is not None and caller.func.name == "crosscall2":
                return sp
        return 0

    def _by_frame_pointer(self, inside: Optional[Frame], size: int) -> int:
        if inside is None or inside.func.name != "runtime.cgocallbackg":
            return 0
        try:
            if self._session.arch.uses_lr:
                return self._word(inside.sp - 8) + 8
            return self._word(inside.fp - 16) - (size - 8)
        except ReadError:
            return 0

    def noted_before(self, sp: int) -> int:
        """g0.sched.sp as it was before the cgocallback whose frame on the system stack is at `sp`; 0 if not known."""
        try:
            return self._word(sp + _CALLBACK_SLOT[self._session.arch.name]) if sp else 0
        except ReadError:
            return 0
