"""The types of a method's arguments: its name tells the receiver's, and the descriptor of that type the others.

The compiler describes how the words of all arguments are grouped (FUNCDATA_ArgInfo); types are believed as far as the
description is what it would be for them. Source: Go 1.27 cmd/compile/internal/ssagen/ssa.go (EmitArgInfo).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, NamedTuple, Optional, Sequence, Tuple

from ..binary.funcnames import receiver_of
from ..binary.types import Type
from ..binary.types.qualified import unescaped
from ..errors import UNREADABLE, Absent, GoxrayError, Maybe
from .args import ArgItem, ArgWord
from .interfaces import interface_of
from .shown import Bounds, Shown
from .values import Value
from .valuetree import Trees

if TYPE_CHECKING:
    from ..session import Session

_BOUNDS = Bounds(depth=2, limit=4, text=128, nodes=256)
_WORDS = {"String": 2, "Interface": 2, "Slice": 3}
_HALVES = {"Complex64": 4, "Complex128": 8}
_MAX_STEPS = 64
RECEIVER, PARAMETER = "receiver", "parameter"


class Typed(NamedTuple):
    """An argument of a known type, of so many words. role: RECEIVER or PARAMETER.

    shown: None where some of its words are not known at this pc, or are not described.
    """

    type: str
    role: str
    words: int
    shown: Optional[Shown]


class _Misfit(Exception):
    """The description is not that of the type."""


class _Description:
    """The items of a frame's description, read in step with types as the compiler wrote them."""

    def __init__(self, items: Sequence[ArgItem]) -> None:
        self._items = items
        self._at = 0
        self._number = 0
        self._base = 0
        self._words: List[Tuple[int, int]] = []
        self.whole = True

    def take(self, kind: Type) -> Optional[List[Tuple[int, int]]]:
        """The (number, offset in the argument) of the words of the next argument; None if it is not of this type.

        `whole` is False from the first argument on of which some is left out.
        """
        self._words = []
        try:
            self._visit(kind, 0)
        except _Misfit:
            return None
        return self._words

    def _next(self) -> Optional[ArgItem]:
        self._at += 1
        return self._items[self._at - 1] if self._at <= len(self._items) else None

    def _visit(self, kind: Maybe[Type], offset: int) -> bool:
        """Whether more of what it is part of is described."""
        item = self._next()
        if item == "dots":
            self.whole = False
            return False
        parts = _parts(kind) if isinstance(kind, Type) else None
        if parts is None:
            self._word(kind, offset, item)
            return True
        if item != "begin":
            raise _Misfit
        for each, place in parts:
            if not self._visit(each, offset + place):
                break
        if self._next() != "end":
            raise _Misfit
        return True

    def _word(self, kind: Maybe[Type], offset: int, item: Optional[ArgItem]) -> None:
        if not isinstance(item, ArgWord) or isinstance(kind, Absent) or item.size != kind.size:
            raise _Misfit
        if not self._words:
            self._base = item.offset - offset
        if item.offset - offset != self._base:
            raise _Misfit
        self._words.append((self._number, offset))
        self._number += 1


def _parts(kind: Type) -> Optional[List[Tuple[Maybe[Type], int]]]:
    """(type, offset) of what an aggregate is described as; None for what is one word."""
    word = kind.types.find("uintptr")
    if kind.kind in _WORDS and word:
        return [(word[0], 8 * number) for number in range(_WORDS[kind.kind])]
    if kind.kind in _HALVES:
        half = kind.types.find("float32" if kind.kind == "Complex64" else "float64")
        return [(half[0], 0), (half[0], _HALVES[kind.kind])] if half else None
    if kind.kind == "Array":
        elem, length = kind.elem, kind.length
        if isinstance(elem, Absent) or isinstance(length, Absent):
            return [(Absent(UNREADABLE), 0)]
        return [(elem, number * elem.size) for number in range(min(length, _MAX_STEPS))]
    if kind.kind == "Struct":
        fields = kind.fields
        return [(fields, 0)] if isinstance(fields, Absent) else [(field.type, field.offset) for field in fields]
    return None


class ArgTypes:
    """Finds what the arguments of methods are."""

    def __init__(self, session: Session, trees: Trees) -> None:
        self._session = session
        self._trees = trees
        self._known: Dict[str, Optional[Tuple[Type, Tuple[Maybe[Type], ...]]]] = {}

    def find(self, function: str, items: Sequence[ArgItem], values: Sequence[Optional[int]]) -> Dict[int, Typed]:
        """Number of the first word -> what is known of the argument. `values`: one per word, None where it is dead."""
        method = self._method(function)
        if method is None:
            return _by_name(function, items)
        found: Dict[int, Typed] = {}
        description, role = _Description(items), RECEIVER
        for kind in (method[0], *method[1]):
            taken = description.take(kind) if isinstance(kind, Type) and description.whole else None
            if taken is None or not isinstance(kind, Type):
                break
            if taken:
                data = _bytes(kind, taken, items, values) if description.whole else None
                shown = None if data is None else self._trees.of(Value(kind, data), _BOUNDS)
                found[taken[0][0]] = Typed(kind.name, role, len(taken), shown)
            role = PARAMETER
        return found

    def held(self, first: int, word: int) -> Optional[Shown]:
        """What the two words of an interface hold."""
        found = interface_of(self._trees.values, first, word)
        if isinstance(found, Absent) or not isinstance(found.held, Value):
            return None
        return self._trees.of(found.held, _BOUNDS)

    def _method(self, function: str) -> Optional[Tuple[Type, Tuple[Maybe[Type], ...]]]:
        """(receiver's type, those of the parameters that follow as far as they are known)."""
        if function not in self._known:
            try:
                self._known[function] = self._look_up(function)
            except GoxrayError:
                self._known[function] = None
        return self._known[function]

    def _look_up(self, function: str) -> Optional[Tuple[Type, Tuple[Maybe[Type], ...]]]:
        receiver = receiver_of(function)
        if receiver is None:
            return None
        name = ("*" if receiver.pointer else "") + unescaped(receiver.type_name)
        fits = []
        for kind in self._session.types.find(name):
            methods = () if isinstance(kind.methods, Absent) else kind.methods
            method = next((each for each in methods if each.name == function[function.rindex(".") + 1 :]), None)
            if method is not None:
                signature = method.type.signature if isinstance(method.type, Type) else method.type
                fits.append((kind, () if isinstance(signature, Absent) else signature.params))
        # Local types may share a name.
        return fits[0] if len(fits) == 1 else None


def _by_name(function: str, items: Sequence[ArgItem]) -> Dict[int, Typed]:
    """A receiver that is a pointer to a type without a descriptor: nothing in the program makes an interface of it."""
    receiver = receiver_of(function)
    if receiver is None or not receiver.pointer or not items or not isinstance(items[0], ArgWord) or items[0].size != 8:
        return {}
    return {0: Typed("*" + short_name(unescaped(receiver.type_name)), RECEIVER, 1, None)}


def short_name(name: str) -> str:
    """With the last element of its import path alone, as %T has it: "shelf.Pile"."""
    return name[name.rfind("/") + 1 :]


def _bytes(
    kind: Type, taken: List[Tuple[int, int]], items: Sequence[ArgItem], values: Sequence[Optional[int]]
) -> Optional[bytes]:
    """The value out of its words; None where one of them is not known."""
    words = [item for item in items if isinstance(item, ArgWord)]
    data = bytearray(kind.size)
    for number, offset in taken:
        value = values[number]
        if value is None:
            return None
        size = words[number].size
        data[offset : offset + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
    return bytes(data)
