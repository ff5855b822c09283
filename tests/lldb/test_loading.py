"""Loading in lldb: by path, by name once installed, and where something is amiss."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Optional

import pytest

from shared_core.commands import names
from tests.support.lldb import EXTENSION, IMPORT, environment, lldb, run_lldb
from tests.support.paths import ROOT

LOADED = "script lldb.debugger.GetCommandInterpreter().UserCommandExists('go-info')"
PACKAGES = "script import elftools, os; print(os.path.dirname(os.path.dirname(elftools.__file__)))"
MINOR = "script import sys; print('%d.%d' % sys.version_info[:2])"


def said(*commands: str, extension: bool = False) -> list[str]:
    """What each of the commands printed, with or without the extension loaded before."""
    return [output.strip() for output in run_lldb(commands, extension=extension).outputs]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages by themselves, with no .venv beside them, in a directory with a blank in its name."""
    place = tmp_path / "some where"
    for package in ("lldb_go_ext", "shared_core"):
        shutil.copytree(ROOT / package, place / package, ignore=shutil.ignore_patterns("__pycache__", "data"))
    return place


@pytest.mark.parametrize(
    "load,cwd",
    [([IMPORT], Path("/")), ([IMPORT, IMPORT], EXTENSION), ([f'{IMPORT[:-1]}/__init__.py"'], ROOT)],
    ids=["path", "again", "file"],
)
def test_loads(load: list[str], cwd: Path) -> None:
    exist = f"script print([lldb.debugger.GetCommandInterpreter().UserCommandExists(n) for n in {names()!r}])"
    run = run_lldb([*load, exist, "script lldb_go_ext.status()"], extension=False, cwd=cwd)
    assert run.stderr == ""
    assert [output.strip() for output in run.outputs[-2:]] == [str([True] * len(names())), "0"]


def test_loading_imports_nothing_heavy() -> None:
    heavy = {"elftools", "capstone", "tabulate", "argparse", "json", "shared_core.session"}
    modules = "script print(*__import__('sys').modules)"
    (loaded,), (alone,) = said(modules, extension=True), said(modules)
    assert heavy & (set(loaded.split()) - set(alone.split())) == set()


def test_missing_dependencies_are_one_line(copy: Path) -> None:
    run = run_lldb([f'command script import "{copy}/lldb_go_ext"', LOADED, MINOR], extension=False)
    minor = run.outputs[2].strip()
    assert len(run.stderr.splitlines()) == 1
    assert f"goxray does not find capstone, pyelftools and tabulate in lldb's Python {minor}" in run.stderr
    assert f"python{minor} -m pip install --target " in run.stderr
    assert (run.outputs[1].strip(), run.code) == ("False", 0)


def test_an_old_python_is_one_line() -> None:
    old = "script import sys; sys.version_info = (3, 6, 9, 'final', 0); sys.version = '3.6.9 (default)'"
    run = run_lldb([old, IMPORT, LOADED], extension=False)
    assert run.stderr.startswith("goxray needs Python 3.9 or newer in lldb, and this lldb has Python 3.6.9 (")
    assert len(run.stderr.splitlines()) == 1 and run.outputs[2].strip() == "False"


def goxray(package: Path, home: Path, *words: str) -> str:
    line = [sys.executable, "-m", "shared_core", *words]
    variables = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(package)}
    return subprocess.run(line, env=variables, cwd=home, capture_output=True, text=True, check=True).stdout


def user_lldb_loads(home: Path, cwd: Path) -> bool:
    """Whether a user's own lldb, start-up file and all, finds the commands and what they need."""
    line = [lldb(), "--batch"]
    for command in ("command script import lldb_go_ext", LOADED, PACKAGES):
        line += ["-o", command]
    done = subprocess.run(
        line, env=environment(str(home)), cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    return done.returncode == 0 and "\nTrue\n" in done.stdout and "site-packages" in done.stdout


@pytest.mark.parametrize("own", [None, "settings set auto-confirm true"])
def test_import_works_from_any_directory_once_installed(tmp_path: Path, own: Optional[str]) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "else where"
    elsewhere.mkdir()
    home.mkdir()
    start = home / ".lldbinit"
    if own:
        start.write_text(own)
    assert not user_lldb_loads(home, elsewhere)
    goxray(ROOT, home, "install-lldb")
    for cwd in (elsewhere, ROOT):
        assert user_lldb_loads(home, cwd), cwd
    goxray(ROOT, home, "install-lldb")
    goxray(ROOT, home, "uninstall-lldb")
    assert start.read_text() == own if own else not start.exists()


def test_a_path_with_blanks_and_the_recorded_packages(copy: Path, tmp_path: Path) -> None:
    """The copy has no .venv: lldb finds the dependencies by what install-lldb wrote down."""
    home = tmp_path / "home"
    home.mkdir()
    goxray(copy, home, "install-lldb")
    assert user_lldb_loads(home, tmp_path)


def test_printed_lines_do_when_pasted(tmp_path: Path) -> None:
    (tmp_path / ".lldbinit").write_text(goxray(ROOT, tmp_path, "install-lldb", "--print"))
    assert user_lldb_loads(tmp_path, Path("/"))
