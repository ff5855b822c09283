"""The gdb adapter in real gdb: loading, help, completion, errors, status, sessions, the user's selection."""

from __future__ import annotations

import re
from pathlib import Path
from typing import List

import pytest

from shared_core.commands import names
from tests.support import matrix
from tests.support.adapters import with_arguments
from tests.support.build import build
from tests.support.cores import Core, crash_core, healthy_core
from tests.support.gdb import GdbRun, live, on_core, run_gdb, run_under_gdb
from tests.support.paths import GDB_EXTENSION, ROOT

COMMANDS = "python print([c for c in gdb.execute('complete go-', to_string=True).split() if c != 'go-'])"
# `current` and `target` for what follows; prints the session's identity and the number of threads.
SESSION = (
    "python from gdb_go_ext.sessions import SESSIONS; current = SESSIONS.current; "
    "target = lambda: current().target; print(id(current()), len(target().threads()))"
)


@pytest.fixture(scope="module")
def core() -> Core:
    return crash_core(matrix.newest())


def lines(run: GdbRun, index: int) -> List[str]:
    return run.outputs[index].splitlines()


@pytest.mark.parametrize(
    "load",
    [
        [f"source {GDB_EXTENSION}"],
        [f"source {GDB_EXTENSION}", f"source {GDB_EXTENSION}", "python import gdb_go_ext"],
        [f"python import sys; sys.path.append({str(ROOT)!r}); import gdb_go_ext"],
    ],
    ids=["source", "again", "import"],
)
@pytest.mark.parametrize("cwd", [Path("/"), ROOT, ROOT / "gdb_go_ext"], ids=["root", "checkout", "package"])
def test_loads(load: List[str], cwd: Path) -> None:
    run = run_gdb([*load, COMMANDS, "print $_go_status"], extension=False, cwd=cwd)
    assert run.stderr == ""
    assert lines(run, -2) == [str(sorted(names()))]
    assert lines(run, -1) == ["$1 = 0"]


