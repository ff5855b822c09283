"""Commands: parsing, help, running, output files, and what becomes of errors."""

from __future__ import annotations

import argparse
import json
import os
import sys
import types
from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest

from shared_core import commands
from shared_core.commands import arguments, help_build, help_texts, runner
from shared_core.commands.base import FOUND, Command, Result, add_limit, address
from shared_core.errors import LayoutError, NotGoError, UserError
from tests.support.fake import small_program


class FakeSession:
    """What the runner asks a session for: the facts of a JSON document."""

    def __init__(self) -> None:
        self.target = small_program()
        self.program = types.SimpleNamespace(go_version="go1.27.3", image=types.SimpleNamespace(path="/bin/prog"))

    @property
    def layout(self) -> object:
        raise LayoutError("no layout fits go1.99")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs="*", type=address, metavar="ID", help="which ones")
    parser.add_argument("-t", "--stacks", nargs="?", const=50, type=int, metavar="DEPTH", help="with stacks")
    parser.add_argument("--sort", choices=["id", "wait"], default="id", help="default: %(default)s")
    add_limit(parser)


def _run(session: Any, options: argparse.Namespace) -> Result:
    if options.ids == [13]:
        raise ZeroDivisionError("odd\nthing")
    if options.ids == [14]:
        raise KeyboardInterrupt
    if options.ids == [15]:
        raise NotGoError("not a Go program")
    return Result("go-test", vars(options), ["careful"], FOUND)


COMMAND = Command(
    "go-test", "Test things.", _run, _arguments, "Examples:\n  go-test 5", lambda s, words, word: ["12", "21"]
)


