"""gdb's own commands with rebuilt symbols, against what the dying process printed, the toolchain and goxray's walks."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from tests.matrix.test_plugins import SOURCES, built_plugin, plugin_core
from tests.support import matrix, oracle
from tests.support.build import Flags, build
from tests.support.cores import Core, crash_core, healthy_core
from tests.support.gdb import GdbRun, live, on_core, run_gdb
from tests.support.paths import ROOT
from tests.support.stepping import SETTINGS, emulated
from tests.support.traceback import Frame, parse_traceback

FRAMES = ROOT / "tests" / "support" / "nativeframes.py"
LOAD = "go-load-symbols"
ALL_FRAMES = "go-threads --json -t 1000"
BUILDS = [(v, a, Flags()) for v, a in matrix.pairs()] + (
    matrix.variants() if matrix.is_full() else [(matrix.newest(), "amd64", Flags(pie=True, cgo=True))]
)
SIGTRAMP = ("runtime.sigtramp", "runtime.cgoSigtramp")
BY_SIGNALS = ("runtime.sigpanic", "runtime.asyncPreempt", "runtime.debugCallV2", *SIGTRAMP)
SWITCHES = ("runtime.mcall", "runtime.systemstack", "runtime.morestack", "runtime.asmcgocall")
SYSCALLS = ("syscall.Syscall", "syscall.Syscall6")
WITHIN_SYSCALL = ("internal/runtime/syscall/linux.Syscall6", "internal/runtime/syscall.Syscall6", "syscall.RawSyscall6")
WITHIN_SYSCALL += ("runtime/internal/syscall.Syscall6",)
Place = Tuple[str, str, int]


def loaded(run: GdbRun) -> str:
    """What the first command said; gdb had nothing to warn of, but for another machine's libraries."""
    assert re.sub(r"^(\nwarning: Could not load shared library symbols .*\n.*\n.*\n)?", "", run.stderr) == ""
    assert "symbols, lines, frames and types of " in run.outputs[0]
    return run.outputs[0]


def native(output: str) -> Dict[int, List[Dict[str, Any]]]:
    return {int(tid): frames for tid, frames in json.loads(output).items()}


def shown_by_gdb(frames: List[Dict[str, Any]]) -> List[Place]:
    """A signal's frame is of no line to gdb. The code that a handler returns to is one more, on amd64."""
    found = []
    for frame in frames:
        if not frame["signal"]:
            found.append((frame["function"], frame["file"], frame["line"]))
        elif frame["function"] in BY_SIGNALS:
            found.append((frame["function"], "", 0))
    return found


def as_gdb_shows(frames: List[Tuple[str, str, int, bool]], arch: str) -> List[Place]:
    """What a signal's handler has called, or made a call of, is a signal's frame; those have no inlined calls."""
    found: List[Place] = []
    for (name, file, line, inlined), (after, _, _, _) in zip(frames, [*frames[1:], ("", "", 0, False)]):
        signal = name in BY_SIGNALS and (name not in SIGTRAMP or arch == "arm64")
        if not (inlined and after == "runtime.sigpanic"):
            found.append((name, "", 0) if signal else (name, file, line))
    return found


def reachable(thread: Dict[str, Any], arch: str) -> List[Place]:
    """The frames of a thread's stacks that call frames lead to: from one to the next by signals alone, and to where
    the runtime has changed stacks."""
    found: List[Tuple[str, str, int, bool]] = []
    for stack in thread["stacks"]:
        for frame in stack["frames"]:
            found.append((frame["function"], frame["file"], frame["line"], frame["inlined"]))
            if frame["function"] in SWITCHES:
                return as_gdb_shows(found, arch)
        if not (stack["left_by"] or "").startswith("signal"):
            break
    return as_gdb_shows(found, arch)


def difference(frames: List[Place], expected: List[Place]) -> str:
    """The first, if any. Of a system call goxray shows the entry alone, and where it calls entersyscall."""
    rest = list(frames)
    for wanted in expected:
        while wanted[0].startswith("syscall.") and rest and rest[0][0] in WITHIN_SYSCALL:
            rest.pop(0)
        if not rest or rest[0] != wanted and not (rest[0][:2] == wanted[:2] and wanted[0] in SYSCALLS):
            return f"{rest[:1]} for {wanted}"
        rest.pop(0)
    return str(rest) if rest else ""


@pytest.mark.parametrize(("version", "arch", "flags"), BUILDS, ids=[f"{v}-{a}-{f.label()}" for v, a, f in BUILDS])
def test_backtraces_of_all_threads(version: str, arch: str, flags: Flags) -> None:
    core = crash_core(version, arch, "nil", flags)
    run = on_core(core, LOAD, f"source {FRAMES}", ALL_FRAMES)
    loaded(run)
    shown, compared = native(run.outputs[1]), 0
    for thread in json.loads(run.outputs[2])["threads"]:
        if any(stack["stack"] == "C" for stack in thread.get("stacks", [{"stack": "C"}])):
            continue
        frames = shown[thread["thread"]]
        assert difference(shown_by_gdb(frames), reachable(thread, arch)) == ""
        assert frames[-1]["end"] == "outermost"
        compared += len(frames)
    assert compared > 30
    check_crashed(core, shown)


