"""Live programs in gdb: the same answers as the program's own when it is then aborted, and no trace left in it."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import List

import pytest

from tests.e2e.answers import blocks, is_parked, lines_of, place, place_of, users_frame
from tests.support import matrix, oracle
from tests.support.build import Built, build
from tests.support.gdb import live, may_attach, run_gdb, run_under_gdb
from tests.support.traceback import by_id, parse_traceback

SYSTEM = "go-traceback --all --level system"
LISTS = ["go-goroutines --all --json", "go-args --env --json"]
PAIRS = [(version, arch) for version, arch in matrix.pairs() if matrix.is_full() or arch == "amd64"]
PAIRS += [(version, "arm64") for version in (matrix.newest(), matrix.oldest()) if not matrix.is_full()]


def check(built: Built, outputs: List[str], text: str, stdout: str) -> None:
    """The outputs of LISTS and SYSTEM against the traceback and the facts of the program."""
    said = by_id(parse_traceback(text))
    listed, args = (json.loads(output) for output in outputs[:2])
    assert listed["target"]["kind"] == "live"
    found = {each["id"]: each for each in listed["goroutines"]}
    assert found.keys() == said.keys()
    parked = {goid for goid, each in said.items() if is_parked(each)}
    assert len(parked) >= 18
    for goid in parked:
        each = said[goid]
        assert (found[goid]["wait_reason"] or found[goid]["status"]) == each.status
        assert place(found[goid]["user_frame"]) == place_of(users_frame(each.frames))
        assert blocks(outputs[2])[goid] == blocks(text)[goid]
    assert "fact go " in stdout and args["args"][0] == str(built.exe)
    assert [f"fact env {json.dumps(entry)}" in stdout for entry in args["env"] if entry.isascii()].count(False) == 0


def aborted(pid: int, stderr: Path) -> str:
    """What the program prints when it is aborted."""
    os.kill(pid, signal.SIGABRT)
    for _ in range(1000):
        time.sleep(0.02)
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return stderr.read_text()
    raise AssertionError(f"{pid} did not end at its SIGABRT")


@pytest.mark.parametrize("version,arch", PAIRS)
def test_same_answers_as_the_program_itself(version: str, arch: str) -> None:
    built = build("healthy", version, arch)
    with live(built) as program:
        if arch == "arm64":
            run = program.gdb(*LISTS, SYSTEM, "signal SIGABRT")
            text = (program.directory / "stderr").read_text()
        elif may_attach():
            run = program.gdb(*LISTS, SYSTEM, "echo")
            assert program.pid is not None
            text = aborted(program.pid, program.directory / "stderr")
        else:
            run = run_under_gdb(built, *LISTS, SYSTEM, "signal SIGABRT")
            text = run.stderr
        check(built, run.outputs, text, program.stdout() or run.stdout)


@pytest.mark.parametrize("version", [matrix.newest(), matrix.oldest()])
def test_the_program_goes_on_unchanged(version: str) -> None:
    """Its memory is the same before and after our commands, and it runs on when gdb lets go of it."""
    built = build("healthy", version)
    (data,) = [s for s in oracle.nm(built) if s.name == "runtime.data"]
    (end,) = [s for s in oracle.nm(built) if s.name == "runtime.end"]
    image = f"{data.address:#x}, {end.address - data.address:#x}" if built.same_data else "0x400000, 0x1000"
    digest = (
        "python import hashlib; r = gdb.selected_inferior().read_memory; sp = int(gdb.parse_and_eval('(long)$sp')); "
        f"print([hashlib.sha256(r(*x)).hexdigest() for x in [({image}), (sp - 4096, 8192)]])"
    )
    registers = "info registers"
    with live(built) as program:
        run = program.gdb(digest, registers, *LISTS, SYSTEM, "go-stackmap --goroutine 1", "go-info", digest, registers)
        assert (run.outputs[0], run.outputs[1]) == (run.outputs[-2], run.outputs[-1].partition("[Inferior")[0])
        assert program.pid is not None
        state = Path(f"/proc/{program.pid}/status").read_text()
        assert "\nTracerPid:\t0\n" in state and "\nState:\tT" not in state
        before = _switches(program.pid)
        time.sleep(0.2)
        assert _switches(program.pid) > before  # it sleeps 10 ms at a time


def _switches(pid: int) -> int:
    """How often the kernel has run the program's threads."""
    texts = [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/status")]
    return sum(int(text.split("voluntary_ctxt_switches:")[1].split()[0]) for text in texts)


@pytest.mark.parametrize("version", [matrix.newest(), matrix.oldest()])
def test_answers_follow_the_program(version: str) -> None:
    """tick(count, name) is called once in 10 ms: at each stop there are other arguments, and the same goroutines."""
    built = build("healthy", version)
    (tick,) = [s.address for s in oracle.text_symbols(built) if s.name == "main.tick"]
    ask = ["go-goroutine --json", "p $rax"]
    # A signal that preempts the goroutine right there brings it to the same call again.
    again = ("condition 1 $rax == 1", "continue")
    run = run_under_gdb(built, *ask, f"break *{tick:#x}", "signal 0", *ask, *again, *ask)
    stops = [(json.loads(run.outputs[i]), int(run.outputs[i + 1].split()[-1])) for i in (4, 8)]
    assert stops[0][1] + 1 == stops[1][1]
    for answer, _ in stops:
        frame = answer["goroutine"]["frames"][0]
        assert (answer["goroutine"]["id"], frame["function"], int(frame["pc"], 0)) == (1, "main.tick", tick)
        assert [f["function"] for f in answer["goroutine"]["frames"]] == [
            "main.tick",
            "main.work",
            "main.main",
            "runtime.main",
            "runtime.goexit",
        ]
        assert answer["goroutine"]["status"] == "running" and answer["goroutine"]["thread"]


def test_a_running_goroutine_in_go_code() -> None:
    built = build("healthy", matrix.newest())
    with live(built, "spin") as program:
        run = program.gdb("go-goroutines --function main.spin -t --json", "go-traceback 1 --json", "echo")
        answer, text = (json.loads(output) for output in run.outputs[:2])
    (spinning,) = answer["goroutines"]
    assert spinning["status"] == "running" and spinning["thread"] is not None
    assert {"main.spin", "runtime.goexit"} <= {frame["function"] for frame in spinning["frames"]}
    assert "frames_problem" not in spinning and text["goroutines"][0]["problem"] is None


def test_before_the_runtime_has_started_and_after_the_end() -> None:
    built = build("hello", matrix.newest())
    commands = ["starti", "go-info", "go-goroutines", "go-args", "print $_go_status"]
    run = run_gdb([*commands, "continue", "go-goroutines"], exe=built.exe, before=["set startup-with-shell off"])
    lines = run.stderr.splitlines()
    assert "Traceback" not in run.stderr and "internal error" not in run.stderr
    assert "Go version    go1" in run.outputs[1]
    assert lines_of(run, 4)[0] in ("$1 = 2", "$1 = 0")
    assert "no process" in lines[-1]
