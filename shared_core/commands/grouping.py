"""go-goroutines --group: goroutines that have something in common, counted."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Hashable, List, Optional, Sequence, Set, Union

from ..errors import UNREADABLE, Absent, Maybe, UserError
from ..runtime.frames import Place
from ..runtime.goroutine import Goroutine
from ..runtime.steps import MAX_PCS
from ..runtime.unwind import Stop
from .views import StackView, Views

STACK, LABEL = "stack", "label:"
_NEVER = 1 << 64
_NO_LABELS = Absent(UNREADABLE, "its labels cannot be read")


@dataclass(eq=False)
class Group:
    """Goroutines that share a key, in the runtime's order.

    key: the place, status or label value they share, None without such a label; the user's place of the first for
    equal stacks.
    states: how many are in which state; creators: the gopcs met; since: the earliest g.waitsince, _NEVER without any.
    """

    first: Goroutine
    ids: List[int] = field(default_factory=list)
    states: Dict[str, int] = field(default_factory=dict)
    creators: Set[int] = field(default_factory=set)
    since: int = _NEVER
    key: Union[Maybe[Place], str, None] = ""
    created_by: List[Maybe[Place]] = field(default_factory=list)
    blocked_for: Maybe[int] = 0
    stack: Optional[StackView] = None


@dataclass
class Groups:
    """The largest first; `groups` is how many there are in all, `goroutines` how many goroutines are in them.

    quarters: how many of these wait for what.
    """

    by: str
    shown: List[Group]
    groups: int
    goroutines: int
    hidden: int
    quarters: Dict[str, int] = field(default_factory=dict)


def _by_stack(views: Views) -> Callable[[Goroutine], Hashable]:
    stacks = views.world.stacks

    def pcs(goroutine: Goroutine) -> Hashable:
        found = stacks.steps.kept_pcs(goroutine)
        if found is not None:
            return found
        walked = stacks.walk(goroutine, MAX_PCS)
        return tuple([item.reason if isinstance(item, Stop) else item.pc for item in walked])

    return pcs


def _by_status(views: Views) -> Callable[[Goroutine], Hashable]:
    return lambda g: g.condition.status


def _by_reason(views: Views) -> Callable[[Goroutine], Hashable]:
    return lambda g: g.condition.state


def _by_user_frame(views: Views) -> Callable[[Goroutine], Hashable]:
    return views.world.stacks.users.place


def _by_creator(views: Views) -> Callable[[Goroutine], Hashable]:
    return lambda g: g.raw.gopc


def _by_start(views: Views) -> Callable[[Goroutine], Hashable]:
    return lambda g: g.raw.startpc


def _by_label(views: Views, name: str) -> Callable[[Goroutine], Hashable]:
    labels = views.world.labels.of

    def value(goroutine: Goroutine) -> Maybe[Optional[str]]:
        found = labels(goroutine.raw)
        return _NO_LABELS if isinstance(found, Absent) else found.get(name)

    return value


_KEYS: Dict[str, Callable[[Views], Callable[[Goroutine], Hashable]]] = {
    "user": _by_user_frame,
    STACK: _by_stack,
    "start": _by_start,
    "creator": _by_creator,
    "reason": _by_reason,
    "status": _by_status,
}
KEYS = (*_KEYS, f"{LABEL}K")
_DELVES = {"userloc": "user", "goloc": "creator", "startloc": "start"}


def add_group(parser: argparse.ArgumentParser) -> None:
    """--group KEY."""
    parser.add_argument(
        "--group", "-group", nargs="+", metavar=("KEY", "K"), help=f"count those that share: {', '.join(KEYS)}"
    )


def group_key(words: Sequence[str]) -> str:
    """What --group was given: one of KEYS, or "label:" and the label's name, which may be a word of its own."""
    first = _DELVES.get(words[0], words[0])
    if first in _KEYS and len(words) == 1:
        return first
    if first == "label" and len(words) == 2:
        return LABEL + words[1]
    if len(words) == 1 and first.startswith(LABEL) and first != LABEL:
        return first
    raise UserError(f"--group {' '.join(words)}: there are {', '.join(KEYS)}")


def grouped(views: Views, found: List[Goroutine], by: str, limit: Optional[int], depth: Optional[int]) -> Groups:
    """`found` in groups; each of the `limit` largest with a stack of `depth` frames, None for no stack."""
    key_of = _by_label(views, by[len(LABEL) :]) if by.startswith(LABEL) else _KEYS[by](views)
    groups = _gather(found, key_of)
    groups.sort(key=lambda group: (-len(group.ids), group.ids[0]))
    shown = groups[:limit]
    for group in shown:
        _complete(views, group, by, key_of)
        group.stack = None if depth is None else views.stack(group.first, depth)
    return Groups(by, shown, len(groups), len(found), 0)


def _gather(found: List[Goroutine], key_of: Callable[[Goroutine], Hashable]) -> List[Group]:
    groups: Dict[Any, Group] = {}
    for goroutine in found:
        key, raw = key_of(goroutine), goroutine.raw
        group = groups.get(key)
        if group is None:
            group = groups[key] = Group(goroutine)
        group.ids.append(raw.goid)
        state = goroutine.condition.state
        group.states[state] = group.states.get(state, 0) + 1
        group.creators.add(raw.gopc if raw.goid != 1 else 0)
        if 0 < raw.wait_since < group.since and goroutine.condition.blocked:
            group.since = raw.wait_since
    return list(groups.values())


def _complete(views: Views, group: Group, by: str, key_of: Callable[[Goroutine], Any]) -> None:
    first, now = group.first, views.world.now
    if by == "status":
        group.key = str(first.condition.status or "???")
    elif by == "reason":
        group.key = first.condition.state
    elif by.startswith(LABEL):
        group.key = key_of(first)
    elif by == "creator":
        group.key = views.created_by(first)
    elif by == "start":
        group.key = views.start(first)
    else:
        group.key = views.world.stacks.users.place(first)
    group.created_by = [views.creator(pc) for pc in sorted(group.creators) if pc]
    waited = first.wait_since if group.since == _NEVER else group.since
    if isinstance(waited, Absent):
        group.blocked_for = waited
    else:
        group.blocked_for = now if isinstance(now, Absent) else max(0, now - waited)
