"""Goroutines among lldb's threads, against what the dying process printed of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

import pytest

from tests.lldb.test_as_in_gdb import COMMANDS, PAIRS
from tests.support import matrix
from tests.support.build import Built, build
from tests.support.cores import crash_core, healthy_core, many_core
from tests.support.gdb import live
from tests.support.lldb import EXTENSION, LldbRun, on_core, on_live, run_lldb, run_under_lldb
from tests.support.traceback import Goroutine, by_id, parse_traceback

ON, OFF = "go-threads-plugin on", "go-threads-plugin off"
SETTING = f'settings set target.process.python-os-plugin-path "{EXTENSION}/plugin/goxray_goroutines.py"'
# Every thread with its innermost frame's pc, sp and frame pointer; with the pcs of all frames.
LIST = (
    "script import json; print(json.dumps([[t.GetThreadID(), t.GetIndexID(), t.GetName() or '', t.GetQueueName(), "
    "f.GetPC(), f.GetSP(), f.GetFP()] for t in lldb.debugger.GetSelectedTarget().process "
    "for f in [t.GetFrameAtIndex(0)]]))"
)
STACKS = LIST.replace("f.GetFP()", "f.GetFP(), [frame.GetPC() for frame in t]")
IDS = "go-goroutines --json"
# lldb takes many seconds to look at an arm64 core that way.
FEW = matrix.few()
# A goroutine that waits for something else at each stop. The program raises the signal by itself.
PHASES = """package main

import ("os"; "runtime"; "syscall"; "time")

//go:noinline
func first(c chan int) int { return <-c }

//go:noinline
func second(a, b chan int) int {
	select {
	case n := <-a:
		return n
	case n := <-b:
		return n
	}
}

func stop() {
	time.Sleep(20 * time.Millisecond)
	runtime.LockOSThread()
	syscall.Tgkill(os.Getpid(), syscall.Gettid(), syscall.SIGUSR1) // for this thread, and at once
	runtime.UnlockOSThread()
}

func main() {
	a, b, done := make(chan int), make(chan int), make(chan int)
	go func() {
		first(a)
		done <- second(a, b)
	}()
	stop()
	a <- 1
	stop()
	a <- 2
	<-done
	stop()
}
"""


class Listed(NamedTuple):
    """One thread of lldb's."""

    tid: int
    number: int
    name: str
    queue: Optional[str]
    pc: int
    sp: int
    fp: int
    pcs: Optional[List[int]] = None

    @property
    def goid(self) -> int:
        """0 for a real thread."""
        return int(self.name.split(" ")[1]) if self.name.startswith("goroutine ") else 0


def listed(output: str) -> List[Listed]:
    return [Listed(*each) for each in json.loads(output)]


def goroutines(output: str) -> Dict[int, Listed]:
    return {each.goid: each for each in listed(output) if each.goid}


def ids(output: str) -> List[int]:
    return [each["id"] for each in json.loads(output)["goroutines"]]


def physical(goroutine: Goroutine) -> List[Any]:
    return [frame for frame in goroutine.frames if not frame.inlined]


@pytest.mark.parametrize("version,arch", FEW)
def test_a_core(version: str, arch: str) -> None:
    """Names, wait reasons and registers; the real threads are what they are without."""
    core = crash_core(version, arch)
    run = on_core(core, LIST, ON, LIST, IDS)
    printed, shown = by_id(parse_traceback(core.stderr)), goroutines(run.outputs[2])
    assert list(shown) == ids(run.outputs[3]) and len(shown) > 15 and run.stderr == ""
    assert [each for each in listed(run.outputs[2]) if not each.goid] == listed(run.outputs[0])
    for goid, goroutine in shown.items():
        top = physical(printed[goid])[0]
        assert goroutine.queue == printed[goid].status
        if goroutine.queue != "running":  # the handler of the last signal has not printed its own frames
            assert (goroutine.pc, goroutine.sp) == (top.pc, top.sp), goid
            assert goroutine.fp == (top.sp - 8 if arch == "arm64" else top.fp - 16), goid


def test_backtraces() -> None:
    """Those of lldb itself, which has nothing but frame pointers and what it makes of the code."""
    core = healthy_core(matrix.newest())
    run = on_core(core, ON, STACKS)
    printed = by_id(parse_traceback(core.stderr))
    for goid, goroutine in goroutines(run.outputs[1]).items():
        if goroutine.queue != "running":
            assert goroutine.pcs == [frame.pc for frame in physical(printed[goid])][:-1], goid


