"""The crash of a program: what brought it down, of which class that is, and a signature to group equal ones by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, NamedTuple, Optional, Tuple

from ..errors import Absent, GoxrayError, Maybe
from ..runtime.downfall import FATAL, SIGNAL, STOPPED, Downfall, Signal, downfalls, without_report
from ..runtime.frames import SourceFrame
from ..runtime.goroutine import Goroutine
from ..runtime.instructions import instruction_at
from ..runtime.panics import Panic, Panics
from ..runtime.segments import Segment
from ..runtime.unwind import Frame
from .crashclass import NIL_PAGE, Label, fatal_label, panic_labels
from .signature import Signature, signature

if TYPE_CHECKING:
    from ..session import Session

NONE = "none"
_UNKNOWN = "runtime:throw"
_FRAMES = 4096
_FAULTS = ("SIGSEGV", "SIGBUS")
_TRAPS = {
    "SIGTRAP": "signal:trap",
    "SIGILL": "signal:illegal-instruction",
    "SIGSYS": "signal:bad-system-call",
}


class Crash(NamedTuple):
    """kind: as in Downfall, "" where nothing crashed. panics: of the goroutine, newest first; cut: why they end early.

    goroutine: the one that crashed; where none did (a deadlock), `stands_for` says why it is this one.
    words: of a fatal error; before: what was printed before it. others: how many more threads report a crash.
    inside: what its thread runs on other stacks, and reporting: how many of the goroutine's own innermost frames do
    nothing but report; of both what a traceback shows is left.
    """

    kind: str
    labels: List[Label]
    signature: Signature
    signal: Optional[Signal] = None
    panics: Tuple[Panic, ...] = ()
    cut: str = ""
    words: Optional[Maybe[str]] = None
    before: str = ""
    goroutine: Optional[Goroutine] = None
    stands_for: str = ""
    thread: Optional[int] = None
    inside: Tuple[Segment, ...] = ()
    reporting: int = 0
    others: int = 0

    @property
    def label(self) -> str:
        """Its class."""
        return self.labels[0].name


def diagnose(session: Session) -> Crash:
    """What brought the program down; label NONE for one that nothing happened to."""
    found = list(downfalls(session))
    if not found:
        label = Label(NONE, "no thread reports a panic, a fatal error or a deadly signal")
        return Crash("", [label], signature(NONE, (), None))
    fall = found[0]
    panics, cut = _panics(session, fall.goroutine)
    labels = _labels(session, fall, panics)
    goroutine, stands_for = fall.goroutine, ""
    if goroutine is None and labels[0].name == "concurrency:deadlock":
        goroutine, stands_for = _first_asleep(session)
    thread = fall.machine.thread.tid if fall.machine.thread is not None else None
    inside, reporting = without_report(session, fall)
    return Crash(
        fall.kind, labels, _signature(session, fall, labels[0].name, goroutine), fall.signal, tuple(panics), cut,
        fall.words, fall.before, goroutine, stands_for, thread, tuple(inside), reporting, len(found) - 1,
    )  # fmt: skip


def _panics(session: Session, goroutine: Optional[Goroutine]) -> Tuple[List[Panic], str]:
    if goroutine is None:
        return [], ""
    try:
        return Panics(session).read(goroutine)
    except GoxrayError as error:
        return [], f"its panics cannot be read: {error}"


def _labels(session: Session, fall: Downfall, panics: List[Panic]) -> List[Label]:
    """The class first, then what else applies."""
    found: List[Label] = []
    if fall.kind == FATAL:
        if fall.in_c and fall.signal is not None:
            found.append(Label("cgo:signal", f"{fall.signal.name} in C code"))
        elif isinstance(fall.words, str):
            found.append(fatal_label(fall.words))
        else:
            found.append(Label(_UNKNOWN, fall.words.detail if isinstance(fall.words, Absent) else "a fatal error"))
    elif fall.kind in (SIGNAL, STOPPED):
        found.append(_of_signal(session, fall))
    address = fall.signal.address if fall.signal is not None else None
    for number, panic in enumerate(each for each in panics if not each.goexit):
        found += panic_labels(panic, address)
        if panic.recovered:
            found.append(Label("panic:recovered", "a panic was recovered, and another one followed"))
        elif number:
            found.append(Label("panic:nested", "a deferred function panicked while another panic was on its way"))
    if any(panic.goexit for panic in panics):
        found.append(Label("panic:goexit", "while runtime.Goexit ran deferred functions"))
    if fall.signal is not None:
        found.append(Label(f"signal:{fall.signal.name}", f"signal {fall.signal.name}"))
    if not found:
        found.append(Label("panic:user", "a panic whose value cannot be read"))
    first: Dict[str, Label] = {}
    for label in found:
        first.setdefault(label.name, label)
    return list(first.values())


def _of_signal(session: Session, fall: Downfall) -> Label:
    signal = fall.signal
    if signal is None:
        return Label("runtime:fault", "a signal whose frame cannot be read")
    if fall.in_c:
        return Label("cgo:signal", f"{signal.name} in C code")
    if signal.code is None:
        return _stopped(session, signal)
    if signal.name in _TRAPS and signal.sender is None:
        return Label(_TRAPS[signal.name], f"{signal.name} at {signal.pc:#x}")
    if signal.sender is None:
        return Label("runtime:fault", f"{signal.name} in code of the runtime's, or on a stack that it cannot panic on")
    pid = _own_pid(session)
    if pid is not None and signal.sender == pid:
        return Label("signal:own", f"{signal.name}, sent by the program itself")
    sender = f"process {signal.sender}" if signal.sender else "a process that it does not see"
    return Label("signal:external", f"{signal.name}, sent by {sender}")


def _stopped(session: Session, signal: Signal) -> Label:
    """A signal that the runtime has not heard of yet; what the kernel said of it is not at hand."""
    if signal.name in _FAULTS:
        found = instruction_at(session, signal.pc, dict(signal.registers))
        if isinstance(found, Absent) or found.operand is None:
            return Label("memory:bad-address", f"{signal.name} at {signal.pc:#x}; which address it is of is not told")
        why = f"{signal.name}: {found.text} touches {found.operand:#x}"
        return Label("memory:nil-deref" if found.operand < NIL_PAGE else "memory:bad-address", why)
    if signal.name == "SIGFPE":
        return Label("arithmetic:divide-by-zero", "SIGFPE, which Go's code meets in a division")
    return Label("signal:external", f"{signal.name} has just come; who sent it is not told")


def _own_pid(session: Session) -> Optional[int]:
    """The program's pid as it sees it itself: the first M's thread is the main one."""
    machines = [machine for machine in session.world.machines if machine.id == 0]
    return machines[0].procid if machines else None


def _first_asleep(session: Session) -> Tuple[Optional[Goroutine], str]:
    users = [each for each in session.world.goroutines if each.address not in session.world.system]
    first = min(users, key=lambda each: each.id, default=None)
    return first, "" if first is None else "no goroutine runs; this is the first of those that sleep"


def _signature(session: Session, fall: Downfall, label: str, goroutine: Optional[Goroutine]) -> Signature:
    build = session.program.build_info
    # Where a signal from outside comes to is chance.
    if label == "signal:external" and fall.signal is not None:
        return signature(f"{label} {fall.signal.name}", (), build)
    functions: List[str] = []
    if goroutine is not None:
        walked = session.world.stacks.frames(goroutine)
        frames = (frame for _, frame in zip(range(_FRAMES), walked) if isinstance(frame, SourceFrame))
        functions = [frame.function for frame in frames]
    else:
        for segment in fall.inside:
            functions += [frame.func.name for frame in segment.frames if isinstance(frame, Frame)]
    return signature(label, functions, build, label == "resource:stack-overflow")
