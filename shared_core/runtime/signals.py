"""What a signal interrupted: the registers that the kernel saved on the signal stack.

Sources: Linux arch/x86/include/asm/sigframe.h (rt_sigframe), include/uapi/asm/sigcontext.h, arch/arm64/kernel/signal.c;
Go 1.27 runtime/sys_linux_amd64.s and sys_linux_arm64.s (sigtramp), runtime/defs_linux_*.go (ucontext).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Tuple

from ..errors import NOT_APPLICABLE, UNREADABLE, Absent, Maybe, ReadError
from .machines import Machine
from .unwind import Start, Stop

if TYPE_CHECKING:
    from ..session import Session

_SIGTRAMP = ("runtime.sigtramp", "runtime.cgoSigtramp")
_MAX_DEPTH = 256
_MAX_NESTED = 8


class Context(NamedTuple):
    """Registers at the interrupted instruction; lr is 0 on amd64."""

    pc: int
    sp: int
    lr: int


class _Places(NamedTuple):
    """Offsets from the kernel's signal frame, which starts where sigtramp's frame ends."""

    pc: int
    sp: int
    lr: int


# amd64: pretcode (8) is popped by then; uc_flags 8, uc_link 8, uc_stack 24, then gregs: r8..r15 rdi rsi rbp rbx rdx
# rax rcx rsp rip.
# arm64: siginfo 128, uc_flags 8, uc_link 8, uc_stack 24, sigset 128, 16-aligned, fault address 8, x0..x30 sp pc.
_FRAMES = {
    "amd64": _Places(pc=40 + 16 * 8, sp=40 + 15 * 8, lr=-1),
    "arm64": _Places(pc=128 + 176 + 8 + 32 * 8, sp=128 + 176 + 8 + 31 * 8, lr=128 + 176 + 8 + 30 * 8),
}


def interrupted_context(session: Session, machine: Machine, bounds: Tuple[int, int]) -> Maybe[Context]:
    """The registers that `machine`'s thread had when the signal came, by walking its signal stack to sigtramp.

    A signal that came while another was handled is passed over: dieFromSignal raises one on purpose.
    """
    arch = session.arch
    assert machine.thread is not None
    registers = machine.thread.registers
    lr = registers.get(arch.lr) or 0 if arch.lr else 0
    found: Maybe[Context] = Context(registers[arch.pc] or 0, registers[arch.sp] or 0, lr)
    for _ in range(_MAX_NESTED):
        if isinstance(found, Absent) or not bounds[0] < found.sp <= bounds[1]:
            return found
        found = _before_the_handler(session, found, bounds)
    return Absent(NOT_APPLICABLE, f"its thread is {_MAX_NESTED} signals deep")


def _before_the_handler(session: Session, inside: Context, bounds: Tuple[int, int]) -> Maybe[Context]:
    start = Start(inside.pc, inside.sp, inside.lr, *bounds, trap=True)
    why = "it does not lead to the signal's handler"
    for item in session.unwinder.walk(start, _MAX_DEPTH):
        if isinstance(item, Stop):
            why = item.reason
        elif item.func.name in _SIGTRAMP:
            return _context(session, item.fp)
    return Absent(NOT_APPLICABLE, f"its thread is on its signal stack, which cannot be walked: {why}")


def _context(session: Session, frame: int) -> Maybe[Context]:
    places = _FRAMES[session.arch.name]
    try:
        pc, sp = session.memory.u64(frame + places.pc), session.memory.u64(frame + places.sp)
        lr = session.memory.u64(frame + places.lr) if places.lr >= 0 else 0
    except ReadError as error:
        return Absent(UNREADABLE, str(error))
    return Context(pc, sp, lr)
