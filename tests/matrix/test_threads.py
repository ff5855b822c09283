"""The stacks of threads against what the dying process printed of the same moment, and against the C sources."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Tuple

import pytest

from shared_core.runtime.frames import SourceFrame
from shared_core.runtime.nativeframes import NativeFrame
from shared_core.runtime.segments import GOROUTINE, SIGNAL, SYSTEM, C, Segment
from shared_core.runtime.threadwalk import walk_thread
from shared_core.session import Session
from shared_core.targets.core import CoreTarget
from tests.support import matrix
from tests.support.build import Flags, build, program_files
from tests.support.cores import ENVIRONMENT, Core, crash_core, healthy_core, take_core
from tests.support.gdb import run_gdb
from tests.support.oracle import nm
from tests.support.paths import PROGRAMS
from tests.support.traceback import Frame, Goroutine, parse_traceback

CALM_GDB = ("set startup-with-shell off", "set breakpoint pending on", "handle all nostop noprint pass")
CALM = {**ENVIRONMENT, "GODEBUG": "asyncpreemptoff=1"}
NATIVE = {path.name: path.read_text() for path in sorted((PROGRAMS / "native").iterdir())}
CGO = [(v, a) for v, a in matrix.pairs() if matrix.is_full() or (v in ("1.27", "1.21", "1.19") and a == "amd64")]
CGO += [] if matrix.is_full() else [("1.27", "arm64")]

Printed = Tuple[str, str, int]


def session_of(core: Core) -> Session:
    return Session(CoreTarget(str(core.exe), str(core.core)))


def walks(session: Session) -> Dict[int, List[Segment]]:
    """Thread id -> its pieces."""
    world = session.world
    return {t.tid: list(walk_thread(session, world, t).segments()) for t in session.target.threads()}


def down(version: str, arch: str, mode: str, ready: bool = False) -> Core:
    built = build("down", version, arch, files=program_files("down"))
    return take_core(built, [mode], environment=CALM, abort_at="ready" if ready else None)


def native(version: str, arch: str, *args: str) -> Core:
    built = build("native", version, arch, Flags(cgo=True), files=NATIVE)
    ready = "ready" if args[0] == "doze" or args[-1] == "spin" else None
    return take_core(built, args, abort_at=ready)


def said(session: Session, segment: Segment) -> List[Tuple[str, str, int, int, int, int]]:
    """(function, file, line, fp, sp, pc) of a piece's logical frames, as a traceback has them; no pcs of inlined."""
    frames: List[SourceFrame] = []
    for frame in segment.frames:
        assert not isinstance(frame, NativeFrame)
        frames += session.source_frames.expand(frame)
    return [_said(f) for f in frames]


def _said(frame: SourceFrame) -> Tuple[str, str, int, int, int, int]:
    numbers = (0, 0, 0) if frame.inlined else (frame.physical.fp, frame.physical.sp, frame.pc)
    return ("panic" if frame.function == "runtime.gopanic" else frame.function, frame.file, frame.line, *numbers)


def printed(frames: Tuple[Frame, ...]) -> List[Tuple[str, str, int, int, int, int]]:
    return [(f.function, f.file, f.line, f.fp or 0, f.sp or 0, f.pc or 0) for f in frames]


def system_stacks(text: str) -> List[Goroutine]:
    """The g0s that threads printed of themselves when SIGQUIT came."""
    return [g for g in parse_traceback(text) if g.id == 0 and g.frames]


