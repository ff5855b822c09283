"""Picking goroutines: the options that every goroutine command shares, and what they mean."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ..errors import Absent, UserError
from ..runtime.goroutine import Goroutine
from ..runtime.world import World
from .base import count, duration
from .predicates import Predicates, Test

if TYPE_CHECKING:
    from ..session import Session

NEVER = 1 << 62
_WANTED = ("status", "wait_reason", "function", "label", "having", "lacking", "min_wait")


class Selection(NamedTuple):
    """The goroutines that pass, in the runtime's order, and how many of the runtime's own nobody asked for.

    notes: how many were left out since it cannot be told whether they pass, and why.
    """

    goroutines: List[Goroutine]
    hidden: int
    notes: List[str]


def add_filters(parser: argparse.ArgumentParser, everything: bool = True, waits: bool = True) -> None:
    """--status, --wait-reason, --function, --label, --with, --without; and --all and --min-wait, unless these mean
    something else to the command."""
    if everything:
        parser.add_argument("--all", action="store_true", help="include the runtime's own goroutines")
    parser.add_argument("--status", metavar="S", help="only this status (running, runnable, waiting, syscall, ...)")
    parser.add_argument("--wait-reason", metavar="R", help="only waits whose reason holds this text")
    parser.add_argument("--function", metavar="REGEX", help="only stacks with a function that matches it")
    parser.add_argument(
        "--label", metavar="K[=V]", action="append", help="only those with this profiler label; may be repeated"
    )
    parser.add_argument(
        "--with", "-with", "-w", dest="having", nargs="+", action="append", metavar=("KIND", "VALUE"),
        help="only those that are or have: user, system, running, label K[=V], func REGEX, start REGEX, ...",
    )  # fmt: skip
    parser.add_argument(
        "--without", "-without", "-wo", dest="lacking", nargs="+", action="append", metavar=("KIND", "VALUE"),
        help="only those that are not, or have not; both may be repeated, and all must hold",
    )  # fmt: skip
    if waits:
        parser.add_argument(
            "--min-wait", metavar="TIME", type=duration, help="only those blocked for so long at least: 5m, 1h30m, 20s"
        )


def picks(options: argparse.Namespace) -> bool:
    """Whether any of the options says which goroutines are meant."""
    return any(getattr(options, name, None) is not None for name in _WANTED)


def filtered(session: Session, options: argparse.Namespace) -> List[Goroutine]:
    """The goroutines that pass every filter given, in the runtime's order; UserError on one that makes no sense."""
    return select(session, options).goroutines


def select(session: Session, options: argparse.Namespace, system: Optional[bool] = None) -> Selection:
    """The same with what is said of the others.

    system: whether the runtime's own are among them where no filter is about that; by default if --all is given.
    """
    predicates = Predicates(session)
    asked = list(_asked(options))
    tests = [
        (f"{option} {' '.join(words)}", _made(predicates, option, words), wanted) for option, words, wanted in asked
    ]
    least = getattr(options, "min_wait", None)
    if least is not None:
        tests.append(("--min-wait", predicates.min_wait(least), True))
    found, hidden, notes = session.world.goroutines, 0, []
    about_system = any(words[0] in ("user", "system") for _, words, _ in asked)
    if not about_system and not (options.all if system is None else system):
        hidden = len(session.world.system)
        is_user = predicates.user()
        found = [goroutine for goroutine in found if is_user(goroutine)]
    for name, test, wanted in tests:
        found, note = _passing(found, name, test, wanted)
        notes += note
    return Selection(found, hidden, notes)


def _asked(options: argparse.Namespace) -> Iterator[Tuple[str, Sequence[str], bool]]:
    """(option, kind and value, whether it must hold) for each filter but --min-wait."""
    for option, kind, value in (
        ("--status", "status", options.status), ("--wait-reason", "reason", options.wait_reason),
        ("--function", "func", options.function),
    ):  # fmt: skip
        if value:
            yield option, (kind, value), True
    yield from (("--label", ("label", value), True) for value in options.label or ())
    yield from (("--with", words, True) for words in options.having or ())
    yield from (("--without", words, False) for words in options.lacking or ())


def _made(predicates: Predicates, option: str, words: Sequence[str]) -> Test:
    kind, *values = words
    if len(values) > 1:
        raise UserError(f"{option} {kind} takes one value, not {' '.join(values)} (quote what holds blanks)")
    try:
        return predicates.make(kind, values[0] if values else None)
    except UserError as error:
        raise UserError(f"{option}: {error}" if option.startswith("--with") else str(error)) from None


def _passing(found: List[Goroutine], name: str, test: Test, wanted: bool) -> Tuple[List[Goroutine], List[str]]:
    passing: List[Goroutine] = []
    unknown: List[Absent] = []
    for goroutine in found:
        answer = test(goroutine)
        if answer is wanted:
            passing.append(goroutine)
        elif isinstance(answer, Absent):
            unknown.append(answer)
    if not unknown:
        return passing, []
    number = len(unknown)
    left = f"{number} goroutine{'s' if number > 1 else ''} left out, of which it cannot be told"
    return passing, [f"{name}: {left}: {unknown[0].detail or unknown[0].kind}"]


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


ORDERS = ("id", "wait", "status", "function", "stack-size")


def add_sort(parser: argparse.ArgumentParser, default: Optional[str] = "id") -> None:
    """--sort KEY; None as a default leaves the command's own order."""
    parser.add_argument(
        "--sort", choices=ORDERS, default=default,
        help="order: id, wait (longest first), status, function, stack-size (largest first)",
    )  # fmt: skip


def ordered(world: World, found: List[Goroutine], order: Optional[str]) -> List[Goroutine]:
    """`found` by one of ORDERS; as they are for None."""
    keys: Dict[str, Callable[[Goroutine], Any]] = {
        "id": lambda g: g.raw.goid,
        "wait": lambda g: (wait_key(world, g), g.raw.goid),
        "status": lambda g: (g.state, g.raw.goid),
        "function": lambda g: (getattr(world.stacks.users.place(g), "function", ""), g.raw.goid),
        "stack-size": lambda g: (g.raw.low - g.raw.high, g.raw.goid),
    }
    return found if order is None else sorted(found, key=keys[order])


def wait_key(world: World, goroutine: Goroutine) -> int:
    """Sorts the longest known wait first, and unknown ones last."""
    since = goroutine.wait_since
    return NEVER if isinstance(since, Absent) else since
