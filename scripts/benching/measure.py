"""Wall time and peak memory of whole processes, as the kernel counts them (wait4)."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import tempfile
import time
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import List, Optional, Sequence

from tests.support.lldb import IMPORT, lldb
from tests.support.paths import GDB_EXTENSION

TIMEOUT = 600.0
_LOOK = 0.01  # seconds between two looks at a process's memory


class MeasureError(RuntimeError):
    """A measured process failed; its numbers would be worth nothing."""


@dataclass(frozen=True)
class Cost:
    """Medians over the runs: wall time in seconds, peak memory in MiB: resident, or the process's own alone.

    yardstick: what a fixed loop took between the runs, in seconds; it tells one machine, or moment, from another.
    """

    seconds: float
    mib: float
    yardstick: float

    def over(self, base: Cost) -> Cost:
        return Cost(self.seconds - base.seconds, self.mib - base.mib, self.yardstick)


def measured(
    command: Sequence[str], runs: int, allowed: Sequence[int] = (0,), own: bool = False, home: Optional[Path] = None
) -> Cost:
    """The medians of `runs` runs after one that warms the page cache; MeasureError on an exit status not `allowed`.

    own: count no memory that is a file's, such as the core that is looked at.
    home: the user's directory for all of them; each has one of its own else, and no cache in it.
    """
    samples = [_once(command, allowed, own, home) for _ in range(runs + 1)][1:]
    return Cost(*(statistics.median(values) for values in zip(*map(astuple, samples))))


def _yardstick() -> float:
    """Seconds for a million additions in Python."""
    start, total = time.perf_counter(), 0
    for number in range(1_000_000):
        total += number
    return time.perf_counter() - start


def _once(command: Sequence[str], allowed: Sequence[int], own: bool, kept: Optional[Path]) -> Cost:
    with tempfile.TemporaryDirectory(prefix="goxray-bench-") as new, tempfile.TemporaryFile() as said:
        home = new if kept is None else str(kept)
        environment = {"HOME": home, "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8"}
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=home, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
        )
        peak = _peak_of_its_own(process.pid) if own else None
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait for it again
        if process.returncode not in allowed:
            said.seek(0)
            text = said.read()[-1500:].decode(errors="replace").strip()
            raise MeasureError(f"{' '.join(command)}\nended with {process.returncode}: {text}")
    return Cost(seconds, usage.ru_maxrss / 1024 if peak is None else peak, _yardstick())


def _peak_of_its_own(pid: int) -> float:
    """The most anonymous memory that the process has at any look until it ends, in MiB; it is not waited for."""
    peak = 0
    while not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
        found = re.search(r"^RssAnon:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)
        peak = max(peak, int(found.group(1)) if found else 0)
        time.sleep(_LOOK)
    return peak / 1024


def gdb_line(
    commands: Sequence[str],
    exe: Optional[Path] = None,
    core: Optional[Path] = None,
    extension: bool = True,
    before: Sequence[str] = (),
) -> List[str]:
    """A gdb batch run whose exit status is the worst of the commands' own ($_go_status); `before`: to connect by."""
    line = ["gdb", "-nx", "-q", "-batch", "-iex", "set debuginfod enabled off", "-iex", "set pagination off"]
    line += [str(exe)] if exe else []
    line += [f"--core={core}"] if core else []
    line += [word for each in before for word in ("-ex", each)]
    line += ["-x", str(GDB_EXTENSION)] if extension else []
    line += [word for each in commands for word in ("-ex", each)]
    return line + (["-ex", "quit $_go_status"] if commands and extension else [])


def lldb_line(commands: Sequence[str], exe: Path, core: Path) -> List[str]:
    """An lldb batch run, the extension loaded where there are commands; its exit status is 1 when one fails."""
    line = [lldb(), "--no-lldbinit", "--batch", "--core", str(core), str(exe)]
    return line + [word for each in ([IMPORT, *commands] if commands else []) for word in ("-o", each)]