def runtime_stack(text: str) -> List[Tuple[str, str, int, int, int, int]]:
    """The frames under "runtime stack:"."""
    lines = text.split("\nruntime stack:\n", 1)[1].split("\n\n", 1)[0]
    return printed(parse_traceback(f"goroutine 0 [x]:\n{lines}\n\n")[0].frames)


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_every_thread_stands_where_it_printed_itself_to_be(version: str, arch: str) -> None:
    """At GOTRACEBACK=crash each thread that runs no goroutine prints its g0's stack, from the signal that came."""
    core = healthy_core(version, arch)
    session = session_of(core)
    pieces = [s for each in walks(session).values() for s in each if s.stack == SYSTEM and s.frames]
    ours = {frames[0][4]: frames for frames in (said(session, piece) for piece in pieces)}
    theirs = system_stacks(core.stderr)
    assert len(theirs) >= 3
    for goroutine in theirs:
        expected = printed(goroutine.frames)
        found = ours[expected[0][4]]
        assert found[: len(expected)] == expected
        # The runtime stops at mcall; below it is where the thread began.
        assert {frame[0] for frame in found[len(expected) :]} <= {"runtime.mstart0", "runtime.mstart", "runtime.rt0_go"}
        assert found[-1][0] in ("runtime.mstart", "runtime.rt0_go")


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
@pytest.mark.parametrize("mode", ["overflow", "deadlock"])
def test_a_throw_on_the_system_stack(version: str, arch: str, mode: str) -> None:
    """What stands under "runtime stack:" is the tail of the system stack; the core is a few calls later."""
    core = down(version, arch, mode)
    session = session_of(core)
    thread = session.target.threads()[0]
    pieces = list(walk_thread(session, session.world, thread).segments())
    system = next(s for s in pieces if s.stack == SYSTEM)
    expected, found = runtime_stack(core.stderr), said(session, system)
    at = found.index(expected[0])
    assert len(expected) >= 3 and found[at : at + len(expected)] == expected
    assert [s.problem for s in pieces] == [""] * len(pieces)
    if mode == "overflow":
        assert (system.left, found[-1][0]) == ("morestack", "runtime.morestack")
        own = said(session, next(s for s in pieces if s.stack == GOROUTINE))
        theirs = next(g for g in parse_traceback(core.stderr) if g.id == 1)
        assert own[: len(theirs.frames[:50])] == printed(theirs.frames[:50])


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
@pytest.mark.parametrize("mode", ["panic", "nil", "throw"])
def test_the_dying_thread_is_followed_from_its_registers_to_goexit(version: str, arch: str, mode: str) -> None:
    core = crash_core(version, arch, mode)
    session = session_of(core)
    thread = session.target.threads()[0]
    pieces = list(walk_thread(session, session.world, thread).segments())
    assert [s.problem for s in pieces] == [""] * len(pieces)
    assert pieces[0].frames[0].pc == thread.registers[session.arch.pc]
    last = said(session, pieces[-1])
    assert (pieces[-1].stack, last[-1][0]) == (GOROUTINE, "runtime.goexit")
    theirs = next(g for g in parse_traceback(core.stderr) if g.id == 1)
    assert last[-len(theirs.frames) :] == printed(theirs.frames)


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_a_goroutine_that_reads_clocks(version: str, arch: str) -> None:
    """One in the vdso is printed from m.vdsoPC on; in a function that moves its sp the runtime gives up, and we do not.

    The signal may also find it in the scheduler's hands: then it is at rest, on no thread.
    """
    core = down(version, arch, "clock", ready=True)
    session = session_of(core)
    theirs = next(g for g in parse_traceback(core.stderr) if g.id == 1)
    found = [each for each in walks(session).values() if each[-1].goroutine and each[-1].goroutine.id == 1]
    assert len(found) == (theirs.status == "running")
    for pieces in found:
        own = said(session, pieces[-1])
        assert own[: len(theirs.frames)] == printed(theirs.frames)
        assert own[-1][0] == "runtime.goexit"
        assert [piece.problem for piece in pieces] == [""] * len(pieces)
        assert {f.image for p in pieces if p.stack == C for f in p.frames if isinstance(f, NativeFrame)} <= {"[vdso]"}


