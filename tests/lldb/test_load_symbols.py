"""go-load-symbols in lldb: its own commands on stripped programs, against what the process printed and the twin."""

from __future__ import annotations

import json
import re
import subprocess
from typing import List, Tuple

import pytest

from tests.lldb.test_goroutine_threads import FEW, ON
from tests.matrix.test_plugins import SOURCES, built_plugin, plugin_core
from tests.support import matrix
from tests.support.build import Built, Flags, build
from tests.support.cores import crash_core
from tests.support.dwarftypes import struct_layouts
from tests.support.lldb import SELECT, on_core, run_lldb, run_under_lldb
from tests.support.traceback import Frame, by_id, parse_traceback

LOAD = "go-load-symbols"
CALM = "settings set target.env-vars GODEBUG=asyncpreemptoff=1"  # lldb stops at the SIGURG of preemption
ENDS = (matrix.newest(), matrix.oldest())
# Name, and function, file and line of every frame, of every thread.
STACKS = (
    "script import json; print(json.dumps([[t.GetName() or '', [[f.GetFunctionName(), e.GetFileSpec().fullpath or '', "
    "e.GetLine()] for f in t for e in [f.GetLineEntry()]]] for t in lldb.debugger.GetSelectedTarget().process]))"
)
# The frame pointer of each caller, and the address below its frame where a function that has a frame keeps one.
POINTERS = (
    "script import json; print(json.dumps([[f.GetFunctionName(), f.FindRegister('rbp').GetValueAsUnsigned(), "
    "f.GetCFA() - 16] for t in lldb.debugger.GetSelectedTarget().process for f in list(t)[1:] if not f.IsInlined()]))"
)
FRAMELESS = re.compile(r"runtime\.(goexit|mstart|mcall|raise|futex|usleep|sigreturn.*|rt_sig.*)|.*\.Syscall6")
IMAGES = "script print([str(m) for m in lldb.debugger.GetSelectedTarget().module_iter()])"
OTHERS = ["go-info", "go-threads -t", "go-goroutines -t", "go-traceback --all"]

Place = Tuple[str, str, int]


def place(frame: Frame) -> Place:
    """The runtime prints some names shorter than they are."""
    name = "runtime.gopanic" if frame.function == "panic" else frame.function
    return re.sub(r"\[.*\]", "[...]", name), frame.file, frame.line


def stacks(output: str) -> List[Tuple[str, List[Place]]]:
    return [
        (name, [(re.sub(r"\[.*\]", "[...]", function or ""), file, line) for function, file, line in frames])
        for name, frames in json.loads(output)
    ]


def source_line(built: Built, file: str, text: str) -> int:
    """The number of the first line with `text`."""
    return next(i for i, line in enumerate((built.source / file).read_text().splitlines(), 1) if text in line)


@pytest.mark.parametrize("version,arch", FEW)
def test_backtraces(version: str, arch: str) -> None:
    """Of every goroutine among the threads, and over the signal frame of the thread that died."""
    core = crash_core(version, arch)
    said = by_id(parse_traceback(core.stderr))
    run = on_core(core, "bt", LOAD, ON, STACKS, "bt")
    assert run.stderr == "" and " loaded (" in run.outputs[1]
    shown = stacks(run.outputs[3])
    checked = 0
    for name, frames in shown:
        goid = int(name.split()[1]) if name.startswith("goroutine ") else 0
        if not goid or said[goid].status == "running":
            continue
        expected = [place(frame) for frame in said[goid].frames]
        # The innermost one of a parked goroutine is at a return address, whose line may be the next.
        assert frames[1:] == expected[1:] and frames[0][:2] == expected[0][:2], goid
        checked += 1
    assert checked > 10
    died = next(each for each in said.values() if each.status == "running")
    expected = [place(frame) for frame in died.frames]
    found = next(frames for _, frames in shown if frames[0][0] == "runtime.raise")
    assert found[-len(expected) :] == expected
    names = [function for function, _, _ in found]
    assert "`main.(*server).handle at crash.go:" in run.outputs[4] and "`main.goDown(a0=" in run.outputs[4]
    assert names.count("runtime.raise") == 2 and names.index("runtime.sigtramp") < len(names) - len(expected)


