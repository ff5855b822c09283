"""gdb and lldb over gdbserver and lldb-server: what /proc gives of the same stopped process, in few reads."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import List, Sequence, Tuple

import pytest

from shared_core.memory import BLOCK
from tests.e2e.test_live import LISTS, SYSTEM, check
from tests.support import gdb, matrix, remote
from tests.support.build import PLAIN, Built, Flags, build
from tests.support.paths import ROOT

COMMANDS = [
    *LISTS, SYSTEM, "go-info", "go-threads --json", "go-stackmap --goroutine 1", "go-args --frame --goroutine 1",
    "go-goroutine 1 --json", "go-traceback --all", "go-symbols ^main", "go-goroutines -t",
]  # fmt: skip
VERSIONS = matrix.versions() if matrix.is_full() else [matrix.newest(), matrix.oldest()]
BUILDS = [(version, PLAIN) for version in VERSIONS] + [(matrix.newest(), Flags(pie=True)), ("1.24", Flags(cgo=True))]
_NEXT = "@@goxray-next@@"


def by_proc(pid: int, commands: Sequence[str]) -> str:
    """Python that prints what `goxray` says of the process, which its debugger holds still meanwhile."""
    lines = [[words[0][len("go-") :], "--pid", str(pid), "--stop", *words[1:]] for words in map(str.split, commands)]
    every = f"from shared_core.cli import main; [(main(line), print({_NEXT!r})) for line in {lines!r}]"
    run = f"subprocess.run({[sys.executable, '-c', every]!r}, cwd={str(ROOT)!r}, capture_output=True, text=True)"
    return f"import subprocess; print({run}.stdout, end='')"


def same(outputs: Sequence[str], commands: Sequence[str] = COMMANDS) -> None:
    """The answers to `commands`, then all that goxray said: the debugger's numbers and names of threads aside."""
    said = outputs[len(commands)].split(_NEXT + "\n")
    for command, ours, theirs in zip(commands, outputs, said):
        if command.endswith("--json"):
            ours, theirs = _comparable(ours), _comparable(theirs)
        assert ours == theirs and ours, command


def _comparable(output: str) -> str:
    """Without what a debugger calls a thread, in which order it found them, and which file it has, if any."""
    document = json.loads(output)
    document["target"].pop("executable")
    if document["schema"].startswith("goxray.go-threads/"):
        document["threads"].sort(key=lambda each: each["thread"] or 0)
    document["warnings"] = [each for each in document["warnings"] if not each.startswith("target.executable")]
    return re.sub(r'"(number|name)": (\d+|null|"healthy")', r'"\1": null', json.dumps(document))


@pytest.mark.parametrize("version,flags", BUILDS, ids=str)
def test_gdb_over_gdbserver(version: str, flags: Flags) -> None:
    built = build("healthy", version, flags=flags)
    with remote.gdbserver(built.exe, "trap") as server:
        proc = f"python {by_proc(server.pid, COMMANDS)}"
        run = server.gdb(*COMMANDS, proc, "signal SIGABRT", exe=built.exe)
        same(run.outputs)
        check(built, run.outputs, server.text("stderr"), server.text("stdout"))


@pytest.mark.parametrize("version,flags", BUILDS if matrix.is_full() else BUILDS[1:3], ids=str)
def test_lldb_over_lldb_server(version: str, flags: Flags) -> None:
    built = build("healthy", version, flags=flags)
    with gdb.live(built) as program, remote.lldb_server(pid=program.pid) as server:
        proc = f"script {by_proc(server.pid, COMMANDS)}"
        run = server.lldb(*COMMANDS, proc, "detach", exe=built.exe)
        same(run.outputs)
        server.abort()
        check(built, run.outputs, (program.directory / "stderr").read_text(), program.stdout())


