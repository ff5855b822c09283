"""What all goroutines wait for, in a page's worth: kinds of waits with how many are in each, and the wait graph's part
where something is shared or held.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Dict, Hashable, Iterator, List, NamedTuple, Set, Tuple, Union

from ..analysis.holders import Cycle, Holders, cycles, holders_of
from ..analysis.things import ChannelWait, CondWait, LockWait, Wait
from ..analysis.waits import Waits, waits_of
from ..errors import Absent, Maybe
from ..runtime.channels import Channel
from ..runtime.frames import Place
from ..runtime.goroutine import Goroutine

if TYPE_CHECKING:
    from ..session import Session

MOST_THINGS = 30  # in the graph
MOST_WAITERS = 6  # groups of them at one thing
MOST_KINDS = 200

Thing = Union[Channel, LockWait, CondWait]


class WaitKind(NamedTuple):
    """Goroutines that wait in one way at one place. things: how many different things they wait for together.

    age: the longest known, in ns.
    """

    waits: List[Wait]
    caller: Maybe[Place]
    things: int
    age: Maybe[int]


class Waiters(NamedTuple):
    """Goroutines at one place that wait for one thing; verb: what they want there ("receive", "lock").

    alone: the id of the only one where that seems to hold something itself, else 0.
    """

    waits: List[Wait]
    caller: Maybe[Place]
    verb: str
    alone: int


@dataclass
class Node:
    """A channel, lock or condition that `total` goroutines wait for. holders: who seems to hold it, and what they wait
    for themselves. left: how many more wait there than those in `waiters`; cyclic: it is part of a cycle of locks."""

    key: int
    thing: Thing
    total: int
    waiters: List[Waiters] = field(default_factory=list)
    holders: List[Waiters] = field(default_factory=list)
    left: int = 0
    cyclic: bool = False


@dataclass
class WaitGroups:
    """kinds: the largest first, of so many in all (total). nodes: the worst first; more: how many things that are
    shared or held are not among them."""

    kinds: List[WaitKind]
    total: int
    nodes: List[Node]
    more: int
    cycles: List[Cycle]


def wait_groups(session: Session) -> WaitGroups:
    """Those of all goroutines that are not the runtime's own."""
    waits, holders = waits_of(session), holders_of(session)
    kinds = _kinds(waits)
    found = cycles(waits, holders)
    nodes, more = _nodes(waits, holders, {lock.semaphore for cycle in found for _, lock in cycle.steps})
    return WaitGroups(kinds[:MOST_KINDS], len(kinds), nodes, more, found)


def _kinds(waits: Waits) -> List[WaitKind]:
    groups: Dict[Hashable, List[Wait]] = {}
    for wait in waits.all():
        key = (wait.quarter, type(wait.thing), wait.goroutine.state, waits.called_from(wait.goroutine))
        groups.setdefault(key, []).append(wait)
    ranked = sorted(groups.values(), key=lambda group: (-len(group), group[0].goroutine.id))
    return [
        WaitKind(
            group,
            waits.called_from(group[0].goroutine),
            len({id(wait.thing) for wait in group}),
            _longest(waits, [wait.goroutine for wait in group]),
        )
        for group in ranked
    ]


def _longest(waits: Waits, goroutines: List[Goroutine]) -> Maybe[int]:
    since = [g.raw.wait_since for g in goroutines if g.raw.wait_since > 0 and g.condition.blocked]
    if not since:
        return waits.world.blocked_for(goroutines[0])
    now = waits.world.now
    return now if isinstance(now, Absent) else max(0, now - min(since))


def _nodes(waits: Waits, holders: Holders, in_cycles: Set[int]) -> Tuple[List[Node], int]:
    """The things that more than one waits for, or that somebody seems to hold."""
    queued: Dict[int, List[Tuple[Wait, str]]] = {}
    things: Dict[int, Thing] = {}
    for wait in waits.all():
        for key, thing, verb in _things(wait):
            things[key] = thing
            queued.setdefault(key, []).append((wait, verb))
    nodes = []
    for key, members in queued.items():
        thing = things[key]
        held = holders.of(thing).ids if isinstance(thing, LockWait) else []
        if len(members) > 1 or held:
            nodes.append(Node(key, thing, len(members), cyclic=key in in_cycles))
    nodes.sort(key=lambda node: (not node.cyclic, not _is_held(node, holders), -node.total, node.key))
    shown = nodes[:MOST_THINGS]
    by_id = {wait.goroutine.id: wait for wait in waits.all()} if shown else {}
    for node in shown:
        if isinstance(node.thing, LockWait):
            found = [by_id[goid] for goid in holders.of(node.thing).ids if goid in by_id]
            node.holders = [Waiters([each], waits.called_from(each.goroutine), "", each.goroutine.id) for each in found]
    apart = {holder.alone for node in shown for holder in node.holders}
    for node in shown:
        _fill(node, queued[node.key], waits, apart)
    return shown, len(nodes) - len(shown)


def _things(wait: Wait) -> Iterator[Tuple[int, Thing, str]]:
    """(address, thing, what is done there): the cases of a select one by one."""
    thing = wait.thing
    if isinstance(thing, ChannelWait):
        for case in thing.cases:
            if not isinstance(case.channel, Absent):
                yield case.channel.address, case.channel, str(case.direction or "wait")
    elif isinstance(thing, LockWait):
        yield thing.lock.semaphore, thing, thing.lock.wants
    elif isinstance(thing, CondWait):
        yield thing.address, thing, "wait"


def _is_held(node: Node, holders: Holders) -> bool:
    return isinstance(node.thing, LockWait) and bool(holders.of(node.thing).ids)


def _fill(node: Node, members: List[Tuple[Wait, str]], waits: Waits, apart: Set[int]) -> None:
    """Its waiters by place; those that hold something themselves each for itself, and first."""
    groups: Dict[Hashable, Waiters] = {}
    for wait, verb in members:
        caller, goid = waits.called_from(wait.goroutine), wait.goroutine.id
        alone = goid if goid in apart else 0
        groups.setdefault((caller, verb, alone), Waiters([], caller, verb, alone)).waits.append(wait)
    ranked = sorted(groups.values(), key=lambda group: (not group.alone, -len(group.waits)))
    node.waiters = ranked[:MOST_WAITERS]
    node.left = node.total - sum(len(group.waits) for group in node.waiters)
