"""Runs real lldb in batch mode: on cores, on live processes, on nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from .build import Built
from .cores import Core
from .gdb import Live
from .paths import ROOT, FixtureError

TIMEOUT = 120.0
EXTENSION = ROOT / "lldb_go_ext"
IMPORT = f'command script import "{EXTENSION}"'
# A thread is selected; what `thread select` prints comes when it likes.
SELECT = "script p = lldb.debugger.GetSelectedTarget().process; p.SetSelectedThreadByIndexID({})"
_MARK = "@@goxray-test@@"
_SETTINGS = ("interpreter.echo-commands false", "symbols.enable-external-lookup false", "use-color false")
_ARM64 = "aarch64-linux-gnu"


def lldb() -> str:
    """The lldb to test: the one that is called so, else the newest of those with a number."""
    numbered = {int(found.group(1)) for path in Path("/usr/bin").glob("lldb-*") for found in [_number(path)] if found}
    name = "lldb" if shutil.which("lldb") else f"lldb-{max(numbered, default=0)}"
    if shutil.which(name) is None:
        raise FixtureError("there is no lldb; run scripts/setup --tests")
    return name


def _number(path: Path) -> Optional[re.Match[str]]:
    return re.fullmatch(r"lldb-(\d+)", path.name)


@dataclass(frozen=True)
class LldbRun:
    """`outputs[i]` is what the i-th command printed on stdout; `code` is lldb's exit status."""

    outputs: List[str]
    stdout: str
    stderr: str
    code: int


def run_lldb(
    commands: Sequence[str],
    *,
    exe: Optional[Path] = None,
    core: Optional[Path] = None,
    arch: str = "amd64",
    before: Sequence[str] = (),
    extension: bool = True,
    cwd: Optional[Path] = None,
    timeout: float = TIMEOUT,
) -> LldbRun:
    """lldb with no user's configuration, the extension imported by path, then `commands`, whatever fails among them.

    before: commands that run ahead of the extension ("process launch", ...). FixtureError on a missing lldb or a hang.
    """
    first: List[str] = []
    if exe or core:
        # The core of a program under qemu does not say which system it is of.
        words = ["target create", f"--arch {_ARM64}" if arch == "arm64" else "", f'"{exe}"' if exe else ""]
        first.append(" ".join([*words, f'--core "{core}"' if core else ""]))
    first += [*before, *([IMPORT] if extension else [])]
    marked = [line for each in commands for line in (f"script print('\\n{_MARK}')", each)]
    with tempfile.TemporaryDirectory(prefix="goxray-home-") as home:
        script = Path(home) / "commands"
        script.write_text("\n".join([*first, *marked]) + "\n")
        # Batch mode ends at the first error, and a file that it reads can be told to go on.
        start = [*(f"settings set {each}" for each in _SETTINGS), f"command source -e false {script}"]
        line = [lldb(), "--no-lldbinit", "--batch", *(word for each in start for word in ("-o", each))]
        return _run(line, home, cwd, timeout)


def on_core(core: Core, *commands: str, timeout: float = TIMEOUT) -> LldbRun:
    """The commands on a core and its stripped executable."""
    return run_lldb(commands, exe=core.exe, core=core.core, arch=core.arch, timeout=timeout)


def _run(line: Sequence[str], home: str, cwd: Optional[Path], timeout: float) -> LldbRun:
    try:
        done = subprocess.run(
            line,
            cwd=cwd or home,
            env=environment(home),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired as late:
        said = (late.stdout or b"")[-2000:].decode(errors="replace")
        raise FixtureError(f"lldb did not end in {timeout:.0f} s: {said}") from None
    stdout, stderr = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    first, *rest = stdout.split(f"\n{_MARK}\n")
    return LldbRun(rest, first + "".join(rest), stderr, done.returncode)


def environment(home: str) -> Dict[str, str]:
    """A user with nothing set up: an empty home, nothing in PYTHONPATH."""
    return {"HOME": home, "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "dumb"}


def on_live(program: Live, *commands: str, timeout: float = TIMEOUT) -> LldbRun:
    """Attaches, runs the commands and lets go; a program under qemu is first run to its SIGUSR1, and ends here."""
    if program.pid is not None:
        before = [f"process attach --pid {program.pid}"]
        return run_lldb(commands, exe=program.built.exe, before=before, timeout=timeout)
    connect = f"process connect --plugin gdb-remote unix-connect://{program.socket}"
    # lldb holds the first stop of a static program for the loader's, and goes on by itself.
    there = "'SIGUSR1' in lldb.debugger.GetSelectedTarget().process.GetSelectedThread().GetStopDescription(99)"
    before = [connect, f"script {there} or lldb.debugger.HandleCommand('continue')"]
    return run_lldb(commands, exe=program.built.exe, arch="arm64", before=before, timeout=timeout)


def run_under_lldb(built: Built, *commands: str, args: Sequence[str] = ()) -> LldbRun:
    """amd64: the program started by lldb and stopped at its SIGUSR1 ("trap")."""
    # lldb stops at SIGURG too, which the runtime sends itself.
    calm = "settings set target.env-vars GODEBUG=asyncpreemptoff=1"
    return run_lldb(commands, exe=built.exe, before=[calm, " ".join(("process launch --", "trap", *args))])