def check_crashed(core: Core, shown: Dict[int, List[Dict[str, Any]]]) -> None:
    """Against the process' own words: functions, files, lines, and argument words, with those that are dead."""
    spoken = {"panic": "runtime.gopanic"}
    crashed = next(g for g in parse_traceback(core.stderr) if g.status == "running")
    named = [(spoken.get(frame.function, frame.function), frame) for frame in crashed.frames]
    wanted = as_gdb_shows([(name, frame.file, frame.line, frame.inlined) for name, frame in named], core.arch)
    (frames,) = (each for each in shown.values() if shown_by_gdb(each)[-len(wanted) :] == wanted)
    physical = [printed for name, printed in named if not printed.inlined and name not in BY_SIGNALS]
    own = [frame for frame in frames if not frame["inlined"] and not frame["signal"]][-len(physical) :]
    words = 0
    for printed, frame in zip(physical, own):
        expected, whole = printed_words(printed)
        values = [value for _, value in frame["args"]]
        assert frame["pc"] == printed.pc
        assert values[: len(expected)] == expected, printed
        assert len(values) == len(expected) or not whole
        words += len(expected)
    assert words > 8


def printed_words(frame: Frame) -> Tuple[List[Any], bool]:
    """(the words between the parentheses, None where they are dead; whether these are all)."""
    text = frame.args or ""
    return [
        None if dead else int(word, 16) for word, dead in re.findall(r"(0x[0-9a-f]+)(\??)", text)
    ], "..." not in text


@pytest.mark.parametrize(("version", "arch"), matrix.pairs() if matrix.is_full() else matrix.pairs()[:1])
def test_parked_threads(version: str, arch: str) -> None:
    core = healthy_core(version, arch)
    run = on_core(core, LOAD, f"source {FRAMES}", ALL_FRAMES)
    loaded(run)
    shown = native(run.outputs[1])
    for thread in json.loads(run.outputs[2])["threads"]:
        assert difference(shown_by_gdb(shown[thread["thread"]]), reachable(thread, arch)) == ""


@pytest.mark.parametrize(("version", "arch"), [(matrix.newest(), "amd64"), (matrix.oldest(), "arm64")])
def test_commands_by_name_and_line(version: str, arch: str) -> None:
    core = crash_core(version, arch, "nil")
    source = core.built.source / "crash.go"
    symbols = {symbol.name: symbol for symbol in oracle.text_symbols(core.built)}
    function = symbols["main.derefNil"]
    line = next(i for i, text in enumerate(source.read_text().splitlines(), 1) if "pathLength(r)" in text)
    commands = [
        *("break main.derefNil", f"tbreak crash.go:{line}", "info line main.derefNil", "list main.derefNil"),
        *("disassemble main.derefNil", f"info symbol {function.address + 4}", "info scope main.derefNil", "x/2i $pc"),
        *("rbreak ^main\\.", "info functions ^main\\.derefNil$", "info address main.derefNil"),
    ]
    run = on_core(core, LOAD, *commands)
    loaded(run)
    broken, by_line, at, listed, code, symbol, scope, here, many, functions, address = run.outputs[1:]
    entry, end = function.address, function.address + function.size
    declared = oracle.addr2line(core.built, [entry])[entry][2]
    (pc,) = re.findall(r"^Breakpoint 1 at (0x[0-9a-f]+): file .*crash.go, line \d+\.$", broken, re.M)
    assert entry < int(pc, 16) < entry + 40  # behind the check of the stack
    (pc,) = re.findall(rf"^Temporary breakpoint 2 at (0x[0-9a-f]+): file {source}, line {line}\.$", by_line, re.M)
    assert entry < int(pc, 16) < end
    assert at.startswith(f'Line {declared} of "{source}" starts at address {entry:#x} <main.derefNil>')
    assert f"{declared}\tfunc derefNil(" in listed
    starts = re.findall(r"^ +0x([0-9a-f]+) <", code, re.M)
    assert int(starts[0], 16) == entry and end - 16 <= int(starts[-1], 16) < end
    assert re.match(r"main[.\[]derefNil\]? \+ 4 in section \.text", symbol)
    assert scope.startswith("Scope for main.derefNil:\nSymbol a0 is ")
    assert "<runtime.raise" in here
    for name in symbols:
        assert not name.startswith("main.") or f"void {name}(" in many or f"void {name};" in many
    assert "main.derefNil" in functions
    assert f"is a function at address {entry:#x}" in address


