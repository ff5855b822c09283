"""Takes cores of fixture programs, with what the dying process itself said: the oracle of every reader."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence

from .build import PLAIN, Built, Flags, build
from .paths import FixtureError, digest, filled
from .toolchains import ARM64_LIBC

QEMU = "qemu-aarch64"
TIMEOUT = 60.0  # seconds for a program to die and for its core to be written
TRIES = 2  # now and then a runtime that crashes waits for ever for one of its own threads
CORE_PATTERN = Path("/proc/sys/kernel/core_pattern")
# Nothing of the environment of the machine, so that tests can compare all of it.
ENVIRONMENT = {
    "GOTRACEBACK": "crash",
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "ODD": 'a "quoted"\tvalue',
    "EMPTY": "",
}


@dataclass(frozen=True)
class Core:
    """A core with the program that left it; `stderr` is the runtime's own traceback of that very moment."""

    built: Built
    core: Path
    args: Sequence[str]
    environment: Mapping[str, str]
    stdout: str
    stderr: str

    @property
    def exe(self) -> Path:
        """The stripped executable."""
        return self.built.exe

    @property
    def twin(self) -> Path:
        """The same with symbols."""
        return self.built.twin

    @property
    def arch(self) -> str:
        return self.built.arch

    def facts(self) -> Dict[str, List[str]]:
        """What the program printed as "fact NAME VALUE": name -> values, quoted ones unquoted."""
        return facts(self.stdout)

    def left(self, name: str) -> Path:
        """A file that it wrote where it ran."""
        return self.core.parent / name


def facts(stdout: str) -> Dict[str, List[str]]:
    """name -> values of the lines "fact NAME VALUE"."""
    found: Dict[str, List[str]] = {}
    for name, value in re.findall(r"^fact (\S+) (.*)$", stdout, re.M):
        # The program quotes with Go's %q; for the plain texts it has, that is what JSON does too.
        found.setdefault(name, []).append(json.loads(value) if value.startswith('"') else value)
    return found


def crash_core(
    version: str,
    arch: str = "amd64",
    mode: str = "panic",
    flags: Flags = PLAIN,
    dump_filter: Optional[int] = None,
    under_gdb: Optional[bool] = None,
) -> Core:
    """The core of tests/programs/crash.go, gone down by `mode` (its `modes`: panic, nil, again, throw, range, ...)."""
    args = [mode, "second arg", "--flag=ü"]
    return take_core(build("crash", version, arch, flags), args, dump_filter=dump_filter, under_gdb=under_gdb)


def healthy_core(version: str, arch: str = "amd64", flags: Flags = PLAIN, *args: str) -> Core:
    """The core of tests/programs/healthy.go, aborted from outside when it was ready."""
    return take_core(build("healthy", version, arch, flags), args, abort_at="ready")


def many_core(version: str, count: int, arch: str = "amd64") -> Core:
    """The core of manyg.go with `count` parked goroutines; no traceback, which would take longer than the core."""
    return take_core(build("manyg", version, arch), [str(count), "quiet"])


def labelled_core(version: str, arch: str = "amd64") -> Core:
    """The core of labelled.go; beside it are the goroutine profiles that it has left (`left`)."""
    return take_core(build("labelled", version, arch))


def take_core(
    built: Built,
    args: Sequence[str] = (),
    environment: Optional[Mapping[str, str]] = None,
    abort_at: Optional[str] = None,
    under_gdb: Optional[bool] = None,
    dump_filter: Optional[int] = None,
) -> Core:
    """Runs `built` until it leaves a core; with `abort_at`, sends SIGABRT as soon as stdout has that text.

    under_gdb: write the core with gdb at the SIGABRT; by default only where the kernel does not write core files.
    dump_filter: the process's /proc/PID/coredump_filter, which gdb heeds too.
    Cached by content. FixtureError when the program leaves no core.
    """
    wanted = dict(ENVIRONMENT if environment is None else environment)
    gdb = built.arch == "amd64" and (not kernel_writes_cores() if under_gdb is None else under_gdb)
    key = digest("core", 4, built.exe.parent.name, list(args), wanted, abort_at, gdb, *_if_any(dump_filter))

    def fill(place: Path) -> None:
        command = _gdb_command(built, args) if gdb else run_command(built, args)
        started = time.time()
        code = _run_to_its_end(command, wanted, place, abort_at, dump_filter)
        core = place / "core" if gdb else _find_core(built.arch, place, started)
        if core is None or not core.exists():
            said = (place / "stderr").read_text(errors="replace")[-2000:]
            raise FixtureError(f"{' '.join(command)} left no core (exit status {code}): {said}")
        core.rename(place / "taken.core")
        # gdb and qemu write what was only reserved as zeros, a GiB of them; not every file system can do without.
        subprocess.run(["fallocate", "--dig-holes", place / "taken.core"], check=False, capture_output=True)
        (place / "core").unlink(missing_ok=True)  # qemu's own, beside the program's

    place = filled(f"core-{built.program}-{built.version}-{built.arch}-{built.flags.label()}-{key}", fill)
    stdout, stderr = ((place / name).read_text(errors="replace") for name in ("stdout", "stderr"))
    return Core(built, place / "taken.core", [str(built.exe), *args], wanted, stdout, stderr)


