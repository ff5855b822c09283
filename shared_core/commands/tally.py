"""go-goroutines --stats: how many goroutines are in which state, and what their stacks take."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Counter as CounterType
from typing import Dict, List

from ..runtime.goroutine import Goroutine
from ..runtime.world import World


@dataclass
class Tally:
    """Counts of goroutines; sizes in bytes.

    stack_bytes: from g.stack.lo to hi; used_bytes: above the saved sp, of the `measured` goroutines that are parked.
    sizes: how many stacks have which size. largest: (size, id). quarters: how many wait for what.
    """

    total: int = 0
    system: int = 0
    hidden: int = 0
    on_threads: int = 0
    locked: int = 0
    labelled: int = 0
    statuses: Dict[str, int] = field(default_factory=dict)
    reasons: Dict[str, int] = field(default_factory=dict)
    stack_bytes: int = 0
    used_bytes: int = 0
    measured: int = 0
    sizes: Dict[int, int] = field(default_factory=dict)
    largest: List[int] = field(default_factory=list)
    quarters: Dict[str, int] = field(default_factory=dict)


def tally(world: World, found: List[Goroutine], hidden: int, quarters: Dict[str, int]) -> Tally:
    """The counts of `found`; `hidden` of the runtime's own were left out."""
    system = world.system
    statuses: CounterType[str] = Counter(str(g.status or "???") for g in found)
    waiting = [g for g in found if g.condition.status in ("waiting", "leaked")]
    sizes: CounterType[int] = Counter(g.raw.high - g.raw.low for g in found)
    parked = [g.raw for g in found if g.condition.parked and not g.raw.syscall_sp and g.raw.sched_sp]
    largest = max(found, key=lambda g: (g.raw.high - g.raw.low, -g.raw.goid), default=None)
    return Tally(
        total=len(found),
        system=sum(g.address in system for g in found),
        hidden=hidden,
        on_threads=sum(bool(g.raw.m) for g in found),
        locked=sum(g.locked for g in found),
        labelled=sum(bool(world.labels.of(g.raw)) for g in found),
        statuses=_ranked(statuses),
        reasons=_ranked(Counter(g.condition.state for g in waiting)),
        stack_bytes=sum(size * number for size, number in sizes.items()),
        used_bytes=sum(raw.high - raw.sched_sp for raw in parked),
        measured=len(parked),
        sizes=dict(sorted(sizes.items())),
        largest=[] if largest is None else [largest.raw.high - largest.raw.low, largest.id],
        quarters=quarters,
    )


def _ranked(counts: CounterType[str]) -> Dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
