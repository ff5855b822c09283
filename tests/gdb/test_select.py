"""gdb's own stack commands on a parked goroutine, against the frames that the dying process printed."""

from __future__ import annotations

import re
from typing import Dict, List, Tuple

import pytest

from tests.support import matrix
from tests.support.build import build
from tests.support.cores import Core, crash_core
from tests.support.gdb import on_core, run_under_gdb
from tests.support.traceback import Goroutine, by_id, parse_traceback

_FRAME = re.compile(r"^#(\d+)\s+0x([0-9a-f]+) in (.*) \(\) at (.*):(\d+)$", re.M)
SP = {"amd64": "$rsp", "arm64": "$sp"}


def parked(core: Core) -> Dict[int, Goroutine]:
    found = by_id(parse_traceback(core.stderr))
    return {goid: each for goid, each in found.items() if each.status != "running"}


def physical(goroutine: Goroutine) -> List[Tuple[int, str]]:
    """(pc, file:line) of the frames that are none of an inlined call's."""
    return [(frame.pc, f"{frame.file}:{frame.line}") for frame in goroutine.frames if not frame.inlined]


@pytest.mark.parametrize("version,arch", matrix.few())
def test_backtraces(version: str, arch: str) -> None:
    core = crash_core(version, arch)
    expected = parked(core)
    outputs = iter(on_core(core, "frame", *(f"go-goroutine {goid} -- bt" for goid in expected), "frame").outputs)
    before = next(outputs)
    for goid, goroutine in expected.items():
        shown = [(int(pc, 16), f"{file}:{line}") for _, pc, _, file, line in _FRAME.findall(next(outputs))]
        assert shown == physical(goroutine), goid
    assert next(outputs) == before


@pytest.mark.parametrize("arch", SP)
def test_selected_until_told_otherwise(arch: str) -> None:
    core = crash_core(matrix.newest(), arch)
    goid, goroutine = max(parked(core).items(), key=lambda item: len(physical(item[1])))
    frames = [frame for frame in goroutine.frames if not frame.inlined]
    walk = [command for _ in frames for command in (f"print/x (long) {SP[arch]}", "print/x (long) $pc", "up")]
    run = on_core(
        core, "bt 1", f"go-goroutine {goid} select", *walk, "down", "go-goroutine 0", "bt 1", "print $_go_status"
    )
    assert run.outputs[1].startswith(f"[goroutine {goid} (")
    values = [int(output.split("= ")[1], 16) for output in run.outputs[2:-4] if " = 0x" in output]
    assert values == [word for frame in frames for word in (frame.sp, frame.pc)]
    assert run.outputs[-2] == run.outputs[0]
    assert run.outputs[-1] == "$" + run.outputs[-1][1:].split(" ")[0] + " = 0\n"


def test_a_live_program_goes_on() -> None:
    receiver = "re.search(r'(\\d+) +chan receive', gdb.execute('go-goroutines', to_string=True)).group(1)"
    select = f"python import re; gdb.execute('go-goroutine ' + {receiver} + ' select')"
    run = run_under_gdb(build("healthy", matrix.newest()), select, "bt", "stepi", "bt 1", "go-goroutine 1 -- bt")
    assert "runtime.gopark" in run.outputs[1] and "main." in run.outputs[1]
    assert "runtime.gopark" not in run.outputs[3]
    assert "main.main" in run.outputs[4]
    assert "error" not in run.stderr.lower()


@pytest.mark.parametrize(
    "command,error",
    [
        ("go-goroutine 99999 select", "there is no goroutine 99999 (go-goroutines --all lists them)"),
        ("go-goroutine x select", "x is no goroutine's id"),
        ("go-goroutine 1 --", "no command after --"),
    ],
)
def test_what_cannot_be_selected(command: str, error: str) -> None:
    run = on_core(crash_core(matrix.newest()), command, "print $_go_status")
    assert run.stderr.splitlines()[-1] == error
    assert run.outputs[1] == "$1 = 2\n"


def test_another_thread_selected() -> None:
    """gdb has no event for it."""
    run = on_core(crash_core(matrix.newest()), "go-threads", "thread 3", "go-threads", "thread 1", "go-threads")
    marked = [[line.split()[1] for line in run.outputs[at].splitlines() if line.startswith("*")] for at in (0, 2, 4)]
    assert marked == [["1"], ["3"], ["1"]]
