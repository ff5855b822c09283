"""The lldb adapter in real lldb: help, errors, status, exit codes, sessions, the user's selection."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import List

import pytest

from shared_core.commands import names
from tests.support import matrix
from tests.support.adapters import with_arguments
from tests.support.build import build
from tests.support.cores import Core, crash_core, healthy_core
from tests.support.gdb import live
from tests.support.lldb import IMPORT, SELECT, LldbRun, environment, lldb, on_core, on_live, run_lldb, run_under_lldb

STATUS = "script lldb_go_ext.status()"
# Prints the session's identity, the number of threads, and which of them are selected.
SESSION = (
    "script from lldb_go_ext.sessions import SESSIONS; s = SESSIONS.current(lldb.debugger); "
    "print(id(s), len(s.target.threads()), [t.number for t in s.target.threads() if t.selected])"
)


@pytest.fixture(scope="module")
def core() -> Core:
    return crash_core(matrix.newest())


def last(run: LldbRun, index: int) -> str:
    return run.outputs[index].strip().splitlines()[-1]


def test_help() -> None:
    run = run_lldb(["help go-info", "help go-debug", "go-info --help"])
    assert "Which Go built this program" in run.outputs[0] and "--output FILE" in run.outputs[0]
    assert "go-debug [on|off]" in run.outputs[1]
    assert run.outputs[2].startswith("Which Go built this program") and run.stderr == ""


def test_no_program() -> None:
    commands = [with_arguments(name) for name in names()]
    run = run_lldb([*commands, STATUS])
    line = "error: no program: load one with `target create`, `process attach` or `process launch`\n"
    assert run.stderr == line * len(commands) and last(run, -1) == "2"


def test_errors_are_one_line_and_a_traceback_only_when_wanted() -> None:
    run = run_lldb(["go-info --no-such", "go-info --json"])
    first, second = run.stderr.splitlines()
    assert first == "error: go-info: unrecognized arguments: --no-such (see go-info --help)"
    assert second.startswith("error: no program") and json.loads(run.outputs[1])["error"].startswith("no program")
    run = run_lldb(["go-debug on", "go-debug", "go-info", "go-debug maybe"])
    assert "Traceback" in run.stderr and run.outputs[1].strip().endswith(": on.")
    assert run.stderr.endswith('error: go-debug: "on" or "off" expected\n')


def test_not_a_go_program() -> None:
    run = run_lldb(["go-info", "go-symbols"], exe=Path("/bin/true"))
    assert len(run.stderr.splitlines()) == 2 and "Traceback" not in run.stderr


@pytest.mark.parametrize("commands,code", [(["go-info"], 0), (["go-info --bad", "go-info"], 1)])
def test_exit_codes(core: Core, commands: List[str], code: int, tmp_path: Path) -> None:
    """lldb's batch mode ends with 1 at the first command that fails; lldb_go_ext.quit() ends with the worst status."""
    line = [lldb(), "--no-lldbinit", "--batch", "--core", str(core.core), str(core.exe), "-o", IMPORT]
    quitting = ["-o", "script lldb_go_ext.quit()"]
    line += [word for each in commands for word in ("-o", each)] + quitting
    done = subprocess.run(line, env=environment(str(tmp_path)), stdin=subprocess.DEVNULL, capture_output=True)
    assert done.returncode == code


def test_quit_with_the_worst_status(core: Core) -> None:
    assert on_core(core, "go-info", "script lldb_go_ext.quit()").code == 0
    assert on_core(core, "go-info --bad", "go-info", "script lldb_go_ext.quit()").code == 2


def test_output_is_written_and_nothing_printed(core: Core, tmp_path: Path) -> None:
    run = on_core(core, f"go-info --json --output {tmp_path}/info.json")
    assert run.outputs == [""]
    assert (tmp_path / "info.json").read_text().startswith('{"schema": "goxray.go-info/1"')