@pytest.mark.parametrize("version,arch", PAIRS if matrix.is_full() else [(matrix.newest(), "amd64")])
def test_answers_are_the_same_with_and_without(version: str, arch: str) -> None:
    core, commands = crash_core(version, arch), COMMANDS
    run = on_core(core, *commands, ON, *commands, OFF, *commands)
    size = len(commands)
    for command, *outputs in zip(commands, run.outputs, run.outputs[size + 1 :], run.outputs[2 * size + 2 :]):
        assert outputs == outputs[:1] * 3, command


def test_answers_of_a_process_are_the_same_with_and_without() -> None:
    ask = ["go-threads -t", "go-traceback --all", "go-goroutines", "go-args --frame", "go-stackmap"]
    run = run_under_lldb(build("healthy", matrix.newest()), *ask, ON, *ask)
    assert run.outputs[: len(ask)] == run.outputs[len(ask) + 1 :] and "chan receive" in run.outputs[1]


@pytest.mark.parametrize("first", [[SETTING], ["go-threads-plugin on"]], ids=["setting", "command"])
def test_asked_for_before_there_is_a_program(first: List[str]) -> None:
    """The setting does without the extension."""
    core = crash_core(matrix.newest())
    create = f'target create "{core.exe}" --core "{core.core}"'
    run = run_lldb([*first, create, LIST], extension=first != [SETTING])
    expected = goroutines(on_core(core, ON, LIST).outputs[1])
    assert goroutines(run.outputs[2]) == expected and run.stderr == ""


def test_no_more_than_the_first_thousand() -> None:
    core = many_core(matrix.newest(), 1200)
    more = "go-threads-plugin on --limit 1500"
    run = on_core(core, ON, LIST, "go-threads-plugin on --limit 20", LIST, more, LIST, IDS, OFF, LIST)
    shown = [goroutines(run.outputs[at]) for at in (1, 3, 5, 8)]
    assert [len(each) for each in shown] == [1000, 20, 1201, 0]
    assert [*shown[2]] == ids(run.outputs[6]) and {*shown[1]} < {*shown[0]} < {*shown[2]}
    assert run.outputs[0].startswith("the first 1,000 goroutines are shown as threads, there are more (")
    assert run.outputs[4] == "1,201 goroutines are shown as threads\n"
    load = [SETTING, f'target create "{core.exe}" --core "{core.core}"', LIST]
    run = run_lldb(load, extension=False)
    assert len(goroutines(run.outputs[2])) == 1000 and run.stderr.count("the first 1,000 goroutines are shown") == 1


def test_one_that_is_not_among_the_first_is_put_there() -> None:
    core = many_core(matrix.newest(), 1200)
    run = on_core(core, "go-threads-plugin on --limit 20", IDS, "go-goroutine 900 select", LIST, "go-goroutine 0", LIST)
    assert 900 in ids(run.outputs[1])
    assert len(goroutines(run.outputs[3])) == 21 and 900 in goroutines(run.outputs[3])


def phases(version: str) -> Built:
    return build("phases", version, files={"phases.go": PHASES})


@pytest.mark.parametrize("version", [matrix.newest(), matrix.oldest()])
def test_a_process_moves(version: str) -> None:
    """What a goroutine waits for, and where, is that of the present stop."""
    look = [LIST, IDS, "go-goroutines --json -t"]
    run = run_under_lldb(phases(version), ON, *look, "continue", *look, "continue", *look, "kill")
    seen = [goroutines(run.outputs[at]) for at in (1, 5, 9)]
    documents = [json.loads(run.outputs[at + 2])["goroutines"] for at in (1, 5, 9)]
    other = next(goid for goid in seen[0] if goid != 1)
    assert [each[other].queue if other in each else None for each in seen] == ["chan receive", "select", None]
    for shown, document in zip(seen, documents):
        assert [*shown] == [each["id"] for each in document]
        for each in document:
            assert shown[each["id"]].queue == (each["wait_reason"] or each["status"])
            assert shown[each["id"]].pc == int(each["frames"][0]["pc"], 16)


