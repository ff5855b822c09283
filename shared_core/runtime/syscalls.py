"""Which system call a goroutine is in, by the frame that made it.

Sources: Go 1.27 syscall/syscall_linux.go (Syscall, RawSyscall, Syscall6: the number is their first argument, and live
until the call), runtime/proc.go (entersyscall, entersyscallblock: g.syscallpc is where the caller goes on).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Mapping, NamedTuple, Optional

from ..arch.syscalls import syscall_name
from ..errors import NOT_RECORDED, Absent, GoxrayError, Maybe
from .args import ArgWord, frame_args
from .frames import SourceFrame
from .goroutine import Goroutine
from .signals import interrupted_context
from .unwind import Frame

if TYPE_CHECKING:
    from ..session import Session

_MAKERS = frozenset(
    ("syscall.Syscall", "syscall.Syscall6", "syscall.Syscall9", "syscall.RawSyscall", "syscall.RawSyscall6")
    + ("syscall.rawSyscallNoError", "syscall.RawSyscallNoError")
)
_INSIDE = (".Syscall6", ".RawSyscall6", ".RawSyscall", ".Syscall", ".rawVforkSyscall")  # what holds the instruction
_DEPTH = 6
_HIGHEST = 1 << 12
_FIRST_ARGUMENTS = 4


class Call(NamedTuple):
    """number, with its name ("" for none known), and its first arguments as far as they are live.

    runtime: what the runtime or C code does instead of a system call of the program's.
    """

    number: Maybe[int]
    name: str
    args: List[Optional[int]]
    runtime: str = ""


class Calls:
    """Reads the system calls of one stopped program."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of(self, goroutine: Goroutine) -> Call:
        """The call of a goroutine whose status is syscall."""
        names: List[str] = []
        for item in self._session.world.stacks.frames(goroutine):
            if not isinstance(item, SourceFrame) or len(names) >= _DEPTH:
                break
            if item.function in _MAKERS and not item.inlined:
                return self._made_by(goroutine, item.physical)
            names.append(item.function)
        return Call(Absent(NOT_RECORDED, "no frame of its tells the number"), "", [], _otherwise(names))

    def _made_by(self, goroutine: Goroutine, frame: Frame) -> Call:
        frames = self._session.source_frames
        try:
            items = frame_args(frames.tabs(frame.module), frame, self._session.memory, frames.liveness_pc(frame))
        except GoxrayError as error:
            return Call(Absent(NOT_RECORDED, str(error)), "", [])
        words = [] if isinstance(items, Absent) else [item for item in items if isinstance(item, ArgWord)]
        values = [word.value if word.live and not isinstance(word.value, Absent) else None for word in words]
        number = values[0] if values else None
        if number is None:
            number = self._by_thread(goroutine)
        if number is None or number >= _HIGHEST:
            return Call(Absent(NOT_RECORDED, f"{frame.func.name} no longer has it"), "", [])
        return Call(number, syscall_name(self._session.layout.arch, number), values[1:_FIRST_ARGUMENTS])

    def _by_thread(self, goroutine: Goroutine) -> Optional[int]:
        """The number that the thread entered the kernel with, while it is there: up to Go 1.21 no frame keeps it."""
        session = self._session
        machine = session.world.machine_of(goroutine)
        if machine is None or machine.thread is None or not machine.thread.registers.get(session.arch.sp):
            return None
        on_amd64 = session.arch.name == "amd64"
        number = "orig_rax" if on_amd64 else "x8"
        registers: Mapping[str, Optional[int]] = machine.thread.registers
        context = interrupted_context(session, machine, session.world.bounds(machine.gsignal))
        if not isinstance(context, Absent) and context.sp != registers.get(session.arch.sp):
            # A signal came: with SA_RESTART the kernel puts the number back, and the pc before the instruction.
            number, registers = "rax" if on_amd64 else "x8", context.registers
            if on_amd64 and not self._at_instruction(context.pc):
                return None
        facts = session.unwinder.facts(registers.get(session.arch.pc) or 0)
        if facts is None or not facts.func.name.endswith(_INSIDE):
            return None
        return registers.get(number)

    def _at_instruction(self, pc: int) -> bool:
        facts = self._session.unwinder.facts(pc)
        if facts is None:
            return False
        code, at = bytes(facts.module.code(facts.func)), pc - facts.func.entry
        return code[at : at + 2] == b"\x0f\x05"  # syscall


def _otherwise(names: List[str]) -> str:
    if any(name in ("runtime.cgocall", "runtime.asmcgocall") for name in names):
        return "C code"
    if "os/signal.signal_recv" in names or "os/signal.loop" in names:
        return "signals to come in"
    return next((name for name in names if name.startswith("runtime.")), "")
