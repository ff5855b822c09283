"""The contract over every Target: the fake, core files, files and processes, and gdb and lldb on all of them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple, Union

import pytest

from shared_core.target import Target
from shared_core.targets.core import CoreTarget
from shared_core.targets.file import FileTarget
from shared_core.targets.proc import ProcTarget
from shared_core.targets.still import held_still
from tests.contract import checks
from tests.support import lldb, matrix
from tests.support.build import PLAIN, Flags, build
from tests.support.cores import Core, crash_core, healthy_core
from tests.support.fake import small_program
from tests.support.gdb import GdbRun, live, on_core, run_gdb, run_under_gdb

SCRIPT = Path(__file__).with_name("in_gdb.py")
# gdb's Python leaves __file__ unset for a script that is sourced by another one's doing.
SOURCE = (f"python _answer_at = {str(SCRIPT)!r}", f"source {SCRIPT}")
IN_LLDB = f"command script import {Path(__file__).with_name('in_lldb.py')}"
BUILDS: List[Tuple[str, Flags]] = [
    ("amd64", PLAIN),
    ("amd64", Flags(pie=True)),
    ("amd64", Flags(cgo=True, pie=True)),
    ("arm64", PLAIN),
]
IDS = [f"{arch}-{flags.label()}" for arch, flags in BUILDS]


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
def test_fake(check: Callable[[Target], None]) -> None:
    check(small_program())


@pytest.mark.parametrize("arch,flags", BUILDS, ids=IDS)
def test_core_file(arch: str, flags: Flags) -> None:
    core = crash_core(matrix.newest(), arch, flags=flags)
    failed = {name: why for name, why in checks.run(CoreTarget(str(core.exe), str(core.core))) if why}
    assert not failed, "\n".join(failed.values())


@pytest.mark.parametrize("flags", [PLAIN, Flags(pie=True), Flags(cgo=True)], ids=["plain", "pie", "cgo"])
def test_process(flags: Flags) -> None:
    with live(build("healthy", matrix.newest(), flags=flags)) as program:
        assert program.pid
        target = ProcTarget(program.pid)
        with held_still(program.pid):
            failed = {name: why for name, why in checks.run(target) if why}
        target.close()
    assert not failed, "\n".join(failed.values())


@pytest.mark.parametrize("arch,flags", BUILDS, ids=IDS)
def test_file(arch: str, flags: Flags) -> None:
    built = build("healthy", matrix.newest(), arch, flags)
    failed = {name: why for name, why in checks.run(FileTarget(str(built.exe))) if why}
    assert not failed, "\n".join(failed.values())


@pytest.mark.parametrize("arch,flags", BUILDS, ids=IDS)
def test_gdb_on_a_core(arch: str, flags: Flags) -> None:
    core = crash_core(matrix.newest(), arch, flags=flags)
    answer = _passed(on_core(core, *SOURCE))
    assert (answer["arch"], answer["kind"]) == (arch, "core")
    assert answer["images"][0]["path"] == str(core.exe)
    _agrees(answer, core)


def _agrees(answer: Dict[str, Any], core: Core) -> None:
    """The debugger and the core file itself say the same of threads, registers and where the program is."""
    ours = CoreTarget(str(core.exe), str(core.core))
    assert answer["images"][0]["load_bias"] == ours.images()[0].load_bias
    theirs = {thread["tid"]: thread["registers"] for thread in answer["threads"]}
    registers = {thread.tid: thread.registers for thread in ours.threads()}
    assert set(theirs) == set(registers)
    for tid, values in theirs.items():
        common = set(values) & set(registers[tid])
        assert {name: values[name] for name in common} == {name: registers[tid][name] for name in common}


@pytest.mark.parametrize("flags", [PLAIN, Flags(pie=True)], ids=["plain", "pie"])
def test_gdb_on_a_core_without_its_program(flags: Flags) -> None:
    """It finds it where the core says that it was, as the others do."""
    core = crash_core(matrix.newest(), flags=flags)
    answer = _passed(run_gdb(SOURCE, core=core.core))
    assert answer["images"] == [asdict(image) for image in CoreTarget(None, str(core.core)).images()]
    assert answer["images"][0]["path"] == str(core.exe)


def test_gdb_on_a_file() -> None:
    built = build("healthy", matrix.newest(), flags=Flags(pie=True))
    answer = _passed(run_gdb(SOURCE, exe=built.exe))
    assert (answer["kind"], answer["threads"]) == ("file", [])
    assert [(image["path"], image["load_bias"]) for image in answer["images"]] == [(str(built.exe), 0)]


@pytest.mark.parametrize("arch,flags", BUILDS, ids=IDS)
def test_gdb_on_a_live_process(arch: str, flags: Flags) -> None:
    with live(build("healthy", matrix.newest(), arch, flags)) as program:
        answer = _passed(program.gdb(*SOURCE))
    assert (answer["arch"], answer["kind"]) == (arch, "live")


def test_gdb_on_a_process_it_started() -> None:
    answer = _passed(run_under_gdb(build("healthy", matrix.newest(), flags=Flags(pie=True)), *SOURCE))
    assert [thread["signal"] for thread in answer["threads"] if thread["selected"]] == ["SIGUSR1"]


def test_gdb_names_the_signal_of_a_core() -> None:
    answer = _passed(on_core(healthy_core(matrix.newest()), *SOURCE))
    assert "SIGABRT" in [thread["signal"] for thread in answer["threads"]]


@pytest.mark.parametrize("arch,flags", BUILDS, ids=IDS)
def test_lldb_on_a_core(arch: str, flags: Flags) -> None:
    core = crash_core(matrix.newest(), arch, flags=flags)
    answer = _passed(lldb.on_core(core, IN_LLDB))
    assert (answer["arch"], answer["kind"]) == (arch, "core")
    assert answer["images"][0]["path"] == str(core.exe)
    assert [thread["signal"] for thread in answer["threads"] if thread["selected"]] == ["SIGABRT"]
    _agrees(answer, core)


@pytest.mark.parametrize("arch,flags", BUILDS, ids=IDS)
def test_lldb_on_a_file(arch: str, flags: Flags) -> None:
    built = build("healthy", matrix.newest(), arch, flags)
    answer = _passed(lldb.run_lldb([IN_LLDB], exe=built.exe))
    assert (answer["arch"], answer["kind"], answer["threads"]) == (arch, "file", [])


@pytest.mark.parametrize("arch,flags", BUILDS, ids=IDS)
def test_lldb_on_a_live_process(arch: str, flags: Flags) -> None:
    with live(build("healthy", matrix.newest(), arch, flags)) as program:
        answer = _passed(lldb.on_live(program, IN_LLDB))
    assert (answer["arch"], answer["kind"]) == (arch, "live")


def test_lldb_on_a_process_it_started() -> None:
    answer = _passed(lldb.run_under_lldb(build("healthy", matrix.newest(), flags=Flags(pie=True)), IN_LLDB))
    assert [thread["signal"] for thread in answer["threads"] if thread["selected"]] == ["SIGUSR1"]


def _passed(run: Union[GdbRun, lldb.LldbRun]) -> Dict[str, Any]:
    """What in_gdb.py or in_lldb.py answered, all its checks passed."""
    lines = [line for line in run.stdout.splitlines() if line.startswith('{"arch"')]
    assert lines, run.stdout + run.stderr
    answer: Dict[str, Any] = json.loads(lines[0])
    failed = [why for why in answer["checks"].values() if why]
    assert len(answer["checks"]) == len(checks.CHECKS) and not failed, "\n".join(failed)
    return answer
