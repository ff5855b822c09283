"""A compilation unit with a DWARF type for every type descriptor of a module.

Names, sizes and offsets are those of the linker's own DWARF (Go 1.27 cmd/link/internal/ld/dwarf.go, newtype); func
values alone are pointers here, which they are, where the linker has functions.
"""

from __future__ import annotations

import re
import struct
from typing import Callable, Dict, Iterable, Iterator, List, Set

from ..binary.moduledata import Module
from ..binary.types import Field, Type, Types
from ..errors import Absent, Maybe
from .encode import Strings
from .info import PRODUCER
from .internals import Internals
from .linknames import LinkNames
from .typedies import Dies, Key, Member, Origin
from .typeshapes import TYPES_UNIT

_UNIT = struct.Struct("<IHIBBIIH")
_NAME = "types"
_WORD = 8
_ENCODINGS = {
    "Bool": 2, **dict.fromkeys(("Float32", "Float64"), 4), **dict.fromkeys(("Complex64", "Complex128"), 3),
    **dict.fromkeys(("Int", "Int8", "Int16", "Int32", "Int64"), 5),
    **dict.fromkeys(("Uint", "Uint8", "Uint16", "Uint32", "Uint64", "Uintptr"), 7),
}  # fmt: skip
_MAX_NESTED = 1000  # types of one size within each other
_NO_IDENTIFIER = re.compile(r"[^0-9A-Za-z_]+")
_UNKNOWN: Key = "unsafe.Pointer"