@pytest.mark.parametrize("version", [v for v, a in FEW if a == "amd64" and (matrix.is_full() or v in ENDS)])
def test_frame_pointers_of_callers(version: str) -> None:
    """In a Go function with a frame the frame pointer points to the word below the return address."""
    found = json.loads(on_core(crash_core(version), LOAD, ON, POINTERS).outputs[2])
    framed = [each for each in found if not FRAMELESS.fullmatch(each[0] or "")]
    assert len(framed) > 60 and [each for each in framed if each[1] != each[2]] == []


@pytest.mark.parametrize("flags", [Flags(), Flags(pie=True)], ids=["plain", "pie"])
def test_nothing_else_changes(flags: Flags) -> None:
    """The selection, the modules and goxray's own answers; once more does nothing."""
    core = crash_core(matrix.newest(), flags=flags)
    look = ["thread info", IMAGES, "script print(lldb.debugger.GetSelectedTarget().GetExecutable())", *OTHERS]
    run = on_core(core, SELECT.format(3), *look, LOAD, *look, LOAD)
    before, after = run.outputs[1 : 1 + len(look)], run.outputs[2 + len(look) : -1]
    assert before[1:] == after[1:] and before[2].strip() == str(core.exe)
    assert "thread #3" in before[0] and "thread #3" in after[0]
    assert run.stderr == "" and run.outputs[-1].strip() == f"{core.exe}: loaded before"


@pytest.mark.parametrize("version", matrix.versions() if matrix.is_full() else ENDS)
@pytest.mark.parametrize("flags", [Flags(), Flags(pie=True)], ids=["plain", "pie"])
def test_a_live_process(version: str, flags: Flags) -> None:
    """Breakpoints by name, line and pattern, one that was set by address before; stepping; source; disassembly."""
    built = build("healthy", version, flags=flags)
    line, call = (
        source_line(built, "healthy.go", "time.Sleep(10 * time.Millisecond)"),
        source_line(built, "healthy.go", "total += tick"),
    )
    linked = next(s for s in _nm(built) if s[1] == "main.work")[0]
    bias = "lldb.debugger.GetSelectedTarget().GetModuleAtIndex(0).GetObjectFileHeaderAddress()"
    at = f"({bias}.GetLoadAddress(lldb.debugger.GetSelectedTarget()) - {bias}.GetFileAddress() + {linked:#x})"
    first = f"script lldb.debugger.HandleCommand('breakpoint set -c 1==1 -a %d' % {at})"
    commands = [
        *(first, LOAD, "continue", "breakpoint list", "frame info", "breakpoint delete -f"),
        *(f"breakpoint set -f healthy.go -l {line}", "breakpoint set -r '^main\\.parkAll$'"),
        *(
            "breakpoint set -n main.tick",
            "continue",
            "bt 2",
            "source list -n main.tick",
            "disassemble -n main.tick -c 1",
        ),
        *("thread step-out", "image lookup -a $pc", "breakpoint delete -f", "thread step-over", "frame info"),
        *("go-traceback", "process kill"),
    ]
    run = run_under_lldb(built, *commands)
    out = dict(zip(("first", "load", "go", "list", "there", "gone", "line", "pattern", "name"), run.outputs))
    assert "1==1" in out["list"] and "1 location" not in out["list"].replace("locations = 1", "")
    assert "main.work" in out["there"] and f"healthy.go:{source_line(built, 'healthy.go', 'func work')}" in out["there"]
    assert "main.work + " in out["line"] and f"healthy.go:{line}" in out["line"]
    assert "main.parkAll" in out["pattern"] and "main.tick" in out["name"]
    backtrace, source, code, _, where, _, _, after, traceback, _ = run.outputs[10:]
    assert re.search(rf"#0: .*main\.tick.*\n.*#1: .*main\.work.* at healthy\.go:{call}\b", backtrace)
    assert "func tick(count int, name string) int {" in source and "`main.tick:" in code
    assert "main.work + " in where and f"healthy.go:{call}" in where
    assert "main.work" in after and run.stderr == ""
    assert re.search(r"^main\.work\(", traceback, re.M)


