"""go-newproc in gdb and in lldb, on a program whose `go` statements are known, and which is let go afterwards."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Dict, List

import pytest

from tests.support import matrix
from tests.support.build import Built, build
from tests.support.cores import ENVIRONMENT, crash_core, run_command, wait_for
from tests.support.gdb import live, run_gdb
from tests.support.lldb import run_lldb
from tests.support.standalone import goxray

MADE = 70  # of tests/programs/sched.go: each seventh by another statement
VERSIONS = [matrix.newest(), "1.24", "1.22", "1.21", matrix.oldest()]
IN_GDB = ["set startup-with-shell off", "handle SIGUSR1 stop nopass", "set args steps", "run"]
IN_LLDB = ["process handle SIGUSR1 -s true -p false", "settings set target.env-vars GODEBUG=asyncpreemptoff=1"]
Made = List[Dict[str, Any]]


def document(output: str) -> Dict[str, Any]:
    """A debugger may tell of the last stop first."""
    found: Dict[str, Any] = json.JSONDecoder().raw_decode(output[output.index('{"schema"') :])[0]
    return found


def line_of(built: Built, text: str) -> int:
    lines = (built.source / "sched.go").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def check(built: Built, made: Made) -> None:
    """The first and each seventh start in the closure that stays, all others in one made for the call of Done."""
    assert len({each["id"] for each in made}) == len(made)
    stays, done = line_of(built, "done.Done(); <-stay"), line_of(built, "go done.Done()")
    for number, each in enumerate(made):
        first = each["frames"][0]
        assert (first["function"], first["line"]) == ("main.steps", done if number % 7 else stays)
        assert each["created_at"]["function"] == "main.steps" and each["created_at"]["line"] == first["line"]
        assert each["creator"] == 1 and each["problem"] is None
        assert [frame["function"] for frame in each["frames"][1:3]] == ["main.main", "runtime.main"]
        assert re.match(r"main\.steps\.(func|gowrap|·dwrap·)", each["function"]["function"])
    # What the statement captures: the wait group, and the channel for the ones that stay.
    groups = {each["captured"][0] for each in made if each["captured"]}
    stayers = [each["captured"] for number, each in enumerate(made) if number % 7 == 0]
    assert len({tuple(words[:2]) for words in stayers}) == 1 and all(len(words) in (2, 3) for words in stayers)
    assert {words[0] for words in stayers} | {words[1] for words in stayers} >= groups


@pytest.mark.parametrize("version", VERSIONS)
def test_in_gdb(version: str) -> None:
    built = build("sched", version)
    commands = [
        "go-newproc --json --count 20",
        "info breakpoints",
        "go-newproc --json --count 99",
        "maint info breakpoints",
    ]
    run = run_gdb([*commands, "go-sched --json", "kill"], exe=built.exe, before=IN_GDB)
    first, then = document(run.outputs[0]), document(run.outputs[2])
    assert (len(first["goroutines"]), first["stopped"], first["passed"]) == (20, None, 0)
    assert len(then["goroutines"]) == MADE - 20 and then["stopped"] == "the program got SIGUSR1"
    check(built, [*first["goroutines"], *then["goroutines"]])
    for left in (run.outputs[1], run.outputs[3]):
        assert left.startswith("No breakpoints or watchpoints") or "newproc" not in left and "keep y" not in left
    # The program's own count, at the end.
    assert sum(document(run.outputs[4])["goroutines"].values()) >= MADE // 7


@pytest.mark.parametrize("version", [matrix.newest(), "1.24", matrix.oldest()])
def test_in_lldb(version: str) -> None:
    built = build("sched", version)
    before = [IN_LLDB[1], "process launch --stop-at-entry -- steps", IN_LLDB[0], "continue"]
    commands = ["go-newproc --json --count 20", "breakpoint list", "go-newproc --json --count 99", "breakpoint list -i"]
    run = run_lldb(commands, exe=built.exe, before=before)
    first, then = document(run.outputs[0]), document(run.outputs[2])
    assert (len(first["goroutines"]), first["stopped"]) == (20, None)
    assert len(then["goroutines"]) == MADE - 20 and "SIGUSR1" in then["stopped"]
    check(built, [*first["goroutines"], *then["goroutines"]])
    assert "No breakpoints currently set" in run.outputs[1]


def test_filter_and_text() -> None:
    built = build("sched", matrix.newest())
    commands = ["go-newproc --function steps.func --count 4 --depth 1", "go-newproc --function nothing", "kill"]
    run = run_gdb(commands, exe=built.exe, before=IN_GDB)
    lines = run.outputs[0].splitlines()
    heads = [line for line in lines if line.startswith("goroutine ")]
    assert len(heads) == 4 and all(re.match(r"goroutine \d+: main\.steps\.func1 .*, by goroutine 1$", h) for h in heads)
    assert len([line for line in lines if line.startswith("    main.steps ")]) == 4
    assert lines[-1] == "(4 goroutines made, 18 others)"
    assert f"(0 goroutines made, {MADE - 22} others; the program got SIGUSR1)" in run.outputs[1]


def test_the_program_goes_on_unharmed() -> None:
    built = build("busy", matrix.newest())
    with live(built) as program:
        assert program.pid is not None
        run = program.gdb("go-newproc --count 3 --json")
        assert len(document(run.outputs[0])["goroutines"]) == 3
        assert goxray("sched", "--json", "--pid", program.pid, "--since", "300ms").returncode == 0


def test_where_nothing_can_run() -> None:
    core = crash_core(matrix.newest())
    run = run_gdb(["go-newproc"], exe=core.exe, core=core.core)
    assert "is for live programs: nothing is made in a core" in run.stderr
    assert "there is no process" in run_gdb(["go-newproc"], exe=core.exe).stderr
    assert "it takes gdb or lldb" in goxray("newproc", core.exe, core.core).stderr


def test_on_arm64() -> None:
    """Over qemu's gdb server."""
    built = build("sched", matrix.newest(), "arm64")
    with tempfile.TemporaryDirectory(prefix="goxray-newproc-") as name:
        socket = Path(name) / "gdb.socket"
        environment = {**ENVIRONMENT, "GODEBUG": "asyncpreemptoff=1"}
        command = run_command(built, ["steps"], "-g", str(socket))
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            wait_for(socket.exists, process)
            before = [f"target remote {socket}", "handle SIGUSR1 stop nopass", "continue"]
            run = run_gdb(["go-newproc --json --count 15"], exe=built.exe, arch="arm64", before=before)
        finally:
            process.kill()
            process.wait()
    made = document(run.outputs[0])["goroutines"]
    assert len(made) == 15
    check(built, made)
