"""Types by the addresses that malloc headers and mspan.largeType have: what of them the collector goes by.

Sources: Go 1.27 internal/abi/type.go (Type), runtime/type.go (getGCMask, getGCMaskOnDemand); Go 1.22
runtime/mbitmap_allocheaders.go (materializeGCProg: a stand-in type with the unrolled mask).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Dict, NamedTuple, Optional

from ...binary.types import Type, Types
from ...errors import UNPARSABLE, UNREADABLE, Absent, Maybe, ReadError
from .span import WORD

if TYPE_CHECKING:
    from ...session import Session

_MAX_SIZE = 1 << 32
_MAX_WORDS = 1 << 24
_FIELDS = ("Size_", "PtrBytes", "TFlag", "GCData")
_TO_FLAGS = bytes(48) + b"\0\1" + bytes(206)  # "0" and "1" of a number in binary


def flags(bits: int, count: int) -> bytes:
    """The lowest `count` bits as bytes that are 0 or 1, the lowest first."""
    return format(bits & (1 << count) - 1 | 1 << count, "b")[:0:-1].encode().translate(_TO_FLAGS)


class HeaderType(NamedTuple):
    """unit: a byte for each word of a value, 1 where it may be a pointer. type: None for one that is in no module's
    tables, such as those that reflect makes."""

    address: int
    size: int
    unit: bytes
    type: Optional[Type]

    def tiled(self, words: int) -> bytes:
        """The same for `words` words full of such values, the last cut."""
        return (self.unit * (words // len(self.unit) + 1))[:words]


class HeaderTypes:
    """Reads each type once."""

    def __init__(self, session: Session, types: Types) -> None:
        self._memory = session.memory
        self.types = types
        kind = session.layout.struct("internal/abi.Type")
        self._kind, self._unpack = kind, kind.unpacker(sorted(_FIELDS, key=kind.offset)).unpack_from
        self._names = sorted(_FIELDS, key=kind.offset)
        self._on_demand = session.layout.numbers("tflags").get("gc_mask_on_demand", 0)
        self._known: Dict[int, Maybe[HeaderType]] = {}

    def at(self, address: int) -> Maybe[HeaderType]:
        """The type at `address`; Absent for what is none."""
        found = self._known.get(address)
        if found is None:
            found = self._known[address] = self._read(address)
        return found

    def _read(self, address: int) -> Maybe[HeaderType]:
        known = self.types.at(address)
        if not isinstance(known, Absent):
            mask = known.pointer_mask
            if isinstance(mask, Absent) or not known.size or known.size % WORD:
                return mask if isinstance(mask, Absent) else Absent(UNPARSABLE, f"{known.name} holds no pointers")
            return HeaderType(address, known.size, flags(mask, known.size // WORD), known)
        if self.types.section(address) is not None:
            return known
        try:
            return self._foreign(address)
        except (ReadError, struct.error) as error:
            return Absent(UNREADABLE, f"its type cannot be read: {error}")

    def _foreign(self, address: int) -> Maybe[HeaderType]:
        """A type outside the modules: its mask lies where GCData says, or is made when it is first asked for."""
        values = dict(zip(self._names, self._unpack(*self._memory.locate(address, self._kind.size))))
        size, pointers, data = values["Size_"], values["PtrBytes"], values["GCData"]
        words = pointers // WORD
        if not 0 < pointers <= size < _MAX_SIZE or pointers % WORD or size % WORD or words > _MAX_WORDS:
            return Absent(UNPARSABLE, f"there is no type at {address:#x}")
        if values["TFlag"] & self._on_demand:
            data = self._memory.u64(data)
            if not data:
                return Absent(UNPARSABLE, f"the type at {address:#x} has no pointer mask yet")
        mask = int.from_bytes(self._memory.read(data, (words + 7) // 8), "little") & (1 << words) - 1
        return HeaderType(address, size, flags(mask, size // WORD), None)
