"""What follows the header of a descriptor: fields, parameters, methods, and how maps lay out their slots.

Source: Go 1.27 internal/abi/type.go, map.go; Go 1.23 internal/abi/type.go (MapType, OldMapType later).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Iterator, List, NamedTuple, Optional, Tuple

from ...errors import NOT_APPLICABLE, NOT_RECORDED, UNPARSABLE, Absent, Maybe, ReadError
from .records import WORD

if TYPE_CHECKING:
    from .descriptor import Type

_VARIADIC = 1 << 15
_NOWHERE = (1 << 32) - 1  # the linker's mark for what nothing reaches (cmd/link/internal/ld/data.go, relocsym)
DIRECTIONS = {1: "receive", 2: "send", 3: "both"}


class Field(NamedTuple):
    """A field of a struct; offset in bytes. An embedded one goes by the name of its type."""

    name: Maybe[str]
    type: Maybe[Type]
    offset: int
    tag: str
    embedded: bool
    exported: bool


class Signature(NamedTuple):
    """Of a func type, without receiver; the last parameter of a variadic one is a slice."""

    params: Tuple[Maybe[Type], ...]
    results: Tuple[Maybe[Type], ...]
    variadic: bool


class Method(NamedTuple):
    """A method of a defined type or of a pointer to it. type: without the receiver.

    ifn: the pc that interfaces call, with the receiver in one word; tfn: that of the method itself. Absent where the
    linker saw that nothing calls it.
    """

    name: Maybe[str]
    exported: bool
    type: Maybe[Type]
    ifn: Maybe[int]
    tfn: Maybe[int]


class InterfaceMethod(NamedTuple):
    """What an interface asks for. pkg_path: whose name it is where it is not exported, None where that is unknown."""

    name: Maybe[str]
    exported: bool
    type: Maybe[Type]
    pkg_path: Optional[str]


def array_length(t: Type) -> Maybe[int]:
    (length,) = t.numbers("ArrayType", ("Len",))
    elem = t.elem
    if not isinstance(elem, Absent) and elem.size * length != t.size:
        return Absent(UNPARSABLE, f"{length} elements of {elem.size} bytes are no array of {t.size}")
    return length


def chan_direction(t: Type) -> Maybe[str]:
    (number,) = t.numbers("ChanType", ("Dir",))
    found = DIRECTIONS.get(number)
    return Absent(UNPARSABLE, f"{number} is no direction") if found is None else found


def fields(t: Type) -> Maybe[Tuple[Field, ...]]:
    """All fields, in the order of the declaration."""
    start, count = slice_of(t, "StructType", "Fields")
    reader = t.types.records.reader("StructField", ("Name", "Typ", "Offset"))
    data = t.types.read(start, reader.size * count)
    found = []
    for at in range(0, reader.size * count, reader.size):
        name_at, type_at, offset = reader.unpack.unpack_from(data, at)
        kind = t.types.at(type_at)
        if offset + (0 if isinstance(kind, Absent) else kind.size) > t.size:
            return Absent(UNPARSABLE, f"a field at {offset} is outside of the {t.size} bytes")
        name = t.types.name(name_at)
        if name is None:
            found.append(Field(_no_name(name_at), kind, offset, "", False, False))
        else:
            found.append(Field(name.text, kind, offset, name.tag, name.embedded, name.exported))
    return tuple(found)


def signature(t: Type) -> Signature:
    given, returned = t.numbers("FuncType", ("InCount", "OutCount"))
    count = returned & ~_VARIADIC
    words = t.types.read(t.after_uncommon, WORD * (given + count))
    kinds = tuple(t.types.at(at) for (at,) in struct.iter_unpack("<Q", words))
    return Signature(kinds[:given], kinds[given:], bool(returned & _VARIADIC))


def interface_methods(t: Type) -> Tuple[InterfaceMethod, ...]:
    """Sorted by name, exported ones first."""
    start, count = slice_of(t, "InterfaceType", "Methods")
    reader = t.types.records.reader("Imethod", ("Name", "Typ"))
    data, section = t.types.read(start, reader.size * count), t.types.section(start) or t.section
    (own_path,) = t.numbers("InterfaceType", ("PkgPath",))
    own, found = t.types.name(own_path) if own_path else None, []
    for at in range(0, reader.size * count, reader.size):
        name_off, type_off = reader.unpack.unpack_from(data, at)
        name, kind = section.name(section.start + name_off), t.types.at_offset(section, type_off)
        if name is None:
            found.append(InterfaceMethod(_no_name(section.start + name_off), False, kind, None))
            continue
        path = own.text if own is not None else None
        if name.pkg_path:
            path = section.text(section.start + name.pkg_path)
        found.append(InterfaceMethod(name.text, name.exported, kind, None if name.exported else path))
    return tuple(found)


def uncommon(t: Type) -> Optional[Tuple[int, int, int, int]]:
    """(package path offset, methods, exported methods, their offset from here); None for a type without."""
    if not t.header.tflag & t.types.records.uncommon:
        return None
    reader = t.types.records.reader("UncommonType", ("PkgPath", "Mcount", "Xcount", "Moff"))
    path, methods, exported, offset = reader.unpack.unpack_from(t.section.read(t.base_end, reader.size))
    return path, methods, exported, offset


def methods(t: Type) -> Tuple[Method, ...]:
    """Sorted by name, exported ones first; () for a type without methods."""
    extra = uncommon(t)
    if extra is None or not extra[1]:
        return ()
    reader = t.types.records.reader("Method", ("Name", "Mtyp", "Ifn", "Tfn"))
    data = t.section.read(t.base_end + extra[3], reader.size * extra[1])
    return tuple(_methods(t, [reader.unpack.unpack_from(data, reader.size * i) for i in range(extra[1])]))


def _methods(t: Type, records: List[Tuple[int, ...]]) -> Iterator[Method]:
    section = t.section
    for name_off, type_off, ifn, tfn in records:
        name = section.name(section.start + name_off)
        text: Maybe[str] = _no_name(section.start + name_off) if name is None else name.text
        exported = name is not None and name.exported
        kind = t.types.at_offset(section, type_off)
        yield Method(text, exported, kind, _code(t, ifn), _code(t, tfn))


def _code(t: Type, offset: int) -> Maybe[int]:
    """runtime's textOff: the pc at an offset of the module's text."""
    if offset == _NOWHERE:
        return Absent(NOT_RECORDED, "nothing calls it, and the linker left it out")
    module = t.section.module
    pc = module.text_address(offset)
    return pc if module.minpc <= pc < module.maxpc else Absent(UNPARSABLE, f"{pc:#x} is outside of the text")


def slice_of(t: Type, name: str, field: str) -> Tuple[int, int]:
    """(address, length) of a slice in the descriptor; ReadError for one that its section cannot hold."""
    record = t.types.records.layout.struct(f"internal/abi.{name}")
    # A slice header is {ptr, len, cap} in every version.
    start, length, capacity = struct.unpack("<QQQ", t.section.read(t.address + record.offset(field), 3 * WORD))
    if length != capacity or length > t.section.end - t.section.start:
        raise ReadError(start, length)
    return start, length


def _no_name(address: int) -> Absent:
    return Absent(UNPARSABLE, f"{address:#x} is no name")


def not_of(t: Type, what: str) -> Absent:
    return Absent(NOT_APPLICABLE, f"a {t.kind} has no {what}")
