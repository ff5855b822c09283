"""Itabs: a concrete type as seen through an interface, with the code of each of the interface's methods.

Source: Go 1.27 internal/abi/iface.go (ITab), runtime/iface.go (itabInit, addModuleItabs), cmd/link/internal/ld/data.go
(the order of type symbols); Go 1.26 runtime/iface.go (itablinks).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Iterator, NamedTuple, Tuple

from ...errors import NOT_RECORDED, UNPARSABLE, UNREADABLE, Absent, Maybe, ReadError
from .records import WORD
from .section import Section

if TYPE_CHECKING:
    from .descriptor import Type
    from .program import Types

_MAX_ITABS = 1 << 20


class Itab(NamedTuple):
    """internal/abi.ITab. entries: for each of the interface's methods, in its order, where the code begins.

    0 as an entry: the linker saw that nothing calls it; as the only one: `type` does not implement `interface`.
    """

    address: int
    interface: Type
    type: Type
    entries: Tuple[int, ...]

    def entry(self, number: int) -> Maybe[int]:
        """Where the interface's method of this number begins."""
        found = self.entries[number]
        return found or Absent(NOT_RECORDED, "nothing calls it, and the linker left it out")


def read_itab(types: Types, address: int) -> Maybe[Itab]:
    """The itab at `address`, wherever it is: the linker makes some, getitab allocates the others."""
    kind = types.records.layout.struct("internal/abi.ITab")
    try:
        head = types.read(address, kind.size)
        inter, concrete = (struct.unpack_from("<Q", head, kind.offset(name))[0] for name in ("Inter", "Type"))
        interface, actual = types.at(inter), types.at(concrete)
        if isinstance(interface, Absent) or isinstance(actual, Absent):
            return Absent(UNPARSABLE, f"{address:#x} is no itab: it does not name two types")
        number = struct.unpack_from("<I", head, kind.offset("Hash"))[0]
        methods = interface.interface_methods
        # Those that getitab makes have none: no type switch looks at them.
        fits = number == actual.hash or (number == 0 and not _in_sections(types, address))
        if isinstance(methods, Absent) or not methods or actual.kind == "Interface" or not fits:
            return Absent(UNPARSABLE, f"{address:#x} is no itab: its types and its hash do not fit")
        entries = struct.unpack(f"<{len(methods)}Q", types.read(address + kind.offset("Fun"), WORD * len(methods)))
        return Itab(address, interface, actual, tuple(0 if at in types.unreachable else at for at in entries))
    except ReadError as error:
        return Absent(UNREADABLE, str(error))


def _in_sections(types: Types, address: int) -> bool:
    return any(section.module.image.contains(address) for section in types.sections)


def itab_places(types: Types, section: Section) -> Iterator[int]:
    """Where the linker put the itabs of a module; ends where they cannot be read."""
    fields = section.module.fields
    try:
        if "itabsize" in fields:
            yield from _laid_out(types, section)
        else:
            count = min(fields.get("itablinks.len", 0), _MAX_ITABS)
            yield from struct.unpack(f"<{count}Q", types.read(fields["itablinks.ptr"], WORD * count))
    except (ReadError, KeyError):
        return


def _laid_out(types: Types, section: Section) -> Iterator[int]:
    """Go 1.27: one after the other behind the descriptors."""
    fields = section.module.fields
    at = section.start + fields["itaboffset"]
    end = min(at + fields["itabsize"], section.end)
    first = types.records.layout.struct("internal/abi.ITab").offset("Fun")
    while at < end:
        yield at
        found = types.itab(at)
        at += first + WORD * len(found.entries) if isinstance(found, Itab) else WORD
