"""Values taken apart, as deep as is asked for: what pointers, interfaces, maps, channels and func values lead to.

Every length and count that the program says is bounded, and what a pointer leads back to is not followed again.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Callable, Dict, FrozenSet, Optional, Tuple

from ..binary.types import Type
from ..errors import Absent, Maybe, ReadError
from .channels import Channels
from .closures import Closures
from .knowntypes import KnownTypes
from .maps import MapReader
from .shown import CYCLE, DEPTH, ENOUGH, Bounds, Shown, shown_as
from .values import Value, Values

if TYPE_CHECKING:
    from ..session import Session

_MAX_LENGTH = 1 << 47
_TEXT = frozenset((*range(0x20, 0x7F), *b"\t\r\n"))
Path = FrozenSet[Tuple[int, int]]


class Trees:
    """Takes values of one stopped program apart."""

    def __init__(self, session: Session, values: Optional[Values] = None) -> None:
        self.values = values or Values(session.memory, session.types)
        self._session = session
        self._memory = session.memory
        self._maps = MapReader(self.values)
        self._known = KnownTypes(self.values)
        self._closures = Closures(session)
        self._channels: Optional[Channels] = None
        self._bounds = Bounds()
        self._left = 0
        self._readers: Dict[str, Callable[[Value, int, Path], Shown]] = {
            "Struct": self._struct, "Array": self._array, "Slice": self._slice, "Map": self._map, "Chan": self._chan,
            "Pointer": self._pointer, "Interface": self._interface, "Func": self._func, "String": self._string,
            "UnsafePointer": self._unsafe,
        }  # fmt: skip

    def of(self, value: Maybe[Value], bounds: Optional[Bounds] = None, name: str = "") -> Shown:
        """The value as a tree; one that is Absent by its problem, as of the type `name`."""
        self._bounds = bounds or Bounds()
        self._left = self._bounds.nodes
        return self._of(value, 0, frozenset(), name)

    def at(self, kind: Type, address: int, bounds: Optional[Bounds] = None) -> Shown:
        """What lies at `address`, the parts of it that can be read."""
        return self.of(self._at(kind, address), bounds, kind.name)

    def knows(self, kind: Type) -> bool:
        """Whether values of the type mean more than their fields say."""
        return self._known.knows(kind)

    def _at(self, kind: Type, address: int) -> Maybe[Value]:
        found = self.values.at(kind, address)
        # Of a structure that is partly gone each field is tried.
        return Value(kind, b"", address=address) if isinstance(found, Absent) and kind.kind == "Struct" else found

    def _of(self, value: Maybe[Value], depth: int, path: Path, name: str = "") -> Shown:
        if isinstance(value, Absent):
            return Shown(name or "?", "", problem=value.detail or value.kind)
        self._left -= 1
        if self._left < 0:
            return shown_as(value, cut=ENOUGH)
        try:
            note = self._known.note(value)
            if note:
                return shown_as(value, note=note)
            reader = self._readers.get(value.type.kind)
            if reader is not None:
                return reader(value, depth, path)
            plain = self.values.basic(value, True)
        except struct.error:
            return shown_as(value, problem=f"its {value.type.size} bytes cannot be read")
        if isinstance(plain, str):
            return shown_as(value, literal=plain)
        return shown_as(value, problem=plain.detail if plain is not None else f"a {value.type.kind}")

    def _string(self, value: Value, depth: int, path: Path) -> Shown:
        start, length = struct.unpack_from("<QQ", value.data)
        shown = shown_as(value, word=start, length=length)
        if length >= _MAX_LENGTH:
            shown.problem = f"a string of {length} bytes"
            return shown
        text = self.values.text(value, self._bounds.text)
        if isinstance(text, Absent):
            shown.problem = text.detail
            return shown
        shown.more = max(length - self._bounds.text, 0)
        shown.literal = text[:-3] if shown.more else text
        return shown

    def _struct(self, value: Value, depth: int, path: Path) -> Shown:
        shown = shown_as(value)
        path = path if value.address is None else path | {(value.address, value.type.address)}
        inner = self._known.inner(value)
        if inner is not None:
            shown.held = self._of(inner, depth + 1, path)
            return shown
        if isinstance(value.type.fields, Absent):
            shown.problem = value.type.fields.detail
        elif depth >= self._bounds.depth and value.type.fields:
            shown.cut = DEPTH
        else:
            for (name, each), about in zip(self.values.fields(value), value.type.fields):
                kind = about.type.name if isinstance(about.type, Type) else "?"
                shown.fields.append((name, self._of(each, depth + 1, path, kind)))
            shown.more = len(value.type.fields) - len(shown.fields)
            if value.type.size and not value.data and all(each.problem for _, each in shown.fields):
                shown.fields, shown.more = [], 0
                shown.problem = f"cannot read {value.type.size} bytes at {value.address or 0:#x}"
        return shown

    def _array(self, value: Value, depth: int, path: Path) -> Shown:
        shown = shown_as(value, length=value.type.length or 0)
        elem = value.type.elem
        if isinstance(elem, Absent):
            shown.problem = elem.detail
        elif depth >= self._bounds.depth and shown.length:
            shown.cut = DEPTH
        elif elem.kind != "Uint8" or not self._bytes(shown, self._array_bytes(value, shown.length or 0)):
            self._elements(shown, elem, lambda at: self.values.part(value, elem, at), depth, path)
        return shown

    def _array_bytes(self, value: Value, length: int) -> Optional[bytes]:
        if len(value.data) == length:
            return value.data[: max(self._bounds.text, self._bounds.limit)]
        return None if value.address is None else self._read(value.address, length)

    def _elements(self, shown: Shown, elem: Type, part: Callable[[int], Maybe[Value]], depth: int, path: Path) -> None:
        """Those within the bounds; where one cannot be read, those after it are not tried."""
        length = shown.length or 0
        for number in range(min(length, self._bounds.limit)):
            each = self._of(part(number * elem.size), depth + 1, path, elem.name)
            shown.elements.append(each)
            if each.problem or each.cut == ENOUGH:
                break
        shown.more = length - len(shown.elements)

    def _bytes(self, shown: Shown, data: Optional[bytes]) -> bool:
        """Whether these are the elements: as many as of a string if they are text, else as many as of other slices."""
        if data is None:
            return False
        is_text = all(byte in _TEXT for byte in data)
        shown.data = data if is_text else data[: self._bounds.limit]
        shown.literal = data.decode("ascii") if is_text else ""
        shown.more = (shown.length or 0) - len(shown.data)
        return True

    def _read(self, start: int, length: int) -> Optional[bytes]:
        try:
            return self._memory.read(start, min(length, max(self._bounds.text, self._bounds.limit))) if length else b""
        except ReadError:
            return None

    def _slice(self, value: Value, depth: int, path: Path) -> Shown:
        start, length, capacity = struct.unpack_from("<QQQ", value.data)
        shown = shown_as(value, word=start, length=length, capacity=capacity)
        elem = value.type.elem
        if isinstance(elem, Absent):
            shown.problem = elem.detail
        elif length > capacity or capacity * max(elem.size, 1) >= _MAX_LENGTH:
            shown.problem = f"a length of {length} and a capacity of {capacity}"
        elif start and length and (start, value.type.address) in path:
            shown.cut = CYCLE
        elif depth >= self._bounds.depth and length:
            shown.cut = DEPTH
        elif elem.kind != "Uint8" or not self._bytes(shown, self._read(start, length)):
            path = path | {(start, value.type.address)}
            self._elements(shown, elem, lambda at: self._at(elem, start + at), depth, path)
        return shown

    def _pointer(self, value: Value, depth: int, path: Path) -> Shown:
        shown = shown_as(value, word=value.pointer())
        elem = value.type.elem
        if not shown.word:
            return shown
        if isinstance(elem, Absent):
            shown.problem = elem.detail
            return shown
        here = (shown.word, elem.address)
        if here in path:
            shown.cut = CYCLE
        elif depth >= self._bounds.depth:
            shown.cut = DEPTH
        else:
            # A structure counts its own depth.
            deeper = depth if elem.kind == "Struct" else depth + 1
            shown.held = self._of(self._at(elem, shown.word), deeper, path | {here}, elem.name)
        return shown

    def _interface(self, value: Value, depth: int, path: Path) -> Shown:
        held = self.values.dynamic(value)
        shown = shown_as(value, word=0 if held is None else 1)
        if isinstance(held, Absent):
            shown.problem = f"what it holds is of no known type: {held.detail}"
        elif held is not None:
            # What is not a pointer lies behind one, and may lead back here.
            here = (held.address or 0, held.type.address)
            if held.address and here in path:
                shown.cut = CYCLE
            else:
                shown.held = self._of(held, depth, path | {here} if held.address else path)
        return shown

    def _map(self, value: Value, depth: int, path: Path) -> Shown:
        shown = shown_as(value, word=value.pointer())
        if not shown.word:
            return shown
        here = (shown.word, value.type.address)
        head = self._maps.head(value.type, shown.word)
        if isinstance(head, Absent):
            shown.problem = head.detail
            return shown
        shown.length = head.total
        if here in path:
            shown.cut = CYCLE
        elif depth >= self._bounds.depth and head.total:
            shown.cut = DEPTH
        else:
            inner = path | {here}
            found, shown.problem = self._maps.listed(head, self._bounds.limit)
            shown.entries = [(self._of(k, depth + 1, inner), self._of(each, depth + 1, inner)) for k, each in found]
            shown.more = head.total - len(shown.entries)
        return shown

    def _chan(self, value: Value, depth: int, path: Path) -> Shown:
        shown = shown_as(value, word=value.pointer())
        elem = value.type.elem
        if not shown.word:
            return shown
        if self._channels is None:
            self._channels = Channels(self._session)
        found = self._channels.at(shown.word)
        if isinstance(found, Absent) or isinstance(elem, Absent):
            shown.problem = found.detail if isinstance(found, Absent) else "its elements are of no known type"
            return shown
        shown.length, shown.capacity, shown.closed = found.length, found.capacity, found.closed
        here = (shown.word, value.type.address)
        if found.size != elem.size:
            shown.problem = f"its elements have {found.size} bytes, not {elem.size}"
        elif here in path:
            shown.cut = CYCLE
        elif depth >= self._bounds.depth and found.length:
            shown.cut = DEPTH
        else:
            places = [found.buffer + (found.first + at) % max(found.capacity, 1) * elem.size for at in
                      range(min(found.length, self._bounds.limit))]  # fmt: skip
            inner = path | {here}
            shown.elements = [self._of(self._at(elem, place), depth + 1, inner, elem.name) for place in places]
            shown.more = found.length - len(shown.elements)
        return shown

    def _func(self, value: Value, depth: int, path: Path) -> Shown:
        shown = shown_as(value, word=value.pointer())
        if shown.word:
            found = self._closures.at(shown.word)
            if isinstance(found, Absent):
                shown.problem = found.detail
            else:
                shown.literal, shown.words = found.function, found.words
        return shown

    def _unsafe(self, value: Value, depth: int, path: Path) -> Shown:
        return shown_as(value, word=value.pointer())
