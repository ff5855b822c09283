"""The benchmark itself: rows of (what, on what, cost over gdb alone, budget)."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence

from tabulate import tabulate

from tests.support import matrix
from tests.support.cores import Core, many_core
from tests.support.paths import FixtureError

from .large import large_program
from .measure import Cost, MeasureError, gdb_line, measured


class Row(NamedTuple):
    """`over` is what goxray adds to `alone`, gdb with the same files and nothing to do."""

    what: str
    on: str
    alone: Cost
    over: Cost
    seconds_budget: Optional[float] = None
    mib_budget: Optional[float] = None


GOROUTINES = "go-goroutines --all --output /dev/null"
STACKS = "go-goroutines --all -t --output /dev/null"
SYMBOLS = "go-symbols --files --output /dev/null"


class Bench:
    def __init__(self, runs: int) -> None:
        self.runs = runs
        self.rows: List[Row] = []

    def load(self) -> None:
        """What `source gdb_go_ext` costs in an otherwise empty gdb."""
        alone = measured(gdb_line([], extension=False), self.runs)
        loaded = measured(gdb_line([]), self.runs)
        self._add(Row("load the extension", "no program", alone, loaded.over(alone), 0.1))

    def commands(
        self,
        on: str,
        exe: Path,
        core: Optional[Path],
        commands: Sequence[str],
        seconds: Optional[float],
        mib: Optional[float],
    ) -> None:
        """The first answer of each command in a gdb of its own, loading of the extension included."""
        alone = measured(gdb_line([], exe, core, extension=False), self.runs)
        for command in commands:
            cost = measured(gdb_line([command], exe, core), self.runs)
            self._add(Row(command.split(" --output")[0], on, alone, cost.over(alone), seconds, mib))

    def peer(self, name: str, on: str, command: Sequence[str]) -> None:
        """Another tool on the same files, as it is (its base is nothing, not gdb)."""
        cost = measured(command, self.runs, allowed=range(256))
        self._add(Row(name, on, Cost(0, 0), cost))

    def _add(self, row: Row) -> None:
        self.rows.append(row)
        print(f"  {row.what} on {row.on}: {row.over.seconds:.2f} s, {row.over.mib:.0f} MiB", file=sys.stderr)


def main() -> int:
    options = _options()
    bench = Bench(options.runs)
    try:
        bench.load()
        if options.exe:
            named(bench, options.exe, options.core)
        else:
            own(bench, options.version, options.counts)
    except (FixtureError, MeasureError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return report(bench)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--exe", type=Path, help="measure this program instead of the bench's own")
    parser.add_argument("--core", type=Path, help="and this core of it")
    parser.add_argument("--runs", type=int, default=5, help="runs to take the median of (%(default)s)")
    parser.add_argument(
        "--version", default=matrix.newest(), help="Go version of the bench's own programs (%(default)s)"
    )
    parser.add_argument("--counts", type=int, nargs="*", default=[10_000, 100_000], help="goroutines in its own cores")
    options = parser.parse_args()
    if options.core and not options.exe:
        parser.error("--core wants --exe too")
    for name in ("exe", "core"):
        path = getattr(options, name)
        setattr(options, name, path and path.resolve())
    return options


def named(bench: Bench, exe: Path, core: Optional[Path]) -> None:
    """The user's own program."""
    commands = ["go-info", SYMBOLS] + ([GOROUTINES, STACKS] if core else [])
    for command in commands:
        bench.commands(exe.name, exe, core, [command], 1.5 if command == SYMBOLS else 1.2, 300)
    peers(bench, exe.name, exe)


def own(bench: Bench, version: str, counts: Sequence[int]) -> None:
    """The bench's own programs: one with many functions, some with many goroutines."""
    large = large_program(version)
    first = ["go-info"] + (["go-goroutines --output /dev/null"] if large.core else [])
    bench.commands(large.name, large.exe, large.core, first, 0.5, None)
    bench.commands(large.name, large.exe, None, [SYMBOLS], 1.5, 300)
    peers(bench, large.name, large.exe)
    for count in counts:
        core = many_core(version, count)
        on = f"{count:,} goroutines"
        bench.commands(on, core.exe, core.core, [GOROUTINES], 1.2, 300)
        bench.commands(on, core.exe, core.core, [STACKS], None, None)
        goroutine_peers(bench, on, core)


def peers(bench: Bench, on: str, exe: Path) -> None:
    """Other tools that answer on a stripped program, where they are installed."""
    if shutil.which("GoReSym"):
        bench.peer("GoReSym", on, ["GoReSym", str(exe)])


def goroutine_peers(bench: Bench, on: str, core: Core) -> None:
    """Delve on the unstripped twin, whose addresses are the same: on the stripped program it has no answer."""
    if not shutil.which("dlv"):
        return
    with tempfile.NamedTemporaryFile("w", suffix=".init") as script:
        script.write("goroutines\nexit\n")
        script.flush()
        command = ["dlv", "core", str(core.twin), str(core.core), "--init", script.name]
        bench.peer("dlv goroutines (with DWARF)", on, [*command, "--allow-non-terminal-interactive=true"])


def report(bench: Bench) -> int:
    """Prints the table; the status is 1 when a budget is exceeded."""
    print(f"\n{os.cpu_count()} cores, {platform.machine()}, medians of {bench.runs} runs; costs are over gdb alone\n")
    headers = ["what", "on", "gdb alone", "time", "budget", "memory", "budget", ""]
    right = ("left", "left", "right", "right", "right", "right", "right", "left")
    print(tabulate([_cells(row) for row in bench.rows], headers, colalign=right, disable_numparse=True))
    found = [name for name in ("dlv", "GoReSym") if shutil.which(name)]
    print(
        f"\npeers found: {', '.join(found)}" if found else "\nno peer installed (dlv, GoReSym): nothing to compare with"
    )
    return int(any(_exceeded(row) for row in bench.rows))


def _cells(row: Row) -> List[str]:
    seconds = f"{row.seconds_budget:.1f} s" if row.seconds_budget is not None else ""
    mib = f"{row.mib_budget:.0f} MiB" if row.mib_budget is not None else ""
    cost = [f"{row.over.seconds:.3f} s", seconds, f"{row.over.mib:.0f} MiB", mib]
    return [row.what, row.on, f"{row.alone.seconds:.2f} s", *cost, "EXCEEDED" if _exceeded(row) else ""]


def _exceeded(row: Row) -> bool:
    slow = row.seconds_budget is not None and row.over.seconds > row.seconds_budget
    return slow or (row.mib_budget is not None and row.over.mib > row.mib_budget)


if __name__ == "__main__":
    sys.exit(main())
