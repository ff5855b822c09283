"""The same commands in gdb, in lldb and in goxray: what each of them answers, as documents."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from shared_core import cli

from .gdb import run_gdb
from .lldb import run_lldb

ADAPTERS = ("goxray", "gdb", "lldb")
SECONDS = 60.0


def ask(adapter: str, core: Path, commands: Sequence[str], exe: Optional[Path] = None) -> List[Dict[str, Any]]:
    """The documents of `commands`, named as in gdb and given without --json, on an amd64 core.

    exe: named by the user; without it, the adapter has the core alone. A Python traceback anywhere fails.
    """
    lines = [f"{command} --json" for command in commands]
    if adapter == "goxray":
        return [_goxray(line.split(), *([exe] if exe else []), core) for line in lines]
    run = (run_gdb if adapter == "gdb" else run_lldb)(lines, exe=exe, core=core, timeout=SECONDS)
    assert "Traceback" not in run.stdout + run.stderr and "Python Exception" not in run.stderr, run.stderr
    return [json.loads(output) for output in run.outputs]


def _goxray(words: Sequence[str], *places: Path) -> Dict[str, Any]:
    with redirect_stdout(io.StringIO()) as output, redirect_stderr(io.StringIO()) as errors:
        cli.main([words[0][len("go-") :], *words[1:], *map(str, places)])
    assert "Traceback" not in errors.getvalue()
    document: Dict[str, Any] = json.loads(output.getvalue())
    return document


# Arguments that these commands cannot do without.
_NEEDED = {"go-goroutine": "1", "go-value": "16 int", "go-object": "16", "go-refs": "16", "go-find": "16"}


def with_arguments(command: str) -> str:
    """A command line that parses."""
    return f"{command} {_NEEDED[command]}" if command in _NEEDED else command