@pytest.mark.parametrize("version", [v for v in matrix.versions() if matrix.is_full() or v in ("1.27", "1.22", "1.19")])
def test_the_vdso_lies_between_the_system_stack_and_the_goroutine(version: str, tmp_path: Path) -> None:
    """Stopped by gdb at the vdso's clock_gettime, whatever this kernel's clock needs inside it."""
    built = build("down", version, files=program_files("down"))
    clock = next(symbol.address for symbol in nm(built) if symbol.name == "main.clock")
    steps = ["set args clock", f"tbreak *{clock:#x}", "run", "break __vdso_clock_gettime thread 1", "continue"]
    run_gdb([*steps, f"generate-core-file {tmp_path}/core"], exe=built.exe, before=CALM_GDB, extension=False)
    session = Session(CoreTarget(str(built.exe), str(tmp_path / "core")))
    pieces = next(each for each in walks(session).values() if each[-1].goroutine and each[-1].goroutine.id == 1)
    assert [piece.stack for piece in pieces] == [C, SYSTEM, GOROUTINE]
    assert [piece.left for piece in pieces] == ["a call of C", "a call of the vdso", ""]
    (frame,) = pieces[0].frames
    assert isinstance(frame, NativeFrame)
    assert (frame.image, frame.function) in (("[vdso]", "__vdso_clock_gettime"), ("[vdso]", "clock_gettime"))
    functions = [f[0] for f in said(session, pieces[-1])]
    assert functions[functions.index("main.clock") :] == ["main.clock", "main.main", "runtime.main", "runtime.goexit"]
    # time.now of runtime/time_linux_amd64.s calls the vdso for both clocks itself.
    assert functions[0] in ("time.now", "time.Now", "time.runtimeNow")


DRAW = """package main

import (
	"crypto/rand"
	"runtime"
)

func init() { runtime.LockOSThread() }

//go:noinline
func draw() byte {
	var bytes [64]byte
	rand.Read(bytes[:])
	return bytes[0]
}

func main() {
	for {
		draw()
	}
}
"""


@pytest.mark.parametrize("version", ["1.27", "1.24"])
def test_the_vdso_on_the_goroutines_own_stack(version: str, tmp_path: Path) -> None:
    """getrandom of the vdso (Linux 6.11, Go 1.24) is called without a switch of stacks."""
    if b"__vdso_getrandom" not in _own_vdso():
        return  # an older kernel: no program on it can stand there
    built = build("draw", version, files={"draw.go": DRAW})
    draw = next(symbol.address for symbol in nm(built) if symbol.name == "main.draw")
    steps = [f"tbreak *{draw:#x}", "run", "break __vdso_getrandom thread 1", "continue"]
    run_gdb([*steps, f"generate-core-file {tmp_path}/core"], exe=built.exe, before=CALM_GDB, extension=False)
    session = Session(CoreTarget(str(built.exe), str(tmp_path / "core")))
    pieces = next(each for each in walks(session).values() if each[-1].goroutine and each[-1].goroutine.id == 1)
    assert [(piece.stack, piece.problem) for piece in pieces] == [(C, ""), (GOROUTINE, "")]
    functions = [f[0] for f in said(session, pieces[-1])]
    assert functions[0] == "runtime.vgetrandom"
    assert functions[-4:] == ["main.draw", "main.main", "runtime.main", "runtime.goexit"]


def _own_vdso() -> bytes:
    """This process's, which is every process's."""
    line = next((line for line in Path("/proc/self/maps").read_text().splitlines() if line.endswith("[vdso]")), "0-0 ")
    start, end = (int(part, 16) for part in line.split()[0].split("-"))
    with open("/proc/self/mem", "rb") as memory:
        memory.seek(start)
        return memory.read(end - start)


# What C leads to what is given by native.c: (arguments, functions of C from the innermost out for each piece of C).
FAULT = (("segv", ""), [["crash_deep"]])
CALLS = [
    (("callback", "throw"), [["goWork", "outer", "call_back"]]),
    (("nested", "throw"), [["goWork", "outer", "call_back"]] * 4),
    (("sort", "throw"), [["goCompare", "qsort_r", "sort_values"]]),
    (("thread", "throw"), [["goWork", "outer", "threaded"]]),
    (("doze", ""), [["sleep", "doze"]]),
    (("abort", ""), [["raise", "abort", "die"]]),
    FAULT,
]