def test_lldb_over_gdbserver() -> None:
    built = build("healthy", matrix.newest())
    with remote.gdbserver(built.exe, "trap") as server:
        proc = f"script {by_proc(server.pid, COMMANDS)}"
        run = server.lldb(*COMMANDS, proc, "detach", exe=built.exe, stop="SIGUSR1")
        same(run.outputs)
        server.abort()
        check(built, run.outputs, server.text("stderr"), server.text("stdout"))


def from_memory(place: Path, flags: Flags) -> Built:
    """healthy, from a file that is gone by the time the debugger comes."""
    built = build("healthy", matrix.newest(), flags=flags)
    shutil.copy(built.exe, place / "healthy")
    return built


ALONE = [*LISTS, SYSTEM, "go-stackmap --goroutine 1", "go-threads --json"]


@pytest.mark.parametrize("flags", [PLAIN, Flags(pie=True)], ids=["plain", "pie"])
def test_gdb_without_the_program(flags: Flags, tmp_path: Path) -> None:
    """All there is is memory."""
    from_memory(tmp_path, flags)
    with remote.gdbserver(tmp_path / "healthy", "trap") as server:
        (tmp_path / "healthy").unlink()
        proc = f"python {by_proc(server.pid, ALONE)}"
        run = server.gdb(*ALONE, proc, exe=None, before=["set sysroot /dev/null"])
    same(run.outputs, ALONE)


@pytest.mark.parametrize("flags", [PLAIN, Flags(pie=True)], ids=["plain", "pie"])
def test_lldb_without_the_program(flags: Flags, tmp_path: Path) -> None:
    from_memory(tmp_path, flags)
    with remote.lldb_server(str(tmp_path / "healthy"), "trap") as server:
        (tmp_path / "healthy").unlink()
        proc = f"script {by_proc(server.pid, ALONE)}"
        run = server.lldb(*ALONE, proc, exe=None, stop="SIGUSR1", before=['target create ""'])
    same(run.outputs, ALONE)


GOROUTINES = 1000
READS = 100  # for a list of that many goroutines, whatever a stub makes of a read


def memory_reads(log: str, packet: str) -> List[Tuple[int, int]]:
    """(address, size) of the reads in a log of packets; what goes on in the same block of ours is one of them.

    A debugger cuts a read into what its stub can answer at once: 9 KB in gdbserver's case.
    """
    found: List[Tuple[int, int]] = []
    for match in re.findall(packet + r"\$[mx]([0-9a-f]+),([0-9a-f]+)#", log):
        address, size = (int(number, 16) for number in match)
        if found and sum(found[-1]) == address and address % BLOCK:
            found[-1] = (found[-1][0], found[-1][1] + size)
        elif size:
            found.append((address, size))
    return found


def test_reads_over_gdbserver_are_few(tmp_path: Path) -> None:
    log = tmp_path / "log"
    logging = [
        f"set logging file {log}",
        "set logging debugredirect on",
        "set logging enabled on",
        "set debug remote 1",
    ]
    with remote.gdbserver(build("manyg", matrix.newest()).exe, str(GOROUTINES), "quiet") as server:
        run = server.gdb(*logging, "go-goroutines", exe=build("manyg", matrix.newest()).exe)
    assert f"({GOROUTINES + 1} goroutines;" in run.stdout
    assert 10 < len(memory_reads(log.read_text(), r"Sending packet: ")) <= READS


def test_reads_over_lldb_server_are_few(tmp_path: Path) -> None:
    log, exe = tmp_path / "log", build("manyg", matrix.newest()).exe
    with remote.lldb_server(str(exe), str(GOROUTINES), "quiet") as server:
        logging = [f"log enable -f {log} gdb-remote packets", "go-goroutines", "log disable gdb-remote packets"]
        run = server.lldb(*logging, exe=exe, stop="SIGABRT")
    assert f"({GOROUTINES + 1} goroutines;" in run.stdout
    packets = re.findall(r"send packet: \$[mx][0-9a-f]+,[0-9a-f]+#", log.read_text(errors="replace"))
    assert 10 < len(packets) <= READS
