"""The entries of one unit of types while they are written (DWARF 4, 5)."""

from __future__ import annotations

import struct
from typing import Dict, Hashable, Iterable, List, NamedTuple, Tuple

from . import typeshapes as shapes
from .encode import ULEB, Strings

Key = Hashable  # what stands for a type: its descriptor, or what it was made of

_U32 = struct.Struct("<I")
_HEAD = struct.Struct("<BIBQ")  # shape, name, go_kind, go_runtime_type
_MEMBER, _TYPEDEF, _RANGE = struct.Struct("<BII"), struct.Struct("<BII"), struct.Struct("<BI")
_NO_REFERENCE = b"\0" * 4
_END = b"\0"
_COUNTER: Key = "uint64"


class Member(NamedTuple):
    """A field of a structure; offset in bytes."""

    name: str
    type: Key
    offset: int
    embedded: bool = False


class Origin(NamedTuple):
    """Whose descriptor an entry is made from: Go's number of its kind, and what DW_AT_go_runtime_type says of it."""

    kind: int
    runtime_type: int


MADE = Origin(0, 0)


class Dies:
    """Writes entries; those they refer to may follow later, until `resolve`.

    Offsets count from the start of the unit, of which the first `start` bytes are its header.
    """

    def __init__(self, strings: Strings, start: bytes) -> None:
        self.strings = strings
        self._data = bytearray(start)
        self.places: Dict[Key, int] = {}
        self._references: List[Tuple[int, Key]] = []

    def unresolved(self, since: int) -> Iterable[Key]:
        """What was referred to, from the `since`-th reference on, and is not there."""
        return [key for _, key in self._references[since:] if key not in self.places]

    @property
    def references(self) -> int:
        return len(self._references)

    def base(self, key: Key, name: str, encoding: int, size: int, origin: Origin = MADE) -> None:
        self._head(key, shapes.BASE, name, origin)
        self._data += bytes((encoding,)) + ULEB[size]

    def pointer(self, key: Key, name: str, target: Key, origin: Origin = MADE) -> None:
        self._head(key, shapes.POINTER, name, origin)
        self._refer(target)

    def bare_pointer(self, key: Key, name: str, origin: Origin = MADE) -> None:
        """unsafe.Pointer."""
        self._head(key, shapes.BARE_POINTER, name, origin)

    def pointer_to(self, target: Key, name: str) -> Key:
        """A pointer that no descriptor tells of; one for each target."""
        key = ("*", target)
        if key not in self.places:
            self.pointer(key, name, target)
        return key

    def typedef(self, key: Key, name: str, target: Key) -> None:
        self.places[key] = len(self._data)
        at = len(self._data) + _TYPEDEF.size - 4
        self._data += _TYPEDEF.pack(shapes.TYPEDEF, self.strings.add(name), 0)
        self._references.append((at, target))

    def go_typedef(self, key: Key, name: str, target: Key, origin: Origin) -> None:
        """Of a func or interface."""
        self._head(key, shapes.GO_TYPEDEF, name, origin)
        self._refer(target)

    def chan(self, key: Key, name: str, target: Key, elem: Key, origin: Origin) -> None:
        self._head(key, shapes.CHAN, name, origin)
        self._refer(target)
        self._refer(elem)

    def map(self, key: Key, name: str, target: Key, key_type: Key, elem: Key, origin: Origin) -> None:
        self._head(key, shapes.MAP, name, origin)
        for each in (target, key_type, elem):
            self._refer(each)

    def structure(self, key: Key, name: str, size: int, members: Iterable[Member], origin: Origin = MADE) -> None:
        fields = list(members)
        self._head(key, shapes.STRUCT[bool(fields)], name, origin)
        self._data += ULEB[size]
        if fields:
            self._members(fields)

    def slice(self, key: Key, name: str, size: int, members: Iterable[Member], elem: Key, origin: Origin) -> None:
        self._head(key, shapes.SLICE, name, origin)
        self._refer(elem)
        self._data += ULEB[size]
        self._members(members)

    def array(self, key: Key, name: str, size: int, elem: Key, count: int, origin: Origin = MADE) -> None:
        self._head(key, shapes.ARRAY, name, origin)
        self._refer(elem)
        self._data += ULEB[size]
        self._references.append((len(self._data) + 1, _COUNTER))
        self._data += _RANGE.pack(shapes.RANGE, 0) + ULEB[count] + _END

    def _head(self, key: Key, shape: int, name: str, origin: Origin) -> None:
        self.places[key] = len(self._data)
        self._data += _HEAD.pack(shape, self.strings.add(name), *origin)

    def _refer(self, key: Key) -> None:
        self._references.append((len(self._data), key))
        self._data += _NO_REFERENCE

    def _members(self, members: Iterable[Member]) -> None:
        data, add, refer = self._data, self.strings.add, self._references.append
        for name, kind, offset, embedded in members:
            refer((len(data) + 5, kind))
            data += _MEMBER.pack(shapes.EMBEDDED if embedded else shapes.MEMBER, add(name), 0) + ULEB[offset]
        data += _END

    def resolve(self) -> bytearray:
        """The unit, ended, with all references filled in; KeyError for one to what is not there."""
        data, places, pack = self._data, self.places, _U32.pack_into
        data += _END
        for at, key in self._references:
            pack(data, at, places[key])
        pack(data, 0, len(data) - 4)
        return data
