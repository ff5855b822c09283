"""What a debugger's own printing of values asks for: those of Go's types, by the types' names in rebuilt symbols."""

from __future__ import annotations

from typing import Dict, List, Optional, Tuple

from .binary.types import Type
from .binary.types.qualified import unescaped
from .errors import GoxrayError, UserError
from .runtime.gosyntax import line
from .runtime.shown import Bounds, Shown
from .runtime.typenames import type_named
from .runtime.values import Value
from .runtime.valuetree import Trees
from .session import Session
from .symfile.linknames import LinkNames

_KEPT = "pretty"
_KINDS = ("String", "Slice", "Map", "Interface", "Chan", "Func")
_LIMIT = 200
_MAX_SHOWN = 4096


class Pretty:
    """Shows values of one program. Names of types are looked up once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._types: Dict[str, Optional[Type]] = {}

    def type(self, name: str) -> Optional[Type]:
        """The type if Go has a better way to show its values than a debugger: strings and the like, times, locks."""
        if name not in self._types:
            self._types[name] = self._look_up(name)
        return self._types[name]

    def _look_up(self, name: str) -> Optional[Type]:
        try:
            kind = type_named(self._session.types, unescaped(name))
        except GoxrayError:
            return None
        return kind if kind.kind in _KINDS or Trees(self._session).knows(kind) else None

    def listed(self, kind: Type) -> bool:
        """Whether a debugger may show elements of such a value one by one: of a slice, unless it is of bytes."""
        return kind.kind == "Slice" and isinstance(kind.elem, Type) and kind.elem.kind != "Uint8"

    def names(self) -> List[str]:
        """How rebuilt symbols call the types that `type` finds."""
        trees, names = Trees(self._session), LinkNames()
        wanted = (each for each in self._session.types.all() if each.kind in _KINDS or trees.knows(each))
        return sorted({names.of(each) for each in wanted})

    def text(self, kind: Type, address: Optional[int], data: bytes = b"", limit: Optional[int] = None) -> str:
        """The value in Go's syntax: what lies at `address`, or consists of `data` where that is None."""
        trees, bounds = Trees(self._session), _bounds(limit)
        shown = trees.of(Value(kind, data), bounds) if address is None else trees.at(kind, address, bounds)
        return line(shown, spelled=False, limit=_MAX_SHOWN)

    def entries(self, kind: Type, address: int, limit: Optional[int] = None) -> Tuple[str, List[Tuple[str, str]]]:
        """(what a map is, its entries as texts); no entries where it cannot be read."""
        shown = Trees(self._session).at(kind, address, _bounds(limit))
        if not shown.word or shown.problem:
            return line(shown), []
        return f"{shown.type} len {shown.length}", [(line(key), line(elem)) for key, elem in shown.entries]


def pretty_of(session: Session) -> Pretty:
    """The session's own."""
    found = session.looks.get(_KEPT)
    if not isinstance(found, Pretty):
        found = session.looks[_KEPT] = Pretty(session)
    return found


def debug_name(session: Session, name: str) -> Optional[str]:
    """What rebuilt symbols call the type that the user names; None where there is no such type."""
    try:
        return LinkNames().of(type_named(session.types, name))
    except GoxrayError:
        return None


def value_text(session: Session, name: str, address: int) -> str:
    """What lies at `address`, of the type that the user names. UserError where there is no such type, or nothing."""
    kind = type_named(session.types, name)
    shown: Shown = Trees(session).at(kind, address)
    if shown.problem and not (shown.fields or shown.elements or shown.entries):
        raise UserError(shown.problem)
    return line(shown)


def _bounds(limit: Optional[int]) -> Bounds:
    wanted = _LIMIT if limit is None else limit
    return Bounds(depth=3, limit=wanted, text=max(wanted, 1), nodes=2000)
