"""Type descriptors: what the linker left of each Go type that the program may convert to an interface.

Source: Go 1.27 internal/abi/type.go (Type, Name, Uncommon), internal/abi/iface.go (ITab), runtime/type.go (nameOff,
pkgpath), runtime/iface.go (itabHashFunc, itabInit). Names have varint lengths since Go 1.17.
"""

from __future__ import annotations

import struct
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

from ..errors import NOT_APPLICABLE, UNPARSABLE, UNREADABLE, Absent, LayoutError, Maybe, ReadError
from ..layouts.model import Layout
from ..memory import Memory
from .moduledata import Module

_WORD = 8
_MAX_NAME = 1 << 16
_MAX_KNOWN = 1 << 16
# Kinds whose size is the same for all types, in bytes; chan, func and map values are pointers.
_SIZES = {
    **dict.fromkeys(("Bool", "Int8", "Uint8"), 1), **dict.fromkeys(("Int16", "Uint16"), 2),
    **dict.fromkeys(("Int32", "Uint32", "Float32"), 4), **dict.fromkeys(("Int64", "Uint64", "Float64"), 8),
    **dict.fromkeys(("Int", "Uint", "Uintptr", "Complex64", "Pointer", "UnsafePointer", "Chan", "Func", "Map"), 8),
    **dict.fromkeys(("Complex128", "String", "Interface"), 16), "Slice": 24,
}  # fmt: skip
_SHAPED = {
    name: f"internal/abi.{name}Type" for name in ("Array", "Chan", "Func", "Interface", "Map", "Slice", "Struct")
}
_SHAPED["Pointer"] = "internal/abi.PtrType"


class GoType(NamedTuple):
    """internal/abi.Type. name: as reflect's String has it ("*main.server"), packages by their last element.

    kind: in reflect's words ("Pointer"); size and ptrdata (how much of it may hold pointers) in bytes.
    pkg_path: the import path of the package that defines it; Absent where the descriptor has no uncommon part.
    """

    address: int
    name: str
    kind: str
    size: int
    ptrdata: int
    hash: int
    named: bool
    pkg_path: Maybe[str]


class Itab(NamedTuple):
    """internal/abi.ITab: `type` as seen through `interface`; the entries of its methods, as far as they were read."""

    address: int
    interface: GoType
    type: GoType
    first_method: int


