"""The goxray command: lines go into a debugger's start-up file and come out again, and nothing else changes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import pytest

from shared_core import cli, gdbinit, lldbinit
from shared_core.errors import UserError
from tests.support.paths import ROOT


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "home dir"
    place.mkdir()
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return place


def tree(place: Path) -> Dict[str, Tuple[Optional[bytes], int]]:
    """path -> (contents, None for a directory; mode), for everything below `place`."""
    found = {}
    for path in sorted(place.rglob("*")):
        contents = None if path.is_dir() else path.read_bytes()
        found[str(path.relative_to(place))] = (contents, path.stat().st_mode)
    return found


def test_install_makes_the_file(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["install-gdb"]) == 0
    text = (home / ".config/gdb/gdbinit").read_text()
    assert f'directory "{ROOT}/gdb_go_ext/start"\n' in text
    assert f"{home}/.config/gdb/gdbinit: written" in capsys.readouterr().out


def test_install_twice_changes_nothing(home: Path) -> None:
    cli.main(["install-gdb"])
    before = tree(home)
    assert cli.main(["install-gdb"]) == 0
    assert tree(home) == before


def test_print_changes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["install-gdb", "--print"]) == 0
    assert f'directory "{ROOT}/gdb_go_ext/start"\n' in capsys.readouterr().out
    assert tree(home) == {}


@pytest.mark.parametrize(
    "files",
    [
        {},
        {".config/gdb/gdbinit": b""},
        {".config/gdb/gdbinit": b"set pagination off\n"},
        {".config/gdb/gdbinit": b"no end of line"},
        {".config/gdb/gdbinit": b"\n\n\n"},
        {".config/gdb/gdbinit": b"windows\r\nlines\r\n\xff\xfe"},
        {".gdbinit": b"set confirm off"},
        {".gdbinit": b"old\n", ".config/gdb/gdbinit": b"new\n"},
        {".config/other": b"x"},
    ],
)
def test_uninstall_leaves_everything_as_it_was(home: Path, files: Dict[str, bytes]) -> None:
    for name, contents in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(contents)
        (home / name).chmod(0o640)
    before = tree(home)
    cli.main(["install-gdb"])
    assert tree(home) != before
    cli.main(["install-gdb"])
    assert cli.main(["uninstall-gdb"]) == 0
    assert tree(home) == before


def test_the_file_that_gdb_reads_gets_the_lines(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gdbinit.startup_file() == home / ".config/gdb/gdbinit"
    (home / ".gdbinit").write_text("mine\n")
    assert gdbinit.startup_file() == home / ".gdbinit"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "xdg"))
    assert gdbinit.startup_file() == home / ".gdbinit"
    (home / "xdg/gdb").mkdir(parents=True)
    (home / "xdg/gdb/gdbinit").write_text("")
    assert gdbinit.startup_file() == home / "xdg/gdb/gdbinit"


def test_lines_are_brought_up_to_date_in_place(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home / ".gdbinit"
    path.write_text("one")
    cli.main(["install-gdb"])
    path.write_text(path.read_text() + "two\n")
    monkeypatch.setattr(gdbinit, "lines", lambda: 'directory "/new"\n')
    assert gdbinit.install().what == "written"
    assert 'directory "/new"\n' in path.read_text() and str(ROOT) not in path.read_text()
    cli.main(["uninstall-gdb"])
    assert path.read_text() == "onetwo\n" or path.read_text() == "one\ntwo\n"


def test_lines_added_later_are_kept(home: Path) -> None:
    cli.main(["install-gdb"])
    path = home / ".config/gdb/gdbinit"
    path.write_text(path.read_text() + "set confirm off\n")
    cli.main(["uninstall-gdb"])
    assert path.read_text() == "set confirm off\n"


def test_a_link_stays_a_link(home: Path) -> None:
    (home / "dotfiles").mkdir()
    (home / "dotfiles/gdbinit").write_text("mine\n")
    (home / ".gdbinit").symlink_to("dotfiles/gdbinit")
    cli.main(["install-gdb"])
    assert (home / ".gdbinit").is_symlink() and "goxray" in (home / "dotfiles/gdbinit").read_text()
    cli.main(["uninstall-gdb"])
    assert (home / "dotfiles/gdbinit").read_text() == "mine\n"


def test_half_a_block_is_not_touched(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / ".gdbinit").write_text("# >>> goxray >>>\ndirectory /x\n")
    assert cli.main(["install-gdb"]) == 2
    assert cli.main(["uninstall-gdb"]) == 2
    assert "take it out by hand" in capsys.readouterr().err
    assert (home / ".gdbinit").read_text() == "# >>> goxray >>>\ndirectory /x\n"


def test_uninstall_with_nothing_installed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["uninstall-gdb"]) == 0
    assert "no lines" in capsys.readouterr().out


def test_a_path_that_gdb_cannot_spell() -> None:
    with pytest.raises(UserError):
        gdbinit._quoted(Path('/a"b'))
    with pytest.raises(UserError):
        gdbinit._quoted(Path("/a:b"))


def test_layout_is_handed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from shared_core import layouts

    calls: List[object] = []
    monkeypatch.setattr(layouts, "cli_generate", lambda *given: calls.append(given) or ["there"], raising=False)
    assert cli.main(["layout", "--go", "/go/bin/go"]) == 0
    assert cli.main(["layout", "--go", "/go/bin/go", "--arch", "arm64", "--out", str(tmp_path)]) == 0
    assert calls == [(Path("/go/bin/go"), ["amd64", "arm64"], None), (Path("/go/bin/go"), ["arm64"], tmp_path)]


def test_runs_as_a_module() -> None:
    line = [sys.executable, "-m", "shared_core", "--version"]
    done = subprocess.run(line, cwd=ROOT, env={**os.environ}, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("goxray ")


@pytest.mark.parametrize("before", [None, b"", b"settings set auto-confirm true", b"one\r\n\xff\n"])
def test_lldb_likewise(home: Path, before: Optional[bytes], capsys: pytest.CaptureFixture[str]) -> None:
    start = home / ".lldbinit"
    if before is not None:
        start.write_bytes(before)
    was = tree(home)
    assert cli.main(["install-lldb"]) == 0 and cli.main(["install-lldb"]) == 0
    assert f"sys.path.append('{ROOT}/lldb_go_ext/start')\n" in start.read_bytes().decode(errors="replace")
    assert "written by `goxray install-lldb`" in start.read_bytes().decode(errors="replace")
    assert cli.main(["uninstall-lldb"]) == 0 and tree(home) == was
    assert f"{start}: unchanged" in capsys.readouterr().out


def test_a_path_that_lldb_cannot_spell() -> None:
    with pytest.raises(UserError):
        lldbinit._quoted(Path("/a`b"))
    assert lldbinit._quoted(Path("/a'b")) == '"/a\'b"'
