"""The report as Markdown, for a ticket or a chat: tables and fenced stacks, and nothing that its text could end."""

from __future__ import annotations

import re
from typing import Iterable, List, Sequence, Tuple

from ...analysis.leaks import Leak
from ...commands.args import ProcessArgs
from ...commands.crash import CrashCard
from ...commands.grouping import Group, Groups
from ...commands.info import Info
from ...commands.leaks import LeakList
from ...commands.memory import MemoryUse
from ...commands.report import Report
from ...commands.sched import SchedulerState
from ...commands.views import StackView
from ...commands.waits import WaitList
from ...errors import Absent, Maybe
from ...runtime.frames import Place, display_name
from .. import args, info, memory, sched
from ..crash import rows as crash_rows
from ..escape import escape
from ..frames import args_text, short_place
from ..quarters import quarters_text
from ..table import Column
from ..things import Things
from ..times import duration
from ..waits import cycle_text
from .blocks import percent
from .crash import headline as crash_headline
from .summary import headline, program
from .waits import what

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&!$])")
_FRAMES = 20  # of a stack
_STACKS = 5  # of the groups of more than one


def markdown(report: Report) -> str:
    parts = [f"# {_plain(headline(report))}\n", _crash(report), _goroutines(report), _waits(report), _leaks(report)]
    parts += [_sched(report), _memory(report), _build(report), _warnings(report)]
    return "\n".join(part for part in parts if part)


def _plain(text: str) -> str:
    """Text that no reader of Markdown takes for anything else; on one line."""
    return _SPECIAL.sub(r"\\\1", escape(text))


def _fenced(lines: Iterable[str]) -> str:
    """Lines as they are, in a fence longer than any in them."""
    text = "\n".join(lines)
    ticks = max([2, *(len(run) for run in re.findall("`+", text))]) + 1
    return f"{'`' * ticks}\n{text}\n{'`' * ticks}\n"


def _table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> str:
    head = "| " + " | ".join(column.title.capitalize() or " " for column in columns) + " |\n"
    rule = "|" + "|".join(" ---: " if column.align == "right" else " --- " for column in columns) + "|\n"
    return head + rule + "".join("| " + " | ".join(_plain(cell) for cell in row) + " |\n" for row in rows)


def _facts(rows: Iterable[Tuple[str, str]]) -> str:
    """(what, value) as a list; rows without a name belong to the one before."""
    lines: List[str] = []
    for name, value in rows:
        if name:
            lines.append(f"{'  ' * name.startswith(' ')}- **{_plain(name.strip())}**: {_plain(value)}\n")
        else:
            lines.append(f"  {_plain(value)}\n")
    return "".join(lines)


def _missing(title: str, part: Maybe[object]) -> str:
    why = part.detail or part.kind if isinstance(part, Absent) else "unknown"
    return f"## {title}\n\nNot available: {_plain(why)}\n"


def _crash(report: Report) -> str:
    part = report.parts["crash"]
    if isinstance(part, Absent) or not isinstance(part.body, CrashCard):
        return _missing("Crash", part)
    body = part.body
    if not body.crash.kind:
        return f"## Crash\n\nNo crash: {_plain(body.crash.labels[0].why)}.\n"
    found = ["## Crash\n", f"**{_plain(crash_headline(body))}**\n", _facts(crash_rows(body))]
    if body.crash.goroutine is not None and body.stack is not None:
        goroutine = body.crash.goroutine
        found += [
            f"Goroutine {goroutine.id} \\[{_plain(goroutine.state)}\\]:\n",
            _fenced(_stack(body.stack, body.more)),
        ]
    return "\n".join(found)


def _stack(stack: StackView, more: bool = False) -> List[str]:
    lines = []
    for frame in stack.frames[:_FRAMES]:
        call = f"({args_text(frame)})" if frame.args is not None or frame.inlined else ""
        lines.append(f"{escape(display_name(frame.function))}{call}  {escape(frame.file)}:{frame.line}")
    if more or len(stack.frames) > _FRAMES:
        lines.append("...")
    return lines + ([f"stopped: {escape(stack.problem)}"] if stack.problem else [])


