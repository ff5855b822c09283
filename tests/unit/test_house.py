"""The rules of the house: dependencies point downwards, and every script is what it says."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Iterator, Tuple

import pytest

from tests.support.paths import ROOT
from tests.support.toolchains import toolchain, toolchains

DEBUGGERS = ("gdb", "lldb", "gdb_go_ext", "lldb_go_ext")
CORE_FILES = sorted((ROOT / "shared_core").rglob("*.py"))


def imports(path: Path) -> Iterator[Tuple[str, int]]:
    """(top-level name of an absolute import, line)."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").split(".")[0], node.lineno


@pytest.mark.parametrize("path", CORE_FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_shared_core_imports_no_debugger(path: Path) -> None:
    assert [f"{name}, line {line}" for name, line in imports(path) if name in DEBUGGERS] == []


def test_every_core_module_can_be_imported_where_there_is_no_debugger() -> None:
    modules = [".".join(p.relative_to(ROOT).with_suffix("").parts) for p in CORE_FILES if p.name != "__main__.py"]
    program = (
        "import importlib, sys\n"
        f"for name in {DEBUGGERS!r}: sys.modules[name] = None\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["setup", "test", "demo", "bench", "gdb-batch", "core-handler", "kubernetes/look"])
def test_scripts_can_be_run_and_explain_themselves(name: str) -> None:
    script = ROOT / "scripts" / name
    assert os.access(script, os.X_OK)
    done = subprocess.run([str(script), "--help"], capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd="/")
    assert done.returncode == 0, done.stderr
    assert f"scripts/{name}" in done.stdout


def test_setup_refuses_what_it_does_not_know_in_one_line() -> None:
    for arguments in (["--nonsense"], ["--go", "1.3", "--no-gdbinit"]):
        done = subprocess.run(
            [str(ROOT / "scripts" / "setup"), *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        assert done.returncode != 0
        assert arguments[-1 if arguments[0] == "--nonsense" else 1] in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("minor", [each.minor for each in toolchains()])
def test_toolchains_are_the_pinned_ones(minor: str) -> None:
    chain = toolchain(minor)
    done = subprocess.run(
        [str(chain.go), "env", "GOVERSION"], capture_output=True, text=True, env=chain.environment("amd64")
    )
    assert done.stdout.strip() == f"go{chain.version}"
