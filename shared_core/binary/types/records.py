"""Descriptors as bytes: where the parts of each kind are, and what a descriptor must be like to be one.

Source: Go 1.27 internal/abi/type.go (Type, Uncommon, DescriptorSize); the offsets come from the layout.
"""

from __future__ import annotations

import struct
from typing import Dict, NamedTuple, Sequence, Tuple

from ...errors import LayoutError
from ...layouts.model import Layout
from ..elf import Buffer

WORD = 8
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
# How the name of an unnamed type of a kind begins.
_BEGINNINGS = {
    "Pointer": ("*",), "Slice": ("[]",), "Array": ("[",), "Map": ("map[",), "Func": ("func(",),
    "Chan": ("chan ", "<-chan ", "chan<- "), "Interface": ("interface {",),
    # The compiler's own structures for maps are not named like others.
    "Struct": ("struct {", "map.", "noalg.map."),
}  # fmt: skip
_ALIGNS = frozenset((1, 2, 4, 8, 16, 32, 64))
_HEADER = (
    *("Size_", "PtrBytes", "Hash", "TFlag", "Align_", "FieldAlign_", "Kind_", "Equal", "GCData", "Str", "PtrToThis"),
)


class Header(NamedTuple):
    """internal/abi.Type as it is. name_off, ptr_to_this: offsets from the start of the section, as unsigned numbers."""

    size: int
    ptrdata: int
    hash: int
    tflag: int
    align: int
    field_align: int
    kind_byte: int
    equal: int
    gcdata: int
    name_off: int
    ptr_to_this: int


class Reader(NamedTuple):
    """The named integer fields of a record of `size` bytes."""

    size: int
    unpack: struct.Struct


class Records:
    """What the layout says of descriptors. LayoutError where it lacks what no type can do without."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        kinds, flags = layout.enums["kinds"], layout.numbers("tflags")
        # Up to Go 1.25 the kind shared its byte with flags; where no mask is known it has the byte for itself.
        mask = layout.constants.get("kind_mask", 0xFF)
        known = mask | layout.constants.get("kind_direct_iface", 0) | layout.constants.get("kind_gc_prog", 0)
        self.kinds = [kinds.get(byte & mask, "") if not byte & ~known else "" for byte in range(256)]
        self.gc_prog = layout.constants.get("kind_gc_prog", 0) if "kind_mask" in layout.constants else 0
        self.uncommon, self.extra_star, self.named = (flags[name] for name in ("uncommon", "extra_star", "named"))
        self.on_demand = flags.get("gc_mask_on_demand", 0)
        self.flags_end = 2 * max(flags.values())
        self._direct_flag = flags.get("direct_iface", 0)
        self._direct_kind = 0 if self._direct_flag else layout.constants.get("kind_direct_iface", 0)
        self.header_size = layout.struct("internal/abi.Type").size
        self._header = layout.struct("internal/abi.Type").unpacker(_HEADER)
        self._readers: Dict[Tuple[str, Sequence[str]], Reader] = {}
        self._bases = {kind: self._size(name) for kind, name in _SHAPED.items()}
        self.uncommon_size = self._size("internal/abi.UncommonType")

    def _size(self, name: str) -> int:
        try:
            return self.layout.struct(name).size
        except LayoutError:
            return 0

    def base(self, kind: str) -> int:
        """Bytes of a descriptor of this kind before its uncommon part; LayoutError if the layout does not tell."""
        size = self._bases.get(kind, self.header_size)
        if not size:
            raise LayoutError(f"{_SHAPED[kind]} is not in the layout for go{self.layout.go} {self.layout.arch}")
        return size

    def header(self, data: Buffer) -> Header:
        return Header._make(self._header.unpack_from(data))

    def reader(self, name: str, fields: Tuple[str, ...]) -> Reader:
        """How to read these fields of internal/abi's structure `name`; LayoutError if the layout lacks one."""
        found = self._readers.get((name, fields))
        if found is None:
            record = self.layout.struct(f"internal/abi.{name}")
            found = self._readers[name, fields] = Reader(record.size, record.unpacker(fields))
        return found

    def is_direct(self, header: Header) -> bool:
        """Whether a value of the type is itself the data word of an interface."""
        return bool(header.tflag & self._direct_flag or header.kind_byte & self._direct_kind)


def why_no_header(kind: str, header: Header) -> str:
    """Why these numbers cannot be those of a type, "" when they can."""
    size, ptrdata = header.size, header.ptrdata
    if not kind:
        return "it is of no kind"
    if size != _SIZES.get(kind, size) or ptrdata > size or ptrdata % WORD:
        return f"a {kind} of {size} bytes with pointers in {ptrdata}"
    if header.align not in _ALIGNS or header.field_align not in _ALIGNS or size % header.align:
        return f"a {kind} of {size} bytes aligned to {header.align}"
    return ""


def named_like(kind: str, name: str) -> bool:
    """Whether an unnamed type of this kind can have this name."""
    beginnings = _BEGINNINGS.get(kind)
    return beginnings is None or name.startswith(beginnings)
