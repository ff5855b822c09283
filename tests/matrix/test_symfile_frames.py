"""The call frames of rebuilt debug files against those that the linker writes, and in live programs."""

from __future__ import annotations

import struct
from typing import List, Set, Tuple

import pytest

from shared_core.binary.funcs import Func
from shared_core.binary.moduledata import Module
from shared_core.session import Session
from tests.support import matrix, oracle
from tests.support.build import Flags, build
from tests.support.callframes import UNKNOWN, CallFrame, call_frames
from tests.support.stepping import stepped
from tests.support.still import FileTarget
from tests.support.symfiles import symbol_file

SIGNAL_RETURN = ("runtime.sigreturn__sigaction", "runtime.sigreturn")
# Not called, says the runtime; by the return from the signal, say the frames that are written here.
SIGTRAMP = ("runtime.sigtramp", "runtime.cgoSigtramp")
# Called by a signal's handler in the name of what it interrupted, whose link register is above their frames.
INJECTED = ("runtime.sigpanic", "runtime.asyncPreempt", "runtime.debugCallV2")
STARTS = ("_rt0_amd64", "_rt0_amd64_linux", "_rt0_arm64", "_rt0_arm64_linux")
BUILDS = [(v, a, Flags()) for v, a in matrix.pairs()] + [(matrix.newest(), "arm64", Flags(pie=True))]
MASK = (1 << 32) - 1
TOP_FRAME, SP_WRITE = 1, 2  # internal/abi, FuncFlag...


@pytest.mark.parametrize(("version", "arch", "flags"), BUILDS, ids=[f"{v}-{a}-{f.label()}" for v, a, f in BUILDS])
def test_rules_are_the_linker_s(version: str, arch: str, flags: Flags) -> None:
    built = build("crash", version, arch, flags)
    ours, theirs = call_frames(symbol_file(built)), call_frames(built.twin)
    module = Session(FileTarget(built.exe)).modules.all[0]
    if arch == "amd64":  # described from a byte before
        (returns,) = (start for start in ours if name_at(module, start + 1) in SIGNAL_RETURN)
        ours[returns + 1] = ours.pop(returns)
    morestack = {each.address for each in oracle.text_symbols(built) if each.name.startswith("runtime.morestack")}
    compared = 0
    for start, expected in theirs.items():
        func = module.find(start)
        if func is None:
            continue
        found = ours.pop(start)
        assert found.end == expected.end, func.name
        if func.name in SIGNAL_RETURN and arch == "amd64":
            assert [place for _, (_, place) in found.rows] == ["exp"]
        elif func.name in SIGTRAMP:
            assert [cfa for _, (cfa, _) in found.rows] == [cfa for _, (cfa, _) in expected.rows]
            assert UNKNOWN not in [place for _, (_, place) in found.rows]
        elif func.name in INJECTED and arch == "arm64":
            assert told(found) == [(pc, injected(cfa)) for pc, (cfa, _) in expected.rows]
        elif func.flags & TOP_FRAME or func.name in STARTS:
            assert {place for _, (_, place) in found.rows} == {UNKNOWN}, func.name
        elif not func.flags & SP_WRITE:
            assert told(found) == told(expected), func.name
            compared += 1
            in_x3 = [pc for pc, (_, place) in found.rows if place == "r3"]
            assert in_x3 == ([] if arch == "amd64" else calls_of_morestack(module, func, morestack)), func.name
    assert not ours
    assert compared > 1500


def injected(cfa: str) -> object:
    """The rule of an injected call, by where the frame ends."""
    return UNKNOWN if _below_sp(cfa) else (cfa, "r30" if cfa == "sp+0" else cfa.replace("sp+", "c-"))


def calls_of_morestack(module: Module, func: Func, morestack: Set[int]) -> List[int]:
    """The addresses of arm64's bl instructions to `morestack`."""
    code = bytes(module.code(func))
    words = enumerate(struct.unpack(f"<{len(code) // 4}I", code))
    calls = [(func.entry + 4 * i, word << 6 & MASK) for i, word in words if word >> 26 == 0x25]
    return [pc for pc, far in calls if pc + (far - (far >> 31 << 32) >> 4) in morestack]


def name_at(module: Module, pc: int) -> str:
    func = module.find(pc)
    return func.name if func else ""


def told(frame: CallFrame) -> List[Tuple[int, object]]:
    """Of a frame that ends below sp (the code has popped more than it pushed), only that its caller is not known. That
    the return address is in x3 while arm64's morestack runs the linker does not say."""
    found: List[Tuple[int, object]] = []
    for pc, (cfa, place) in frame.rows:
        rule = UNKNOWN if place == UNKNOWN or _below_sp(cfa) else (cfa, "s" if place == "r3" else place)
        if not found or rule != found[-1][1]:
            found.append((pc, rule))
    return found


def _below_sp(cfa: str) -> bool:
    return "-" in cfa or cfa == "rsp+0"


# Where the stack is about to be another, or has just become so: the walk ends there.
UNTOLD = {
    "runtime.systemstack", "runtime.mcall", "runtime.morestack", "gogo", "runtime.gogo", "runtime.asmcgocall",
    "runtime.nanotime1", "runtime.walltime", "time.now", "runtime.vgetrandom1",
}  # fmt: skip
SHAPES = ("", "schedules", "grow", "recovers", "time", "maps", "assembly", "generics", "closures", "words")
QUICK = [(matrix.newest(), "amd64", "schedules")] + [
    (version, arch, "") for version in (matrix.newest(), matrix.oldest()) for arch in ("amd64", "arm64")
]
STEPPED = [(v, a, shape) for v, a in matrix.pairs() for shape in SHAPES] if matrix.is_full() else QUICK


@pytest.mark.parametrize(("version", "arch", "shape"), STEPPED)
def test_the_debugger_s_own_frames_at_each_instruction(version: str, arch: str, shape: str) -> None:
    steps = (200 if arch == "arm64" else 600) * (8 if matrix.is_full() else 1)
    report = stepped(build("steps", version, arch), shape, steps, native=True)
    assert report["wrong"] == []
    assert set(report["stops"]) <= UNTOLD
    assert report["checked"] > 40