def _goroutines(report: Report) -> str:
    part = report.parts["goroutines"]
    if isinstance(part, Absent) or not isinstance(part.body, Groups):
        return _missing("Goroutines", part)
    body = part.body
    columns = [Column("count", "right"), Column("share", "right"), *map(Column, ("state", "stands in", "started by"))]
    rows = [_group(group, body.goroutines) for group in body.shown]
    found = [f"## Goroutines\n\n{body.goroutines} on {body.groups} different stacks\n", _table(columns, rows)]
    for group in body.shown[:_STACKS]:
        if group.stack is not None and len(group.ids) > 1:
            found += [f"{len(group.ids)} goroutines:\n", _fenced(_stack(group.stack))]
    return "\n".join([*found, *_left(body.groups - len(body.shown), "stacks", "go-goroutines --group stack")])


def _left(number: int, things: str, command: str) -> List[str]:
    return [f"{number} more {things}: `{command}`\n"] if number > 0 else []


def _group(group: Group, total: int) -> List[str]:
    states = ", ".join(f"{state} {count}" if len(group.states) > 1 else state for state, count in group.states.items())
    creators = ", ".join(short_place(each) for each in group.created_by if isinstance(each, Place))
    where = short_place(group.key) if isinstance(group.key, Place) else "?"
    return [str(len(group.ids)), percent(len(group.ids), total), states, where, creators]


def _waits(report: Report) -> str:
    part, groups = report.parts["waits"], report.groups
    if isinstance(part, Absent) or not isinstance(part.body, WaitList):
        return _missing("Waits", part)
    body, things = part.body, Things(part.body)
    found = ["## Waits\n", _plain(quarters_text(body.quarters, body.gc_phase)) + "\n"]
    found += [f"**Cycle**: {_plain(cycle_text(cycle, things))}\n" for cycle in body.cycles]
    if body.asleep:
        found.append("**All asleep**: no goroutine can run, and no timer is left that could wake one\n")
    if groups is None or isinstance(groups, Absent):
        return "\n".join(found)
    columns = [Column("count", "right"), *map(Column, ("waits for", "called from", "blocked"))]
    rows = [
        (str(len(kind.waits)), what(kind, things), _caller(kind.caller), duration(kind.age))
        for kind in groups.kinds[: report.limit]
    ]
    return "\n".join([*found, _table(columns, rows), *_left(groups.total - len(rows), "kinds", "go-waits")])


def _caller(caller: Maybe[Place]) -> str:
    return "?" if isinstance(caller, Absent) else short_place(caller)


def _leaks(report: Report) -> str:
    part = report.parts["leaks"]
    if isinstance(part, Absent) or not isinstance(part.body, LeakList):
        return _missing("Leaks", part)
    body, things = part.body, Things(part.body.waits)
    if not body.groups:
        return "## Leaks\n\nNo goroutine looks abandoned.\n"
    columns = [Column("count", "right"), *map(Column, ("sure", "age", "blocked on", "called from", "because"))]
    rows = [_leak(leak, things) for leak in body.leaks]
    found = ["## Leaks\n", _table(columns, rows), *_left(body.groups - len(rows), "groups", "go-leaks")]
    return "\n".join(found)


def _leak(leak: Leak, things: Things) -> List[str]:
    why = "; ".join(evidence.why for evidence, _ in leak.evidence)
    what_on = things.text(leak.waits[0])
    return [str(len(leak.waits)), leak.sure, duration(leak.age), what_on, _caller(leak.caller), why]


def _sched(report: Report) -> str:
    part = report.parts["sched"]
    if isinstance(part, Absent) or not isinstance(part.body, SchedulerState):
        return _missing("Scheduler", part)
    return f"## Scheduler\n\n{_facts(sched.facts(part.body))}"


def _memory(report: Report) -> str:
    part = report.parts["memory"]
    if isinstance(part, Absent) or not isinstance(part.body, MemoryUse):
        return _missing("Memory", part)
    return f"## Memory\n\n{_facts(memory.facts(part.body))}"


def _build(report: Report) -> str:
    part, started = report.parts["info"], report.parts["args"]
    if isinstance(part, Absent) or not isinstance(part.body, Info):
        return _missing("Build", part)
    found = f"## Build\n\n{_facts([('program', program(report)), *info.rows(part.body)])}"
    if isinstance(started, Absent) or not isinstance(started.body, ProcessArgs):
        return found
    return found + "\n" + _fenced(args.text(ProcessArgs(started.body.args, None)).splitlines())


def _warnings(report: Report) -> str:
    every = list(report.warnings)
    for name, part in report.parts.items():
        every += [] if isinstance(part, Absent) else [f"{name}: {each}" for each in part.warnings]
    return "## Warnings\n\n" + "".join(f"- {_plain(each)}\n" for each in every) if every else ""
