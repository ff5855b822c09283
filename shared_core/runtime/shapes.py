"""Shapes that argument words show: strings, slices, interfaces, functions. What the words suggest, never a fact.

The compiler describes words and how they are grouped (FUNCDATA_ArgInfo), no types: {ptr, len} may be a string or any
structure of two words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple, Union

from ..errors import Absent, ReadError
from .args import ArgItem, ArgWord
from .pointers import Pointers

if TYPE_CHECKING:
    from ..session import Session

_WORD = 8
_LOWEST = 4096  # below is no memory of a Go program: small numbers are no pointers
_MAX_TEXT = 256
_MAX_LENGTH = 1 << 40
_PRINTABLE = 0.9
_STACK = "stack "


class Shape(NamedTuple):
    """kind: "string", "slice", "interface", "func", "code", "type", "stack", "chan", "map" or "object"; words: of how
    many it consists.

    func: a func value; code: the address of a function itself; type: that of a type descriptor; stack: into a stack.
    object: the start of an object of the heap. text: the string's own text, or what is said of the others. length: of a
    string in bytes, of a slice in elements. value: what an interface holds, in Go's syntax.
    """

    kind: str
    words: int
    text: str
    length: Optional[int] = None
    capacity: Optional[int] = None
    type: Optional[str] = None
    interface: Optional[str] = None
    value: Optional[str] = None


class Shapes:
    """Looks for shapes in the argument words of one stopped program."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._memory = session.memory
        self._types = session.types
        self._pointers: Optional[Pointers] = None

    def find(self, items: Sequence[ArgItem], values: Sequence[Optional[int]]) -> Dict[int, Shape]:
        """Number of the first word -> shape. `values`: one per word, None where it is dead or unknown."""
        words = [item for item in items if isinstance(item, ArgWord)]
        found: Dict[int, Shape] = {}
        covered: Set[int] = set()
        for group in groups(items):
            shape = self._group([words[i] for i in group], [values[i] for i in group])
            if shape is not None:
                found[group[0]] = shape
                covered.update(group)
        for number, (word, value) in enumerate(zip(words, values)):
            if number not in covered and word.size == _WORD and value is not None and value >= _LOWEST:
                shape = self._single(value)
                if shape is not None:
                    found[number] = shape
        return found

    def _group(self, words: List[ArgWord], known: List[Optional[int]]) -> Optional[Shape]:
        values = [value for value in known if value is not None]
        close = all(word.size == _WORD and word.offset == words[0].offset + _WORD * i for i, word in enumerate(words))
        if not close or len(values) < len(words) or values[0] < _LOWEST:
            return None
        if len(values) == 2:
            return self._interface(values[0]) or self._string(*values)
        return self._slice(*values) if len(values) == 3 else None

    def _interface(self, first: int) -> Optional[Shape]:
        """{type, data} of an empty interface, {itab, data} of one with methods."""
        if first % _WORD:
            return None
        kind = self._types.at(first)
        if not isinstance(kind, Absent):
            return Shape("interface", 2, f"any holding {kind.name}", type=kind.name, interface="any")
        itab = self._types.itab(first)
        if isinstance(itab, Absent) or not self._is_entry(itab.entries[0]):
            return None
        held, through = itab.type.name, itab.interface.name
        return Shape("interface", 2, f"{through} holding {held}", type=held, interface=through)

    def _string(self, address: int, length: int) -> Optional[Shape]:
        if not 0 < length < _MAX_LENGTH:
            return None
        try:
            self._memory.u8(address + length - 1)
            text = _text(self._memory.read(address, min(length, _MAX_TEXT)), length > _MAX_TEXT)
        except ReadError:
            return None
        return None if text is None else Shape("string", 2, text, length=length)

    def _slice(self, address: int, length: int, capacity: int) -> Optional[Shape]:
        """Of elements of a byte at least: all of the array must be there. An empty one shows nothing of its own."""
        if not (length <= capacity < _MAX_LENGTH and capacity):
            return None
        try:
            self._memory.u8(address)
            self._memory.u8(address + capacity - 1)
        except ReadError:
            return None
        return Shape("slice", 3, f"len {length} cap {capacity}", length=length, capacity=capacity)

    def _single(self, value: int) -> Optional[Shape]:
        if self._is_entry(value):
            return Shape("code", 1, self._name(value))
        if value % _WORD:
            return None
        try:
            target = self._memory.u64(value)
        except ReadError:
            return None
        # A func value points to a closure, whose first word is where its code begins (runtime.funcval).
        if self._is_entry(target):
            return Shape("func", 1, self._name(target))
        kind = self._types.at(value)
        if not isinstance(kind, Absent):
            return Shape("type", 1, kind.name, type=kind.name)
        if self._pointers is None:
            self._pointers = Pointers(self._session)
        place = self._pointers.describe(value)
        return Shape("stack", 1, place[len(_STACK) :]) if place.startswith(_STACK) else None

    def _is_entry(self, address: int) -> bool:
        found = self._session.modules.find(address)
        return found is not None and found[1].entry == address

    def _name(self, entry: int) -> str:
        found = self._session.modules.find(entry)
        return found[1].name if found is not None else "?"


def groups(items: Sequence[ArgItem]) -> List[Tuple[int, ...]]:
    """The numbers of the words of each aggregate that consists of words alone, and is told in full."""
    found: List[Tuple[int, ...]] = []
    open_groups: List[Optional[List[int]]] = []
    number = 0
    for item in items:
        if isinstance(item, ArgWord):
            if open_groups:
                _add(open_groups, number)
            number += 1
        elif item == "begin":
            if open_groups:
                open_groups[-1] = None
            open_groups.append([])
        elif item == "end":
            group = open_groups.pop() if open_groups else None
            if group:
                found.append(tuple(group))
        elif open_groups:
            open_groups[-1] = None
    return found


def _add(open_groups: List[Optional[List[int]]], number: int) -> None:
    innermost = open_groups[-1]
    if innermost is not None:
        innermost.append(number)


def _text(data: bytes, cut: bool) -> Union[str, None]:
    """`data` as text; None where it does not look like any. A character may be cut at the end."""
    for drop in range(4 if cut else 1):
        try:
            text = data[: len(data) - drop].decode("utf-8")
        except UnicodeDecodeError:
            continue
        fair = sum(char.isprintable() or char in "\t\r\n" for char in text) >= _PRINTABLE * len(text)
        return text if text and "\0" not in text and fair else None
    return None