def kernel_writes_cores() -> bool:
    """False when cores go to a program, or no core may be written at all."""
    piped = CORE_PATTERN.read_text().startswith("|")
    return not piped and resource.getrlimit(resource.RLIMIT_CORE)[1] == resource.RLIM_INFINITY


def run_command(built: Built, args: Sequence[str], *qemu_options: str) -> List[str]:
    """The command line that runs the stripped program here, through qemu where it is arm64."""
    program = [str(built.exe), *args]
    return [QEMU, "-L", ARM64_LIBC, *qemu_options, *program] if built.arch == "arm64" else program


def _gdb_command(built: Built, args: Sequence[str]) -> List[str]:
    steps = ["handle all nostop noprint pass", "handle SIGABRT stop", "run", "generate-core-file core", "kill"]
    options = ["gdb", "-nx", "-q", "-batch", "-iex", "set startup-with-shell off", "-iex", "set debuginfod enabled off"]
    return options + [word for step in steps for word in ("-ex", step)] + ["--args", str(built.exe), *args]


def _if_any(dump_filter: Optional[int]) -> List[int]:
    return [] if dump_filter is None else [dump_filter]


def _run_to_its_end(
    command: Sequence[str],
    environment: Mapping[str, str],
    place: Path,
    abort_at: Optional[str],
    dump_filter: Optional[int],
) -> int:
    for _ in range(TRIES - 1):
        try:
            return _run(command, environment, place, abort_at, dump_filter)
        except FixtureError:
            for leftover in place.glob("*core*"):
                leftover.unlink()
    return _run(command, environment, place, abort_at, dump_filter)


def _run(
    command: Sequence[str],
    environment: Mapping[str, str],
    place: Path,
    abort_at: Optional[str],
    dump_filter: Optional[int],
) -> int:
    """The exit status; stdout and stderr are left in files of those names in `place`."""
    with open(place / "stdout", "wb") as out, open(place / "stderr", "wb") as err:
        try:
            process = subprocess.Popen(
                command,
                cwd=place,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                preexec_fn=lambda: _allow_core(dump_filter),
            )
        except OSError as error:
            raise FixtureError(f"cannot run {command[0]}: {error.strerror}") from error
        try:
            if abort_at:
                wait_for(lambda: abort_at in (place / "stdout").read_text(errors="replace").splitlines(), process)
                pids = facts((place / "stdout").read_text(errors="replace")).get("pid", [])
                os.kill(int(pids[-1]) if pids else process.pid, signal.SIGABRT)
            return process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            raise FixtureError(f"{' '.join(command)} did not end in {TIMEOUT:.0f} s") from None
        finally:
            process.kill()
            process.wait()


def _allow_core(dump_filter: Optional[int]) -> None:
    if dump_filter is not None:
        with open("/proc/self/coredump_filter", "w") as stream:
            stream.write(hex(dump_filter))
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes], seconds: float = TIMEOUT) -> None:
    """Returns when `condition()` holds; FixtureError when the process ends before that, or after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None:
            raise FixtureError(f"{process.args!r} ended with {process.returncode} before it was ready")
        if time.monotonic() > end:
            raise FixtureError(f"{process.args!r} was not ready after {seconds:.0f} s")
        time.sleep(0.01)


def _find_core(arch: str, place: Path, started: float) -> Optional[Path]:
    """The core written since `started`: where core_pattern says, or beside the program where qemu wrote it."""
    if arch == "arm64":
        return next(iter(place.glob("qemu_*.core")), None)
    pattern = re.sub(r"%%|%.", lambda m: "%" if m.group() == "%%" else "*", CORE_PATTERN.read_text().strip())
    directory = Path(os.path.dirname(place / pattern))
    # kernel.core_uses_pid appends ".PID"
    found = [p for p in directory.glob(os.path.basename(pattern) + "*") if p.stat().st_mtime >= started - 1]
    return max(found, key=lambda p: p.stat().st_mtime, default=None)
