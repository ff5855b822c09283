"""What a signal interrupted: the registers that the kernel saved on the signal stack.

Sources: Linux arch/x86/include/asm/sigframe.h (rt_sigframe), include/uapi/asm/sigcontext.h, arch/arm64/kernel/signal.c;
Go 1.27 runtime/sys_linux_amd64.s and sys_linux_arm64.s (sigtramp), runtime/defs_linux_*.go (ucontext).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Dict, NamedTuple, Tuple

from ..errors import NOT_APPLICABLE, UNPARSABLE, UNREADABLE, Absent, Maybe, ReadError
from .machines import Machine
from .unwind import Start, Stop

if TYPE_CHECKING:
    from ..session import Session

SIGTRAMP = ("runtime.sigtramp", "runtime.cgoSigtramp")
_MAX_DEPTH = 256
_MAX_NESTED = 8
_MAX_SIGNAL = 64
_PID = 0xFFFFFFFF


class Context(NamedTuple):
    """The interrupted instruction; lr is 0 on amd64. registers: all that were saved, by name; signal: its number.

    code: si_code, positive where the kernel raised it. detail: si_addr of a fault; where code is 0 or negative, si_pid.
    """

    pc: int
    sp: int
    lr: int
    registers: Dict[str, int]
    signal: int
    code: int = 0
    detail: int = 0


class _Places(NamedTuple):
    """Offsets from the kernel's frame, which starts where sigtramp's frame ends: stack_t, registers, si_signo."""

    stack: int
    saved: int
    names: Tuple[str, ...]
    signal: int


# amd64: pretcode (8) is popped by then; uc_flags 8, uc_link 8, uc_stack 24, gregs 256 with others, sigset 8, siginfo.
# arm64: siginfo 128, uc_flags 8, uc_link 8, uc_stack 24, sigset 128, 16-aligned, fault address 8, x0..x30 sp pc.
_AMD64 = "r8 r9 r10 r11 r12 r13 r14 r15 rdi rsi rbp rbx rdx rax rcx rsp rip"
_FRAMES = {
    "amd64": _Places(16, 40, tuple(_AMD64.split()), 304),
    "arm64": _Places(128 + 16, 128 + 176 + 8, (*(f"x{i}" for i in range(31)), "sp", "pc"), 0),
}


def interrupted_context(session: Session, machine: Machine, bounds: Tuple[int, int]) -> Maybe[Context]:
    """The registers that `machine`'s thread had when the signal came, by walking its signal stack to sigtramp.

    A signal that came while another was handled is passed over: dieFromSignal raises one on purpose.
    """
    arch = session.arch
    assert machine.thread is not None
    registers = {name: value for name, value in machine.thread.registers.items() if value is not None}
    lr = registers.get(arch.lr, 0) if arch.lr else 0
    found: Maybe[Context] = Context(registers[arch.pc], registers[arch.sp], lr, registers, 0)
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
        elif item.func.name in SIGTRAMP:
            return saved_context(session, item.fp, bounds)
    return Absent(NOT_APPLICABLE, f"its thread is on its signal stack, which cannot be walked: {why}")


def saved_context(session: Session, frame: int, bounds: Tuple[int, int]) -> Maybe[Context]:
    """What the kernel saved in the signal frame at `frame`; Absent where that is none.

    The kernel notes the signal stack in each: what it notes must hold the frame, and be `bounds` of the runtime.
    """
    arch = session.arch
    places = _FRAMES[arch.name]
    try:
        low, _, size = struct.unpack("<QQQ", session.memory.read(frame + places.stack, 24))
        signal, _, code, detail = struct.unpack("<IiixxxxQ", session.memory.read(frame + places.signal, 24))
        values = session.memory.pointers(frame + places.saved, len(places.names))
    except ReadError as error:
        return Absent(UNREADABLE, str(error))
    if not (low <= frame < low + size and bounds[0] <= low < bounds[1]) or not 0 < signal <= _MAX_SIGNAL:
        return Absent(UNPARSABLE, f"there is no signal frame at {frame:#x}, above the handler's")
    registers = dict(zip(places.names, values))
    lr = registers[arch.lr] if arch.lr else 0
    return Context(
        registers[arch.pc], registers[arch.sp], lr, registers, signal, code, detail if code > 0 else detail & _PID
    )