def _nm(built: Built) -> List[Tuple[int, str]]:
    command = [str(built.toolchain.go), "tool", "nm", str(built.twin)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [(int(words[0], 16), words[2]) for words in map(str.split, lines) if len(words) == 3 and words[1] == "T"]


@pytest.mark.parametrize("version", ENDS)
@pytest.mark.parametrize("forgets", [99, 0], ids=["new module", "target symbols add"])
def test_before_the_start(version: str, forgets: int) -> None:
    """With no process yet, by what is done in old lldbs and in new ones; twice started."""
    built = build("healthy", version)
    way = f"script import sys; setattr(sys.modules['lldb_go_ext.symbols'], '_FORGETS', {forgets})"
    start = ["process launch -- trap", "continue", "bt 2", "process kill"]
    commands = ["go-info", way, LOAD, "breakpoint set -n main.tick", *start, *start, LOAD]
    run = run_lldb(commands, exe=built.exe, before=[CALM])
    assert " loaded (" in run.outputs[2] and run.outputs[-1].strip().endswith("loaded before")
    for backtrace in (run.outputs[6], run.outputs[10]):
        assert "main.tick" in backtrace and "main.work" in backtrace


@pytest.mark.parametrize("version", matrix.versions() if matrix.is_full() else ENDS)
def test_types(version: str) -> None:
    """By their Go names and by names that C can spell: sizes and fields of the twin's DWARF."""
    core = crash_core(version)
    wanted = {each.name: each for each in struct_layouts(core.twin)}["main.request"]
    expression = "expression -- (int)sizeof(main_request)"
    fields = (
        "script t = lldb.debugger.GetSelectedTarget().FindFirstType('main.request'); "
        "import json; print(json.dumps([t.GetByteSize(), [[f.GetName(), f.GetOffsetInBytes()] for f in t.fields]]))"
    )
    address = next(f for f in by_id(parse_traceback(core.stderr))[1].frames if f.function == "main.goDown").args
    run = on_core(core, LOAD, expression, fields, f"memory read -t main.request {address}")
    size, members = json.loads(run.outputs[2])
    assert f"= {wanted.size}" in run.outputs[1] and size == wanted.size
    assert [tuple(each) for each in members] == [(name, offset) for name, offset, *_ in wanted.fields]
    assert 'Path = "panic' in run.outputs[3] and "ID = 7" in run.outputs[3] and run.stderr == ""


def test_a_plugin() -> None:
    core = plugin_core(matrix.newest())
    run = on_core(core, LOAD, ON, STACKS, LOAD)
    said = next(g for g in by_id(parse_traceback(core.stderr)).values() if "/p.wait" in str(g.frames))
    frames = dict(stacks(run.outputs[2]))[f"goroutine {said.id}"]
    assert frames[1:] == [place(frame) for frame in said.frames][1:]
    assert [line.rpartition(": ")[2] for line in run.outputs[3].splitlines() if line] == ["loaded before"] * 2


@pytest.mark.parametrize("pie", [False, True], ids=["plain", "pie"])
def test_a_plugin_that_comes_later(pie: bool) -> None:
    host = build("plughost", matrix.newest(), "amd64", Flags(cgo=True, pie=pie), SOURCES)
    plugin = built_plugin(host)
    line = source_line(host, "main.go", "fmt.Println")
    before = [CALM, "breakpoint set -n dlopen", f"process launch -- {plugin}"]
    commands = [LOAD, f"breakpoint set -f main.go -l {line}", "continue", LOAD, "breakpoint set -r 'p\\.wait$'"]
    run = run_lldb([*commands, "process kill"], exe=host.exe, before=before)
    first, second = (run.outputs[i].strip().splitlines() for i in (0, 3))
    assert len(first) == 1 and second[0] == f"{host.exe}: loaded before" and second[1].startswith(f"{plugin}: symbols")
    assert "p.so`example.com/fixture/p.wait" in run.outputs[4] and "p.go:" in run.outputs[4]


def test_a_program_with_debug_information() -> None:
    run = run_lldb([LOAD], exe=crash_core(matrix.newest()).twin)
    assert "has debug information" in run.stderr and len(run.stderr.splitlines()) == 1
