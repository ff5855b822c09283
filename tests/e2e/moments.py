"""Stops programs at moments of their lives at which they have just told about themselves."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import List, Sequence, Tuple

from tests.support import oracle
from tests.support.build import Built
from tests.support.cores import ENVIRONMENT, run_command, wait_for
from tests.support.gdb import GdbRun, run_gdb


def at_exit(built: Built, args: Sequence[str], traceback: str, *commands: str) -> Tuple[GdbRun, str]:
    """(gdb's run of `commands` at the call of runtime.exit, what the program has printed on stderr until then).

    With GOTRACEBACK=`traceback` below "crash" a panic prints and exits: no core can be had of that moment otherwise.
    """
    names = ("runtime.exit", "runtime.exit.abi0")
    exits = [f"break *{symbol.address:#x}" for symbol in oracle.text_symbols(built) if symbol.name in names]
    if built.arch == "arm64":
        return _emulated(built, args, traceback, exits, commands)
    settings = ["handle all nostop noprint pass", "set startup-with-shell off"]
    settings += [f"set environment GOTRACEBACK={traceback}", f"set args {' '.join(args)}"]
    run = run_gdb(commands, exe=built.exe, before=[*settings, *exits, "run"])
    return run, run.stderr


def _emulated(
    built: Built, args: Sequence[str], traceback: str, exits: List[str], commands: Sequence[str]
) -> Tuple[GdbRun, str]:
    # Without asyncpreemptoff qemu 7.2's gdb server hangs in one run of ten, see tests/support/gdb.py.
    environment = {**ENVIRONMENT, "GOTRACEBACK": traceback, "GODEBUG": "asyncpreemptoff=1"}
    with tempfile.TemporaryDirectory(prefix="goxray-exit-") as name:
        socket, place = Path(name) / "gdb.socket", Path(name)
        with open(place / "stderr", "wb") as err:
            process = subprocess.Popen(
                run_command(built, args, "-g", str(socket)), cwd=place, env=environment,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err,
            )  # fmt: skip
        try:
            wait_for(socket.exists, process)
            before = [f"target remote {socket}", "handle all nostop noprint pass", *exits, "continue"]
            run = run_gdb(commands, exe=built.exe, arch="arm64", before=before)
        finally:
            process.kill()
            process.wait()
        text = (place / "stderr").read_text(errors="replace")
        return run, text.replace("qemu-aarch64: QEMU: Terminated via GDBstub\n", "")