def test_a_script_that_sources_it(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(f"import gdb\ngdb.execute('source {GDB_EXTENSION}')\n")
    run = run_gdb([f"source {script}", COMMANDS], extension=False)
    assert (run.stderr, lines(run, 1)) == ("", [str(sorted(names()))])


def test_loading_leaves_nothing_behind() -> None:
    left = "python print(sorted(n for n in globals() if 'go' in n), [p for p in __import__('sys').path if p == %r])"
    assert lines(run_gdb([left % str(ROOT)]), 0) == ["[] []"]


def test_loading_imports_nothing_heavy() -> None:
    heavy = {"elftools", "capstone", "tabulate", "argparse", "json", "shared_core.session"}
    modules = lines(run_gdb(["python print(*__import__('sys').modules)"]), 0)[0].split()
    already = lines(run_gdb(["python print(*__import__('sys').modules)"], extension=False), 0)[0].split()
    assert heavy & (set(modules) - set(already)) == set()


def test_loading_imports_little() -> None:
    """What takes time to import comes with the first command."""
    heavy = "elftools capstone tabulate argparse shared_core.session shared_core.layouts"
    run = run_gdb([f"python import sys; print([name for name in '{heavy}'.split() if name in sys.modules])"])
    assert lines(run, 0) == ["[]"]


def test_help_and_completion() -> None:
    run = run_gdb(["help go-info", "complete go-info --js", "complete go-info --json --out", "complete go-info --x"])
    assert "Usage: go-info" in run.outputs[0] and "--output FILE" in run.outputs[0]
    assert [lines(run, i) for i in (1, 2, 3)] == [["go-info --json"], ["go-info --json --output"], []]


def test_go_debug() -> None:
    run = run_gdb(["show go-debug", "set go-debug on", "show go-debug", "help set go-debug"])
    said = "Whether errors of the go- commands come with a Python traceback"
    assert [lines(run, i) for i in (0, 1, 2)] == [[f"{said}: off."], [], [f"{said}: on."]]
    assert lines(run, 3)[0] == "Set whether errors of the go- commands come with a Python traceback."
    assert "an error is then one line" in run.outputs[3]


@pytest.mark.parametrize("command", names())
def test_no_program(command: str) -> None:
    run = run_gdb([with_arguments(command), "print $_go_status"])
    assert run.stderr == "no program: load one with `file`, `core-file`, `attach` or `run`\n"
    assert lines(run, 1) == ["$1 = 2"]


def test_errors_are_one_line_and_a_traceback_only_when_wanted() -> None:
    run = run_gdb(["go-info --no-such"])
    assert (run.stderr, run.code) == ("go-info: unrecognized arguments: --no-such (see go-info --help)\n", 1)
    run = run_gdb(["set go-debug on", "go-info"])
    assert run.stderr.startswith("Traceback") and run.stderr.endswith("`run`\n")


def test_json_errors_are_documents() -> None:
    run = run_gdb(["go-info --json"])
    assert '"error": "no program' in run.outputs[0] and run.stderr.startswith("no program")


def test_not_a_go_program() -> None:
    run = run_gdb(["go-info", "go-symbols"], exe=Path("/bin/true"))
    assert len(run.stderr.splitlines()) == 2 and "Traceback" not in run.stderr


def test_the_worst_status_stays(core: Core) -> None:
    run = on_core(
        core, "go-info", "print $_go_status", "go-info --bad", "go-info", "print $_go_status", "quit $_go_status"
    )
    assert [lines(run, i) for i in (1, 4)] == [["$1 = 0"], ["$2 = 2"]]
    assert run.code == 2
    assert on_core(core, "go-info", "set $_go_status = 0", "go-info", "quit $_go_status").code == 0
    assert on_core(core, 'set $_go_status = "odd"', "go-info", "quit $_go_status").code == 0


def test_output_is_written_and_nothing_printed(core: Core, tmp_path: Path) -> None:
    run = on_core(core, f"go-info --json --output {tmp_path}/info.json")
    assert run.outputs == [""]
    assert (tmp_path / "info.json").read_text().startswith('{"schema": "goxray.go-info/1"')


def test_the_users_selection_and_settings_stay(core: Core) -> None:
    look = ["thread", "frame", "show width", "show pagination", "show confirm"]
    moved = ["set width 70", "thread 2", "up"]
    asked = ["go-info", "go-goroutines", SESSION, "python print([x.selected for x in target().threads()])"]
    run = on_core(core, *moved, *look, *asked, *look)
    before, after = run.outputs[3 : 3 + len(look)], run.outputs[-len(look) :]
    assert "Current thread is 2" in before[0] and re.match(r"#1 ", before[1])
    assert before == after
    assert lines(run, -len(look) - 1)[-1].startswith("[False, True")


def test_threads_come_without_gdbs_warnings(core: Core) -> None:
    quiet = on_core(core, "echo").stderr
    run = on_core(core, SESSION)
    assert run.stderr == quiet and int(run.outputs[0].split()[1]) > 1


def test_a_session_lasts_as_long_as_its_program(core: Core) -> None:
    other = healthy_core(matrix.newest())
    change = [f"file {other.exe}", f"core-file {other.core}"]
    back = [f"file {core.exe}", f"core-file {core.core}"]
    run = on_core(core, SESSION, SESSION, *change, SESSION, *back, SESSION)
    first, second, third, last = (run.outputs[i].split()[-2:] for i in (0, 1, 4, 7))
    assert first == second != third
    assert last[1] == first[1]


def test_a_session_forgets_when_the_program_moves() -> None:
    word = "python print(hex(current().memory.u64(int(gdb.parse_and_eval('(long)$sp')))))"
    pointers = "[x.registers['sp'] for x in target().threads() if x.selected]"
    # Not $sp: gdb 13 itself goes on showing the old one after `set $sp`, in some runs of a hundred.
    same = f"python print({pointers} == [int(gdb.newest_frame().read_register('sp'))])"
    steps = [word, "set {long}$sp = 0x1234", word, same, "set $sp = $sp - 64", same, "stepi", same, SESSION]
    run = run_under_gdb(build("healthy", matrix.newest()), SESSION, *steps)
    assert lines(run, 1) != lines(run, 3) == ["0x1234"]
    assert [lines(run, i) for i in (4, 6, 8)] == [["True"]] * 3
    assert run.outputs[0] == run.outputs[-1]


def test_a_running_program_must_stop_first() -> None:
    with live(build("healthy", matrix.newest())) as program:
        run = program.gdb("continue&", "go-info", "interrupt")
    assert "the program is running: stop it first (`interrupt`)" in run.stderr


def test_a_process_that_has_ended() -> None:
    run = run_under_gdb(build("hello", matrix.newest()), "go-info", "go-goroutines")
    assert "there is no process" in run.stderr and "Go" in run.outputs[0]
