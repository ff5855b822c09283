"""Walks at each instruction of live programs, against a shadow stack that calls and returns alone have built."""

from __future__ import annotations

from typing import Any, Dict, Tuple

import pytest

from tests.support import matrix
from tests.support.build import build
from tests.support.stepping import stepped

# Where sp has just come from elsewhere, or lr holds something else: the walk must say that it cannot tell.
UNTOLD = {
    "runtime.systemstack", "runtime.mcall", "runtime.morestack", "runtime.morestack_noctxt", "runtime.save_g", "gogo",
    "runtime.gogo", "runtime.asmcgocall", "runtime.nanotime1", "time.now", "runtime.walltime", "runtime.recovery",
    "runtime.vgetrandom1", "gosave_systemstack_switch",
}  # fmt: skip
# (shape of steps.go, functions that must have been stepped through)
BASIC = ("main.leaf", "main.nosplit", "main.large", "main.huge", "main.tail", "main.deferring", "main.loopDefers")
FULL = [
    ("recovers", ("main.panics", "runtime.gopanic", "main.recovers")),
    ("assembly", ("main.assembly", "runtime.memmove")),
    ("schedules", ("main.schedules", "runtime.mcall", "runtime.gopark")),
    ("grow", ("main.grow", "runtime.morestack", "runtime.copystack")),
    ("time", ("time.now",)),
    ("maps", ("main.maps",)),
]
AMD64 = matrix.versions() if matrix.is_full() else [v for v in matrix.versions() if v in ("1.27", "1.23", "1.19")]
ARM64 = [("", BASIC[:5]), ("recovers", ("main.panics",)), ("generics", ()), ("closures", ()), ("words", ())]


def check(report: Dict[str, Any], functions: Tuple[str, ...]) -> None:
    assert report["wrong"] == []
    assert set(report["stops"]) <= UNTOLD
    assert sum(report["stops"].values()) <= report["checked"] // 5
    assert set(functions) <= set(report["functions"])
    assert report["checked"] > 40


@pytest.mark.parametrize("version", AMD64)
def test_each_instruction(version: str) -> None:
    steps, functions = (60000, BASIC) if matrix.is_full() else (450, BASIC[:2])
    check(stepped(build("steps", version), "", steps), functions)


@pytest.mark.parametrize(("shape", "functions"), FULL)
def test_each_instruction_of_the_newest(shape: str, functions: Tuple[str, ...]) -> None:
    steps = 60000 if matrix.is_full() else 4500 if shape == "grow" else 1500
    check(stepped(build("steps", matrix.newest()), shape, steps), functions if matrix.is_full() else ())


@pytest.mark.parametrize("version", [matrix.newest(), matrix.oldest()])
@pytest.mark.parametrize(("shape", "functions"), ARM64 if matrix.is_full() else ARM64[:1])
def test_each_instruction_of_arm64(version: str, shape: str, functions: Tuple[str, ...]) -> None:
    steps, seen = (1500, functions) if matrix.is_full() else (250, BASIC[:1])
    check(stepped(build("steps", version, "arm64"), shape, steps), seen)
