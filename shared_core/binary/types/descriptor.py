"""One type descriptor: its header is checked when it is made, the rest is decoded when it is asked for."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, Tuple, TypeVar

from ...errors import NOT_APPLICABLE, NOT_RECORDED, UNPARSABLE, UNREADABLE, Absent, LayoutError, Maybe, ReadError
from . import parts
from .maps import MapLayout, map_layout
from .masks import pointer_mask
from .qualified import qualified
from .records import Header
from .section import Section

if TYPE_CHECKING:
    from .program import Types

_ELEMENT = {"Array": "ArrayType", "Chan": "ChanType", "Map": "MapType", "Pointer": "PtrType", "Slice": "SliceType"}
_SHAPE = "go.shape."
_WORDS = {"Pointer": "ptr", "UnsafePointer": "unsafe.Pointer"}
P = TypeVar("P")


def kind_word(kind: str) -> str:
    """As reflect's Kind.String has it: "ptr", "unsafe.Pointer", "struct"."""
    return _WORDS.get(kind, kind.lower())


class Type:
    """internal/abi.Type and what belongs to it. One object per address, so types of a program compare by identity.

    name: as reflect's String has it ("*main.server"), packages by their last element.
    kind: in reflect's words ("Pointer").

    What a kind does not have, and what cannot be read, is Absent.
    """

    __slots__ = ("_cache", "address", "header", "kind", "name", "section", "types")

    def __init__(self, types: Types, section: Section, address: int, header: Header, kind: str, name: str) -> None:
        self.types = types
        self.section = section
        self.address = address
        self.header = header
        self.kind = kind
        self.name = name
        self._cache: Optional[Dict[str, Any]] = None

    def __repr__(self) -> str:
        return f"<Type {self.name} {self.address:#x}>"

    @property
    def cache(self) -> Dict[str, Any]:
        """What has been decoded so far, by name: most types are never asked for more than they have here."""
        if self._cache is None:
            self._cache = {}
        return self._cache

    @property
    def size(self) -> int:
        """Of a value, in bytes."""
        return self.header.size

    @property
    def ptrdata(self) -> int:
        """How many bytes at the start of a value may hold pointers."""
        return self.header.ptrdata

    @property
    def hash(self) -> int:
        return self.header.hash

    @property
    def align(self) -> int:
        return self.header.align

    @property
    def field_align(self) -> int:
        return self.header.field_align

    @property
    def named(self) -> bool:
        """Whether it is a defined type, or a basic one."""
        return bool(self.header.tflag & self.types.records.named)

    @property
    def comparable(self) -> bool:
        """Whether == may be asked of two values; it may still panic over what interfaces in them hold."""
        return self.header.equal != 0

    @property
    def direct(self) -> bool:
        """Whether the data word of an interface is the value itself, not a pointer to it."""
        return self.types.records.is_direct(self.header)

    @property
    def pkg_path(self) -> Maybe[str]:
        """The import path of the package that defines it; Absent where the descriptor has no uncommon part."""
        return self._part("pkg_path", self._pkg_path)

    def _pkg_path(self) -> Maybe[str]:
        extra = parts.uncommon(self)
        if extra is None or not extra[0]:
            return Absent(NOT_APPLICABLE, "a type of no package")
        path = self.section.text(self.section.start + extra[0])
        return Absent(UNPARSABLE, f"the package of {self.name} has no name") if path is None else path

    @property
    def bare_name(self) -> str:
        """Of a named type its name without the package, with its type arguments; "" for others (reflect's Name)."""
        if not self.named:
            return ""
        # Packages' names have no dots; that of the compiler's stand-ins for type arguments has one.
        if self.name.startswith(_SHAPE):
            return self.name[len(_SHAPE) :]
        package, _, bare = self.name.partition(".")
        return bare or package

    @property
    def full_name(self) -> Maybe[str]:
        """Its name with whole import paths ("*example.com/shop/order.Line"), as DWARF and the linker have it.

        Local types of the same name share it: what tells them apart is not in the descriptor.
        """
        return self._part("full_name", lambda: qualified(self))

    @property
    def elem(self) -> Maybe[Type]:
        """Of an array, channel, map, pointer or slice."""
        return self._part("elem", self._elem)

    def _elem(self) -> Maybe[Type]:
        record = _ELEMENT.get(self.kind)
        return parts.not_of(self, "element") if record is None else self.types.at(*self.numbers(record, ("Elem",)))

    @property
    def key(self) -> Maybe[Type]:
        """Of a map."""
        return self._of("Map", "key", lambda: self.types.at(*self.numbers("MapType", ("Key",))))

    @property
    def length(self) -> Maybe[int]:
        """Of an array."""
        return self._of("Array", "length", lambda: parts.array_length(self))

    @property
    def direction(self) -> Maybe[str]:
        """Of a channel: "both", "send" or "receive"."""
        return self._of("Chan", "direction", lambda: parts.chan_direction(self))

    @property
    def fields(self) -> Maybe[Tuple[parts.Field, ...]]:
        """Of a struct."""
        return self._of("Struct", "fields", lambda: parts.fields(self))

    @property
    def signature(self) -> Maybe[parts.Signature]:
        """Of a func."""
        return self._of("Func", "signature", lambda: parts.signature(self))

    @property
    def interface_methods(self) -> Maybe[Tuple[parts.InterfaceMethod, ...]]:
        """What an interface asks for."""
        return self._of("Interface", "interface methods", lambda: parts.interface_methods(self))

    @property
    def methods(self) -> Maybe[Tuple[parts.Method, ...]]:
        """Its own methods, () for none; those of an interface are its interface_methods."""
        return self._part("methods", lambda: parts.methods(self))

    @property
    def map_layout(self) -> Maybe[MapLayout]:
        """Of a map: how its slots lie."""
        return self._of("Map", "map layout", lambda: map_layout(self))

    @property
    def pointer_to(self) -> Maybe[Type]:
        """*T, where the compiler noted it; there may be a descriptor of it all the same."""
        return self.types.at_offset(self.section, self.header.ptr_to_this)

    @property
    def pointer_mask(self) -> Maybe[int]:
        """Bit i is set when the word at 8*i bytes of a value may be a pointer."""
        return self._part("pointer_mask", lambda: pointer_mask(self))

    @property
    def base_end(self) -> int:
        """Where the uncommon part is, if there is one."""
        return self.address + self.types.records.base(self.kind)

    @property
    def after_uncommon(self) -> int:
        has = self.header.tflag & self.types.records.uncommon
        return self.base_end + (self.types.records.uncommon_size if has else 0)

    def numbers(self, record: str, names: Tuple[str, ...]) -> Tuple[int, ...]:
        """Integer fields of the descriptor as internal/abi's structure `record`."""
        reader = self.types.records.reader(record, names)
        return reader.unpack.unpack_from(self.section.read(self.address, reader.size))

    def _of(self, kind: str, what: str, decode: Callable[[], Maybe[P]]) -> Maybe[P]:
        return self._part(what, decode) if self.kind == kind else parts.not_of(self, what)

    def _part(self, name: str, decode: Callable[[], Maybe[P]]) -> Maybe[P]:
        found: Maybe[P]
        cache = self.cache
        if name in cache:
            found = cache[name]
            return found
        try:
            found = decode()
        except (ReadError, struct.error) as error:
            found = Absent(UNREADABLE, str(error))
        except LayoutError as error:
            found = Absent(NOT_RECORDED, str(error))
        cache[name] = found
        return found
