"""Measures what goxray costs: loading, goroutines, symbols, heap; wall time and peak memory over the debugger alone."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import List, Optional, Sequence

from tests.support import matrix
from tests.support.build import build
from tests.support.cores import Core, many_core, take_core
from tests.support.gdb import live
from tests.support.lldb import lldb
from tests.support.paths import FixtureError

from .large import FUNCTIONS, Large, large_program, sized_program
from .measure import MeasureError
from .rows import Bench, Task

PEERS = ("dlv", "GoReSym")
MILLION = 1_000_000
_OVER_A_WIRE = 10_000
_LOAD = "go-load-symbols"
_SIZES = (6_000, 200_000)


def main() -> int:
    """0; 1 when a budget is exceeded; 2 when something could not be measured."""
    options = _options()
    bench = Bench(options.runs)
    try:
        bench.load(0.1)
        if options.exe:
            named(bench, options.exe, options.core)
        else:
            own(bench, options.version, options.counts, options.linear)
            heap(bench, options.version)
            if options.million:
                million(bench, options.version)
    except (FixtureError, MeasureError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    print(f"\n{bench.table()}\n\n{_peers_line()}")
    return int(any(each.exceeded for each in (*bench.rows, *bench.ratios)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--exe", type=_file, help="measure this program instead of the bench's own")
    parser.add_argument("--core", type=_file, help="and this core of it")
    parser.add_argument("--runs", type=int, default=5, help="runs to take the median of (%(default)s)")
    parser.add_argument(
        "--version", default=matrix.newest(), help="Go version of the bench's own programs (%(default)s)"
    )
    parser.add_argument("--counts", type=int, nargs="*", default=[10_000, 100_000], help="goroutines in its own cores")
    parser.add_argument("--million", action="store_true", help="1,000,000 goroutines too: a core of 3 GB, and minutes")
    parser.add_argument(
        "--linear", action="store_true", help="rebuilt symbols of 6,000 and 200,000 functions too: minutes to build"
    )
    options = parser.parse_args()
    if options.core and not options.exe:
        parser.error("--core wants --exe too")
    return options


def _file(text: str) -> Path:
    path = Path(text).resolve()
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"no such file: {text}")
    return path


def named(bench: Bench, exe: Path, core: Optional[Path]) -> None:
    """The user's own program, without budgets: nobody knows how large it is."""
    commands = ["go-info", "go-symbols"] + (["go-goroutines", "go-goroutines -t"] if core else [])
    bench.tasks(exe.name, exe, core, [Task(command) for command in commands])
    _symbol_peer(bench, exe.name, exe)


def own(bench: Bench, version: str, counts: Sequence[int], linear: bool) -> None:
    """The bench's own programs: one with many functions, some with many goroutines."""
    large = large_program(version)
    first: List[Task] = [Task("go-info", 0.5)] + ([Task("go-goroutines", 0.5, lines=20)] if large.core else [])
    bench.tasks(large.name, large.exe, large.core, first)
    bench.tasks(large.name, large.exe, None, [Task("go-symbols", 1.5, 300, lines=FUNCTIONS)])
    _symbol_peer(bench, large.name, large.exe)
    quick, whole = Task(f"{_LOAD} --quick", 2, 600), Task(_LOAD, 10, 600)
    bench.rebuilt(large.name, large.exe, [quick, whole], Task(_LOAD, 0.5))
    if linear:
        _linear(bench, version, large)
    for count in counts:
        core, on = many_core(version, count), f"{count:,} goroutines"
        listed = Task("go-goroutines", 1.2, 300, lines=count)
        stacks = Task("go-goroutines --group stack", 2.0, 300, lines=20)
        judged = [Task("go-waits", 5, 600, lines=count), Task("go-leaks", 5, 600, lines=2)]
        bench.tasks(on, core.exe, core.core, [listed, stacks, Task("go-goroutines -t", lines=3 * count), *judged])
        bench.standalone(on, core.exe, core.core, _unattended(count))
        reported = Task("report --format html", 1e-4 * max(count, 100_000), 600, lines=100)
        bench.standalone(on, core.exe, core.core, reported)
        _live(bench, version, on, count)
        _in_lldb(bench, on, core, Task(listed.command, lines=count))
        _goroutine_peer(bench, on, core)


def _linear(bench: Bench, version: str, middle: Large) -> None:
    """What rebuilt symbols take of a tenth and of three times as many functions."""
    small, great = (sized_program(version, count) for count in _SIZES)
    for program in (small, great):
        bench.rebuilt(program.name, program.exe, [Task(f"{_LOAD} --quick"), Task(_LOAD)], Task(_LOAD))
    sizes = [(small.name, _SIZES[0]), (middle.name, FUNCTIONS), (great.name, _SIZES[1])]
    bench.linear(_LOAD, sizes, 1.5)


def heap(bench: Bench, version: str) -> None:
    """A heap of a million small objects, each of which another one refers to."""
    core = take_core(build("heap", version), [str(MILLION)])
    asked = [Task("go-heap", 4, 800, lines=10), Task("go-heap --by type", 4, 800, lines=10)]
    asked += [Task(f"go-refs {core.facts()['chain'][0]}", 10, 800, lines=2), Task("go-find 0x12345678", lines=1)]
    bench.tasks(f"{MILLION:,} objects", core.exe, core.core, asked)


def million(bench: Bench, version: str) -> None:
    """One run, after one that warms the page cache."""
    core = many_core(version, MILLION)
    task = Task("goroutines", 12, 1024, lines=MILLION)
    bench.standalone(f"{MILLION:,} goroutines", core.exe, core.core, task, runs=1)


def _unattended(count: int) -> Task:
    return Task("goroutines", 1.2e-5 * max(count, 100_000), lines=count)


def _live(bench: Bench, version: str, on: str, count: int) -> None:
    """The same goroutines in a process; over gdbserver only some of them, at 9 KB to a packet."""
    with live(build("manyg", version), str(count), "stay") as program:
        assert program.pid is not None
        bench.process(on, program.built.exe, program.pid, _unattended(count))
        if count <= _OVER_A_WIRE and shutil.which("gdbserver"):
            bench.over_gdbserver(on, program.built.exe, program.pid, Task("go-goroutines", lines=count))


def _in_lldb(bench: Bench, on: str, core: Core, task: Task) -> None:
    """Twice what gdb may take, where there is an lldb."""
    try:
        lldb()
    except FixtureError:
        return
    bench.in_lldb(on, core.exe, core.core, task)
    bench.compare(f"{task.command} in lldb", task.command, on, 2)


def _symbol_peer(bench: Bench, on: str, exe: Path) -> None:
    if shutil.which("GoReSym"):
        bench.peer("GoReSym", on, ["GoReSym", str(exe)])


def _goroutine_peer(bench: Bench, on: str, core: Core) -> None:
    """Delve on the unstripped twin, which lies at the same addresses: it has no answer on the stripped program."""
    if not shutil.which("dlv"):
        return
    with tempfile.NamedTemporaryFile("w", suffix=".init") as script:
        script.write("goroutines\nexit\n")
        script.flush()
        command = ["dlv", "core", str(core.twin), str(core.core), "--init", script.name]
        bench.peer("dlv goroutines (with DWARF)", on, [*command, "--allow-non-terminal-interactive=true"])


def _peers_line() -> str:
    found = [name for name in PEERS if shutil.which(name)]
    return (
        f"peers found: {', '.join(found)}" if found else f"no peer installed ({', '.join(PEERS)}): none to compare with"
    )


if __name__ == "__main__":
    sys.exit(main())