@pytest.fixture(autouse=True)
def test_command(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    module: Any = types.ModuleType("shared_core.render.test")
    module.text = lambda body: f"ids {body['ids']} limit {body['limit']}\n"
    module.document = lambda body: {"ids": body["ids"]}
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(commands, "_extra", {"go-test": COMMAND})
    yield


def run(words: Any, debug: bool = False) -> runner.Outcome:
    return runner.run(FakeSession, "go-test", words, debug)  # type: ignore[arg-type]


def test_text_ends_with_warnings() -> None:
    assert run("1 0x10 --limit 3") == runner.Outcome("ids [1, 16] limit 3\nwarning: careful\n", FOUND)


def test_words_may_come_as_a_list() -> None:
    assert run(["7"]).text.startswith("ids [7]")


def test_json_begins_with_the_targets_facts() -> None:
    found = json.loads(run("5 --json").text)
    assert found == {
        "schema": "goxray.go-test/1",
        "target": {
            "go_version": "go1.27.3", "arch": "amd64", "kind": "core", "executable": "/bin/prog",
            "layout": None, "layout_source": None,
        },
        "warnings": ["careful", "target.layout, target.layout_source: no layout fits go1.99"],
        "ids": [5],
    }  # fmt: skip


@pytest.mark.parametrize(
    "words,error",
    [
        ("--no-such", "go-test: unrecognized arguments: --no-such (see go-test --help)"),
        ("--limit x", "go-test: argument --limit: invalid number value: 'x' (see go-test --help)"),
        ("--limit -1", "go-test: argument --limit: invalid number value: '-1' (see go-test --help)"),
        ("'open", "cannot split the arguments: no closing quotation: 'open"),
        ("15", "not a Go program"),
        ("14", "interrupted"),
        ("13", "internal error: ZeroDivisionError: odd thing; `set go-debug on` shows the traceback"),
    ],
)
def test_errors_are_one_line(words: str, error: str) -> None:
    outcome = run(words)
    assert outcome == runner.Outcome("", 2, error)
    assert runner.execute(FakeSession, "go-test", words) == (f"error: {error}\n", 2)  # type: ignore[arg-type]


def test_an_error_in_json_mode_is_a_document() -> None:
    outcome = run("15 --json")
    assert json.loads(outcome.text)["error"] == outcome.error == "not a Go program"
    assert json.loads(run("--json --no-such").text)["error"].startswith("go-test: unrecognized")
    assert json.loads(run("--json 'open").text)["schema"] == "goxray.go-test/1"


def test_a_traceback_only_for_debugging() -> None:
    assert run("13").trace == ""
    assert "ZeroDivisionError" in run("13", debug=True).trace


def test_a_session_that_cannot_be_made() -> None:
    def no_program() -> Any:
        raise UserError("no program")

    assert runner.run(no_program, "go-test", "").error == "no program"
    assert runner.run(no_program, "go-test", "--help").status == 0


def test_output_goes_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "out file.txt"
    outcome = run(f"5 --output '{path}'")
    assert outcome == runner.Outcome("", FOUND)
    assert path.read_text() == "ids [5] limit None\nwarning: careful\n"
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask


def test_output_replaces_what_a_link_points_to(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    run(["--output", str(link)])
    assert link.is_symlink() and real.read_text().startswith("ids") and real.stat().st_mode & 0o777 == 0o640


def test_output_that_cannot_be_written(tmp_path: Path) -> None:
    assert run(f"--output {tmp_path}/no/file").error == f"cannot write {tmp_path}/no/file: No such file or directory"
    assert run(f"--output {tmp_path}").error == f"cannot write {tmp_path}: Is a directory"
    assert list(tmp_path.iterdir()) == []


def test_a_failed_command_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    path.write_text("kept")
    assert run(f"15 --output {path}").status == 2
    assert path.read_text() == "kept"


HELP = """\
Test things.

Usage: go-test [-h] [ID ...] [-t [DEPTH]] [--sort id|wait] [--limit N] [--json]
               [--output FILE]

  -h, --help              print this help
  [ID ...]                which ones
  -t, --stacks [DEPTH]    with stacks
  --sort id|wait          default: id
  --limit N               show at most N entries
  --json                  print one JSON document
  --output, -o FILE       write the answer to FILE instead of printing it

Examples:
  go-test 5
"""


def test_help() -> None:
    assert arguments.help_text(COMMAND) == HELP
    assert run("--help") == run("5 -h --no-such") == runner.Outcome(HELP, 0)


@pytest.mark.parametrize(
    "word,found",
    [("--s", ["--sort", "--stacks"]), ("--json", ["--json"]), ("1", ["12"]), ("", ["12", "21"]), ("--x", [])],
)
def test_completion(word: str, found: List[str]) -> None:
    assert runner.complete(FakeSession, "go-test", [], word) == found  # type: ignore[arg-type]


def test_completion_never_fails() -> None:
    def broken() -> Any:
        raise RuntimeError

    assert runner.complete(broken, "go-test", [], "1") == []
    assert runner.complete(broken, "go-nothing", [], "--") == []


@pytest.mark.parametrize("text,value", [("16", 16), ("0x10", 16), ("0xffffffffffffffff", (1 << 64) - 1)])
def test_address(text: str, value: int) -> None:
    assert address(text) == value


@pytest.mark.parametrize("parse,text", [(address, "-1"), (address, "0x10000000000000000"), (address, "main")])
def test_bad_address(parse: Callable[[str], int], text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)


def test_every_command_is_what_the_registry_says() -> None:
    for entry in commands.REGISTRY:
        command = commands.find(entry.name)
        assert (command.name, command.help) == (entry.name, entry.help)


def test_the_kept_help_is_what_the_commands_say() -> None:
    """Run `python -m shared_core.commands.help_build` when this fails."""
    assert help_build.texts() == help_texts.TEXTS


def test_help_survives_being_kept() -> None:
    kept: Any = {}
    odd = {"go-x": 'back \\ slash \\n, quotes """ and "\n'}
    exec(help_build.module_text(odd), kept)
    assert kept["TEXTS"] == odd
