"""Runs the goxray command in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Sequence, Union

Word = Union[str, Path, int]


def goxray(*words: Word, timeout: float = 120.0, before: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """`goxray WORDS...` with this Python; `before`: a command line that it is started by, such as unshare."""
    line = [*before, sys.executable, "-m", "shared_core", *map(str, words)]
    return subprocess.run(
        line,
        cwd=Path(__file__).parents[2],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
    )
