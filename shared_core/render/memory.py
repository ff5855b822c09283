"""go-memory as text and JSON."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any, Dict, List, Sequence, Tuple

from ..commands.memory import MemoryUse
from ..errors import Absent, Maybe
from ..runtime.memstats import MemStats
from ..runtime.pacer import Collector
from ..runtime.regions import Region
from ..runtime.spans import SpanClass, Spans
from .sizes import size
from .table import Column, table

_SHOWN = 10
_CLASSES = (
    Column("CLASS", "right"), Column(""), Column("SPANS", "right"), Column("BYTES", "right"),
    Column("OBJECTS", "right"), Column("USED", "right"), Column("WASTE", "right"), Column("UNSWEPT", "right"),
)  # fmt: skip
_REGIONS = (
    Column("MAPPINGS FOR"), Column("SIZE", "right"), Column("RESERVED", "right"), Column("RESIDENT", "right"),
)  # fmt: skip


Table = Tuple[Sequence[Column], List[Tuple[str, ...]]]


def text(body: MemoryUse) -> str:
    rows = facts(body)
    widest = max(len(name) for name, _ in rows)
    lines = [f"{name:{widest}}  {value}\n" for name, value in rows]
    return "".join(lines) + "\n" + _classes(body) + "\n" + _mappings(body.regions)


def facts(body: MemoryUse) -> List[Tuple[str, str]]:
    """(what, value) of the heap and the collector."""
    return [*_heap(body.stats), *_collector(body.collector)]


def _heap(stats: Maybe[MemStats]) -> List[Tuple[str, str]]:
    if isinstance(stats, Absent):
        return [("heap", f"unknown: {stats.detail}")]
    spare = stats.heap_inuse - stats.alloc
    beside = stats.stack_sys - stats.stack_inuse
    return [
        ("objects", f"{size(stats.alloc)} in {stats.heap_objects}; {size(stats.total_alloc)} in {stats.mallocs} ever"),
        ("heap", f"{size(stats.heap_inuse)} in use, {size(spare)} of it free slots; {size(stats.heap_idle)} idle, "
                 f"{size(stats.heap_released)} of it given back"),
        ("stacks", f"{size(stats.stack_inuse)}" + (f", and {size(beside)} from the system" if beside else "")),
        ("off-heap", f"collector {size(stats.gc_sys)}, spans {size(stats.mspan_sys)}, caches {size(stats.mcache_sys)}, "
                     f"profiles {size(stats.buck_hash_sys)}, other {size(stats.other_sys)}"),
        ("total", f"{size(stats.sys)} from the system, {size(stats.sys - stats.heap_released)} without what was "
                  "given back"),
        ("collections", f"{stats.num_gc}, {stats.num_forced_gc} of them asked for{_pauses(stats)}"),
    ]  # fmt: skip


def _pauses(stats: MemStats) -> str:
    if not stats.num_gc:
        return ""
    when = _moment(stats.last_gc)
    return (
        f"; the last ended {when or 'at no known time'}; pauses {stats.pause_total_ns / 1e6:.3g} ms in all, "
        f"the last {stats.last_pause_ns / 1e6:.3g} ms; {stats.gc_cpu_fraction:.1%} of the processors' time"
    )


def _moment(nanoseconds: int) -> str:
    """A time in UTC; "" for one that no clock shows."""
    if not 0 < nanoseconds < 1 << 62:
        return ""
    return datetime.fromtimestamp(nanoseconds // 10**9, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def _collector(found: Maybe[Collector]) -> List[Tuple[str, str]]:
    if isinstance(found, Absent):
        return [("collector", f"unknown: {found.detail}")]
    phase = f"unknown: {found.phase.detail}" if isinstance(found.phase, Absent) else _PHASES[found.phase]
    settings = f"GOGC={'off' if found.off else found.gogc}, "
    settings += "no GOMEMLIMIT" if found.unlimited else f"GOMEMLIMIT={size(found.limit)}"
    never = found.off and found.unlimited
    aim = "no goal" if never else f"starts at {size(found.trigger)} live, to end before {size(found.goal)}"
    return [
        ("collector", f"{phase}; {settings}"),
        ("next cycle", f"{aim}; live {size(found.live)}, marked by the last {size(found.marked)}"),
    ]


_PHASES = {"off": "not at work", "mark": "marking", "marktermination": "ends marking"}


def _classes(body: MemoryUse) -> str:
    spans = body.spans
    if isinstance(spans, Absent):
        return f"size classes: {spans}\n"
    limit = _SHOWN if body.limit is None else body.limit
    columns, shown = class_table(spans, limit)
    rest = f"{len(shown)} of " if len(shown) < len(spans.classes) else ""
    return table(columns, shown) + (
        f"({rest}{len(spans.classes)} classes; {spans.spans} spans in use, {size(spans.in_use)}; "
        f"{size(spans.manual)} in spans of stacks and the collector's buffers)\n"
    )


def class_table(spans: Spans, limit: int) -> Table:
    """The size classes with the most bytes."""
    return _CLASSES, [_class_cells(each) for each in spans.classes[:limit]]


def _class_cells(each: SpanClass) -> Tuple[str, ...]:
    return (
        str(each.size) if each.size else "large",
        "noscan" if each.noscan else "",
        str(each.spans),
        size(each.bytes),
        str(each.objects),
        size(each.used),
        f"{1 - each.used / each.bytes:.0%}",
        str(each.unswept) if each.unswept else "",
    )


def _mappings(regions: List[Region]) -> str:
    if not regions:
        return "mappings: the debugger does not know them\n"
    columns, rows, why = region_table(regions)
    return table(columns, rows) + (f"({why})\n" if why else "")


def region_table(regions: List[Region]) -> Tuple[Sequence[Column], List[Tuple[str, ...]], str]:
    """(columns, rows with the sum as the last one, why what is resident is not known)."""
    rows = [_region_cells(each) for each in regions]
    resident = total([each.resident for each in regions])
    together, reserved = sum(each.size for each in regions), total([each.reserved for each in regions])
    rows.append(_region_cells(Region("all", together, reserved, resident)))
    return _REGIONS, rows, resident.detail if isinstance(resident, Absent) else ""


def _region_cells(each: Region) -> Tuple[str, ...]:
    return each.kind, size(each.size), _some(each.reserved), _some(each.resident)


def _some(value: Maybe[int]) -> str:
    return "" if isinstance(value, Absent) or not value else size(value)


def total(values: Sequence[Maybe[int]]) -> Maybe[int]:
    """The sum, Absent where any of them is."""
    found = 0
    for value in values:
        if isinstance(value, Absent):
            return value
        found += value
    return found


def document(body: MemoryUse) -> Dict[str, Any]:
    spans = body.spans
    return {
        "stats": body.stats if isinstance(body.stats, Absent) else _stats(body.stats),
        "collector": body.collector if isinstance(body.collector, Absent) else _collector_document(body.collector),
        "spans": spans if isinstance(spans, Absent) else _spans(spans),
        "span_classes": spans if isinstance(spans, Absent) else [_class(each) for each in spans.classes[: body.limit]],
        "regions": [_region(each) for each in body.regions],
        "resident": total([each.resident for each in body.regions]) if body.regions else None,
    }


def _stats(stats: MemStats) -> Dict[str, Any]:
    found = asdict(stats)
    return {**{key: value for key, value in found.items() if key != "problems"}, "heap_alloc": stats.alloc}


def _collector_document(found: Collector) -> Dict[str, Any]:
    never = found.off and found.unlimited
    return {
        "phase": found.phase,
        "cycles": found.cycles,
        "gogc": None if found.off else found.gogc,
        "gogc_off": found.off,
        "memory_limit": None if found.unlimited else found.limit,
        "next_gc": None if never else found.goal,
        "trigger": None if never else found.trigger,
        "live": found.live,
        "marked": found.marked,
    }


def _spans(spans: Spans) -> Dict[str, Any]:
    return {"count": spans.spans, "in_use": spans.in_use, "manual": spans.manual, "lost": spans.lost}


def _class(each: SpanClass) -> Dict[str, Any]:
    return {
        "class": each.number >> 1, "size": each.size or None, "noscan": each.noscan, "spans": each.spans,
        "bytes": each.bytes, "objects": each.objects, "slots": each.slots, "used": each.used, "unswept": each.unswept,
    }  # fmt: skip


def _region(each: Region) -> Dict[str, Any]:
    return {
        "kind": each.kind, "size": each.size, "reserved": each.reserved,
        "resident": each.resident,
    }  # fmt: skip
