"""Values of Go types read from memory: what an interface holds, fields of structs, what print shows of them.

Source: Go 1.27 runtime/runtime2.go (eface, iface), runtime/error.go (printpanicval), internal/abi/type.go.
"""

from __future__ import annotations

import struct
from typing import Dict, Iterator, NamedTuple, Optional, Tuple

from ..binary.types import Type, Types
from ..errors import NOT_APPLICABLE, UNREADABLE, Absent, Maybe, ReadError
from ..memory import Memory
from .floats import float_text

MAX_TEXT, MAX_ELEMENTS = 4096, 8
_MAX_SIZE = 1 << 16  # of a value that is read at once
_MAX_FIELDS = 256
_INTEGERS = {
    "Int": "q", "Int8": "b", "Int16": "h", "Int32": "i", "Int64": "q", "Uint": "Q", "Uint8": "B", "Uint16": "H",
    "Uint32": "I", "Uint64": "Q", "Uintptr": "Q",
}  # fmt: skip
_FLOATS = {"Float32": "f", "Float64": "d"}
_COMPLEX = {"Complex64": "ff", "Complex128": "dd"}


class Value(NamedTuple):
    """A value with its bytes, the first 64 KiB of them; address: where it lies, None for what is in no memory.

    word: the data word of the interface that it came from, 0 where it came from none.
    """

    type: Type
    data: bytes
    word: int = 0
    address: Optional[int] = None

    def number(self) -> Optional[int]:
        """Of an integer; None of another kind."""
        code = _INTEGERS.get(self.type.kind)
        return None if code is None else int(struct.unpack_from("<" + code, self.data)[0])

    def pointer(self) -> int:
        """The first word."""
        return int(struct.unpack_from("<Q", self.data)[0])


class Values:
    """Reads and shows values of one stopped program; nothing is read that a type does not lead to."""

    def __init__(self, memory: Memory, types: Types) -> None:
        self.memory = memory
        self.types = types

    def at(self, kind: Type, address: int) -> Maybe[Value]:
        """The value of this type that is in memory at `address`."""
        size = min(kind.size, _MAX_SIZE)
        try:
            return Value(kind, self.memory.read(address, size) if size else b"", address=address)
        except ReadError as error:
            return Absent(UNREADABLE, str(error))

    def held(self, descriptor: int, word: int) -> Maybe[Value]:
        """What an eface {type, data} holds."""
        kind = self.types.at(descriptor)
        if isinstance(kind, Absent):
            return kind
        found = Value(kind, struct.pack("<Q", word)[: kind.size]) if kind.direct else self.at(kind, word)
        return found if isinstance(found, Absent) else found._replace(word=word)

    def dynamic(self, value: Value) -> Optional[Maybe[Value]]:
        """What an interface value holds; None for a nil one."""
        first, word = struct.unpack_from("<QQ", value.data)
        if not first:
            return None
        if not value.type.interface_methods:
            return self.held(first, word)
        itab = self.types.itab(first)
        return itab if isinstance(itab, Absent) else self.held(itab.type.address, word)

    def target(self, value: Value) -> Maybe[Value]:
        """What a pointer points to."""
        kind, address = value.type.elem, value.pointer()
        if isinstance(kind, Absent):
            return kind
        return self.at(kind, address) if address else Absent(NOT_APPLICABLE, "a nil pointer")

    def struct_of(self, value: Value) -> Optional[Value]:
        """The value if it is a struct, or the struct that it points to."""
        if value.type.kind == "Struct":
            return value
        found = self.target(value) if value.type.kind == "Pointer" else None
        return found if isinstance(found, Value) and found.type.kind == "Struct" else None

    def fields(self, value: Value) -> Iterator[Tuple[str, Maybe[Value]]]:
        """(name, value) of a struct's fields, as many as are worth a look."""
        fields = value.type.fields
        for field in (() if isinstance(fields, Absent) else fields)[:_MAX_FIELDS]:
            kind = field.type
            if isinstance(kind, Absent):
                yield str(field.name or "?"), kind
            else:
                yield str(field.name or "?"), self.part(value, kind, field.offset)

    def part(self, value: Value, kind: Type, offset: int) -> Maybe[Value]:
        """What lies at an offset of a value; of what was not read with it, it is read now."""
        place = None if value.address is None else value.address + offset
        data = value.data[offset : offset + kind.size]
        if len(data) == kind.size:
            return Value(kind, data, address=place)
        return Absent(UNREADABLE, f"{value.type.name} is cut") if place is None else self.at(kind, place)

    def field_map(self, value: Value) -> Dict[str, Value]:
        """The fields of a struct, or of that which it points to, that can be read; {} for what is neither."""
        found = self.struct_of(value)
        return {name: each for name, each in self.fields(found) if isinstance(each, Value)} if found else {}

    def elements(self, value: Value) -> Iterator[Maybe[Value]]:
        """The first elements of a slice."""
        kind = value.type.elem
        if isinstance(kind, Type):
            start, length, _ = struct.unpack_from("<QQQ", value.data)
            for number in range(min(length, MAX_ELEMENTS)):
                yield self.at(kind, start + number * kind.size)

    def text(self, value: Value, limit: int = MAX_TEXT) -> Maybe[str]:
        """Of a string; bytes that are not UTF-8 as surrogates."""
        if value.type.kind != "String":
            return Absent(NOT_APPLICABLE, f"a {value.type.name} is no string")
        start, length = struct.unpack_from("<QQ", value.data)
        try:
            data = self.memory.read(start, min(length, limit)) if length else b""
        except ReadError as error:
            return Absent(UNREADABLE, str(error))
        return data.decode("utf-8", "surrogateescape") + ("..." if length > limit else "")

    def printed(self, value: Value, short_floats: bool) -> Maybe[str]:
        """printpanicval: what the runtime prints of a value that is no error and no Stringer; no indents."""
        plain = self.basic(value, short_floats)
        name = value.type.name
        if plain is None:
            return f"({name}) {value.word:#x}"
        if isinstance(plain, Absent) or name == value.type.kind.lower():
            return plain
        if value.type.kind == "String":
            return f'{name}("{plain}")'
        return name + (plain if plain.startswith("(") else f"({plain})")

    def basic(self, value: Value, short_floats: bool) -> Optional[Maybe[str]]:
        kind = value.type.kind
        if kind == "String":
            return self.text(value)
        if kind == "Bool":
            return "true" if value.data[0] else "false"
        if kind in _INTEGERS:
            return str(value.number())
        if kind in _FLOATS:
            return float_text(struct.unpack_from("<" + _FLOATS[kind], value.data)[0], kind, short_floats)
        if kind in _COMPLEX:
            real, imaginary = struct.unpack_from("<" + _COMPLEX[kind], value.data)
            half = "Float32" if kind == "Complex64" else "Float64"
            second = float_text(imaginary, half, short_floats)
            return f"({float_text(real, half, short_floats)}{'' if second[0] in '+-' else '+'}{second}i)"
        return None
