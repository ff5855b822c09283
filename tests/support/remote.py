"""Debug servers on the loopback, as on another machine: gdbserver and lldb-server; each ends with its one session."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Tuple

from .cores import ENVIRONMENT, TIMEOUT, wait_for
from .gdb import GdbRun, run_gdb
from .lldb import LldbRun, lldb, run_lldb
from .paths import FixtureError

# A stop is a stop: no signals that the runtime sends itself.
_ENVIRONMENT = {**ENVIRONMENT, "GODEBUG": "asyncpreemptoff=1"}
_LISTENING = re.compile(r"^Listening on port (\d+)$", re.M)


@dataclass(frozen=True)
class Server:
    """A server that holds a program still; `directory` has the output of both, where the server passes it on."""

    port: int
    pid: int
    handle: int  # a pidfd of the program
    directory: Path

    def text(self, name: str) -> str:
        """What came on "stdout" or "stderr"."""
        return (self.directory / name).read_text(errors="replace")

    def abort(self) -> None:
        """Aborts the program, which the server has let go of, and waits for its end."""
        signal.pidfd_send_signal(self.handle, signal.SIGABRT)
        if not select.select([self.handle], [], [], TIMEOUT)[0]:
            raise FixtureError(f"{self.pid} did not end at its SIGABRT")

    def gdb(self, *commands: str, exe: Optional[Path], before: Sequence[str] = (), then: str = "continue") -> GdbRun:
        """Connects, lets the program run to its own signal, and runs the commands."""
        return run_gdb(commands, exe=exe, before=(*before, f"target remote localhost:{self.port}", then))

    def lldb(self, *commands: str, exe: Optional[Path], stop: str = "", before: Sequence[str] = ()) -> LldbRun:
        """The same in lldb; `stop` is the signal that the program sends itself, "" where it is to stay as it is."""
        connect = f"process connect --plugin gdb-remote connect://localhost:{self.port}"
        # lldb may hold the first stop for the loader's, and go on by itself.
        reason = "lldb.debugger.GetSelectedTarget().process.GetSelectedThread().GetStopDescription(99)"
        onwards = f"script {stop!r} in ({reason} or '') or lldb.debugger.HandleCommand('continue')"
        return run_lldb(commands, exe=exe, before=[*before, connect, onwards])


@contextmanager
def gdbserver(exe: Path, *args: str) -> Iterator[Server]:
    """`exe ARGS` at its first instruction under gdbserver, which says which port the system gave it."""
    with ExitStack() as stack:
        process, place = stack.enter_context(_started(["gdbserver", "--once", "localhost:0", str(exe), *args]))
        yield stack.enter_context(_serving(_port(process, place), _child(process), place))


@contextmanager
def gdbserver_alone() -> Iterator[int]:
    """The port of a gdbserver to attach by (`target extended-remote`, `attach`), as often as one likes."""
    with _started(["gdbserver", "--multi", "localhost:0"]) as (process, place):
        yield _port(process, place)


def _port(process: subprocess.Popen[bytes], place: Path) -> int:
    said = place / "stderr"
    wait_for(lambda: bool(_LISTENING.search(said.read_text(errors="replace"))), process)
    return int(_LISTENING.findall(said.read_text(errors="replace"))[0])


@contextmanager
def lldb_server(*program: str, pid: Optional[int] = None) -> Iterator[Server]:
    """`program`, or the process `pid`, under the lldb-server of the lldb under test; it keeps a program's output."""
    reading, writing = os.pipe()
    what = ["--attach", str(pid)] if pid else ["--", *program]
    line = [lldb().replace("lldb", "lldb-server", 1), "gdbserver", "--pipe", str(writing), "localhost:0", *what]
    with os.fdopen(reading, "rb") as port, _started(line, writing) as (process, place):
        os.close(writing)
        digits = port.read().rstrip(b"\0")
        if not digits.isdigit():
            raise FixtureError(f"lldb-server did not start: {(place / 'stderr').read_text()}")
        with _serving(int(digits), pid or _child(process), place) as server:
            yield server


@contextmanager
def _started(line: List[str], *descriptors: int) -> Iterator[Tuple[subprocess.Popen[bytes], Path]]:
    if shutil.which(line[0]) is None:
        raise FixtureError(f"there is no {line[0]}; run scripts/setup --tests")
    with tempfile.TemporaryDirectory(prefix="goxray-remote-") as name:
        place = Path(name)
        with open(place / "stdout", "wb") as out, open(place / "stderr", "wb") as err:
            process = subprocess.Popen(
                line, cwd=place, env=_ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                pass_fds=descriptors,
            )  # fmt: skip
        try:
            yield process, place
        finally:
            process.kill()
            process.wait()


def _child(process: subprocess.Popen[bytes]) -> int:
    """The program that a server has started."""
    return int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text())


@contextmanager
def _serving(port: int, pid: int, place: Path) -> Iterator[Server]:
    """The program ends with the test, whatever becomes of the server."""
    handle = os.pidfd_open(pid)
    try:
        yield Server(port, pid, handle, place)
    finally:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        os.close(handle)
