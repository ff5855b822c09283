"""The roll of a report: every goroutine by its id, with those that stand alike told once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, List, NamedTuple, Optional, Tuple

from ..errors import Maybe
from ..runtime.goroutine import Goroutine
from ..runtime.labels import as_text
from .grouping import Groups
from .views import Standing, Views

if TYPE_CHECKING:
    from ..session import Session

MOST = 200_000  # goroutines; a million would make a page of 10 MB
MOST_KINDS = 10_000  # different rows, some 100 bytes each
MOST_LABELS = 5_000  # different sets of labels: where each request has its own, they are left out


class Kind(NamedTuple):
    """Goroutines whose rows differ by the id alone. group: the number of their stack's group, -1 for one not shown.

    labels: None where they are left out.
    """

    standing: Standing
    labels: Optional[Maybe[Dict[str, str]]]
    group: int
    ids: List[int]


@dataclass
class Roll:
    """kinds: with the most goroutines first; left: how many goroutines are not among them.

    unlabelled: labels are left out, since there are so many different ones.
    """

    kinds: List[Kind]
    total: int
    left: int
    unlabelled: bool


def roll(session: Session, found: List[Goroutine], groups: object) -> Roll:
    """`found`, with the stacks in `groups` (Groups by stack) where there are any."""
    views, read = Views(session), session.world.labels.of
    # Those that are equal are mostly one object, and are kept here, so that ids tell them apart.
    labels: List[Optional[Maybe[Dict[str, str]]]] = [read(goroutine.raw) for goroutine in found]
    unlabelled = len(set(map(id, labels))) > MOST_LABELS
    if unlabelled:
        labels = [None] * len(found)
    shown = groups.shown if isinstance(groups, Groups) else []
    numbers = {goid: number for number, group in enumerate(shown) for goid in group.ids}
    kinds: Dict[Tuple[int, int, int], Kind] = {}
    for goroutine, own in zip(found, labels):
        standing, group = views.standing(goroutine), numbers.get(goroutine.raw.goid, -1)
        key = (id(standing), id(own), group)
        kind = kinds.get(key)
        if kind is None:
            kind = kinds[key] = Kind(standing, own, group, [])
        kind.ids.append(goroutine.raw.goid)
    ranked = sorted(kinds.values(), key=lambda kind: (-len(kind.ids), kind.ids[0]))
    kept: List[Kind] = []
    room = MOST
    for kind in ranked[:MOST_KINDS]:
        text = None if kind.labels is None else as_text(kind.labels)
        kept.append(kind._replace(labels=text, ids=sorted(kind.ids[:room])))
        room -= len(kept[-1].ids)
        if not room:
            break
    return Roll(kept, len(found), len(found) - (MOST - room), unlabelled)
