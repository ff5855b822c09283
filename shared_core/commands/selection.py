"""Picking goroutines: the options that every goroutine command shares, and what they mean."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Callable, Dict, List, Optional, Pattern, Tuple

from ..errors import Absent, UserError
from ..runtime.goroutine import Goroutine
from ..runtime.world import World
from .base import count
from .symbols import compile_pattern

if TYPE_CHECKING:
    from ..session import Session

Test = Callable[[Goroutine], bool]
NEVER = 1 << 62


def add_filters(parser: argparse.ArgumentParser) -> None:
    """--all, --status, --wait-reason and --function."""
    parser.add_argument("--all", action="store_true", help="include the runtime's own goroutines")
    parser.add_argument("--status", metavar="S", help="only this status (running, runnable, waiting, syscall, ...)")
    parser.add_argument("--wait-reason", metavar="R", help="only waits whose reason holds this text")
    parser.add_argument("--function", metavar="REGEX", help="only stacks with a function that matches it")


def filtered(session: Session, options: argparse.Namespace) -> List[Goroutine]:
    """The goroutines that pass every filter given, in the runtime's order; UserError on an unknown status."""
    world = session.world
    found = world.goroutines
    for test in _tests(world, options):
        found = [goroutine for goroutine in found if test(goroutine)]
    return found


def _tests(world: World, options: argparse.Namespace) -> List[Test]:
    tests: List[Test] = []
    if not options.all:
        system = world.system
        tests.append(lambda g: g.address not in system)
    if options.status:
        tests.append(_status_test(world, options.status))
    if options.wait_reason:
        reason = options.wait_reason.lower()
        tests.append(lambda g: reason in str(g.wait_reason or "").lower())
    if options.function:
        tests.append(_function_test(world, compile_pattern(options.function)))
    return tests


def _status_test(world: World, status: str) -> Test:
    known = sorted(set(world.reader.statuses.values()))
    if status.lower() not in known:
        raise UserError(f"no goroutine status {status!r}; there are: {', '.join(known)}")
    return lambda g: g.status == status.lower()


def _function_test(world: World, pattern: Pattern[str]) -> Test:
    known: Dict[Tuple[int, ...], bool] = {}

    def on_stack(goroutine: Goroutine) -> bool:
        pcs = world.stacks.steps.pcs(goroutine)
        if pcs is None:
            return walked(goroutine)
        if pcs not in known:
            known[pcs] = walked(goroutine)
        return known[pcs]

    def walked(goroutine: Goroutine) -> bool:
        return any(pattern.search(getattr(frame, "function", "")) for frame in world.stacks.frames(goroutine))

    return on_stack


def one(session: Session, goid: Optional[int]) -> Goroutine:
    """The goroutine with this id, or the selected thread's; UserError without one."""
    world = session.world
    if goid is not None:
        found = world.goroutine(goid)
        if found is None:
            lost = f", but for {world.lost} that cannot be read" if world.lost else ""
            raise UserError(f"there is no goroutine {goid} (go-goroutines --all lists them{lost})")
        return found
    selected = world.selected()
    if selected is None:
        raise UserError("the selected thread runs no goroutine: name one by its id (go-goroutines lists them)")
    return selected


def add_goroutine(parser: argparse.ArgumentParser) -> None:
    """--goroutine ID."""
    parser.add_argument("--goroutine", metavar="ID", type=count, help="this goroutine, not the selected thread's")


ORDERS = ("id", "wait", "status", "function")


def add_sort(parser: argparse.ArgumentParser) -> None:
    """--sort KEY."""
    parser.add_argument(
        "--sort", choices=ORDERS, default="id", help="order: id, wait (longest first), status, function"
    )


def wait_key(world: World, goroutine: Goroutine) -> int:
    """Sorts the longest known wait first, and unknown ones last."""
    since = goroutine.wait_since
    return NEVER if isinstance(since, Absent) else since
