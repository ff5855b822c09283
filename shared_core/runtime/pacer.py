"""The garbage collector: its phase, what it aims at, and when it will start next.

Source: Go 1.27 runtime/mgcpacer.go (gcControllerState.heapGoalInternal, memoryLimitHeapGoal, trigger), mgc.go (work).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Mapping, Tuple

from ..errors import UNPARSABLE, Absent, GoxrayError, Maybe, ReadError
from .record import Record

if TYPE_CHECKING:
    from ..session import Session

_NEVER = (1 << 64) - 1
_NO_LIMIT = (1 << 63) - 1
_MIN_RUNWAY = 64 << 10  # a constant inside heapGoalInternal, in every version from 1.19 on
_LIMIT = 1 << 56


@dataclass(frozen=True)
class Collector:
    """phase: "off", "mark" or "marktermination". cycles: begun so far. gogc: GOGC in percent, if not `off`; limit:
    GOMEMLIMIT in bytes, if not `unlimited`.

    goal: the heap's size that the cycle aims to stay below (MemStats.NextGC); trigger: at which the next one starts.
    Where the collector is off and there is no limit both are beyond any heap. live: the heap by the runtime's own
    count, what Ps have at hand included; marked: what the last cycle found alive. All in bytes.
    """

    phase: Maybe[str]
    cycles: Maybe[int]
    gogc: int
    limit: int
    goal: int
    trigger: int
    live: int
    marked: int
    off: bool
    unlimited: bool


def gc_controller(session: Session) -> Record:
    """runtime.gcController; LayoutError where nothing that looks like it is found."""
    kind = session.layout.struct("runtime.gcControllerState")
    found = session.globals.find("runtime.gcController", lambda at: _is_controller(session, at))
    return Record(session.memory, kind, found)


def _is_controller(session: Session, address: int) -> bool:
    kind = session.layout.struct("runtime.gcControllerState")
    try:
        record = Record(session.memory, kind, address)
    except ReadError:
        return False
    sums = [record.unsigned(name) for name in ("heapInUse", "heapReleased", "heapFree", "mappedReady")]
    return record.signed("gcPercent") >= -1 and max(sums) < _LIMIT and 0 < sums[0] <= sums[3]


def read_collector(session: Session, pacer: Record) -> Collector:
    """`pacer` is runtime.gcController."""
    constants = session.layout.constants
    percent, limit = pacer.signed("gcPercent"), pacer.signed("memoryLimit")
    goal, least = _goal(pacer, constants)
    return Collector(
        phase=_phase(session),
        cycles=read_cycles(session),
        gogc=percent,
        limit=limit,
        goal=goal,
        trigger=_trigger(pacer, constants, goal, least),
        live=pacer.unsigned("heapLive"),
        marked=pacer.unsigned("heapMarked"),
        off=percent < 0,
        unlimited=limit == _NO_LIMIT,
    )


def _phase(session: Session) -> Maybe[str]:
    names = session.layout.enums["gc_phases"]
    try:
        address = session.globals.find("runtime.gcphase", lambda at: session.memory.u32(at) in names)
        return names[session.memory.u32(address)]
    except GoxrayError as error:
        return Absent(UNPARSABLE, str(error))


def read_cycles(session: Session) -> Maybe[int]:
    """How many collections have begun: runtime.work.cycles."""
    kind = session.layout.structs.get("runtime.work")
    try:
        if kind is None:
            return Absent(UNPARSABLE, "the layout has no runtime.work")
        offset = kind.offset("cycles")
        address = session.globals.find("runtime.work", lambda at: session.memory.u32(at + offset) < 1 << 31)
        return session.memory.u32(address + offset)
    except GoxrayError as error:
        return Absent(UNPARSABLE, str(error))


def _goal(pacer: Record, constants: Mapping[str, int]) -> Tuple[int, int]:
    """heapGoalInternal: (goal, the least trigger)."""
    goal, limited = pacer.unsigned("gcPercentHeapGoal"), _limited_goal(pacer, constants)
    if limited < goal:
        return limited, 0
    distance, triggered = pacer.unsigned("sweepDistMinTrigger"), pacer.unsigned("triggered")
    goal = max(goal, distance)
    if triggered != _NEVER and goal < triggered + _MIN_RUNWAY:
        goal = triggered + _MIN_RUNWAY
    return goal, distance


def _limited_goal(pacer: Record, constants: Mapping[str, int]) -> int:
    """memoryLimitHeapGoal."""
    free, ready, limit = (pacer.unsigned(name) for name in ("heapFree", "mappedReady", "memoryLimit"))
    allocated, marked = pacer.unsigned("totalAlloc") - pacer.unsigned("totalFree"), pacer.unsigned("heapMarked")
    beside = ready - free - allocated + max(0, ready - limit)
    if beside >= limit:
        return marked
    goal = limit - beside
    # Go 1.19 knows the fixed headroom alone.
    headroom = max(goal // 100 * constants.get("memory_limit_headroom_percent", 0), constants["memory_limit_headroom"])
    goal = headroom if goal < 2 * headroom else goal - headroom
    return max(goal, marked)


def _trigger(pacer: Record, constants: Mapping[str, int], goal: int, least: int) -> int:
    """gcControllerState.trigger."""
    marked, runway = pacer.unsigned("heapMarked"), pacer.unsigned("runway")
    if marked >= goal:
        return goal
    part = (goal - marked) // constants["trigger_ratio_den"]
    least = max(least, marked, part * constants["min_trigger_ratio_num"] + marked)
    most = part * constants["max_trigger_ratio_num"] + marked
    minimum = constants["default_heap_minimum"]
    if goal > minimum:
        most = max(most, goal - minimum)
    most = max(most, least)
    return min(max(least if runway > goal else goal - runway, least), most)
