"""Runs all commands where some of them cannot answer, and checks what may be expected everywhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import List, Optional, Tuple

from tests.e2e.answers import lines_of
from tests.support.gdb import GdbRun, run_gdb

COMMANDS = [
    "go-info", "go-goroutines", "go-goroutine 1", "go-traceback --all", "go-args --env", "go-args --frame",
    "go-stackmap", "go-symbols ^main\\.main$",
]  # fmt: skip
SECONDS = 60.0
GDBS_OWN = re.compile(r"^(BFD: )?warning: |^Failed to read a valid object file image|^$")


def clean(exe: Optional[Path], core: Optional[Path] = None, commands: List[str] = COMMANDS) -> Tuple[GdbRun, List[str]]:
    """(gdb's run, our lines on stderr); no run may hang, show a Python traceback, or speak of an internal error."""
    run = run_gdb([*commands, "print $_go_status"], exe=exe, core=core, timeout=SECONDS)
    said = run.stdout + run.stderr
    assert "Traceback" not in said and "internal error" not in said and "Python Exception" not in said
    lines = [line for line in run.stderr.splitlines() if not GDBS_OWN.match(line)]
    answered = sum(bool(output.strip()) for output in run.outputs[:-1])
    assert answered + len(lines) == len(commands), "each command answers, or says why not in one line"
    assert lines_of(run, -1) == [f"$1 = {2 if lines else 0}"]
    return run, lines