def test_stepping() -> None:
    """A goroutine that is on no thread cannot step: the program runs to its next stop. The real thread can."""
    select = "script p = lldb.debugger.GetSelectedTarget().process; p.SetSelectedThread([t for t in p if {}][-1])"
    parked, stopped = select.format("t.GetQueueName()"), select.format("t.GetStopReason() == lldb.eStopReasonSignal")
    pc, step = (
        "script print(lldb.debugger.GetSelectedTarget().process.selected_thread.frames[0].pc)",
        "thread step-inst",
    )
    run = run_under_lldb(phases(matrix.newest()), ON, parked, step, LIST, stopped, pc, step, pc, LIST, "kill")
    for output in run.outputs[3], run.outputs[8]:
        assert [each.queue for each in listed(output) if each.goid > 1] == ["select"]
    assert run.outputs[5] != run.outputs[7]


def test_a_process_on_arm64() -> None:
    with live(build("healthy", matrix.newest(), "arm64")) as program:
        run = on_live(program, LIST, ON, LIST, "go-goroutines --json -t", OFF, LIST)
    shown = goroutines(run.outputs[2])
    document = json.loads(run.outputs[3])["goroutines"]
    assert [*shown] == [each["id"] for each in document] and len(shown) > 15
    for each in document:
        assert shown[each["id"]].queue == (each["wait_reason"] or each["status"])
        frame = next(frame for frame in each["frames"] if not frame["inlined"])
        assert (shown[each["id"]].pc, shown[each["id"]].sp) == (int(frame["pc"], 16), int(frame["sp"], 16))
    real = listed(run.outputs[0])
    assert real == listed(run.outputs[5])
    assert real == [each for each in listed(run.outputs[2]) if not each.goid]


def test_registers_that_are_not_known_are_not_made_up() -> None:
    core = crash_core(matrix.newest())
    goid = next(each.id for each in parse_traceback(core.stderr) if each.status == "chan send")
    run = on_core(core, ON, f"go-goroutine {goid} select", "register read", "register read rax")
    assert "rip = 0x" in run.outputs[2] and "14 registers were unavailable" in run.outputs[2]
    assert "rax" in run.outputs[3] and "0x0" not in run.outputs[3]


def said(run: LldbRun) -> List[str]:
    return [output.strip() for output in run.outputs]


def test_states_and_errors() -> None:
    run = on_core(crash_core(matrix.newest()), "go-threads-plugin", ON, "go-threads-plugin", "go-threads-plugin x", OFF)
    off = "goroutines are not shown as threads"
    assert said(run) == [off, *["18 goroutines are shown as threads"] * 2, "", off]
    assert run.stderr == 'error: go-threads-plugin: "on", "on --limit N" or "off" expected\n'
    run = run_lldb(["go-threads-plugin on --limit 0", "help go-threads-plugin"])
    assert "--limit N expected" in run.stderr and SETTING in " ".join(run.outputs[1].split())


def test_another_plug_in_is_left_alone() -> None:
    another = "settings set target.process.python-os-plugin-path /bin/true"
    run = run_lldb([another, ON, OFF, "settings show target.process.python-os-plugin-path"])
    assert "there is another operating-system plug-in (/bin/true)" in run.stderr and "/bin/true" in run.outputs[3]


def test_where_there_are_none() -> None:
    """Each in one line, and the threads are there."""
    run = run_lldb([ON, "process launch --stop-at-entry", "go-threads-plugin", LIST, "kill"], exe=Path("/bin/true"))
    assert said(run)[2].startswith("no goroutine is shown as a thread: not a Go program") and run.stderr == ""
    assert len(listed(run.outputs[3])) == 1
    entry = ["process launch --stop-at-entry"]
    run = run_lldb([ON, "go-threads-plugin", "kill"], exe=build("hello", matrix.newest()).exe, before=entry)
    assert said(run)[1].startswith("no goroutine is shown as a thread: the runtime has not started")


def test_a_cut_core(tmp_path: Path) -> None:
    core = crash_core(matrix.newest())
    (tmp_path / "core").write_bytes(core.core.read_bytes()[: core.core.stat().st_size // 2])
    run = run_lldb([ON, LIST, "go-threads"], exe=core.exe, core=tmp_path / "core")
    assert run.outputs[0].strip() and "Traceback" not in run.stderr
    printed = by_id(parse_traceback(core.stderr))
    for goid, each in goroutines(run.outputs[1]).items():
        assert each.queue == printed[goid].status
