"""goxray with no debugger: the same answers as in gdb, on cores, files and live processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest

from shared_core import cli
from shared_core.targets import procfs
from tests.support import matrix
from tests.support.build import PLAIN, Flags, build
from tests.support.cores import ENVIRONMENT, crash_core, healthy_core
from tests.support.gdb import Live, live, on_core, run_gdb
from tests.support.standalone import goxray

COMMANDS = [
    "go-info", "go-goroutines", "go-goroutines --all -t", "go-goroutines --group stack", "go-goroutine 1",
    "go-traceback --all --level system", "go-args --env", "go-args --frame", "go-stackmap", "go-symbols ^main",
    "go-goroutines --all --json", "go-symbols --json", "go-info --json",
]  # fmt: skip


@pytest.mark.parametrize("version,arch", matrix.pairs())
def test_a_core_as_in_gdb(version: str, arch: str, capsys: pytest.CaptureFixture[str]) -> None:
    core = crash_core(version, arch)
    run = on_core(core, *COMMANDS)
    for command, output in zip(COMMANDS, run.outputs):
        status = cli.main([*command[len("go-") :].split(), str(core.exe), str(core.core)])
        assert (*capsys.readouterr(), status) == (output, "", 0), command


@pytest.mark.parametrize("flags", [Flags(pie=True), Flags(cgo=True)], ids=["pie", "cgo"])
def test_a_core_finds_its_program(flags: Flags) -> None:
    core = healthy_core(matrix.newest(), flags=flags)
    named, alone = (goxray("goroutines", *words) for words in ((core.exe, core.core), (core.core,)))
    assert named.stdout == alone.stdout and "main.parkAll" in alone.stdout


def test_a_file_as_in_gdb() -> None:
    built = build("healthy", matrix.newest(), flags=Flags(pie=True))
    commands = ["go-symbols", "go-info --json", "go-stackmap main.main"]
    for command, output in zip(commands, run_gdb(commands, exe=built.exe).outputs):
        assert goxray(*command[len("go-") :].split(), built.exe).stdout == output, command
    refused = goxray("goroutines", built.exe)
    assert refused.returncode == 2 and refused.stderr.startswith("goxray: there is no process")


@pytest.fixture(scope="module")
def program() -> Iterator[Live]:
    with live(build("healthy", matrix.newest())) as running:
        yield running


def answered(*words: object) -> Dict[str, Any]:
    done = goxray(*words, "--json")  # type: ignore[arg-type]
    assert done.returncode == 0, done.stdout
    document: Dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.mark.parametrize("stop", [[], ["--stop"]], ids=["running", "stopped"])
def test_a_process_as_in_gdb(program: Live, stop: list[str]) -> None:
    ours = answered("goroutines", "--pid", program.pid, *stop)
    theirs = json.loads(program.gdb("go-goroutines --json", "print 1").outputs[0])
    kept = ("id", "status", "wait_reason", "created_by", "start", "labels", "locked", "parent_id")
    waiting = [
        {each["id"]: {key: each[key] for key in kept} for each in found["goroutines"] if each["wait_reason"] != "sleep"}
        for found in (ours, theirs)
    ]
    assert waiting[0] == waiting[1] and len(waiting[0]) > 10
    assert any("ran on while it was read" in line for line in ours["warnings"]) == (not stop)
    assert procfs.state(program.pid or 0, program.pid or 0) != "T"


def test_arguments_of_a_process(program: Live) -> None:
    assert program.pid
    found = answered("args", "--env", "--pid", program.pid)
    line = Path(f"/proc/{program.pid}/cmdline").read_bytes()
    assert found["args"] == line.decode().split("\0")[:-1]
    assert sorted(found["env"]) == sorted(f"{name}={value}" for name, value in ENVIRONMENT.items())


def test_a_stopped_process_stays_so(program: Live) -> None:
    assert program.pid
    os.kill(program.pid, 19)
    try:
        assert goxray("goroutines", "--pid", program.pid, "--stop").returncode == 0
        assert procfs.state(program.pid, program.pid) == "T"
    finally:
        os.kill(program.pid, 18)


def test_let_go_when_we_are_killed(program: Live) -> None:
    """The helper process sends SIGCONT even after a SIGKILL."""
    assert program.pid
    script = (
        "import os, signal\nfrom shared_core.targets.still import held_still\n"
        f"with held_still({program.pid}):\n    print(open('/proc/{program.pid}/stat').read(), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert done.returncode == -9 and done.stdout.split()[2] == "T"
    end = time.monotonic() + 10
    while procfs.state(program.pid, program.pid) == "T" and time.monotonic() < end:
        time.sleep(0.01)
    assert procfs.state(program.pid, program.pid) != "T"


def test_a_program_that_was_deleted(tmp_path: Path) -> None:
    built = build("healthy", matrix.newest())
    copy = tmp_path / "gone"
    shutil.copy(built.exe, copy)
    with subprocess.Popen([copy], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            while process.stdout.readline().strip() != "ready":
                pass
            copy.unlink()
            copy.write_bytes(b"another file by now")
            found = answered("goroutines", "--pid", process.pid)
            assert any(each["start"]["function"].startswith("main.") for each in found["goroutines"][1:])
            assert found["target"]["executable"] == f"/proc/{process.pid}/exe"
        finally:
            process.kill()


def test_in_other_namespaces() -> None:
    """Another PID and mount namespace: thread ids as seen from here, matched to the Ms' own."""
    built = build("healthy", matrix.newest())
    line = ["unshare", "--pid", "--fork", "--mount", "--mount-proc", built.exe, "spin"]
    with subprocess.Popen(line, env={**os.environ, **ENVIRONMENT}, stdout=subprocess.PIPE, text=True) as outer:
        try:
            assert outer.stdout is not None
            while outer.stdout.readline().strip() != "ready":
                pass
            children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()
            inner = int(children[0])
            in_gdb = run_gdb(["go-goroutines --json", "print 1"], pid=inner)
            for found in (answered("goroutines", "--pid", inner, "--stop"), json.loads(in_gdb.outputs[0])):
                starts = {each["id"]: each["start"]["function"] for each in found["goroutines"]}
                running = [each for each in found["goroutines"] if starts[each["id"]].startswith("main.main.gowrap")]
                assert [each["status"] for each in running] == ["running"]
                assert running[0]["thread"] in procfs.threads(inner)
        finally:
            for child in children:
                os.kill(int(child), 9)
            outer.kill()


@pytest.mark.parametrize(
    "words,message",
    [
        (["goroutines"], "nothing to look at: name a core file ([EXE] CORE) or --pid PID"),
        (["goroutines", "no/such/core"], "no/such/core: no such file; name a core file ([EXE] CORE) or --pid PID"),
        (["goroutines", "README.md"], "README.md: is no ELF file; name a core file ([EXE] CORE) or --pid PID"),
        (["goroutines", "--pid", "999999999"], "there is no process 999999999"),
        (["goroutines", "--stop"], "--stop wants --pid PID"),
    ],
)
def test_nothing_to_look_at(words: list[str], message: str) -> None:
    done = goxray(*words)
    assert (done.stdout, done.stderr, done.returncode) == ("", f"goxray: {message}\n", 2)
    document = json.loads(goxray(*words, "--json").stdout)
    assert document["error"] == message


def test_help() -> None:
    done = goxray("goroutines", "--help")
    assert done.returncode == 0 and done.stdout.startswith("List goroutines")
    assert "--group" in done.stdout
    assert build("healthy", matrix.newest(), flags=PLAIN)
