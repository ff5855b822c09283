"""Physical frames of a goroutine's stack, walked as the runtime walks them: pcsp tables, not frame pointers.

Source: Go 1.27 runtime/traceback.go (unwinder.initAt, resolveInternal, next, symPC), runtime/stkframe.go.
"""

from __future__ import annotations

from typing import Dict, Iterator, NamedTuple, Optional, Tuple, Union

from ..arch import Arch
from ..arch.spflow import depth_at
from ..binary.funcs import Func
from ..binary.moduledata import Module
from ..binary.program import Modules
from ..errors import FormatError, GoxrayError, ReadError
from ..layouts.dialect import preempted_is_trap
from ..layouts.model import Layout
from ..memory import Memory
from .stackbytes import StackBytes

MAX_FRAMES = 1 << 20  # a full 1 GiB stack of the smallest frames is 64 times that; the walk also needs sp to rise


class Start(NamedTuple):
    """Where a walk begins; `lr` matters on link-register machines only. `low` and `high` bound the stack.

    trap: the pc is an instruction that was interrupted, not a return address.
    prologue_lr: where a prologue of arm64 keeps its lr while it calls morestack (R3); 0 where that is not known.
    """

    pc: int
    sp: int
    lr: int
    low: int
    high: int
    trap: bool = False
    prologue_lr: int = 0


class Stop(NamedTuple):
    """Why a walk ended before the outermost function."""

    reason: str
    pc: int
    sp: int


class PcFacts:
    """What unwinding needs to know of one pc; decoded once, since a million frames share a few thousand pcs.

    delta: the frame's size below the return address, -1 where no table tells.
    injects: a signal handler made up the call of this function. traps: its caller's pc is then looked up as it is.
    """

    __slots__ = ("delta", "func", "injects", "kinds", "module", "sigpanic", "sp_write", "top", "traps")

    def __init__(self, module: Module, func: Func, delta: int, kinds: FuncKinds) -> None:
        self.module = module
        self.func = func
        self.delta = delta
        self.kinds = kinds
        self.top = bool(func.flags & kinds.top_frame)
        self.sp_write = bool(func.flags & kinds.sp_write) and func.func_id != kinds.cgocallback
        self.sigpanic = func.func_id == kinds.sigpanic
        self.injects = func.func_id in kinds.injected
        self.traps = self.injects if kinds.preempted_is_trap else self.sigpanic


class Frame(NamedTuple):
    """One physical frame, in the runtime's terms (stkframe): it is [sp, fp).

    trap: as in Start; after_sigpanic: the function it called is sigpanic.
    """

    facts: PcFacts
    pc: int
    sp: int
    fp: int
    trap: bool = False
    after_sigpanic: bool = False

    @property
    def func(self) -> Func:
        return self.facts.func

    @property
    def module(self) -> Module:
        return self.facts.module

    @property
    def argp(self) -> int:
        """Where the incoming stack arguments are."""
        return self.fp + self.facts.kinds.min_frame

    @property
    def varp(self) -> int:
        """The top of the locals: below the return address and the saved frame pointer."""
        varp = self.fp - self.facts.kinds.link
        return varp - 8 if varp > self.sp else varp

    @property
    def symbol_pc(self) -> int:
        """The pc that file, line and inlining are looked up at: one less for a return address."""
        return self.pc if self.trap or self.pc <= self.facts.func.entry else self.pc - 1

    @property
    def continpc(self) -> int:
        """Where the frame goes on when it is returned to, 0 when it never will be."""
        if not self.after_sigpanic:
            return self.pc
        func = self.facts.func
        return func.entry + func.deferreturn + 1 if func.deferreturn else 0


class FuncKinds:
    """The func ids and flags that change how a frame is unwound, as this version numbers them, and the frame's shape.

    link: bytes that a call pushes; min_frame: bytes between a frame and its arguments (sys.MinFrameSize).
    """

    def __init__(self, layout: Layout, arch: Arch) -> None:
        self.link = 0 if arch.uses_lr else arch.pointer_size
        self.min_frame = arch.min_frame_size
        flags, ids = layout.numbers("func_flags"), layout.numbers("func_ids")
        self.top_frame, self.sp_write = flags["top_frame"], flags["sp_write"]
        self.cgocallback = ids.get("cgocallback", -1)
        self.sigpanic = ids["sigpanic"]
        # traceback.go, isInjectedCall: calls that a signal handler made up.
        self.injected = {ids[name] for name in ("sigpanic", "asyncPreempt", "debugCallV2") if name in ids}
        self.preempted_is_trap = preempted_is_trap(layout)


