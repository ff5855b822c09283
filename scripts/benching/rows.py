"""Measures commands in gdb and keeps a row for each; prints the table."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional, Sequence, Tuple

from tabulate import tabulate

from tests.support.remote import gdbserver_alone

from .measure import Cost, MeasureError, gdb_line, lldb_line, measured


@dataclass(frozen=True)
class Task:
    """A command and what it may cost over gdb alone; its answer must have at least `lines` lines to count."""

    command: str
    seconds: Optional[float] = None
    mib: Optional[float] = None
    lines: int = 1


class Row(NamedTuple):
    """`cost` is what the task adds to `alone`: a debugger with the same files and nothing to do, or None."""

    what: str
    on: str
    alone: Optional[Cost]
    cost: Cost
    seconds_budget: Optional[float] = None
    mib_budget: Optional[float] = None

    @property
    def exceeded(self) -> bool:
        slow = self.seconds_budget is not None and self.cost.seconds > self.seconds_budget
        return slow or (self.mib_budget is not None and self.cost.mib > self.mib_budget)

    def cells(self) -> List[str]:
        alone = f"{self.alone.seconds:.2f} s" if self.alone else ""
        seconds = "" if self.seconds_budget is None else f"{self.seconds_budget:.1f} s"
        mib = "" if self.mib_budget is None else f"{self.mib_budget:.0f} MiB"
        cost = [f"{self.cost.seconds:.3f} s", seconds, f"{self.cost.mib:.0f} MiB", mib]
        return [self.what, self.on, alone, *cost, f"{self.cost.yardstick:.3f} s", "EXCEEDED" if self.exceeded else ""]


class Ratio(NamedTuple):
    """What one row takes of another's time."""

    what: str
    value: float
    most: float

    @property
    def exceeded(self) -> bool:
        return self.value > self.most