def stepped(version: str, arch: str, shape: str, *commands: str) -> GdbRun:
    """steps.go under gdb from its start, in one thread and without the signals of preemption."""
    built = build("steps", version, arch)
    if arch == "arm64":
        with emulated(built, shape) as socket:
            before = [f"target remote {socket}"]
            run = [each.replace("run", "continue") if each == "run" else each for each in commands]
            return run_gdb([LOAD, *run], exe=built.exe, arch=arch, before=before)
    settings = ["set startup-with-shell off", f"set args {shape}"]
    settings += [f"set environment {name}={value}" for name, value in SETTINGS.items()]
    return run_gdb([LOAD, *commands], exe=built.exe, before=settings)


LIVE = [(matrix.newest(), "amd64"), (matrix.oldest(), "amd64"), (matrix.newest(), "arm64")]


@pytest.mark.parametrize(("version", "arch"), LIVE)
def test_a_breakpoint_is_come_to_once_however_the_stack_grows(version: str, arch: str) -> None:
    again = ["info args", "continue"] * 11
    run = stepped(version, arch, "grow", "break main.grow", "run", *again, "info args", "info breakpoints", "kill")
    said = [re.findall(r"^a0 = 0x([0-9a-f]+)$", output, re.M) for output in run.outputs]
    assert [int(each[0], 16) for each in said if each] == list(range(12, 0, -1))
    assert "breakpoint already hit 12 times" in run.outputs[-2]


@pytest.mark.parametrize(("version", "arch"), LIVE)
def test_stepping_by_lines_and_calls(version: str, arch: str) -> None:
    commands = ["break main.nosplit", "run", "step", "bt 2", "finish", "frame", "next", "frame", "until", "frame"]
    run = stepped(version, arch, "", *commands, "kill")
    assert re.search(r"hit (?:Temporary )?[Bb]reakpoint 1, .*main\.nosplit \(", run.outputs[2])
    inner = run.outputs[4].splitlines()
    assert re.match(r"#0  main\.leaf \(a0=.*, a1=.*\) at .*steps\.go:", inner[0])
    assert " in main.nosplit (a0=" in inner[1]
    assert "main.nosplit (" in run.outputs[6]  # finished
    assert re.match(r"#0 .*main\.", run.outputs[8]) and "leaf" not in run.outputs[8]
    assert re.match(r"#0 .*main\.", run.outputs[10])


def test_a_second_load_takes_what_has_come() -> None:
    version = matrix.newest()
    host = build("plughost", version, "amd64", Flags(cgo=True), SOURCES)
    settings = ["set startup-with-shell off", f"set args {built_plugin(host)}", "set environment GOTRACEBACK=crash"]
    commands = ["handle SIGURG nostop noprint", "tbreak plugin.Open", "run", LOAD, "handle SIGABRT stop", "continue"]
    after = [LOAD, "info address p.wait", "info functions \\.wait$", "kill"]
    run = run_gdb([LOAD, *commands, *after], exe=host.exe, before=settings)
    first, second, third = run.outputs[0], run.outputs[4], run.outputs[7]
    assert "symbols, lines, frames and types" in first
    assert second.strip() == f"{host.exe}: loaded before"
    assert len(third.splitlines()) == 2 and third.count("loaded before") == 1 and "p.so: symbols" in third
    assert re.search(r"/p\.wait\b", run.outputs[9])


def test_plugins_in_a_core() -> None:
    core = plugin_core(matrix.newest())
    run = on_core(core, LOAD, LOAD, f"source {FRAMES}", ALL_FRAMES, "info functions \\.wait$")
    assert run.stderr == ""
    assert [run.outputs[0].count("frames and types of"), run.outputs[1].count("loaded before")] == [2, 2]
    assert re.search(r"/p\.wait\b", run.outputs[4])


@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_answers_are_the_same_with_the_symbols(arch: str) -> None:
    commands = [
        *("go-info", "go-goroutines -t", "go-threads -t", "go-traceback --all --level system", "go-args --env"),
        *("go-args --frame", "go-stackmap --goroutine 1", "go-symbols ^main", "go-symbols --json ^runtime"),
    ]
    run = on_core(crash_core(matrix.newest(), arch, "nil"), *commands, LOAD, *commands, LOAD)
    assert run.stderr == ""
    assert run.outputs[: len(commands)] == run.outputs[len(commands) + 1 : -1]
    assert "loaded before" in run.outputs[-1]


def test_a_program_whose_file_is_gone(tmp_path: Path) -> None:
    built = build("healthy", matrix.newest())
    exe = tmp_path / "gone"
    shutil.copy(built.exe, exe)
    with live(replace(built, exe=exe)) as running:
        exe.unlink()
        assert running.pid is not None
        run = run_gdb([LOAD, f"source {FRAMES}", ALL_FRAMES, "info line main.work"], pid=running.pid)
    shown = native(run.outputs[1])
    assert "symbols, lines, frames and types of" in run.outputs[0]
    threads = json.loads(run.outputs[2])["threads"]
    assert len(threads) > 2
    for thread in threads:
        assert difference(shown_by_gdb(shown[thread["thread"]]), reachable(thread, "amd64")) == ""
    assert "<main.work>" in run.outputs[3]
