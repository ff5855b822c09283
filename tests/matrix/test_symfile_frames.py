"""The call frames of rebuilt debug files against those that the linker writes, and in live programs."""

from __future__ import annotations

from typing import List, Tuple

import pytest

from shared_core.binary.moduledata import Module
from shared_core.session import Session
from tests.support import matrix
from tests.support.build import Flags, build
from tests.support.callframes import UNKNOWN, CallFrame, call_frames
from tests.support.still import FileTarget
from tests.support.symfiles import symbol_file

SIGNAL_RETURN = ("runtime.sigreturn__sigaction", "runtime.sigreturn")
# Not called, says the runtime; by the return from the signal, say the frames that are written here.
SIGTRAMP = ("runtime.sigtramp", "runtime.cgoSigtramp")
STARTS = ("_rt0_amd64", "_rt0_amd64_linux", "_rt0_arm64", "_rt0_arm64_linux")
BUILDS = [(v, a, Flags()) for v, a in matrix.pairs()] + [(matrix.newest(), "arm64", Flags(pie=True))]
TOP_FRAME, SP_WRITE = 1, 2  # internal/abi, FuncFlag...


@pytest.mark.parametrize(("version", "arch", "flags"), BUILDS, ids=[f"{v}-{a}-{f.label()}" for v, a, f in BUILDS])
def test_rules_are_the_linker_s(version: str, arch: str, flags: Flags) -> None:
    built = build("crash", version, arch, flags)
    ours, theirs = call_frames(symbol_file(built)), call_frames(built.twin)
    module = Session(FileTarget(built.exe)).modules.all[0]
    if arch == "amd64":  # described from a byte before
        (returns,) = (start for start in ours if name_at(module, start + 1) in SIGNAL_RETURN)
        ours[returns + 1] = ours.pop(returns)
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
        elif func.flags & TOP_FRAME or func.name in STARTS:
            assert {place for _, (_, place) in found.rows} == {UNKNOWN}, func.name
        elif not func.flags & SP_WRITE:
            assert told(found) == told(expected), func.name
            compared += 1
    assert not ours
    assert compared > 1500


def name_at(module: Module, pc: int) -> str:
    func = module.find(pc)
    return func.name if func else ""


def told(frame: CallFrame) -> List[Tuple[int, object]]:
    """Of a frame that ends below sp (the code has popped more than it pushed), only that its caller is not known."""
    return [(pc, UNKNOWN if rule[1] == UNKNOWN or _below_sp(rule[0]) else rule) for pc, rule in frame.rows]


def _below_sp(cfa: str) -> bool:
    return "-" in cfa or cfa == "rsp+0"