@pytest.mark.parametrize(("version", "arch"), CGO)
@pytest.mark.parametrize(("args", "chains"), CALLS, ids=[args[0] for args, _ in CALLS])
def test_c_code_between_go_code(
    version: str, arch: str, args: Tuple[str, ...], chains: List[List[str]]
) -> None:  # fmt: skip
    core = native(version, arch, *args)
    session = session_of(core)
    # With SIGQUIT on the way, other threads may be the first to die.
    user = 1 if args[0] != "thread" else next(g.id for g in parse_traceback(core.stderr) if g.status == "running")
    all_walks = [walk_thread(session, session.world, thread) for thread in session.target.threads()]
    walk = next(walk for walk in all_walks if walk.user is not None and walk.user.id == user)
    pieces = list(walk.segments())
    names = {s.address: s.name for s in nm(core.built) if s.kind in "Tt" and not s.name.startswith("$")}
    found = [_names(session, piece, names) for piece in pieces if piece.stack == C]
    if arch == "arm64" and any(piece.problem for piece in pieces):
        _not_in_the_core(pieces)
        assert pieces[-1].stack == (C if args[0] == "thread" else GOROUTINE)
        return
    assert [s.problem for s in pieces] == [""] * len(pieces)
    assert [[name for name in each if name in chain] for each, chain in zip(found, chains)] == chains
    assert len(found) == len(chains)
    own = [f for piece in pieces if piece.stack == GOROUTINE for f in said(session, piece)]
    theirs = next(g for g in parse_traceback(core.stderr) if g.id == user)
    assert own[-len(theirs.frames) :] == printed(theirs.frames)


def _not_in_the_core(pieces: List[Segment]) -> None:
    """qemu's cores hold no code of shared libraries: their frames cannot be told, and that is said."""
    problem = next(piece for piece in pieces if piece.problem)
    assert problem.stack == C and ("no file at hand" in problem.problem or "no unwind information" in problem.problem)


def _names(session: Session, piece: Segment, names: Dict[int, str]) -> List[str]:
    """The C functions of a piece, those of the program by the symbols of its twin."""
    found = []
    for frame in piece.frames:
        assert isinstance(frame, NativeFrame)
        if frame.image == session.program.image.path or frame.image == "native":
            start = max(address for address in names if address <= frame.pc - 1)
            name = names[start]
            assert frame.function in ("", name)
            found.append(name)
        else:
            found.append(frame.function)
    return found


@pytest.mark.parametrize(("version", "arch"), CGO)
def test_a_panic_out_of_a_callback_has_unwound_the_c_code(version: str, arch: str) -> None:
    """unwindm gives the system stack back before the panic is printed, and printing writes over the C frames."""
    core = native(version, arch, "callback", "panic")
    session = session_of(core)
    pieces = list(walk_thread(session, session.world, session.target.threads()[0]).segments())
    problems = [piece.problem for piece in pieces if piece.problem]
    assert len(problems) == 1 and "a panic that it led to has unwound it" in problems[0]
    own = [f for piece in pieces if piece.stack == GOROUTINE for f in said(session, piece)]
    theirs = next(g for g in parse_traceback(core.stderr) if g.id == 1)
    assert own[-len(theirs.frames) :] == printed(theirs.frames)


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_signal_frames_carry_the_signal(version: str, arch: str) -> None:
    """SIGABRT came from outside, and went round as SIGQUIT."""
    session = session_of(healthy_core(version, arch))
    came = [s.left for pieces in walks(session).values() for s in pieces if s.stack == SIGNAL]
    assert "signal SIGABRT" in came and "signal SIGQUIT" in came
    assert set(came) <= {"signal SIGABRT", "signal SIGQUIT"}
