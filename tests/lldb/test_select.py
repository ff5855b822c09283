"""`go-goroutine ID select`, `go-goroutine ID -- COMMAND` and `go-goroutine 0`: lldb's own commands on a goroutine."""

from __future__ import annotations

import re
from typing import Dict, List

import pytest

from tests.lldb.test_goroutine_threads import FEW, ON, listed, phases, physical
from tests.lldb.test_goroutine_threads import LIST as THREADS
from tests.support import matrix
from tests.support.build import build
from tests.support.cores import Core, crash_core
from tests.support.lldb import SELECT, on_core, run_under_lldb
from tests.support.traceback import Goroutine, by_id, parse_traceback

_FRAME = re.compile(r"^ *\*? *frame #(\d+): 0x([0-9a-f]+)", re.M)
PLACE = ["thread info", "frame info"]
ENDS = (matrix.newest(), matrix.oldest())


def parked(core: Core) -> Dict[int, Goroutine]:
    found = by_id(parse_traceback(core.stderr))
    return {goid: each for goid, each in found.items() if each.status != "running"}


def pcs(output: str) -> List[int]:
    return [int(pc, 16) for _, pc in _FRAME.findall(output)]


@pytest.mark.parametrize("version,arch", [(v, a) for v, a in FEW if matrix.is_full() or v in ENDS])
def test_it_says_where_lldbs_own_walk_goes_astray(version: str, arch: str) -> None:
    """For every goroutine: lldb follows its stack, or it is told from which frame on it does not."""
    core = crash_core(version, arch)
    expected = parked(core)
    if arch == "arm64" and not matrix.is_full():  # where a bt takes lldb a second
        expected = dict(list(expected.items())[:4])
    commands = [word for goid in expected for word in (f"go-goroutine {goid} select", "bt")]
    run = on_core(core, *PLACE, *commands, "go-goroutine 0", *PLACE)
    for index, (goid, goroutine) in enumerate(expected.items()):
        said, backtrace = run.outputs[2 + 2 * index : 4 + 2 * index]
        wanted, shown = [frame.pc for frame in physical(goroutine)], pcs(backtrace)
        top = physical(goroutine)[0]
        assert said.startswith(f"[goroutine {goid} ({goroutine.status}), on ") and shown[0] == wanted[0]
        assert said.splitlines()[1] == f"#0  {top.pc:#018x} in {top.function} () at {top.file}:{top.line}"
        astray = re.search(r"from #(\d+) on lldb's bt is not its stack", said)
        same = next(
            (i for i, pair in enumerate(zip(wanted, shown)) if pair[0] != pair[1]), min(len(wanted), len(shown))
        )
        assert (int(astray.group(1)) if astray else None) == (None if shown in (wanted, wanted[:-1]) else same), goid
    assert run.outputs[:2] == run.outputs[-2:] and run.stderr == ""


@pytest.mark.parametrize("first", [[], [ON]], ids=["off", "on"])
def test_one_command_and_back(first: List[str]) -> None:
    """From a thread and a frame that are not the first; an error too leaves all as it was."""
    core = crash_core(matrix.newest())
    goid, goroutine = next((goid, each) for goid, each in parked(core).items() if each.status == "select")
    state = [*PLACE, THREADS]
    there = [f"go-goroutine {goid} -- {command}" for command in ("bt", "register read rip", "go-goroutine", "nonsense")]
    up = "; p.selected_thread.SetSelectedFrame(1)"
    run = on_core(core, *first, SELECT.format(3) + up, *state, *there, *state)
    rest = run.outputs[len(first) + 1 :]
    assert pcs(rest[3]) == [frame.pc for frame in physical(goroutine)][:-1]
    assert f"{physical(goroutine)[0].pc:#018x}" in rest[4] and rest[5].startswith(f"goroutine {goid} [select]")
    assert rest[:3] == rest[7:] and "thread #3" in rest[0] and "frame #1" in rest[1]
    assert run.stderr == "error: 'nonsense' is not a valid command.\n"


@pytest.mark.parametrize("arch", ["amd64", "arm64"] if matrix.is_full() else ["amd64"])
def test_selected_until_told_otherwise(arch: str) -> None:
    core = crash_core(matrix.newest(), arch)
    goid, goroutine = next((goid, each) for goid, each in parked(core).items() if each.status == "chan send")
    top = physical(goroutine)[0]
    look = ["script f = lldb.frame; print(f.GetPC(), f.GetSP())", "go-goroutine", "go-goroutines", "memory read $sp"]
    run = on_core(core, THREADS, *PLACE, f"go-goroutine {goid} select", *look, "go-goroutine 0", *PLACE, THREADS)
    assert run.outputs[4].split() == [str(top.pc), str(top.sp)]
    assert run.outputs[5].startswith(f"goroutine {goid} [chan send]")
    assert [row.split()[0] for row in run.outputs[6].splitlines() if row.startswith("*")] == [f"*{goid}"]
    assert run.outputs[7].startswith(f"{top.sp:#x}:")
    # It was among the threads only while it was selected.
    assert run.outputs[1:3] == run.outputs[9:11] and run.outputs[0] == run.outputs[11]


def test_the_thread_that_the_user_selects_counts() -> None:
    """By lldb's own means as well."""
    core = crash_core(matrix.newest())
    goid = next(goid for goid, each in parked(core).items() if each.status == "chan send")
    number = next(each.number for each in listed(on_core(core, ON, THREADS).outputs[1]) if each.goid == goid)
    run = on_core(core, ON, SELECT.format(number), "go-goroutine", "go-goroutine 0", "go-goroutine", "thread info")
    assert run.outputs[2].startswith(f"goroutine {goid} [chan send]") and run.outputs[4].startswith("goroutine 1 [")
    assert "thread #1:" in run.outputs[5]


def test_one_that_runs_is_its_thread() -> None:
    """With all registers."""
    run = run_under_lldb(
        build("healthy", matrix.newest()), *PLACE, "go-goroutine 1 select", *PLACE, "register read rax"
    )
    assert re.match(
        r"\[goroutine 1 \(running\), on thread \d+: it is thread #1 here; go-goroutine 0 goes", run.outputs[2]
    )
    assert run.outputs[:2] == run.outputs[3:5] and "rax = 0x" in run.outputs[5]


def test_the_programs_next_stop_ends_it() -> None:
    """lldb selects the thread that has stopped."""
    select = (
        "script import json; r = lldb.SBCommandReturnObject(); i = lldb.debugger.GetCommandInterpreter(); "
        "i.HandleCommand('go-goroutines --status waiting --json', r); "
        "i.HandleCommand('go-goroutine %d select' % json.loads(r.GetOutput())['goroutines'][0]['id'], r)"
    )
    run = run_under_lldb(phases(matrix.newest()), select, THREADS, "continue", THREADS, "go-goroutine 0", "kill")
    assert [each.queue for each in listed(run.outputs[1]) if each.goid] == ["chan receive"]
    assert not [each for each in listed(run.outputs[3]) if each.goid] and run.stderr == ""


@pytest.mark.parametrize(
    "command,error",
    [
        ("go-goroutine 99999 select", "there is no goroutine 99999 (go-goroutines --all lists them)"),
        ("go-goroutine x select", "x is no goroutine's id"),
        ("go-goroutine 1 --", "no command after --"),
    ],
)
def test_what_cannot_be_selected(command: str, error: str) -> None:
    run = on_core(crash_core(matrix.newest()), command, "script lldb_go_ext.status()")
    assert run.stderr == f"error: {error}\n" and run.outputs[1] == "2\n"
