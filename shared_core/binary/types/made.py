"""Types of which the program has no descriptor, made of those that it has: []T, *T, [N]T, and the predeclared ones.

Source: Go 1.27 reflect/type.go (SliceOf, PointerTo, ArrayOf), which make descriptors at run time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Optional

from ...errors import Maybe
from .descriptor import Type
from .records import WORD, Header

if TYPE_CHECKING:
    from .program import Types

_MAX_SIZE = 1 << 47
_BASIC = {
    "bool": ("Bool", 1), "int": ("Int", 8), "int8": ("Int8", 1), "int16": ("Int16", 2), "int32": ("Int32", 4),
    "int64": ("Int64", 8), "uint": ("Uint", 8), "uint8": ("Uint8", 1), "uint16": ("Uint16", 2),
    "uint32": ("Uint32", 4), "uint64": ("Uint64", 8), "uintptr": ("Uintptr", 8), "float32": ("Float32", 4),
    "float64": ("Float64", 8), "complex64": ("Complex64", 8), "complex128": ("Complex128", 16),
    "string": ("String", 16), "unsafe.Pointer": ("UnsafePointer", 8),
}  # fmt: skip
ALIASES = {"byte": "uint8", "rune": "int32", "any": "interface {}", "interface{}": "interface {}"}


class MadeType(Type):
    """A Type without a descriptor: its address is 0."""

    __slots__ = ("_made_elem", "_made_length")

    def __init__(
        self, types: Types, kind: str, name: str, size: int, elem: Optional[Type] = None, length: int = 0
    ) -> None:
        header = Header(size, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0)
        super().__init__(types, types.sections[0], 0, header, kind, name)
        self._made_elem, self._made_length = elem, length

    @property
    def elem(self) -> Maybe[Type]:
        return self._made_elem if self._made_elem is not None else super().elem

    @property
    def length(self) -> Maybe[int]:
        return self._made_length if self.kind == "Array" else super().length

    @property
    def named(self) -> bool:
        return self.kind not in ("Pointer", "Slice", "Array")

    @property
    def direct(self) -> bool:
        return self.kind == "Pointer"


def named(types: Types, name: str) -> List[Type]:
    """The types of this name; where there is no descriptor, one that is made of that of its element.

    [] for what there is none of.
    """
    name = ALIASES.get(name, name)
    found = types.find(name)
    if found or not types.sections:
        return found
    if name in _BASIC:
        kind, size = _BASIC[name]
        return [MadeType(types, kind, name, size)]
    if name.startswith("*"):
        return [MadeType(types, "Pointer", f"*{each.name}", WORD, each) for each in named(types, name[1:])]
    if name.startswith("[]"):
        return [MadeType(types, "Slice", f"[]{each.name}", 3 * WORD, each) for each in named(types, name[2:])]
    length, closed, rest = name[1:].partition("]")
    if name.startswith("[") and closed and length.isdecimal() and len(length) < 16:
        count = int(length)
        return [
            MadeType(types, "Array", f"[{count}]{each.name}", count * each.size, each, count)
            for each in named(types, rest)
            if count * each.size < _MAX_SIZE
        ]
    return []
