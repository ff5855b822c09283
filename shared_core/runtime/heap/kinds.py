"""What an object can turn out to be, and where a value of a type leads to: the pointers in it and what they promise.

Sources: Go 1.27 runtime/runtime2.go (eface, iface, funcval), runtime/chan.go (hchan), internal/runtime/maps/{map,
table}.go; Go 1.23 runtime/map.go (hmap).
"""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Tuple

from ...binary.types import Type, Types
from ...errors import Absent
from .headers import flags
from .span import WORD

_MAX_STEPS = 1 << 12  # pointers in one type; what comes later leads nowhere
_MAX_DEPTH = 32

# What the word of a Step is.
POINTER, SLICE, STRING, EFACE, IFACE, FUNC = range(6)
# Kinds whose contents are not those of a type.
PLAIN, ARRAY, MAP, TABLE, DIRECTORY, CLOSURE, BYTES = "", "array", "map", "table", "directory", "closure", "bytes"


class Kind(NamedTuple):
    """form ARRAY: as many values of `type` as fit; MAP: the header of a map of `type`, and so on; name: as shown.

    size: of one value in bytes; unit: as HeaderType.unit, None where it is not compared.
    """

    name: str
    type: Optional[Type]
    form: str
    size: int
    unit: Optional[bytes]


class Step(NamedTuple):
    """A word of a value, at this offset in words; kind: the number of what it points to, where its type tells."""

    offset: int
    what: int
    kind: int


class Kinds:
    """Numbers the kinds of one program from 1; 0 stands for what is not known."""

    def __init__(self, types: Types) -> None:
        self.types = types
        self.all: List[Kind] = [Kind("", None, PLAIN, 0, None)]
        self._numbers: Dict[Tuple[object, str], int] = {}
        self._steps: Dict[int, Tuple[Step, ...]] = {}
        layout = types.records.layout
        self._map_size = layout.struct(
            "internal/runtime/maps.Map" if "internal/runtime/maps.Map" in layout.structs else "runtime.hmap"
        ).size

    def of(self, kind: Type, form: str = PLAIN) -> int:
        """The number of a type's values, arrays (ARRAY), or maps' parts; 0 for what no object can be."""
        key = (kind.address, form)
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = self._add(kind, form)
        return found

    def named(self, name: str, form: str, size: int = 0, unit: Optional[bytes] = None) -> int:
        """The number of what has no type."""
        key = (name, form)
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.all)
            self.all.append(Kind(name, None, form, size, unit))
        return found

    def _add(self, kind: Type, form: str) -> int:
        if form in (PLAIN, ARRAY):
            mask = kind.pointer_mask
            if not kind.size or isinstance(mask, Absent):
                return 0
            unit = flags(mask, kind.size // WORD) if kind.size % WORD == 0 else b"" if not mask else None
            self.all.append(Kind(f"[...]{kind.name}" if form else kind.name, kind, form, kind.size, unit))
        else:
            names = {MAP: kind.name, TABLE: f"table of {kind.name}", DIRECTORY: f"tables of {kind.name}"}
            self.all.append(Kind(names[form], kind, form, self._map_size if form == MAP else 0, None))
        return len(self.all) - 1

    def steps(self, kind: Type) -> Tuple[Step, ...]:
        """The pointers in a value of the type, ascending."""
        found = self._steps.get(kind.address)
        if found is None:
            self._steps[kind.address] = ()
            gathered: List[Step] = []
            self._gather(kind, 0, gathered, 0)
            found = self._steps[kind.address] = tuple(gathered)
        return found

    def _gather(self, t: Type, at: int, into: List[Step], depth: int) -> None:
        """Appends the steps of a value at byte `at`."""
        if not t.ptrdata or len(into) > _MAX_STEPS or depth > _MAX_DEPTH or at % WORD:
            return
        word, kind = at // WORD, t.kind
        if kind == "Struct":
            fields = t.fields
            for field in () if isinstance(fields, Absent) else fields:
                if not isinstance(field.type, Absent):
                    self._gather(field.type, at + field.offset, into, depth + 1)
        elif kind == "Array":
            elem, length = t.elem, t.length
            if not isinstance(elem, Absent) and not isinstance(length, Absent):
                for i in range(min(length, _MAX_STEPS)):
                    self._gather(elem, at + i * elem.size, into, depth + 1)
        elif kind in ("String", "Func"):
            into.append(Step(word, STRING if kind == "String" else FUNC, 0))
        elif kind == "Interface":
            methods = t.interface_methods
            into.append(Step(word, EFACE if not isinstance(methods, Absent) and not methods else IFACE, 0))
        elif kind == "Map":
            into.append(Step(word, POINTER, self.of(t, MAP)))
        elif kind in ("Pointer", "Slice"):
            elem = t.elem
            if not isinstance(elem, Absent):
                number = self.of(elem, ARRAY if kind == "Slice" else PLAIN)
                into.append(Step(word, SLICE if kind == "Slice" else POINTER, number))
        elif kind == "Chan":
            number = self.channel()
            if number:
                into.append(Step(word, POINTER, number))

    def channel(self) -> int:
        """Of runtime.hchan, by its own descriptor; the element's type is in it."""
        found = self.types.find("runtime.hchan")
        return self.of(found[0]) if found else 0
