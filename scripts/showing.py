"""scripts/demo: every command as typed, then what it prints."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import List, Sequence

from tests.support import matrix
from tests.support.build import build
from tests.support.cores import Core, take_core
from tests.support.paths import GDB_EXTENSION, FixtureError

ARGUMENTS = ["nil", "second argument"]
FUNCTION = "main.dispatch"  # a frame of the crash with pointers among its arguments
# gdb 13 says so on cores of newer kernels, with or without goxray.
NOISE = "warning: Unexpected size of section `.reg-xstate/"


def main() -> int:
    try:
        core = _crashed()
    except FixtureError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    print(f"\n$ gdb -x {GDB_EXTENSION} crash core", flush=True)
    status = _gdb(core, _commands(core))
    if status:
        print(f"demo: gdb ended with {status}", file=sys.stderr)
        return 1
    start = f"gdb -x {shlex.quote(str(GDB_EXTENSION))} YOUR-PROGRAM YOUR-CORE"
    print(f"\nNow type this on your own core:  {start}  and then: go-info")
    return 0


def _crashed() -> Core:
    """Builds the program, lets it crash, and says so."""
    version = matrix.newest()
    print(f"$ go build -ldflags='-s -w' -o crash .        # Go {version}", flush=True)
    built = build("crash", version)
    print(f"({built.exe.stat().st_size:,} bytes, no symbols, no DWARF)")
    core = take_core(built, ARGUMENTS)
    print(f"\n$ ulimit -c unlimited; GOTRACEBACK=crash ./crash {shlex.join(ARGUMENTS)}")
    print("\n".join(core.stderr.splitlines()[:2]))
    print(f"Aborted (core dumped)                         # {core.core}")
    return core


def _commands(core: Core) -> List[str]:
    frame = _frame_number(core)
    commands = ["go-info", "go-goroutines", "go-traceback 1", "go-args"]
    return [*commands, f"go-args --goroutine 1 --frame {frame}", f"go-stackmap --goroutine 1 --frame {frame}"]


def _frame_number(core: Core) -> int:
    """Which frame of goroutine 1 is in FUNCTION: inside it are the runtime's own, more or less of them by version."""
    with tempfile.TemporaryDirectory() as place:
        output = Path(place) / "frames.json"
        _gdb(core, [f"go-stackmap --goroutine 1 --json --output {output}"], quiet=True)
        frames = json.loads(output.read_text())["frames"] if output.exists() else []
    return next((int(frame["number"]) for frame in frames if frame["function"] == FUNCTION), 0)


def _gdb(core: Core, commands: Sequence[str], quiet: bool = False) -> int:
    """Runs gdb in batch mode on the core; each command is shown before its output. The worst status of them all."""
    line = ["gdb", "-nx", "-q", "-batch", "-iex", "set debuginfod enabled off", "-iex", "set width 0"]
    line += [str(core.exe), f"--core={core.core}", "-x", str(GDB_EXTENSION)]
    for command in commands:
        line += ["-ex", f"echo \\n(gdb) {command}\\n", "-ex", command]
    line += ["-ex", "quit $_go_status"]
    done = subprocess.run(
        line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    if not quiet:
        print("\n".join(text for text in done.stdout.splitlines() if not text.startswith(NOISE)))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
