"""What brought the program down: the thread that reports a panic, a fatal error or a signal, by what is on its stacks.

Source: Go 1.27 runtime/panic.go (fatalpanic, throw, fatal, startpanic_m), runtime/signal_unix.go (sighandler).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, List, NamedTuple, Optional, Tuple

from ..errors import NOT_RECORDED, Absent, GoxrayError, Maybe
from .args import ArgWord, frame_args
from .frames import SourceFrame
from .goroutine import Goroutine
from .machines import Machine
from .nativeframes import NativeFrame
from .printed import fatal_text
from .segments import C, Segment
from .signals import Context, interrupted_context
from .signames import signal_name
from .threadwalk import ThreadWalk
from .unwind import Frame

if TYPE_CHECKING:
    from ..session import Session

PANIC, FATAL, SIGNAL, STOPPED = "panic", "fatal", "signal", "stopped"
_REPORTERS = {
    "runtime.fatalpanic": PANIC, "runtime.throw": FATAL, "runtime.fatal": FATAL, "runtime.fatalthrow": FATAL,
    "runtime.sighandler": SIGNAL,
}  # fmt: skip
_WORDED = ("runtime.throw", "runtime.fatal")
_DEADLY = ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT", "SIGQUIT", "SIGSYS")
_WITH_ADDRESS = ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL")
_SI_KERNEL = 128  # of a fault whose address the processor did not tell
_MARK = "fatal error: "
_DETAILS = ("runtime: ", "unexpected fault address ", "accessed data from freed user arena ")


class Signal(NamedTuple):
    """A signal as the kernel told of it; code: si_code, None where that is not kept.

    address: of the fault; sender: the pid that sent it, as the program sees it. pc: where it came.
    registers: at `pc`; {} where they are gone.
    """

    name: str
    number: int
    code: Optional[int]
    address: Optional[int]
    sender: Optional[int]
    pc: int
    registers: Tuple[Tuple[str, int], ...] = ()


class Downfall(NamedTuple):
    """kind: PANIC, FATAL (throw or fatal), SIGNAL (one that the runtime dies of), or STOPPED: a signal that nothing has
    been done about yet.

    inside: the pieces of the thread's stacks before the goroutine's own. words: of a FATAL, after "fatal error: ".
    before: what the runtime printed before that, in lines. in_c: whether the signal came in C code.
    """

    kind: str
    machine: Machine
    goroutine: Optional[Goroutine]
    inside: List[Segment]
    signal: Optional[Signal] = None
    words: Optional[Maybe[str]] = None
    before: str = ""
    in_c: bool = False


def downfalls(session: Session) -> Iterator[Downfall]:
    """Every M that reports one, the likeliest first: more than one may panic at a time."""
    for machine, dying in _suspects(session):
        found = _downfall(session, machine, dying)
        if found is not None:
            yield found


def _suspects(session: Session) -> List[Tuple[Machine, bool]]:
    """Ms with a thread, and whether they have begun to die (m.dying); else the selected thread's."""
    found = []
    kind = session.layout.struct("runtime.m")
    for machine in session.world.machines:
        thread = machine.thread
        if thread is None:
            continue
        try:
            dying = session.memory.i32(machine.address + kind.offset("dying")) > 0
        except GoxrayError:
            dying = False
        # In a core of the kernel's all threads have the signal; the first is the one that it came to.
        if dying or thread.selected:
            found.append((machine, dying))
    return sorted(found, key=lambda each: (not each[1], not (each[0].thread and each[0].thread.selected)))


def _downfall(session: Session, machine: Machine, dying: bool) -> Optional[Downfall]:
    assert machine.thread is not None
    walk = ThreadWalk(session, session.world, machine.thread, machine)
    inside = walk.before_the_goroutine()
    goroutine = walk.user
    reporter = _reporter(session, inside, goroutine)
    kind = _REPORTERS[reporter.func.name] if reporter is not None else ""
    if kind == PANIC and goroutine is not None:
        return Downfall(PANIC, machine, goroutine, inside, fault_signal(session, goroutine.address))
    if kind == FATAL and reporter is not None:
        words, before = _words(session, reporter, fatal_text(session))
        fault = fault_signal(session, _thrower(session, machine, goroutine, reporter))
        in_c = _in_c(session, machine, inside, fault)
        return Downfall(FATAL, machine, goroutine, inside, fault, words, before, in_c)
    if kind == SIGNAL and dying:
        return _signalled(session, machine, goroutine, inside)
    if thread_signal(machine) and not dying:
        return _stopped(session, machine, goroutine, inside)
    return None


def thread_signal(machine: Machine) -> str:
    """The signal that its thread has stopped with, if one may die of it."""
    signal = machine.thread.signal if machine.thread is not None else None
    return signal if signal in _DEADLY and signal is not None else ""


def _reporter(session: Session, inside: List[Segment], goroutine: Optional[Goroutine]) -> Optional[Frame]:
    """The innermost frame of a function that reports a crash; of throw and fatalthrow it is throw."""
    found: Optional[Frame] = None
    for frame in _frames(session, inside, goroutine):
        name = frame.func.name
        if found is None and name in _REPORTERS:
            found = frame
        elif found is not None:
            return frame if found.func.name == "runtime.fatalthrow" and name in _WORDED else found
        if found is not None and name != "runtime.fatalthrow":
            return found
    return found


def _frames(session: Session, inside: List[Segment], goroutine: Optional[Goroutine]) -> Iterator[Frame]:
    for segment in inside:
        yield from (frame for frame in segment.frames if isinstance(frame, Frame))
    if goroutine is not None:
        for item in session.world.stacks.walk(goroutine, 64):
            if isinstance(item, Frame):
                yield item


