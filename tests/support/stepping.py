"""Single-steps tests/programs/steps.go in gdb, and says how the walks on the way compared (shadow.py)."""

from __future__ import annotations

import json
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List

from . import oracle
from .build import Built
from .cores import ENVIRONMENT, run_command, wait_for
from .gdb import GdbRun, run_gdb

SHADOW = Path(__file__).with_name("shadow.py")
# One thread does it all: nothing that it steps through waits for another.
TIMEOUT = 120.0
SETTINGS = {"GOMAXPROCS": "1", "GOGC": "off", "GODEBUG": "asyncpreemptoff=1"}


def stepped(built: Built, shape: str, steps: int, every: int = 1000, native: bool = False) -> Dict[str, Any]:
    """shadow.py's report over `shape` of steps.go ("" for most): at most `steps` steps, commands at one in `every`.

    native: of gdb's own frames, by rebuilt symbols.
    """
    symbols = {symbol.name: symbol.address for symbol in oracle.text_symbols(built)}
    wanted = json.dumps({"steps": steps, "end": symbols["main.end"], "every": every, "native": native})
    begin = [f"break *{symbols['main.mark']:#x}", "continue" if built.arch == "arm64" else "run"]
    settings = ["handle all nostop noprint pass", "set startup-with-shell off", f"set args {shape}"]
    settings += [f"set environment {name}={value}" for name, value in SETTINGS.items()]
    script = [f"python _root = {str(SHADOW.parents[2])!r}; _shadow = {wanted!r}", f"source {SHADOW}"]
    commands = ["delete", "set scheduler-locking on", *script]
    if built.arch == "arm64":
        with emulated(built, shape) as socket:
            before = [f"target remote {socket}", *settings[:1], *begin]
            run = run_gdb(commands, exe=built.exe, arch="arm64", before=before, timeout=TIMEOUT)
    else:
        run = run_gdb(commands, exe=built.exe, before=[*settings, *begin], timeout=TIMEOUT)
    return _report(run)


def _report(run: GdbRun) -> Dict[str, Any]:
    lines: List[str] = run.stdout.strip().splitlines()
    assert lines and lines[-1].startswith("{"), run.stdout[-1000:] + run.stderr[-2000:]
    report: Dict[str, Any] = json.loads(lines[-1])
    assert "internal error" not in run.stderr, run.stderr[-2000:]
    return report


@contextmanager
def emulated(built: Built, *args: str) -> Iterator[Path]:
    """The socket of qemu's gdb server, which holds the program at its start."""
    with tempfile.TemporaryDirectory(prefix="goxray-step-") as name:
        socket = Path(name) / "gdb.socket"
        process = subprocess.Popen(
            run_command(built, args, "-g", str(socket)), cwd=name, env={**ENVIRONMENT, **SETTINGS},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            wait_for(socket.exists, process)
            yield socket
        finally:
            process.kill()
            process.wait()
