"""Loading where something is amiss or unusual: dependencies, Python, the user's start-up file."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Optional

import pytest

from tests.support.gdb import run_gdb
from tests.support.paths import ROOT

LOADED = "python print(bool(gdb.execute('complete go-inf', to_string=True)))"
IMPORTS = "python import elftools, capstone, tabulate; print(True)"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages by themselves, with no .venv beside them, in a directory with a blank in its name."""
    place = tmp_path / "some where"
    for package in ("gdb_go_ext", "shared_core"):
        shutil.copytree(ROOT / package, place / package, ignore=shutil.ignore_patterns("__pycache__", "data"))
    return place


@pytest.mark.parametrize(
    "name",
    [
        *("gdb_go_ext/__init__.py", "gdb_go_ext/bootstrap.py", "shared_core/__init__.py", "shared_core/embedded.py"),
        *("lldb_go_ext/__init__.py", "lldb_go_ext/bootstrap.py", "lldb_go_ext/start/lldb_go_ext.py"),
        "lldb_go_ext/plugin/goxray_goroutines.py",
    ],
)
def test_any_python_can_read_what_checks_python(name: str) -> None:
    ast.parse((ROOT / name).read_text(), feature_version=(3, 4))


def gdb_minor() -> str:
    run = run_gdb(["python import sys; print('%d.%d' % sys.version_info[:2])"], extension=False)
    return run.outputs[0].strip()


def test_missing_dependencies_are_one_line(copy: Path) -> None:
    run = run_gdb([f"source {copy}/gdb_go_ext/__init__.py", LOADED], extension=False)
    minor = gdb_minor()
    assert len(run.stderr.splitlines()) == 1
    assert f"goxray does not find capstone, pyelftools and tabulate in gdb's Python {minor}" in run.stderr
    assert f"python{minor} -m pip install --target " in run.stderr
    assert (run.outputs[1].strip(), run.code) == ("False", 0)


def test_a_checkout_names_its_own_remedy(copy: Path) -> None:
    (copy / "scripts").mkdir()
    (copy / "scripts" / "setup").touch(0o755)
    run = run_gdb([f"source {copy}/gdb_go_ext/__init__.py"], extension=False)
    assert run.stderr.endswith(f"; run: {copy}/scripts/setup\n")


@pytest.mark.parametrize("minor,found", [("", "True"), ("3.2", "False")])
def test_a_venv_of_another_python_is_left_alone(copy: Path, minor: str, found: str) -> None:
    site = copy / ".venv" / "lib" / f"python{minor or gdb_minor()}" / "site-packages"
    site.parent.mkdir(parents=True)
    site.symlink_to(packages())
    run = run_gdb([f"source {copy}/gdb_go_ext/__init__.py", LOADED], extension=False)
    assert run.outputs[1].strip() == found


def test_installed_by_pip(copy: Path, tmp_path: Path) -> None:
    site = tmp_path / "lib" / f"python{gdb_minor()}" / "site-packages"
    site.parent.mkdir(parents=True)
    copy.rename(site)
    for package in ("elftools", "capstone", "tabulate"):
        found = packages() / package if (packages() / package).is_dir() else packages() / f"{package}.py"
        (site / found.name).symlink_to(found)
    run = run_gdb([f"source {site}/gdb_go_ext/__init__.py", LOADED, IMPORTS], extension=False)
    assert (run.stderr, run.outputs[1:]) == ("", ["True\n", "True\n"])


def packages() -> Path:
    """Where this checkout's gdb finds the dependencies."""
    run = run_gdb(["python import elftools; print(elftools.__file__)"])
    return Path(run.outputs[0].strip()).parents[1]


def test_an_old_python_is_one_line() -> None:
    old = "python import sys; sys.version_info = (3, 6, 9, 'final', 0); sys.version = '3.6.9 (default)'"
    run = run_gdb([old, f"source {ROOT}/gdb_go_ext/__init__.py", LOADED], extension=False)
    assert run.stderr.startswith("goxray needs Python 3.9 or newer in gdb, and this gdb has Python 3.6.9 (")
    assert len(run.stderr.splitlines()) == 1 and run.outputs[2].strip() == "False"


def goxray(package: Path, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(package)}
    line = [sys.executable, "-m", "shared_core", *words]
    return subprocess.run(line, env=environment, cwd=home, capture_output=True, text=True, check=True)


def gdb_of_user(home: Path, cwd: Path, *commands: str) -> str:
    """What a user's own gdb, start-up file and all, prints."""
    line = ["gdb", "-q", "-batch", *(word for command in commands for word in ("-ex", command))]
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        line, env=environment, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    return done.stdout + done.stderr


def user_gdb_loads(home: Path, cwd: Path) -> bool:
    return gdb_of_user(home, cwd, "source gdb_go_ext", LOADED, IMPORTS) == "True\nTrue\n"


@pytest.mark.parametrize("own", [None, ".gdbinit", ".config/gdb/gdbinit"])
def test_source_works_from_any_directory_once_installed(tmp_path: Path, own: Optional[str]) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "else where"
    elsewhere.mkdir()
    home.mkdir()
    if own:
        (home / own).parent.mkdir(parents=True, exist_ok=True)
        (home / own).write_text("set $mine = 42\n")
    assert not user_gdb_loads(home, elsewhere)
    goxray(ROOT, home, "install-gdb")
    for cwd in (elsewhere, home, ROOT, ROOT / "gdb_go_ext", Path("/")):
        assert user_gdb_loads(home, cwd), cwd
    assert gdb_of_user(home, home, "print $mine") == ("$1 = 42\n" if own else "$1 = void\n")
    goxray(ROOT, home, "uninstall-gdb")
    assert not user_gdb_loads(home, elsewhere)


def test_a_path_with_blanks_and_the_recorded_packages(copy: Path, tmp_path: Path) -> None:
    """The copy has no .venv: gdb finds the dependencies by what install-gdb wrote down."""
    home = tmp_path / "home"
    home.mkdir()
    goxray(copy, home, "install-gdb")
    assert user_gdb_loads(home, tmp_path)


def test_printed_lines_do_when_pasted(tmp_path: Path) -> None:
    printed = goxray(ROOT, tmp_path, "install-gdb", "--print").stdout
    (tmp_path / ".gdbinit").write_text(printed)
    assert user_gdb_loads(tmp_path, Path("/"))


def test_says_so_when_what_was_installed_is_gone(copy: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    goxray(copy, home, "install-gdb")
    shutil.rmtree(copy / "gdb_go_ext")
    assert "Traceback" not in gdb_of_user(home, tmp_path, "source gdb_go_ext")