class Bench:
    """The rows so far; each number is a median of `runs` runs."""

    def __init__(self, runs: int) -> None:
        self.runs = runs
        self.rows: List[Row] = []
        self.ratios: List[Ratio] = []

    def load(self, seconds: float) -> None:
        """What `source gdb_go_ext` costs in an otherwise empty gdb."""
        alone = measured(gdb_line([], extension=False), self.runs)
        loaded = measured(gdb_line([]), self.runs)
        self._add(Row("load the extension", "no program", alone, loaded.over(alone), seconds))

    def tasks(self, on: str, exe: Path, core: Optional[Path], tasks: Sequence[Task]) -> None:
        """The first answer of each command, in a gdb of its own; the loading of the extension is part of it."""
        alone = measured(gdb_line([], exe, core, extension=False), self.runs)
        for task in tasks:
            cost = self._answered(task, exe, core).over(alone)
            self._add(Row(task.command, on, alone, cost, task.seconds, task.mib))

    def rebuilt(self, on: str, exe: Path, tasks: Sequence[Task], again: Task) -> None:
        """go-load-symbols as `tasks` have it, made anew each time; `again` finds what the run before it has made."""
        alone = measured(gdb_line([], exe, extension=False), self.runs)
        for task in tasks:
            cost = self._answered(task, exe, None).over(alone)
            self._add(Row(task.command, on, alone, cost, task.seconds, task.mib))
        with tempfile.TemporaryDirectory(prefix="goxray-bench-") as home:
            cost = self._answered(again, exe, None, Path(home)).over(alone)
        self._add(Row(f"{again.command}, from the cache", on, alone, cost, again.seconds, again.mib))

    def linear(self, what: str, sizes: Sequence[Tuple[str, int]], most: float) -> None:
        """Lines on what the row `what` takes for each function, on the first of `sizes` (on, functions) and others."""
        seconds = {row.on: row.cost.seconds for row in self.rows if row.what == what}
        (first, least), *others = [(on, seconds[on] / count) for on, count in sizes if on in seconds]
        for on, each in others:
            self.ratios.append(Ratio(f"{what}: per function on {on} / on {first}", each / least, most))

    def standalone(self, on: str, exe: Path, core: Path, task: Task, runs: Optional[int] = None) -> None:
        """The same without a debugger, from the start of the process; its own memory, without the mapped core."""
        self._goxray(f"goxray {task.command}", on, exe, task, [str(exe), str(core)], runs)

    def process(self, on: str, exe: Path, pid: int, task: Task) -> None:
        """The same of a live process, which is held still."""
        self._goxray(f"goxray {task.command} --pid", on, exe, task, ["--pid", str(pid), "--stop"])

    def _goxray(
        self, what: str, on: str, exe: Path, task: Task, place: Sequence[str], runs: Optional[int] = None
    ) -> None:
        with _answer() as answer:
            words = [*task.command.split(), *place, "--output", str(answer)]
            # 1: something was found, as in a core that an abort has left.
            line = [sys.executable, "-m", "shared_core", *words]
            cost = measured(line, runs or self.runs, allowed=(0, 1), own=True)
            _check_answer(task, exe, answer)
        self._add(Row(what, on, None, cost, task.seconds, task.mib))

    def in_lldb(self, on: str, exe: Path, core: Path, task: Task) -> None:
        """The same in lldb, over lldb alone."""
        alone = measured(lldb_line([], exe, core), self.runs)
        with _answer() as answer:
            cost = measured(lldb_line([f"{task.command} --output {answer}"], exe, core), self.runs)
            _check_answer(task, exe, answer)
        self._add(Row(f"{task.command} in lldb", on, alone, cost.over(alone), task.seconds, task.mib))

    def over_gdbserver(self, on: str, exe: Path, pid: int, task: Task) -> None:
        """The same in gdb, of a live process behind gdbserver."""
        with gdbserver_alone() as port, _answer() as answer:
            connect = [f"target extended-remote localhost:{port}", f"attach {pid}"]
            alone = measured(gdb_line([], exe, extension=False, before=connect), self.runs)
            line = gdb_line([f"{task.command} --output {answer}"], exe, before=connect)
            cost = measured(line, self.runs).over(alone)
            _check_answer(task, exe, answer)
        self._add(Row(f"{task.command} over gdbserver", on, alone, cost, task.seconds, task.mib))

    def compare(self, what: str, other: str, on: str, most: float) -> None:
        """A line on how much longer the row `what` takes than the row `other`; at most `most` times."""
        seconds = {row.what: row.cost.seconds for row in self.rows if row.on == on}
        if what in seconds and other in seconds:
            self.ratios.append(Ratio(f"{what} / {other} on {on}", seconds[what] / seconds[other], most))

    def peer(self, name: str, on: str, command: Sequence[str]) -> None:
        """Another tool on the same files; its exit status is its own affair, since some fail after their answer."""
        self._add(Row(name, on, None, measured(command, self.runs, allowed=range(-64, 256))))

    def _answered(self, task: Task, exe: Path, core: Optional[Path], home: Optional[Path] = None) -> Cost:
        with _answer() as answer:
            cost = measured(gdb_line([f"{task.command} --output {answer}"], exe, core), self.runs, home=home)
            _check_answer(task, exe, answer)
        return cost

    def _add(self, row: Row) -> None:
        self.rows.append(row)
        print(f"  {row.what} on {row.on}: {row.cost.seconds:.2f} s, {row.cost.mib:.0f} MiB", file=sys.stderr)

    def table(self) -> str:
        """All rows, for people."""
        headers = ["what", "on", "debugger alone", "time", "budget", "memory", "budget", "yardstick", ""]
        sides = ("left", "left", *["right"] * 6, "left")
        title = f"{os.cpu_count()} cores, {platform.machine()}, medians of {self.runs} runs; over the debugger alone"
        title += "\nyardstick: what a million additions in Python took between the runs, to compare machines by"
        cells = [row.cells() for row in self.rows]
        ratios = [f"{r.what}: {r.value:.2f} (at most {r.most:g}){'  EXCEEDED' * r.exceeded}" for r in self.ratios]
        return "\n".join([title, "", tabulate(cells, headers, colalign=sides, disable_numparse=True), "", *ratios])


@contextmanager
def _answer() -> Iterator[Path]:
    """A path to write an answer to."""
    with tempfile.TemporaryDirectory(prefix="goxray-bench-") as place:
        yield Path(place) / "answer"


def _check_answer(task: Task, exe: Path, answer: Path) -> None:
    lines = answer.read_text().count("\n") if answer.exists() else 0
    if lines < task.lines:
        raise MeasureError(f"{task.command} on {exe.name} answered {lines} lines where {task.lines} were due")
