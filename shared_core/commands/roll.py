"""The roll of a report: every goroutine by its id, with those that stand alike told once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, List, NamedTuple, Tuple

from ..errors import Maybe
from ..runtime.goroutine import Goroutine
from ..runtime.labels import as_text
from .grouping import Groups
from .views import Standing, Views

if TYPE_CHECKING:
    from ..session import Session

MOST = 200_000  # goroutines; a million would make a page of 10 MB
MOST_KINDS = 10_000  # different rows, some 100 bytes each


class Kind(NamedTuple):
    """Goroutines whose rows differ by the id alone. group: the number of their stack's group, -1 for one not shown."""

    standing: Standing
    labels: Maybe[Dict[str, str]]
    group: int
    ids: List[int]


@dataclass
class Roll:
    """kinds: with the most goroutines first; left: how many goroutines are not among them."""

    kinds: List[Kind]
    total: int
    left: int


def roll(session: Session, found: List[Goroutine], groups: object) -> Roll:
    """`found`, with the stacks in `groups` (Groups by stack) where there are any."""
    views, labels = Views(session), session.world.labels.of
    shown = groups.shown if isinstance(groups, Groups) else []
    numbers = {goid: number for number, group in enumerate(shown) for goid in group.ids}
    kinds: Dict[Tuple[int, int, int], Kind] = {}
    for goroutine in found:
        standing, own = views.standing(goroutine), labels(goroutine.raw)
        group = numbers.get(goroutine.raw.goid, -1)
        # Shared by those that have equal ones, and kept by the kind.
        key = (id(standing), id(own), group)
        kind = kinds.get(key)
        if kind is None:
            kind = kinds[key] = Kind(standing, own, group, [])
        kind.ids.append(goroutine.raw.goid)
    ranked = sorted(kinds.values(), key=lambda kind: (-len(kind.ids), kind.ids[0]))
    kept: List[Kind] = []
    room = MOST
    for kind in ranked[:MOST_KINDS]:
        kept.append(kind._replace(labels=as_text(kind.labels), ids=sorted(kind.ids[:room])))
        room -= len(kept[-1].ids)
        if not room:
            break
    return Roll(kept, len(found), len(found) - (MOST - room))
