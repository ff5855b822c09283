"""What values of Go's own kinds are made of: maps, channels, interfaces, funcs.

Named as the linker names them, so that what reads its DWARF reads this. Sources: cmd/link/internal/ld/dwarf.go
(synthesizemaptypes, synthesizechantypes) of Go 1.23 and 1.27; the offsets are the layout's.
"""

from __future__ import annotations

from typing import Dict, List, Mapping, Optional

from ..binary.types import MapLayout, Type
from ..errors import Absent, LayoutError, Maybe
from ..layouts.model import Field, Layout, Struct
from .linknames import LinkNames
from .typedies import Dies, Key, Member

_WORD = 8
_SLOTS = 8  # of a bucket
_BYTE, _POINTER, _INT, _CODE = "uint8", "unsafe.Pointer", "int", "runtime.funcval"
# What the layout has as words, and Go as pointers or as numbers with a sign.
_WORDS = {
    **dict.fromkeys(("buf", "elemtype", "timer", "bubble", "g", "next", "prev", "parent", "waitlink"), _POINTER),
    **dict.fromkeys(("waittail", "vp", "c", "elem", "extra", "buckets", "oldbuckets"), _POINTER),
    **dict.fromkeys(("dirPtr", "data", "tab", "_type"), _POINTER),
    **dict.fromkeys(("count", "dirLen", "index", "acquiretime", "releasetime"), _INT),
}  # fmt: skip
_BASES = {"uint8": (7, 1), "uint16": (7, 2), "uint32": (7, 4), "uint64": (7, 8), "int": (5, 8), "uintptr": (7, 8)}
_BY_SIZE = {1: "uint8", 2: "uint16", 4: "uint32", 8: "uint64"}