def _thrower(session: Session, machine: Machine, goroutine: Optional[Goroutine], reporter: Frame) -> int:
    """The g that called throw, by whose stack it is on: the M's own (g0, gsignal), or the goroutine's."""
    if goroutine is not None and goroutine.raw.low < reporter.sp <= goroutine.raw.high:
        return goroutine.address
    low, high = session.world.bounds(machine.gsignal)
    return machine.gsignal if low < reporter.sp <= high else machine.g0


def _words(session: Session, reporter: Frame, text: Maybe[str]) -> Tuple[Maybe[str], str]:
    """What throw or fatal was called with, and what was printed before; by its argument, or by what was printed."""
    argument = _live_string(session, reporter)
    if not isinstance(text, Absent):
        before, _, words = text.rpartition(_MARK)
        words = words.rstrip("\n").replace("\n\t", "\n")
        # Another thread may have printed something since.
        if argument is None or words.startswith(argument):
            return words if argument is None else argument, _of_the_error(before)
    if argument is not None:
        return argument, ""
    why = text.detail if isinstance(text, Absent) else "another was printed"
    return Absent(NOT_RECORDED, f"the text of the fatal error is not to be had: {why}"), ""


def _of_the_error(printed: str) -> str:
    """The lines right before a fatal error that belong to it; print is used for other things too (runtime.Stack)."""
    found: List[str] = []
    for line in reversed(printed.splitlines()):
        if not line.startswith(_DETAILS):
            break
        found.insert(0, line)
    return "".join(f"{line}\n" for line in found)


def _live_string(session: Session, frame: Frame) -> Optional[str]:
    """The first argument, a string, of throw or fatal, while it is live."""
    frames = session.source_frames
    try:
        items = frame_args(frames.tabs(frame.module), frame, session.memory, frames.liveness_pc(frame))
        words = [item for item in items if isinstance(item, ArgWord)] if isinstance(items, list) else []
        if frame.func.name not in _WORDED or len(words) < 2 or not all(word.live for word in words[:2]):
            return None
        start, length = words[0].value, words[1].value
        if not isinstance(start, int) or not isinstance(length, int) or not 0 < length <= 4096:
            return None
        return session.memory.read(start, length).decode("utf-8", "surrogateescape")
    except GoxrayError:
        return None


def fault_signal(session: Session, g: int) -> Optional[Signal]:
    """The fault that sigpanic made a panic of, as dopanic_m prints it: g.sig and what goes with it; None without."""
    kind, memory = session.layout.struct("runtime.g"), session.memory
    try:
        number = memory.u32(g + kind.offset("sig"))
        code, address, pc = (memory.u64(g + kind.offset(name)) for name in ("sigcode0", "sigcode1", "sigpc"))
    except GoxrayError:
        return None
    return Signal(signal_name(number), number, code, address, None, pc) if number else None


def _signalled(session: Session, machine: Machine, goroutine: Optional[Goroutine], inside: List[Segment]) -> Downfall:
    context = interrupted_context(session, machine, session.world.bounds(machine.gsignal))
    signal = None if isinstance(context, Absent) or not context.signal else _of_context(context)
    return Downfall(SIGNAL, machine, goroutine, inside, signal, in_c=_in_c(session, machine, inside, signal))


def _of_context(context: Context) -> Signal:
    name, sent = signal_name(context.signal), context.code <= 0
    address = context.detail if name in _WITH_ADDRESS and not sent and context.code != _SI_KERNEL else None
    sender = context.detail if sent else None
    return Signal(name, context.signal, context.code, address, sender, context.pc, tuple(context.registers.items()))


def _stopped(session: Session, machine: Machine, goroutine: Optional[Goroutine], inside: List[Segment]) -> Downfall:
    assert machine.thread is not None
    registers = {name: value for name, value in machine.thread.registers.items() if value is not None}
    name = thread_signal(machine)
    pc = registers.get(session.arch.pc, 0)
    signal = Signal(name, _number(name), None, None, None, pc, tuple(registers.items()))
    return Downfall(STOPPED, machine, goroutine, inside, signal, in_c=_in_c(session, machine, inside, signal))


def _number(name: str) -> int:
    return next((number for number in range(1, 65) if signal_name(number) == name), 0)


def _in_c(session: Session, machine: Machine, inside: List[Segment], signal: Optional[Signal]) -> bool:
    """Whether the signal came in C code."""
    if signal is None or session.modules.find(signal.pc) is not None:
        return False
    if any(segment.stack == C and _at(segment, signal.pc) for segment in inside):
        return True
    return machine.in_c


def _at(segment: Segment, pc: int) -> bool:
    return any(isinstance(frame, NativeFrame) and frame.pc == pc for frame in segment.frames[:1])


def without_report(session: Session, fall: Downfall) -> Tuple[List[Segment], int]:
    """(the pieces without what only reports the crash, how many frames do so on the goroutine's own stack).

    What is left begins as in the traceback that the runtime prints: at gopanic, throw or fatal, or where a signal came.
    """
    last = {PANIC: "runtime.fatalpanic", FATAL: "runtime.fatalthrow", SIGNAL: ""}.get(fall.kind)
    if last is None:
        return fall.inside, 0
    for number, segment in enumerate(fall.inside):
        names = [frame.func.name if isinstance(frame, Frame) else "" for frame in segment.frames]
        if not last and "runtime.sighandler" in names:
            return fall.inside[number + 1 :], 0
        if last and last in names:
            rest = segment._replace(frames=segment.frames[names.index(last) + 1 :])
            return [rest, *fall.inside[number + 1 :]], 0
    if last and fall.goroutine is not None:
        items = zip(range(64), session.world.stacks.frames(fall.goroutine))
        for number, item in items:
            if isinstance(item, SourceFrame) and item.function == last:
                return [], number + 1
    return fall.inside, 0
