"""go-sched as text and JSON."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ..commands.sched import Change, MachineView, ProcessorView, SchedulerState
from ..errors import NOT_APPLICABLE, Absent, Maybe
from ..runtime.scheduler import Hold, Scheduler, Timers
from .quarters import quarters_document, quarters_line
from .table import Column, table
from .times import duration

_NS = 1_000_000_000
_FEW = 16
_PROCESSORS = (
    Column("P", "right"), Column("STATUS"), Column("M", "right"), Column("GOROUTINE", "right"),
    Column("QUEUE", "right"), Column("NEXT", "right"), Column("TIMERS", "right"), Column("DUE", "right"),
    Column("TICKS", "right"), Column("CALLS", "right"), Column(""),
)  # fmt: skip
_MACHINES = (
    Column("M", "right"), Column("THREAD", "right"), Column("P", "right"), Column("GOROUTINE", "right"),
    Column("LOCKED TO", "right"), Column("DOES"), Column("LOCKS", "right"), Column(""),
)  # fmt: skip


def text(body: SchedulerState) -> str:
    rows = facts(body)
    widest = max(len(name) for name, _ in rows)
    head = "".join(f"{name:{widest}}  {value}\n" for name, value in rows)
    return f"{head}\n{table(*processor_table(body))}\n{table(*machine_table(body))}{_footer(body)}"


def processor_table(body: SchedulerState) -> Tuple[Sequence[Column], List[Tuple[str, ...]]]:
    changes = body.change.ticks if body.change is not None else {}
    return _PROCESSORS, [_processor(number, each, body.now, changes) for number, each in enumerate(body.processors)]


def machine_table(body: SchedulerState) -> Tuple[Sequence[Column], List[Tuple[str, ...]]]:
    return _MACHINES, [_machine(each) for each in body.machines]


def _footer(body: SchedulerState) -> str:
    return f"({len(body.processors)} Ps; {len(body.machines)} Ms)\n" + quarters_line(body.quarters)


def facts(body: SchedulerState) -> List[Tuple[str, str]]:
    """(what, value) of the scheduler as a whole."""
    s = body.scheduler
    count = sum(body.statuses.values())
    statuses = ", ".join(f"{number} {status}" for status, number in sorted(body.statuses.items()))
    rows = [
        ("GOMAXPROCS", f"{s.gomaxprocs}{', set explicitly' if s.custom else ''}; {s.idle_processors} idle"),
        ("threads", f"{s.threads} of at most {s.max_threads}; {s.idle_machines} idle, {s.spinning} spinning, "
                    f"{s.locked} waiting for the goroutine that they are locked to, {s.system} of the runtime's own"),
        ("goroutines", f"{count}: {statuses}; {s.created} made so far"),
        ("global queue", _queue(s.queued, body.global_queue)),
        ("waits", _waits(s)),
    ]  # fmt: skip
    return rows if body.change is None else [*rows, ("since", _change(body.change))]


def _queue(size: int, ids: Maybe[List[Maybe[int]]]) -> str:
    if isinstance(ids, Absent):
        return f"{size} goroutines; {ids.detail}"
    return f"{size} goroutines{': ' if ids else ''}{_list(ids, size)}"


def _list(ids: List[Maybe[int]], size: int) -> str:
    shown = " ".join("?" if isinstance(each, Absent) else str(each) for each in ids[:_FEW])
    return shown + (" ..." if size > _FEW else "")


def _waits(s: Scheduler) -> str:
    stop = "the program goes down" if s.frozen else f"{s.stop_wait} Ps have not yet"
    found = [f"everything is to stop: {stop}"] if s.gc_waiting else []
    found += ["a P must look for work that was just made"] if s.need_spinning else []
    found += [f"{s.disabled} goroutines may not run while the collector works"] if s.disabled else []
    found += [f"{s.safe_point_wait} Ps have not come to a safe point"] if s.safe_point_wait else []
    found += ["sysmon sleeps, for there is nothing to do"] if s.sysmon_waits else []
    found += ["a thread waits in the network poller"] if s.polling else []
    return "; ".join(found) or "none"


def _change(change: Change) -> str:
    ticks = (sum(each[0] for each in change.ticks.values()), sum(each[1] for each in change.ticks.values()))
    cycles = "" if isinstance(change.cycles, Absent) else f", {change.cycles} collections begun"
    return (
        f"{change.seconds:.1f} s ago: {change.created} goroutines made, {change.ended} ended, {ticks[0]} time slices, "
        f"{ticks[1]} system calls, {change.machines} threads more{cycles}"
    )


def _processor(
    number: int, view: Maybe[ProcessorView], now: Maybe[int], changes: Dict[int, Tuple[int, int]]
) -> Tuple[str, ...]:
    if isinstance(view, Absent):
        return (str(number), f"? ({view.detail})", *[""] * 9)
    p, more = view.processor, changes.get(view.processor.id)
    return (
        str(p.id),
        p.status,
        _plain(view.machine),
        _plain(view.goroutine),
        "?" if isinstance(view.queue, Absent) else str(len(view.queue)),
        _plain(view.next),
        _timers(p.timers),
        _until(p.timers.next_due, now),
        str(p.sched_ticks) if more is None else f"+{more[0]}",
        str(p.syscall_ticks) if more is None else f"+{more[1]}",
        ", ".join([*([f"{p.worker} GC worker"] if p.worker else []), *(["is to be preempted"] if p.preempt else [])]),
    )


def _timers(timers: Timers) -> str:
    due = timers.due if not isinstance(timers.due, Absent) else 0
    return str(timers.count) + (f" ({due} due)" if due else "")


def _until(when: Maybe[int], now: Maybe[int]) -> str:
    if isinstance(when, Absent):
        return ""
    if isinstance(now, Absent):
        return "?"
    left = when - now
    return "-" * (left < 0) + duration(abs(left)).lstrip("~")


def _plain(value: Optional[Maybe[int]]) -> str:
    """ "" for what is not, "?" for what cannot be told."""
    if isinstance(value, Absent):
        return "" if value.kind == NOT_APPLICABLE else "?"
    return "" if value is None else str(value)


def _machine(view: MachineView) -> Tuple[str, ...]:
    thread, machine = view.thread.thread, view.thread.machine
    hold = view.hold
    return (
        _plain(machine.id if machine is not None else None),
        _plain(thread.tid if thread is not None else None),
        _plain(view.thread.processor),
        _plain(view.thread.goroutine),
        _plain(view.thread.locked),
        view.thread.activity.text,
        "?" if isinstance(hold, Absent) else str(hold.locks or ""),
        "" if isinstance(hold, Absent) else ", ".join(_notes(hold)),
    )


def _notes(hold: Hold) -> List[str]:
    found = ["allocates"] if hold.mallocing else []
    found += ["goes down"] if hold.dying or hold.throwing else []
    return found + ([f"not to be preempted: {hold.preempt_off}"] if hold.preempt_off else [])


def document(body: SchedulerState) -> Dict[str, Any]:
    s = body.scheduler
    return {
        **{each.name: getattr(s, each.name) for each in fields(s) if each.name != "queue"},
        "stop_wait": None if s.frozen else s.stop_wait,
        "global_queue": body.global_queue,
        "goroutines": dict(sorted(body.statuses.items())),
        "quarters": quarters_document(body.quarters),
        "processors": [_quiet_processor(each, body.now) for each in body.processors],
        "machines": [_machine_document(each) for each in body.machines],
        "change": None if body.change is None else _change_document(body.change),
    }


def _quiet_processor(view: Maybe[ProcessorView], now: Maybe[int]) -> Any:
    if isinstance(view, Absent):
        return view
    p = view.processor
    due = p.timers.next_due
    return {
        "id": p.id,
        "address": hex(p.address),
        "status": p.status,
        "m": view.machine,
        "goroutine": view.goroutine,
        "queue": view.queue,
        "next": view.next,
        "sched_ticks": p.sched_ticks,
        "syscall_ticks": p.syscall_ticks,
        "free_goroutines": p.free,
        "preempt": p.preempt,
        "gc_worker": p.worker or None,
        "timers": p.timers.count,
        "timers_stopped": p.timers.stopped,
        "timers_due": p.timers.due,
        "next_timer_seconds": None
        if isinstance(due, Absent)
        else now
        if isinstance(now, Absent)
        else (due - now) / _NS,
    }


def _machine_document(view: MachineView) -> Dict[str, Any]:
    thread, machine, hold = view.thread.thread, view.thread.machine, view.hold
    assert machine is not None
    return {
        "m": machine.id,
        "address": hex(machine.address),
        "thread": thread.tid if thread is not None else None,
        "p": _known(view.thread.processor),
        "goroutine": _known(view.thread.goroutine),
        "locked_goroutine": _known(view.thread.locked),
        "state": view.thread.activity.state,
        "doing": view.thread.activity.text,
        "spinning": machine.spinning,
        "blocked": machine.blocked,
        "in_c": machine.in_c,
        "hold": hold if isinstance(hold, Absent) else asdict(hold),
    }


def _known(value: Maybe[int]) -> Any:
    return None if isinstance(value, Absent) and value.kind == NOT_APPLICABLE else value


def _change_document(change: Change) -> Dict[str, Any]:
    ticks = [{"p": p, "sched_ticks": s, "syscall_ticks": c} for p, (s, c) in sorted(change.ticks.items())]
    return {
        "seconds": round(change.seconds, 3), "goroutines_made": change.created, "goroutines_ended": change.ended,
        "threads": change.machines, "collections": change.cycles, "processors": ticks,
    }  # fmt: skip