def test_the_users_selection_stays_and_counts(core: Core) -> None:
    look = ["thread info", "frame info"]
    commands = [name for name in names() if name != "go-load-symbols"]  # from which on lldb shows more
    run = on_core(core, SESSION, SELECT.format(2), *look, *commands[:5], SESSION, *look, "go-threads")
    assert run.outputs[2:4] == run.outputs[10:12] and "thread #2" in run.outputs[2]
    assert last(run, 0).endswith("[1]") and last(run, 9).endswith("[2]")
    marked = [row for row in run.outputs[12].splitlines() if row.startswith("*")]
    assert len(marked) == 1 and " 2 (" in marked[0]


def test_a_session_lasts_as_long_as_its_program(core: Core) -> None:
    other = healthy_core(matrix.newest())
    create = f"target create {other.exe} --core {other.core}"
    run = on_core(core, SESSION, SESSION, create, SESSION, "target select 0", SESSION, "target delete 0", SESSION)
    first, second, third, fourth, left = (last(run, i).split() for i in (0, 1, 3, 5, 7))
    assert first == second == fourth != third
    assert third[1:] == left[1:]


def test_two_targets_keep_their_sessions(core: Core) -> None:
    run = on_core(core, "go-args", f"target create {healthy_core('1.24').exe}", "go-info", "target select 0", "go-args")
    assert run.outputs[0] == run.outputs[4] and "go1.24" in run.outputs[2]


def test_a_session_follows_the_program() -> None:
    """Memory and registers that the user changes, and steps."""
    look = (
        "script from lldb_go_ext.sessions import SESSIONS; s = SESSIONS.current(lldb.debugger); "
        "r = [t.registers for t in s.target.threads() if t.selected][0]; f = lldb.debugger.GetSelectedTarget().process"
        ".GetSelectedThread().GetFrameAtIndex(0); print(r['sp'] == f.GetSP(), r['pc'] == f.GetPC(), "
        "hex(s.memory.u64(f.GetSP())))"
    )
    change = ["memory write -s 8 $sp 0x1234", look, "register write rsp `$sp - 64`", look, "thread step-inst", look]
    run = run_under_lldb(build("healthy", matrix.newest()), look, *change)
    assert last(run, 2) == "True True 0x1234"
    assert [last(run, i).split()[:2] for i in (0, 4, 6)] == [["True", "True"]] * 3, run.stderr


def test_a_running_program_must_stop_first() -> None:
    busy = "script lldb.debugger.SetAsync(True); lldb.debugger.HandleCommand('continue')"
    with live(build("healthy", matrix.newest())) as program:
        run = on_live(program, busy, "go-info", "process interrupt")
    assert "the program is running: stop it first (`process interrupt`)" in run.stderr


def test_a_process_that_has_ended() -> None:
    run = run_under_lldb(build("hello", matrix.newest()), "go-info", "go-goroutines")
    assert "there is no process" in run.stderr and "Go version" in run.outputs[0]


def test_a_program_goes_on_when_lldb_lets_go() -> None:
    with live(build("healthy", matrix.newest())) as program:
        run = on_live(program, "go-goroutines --all", "go-traceback --all", "detach")
        state = Path(f"/proc/{program.pid}/status").read_text()
    assert "main.parkAll" in run.outputs[0]
    assert "\nTracerPid:\t0\n" in state and "\nState:\tT" not in state


def test_a_cut_core(core: Core, tmp_path: Path) -> None:
    """What is left is told, and nothing is made up."""
    data = core.core.read_bytes()
    cut = tmp_path / "core"
    cut.write_bytes(data[: len(data) // 2])
    run = run_lldb([*names(), "go-goroutines --json"], exe=core.exe, core=cut)
    assert "Traceback" not in run.stderr and "internal error" not in run.stderr
    assert "Go version" in run.outputs[0] and "main.main" in run.outputs[names().index("go-symbols")]
    listed = json.loads(run.outputs[-1])
    whole = {each["id"]: each for each in json.loads(on_core(core, "go-goroutines --json").outputs[0])["goroutines"]}
    for each in listed.get("goroutines", []):
        assert each["created_by"] == whole[each["id"]]["created_by"]
        assert each["user_frame"] in (None, whole[each["id"]]["user_frame"])