class Types:
    """Reads type descriptors by their addresses; what does not look like one in every respect is Absent."""

    def __init__(self, modules: List[Module], memory: Memory, layout: Layout) -> None:
        self._memory = memory
        self._layout = layout
        self._kinds = layout.enums["kinds"]
        self._flags = layout.numbers("tflags")
        # Up to Go 1.25 the kind shared its byte with two flags, where no mask is known it has the byte for itself.
        self._kind_mask = layout.constants.get("kind_mask", 0xFF)
        self._ranges = [_range(module.fields) for module in modules]
        self._known: Dict[int, Maybe[GoType]] = {}

    def at(self, address: int) -> Maybe[GoType]:
        """The type whose descriptor is at `address`; types that reflect made at run time are not found."""
        found = self._known.get(address)
        if found is None:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            found = self._known[address] = self._read(address)
        return found

    def known(self) -> Iterator[GoType]:
        """The types that have been asked for."""
        return (kind for kind in self._known.values() if isinstance(kind, GoType))

    def itab(self, address: int) -> Maybe[Itab]:
        """The itab at `address`, wherever it is: the linker makes some, getitab allocates the others."""
        try:
            kind = self._layout.struct("internal/abi.ITab")
            at = [kind.offset(name) for name in ("Inter", "Type", "Fun")]
            inter, concrete, method = (self._memory.u64(address + offset) for offset in at)
            found = self._memory.u32(address + kind.offset("Hash"))
        except ReadError as error:
            return Absent(UNREADABLE, str(error))
        interface, actual = self.at(inter), self.at(concrete)
        if isinstance(interface, Absent) or isinstance(actual, Absent):
            return Absent(UNPARSABLE, f"{address:#x} is no itab: it does not name two types")
        if interface.kind != "Interface" or actual.kind == "Interface" or found != actual.hash:
            return Absent(UNPARSABLE, f"{address:#x} is no itab: its types and its hash do not fit")
        return Itab(address, interface, actual, method)

    def _read(self, address: int) -> Maybe[GoType]:
        bounds = next((each for each in self._ranges if each[0] <= address < each[1]), None)
        if bounds is None or address % _WORD:
            return Absent(NOT_APPLICABLE, f"{address:#x} is not where the types are")
        try:
            return self._parse(address, bounds)
        except (ReadError, struct.error) as error:
            return Absent(UNREADABLE, str(error))

    def _parse(self, address: int, bounds: Tuple[int, int]) -> Maybe[GoType]:
        record = self._layout.struct("internal/abi.Type")
        names = ("Size_", "PtrBytes", "Hash", "TFlag", "Align_", "FieldAlign_", "Kind_", "Str")
        unpacked = record.unpacker(names).unpack_from(self._memory.read(address, record.size))
        size, ptrdata, number, flags, align, field_align, kind_byte, name_offset = unpacked
        kind = self._kinds.get(kind_byte & self._kind_mask, "")
        wrong = _why_no_type(kind, size, ptrdata, (align, field_align))
        text = self._name(bounds, name_offset)
        if wrong or not text or flags >= 2 * max(self._flags.values()):
            return Absent(UNPARSABLE, f"{address:#x} is no type: {wrong or 'it has no name'}")
        starred = flags & self._flags["extra_star"]
        if starred and (text[0] != "*" or len(text) == 1):
            return Absent(UNPARSABLE, f"{address:#x} is no type: its name {text!r} lacks a star")
        path = self._pkg_path(address, kind, bounds) if flags & self._flags["uncommon"] else None
        name = text[1:] if starred else text
        return GoType(
            address, name, kind, size, ptrdata, number, bool(flags & self._flags["named"]),
            path if path is not None else Absent(NOT_APPLICABLE, "a type of no package"),
        )  # fmt: skip

    def _pkg_path(self, address: int, kind: str, bounds: Tuple[int, int]) -> Maybe[str]:
        """Of the uncommon part, which follows the kind's own structure."""
        try:
            own = self._layout.struct(_SHAPED.get(kind, "internal/abi.Type"))
            offset = self._layout.struct("internal/abi.UncommonType").offset("PkgPath")
        except LayoutError as error:
            return Absent(UNPARSABLE, str(error))
        place = self._memory.u32(address + own.size + offset)
        path = self._name(bounds, place) if place else None
        return path or Absent(NOT_APPLICABLE, "a type of no package")

    def _name(self, bounds: Tuple[int, int], offset: int) -> Optional[str]:
        """abi.Name at `offset` of the module's types: flags, a varint, so many bytes; None if it is none."""
        start, end = bounds
        if not 0 < offset < end - start:
            return None
        at = start + offset
        head = self._memory.read(at, min(5, end - at))
        length = used = 0
        for used, byte in enumerate(head[1:], 1):
            length |= (byte & 0x7F) << 7 * (used - 1)
            if not byte & 0x80:
                break
        else:
            return None
        if head[0] > 0xF or not 0 < length <= min(_MAX_NAME, end - at - used - 1):
            return None
        try:
            return self._memory.read(at + used + 1, length).decode("utf-8")
        except UnicodeDecodeError:
            return None


def _range(fields: Dict[str, int]) -> Tuple[int, int]:
    """(start, end) of the module's types and their names; typedesclen of Go 1.27 covers only some of the types."""
    return fields.get("types", 0), fields.get("etypes", 0)


def _why_no_type(kind: str, size: int, ptrdata: int, aligns: Tuple[int, int]) -> str:
    if not kind:
        return "it is of no kind"
    if size != _SIZES.get(kind, size) or ptrdata > size or ptrdata % _WORD:
        return f"a {kind} of {size} bytes with pointers in {ptrdata}"
    if any(align not in (1, 2, 4, 8, 16, 32, 64) or size % align for align in aligns):
        return f"a {kind} of {size} bytes aligned to {aligns[0]}"
    return ""
