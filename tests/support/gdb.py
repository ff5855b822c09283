"""Runs real gdb in batch mode: on cores, on live processes, on nothing."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence

from .build import Built
from .cores import ENVIRONMENT, Core, facts, run_command, wait_for
from .paths import GDB_EXTENSION, FixtureError

TIMEOUT = 120.0
_MARK = "@@goxray-test@@"
_QUIET = ("set confirm off", "set pagination off", "set width 0", "set debuginfod enabled off")


@dataclass(frozen=True)
class GdbRun:
    """`outputs[i]` is what the i-th command printed on stdout; `code` is gdb's own status, that of the last command."""

    outputs: List[str]
    stdout: str
    stderr: str
    code: int


def run_gdb(
    commands: Sequence[str],
    *,
    exe: Optional[Path] = None,
    core: Optional[Path] = None,
    pid: Optional[int] = None,
    arch: str = "amd64",
    before: Sequence[str] = (),
    extension: bool = True,
    cwd: Optional[Path] = None,
    timeout: float = TIMEOUT,
) -> GdbRun:
    """gdb (gdb-multiarch for arm64) with no user's configuration, the extension sourced by path, then `commands`.

    before: commands that run ahead of the extension ("target remote ..."). FixtureError on a missing gdb or a hang.
    """
    line = ["gdb-multiarch" if arch == "arm64" else "gdb", "-nx", "-q", "-batch"]
    line += [word for each in _QUIET for word in ("-iex", each)]
    line += [str(exe)] if exe else []
    line += [f"--core={core}"] if core else []
    line += [f"--pid={pid}"] if pid else []
    line += [word for each in before for word in ("-ex", each)]
    line += ["-x", str(GDB_EXTENSION)] if extension else []
    # Text from here to the first mark is no command's; a mark goes before each, so that the last one's status stays.
    line += [word for each in commands for word in ("-ex", f"echo \\n{_MARK}\\n", "-ex", each)]
    return _run(line, cwd, timeout)


def on_core(core: Core, *commands: str, extension: bool = True, timeout: float = TIMEOUT) -> GdbRun:
    """The commands on a core and its stripped executable."""
    return run_gdb(commands, exe=core.exe, core=core.core, arch=core.arch, extension=extension, timeout=timeout)


def _run(line: Sequence[str], cwd: Optional[Path], timeout: float) -> GdbRun:
    with tempfile.TemporaryDirectory(prefix="goxray-home-") as home:
        try:
            done = subprocess.run(
                line,
                cwd=cwd or home,
                env=_environment(home),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout,
            )
        except subprocess.TimeoutExpired as late:
            said = (late.stdout or b"")[-2000:].decode(errors="replace")
            raise FixtureError(f"gdb did not end in {timeout:.0f} s: {said}") from None
        except OSError as error:
            raise FixtureError(f"cannot run {line[0]}: {error.strerror}; run scripts/setup --tests") from error
    stdout, stderr = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    first, *rest = stdout.split(f"\n{_MARK}\n")
    return GdbRun(rest, first + "".join(rest), stderr, done.returncode)


def _environment(home: str) -> Dict[str, str]:
    """A user with nothing set up: an empty home, nothing in PYTHONPATH."""
    return {"HOME": home, "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "dumb"}


@dataclass(frozen=True)
class Live:
    """A live program: `gdb` runs commands on it; `stdout()` is what it has printed so far."""

    built: Built
    directory: Path
    pid: Optional[int] = None
    socket: Optional[Path] = None

    def stdout(self) -> str:
        return (self.directory / "stdout").read_text(errors="replace")

    def facts(self) -> Dict[str, List[str]]:
        return facts(self.stdout())

    def gdb(self, *commands: str, extension: bool = True, timeout: float = TIMEOUT) -> GdbRun:
        """Attaches, runs the commands and lets go; a program under qemu is first run to its SIGUSR1, and ends here."""
        if self.pid is not None:
            return run_gdb(commands, exe=self.built.exe, pid=self.pid, extension=extension, timeout=timeout)
        before = (f"target remote {self.socket}", "continue")
        return run_gdb(commands, exe=self.built.exe, arch="arm64", before=before, extension=extension, timeout=timeout)


@contextmanager
def live(built: Built, *args: str) -> Iterator[Live]:
    """`built` (healthy, or one that prints "ready" likewise) running: parked when gdb gets to see it.

    amd64: started, awaited until ready, to be attached to. arm64: under qemu's own gdb server, on a Unix socket; the
    program is told to raise SIGUSR1 when ready ("trap"), since nobody can attach to it later.
    """
    with tempfile.TemporaryDirectory(prefix="goxray-live-") as name:
        place = Path(name)
        emulated = built.arch == "arm64"
        socket = place / "gdb.socket"
        options, program = (("-g", str(socket)), ("trap", *args)) if emulated else ((), args)
        # gdb is told of each signal, and qemu 7.2's server hangs when one meets a stop: one run in ten without this.
        calm = {"GODEBUG": "asyncpreemptoff=1"} if emulated else {}
        with open(place / "stdout", "wb") as out, open(place / "stderr", "wb") as err:
            process = subprocess.Popen(
                run_command(built, program, *options),
                cwd=place, env={**ENVIRONMENT, **calm}, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            )  # fmt: skip
        target = Live(built, place, None if emulated else process.pid, socket if emulated else None)
        try:
            wait_for(lambda: socket.exists() if emulated else "ready" in target.stdout().splitlines(), process)
            yield target
        finally:
            process.kill()
            process.wait()


def run_under_gdb(built: Built, *commands: str, args: Sequence[str] = (), extension: bool = True) -> GdbRun:
    """amd64: the program started by gdb and stopped at its SIGUSR1 ("trap"), for places that forbid attaching."""
    start = ("set startup-with-shell off", " ".join(("set args trap", *args)), "run")
    return run_gdb(commands, exe=built.exe, before=start, extension=extension)


def may_attach() -> bool:
    """Whether this user may attach gdb to a process that is not gdb's child."""
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    return os.geteuid() == 0 or not scope.exists() or scope.read_text().strip() == "0"
