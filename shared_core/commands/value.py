"""go-value: what lies at an address, in Go's syntax."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, List, Sequence

from ..binary.types import Type
from ..errors import Absent, UserError
from ..layouts.panicwords import panic_words
from ..runtime.goerrors import GoErrors, Link
from ..runtime.interfaces import interface_at
from ..runtime.shown import Bounds, Shown
from ..runtime.typenames import type_named
from ..runtime.values import Value
from ..runtime.valuetree import Trees
from .base import FINE, UNANSWERED, Command, Result, address, count

if TYPE_CHECKING:
    from ..session import Session

WIDTH = 100
_DEFAULTS = Bounds()
_MAX_NODES = 1_000_000
_MAX_DEPTH = 64


@dataclass
class OneValue:
    """The value of a type that lies at `address`; interface: the type of the interface that it was found in, or "".

    errors: of a value that is an error, itself and those that it wraps. width: of a line, in characters.
    """

    address: int
    type: str
    shown: Shown
    interface: str = ""
    errors: List[Link] = field(default_factory=list)
    width: int = WIDTH


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("address", metavar="ADDRESS", type=address, help="where it lies")
    parser.add_argument("type", nargs="*", metavar="TYPE", help="main.Order, *main.Order, []string, map[string]int")
    parser.add_argument("--interface", action="store_true", help="an interface value lies there: of its own type")
    parser.add_argument(
        "--depth", metavar="N", type=count, default=_DEFAULTS.depth,
        help="so many structures within each other (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--limit", metavar="N", type=count, default=_DEFAULTS.limit,
        help="elements of each slice, array, map and channel (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--width", metavar="N", type=count, default=WIDTH, help="longest line; 0: all on one line (%(default)s)"
    )


def run(session: Session, options: argparse.Namespace) -> Result:
    name = " ".join(options.type)
    if bool(name) == options.interface:
        raise UserError("go-value: say which TYPE lies there, or --interface (see go-value --help)")
    limit = min(options.limit, _MAX_NODES)
    bounds = _DEFAULTS._replace(
        depth=min(options.depth, _MAX_DEPTH), limit=limit, nodes=min(max(_DEFAULTS.nodes, 8 * limit), _MAX_NODES)
    )
    trees = Trees(session)
    body = _interface(session, trees, options.address, bounds) if options.interface else None
    if body is None:
        kind = type_named(session.types, name)
        found = trees.values.at(kind, options.address)
        shown = trees.at(kind, options.address, bounds)
        body = OneValue(options.address, kind.name, shown, errors=_errors(session, trees, found))
    body.width = options.width
    lost = body.shown.problem and not (body.shown.fields or body.shown.elements or body.shown.entries)
    return Result("go-value", body, list(session.warnings), UNANSWERED if lost else FINE)


def _interface(session: Session, trees: Trees, place: int, bounds: Bounds) -> OneValue:
    found = interface_at(trees.values, place)
    if isinstance(found, Absent):
        raise UserError(f"there is no interface at {place:#x}: {found.detail}")
    if found.held is None:
        return OneValue(place, "", Shown("interface {}", "Interface", place, word=0), found.interface)
    name = found.held.type.name if isinstance(found.held, Value) else ""
    shown = trees.of(found.held, bounds, name)
    return OneValue(place, name, shown, found.interface, _errors(session, trees, found.held))


def _errors(session: Session, trees: Trees, value: object) -> List[Link]:
    """The chain of an error, or of what an interface holds that is one."""
    if isinstance(value, Value) and value.type.kind == "Interface" and len(value.data) == 16:
        value = trees.values.dynamic(value)
    if not isinstance(value, Value) or not _is_error(value.type):
        return []
    return GoErrors(trees.values, panic_words(session.layout)).chain(value)


def _is_error(kind: Type) -> bool:
    methods = kind.methods
    return not isinstance(methods, Absent) and any(method.name == "Error" for method in methods)


def complete(session: Session, words: Sequence[str], word: str) -> List[str]:
    if not [each for each in words if not each.startswith("-")]:
        return []
    return sorted({each.name for each in session.types.all() if each.name.startswith(word)})


COMMAND = Command(
    name="go-value",
    help="Show the value at an address, in Go's syntax.",
    run=run,
    arguments=arguments,
    details="""TYPE is written as in the program: main.Order, *main.Order (a pointer lies at ADDRESS), []string,
map[string]int, [3]main.Order, with whole import paths where a name belongs to several; or it is the address of the
type's descriptor.
Pointers, interfaces, maps, channels and func values are followed. What leads back to itself is "in a cycle", and what
cannot be read stands as "?" with the reason. Strings are cut at 4096 bytes; maps of over 16384 entries are not sorted.
Of an error, what it wraps follows.

  go-value 0xc000012345 main.Order
  go-value 0xc000012345 map[string]int --limit 1000
  go-value --interface 0xc000012345 --depth 2""",
    complete=complete,
)