class Internals:
    """Writes these structures, once each. pointers: the descriptor of *T for that of T."""

    def __init__(self, dies: Dies, layout: Layout, names: LinkNames, pointers: Mapping[Type, Type]) -> None:
        self._dies, self._layout, self._names, self._pointers = dies, layout, names, pointers

    def predeclared(self) -> None:
        """The types that the others are made of, where no descriptor has made them."""
        for name, (encoding, size) in _BASES.items():
            if name not in self._dies.places:
                self._dies.base(name, name, encoding, size)
        if _POINTER not in self._dies.places:
            self._dies.bare_pointer(_POINTER, _POINTER)

    def data_of(self, t: Type) -> Key:
        """*T as the data of a slice of T."""
        known = self._pointers.get(t)
        return known if known is not None else self._dies.pointer_to(t, "*" + self._names.of(t))

    def bytes(self, count: int) -> Key:
        """So many bytes of which no more is known."""
        key = ("bytes", count)
        if key not in self._dies.places:
            self._dies.array(key, f"[{count}]uint8", count, _BYTE, count)
        return key

    def interface(self, empty: bool) -> Key:
        """runtime.eface or runtime.iface."""
        name, first = ("runtime.eface", "_type") if empty else ("runtime.iface", "tab")
        if name not in self._dies.places:
            members = [Member(first, _POINTER, 0), Member("data", _POINTER, _WORD)]
            self._dies.structure(name, name, 2 * _WORD, members)
        return name

    def func(self) -> Key:
        """A func value: a pointer to a closure, which begins with the pc of its code."""
        if _CODE not in self._dies.places:
            self._dies.structure(_CODE, _CODE, _WORD, [Member("fn", _POINTER, 0)])
        return self._dies.pointer_to(_CODE, "*" + _CODE)

    def chan(self, elem: Maybe[Type]) -> Key:
        """*hchan<T>."""
        if isinstance(elem, Absent):
            return _POINTER
        name, data = self._names.of(elem), self.data_of(elem)
        sudog, waitq, hchan = (f"{each}<{name}>" for each in ("sudog", "waitq", "hchan"))
        if hchan not in self._dies.places:
            waiting = self._dies.pointer_to(sudog, f"*{sudog}")
            nested = {"elem.vp": data} if "elem.vp" in self._layout.struct("runtime.sudog") else {"elem": data}
            self._record(sudog, "runtime.sudog", {**nested, "next": waiting, "prev": waiting})
            self._record(waitq, "runtime.waitq", {"first": waiting, "last": waiting})
            self._record(hchan, "runtime.hchan", {"buf": data, "recvq": waitq, "sendq": waitq})
        return self._dies.pointer_to(hchan, f"*{hchan}")

    def map(self, t: Type) -> Key:
        """*map<K,V>, or *hash<K,V> up to Go 1.23."""
        slots, key, elem = t.map_layout, t.key, t.elem
        if isinstance(slots, Absent) or isinstance(key, Absent) or isinstance(elem, Absent):
            return _POINTER
        arguments = f"<{self._names.of(key)},{self._names.of(elem)}>"
        name = ("map" if slots.swiss else "hash") + arguments
        if name not in self._dies.places:
            if slots.swiss:
                self._swiss(arguments, slots)
            else:
                self._hash(arguments, slots, key, elem)
        return self._dies.pointer_to(name, f"*{name}")

    def _swiss(self, arguments: str, slots: MapLayout) -> None:
        groups, table = "groupReference" + arguments, "table" + arguments
        group = slots.group
        data = _POINTER if isinstance(group, Absent) else self.data_of(group)
        self._record(groups, "internal/runtime/maps.groupsReference", {"data": data})
        self._record(table, "internal/runtime/maps.table", {"groups": groups})
        directory = self._dies.pointer_to(self._dies.pointer_to(table, f"*{table}"), f"**{table}")
        self._record("map" + arguments, "internal/runtime/maps.Map", {"dirPtr": directory})

    def _hash(self, arguments: str, slots: MapLayout, key: Type, elem: Type) -> None:
        bucket = "bucket" + arguments
        members = [Member("tophash", self.bytes(slots.keys_offset), 0)]
        for name, kind, indirect, stride, offset in (
            ("key", key, slots.indirect_key, slots.key_stride, slots.keys_offset),
            ("val", elem, slots.indirect_elem, slots.elem_stride, slots.elems_offset),
        ):
            array = f"[]{name}<{self._names.of(kind)}>"
            if array not in self._dies.places:
                held = self.data_of(kind) if indirect else kind
                self._dies.array(array, array, _SLOTS * stride, held, _SLOTS)
            members.append(Member("keys" if name == "key" else "values", array, offset))
        more = self._dies.pointer_to(bucket, f"*{bucket}")
        members.append(Member("overflow", more, slots.group_size - _WORD))
        self._dies.structure(bucket, bucket, slots.group_size, members)
        self._record("hash" + arguments, "runtime.hmap", {"buckets": more, "oldbuckets": more})

    def _record(self, name: str, record: str, special: Dict[str, Key]) -> None:
        """The structure `record` of the layout under another name, some of its fields with types that are known."""
        if name in self._dies.places:
            return
        try:
            known = self._layout.struct(record)
        except LayoutError:
            self._dies.structure(name, name, 0, [])
            return
        self._dies.structure(name, name, known.size, self._members(name, known, special))

    def _members(self, name: str, record: Struct, special: Dict[str, Key]) -> List[Member]:
        members: List[Member] = []
        for field, place in sorted(record.fields.items(), key=lambda item: item[1].offset):
            if "." in field:
                continue
            kind: Optional[Key] = special.get(field)
            if kind is None:
                kind = self._nested(f"{name}.{field}", record, field, special) or _kind_of(field, place)
            members.append(Member(field, kind if kind is not None else self.bytes(place.size), place.offset))
        return members

    def _nested(self, name: str, record: Struct, field: str, special: Dict[str, Key]) -> Optional[Key]:
        """The structure in a structure, as far as the layout has its fields."""
        start, prefix = record.offset(field), field + "."
        inner = {
            each[len(prefix) :]: Field(place.offset - start, place.size)
            for each, place in record.fields.items()
            if each.startswith(prefix)
        }
        if not inner:
            return None
        known = {each[len(prefix) :]: kind for each, kind in special.items() if each.startswith(prefix)}
        within = Struct(name, record.field(field).size, inner)
        self._dies.structure(name, name, within.size, self._members(name, within, known))
        return name


def _kind_of(field: str, place: Field) -> Optional[Key]:
    """A type for a field that is a number or a pointer."""
    return _WORDS.get(field) if place.size == _WORD and field in _WORDS else _BY_SIZE.get(place.size)
