"""The page's sections on what lies below: the scheduler, memory, and how the program was built."""

from __future__ import annotations

from typing import List, Tuple

from ...commands.args import ProcessArgs
from ...commands.info import Info
from ...commands.memory import MemoryUse
from ...commands.report import Report
from ...commands.sched import SchedulerState
from ...errors import Absent, Maybe
from .. import info, memory, sched
from ..table import Column
from .blocks import facts, plain_table, plural, section
from .markup import Content, Markup, tag

_MOST = 256  # Ps, and Ms
_CLASSES = 20
_MODULES = (Column("MODULE"), Column("VERSION"))


def sched_section(body: SchedulerState) -> Markup:
    tables = []
    for name, (columns, rows) in (("Ps", sched.processor_table(body)), ("Ms", sched.machine_table(body))):
        left = len(rows) - _MOST
        note = f"{left} more {name}: go-sched" if left > 0 else ""
        tables += [tag("h3", name), plain_table(name, columns, rows[:_MOST], note)]
    return section("sched", "Scheduler", facts(sched.facts(body)), *tables)


def memory_section(body: MemoryUse) -> Markup:
    content: List[Content] = [facts(memory.facts(body))]
    if isinstance(body.spans, Absent):
        content.append(tag("p", f"Size classes: {body.spans.detail}", class_="missing"))
    else:
        columns, rows = memory.class_table(body.spans, _CLASSES)
        left = len(body.spans.classes) - len(rows)
        note = f"{plural(left, 'smaller class').replace('classs', 'classes')}: go-memory --limit N" if left else ""
        content += [tag("h3", "Size classes"), plain_table("Size classes", columns, rows, note)]
    if body.regions:
        columns, rows, why = memory.region_table(body.regions)
        content += [tag("h3", "Mappings"), plain_table("Mappings", columns, rows, why)]
    return section("memory", "Memory", *content)


def build_section(report: Report, body: Info) -> Markup:
    rows: List[Tuple[str, Content]] = [(name, value) for name, value in info.rows(body)]
    args = report.parts["args"]
    if isinstance(args, Absent):
        rows.append(("os.Args", f"unknown: {args.detail}"))
    elif isinstance(args.body, ProcessArgs):
        rows.append(("os.Args", [[tag("code", _word(each)), " "] for each in args.body.args[:_MOST]]))
    content: List[Content] = [facts(rows)]
    settings = [[key, value] for key, value in body.settings.items()]
    if settings:
        content += [tag("h3", "Settings"), plain_table("Settings", (Column("NAME"), Column("VALUE")), settings)]
    if body.dependencies:
        modules = [[each.path, each.version] for each in body.dependencies]
        content += [tag("h3", "Dependencies"), plain_table("Dependencies", _MODULES, modules)]
    return section("build", "Build", *content)


def _word(arg: Maybe[bytes]) -> str:
    return f"? ({arg.detail})" if isinstance(arg, Absent) else arg.decode("utf-8", "backslashreplace")