class Unwinder:
    """Walks stacks of one program; the pc facts are kept for its lifetime."""

    def __init__(self, modules: Modules, memory: Memory, layout: Layout, arch: Arch) -> None:
        self._modules = modules
        self._memory = memory
        self._kinds = FuncKinds(layout, arch)
        self._arch = arch
        self._uses_lr = arch.uses_lr
        self._facts: Dict[int, Optional[PcFacts]] = {}
        self._depths: Dict[int, Optional[int]] = {}

    def facts(self, pc: int) -> Optional[PcFacts]:
        """The facts of `pc`; None outside Go text."""
        try:
            return self._facts[pc]
        except KeyError:
            found = self._facts[pc] = self._look_up(pc)
            return found

    def _look_up(self, pc: int) -> Optional[PcFacts]:
        found = self._modules.find(pc)
        if found is None:
            return None
        module, func = found
        try:
            # A table that says nothing for this pc counts as -1 in the runtime; such a frame cannot be unwound.
            delta = func.frame_size(pc) if func.pcsp else None
        except FormatError:
            delta = None
        return PcFacts(module, func, -1 if delta is None else delta, self._kinds)

    def _at_interrupted(self, pc: int, lr: int) -> Optional[PcFacts]:
        """The facts of a pc that was interrupted there: of a function that moves sp its code tells, not its table."""
        facts = self.facts(pc)
        if facts is None or facts.top:
            return facts
        # gogo has no frame, and has called something: or else it is a function that has just called itself.
        own_call = self._uses_lr and facts.delta == 0 and facts.func.entry < lr <= facts.func.end
        if not facts.sp_write and not own_call:
            return facts
        depth = self._depth(facts, pc)
        # On arm64 the return address is at 0(sp) with the frame as its prologue made it, or still in lr.
        known = depth is not None and depth >= 0 and (not self._uses_lr or depth in (0, facts.delta))
        return PcFacts(facts.module, facts.func, depth if depth is not None and known else -1, self._kinds)

    def _depth(self, facts: PcFacts, pc: int) -> Optional[int]:
        """The frame's size at `pc` as its code makes it; None where sp has come from elsewhere on a way there."""
        if pc not in self._depths:
            try:
                code = bytes(facts.module.code(facts.func))
                self._depths[pc] = depth_at(self._arch, code, facts.func.entry, pc)
            except GoxrayError:
                self._depths[pc] = None
        return self._depths[pc]

    def walk(self, start: Start, limit: int = MAX_FRAMES) -> Iterator[Union[Frame, Stop]]:
        """Frames from the innermost out; a last Stop if something other than the outermost function ended it."""
        pc, sp, lr, low, high, trap, prologue_lr = start
        if not low <= sp <= high or sp % 8:
            yield Stop("its stack pointer is outside its stack", pc, sp)
            return
        stack = StackBytes(self._memory, sp, high)
        link, uses_lr, known = self._kinds.link, self._uses_lr, self._facts
        after_sigpanic, innermost = False, True
        try:
            if pc == 0:
                # A call of a nil function: the caller is one word up (initAt), or in the lr that the call has just set.
                pc, lr, sp = lr if trap and uses_lr else stack.word(sp), 0, sp + link
                trap = False
            interrupted = self._at_interrupted(pc, lr) if trap else None
            for _ in range(limit):
                facts = interrupted or (known[pc] if pc in known else self.facts(pc))
                if facts is None:
                    yield Stop(f"{pc:#x} is in no Go function", pc, sp)
                    return
                if facts.delta < 0:
                    yield Frame(facts, pc, sp, sp, trap, after_sigpanic)
                    yield Stop(_no_size(facts), pc, sp)
                    return
                fp = sp + facts.delta + link
                yield Frame(facts, pc, sp, fp, trap, after_sigpanic)
                if facts.top:
                    return
                if facts.sp_write and not innermost and self._depth(facts, pc) != facts.delta:
                    yield Stop(_no_size(facts), pc, sp)
                    return
                if not uses_lr:
                    caller = stack.word(fp - 8)
                elif sp < fp and (innermost or lr == 0):
                    caller = stack.word(sp)
                elif lr:
                    caller = lr
                else:
                    yield Stop(f"the return address of {facts.func.name} was in a register that is lost", pc, sp)
                    return
                if caller == 0 or fp > high:
                    yield Stop("its stack ends without an outermost function", pc, sp)
                    return
                if fp == sp and caller == pc:
                    yield Stop("it does not get any further", pc, sp)
                    return
                pc, sp, lr = caller, fp, 0
                if uses_lr and facts.injects:
                    pc, sp, lr = self._past_injected(stack, pc, sp)
                elif interrupted and prologue_lr and _is_morestack(facts):
                    lr = prologue_lr
                trap, after_sigpanic, innermost, interrupted = facts.traps, facts.sigpanic, False, None
        except ReadError as error:
            yield Stop(str(error), pc, sp)

    def _past_injected(self, stack: StackBytes, pc: int, sp: int) -> Tuple[int, int, int]:
        """The signal handler saved the interrupted lr in a 16-byte slot before it faked the call (next)."""
        saved, sp = stack.word(sp), sp + 16
        facts = self.facts(pc)
        if facts is None:
            return saved, sp, 0
        return pc, sp, saved if facts.delta == 0 else 0


def _no_size(facts: PcFacts) -> str:
    """Why a frame's caller cannot be told."""
    if facts.sp_write:
        return f"{facts.func.name} changes its stack pointer in ways no table records"
    return "no frame size is recorded for this pc"


def _is_morestack(facts: PcFacts) -> bool:
    return facts.func.name in ("runtime.morestack", "runtime.morestack_noctxt")
