"""layouts.toolchain and cli_generate: what a user hears about a toolchain that does not do, and what it is run with."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared_core.errors import GoxrayError, UserError
from shared_core.layouts import cli_generate
from shared_core.layouts.toolchain import Toolchain


def _go(directory: Path, script: str) -> Path:
    """An executable `go` under `directory`/bin that runs a shell script."""
    path = directory / "bin" / "go"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_missing_go_command(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not run"):
        Toolchain(str(tmp_path / "go"))


def test_command_that_is_no_go(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not tell its version"):
        Toolchain(str(_go(tmp_path, "echo hello")))


def test_goroot_or_command_or_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _go(tmp_path, "echo go1.99.1; echo /goroot")
    for spelled in (str(tmp_path), str(path)):
        assert (Toolchain(spelled).go, Toolchain(spelled).version) == (str(path), "go1.99.1")
    monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")
    assert Toolchain("go").go == str(path)
    assert Toolchain("go").source == "/goroot/src"


def test_users_go_settings_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOFLAGS", "-race")
    monkeypatch.setenv("GOARM64", "v9.0")
    path = _go(tmp_path, 'echo "go1.99.1$GOFLAGS$GOARM64"; echo /goroot')
    assert Toolchain(str(path)).version == "go1.99.1-mod=mod"


@pytest.mark.parametrize("version", ["go1.4.2", "devel +abcdef"])
def test_version_that_cannot_be_measured(tmp_path: Path, version: str) -> None:
    path = _go(tmp_path, f'echo "{version}"; echo /goroot')
    with pytest.raises(UserError, match="cannot be measured"):
        cli_generate(str(path), ["amd64"], str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_failing_build_gives_the_compilers_last_line(tmp_path: Path) -> None:
    path = _go(tmp_path, 'test "$1" = build && { echo first >&2; echo broken >&2; exit 1; }; echo go1.27.3; echo /r')
    with pytest.raises(UserError, match="broken"):
        cli_generate(str(path), ["amd64"], str(tmp_path / "out"))


def test_unknown_architecture(tmp_path: Path) -> None:
    path = _go(tmp_path, "echo go1.27.3; echo /r")
    with pytest.raises(GoxrayError, match="riscv64"):
        cli_generate(str(path), ["riscv64"], str(tmp_path / "out"))