class TypeUnit:
    """The unit, to be the first of .debug_info: what refers to a type gives its offset from the section's start.

    Each defined type has a second name that C can spell ("main_Order"): no debugger's parser takes a dot for a part of
    a type's name.
    """

    def __init__(self, strings: Strings, names: LinkNames, types: Types, module: Module, language: int) -> None:
        self.names, self._module = names, module
        self._start = module.fields.get("types", 0)
        layout = types.records.layout
        self._kinds = layout.numbers("kinds")
        head = _UNIT.pack(0, 4, 0, 8, TYPES_UNIT, strings.add(_NAME), strings.add(PRODUCER), language)
        self._dies = Dies(strings, head)
        self.own = [t for t in types.all() if t.section.module is module]
        self.pointers: Dict[Type, Type] = {}
        for t in self.own:
            if t.kind == "Pointer" and not t.named and isinstance(t.elem, Type):
                self.pointers[t.elem] = t
        self._internals = Internals(self._dies, layout, self.names, self.pointers)
        self._writers: Dict[str, Callable[[Type, str, Origin], None]] = {
            "Array": self._array, "Chan": self._chan, "Func": self._func, "Interface": self._interface,
            "Map": self._map, "Pointer": self._pointer, "Slice": self._slice, "String": self._string,
            "Struct": self._struct, "UnsafePointer": self._bare,
        }  # fmt: skip
        self._identifiers: Dict[str, int] = {}  # with how many types wanted each
        self._write_all()
        self.data = bytes(self._dies.resolve())

    def offset_of(self, t: Type) -> int:
        """Where the entry of `t` is in .debug_info; KeyError for a type of another module that none here leads to."""
        return self._dies.places[t]

    def _write_all(self) -> None:
        seen, pending = 0, self.own
        while pending:
            self._write(pending)
            # Types of other modules, and those that no walk found.
            upto = self._dies.references
            pending = [key for key in dict.fromkeys(self._dies.unresolved(seen)) if isinstance(key, Type)]
            seen = upto
        self._internals.predeclared()

    def _write(self, types: Iterable[Type]) -> None:
        writers, places = self._writers, self._dies.places
        for t in types:
            if t in places:
                continue
            name = self.names.of(t)
            origin = Origin(self._kinds.get(t.kind, 0), self._runtime_type(t))
            writer = writers.get(t.kind)
            if writer is not None:
                writer(t, name, origin)
            else:
                self._dies.base(t, name, _ENCODINGS.get(t.kind, 7), t.size, origin)
            if not t.named:
                continue
            if "." in name:
                self._other_names(t, name)
            else:
                places.setdefault(name, places[t])

    def _runtime_type(self, t: Type) -> int:
        """DW_AT_go_runtime_type: an offset, whatever its form says (cmd/internal/dwarf, DW_CLS_GO_TYPEREF)."""
        return t.address - self._start if t.section.module is self._module else 0

    def _other_names(self, t: Type, name: str) -> None:
        """A type may also be asked for as its package is written in Go, and as C can spell it."""
        others = [self.names.in_go(t)] if "%" in name else []
        others.append(self._identifier(name))
        place = self._dies.places[t]
        for each in others:
            self._dies.typedef(("as", each, place), each, t)

    def _identifier(self, name: str) -> str:
        plain = _NO_IDENTIFIER.sub("_", name)
        plain = f"_{plain}" if plain[:1].isdigit() else plain
        found = plain
        while found in self._identifiers:
            self._identifiers[plain] += 1
            found = f"{plain}_{self._identifiers[plain]}"
        self._identifiers[found] = 1
        return found

    def _defined(self, t: Type, name: str) -> None:
        """What refers to a defined type refers to a typedef of its name, as with the linker (dotypedef)."""
        if t.named:
            self._dies.places[("def", t)] = self._dies.places[t]
            self._dies.typedef(t, name, ("def", t))

    def _array(self, t: Type, name: str, origin: Origin) -> None:
        length, elem = t.length, t.elem
        if isinstance(length, Absent) or isinstance(elem, Absent) or self._is_within(t, elem):
            self._opaque(t, name, origin)
        else:
            self._dies.array(t, name, t.size, elem, length, origin)
        self._defined(t, name)

    def _chan(self, t: Type, name: str, origin: Origin) -> None:
        self._dies.chan(t, name, self._internals.chan(t.elem), t.elem or _UNKNOWN, origin)

    def _func(self, t: Type, name: str, origin: Origin) -> None:
        self._dies.go_typedef(t, name, self._internals.func(), origin)

    def _interface(self, t: Type, name: str, origin: Origin) -> None:
        # One whose methods cannot be read is taken for one that has some.
        empty = t.interface_methods == ()
        self._dies.go_typedef(t, name, self._internals.interface(empty), origin)

    def _map(self, t: Type, name: str, origin: Origin) -> None:
        self._dies.map(t, name, self._internals.map(t), t.key or _UNKNOWN, t.elem or _UNKNOWN, origin)

    def _pointer(self, t: Type, name: str, origin: Origin) -> None:
        elem = t.elem
        if isinstance(elem, Absent) or _leads_back(t, elem):
            self._dies.bare_pointer(t, name, origin)
        else:
            self._dies.pointer(t, name, elem, origin)
        self._defined(t, name)

    def _bare(self, t: Type, name: str, origin: Origin) -> None:
        self._dies.bare_pointer(t, name, origin)

    def _slice(self, t: Type, name: str, origin: Origin) -> None:
        elem = t.elem
        data = _UNKNOWN if isinstance(elem, Absent) else self._internals.data_of(elem)
        members = (Member("array", data, 0), Member("len", "int", _WORD), Member("cap", "int", 2 * _WORD))
        self._dies.slice(t, name, t.size, members, elem or _UNKNOWN, origin)
        self._defined(t, name)

    def _string(self, t: Type, name: str, origin: Origin) -> None:
        members = (Member("str", self._dies.pointer_to("uint8", "*uint8"), 0), Member("len", "int", _WORD))
        self._dies.structure(t, name, t.size, members, origin)
        self._defined(t, name)

    def _struct(self, t: Type, name: str, origin: Origin) -> None:
        fields = t.fields
        if isinstance(fields, Absent):
            self._opaque(t, name, origin)
        else:
            self._dies.structure(t, name, t.size, self._members(t, fields), origin)
        self._defined(t, name)

    def _opaque(self, t: Type, name: str, origin: Origin) -> None:
        self._dies.structure(t, name, t.size, [Member("unknown", self._internals.bytes(t.size), 0)], origin)

    def _members(self, t: Type, fields: Iterable[Field]) -> List[Member]:
        listed = tuple(fields)
        ends = [*(field.offset for field in listed[1:]), t.size]
        members = []
        for field, end in zip(listed, ends):
            name = "unknown" if isinstance(field.name, Absent) else field.name
            members.append(Member(name, self._type_of(t, field, end), field.offset, field.embedded))
        return members

    def _type_of(self, t: Type, field: Field, end: int) -> Key:
        kind = field.type
        if isinstance(kind, Absent) or (kind.kind in ("Struct", "Array") and self._is_within(t, kind)):
            return self._internals.bytes(max(end - field.offset, 0))
        return kind

    def _is_within(self, t: Type, kind: Type) -> bool:
        """Whether a value of `kind`, which is part of one of `t`, has one of `t` in it: damage can say so."""
        if kind.size != t.size and kind.size:
            return False
        seen: Set[Type] = set()
        pending = [kind]
        while pending:
            each = pending.pop()
            if each is t or len(seen) > _MAX_NESTED:
                return True
            if each not in seen:
                seen.add(each)
                pending += [part for part in _parts(each) if part.size == each.size or not part.size or not each.size]
        return False


def _leads_back(t: Type, elem: Maybe[Type]) -> bool:
    """Whether pointers and arrays alone lead from `t` to itself (type P *P): no C type does, and lldb would not end."""
    seen: Set[Type] = set()
    while isinstance(elem, Type) and elem.kind in ("Pointer", "Array") and elem not in seen:
        if elem is t:
            return True
        seen.add(elem)
        elem = elem.elem
    return False


def _parts(t: Type) -> Iterator[Type]:
    """Structures and arrays that a value of `t` consists of."""
    found: List[Maybe[Type]] = []
    if t.kind == "Array":
        found.append(t.elem)
    elif t.kind == "Struct":
        fields = t.fields
        found += [] if isinstance(fields, Absent) else [field.type for field in fields]
    for each in found:
        if isinstance(each, Type) and each.kind in ("Struct", "Array"):
            yield each
