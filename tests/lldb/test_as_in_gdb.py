"""What lldb answers is what gdb answers, to the byte, text and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shared_core.commands import names
from tests.matrix.test_plugins import plugin_core
from tests.support import gdb, lldb, matrix
from tests.support.build import PLAIN, Flags, build
from tests.support.cores import crash_core, healthy_core

# They have the debugger do something, each in its own way.
NATIVE = ("go-load-symbols", "go-newproc")
COMMANDS = [
    "go-info", "go-goroutines", "go-goroutines --all -t", "go-goroutines --group stack", "go-goroutine",
    "go-goroutine 1", "go-traceback", "go-traceback --all --level system", "go-args --env", "go-args --frame",
    "go-stackmap", "go-threads", "go-symbols ^main", *(f"{name} --json" for name in names() if name not in NATIVE),
    "go-goroutine 99999 --json",
]  # fmt: skip
# lldb takes seconds for each core that qemu wrote.
PAIRS = matrix.few()
VARIANTS = [("amd64", Flags(pie=True)), ("amd64", Flags(cgo=True, pie=True)), ("arm64", Flags(cgo=True, pie=True))]


def check(ours: lldb.LldbRun, theirs: gdb.GdbRun) -> None:
    assert len(ours.outputs) == len(theirs.outputs) == len(COMMANDS), ours.stderr
    for command, output, expected in zip(COMMANDS, ours.outputs, theirs.outputs):
        assert output == expected, command
    assert set(theirs.stderr.splitlines()) >= {line[len("error: ") :] for line in ours.stderr.splitlines()}


@pytest.mark.parametrize("version,arch", PAIRS)
def test_a_core(version: str, arch: str) -> None:
    core = crash_core(version, arch)
    check(lldb.on_core(core, *COMMANDS), gdb.on_core(core, *COMMANDS))


@pytest.mark.parametrize("arch,flags", VARIANTS, ids=lambda each: getattr(each, "label", str(each).lower)())
def test_a_core_of_another_build(arch: str, flags: Flags) -> None:
    core = healthy_core(matrix.newest(), arch, flags)
    check(lldb.on_core(core, *COMMANDS), gdb.on_core(core, *COMMANDS))


def test_a_core_alone() -> None:
    """lldb finds the program where the core says that it was; gdb 13 does not."""
    core = healthy_core(matrix.newest())
    check(lldb.run_lldb(COMMANDS, core=core.core), gdb.on_core(core, *COMMANDS))


def test_a_file() -> None:
    exe = build("healthy", matrix.newest(), flags=Flags(pie=True)).exe
    check(lldb.run_lldb(COMMANDS, exe=exe), gdb.run_gdb(COMMANDS, exe=exe))


@pytest.mark.parametrize("version", [matrix.newest(), matrix.oldest()])
def test_a_process(version: str) -> None:
    """It runs on between the two, and what waits is where it was."""
    ask = ["go-goroutines --json -t", "go-args --env"]
    with gdb.live(build("healthy", version)) as program:
        ours, theirs = lldb.on_live(program, *ask), program.gdb(*ask, "echo")
    assert ours.outputs[1] == theirs.outputs[1]
    documents = [json.loads(run.outputs[0]) for run in (ours, theirs)]
    waiting = [[each for each in found["goroutines"] if each["wait_reason"]] for found in documents]
    for each in waiting[0] + waiting[1]:
        del each["wait_seconds"]
    assert waiting[0] == waiting[1] and len(waiting[0]) > 10
    assert documents[0]["target"] == documents[1]["target"]


def test_a_plugin() -> None:
    core = plugin_core(matrix.newest())
    check(lldb.on_core(core, *COMMANDS), gdb.on_core(core, *COMMANDS))


def test_a_core_of_another_program() -> None:
    exe, core = healthy_core(matrix.newest()).exe, crash_core(matrix.newest()).core
    check(lldb.run_lldb(COMMANDS, exe=exe, core=core), gdb.run_gdb(COMMANDS, exe=exe, core=core))
    # Forced, gdb 13 takes what the core left out from the file that ran, lldb from the one it was given.
    forced = lldb.run_lldb(["go-force on", "go-info"], exe=exe, core=core)
    assert "taken for it all the same, as was asked for" in forced.outputs[1] and forced.stderr == ""


@pytest.mark.parametrize("flags", [PLAIN, Flags(pie=True)], ids=["plain", "pie"])
def test_no_executable_at_hand(flags: Flags, tmp_path: Path) -> None:
    core = crash_core(matrix.newest(), flags=flags)
    moved = bytes(core.exe).replace(b"fixtures", b"removed_")
    (tmp_path / "core").write_bytes(core.core.read_bytes().replace(bytes(core.exe) + b"\0", moved + b"\0"))
    check(lldb.run_lldb(COMMANDS, core=tmp_path / "core"), gdb.run_gdb(COMMANDS, core=tmp_path / "core"))
